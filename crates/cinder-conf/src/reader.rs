//! The one way by which anything of this program reads a file that somebody else has put there.
//!
//! Whoever supervises others must not be held up, or blown up, by what stands under a name: only
//! regular files are read, none is waited for, none is read further than its limit. Must not: be
//! used for `/proc`, whose files have other rules. What nobody can rule out is a file system that
//! no longer answers; whoever must go on living reads in another process.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read},
    path::Path,
    time::SystemTime,
};

use crate::error::FileError;

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// All of it.
    pub text: String,
    /// When it was changed last, where the file system says so.
    pub modified: Option<SystemTime>,
}

/// Reads a text file that is at most `limit` bytes long.
///
/// The null device reads as empty; it is a fair way to say "nothing".
///
/// # Errors
///
/// [`FileError::IsDirectory`], [`FileError::NotAFile`], [`FileError::TooLarge`],
/// [`FileError::NotUtf8`], and [`FileError::Io`] for all that the system says.
pub fn read_text(path: &Path, limit: u64) -> Result<TextFile, FileError> {
    let name = || path.display().to_string();
    let io = |source| FileError::Io { path: name(), source };
    // Looked at before it is opened, because opening a device can do something.
    let found = fs::metadata(path).map_err(io)?;
    if is_null_device(&found) {
        return Ok(TextFile { text: String::new(), modified: None });
    }
    refuse_all_but_files(path, &found)?;
    let file = open(path).map_err(io)?;
    // Looked at once more: the name may lead elsewhere by now.
    let found = file.metadata().map_err(io)?;
    refuse_all_but_files(path, &found)?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLarge { path: name(), limit });
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(name(), &error))?;
    Ok(TextFile { text, modified: found.modified().ok() })
}

/// What is at a path, if anything is.
///
/// # Errors
///
/// Whatever keeps one from knowing. A link that leads nowhere is one of these, because whoever made
/// it meant a file.
pub(crate) fn look_at(path: &Path) -> io::Result<Option<Metadata>> {
    let absent =
        |error: &io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if absent(&error) => match fs::symlink_metadata(path) {
            Ok(_) => Err(io::Error::new(ErrorKind::NotFound, "a link that leads nowhere")),
            Err(error) if absent(&error) => Ok(None),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    }
}

fn refuse_all_but_files(path: &Path, found: &Metadata) -> Result<(), FileError> {
    let path = || path.display().to_string();
    if found.is_file() {
        Ok(())
    } else if found.is_dir() {
        Err(FileError::IsDirectory { path: path() })
    } else {
        Err(FileError::NotAFile { path: path(), kind: kind_of(found) })
    }
}

/// Never waits for the other end of a FIFO, should one have got here meanwhile.
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use nix::fcntl::OFlag;
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

fn kind_of(found: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() {
        "a block device"
    } else if kind.is_char_device() {
        "a character device"
    } else {
        "of an unknown kind"
    }
}

fn is_null_device(found: &Metadata) -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let device = |one: &Metadata| one.file_type().is_char_device().then(|| one.rdev());
    device(found)
        .is_some_and(|this| fs::metadata("/dev/null").is_ok_and(|null| device(&null) == Some(this)))
}

fn not_utf8(path: String, error: &std::string::FromUtf8Error) -> FileError {
    let position = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let before = bytes.get(..position).unwrap_or(&[]);
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    FileError::NotUtf8 {
        path,
        line: u32::try_from(line).unwrap_or(u32::MAX),
        byte: bytes.get(position).copied().unwrap_or_default(),
        position,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn refusal(path: &Path) -> String {
        read_text(path, 100).expect_err("it is read").to_string()
    }

    #[test]
    fn what_is_no_regular_file_is_refused_by_its_kind_and_never_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        for (name, kind) in
            [("fifo", "a FIFO"), ("socket", "a socket"), ("zero", "a character device")]
        {
            let wanted = format!("{} is {kind}, not a regular file", at(name).display());
            assert_eq!(refusal(&at(name)), wanted);
        }
        let wanted = format!("[Errno 21] Is a directory: '{}'", dir.path().display());
        assert_eq!(refusal(dir.path()), wanted);
    }

    #[test]
    fn a_name_that_leads_to_a_fifo_only_when_it_is_opened_is_not_waited_for_either() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let file = open(&path).unwrap();
        assert!(refuse_all_but_files(&path, &file.metadata().unwrap()).is_err());
    }

    #[test]
    fn a_file_is_read_to_its_limit_and_no_further() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "x".repeat(100)).unwrap();
        assert_eq!(read_text(&path, 100).unwrap().text.len(), 100);
        fs::write(&path, "x".repeat(101)).unwrap();
        assert_eq!(refusal(&path), format!("{} is larger than 100 bytes", path.display()));
        // Says that it is empty, and is not.
        assert!(!read_text(Path::new("/proc/self/status"), 1 << 20).unwrap().text.is_empty());
    }

    #[test]
    fn only_what_is_certainly_not_there_counts_as_absent() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "").unwrap();
        symlink(at("loop"), at("loop")).unwrap();
        symlink(at("nothing"), at("lost")).unwrap();
        assert!(look_at(&at("file")).unwrap().is_some());
        assert!(look_at(&at("nothing")).unwrap().is_none());
        assert!(look_at(&at("file").join("below")).unwrap().is_none());
        assert_eq!(look_at(&at("lost")).unwrap_err().to_string(), "a link that leads nowhere");
        assert!(look_at(&at("loop")).unwrap_err().to_string().contains("symbolic links"));
    }

    #[test]
    fn the_null_device_is_an_empty_file() {
        assert_eq!(read_text(Path::new("/dev/null"), 0).unwrap().text, "");
    }
}
