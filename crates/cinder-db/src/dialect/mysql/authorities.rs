//! The authorities that may sign a server's certificate, as one file for the client library.
//!
//! There always is one where a certificate is verified. Without a file MariaDB's library of release
//! 3.4 also takes a certificate that nobody has signed, if the server then proves that it knows the
//! password; that is not what was asked for, and 3.3 knows no such thing.
//!
//! Must not: leave anything on a disk. A directory (`ssl_capath`) cannot be named to the library, so
//! the certificates in it become one file in memory, which goes away with this value.

use std::{fs, io, path::Path};

use crate::url::{MysqlLevel as Level, MysqlTls as Tls};

/// Where distributions keep the authorities of the system: Debian, Fedora, openSUSE, Alpine. Python
/// asks OpenSSL, which knows one of them.
const OF_THE_SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A file of certificates.
pub(super) struct Authorities {
    path: String,
    /// Keeps the memory.
    _memory: Option<fs::File>,
}

impl Authorities {
    /// Those of this protection; nothing if it verifies nothing.
    pub(super) fn of(tls: &Tls) -> Result<Option<Self>, String> {
        match (tls.ca.as_deref(), tls.capath.as_deref()) {
            _ if tls.level < Level::Authority => Ok(None),
            (ca, Some(directory)) => Self::of_directory(ca, directory).map(Some),
            (Some(file), None) => Ok(Some(Self::of_file(file))),
            (None, None) => Self::of_the_system().map(Some),
        }
    }

    fn of_file(path: &str) -> Self {
        Self { path: path.to_owned(), _memory: None }
    }

    fn of_the_system() -> Result<Self, String> {
        let mut all = OF_THE_SYSTEM.iter();
        let found = all.find(|path| Path::new(path).is_file());
        found.map(|path| Self::of_file(path)).ok_or_else(|| {
            let all = OF_THE_SYSTEM.join(", ");
            format!(
                "verification without ssl_ca needs the system's authorities; there is none of {all}"
            )
        })
    }

    /// A file, if any, and a directory.
    fn of_directory(ca: Option<&str>, directory: &str) -> Result<Self, String> {
        let collect = || -> io::Result<Vec<u8>> {
            let mut all = match ca {
                Some(file) => fs::read(file)?,
                None => Vec::new(),
            };
            for file in certificates(Path::new(directory))? {
                all.push(b'\n');
                all.extend(fs::read(file)?);
            }
            Ok(all)
        };
        let all = collect().map_err(|error| format!("ssl_capath {directory:?}: {error}"))?;
        if all.is_empty() {
            return Err(format!(
                "ssl_capath {directory:?} holds no certificate with a hashed name"
            ));
        }
        in_memory(&all)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// Those that OpenSSL would find: eight digits of a hash, a dot and a number.
fn certificates(directory: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let hashed = |name: &str| {
        name.split_once('.').is_some_and(|(hash, number)| {
            hash.len() == 8
                && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if hashed(&entry.file_name().to_string_lossy()) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn in_memory(text: &[u8]) -> Result<Authorities, String> {
    use std::{io::Write as _, os::fd::AsRawFd as _};

    use nix::sys::memfd::{MFdFlags, memfd_create};

    let memory = memfd_create("authorities", MFdFlags::MFD_CLOEXEC).map_err(io::Error::from);
    let mut memory = memory.map(fs::File::from).map_err(|error| error.to_string())?;
    memory.write_all(text).map_err(|error| error.to_string())?;
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    Ok(Authorities { path, _memory: Some(memory) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_becomes_one_file_of_what_openssl_would_find_there() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("0a1b2c3d.0", "one"),
            ("0a1b2c3d.1", "two"),
            ("ca.pem", "not"),
            ("0a1b2c3d.r0", "not"),
        ] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let ca = directory.path().join("ca.pem").display().to_string();
        let place = directory.path().display().to_string();
        let read = |ca: Option<&str>| {
            let made = Authorities::of_directory(ca, &place).unwrap();
            fs::read_to_string(made.path()).unwrap()
        };
        assert_eq!(read(None), "\none\ntwo");
        assert_eq!(read(Some(&ca)), "not\none\ntwo");
        let empty = tempfile::tempdir().unwrap();
        let empty = empty.path().display().to_string();
        assert!(Authorities::of_directory(None, &empty).is_err());
    }
}
