//! Ports for servers that are started a moment later, stopped, and started again.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::sockopt::ReuseAddr;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, setsockopt, socket,
};

/// A port of 127.0.0.1 that nobody else gets for as long as this lives, whether its server runs or not.
///
/// A port that was merely free a moment ago is given to the next program that asks the kernel for any,
/// or connects from one: a server that is stopped and started again then finds it taken. So a socket
/// is bound to it and never listens, and whoever connects again and again while the server is down is never given
/// the port himself, which would connect him to himself. With `SO_REUSEADDR` on both sides, as servers set it, another
/// socket may be bound beside it by name (socket(7)); as "any port" it is not given away.
#[derive(Debug)]
pub struct ReservedPort {
    port: u16,
    _held: OwnedFd,
}

impl ReservedPort {
    pub fn new() -> io::Result<Self> {
        let held = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        setsockopt(&held, ReuseAddr, &true)?;
        let [a, b, c, d] = Ipv4Addr::LOCALHOST.octets();
        bind(held.as_raw_fd(), &SockaddrIn::new(a, b, c, d, 0))?;
        let port = getsockname::<SockaddrIn>(held.as_raw_fd())?.port();
        Ok(Self { port, _held: held })
    }

    pub const fn port(&self) -> u16 {
        self.port
    }
}
