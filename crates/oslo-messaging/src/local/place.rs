//! Where the sockets are: one file per target in one directory, named by topic and server.
//!
//! `TOPIC,SERVER`, both percent-encoded, so that a comma separates and a slash names no directory.
//! A path that no socket address can hold gets hashes in their place; servers of one topic are
//! found by the same prefix either way. Must not: connect or listen.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::target::{Destination, Target};

/// Longest path that is taken as it is; `sun_path` has 108 bytes, unix(7).
const LONGEST_PATH: usize = 100;
/// What names hold and a file's name may.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'@');

/// The directory of a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    directory: PathBuf,
}

impl Place {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Makes the directory, for its user alone.
    ///
    /// One that others may write to is refused: they could put their sockets in the place of ours.
    pub(super) fn prepare(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let found = fs::metadata(&self.directory)?;
        let own = nix::unistd::geteuid().as_raw();
        if found.mode() & 0o022 != 0 || (found.uid() != own && found.uid() != 0) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "{} belongs to uid {} with mode {:03o}; it has to be of uid {own} and writable \
                     by nobody else (chmod 0700)",
                    self.directory.display(),
                    found.uid(),
                    found.mode() & 0o777
                ),
            ));
        }
        Ok(())
    }

    /// The socket of a server.
    pub(super) fn socket(&self, target: &Target) -> PathBuf {
        self.of(target.topic(), target.server())
    }

    fn of(&self, topic: &str, server: &str) -> PathBuf {
        let plain = format!("{},{}", encoded(topic), encoded(server));
        let path = self.directory.join(plain);
        if path.as_os_str().len() <= LONGEST_PATH {
            return path;
        }
        self.directory.join(format!("{},{}", hashed(topic), hashed(server)))
    }

    /// The sockets that a message goes to: one for a server, all of a topic otherwise, in the order
    /// of their names.
    pub(super) fn sockets(&self, destination: &Destination) -> io::Result<Vec<PathBuf>> {
        let topic = match destination {
            Destination::Server { topic, server, .. } => return Ok(vec![self.of(topic, server)]),
            Destination::Topic { topic, .. } | Destination::Fanout { topic } => topic,
        };
        let prefixes = [format!("{},", encoded(topic)), format!("{},", hashed(topic))];
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if prefixes.iter().any(|prefix| name.starts_with(prefix.as_str())) {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    }
}

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, KEPT).to_string()
}

/// 64 bits of FNV-1a: short names, the same in every process and release. Nobody gains by a
/// collision: the directory is its user's alone.
fn hashed(name: &str) -> String {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = name.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    let mut text = String::from("~");
    write!(text, "{hash:016x}").expect("writing to a String cannot fail");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(topic: &str, server: &str) -> Target {
        Target::new("openstack", topic, server).expect("good names")
    }

    #[test]
    fn a_socket_is_named_by_topic_and_server() {
        let place = Place::new(Path::new("/run/bus"));
        let path = place.socket(&target("cinder-volume.h@b", "h"));
        assert_eq!(path, Path::new("/run/bus/cinder-volume.h@b,h"));
        let path = place.socket(&target("../a,b", "/etc/x"));
        assert_eq!(path, Path::new("/run/bus/..%2Fa%2Cb,%2Fetc%2Fx"));
    }

    #[test]
    fn a_path_that_no_address_holds_is_hashed() {
        let place = Place::new(Path::new("/run/bus"));
        let long = "h".repeat(100);
        let path = place.socket(&target(&long, "s"));
        assert!(path.as_os_str().len() <= LONGEST_PATH, "{}", path.display());
        assert_ne!(path, place.socket(&target(&long, "t")));
        assert_eq!(path, place.socket(&target(&long, "s")));
    }

    #[test]
    fn all_servers_of_a_topic_are_found_and_no_others() {
        let dir = tempfile::tempdir().expect("a directory");
        let place = Place::new(dir.path());
        let long = "t".repeat(200);
        let targets = [target("a", "1"), target("a", "2"), target("a.b", "1"), target(&long, "1")];
        for one in &targets {
            fs::write(place.socket(one), "").expect("a file");
        }
        let of = |topic: &str| {
            place.sockets(&Destination::Fanout { topic: topic.into() }).expect("a list")
        };
        assert_eq!(of("a"), [place.socket(&targets[0]), place.socket(&targets[1])]);
        assert_eq!(of(&long), [place.socket(&targets[3])]);
        assert!(of("b").is_empty());
    }

    #[test]
    fn a_directory_that_others_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let inner = dir.path().join("a/b");
        Place::new(&inner).prepare().expect("made");
        let mode = fs::metadata(&inner).expect("there").mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o777)).expect("ours");
        let error = Place::new(&inner).prepare().expect_err("refused").to_string();
        assert!(error.contains("chmod 0700"), "{error}");
    }
}
