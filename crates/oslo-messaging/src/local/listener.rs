//! Listening on a Unix socket, and who may come.
//!
//! A server that was killed leaves its file behind; it is replaced only if nobody answers there, by
//! one process at a time. Must not: block.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::geteuid;

use crate::error::ServeError;

/// A socket that clients come to; its file goes away with it.
#[derive(Debug)]
pub(super) struct Listener {
    socket: UnixListener,
    path: PathBuf,
    /// Device and inode: somebody else's socket at the same path is not ours to remove.
    identity: Option<(u64, u64)>,
}

impl Listener {
    pub(super) fn bind(path: &Path) -> Result<Self, ServeError> {
        let refused = |source| ServeError::Listen { path: path.to_owned(), source };
        let socket = {
            // Two that find the same dead socket would remove each other's living one.
            let _turn = turn(path).map_err(refused)?;
            match UnixListener::bind(path) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    make_way(path)?;
                    UnixListener::bind(path)
                }
                other => other,
            }
            .map_err(refused)?
        };
        // The directory is closed to others already, so nobody came in between.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(refused)?;
        socket.set_nonblocking(true).map_err(refused)?;
        Ok(Self { socket, path: path.to_owned(), identity: identity(path) })
    }

    /// The next client that may come; `Ok(None)` when there is none, or one was turned away.
    pub(super) fn accept(&self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = match self.socket.accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            accepted => accepted?,
        };
        let peer = getsockopt(&stream, PeerCredentials)?;
        if may_come(peer.uid(), geteuid().as_raw()) {
            return Ok(Some(stream));
        }
        tracing::warn!(
            target: "oslo_messaging.local",
            "Process {} of uid {} turned away from {}", peer.pid(), peer.uid(), self.path.display()
        );
        Ok(None)
    }
}

/// Our own user, and the one who may do anything anyhow.
fn may_come(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

/// Whoever holds this is alone in replacing sockets of the directory.
fn turn(path: &Path) -> io::Result<Flock<File>> {
    let file = path.with_file_name(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(file)?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
}

fn make_way(path: &Path) -> Result<(), ServeError> {
    let refused = |source| ServeError::Listen { path: path.to_owned(), source };
    let found = fs::symlink_metadata(path).map_err(refused)?;
    if !found.file_type().is_socket() {
        return Err(ServeError::NoSocket { path: path.to_owned() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(refused)
        }
        // Somebody answers, or is too busy to; or we may not even ask.
        _ => Err(ServeError::InUse { path: path.to_owned() }),
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // It is replaced by the next server if it stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_socket_is_replaced_and_a_living_one_never() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("t,s");
        drop(UnixListener::bind(&path).expect("bound")); // leaves its file, as a killed server does
        let living = Listener::bind(&path).expect("replaced");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        assert!(matches!(Listener::bind(&path), Err(ServeError::InUse { .. })));
        UnixStream::connect(&path).expect("still ours");
        drop(living);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("t,s");
        fs::write(&path, "precious").expect("written");
        assert!(matches!(Listener::bind(&path), Err(ServeError::NoSocket { .. })));
        assert_eq!(fs::read_to_string(&path).expect("there"), "precious");
    }

    #[test]
    fn only_the_own_user_and_root_may_come() {
        assert!(may_come(42, 42) && may_come(0, 42));
        assert!(!may_come(43, 42) && !may_come(42, 0));
    }
}
