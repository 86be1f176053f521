//! Asks a server of ours for what it has in JSON, with a limit on everything.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::address::Address;
use crate::snapshot::Snapshot;

/// Longest answer that is taken: some thousand back ends.
const LONGEST: u64 = 16 << 20;

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Nobody listens, or nobody answers in time.
    #[error("no answer from {address}")]
    NoAnswer {
        /// Who was asked.
        address: Address,
        /// Why.
        source: io::Error,
    },
    /// Something answered that is no server of ours.
    #[error("{address} does not answer as cinder-volume does")]
    Strange {
        /// Who was asked.
        address: Address,
    },
}

/// Asks the server at `address` how everything is; takes no longer than `limit`.
///
/// # Errors
///
/// [`ProbeError`] when nobody answers, or somebody else.
pub fn probe(address: &Address, limit: Duration) -> Result<Snapshot, ProbeError> {
    get(address, "/healthz", limit)
}

/// The same with the operations that have ended.
///
/// # Errors
///
/// [`ProbeError`] as there; also from a server of an earlier release, which does not know them.
pub fn probe_operations(address: &Address, limit: Duration) -> Result<Snapshot, ProbeError> {
    get(address, "/operations", limit)
}

fn get(address: &Address, path: &str, limit: Duration) -> Result<Snapshot, ProbeError> {
    let address = address.local();
    match ask(&address, path, limit) {
        Ok(answer) => understood(&answer).ok_or(ProbeError::Strange { address }),
        Err(source) => Err(ProbeError::NoAnswer { address, source }),
    }
}

fn ask(address: &Address, what: &str, limit: Duration) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + limit;
    match address {
        Address::Tcp(at) => {
            let stream = TcpStream::connect_timeout(at, limit)?;
            exchange(stream, what, deadline, |stream, left| {
                stream.set_write_timeout(left)?;
                stream.set_read_timeout(left)
            })
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            exchange(stream, what, deadline, |stream, left| {
                stream.set_write_timeout(left)?;
                stream.set_read_timeout(left)
            })
        }
    }
}

fn exchange<S: Read + Write>(
    mut stream: S,
    what: &str,
    deadline: Instant,
    limit: impl Fn(&S, Option<Duration>) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    let left = || {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::Error::from(io::ErrorKind::TimedOut)) } else { Ok(Some(left)) }
    };
    limit(&stream, left()?)?;
    let request = format!("GET {what} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut chunk = [0; 8 * 1024];
    loop {
        limit(&stream, left()?)?;
        match stream.read(&mut chunk)? {
            0 => return Ok(answer),
            count => answer.extend_from_slice(&chunk[..count]),
        }
        if answer.len() as u64 > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

fn understood(answer: &[u8]) -> Option<Snapshot> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = parsed.parse(answer).ok()? else { return None };
    if !matches!(parsed.code, Some(200 | 503)) {
        return None;
    }
    serde_json::from_slice(answer.get(head..)?).ok()
}
