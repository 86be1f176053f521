//! The directory with the files: every look at it, and every change.
//!
//! A file is reached by its name relative to the open directory and no link is followed, so a name
//! means what it means whatever somebody does to the path meanwhile. Before each operation the
//! path is opened anew and compared with the directory that was connected: one that has vanished,
//! or that another one has been mounted over, is a back end that is down, not an empty one.
//!
//! Must not: touch what is not a file with one name: links, devices, directories, second names.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use cinder_driver::{DriverError, FileIo, OpenMode};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Stat, fstat, fstatvfs, fsync, linkat,
    openat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::name::Name;

/// Which directory it is, however it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

/// The open directory.
#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

/// A file that is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Its length.
    pub(crate) bytes: u64,
}

/// The room of the file system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Space {
    pub(crate) total: u64,
    pub(crate) free: u64,
}

impl Directory {
    /// Opens whatever directory is at the path.
    pub(crate) fn open(path: &Path) -> Result<Self, DriverError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(CWD, path, flags, Mode::empty()) {
            Ok(fd) => Ok(Self { fd, path: path.to_owned() }),
            Err(errno) => Err(down(path, "cannot be opened", errno)),
        }
    }

    /// Opens the path if it is still that directory.
    pub(crate) fn reopen(path: &Path, expected: Identity) -> Result<Self, DriverError> {
        let directory = Self::open(path)?;
        if directory.identity()? == expected {
            return Ok(directory);
        }
        let path = path.display();
        Err(DriverError::down(format!("another directory is at {path} than when it was connected")))
    }

    pub(crate) fn identity(&self) -> Result<Identity, DriverError> {
        let stat = fstat(&self.fd).map_err(|errno| down(&self.path, "cannot be read", errno))?;
        Ok(Identity { device: stat.st_dev, inode: stat.st_ino })
    }

    /// The path of a file, for others.
    pub(crate) fn path_of(&self, name: &Name) -> PathBuf {
        self.path.join(name.as_str())
    }

    /// The file of this name; an error if something else has that name.
    pub(crate) fn find(&self, name: &Name) -> Result<Option<Entry>, DriverError> {
        let Some(stat) = self.stat(name.as_str())? else { return Ok(None) };
        match foreign(&stat) {
            None => Ok(Some(Entry { bytes: stat.st_size.unsigned_abs() })),
            Some(reason) => Err(DriverError::Exists { what: name.to_string(), reason }),
        }
    }

    /// The same; an error if there is none.
    pub(crate) fn get(&self, name: &Name) -> Result<Entry, DriverError> {
        self.find(name)?.ok_or_else(|| DriverError::not_found(name.to_string()))
    }

    /// The same if it can be one that we have made and would make again.
    pub(crate) fn find_ours(&self, name: &Name) -> Result<Option<Entry>, DriverError> {
        let entry = self.find(name)?;
        let owner = self.stat(name.as_str())?.map(|stat| stat.st_uid);
        let ours = geteuid().as_raw();
        match owner {
            Some(owner) if owner != ours => Err(DriverError::Exists {
                what: name.to_string(),
                reason: format!("a file of user {owner}, and this service is user {ours}"),
            }),
            _ => Ok(entry),
        }
    }

    fn stat(&self, name: &str) -> Result<Option<Stat>, DriverError> {
        match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => self.still_there().map(|()| None),
            Err(errno) => Err(self.told(name, errno)),
        }
    }

    /// In a directory that was removed nothing is found, and nothing can be made.
    fn still_there(&self) -> Result<(), DriverError> {
        let stat = fstat(&self.fd).map_err(|errno| down(&self.path, "cannot be read", errno))?;
        match stat.st_nlink {
            0 => Err(DriverError::down(format!("{} was removed", self.path.display()))),
            _ => Ok(()),
        }
    }

    /// Opens a file that is there.
    pub(crate) fn open_file(&self, name: &Name, mode: OpenMode) -> Result<FileIo, DriverError> {
        self.get(name)?;
        let access = match mode {
            OpenMode::Read => OFlags::RDONLY,
            OpenMode::Write => OFlags::RDWR,
        };
        // Not blocking: somebody may have put a pipe there since we looked.
        let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = match openat(&self.fd, name.as_str(), flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::ACCESS | Errno::PERM) => {
                return Err(DriverError::Exists {
                    what: name.to_string(),
                    reason: "this service may not open it: it belongs to somebody else".to_owned(),
                });
            }
            Err(errno) => return Err(self.told(name.as_str(), errno)),
        };
        let stat = fstat(&fd).map_err(|errno| self.told(name.as_str(), errno))?;
        if let Some(reason) = foreign(&stat) {
            return Err(DriverError::Exists { what: name.to_string(), reason });
        }
        FileIo::new(File::from(fd), name.as_str(), mode)
    }

    /// Makes an empty file under the temporary name, and takes away what an earlier attempt has
    /// left there.
    pub(crate) fn create_aside(&self, name: &Name) -> Result<File, DriverError> {
        self.remove_aside(name)?;
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.fd, name.aside(), flags, Mode::RUSR | Mode::WUSR);
        fd.map(File::from).map_err(|errno| match errno {
            Errno::NOENT => match self.still_there() {
                Err(down) => down,
                Ok(()) => self.told(name.as_str(), errno),
            },
            _ => self.told(name.as_str(), errno),
        })
    }

    /// Makes a file without a name, which is gone with whoever has it open; none if the file system
    /// knows no such files.
    pub(crate) fn create_unnamed(&self) -> Result<Option<File>, DriverError> {
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        match openat(&self.fd, ".", flags, Mode::RUSR | Mode::WUSR) {
            Ok(fd) => Ok(Some(File::from(fd))),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Ok(None),
            Err(errno) => {
                self.still_there()?;
                Err(down(&self.path, "does not let this service make files", errno))
            }
        }
    }

    /// Takes away what is under the temporary name; whether there was anything.
    pub(crate) fn remove_aside(&self, name: &Name) -> Result<bool, DriverError> {
        match unlinkat(&self.fd, name.aside(), AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => self.still_there().map(|()| false),
            Err(errno) => Err(self.told(name.as_str(), errno)),
        }
    }

    /// Gives the file under the temporary name its own; not over anything.
    pub(crate) fn place(&self, name: &Name) -> Result<(), DriverError> {
        self.rename(&name.aside(), name)
    }

    /// Gives a file another name; not over anything.
    pub(crate) fn rename(&self, from: &str, to: &Name) -> Result<(), DriverError> {
        let fd = self.fd.as_fd();
        match renameat_with(fd, from, fd, to.as_str(), RenameFlags::NOREPLACE) {
            // Some file systems cannot refuse to replace; a second name is refused by all.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                linkat(fd, from, fd, to.as_str(), AtFlags::empty())
                    .and_then(|()| unlinkat(fd, from, AtFlags::empty()))
            }
            result => result,
        }
        .map_err(|errno| self.told(to.as_str(), errno))
    }

    /// Ends a [rename](Self::rename) that was cut off between the second name and the first.
    pub(crate) fn finish_rename(&self, from: &str, to: &Name) -> Result<(), DriverError> {
        let (Some(old), Some(new)) = (self.stat(from)?, self.stat(to.as_str())?) else {
            return Ok(());
        };
        if (old.st_dev, old.st_ino) != (new.st_dev, new.st_ino) {
            return Ok(());
        }
        match unlinkat(&self.fd, from, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.told(from, errno)),
        }
    }

    /// Gives the file under the temporary name the one of a file that is there.
    pub(crate) fn replace(&self, name: &Name) -> Result<(), DriverError> {
        renameat(&self.fd, name.aside(), &self.fd, name.as_str())
            .map_err(|errno| self.told(name.as_str(), errno))
    }

    /// Removes a file; whether it was there.
    pub(crate) fn remove(&self, name: &Name) -> Result<bool, DriverError> {
        if self.find(name)?.is_none() {
            return Ok(false);
        }
        match unlinkat(&self.fd, name.as_str(), AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.told(name.as_str(), errno)),
        }
    }

    /// Makes names safe against a power cut.
    pub(crate) fn sync(&self) -> Result<(), DriverError> {
        fsync(&self.fd).map_err(|errno| down(&self.path, "cannot be synced", errno))
    }

    /// Every name with what stands there.
    pub(crate) fn list(&self) -> Result<Vec<(String, Stat)>, DriverError> {
        let failed = |errno| down(&self.path, "cannot be listed", errno);
        self.still_there()?;
        let mut found = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == "." || name == ".." {
                continue;
            }
            match statat(&self.fd, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => found.push((name, stat)),
                Err(Errno::NOENT) => {} // It went while we looked.
                Err(errno) => return Err(failed(errno)),
            }
        }
        Ok(found)
    }

    /// The room of the file system.
    pub(crate) fn space(&self) -> Result<Space, DriverError> {
        self.still_there()?;
        let stat = fstatvfs(&self.fd).map_err(|errno| down(&self.path, "has no size", errno))?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Ok(Space { total: bytes(stat.f_blocks), free: bytes(stat.f_bavail) })
    }

    /// An error that says how much room there is, if it is about that.
    pub(crate) fn with_space(&self, error: DriverError, bytes: u64) -> DriverError {
        match error {
            DriverError::NoSpace { what, source, .. } => DriverError::NoSpace {
                what,
                needed: Some(bytes),
                free: self.space().ok().map(|space| space.free),
                source,
            },
            other => other,
        }
    }

    fn told(&self, name: &str, errno: Errno) -> DriverError {
        match errno {
            Errno::LOOP => {
                DriverError::Exists { what: name.to_owned(), reason: "a symbolic link".to_owned() }
            }
            Errno::ACCESS | Errno::PERM => {
                down(&self.path, &format!("does not let this service change {name}"), errno)
            }
            _ => DriverError::from_io(name, errno.into()),
        }
    }
}

fn down(path: &Path, what: &str, errno: Errno) -> DriverError {
    let path = path.display();
    let reason = match errno {
        Errno::NOENT => format!("{path} does not exist"),
        Errno::NOTDIR => format!("{path} is no directory"),
        _ => format!("{path} {what}"),
    };
    DriverError::BackendDown { reason, source: Some(std::io::Error::from(errno).into()) }
}

/// Why something is none of our files, if it is not.
pub(crate) fn foreign(stat: &Stat) -> Option<String> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if stat.st_nlink > 1 => Some("a file with several names".to_owned()),
        FileType::RegularFile => None,
        FileType::Symlink => Some("a symbolic link".to_owned()),
        FileType::Directory => Some("a directory".to_owned()),
        _ => Some("no file".to_owned()),
    }
}
