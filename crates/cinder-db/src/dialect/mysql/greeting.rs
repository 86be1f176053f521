//! A look at a server's greeting, before the client library sends a password.
//!
//! MariaDB's library refuses a server without TLS by itself only where it verifies the host name.
//! Anywhere else it goes on in plain text, whatever `ssl-enforce` says, and the password is out
//! before anybody can look. So where TLS is required without that, the greeting is read over a
//! connection of its own; it says whether the server has TLS, and nothing is ever sent.
//!
//! Must not: be taken for a proof of who is there. Somebody who changes what is on the wire could
//! greet differently the second time; without verification he could as well be the server.
//!
//! The greeting: a packet (three bytes of length, one of its number) with protocol version 10, the
//! server's version up to a zero byte, 4 bytes of session, 8 of a challenge, one zero, and the lower
//! half of the capabilities. A packet that begins with 255 is an error and its number.

use std::{
    io::{self, Read},
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use crate::{
    error::Fault,
    url::{MysqlAccess, MysqlLevel as Level},
};

/// The capability that stands for TLS.
const CLIENT_SSL: u16 = 0x0800;
/// The first byte of a packet that is an error.
const ERROR: u8 = 0xff;
/// Where nobody says anything else.
const PORT: u16 = 3306;

/// Why there is no connection though a server may be there.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoTls {
    /// The server's greeting.
    #[error("TLS is required, but the server does not offer it; no password was sent")]
    Offered,
    /// The second belt.
    #[error(
        "TLS is required, but the server says that this session is not encrypted; that may also be \
         a proxy on the way that ends TLS"
    )]
    Session,
    /// Oracle's library.
    #[error(
        "this program is linked with a client library that does not take what the URL asks for; \
         TLS can be required with MariaDB's library only; no password was sent"
    )]
    Library,
    /// The directory of authorities.
    #[error("{0}")]
    Authorities(String),
    /// An error in place of a greeting.
    #[error("the server refuses connections: {number} - {text}")]
    Refusing { number: u16, text: String },
    /// Nobody there, or nobody who speaks.
    #[error("cannot read the server's greeting: {0}")]
    Away(io::Error),
}

impl NoTls {
    pub(super) fn fault(&self) -> Fault {
        match self {
            // Too many connections: 1040, 1203, 1226; whatever else keeps it from greeting may pass.
            Self::Refusing { number: 1040 | 1203 | 1226, .. } => Fault::TooManyConnections,
            Self::Refusing { .. } | Self::Away(_) => Fault::Lost,
            _ => Fault::Refused,
        }
    }
}

/// Whether the library would go on without TLS.
pub(super) fn is_needed(access: &MysqlAccess) -> bool {
    matches!(access.tls.level, Level::Required | Level::Authority)
}

/// Connects, reads, and closes again.
pub(super) fn look(access: &MysqlAccess, timeout: Duration) -> Result<(), NoTls> {
    let packet = match &access.unix_socket {
        Some(path) => over_socket(path, timeout),
        None => over_network(&access.host, access.port.unwrap_or(PORT), timeout),
    };
    judge(&packet.map_err(NoTls::Away)?)
}

fn over_network(host: &str, port: u16, timeout: Duration) -> io::Result<Vec<u8>> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(mut stream) => {
                stream.set_read_timeout(Some(timeout))?;
                return packet(&mut stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn over_socket(path: &str, timeout: Duration) -> io::Result<Vec<u8>> {
    let mut stream = std::os::unix::net::UnixStream::connect(path)?;
    stream.set_read_timeout(Some(timeout))?;
    packet(&mut stream)
}

/// The first packet, as far as it can matter.
fn packet(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    /// Greetings are a hundred bytes long, errors at most some five hundred.
    const LONGEST: u64 = 4096;
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let [a, b, c, _number] = head;
    let length = u64::from(u32::from_le_bytes([a, b, c, 0]));
    let mut body = Vec::new();
    stream.take(length.min(LONGEST)).read_to_end(&mut body)?;
    Ok(body)
}

fn judge(packet: &[u8]) -> Result<(), NoTls> {
    match packet {
        [ERROR, low, high, text @ ..] => {
            let number = u16::from_le_bytes([*low, *high]);
            let text = String::from_utf8_lossy(text).into_owned();
            Err(NoTls::Refusing { number, text })
        }
        _ if capabilities(packet).is_some_and(|all| all & CLIENT_SSL != 0) => Ok(()),
        _ => Err(NoTls::Offered),
    }
}

/// Nothing if it is no greeting that we know: then nobody has offered anything.
fn capabilities(packet: &[u8]) -> Option<u16> {
    const BEHIND_VERSION: usize = 1 + 4 + 8 + 1;
    let rest = packet.strip_prefix(&[10])?;
    let version = rest.iter().position(|byte| *byte == 0)?;
    let at = version + BEHIND_VERSION;
    Some(u16::from_le_bytes([*rest.get(at)?, *rest.get(at + 1)?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(capabilities: u16) -> Vec<u8> {
        let mut packet = b"\x0a10.11.6-MariaDB\0".to_vec();
        packet.extend([1, 0, 0, 0]);
        packet.extend(b"12345678\0");
        packet.extend(capabilities.to_le_bytes());
        packet.extend([45, 2, 0]);
        packet
    }

    #[test]
    fn a_greeting_tells_whether_there_is_tls() {
        assert!(judge(&greeting(0xffff)).is_ok());
        assert!(judge(&greeting(CLIENT_SSL)).is_ok());
        assert!(matches!(judge(&greeting(!CLIENT_SSL)), Err(NoTls::Offered)));
    }

    #[test]
    fn what_is_no_greeting_offers_nothing() {
        let whole = greeting(0xffff);
        for end in 0..32 {
            assert!(matches!(judge(&whole[..end]), Err(NoTls::Offered)), "{end}");
        }
        let busy = judge(b"\xff\x10\x04Too many connections").unwrap_err();
        assert_eq!(busy.fault(), Fault::TooManyConnections);
        assert_eq!(busy.to_string(), "the server refuses connections: 1040 - Too many connections");
    }
}
