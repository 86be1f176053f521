//! Listening, and the streams that come of it.
//!
//! A Unix socket whose server died is a file that stays; it is replaced only if nobody answers
//! there. Must not: block.

use std::fs;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::address::Address;

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another process listens there.
    #[error("cannot listen on {address}: another process does")]
    InUse {
        /// Where.
        address: Address,
    },
    /// There is a file at the socket's path that is no socket; it is left alone.
    #[error("cannot listen on {address}: there is a file that is no socket")]
    NoSocket {
        /// Where.
        address: Address,
    },
    /// The system refuses.
    #[error("cannot listen on {address}")]
    Refused {
        /// Where.
        address: Address,
        /// Why.
        source: io::Error,
    },
}

/// A place where clients arrive.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix socket, removed with its listener.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode: somebody else's socket at the same path is not ours to remove.
    identity: Option<(u64, u64)>,
}

impl Listener {
    pub(crate) fn bind(address: &Address, mode: u32) -> Result<Self, BindError> {
        let bound = match address {
            Address::Tcp(at) => TcpListener::bind(at).map(Self::Tcp),
            Address::Unix(path) => return Self::bind_unix(address, path, mode),
        };
        let ready = bound.and_then(|listener| listener.nonblocking());
        ready.map_err(|source| refused(address, source))
    }

    fn bind_unix(address: &Address, path: &Path, mode: u32) -> Result<Self, BindError> {
        let bound = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                make_way(address, path)?;
                UnixListener::bind(path)
            }
            other => other,
        };
        let ready = bound.and_then(|listener| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
            let file = SocketFile { path: path.to_owned(), identity: identity(path) };
            Self::Unix(listener, file).nonblocking()
        });
        ready.map_err(|source| refused(address, source))
    }

    fn nonblocking(self) -> io::Result<Self> {
        match &self {
            Self::Tcp(listener) => listener.set_nonblocking(true)?,
            Self::Unix(listener, _) => listener.set_nonblocking(true)?,
        }
        Ok(self)
    }

    /// The address that it really has: port 0 asks for any.
    pub(crate) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(_, file) => Ok(Address::Unix(file.path.clone())),
        }
    }

    pub(crate) fn accept(&self) -> io::Result<Stream> {
        let stream = match self {
            Self::Tcp(listener) => Stream::Tcp(listener.accept()?.0),
            Self::Unix(listener, _) => Stream::Unix(listener.accept()?.0),
        };
        match &stream {
            Stream::Tcp(stream) => stream.set_nonblocking(true)?,
            Stream::Unix(stream) => stream.set_nonblocking(true)?,
        }
        Ok(stream)
    }
}

fn refused(address: &Address, source: io::Error) -> BindError {
    let address = address.clone();
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address },
        _ => BindError::Refused { address, source },
    }
}

/// Removes a socket at which nobody answers.
fn make_way(address: &Address, path: &Path) -> Result<(), BindError> {
    let found = fs::symlink_metadata(path).map_err(|source| refused(address, source))?;
    if !found.file_type().is_socket() {
        return Err(BindError::NoSocket { address: address.clone() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|source| refused(address, source))
        }
        // Somebody answers, or is too busy to; or we may not even ask.
        _ => Err(BindError::InUse { address: address.clone() }),
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // It is replaced by the next server if it stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener, _) => listener.as_fd(),
        }
    }
}

/// A client's line; never blocks.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Says that nothing more will be sent.
    pub(crate) fn finish(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buffer),
            Self::Unix(stream) => stream.write(buffer),
        }
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(buffers),
            Self::Unix(stream) => stream.write_vectored(buffers),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // nothing is buffered here
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_at_which_nobody_answers_is_replaced_and_removed_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("health.sock");
        drop(UnixListener::bind(&path).unwrap()); // leaves its file, as a killed server does
        assert!(path.exists());
        let listener = Listener::bind(&Address::Unix(path.clone()), 0o600).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        UnixStream::connect(&path).unwrap();
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_at_which_somebody_answers_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("health.sock");
        let _theirs = UnixListener::bind(&path).unwrap();
        let error = Listener::bind(&Address::Unix(path.clone()), 0o600).unwrap_err();
        assert!(matches!(error, BindError::InUse { .. }), "{error:?}");
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("health.sock");
        fs::write(&path, "precious").unwrap();
        let error = Listener::bind(&Address::Unix(path.clone()), 0o600).unwrap_err();
        assert!(matches!(error, BindError::NoSocket { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn somebody_elses_socket_is_not_removed_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("health.sock");
        let ours = Listener::bind(&Address::Unix(path.clone()), 0o600).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(dir.path().join("keeps the inode busy"), "").unwrap();
        let _theirs = UnixListener::bind(&path).unwrap();
        drop(ours);
        assert!(path.exists());
    }

    #[test]
    fn a_port_in_use_is_said_to_be() {
        let theirs = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(theirs.local_addr().unwrap());
        let error = Listener::bind(&address, 0).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {address}: another process does"));
    }
}
