//! The authorities that may sign a server's certificate, as one file for the client library.
//!
//! Must not: leave anything on a disk. A directory (`ssl_capath`) cannot be named to the library, so
//! the certificates in it become one file in memory, which goes away with this value.

use std::{fs, io, path::Path};

/// A file of certificates.
pub(super) struct Authorities {
    path: String,
    /// Keeps the memory.
    _memory: Option<fs::File>,
}

impl Authorities {
    /// Nothing if neither is given.
    pub(super) fn of(ca: Option<&str>, capath: Option<&str>) -> Result<Option<Self>, String> {
        let Some(directory) = capath else {
            return Ok(ca.map(|path| Self { path: path.to_owned(), _memory: None }));
        };
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
        in_memory(&all).map(Some)
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

#[cfg(target_os = "linux")]
fn in_memory(text: &[u8]) -> Result<Authorities, String> {
    use std::{io::Write as _, os::fd::AsRawFd as _};

    use nix::sys::memfd::{MFdFlags, memfd_create};

    let memory = memfd_create("authorities", MFdFlags::MFD_CLOEXEC).map_err(io::Error::from);
    let mut memory = memory.map(fs::File::from).map_err(|error| error.to_string())?;
    memory.write_all(text).map_err(|error| error.to_string())?;
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    Ok(Authorities { path, _memory: Some(memory) })
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &[u8]) -> Result<Authorities, String> {
    Err("ssl_capath needs Linux; name a file with ssl_ca".to_owned())
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
        let read = |ca: Option<&str>, capath: Option<&str>| {
            let made = Authorities::of(ca, capath).unwrap().unwrap();
            fs::read_to_string(made.path()).unwrap()
        };
        assert_eq!(read(None, Some(&place)), "\none\ntwo");
        assert_eq!(read(Some(&ca), Some(&place)), "not\none\ntwo");
        assert_eq!(read(Some(&ca), None), "not");
        let empty = tempfile::tempdir().unwrap();
        assert!(Authorities::of(None, Some(&empty.path().display().to_string())).is_err());
    }
}
