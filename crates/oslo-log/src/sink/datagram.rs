//! Datagrams to a local daemon, syslog's or the journal's, that may be slow, restarting or gone.
//!
//! Must not wait, and must not take a daemon that is away for one that is broken: what cannot be
//! sent now may be wanted after its restart, so it is reported as "no room", never as lost.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;

use super::outlet::is_ready;
use super::stream::Carrier;

/// Passes on a datagram that is too long for the socket.
pub(crate) type Oversize = fn(&UnixDatagram, &[u8]) -> io::Result<()>;

/// A connection to a daemon's datagram socket, made again whenever the daemon was replaced.
#[derive(Debug)]
pub(crate) struct Datagram {
    path: PathBuf,
    oversize: Oversize,
    socket: Mutex<Option<UnixDatagram>>,
}

impl Datagram {
    pub(crate) fn new(path: PathBuf, oversize: Oversize) -> Self {
        Self { path, oversize, socket: Mutex::new(None) }
    }

    /// Connects, so that a program can say at its start what will not work.
    ///
    /// # Errors
    ///
    /// When nobody listens at the path now.
    pub(crate) fn try_connect(&self) -> io::Result<()> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        self.connected(&mut socket).map(|_| ())
    }

    pub(crate) fn descriptor(&self) -> Option<std::os::fd::RawFd> {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.as_ref().map(AsRawFd::as_raw_fd)
    }

    fn connected<'s>(&self, socket: &'s mut Option<UnixDatagram>) -> io::Result<&'s UnixDatagram> {
        let connected = match socket.take() {
            Some(connected) => connected,
            None => {
                let fresh = UnixDatagram::unbound()?;
                fresh.set_nonblocking(true)?;
                fresh.connect(&self.path)?;
                fresh
            }
        };
        Ok(socket.insert(connected))
    }

    fn send(&self, socket: &UnixDatagram, bytes: &[u8]) -> io::Result<()> {
        loop {
            let error = match socket.send(bytes) {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EINTR) => {} // signals are finite
                Some(Errno::EMSGSIZE) => return (self.oversize)(socket, bytes),
                Some(Errno::ENOBUFS) => return Err(io::ErrorKind::WouldBlock.into()),
                _ => return Err(error),
            }
        }
    }
}

/// Whether the same datagram may have better luck on a fresh connection.
fn is_disconnected(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionRefused, ConnectionReset, NotConnected, NotFound, PermissionDenied,
    };
    matches!(
        error.kind(),
        BrokenPipe
            | ConnectionRefused
            | ConnectionReset
            | NotConnected
            | NotFound
            | PermissionDenied
    )
}

impl Carrier for Datagram {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        // Twice: the first failure may be the old daemon's end, the second attempt the new one's.
        for _ in 0..2 {
            let Ok(connected) = self.connected(&mut socket) else { break };
            match self.send(connected, bytes) {
                Ok(()) => return Ok(bytes.len()),
                Err(error) if is_disconnected(&error) => *socket = None,
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn wait(&self, limit: Duration) -> bool {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.as_ref().is_some_and(|socket| is_ready(socket.as_fd(), limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(_: &UnixDatagram, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::InvalidInput.into())
    }

    #[test]
    fn a_daemon_that_is_away_full_or_replaced_is_an_answer_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let datagram = Datagram::new(path.clone(), refuse);
        let kind = |bytes: &[u8]| datagram.write(bytes).unwrap_err().kind();
        assert_eq!(kind(b"too early"), io::ErrorKind::WouldBlock);
        assert!(datagram.try_connect().is_err());

        let first = UnixDatagram::bind(&path).unwrap();
        assert_eq!(datagram.write(b"first").unwrap(), 5);
        let mut buffer = [0; 100];
        assert_eq!(first.recv(&mut buffer).unwrap(), 5);

        drop(first);
        assert_eq!(kind(b"nobody there"), io::ErrorKind::WouldBlock);
        std::fs::remove_file(&path).unwrap();
        let second = UnixDatagram::bind(&path).unwrap();
        assert_eq!(datagram.write(b"second").unwrap(), 6);
        while datagram.write(b"more").is_ok() {}
        assert_eq!(kind(b"full"), io::ErrorKind::WouldBlock);
        assert!(!datagram.wait(Duration::ZERO));
        assert_eq!(second.recv(&mut buffer).unwrap(), 6);
        while second.recv(&mut buffer).is_ok_and(|_| !datagram.wait(Duration::ZERO)) {}
        assert_eq!(datagram.write(b"again").unwrap(), 5);
        assert_eq!(kind(&[0; 1 << 20]), io::ErrorKind::InvalidInput);
    }
}
