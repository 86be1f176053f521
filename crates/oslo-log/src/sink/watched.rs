//! A log file that follows its path: `watch_log_file`.
//!
//! Must not hold its lock for writing except while the file is being replaced.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use super::{append, write_record};

/// The file and the path that it follows.
///
/// The lock is taken for writing only while the file is being replaced. The process forks
/// with a single thread, which then is not inside this type.
#[derive(Debug)]
pub(crate) struct WatchedFile {
    path: PathBuf,
    file: RwLock<File>,
}

impl WatchedFile {
    pub(crate) fn new(path: PathBuf, file: File) -> Self {
        Self { path, file: RwLock::new(file) }
    }

    #[cfg(unix)]
    pub(crate) fn descriptor(&self) -> std::os::fd::RawFd {
        use std::os::fd::AsRawFd;
        self.file.read().unwrap_or_else(PoisonError::into_inner).as_raw_fd()
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> bool {
        if self.moved_away(&self.file.read().unwrap_or_else(PoisonError::into_inner)) {
            self.reopen();
        }
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        write_record(bytes, |rest| io::Write::write(&mut &*file, rest))
    }

    /// Another thread may have been quicker, so this looks again under the lock. If the path
    /// cannot be opened, lines go on into the file we have rather than nowhere.
    fn reopen(&self) {
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        if self.moved_away(&file)
            && let Ok(fresh) = append(&self.path)
        {
            *file = fresh;
        }
    }

    #[cfg(unix)]
    fn moved_away(&self, file: &File) -> bool {
        use std::os::unix::fs::MetadataExt;
        match (std::fs::metadata(&self.path), file.metadata()) {
            (Ok(named), Ok(open)) => (named.dev(), named.ino()) != (open.dev(), open.ino()),
            (Err(error), _) => error.kind() == io::ErrorKind::NotFound,
            (Ok(_), Err(_)) => false,
        }
    }

    #[cfg(not(unix))]
    fn moved_away(&self, _file: &File) -> bool {
        !self.path.exists()
    }
}
