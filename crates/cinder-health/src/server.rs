//! The loop: one `poll(2)` over the listener and all clients, until somebody stops it.
//!
//! Bounded by numbers, not by trust: so many clients at a time, so many of them with an answer
//! that they have not taken, so much time for each. Who arrives when there is no room takes the
//! place of the one that has been silent for longest; a client that means it needs no more than a
//! millisecond, so it is not the one to go. Must not: wait for a client, or start a thread.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::address::Address;
use crate::connection::Connection;
use crate::listener::{BindError, Listener};
use crate::routes::Routes;
use crate::snapshot::Source;

/// Clients at a time; each may have a head of 8 KiB.
const CLIENTS: usize = 256;
/// Clients at a time with an answer that the kernel's buffer did not hold. With hundreds of back
/// ends the metrics are a few hundred KiB each.
const SLOW_READERS: usize = 8;
/// Clients to accept in one turn, so that those who are there get theirs.
const ARRIVALS: usize = 64;
/// How long to leave arrivals alone when the system has no descriptor left for one.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    address: Address,
    wake: UnixStream,
    waker: UnixStream,
}

/// Stops a [`Server`] from another thread.
#[derive(Debug)]
pub struct Stopper {
    waker: UnixStream,
}

impl Stopper {
    /// Makes [`Server::run`] return; does not block.
    pub fn stop(&self) {
        // A full buffer is a wake-up as well; a server that is gone needs none.
        let _ = (&self.waker).write(&[1]);
    }
}

impl Server {
    /// Listens; a Unix socket gets these permissions.
    ///
    /// # Errors
    ///
    /// [`BindError`], most often because somebody else listens there.
    pub fn bind(address: &Address, mode: u32) -> Result<Self, BindError> {
        let refused = |source| BindError::Refused { address: address.clone(), source };
        let listener = Listener::bind(address, mode)?;
        let real = listener.address().map_err(refused)?;
        let (wake, waker) = UnixStream::pair().map_err(refused)?;
        wake.set_nonblocking(true).map_err(refused)?;
        waker.set_nonblocking(true).map_err(refused)?;
        Ok(Self { listener, address: real, wake, waker })
    }

    /// Where it listens; with port 0 in what was asked for, the port that was given.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// A handle to stop it with.
    ///
    /// # Errors
    ///
    /// When the system has no descriptor left.
    pub fn stopper(&self) -> io::Result<Stopper> {
        Ok(Stopper { waker: self.waker.try_clone()? })
    }

    /// Answers until it is stopped.
    ///
    /// # Errors
    ///
    /// When the system cannot wait for descriptors; nothing that a client does.
    pub fn run(&self, source: &mut dyn Source) -> io::Result<()> {
        let mut routes = Routes::new(source);
        let mut clients: Vec<Connection> = Vec::new();
        let mut closed_until = None;
        loop {
            let now = Instant::now();
            closed_until = closed_until.filter(|until| *until > now);
            let ready = self.wait(&clients, closed_until)?;
            if ready.stop && self.stopped()? {
                return Ok(());
            }
            let now = Instant::now();
            for (client, ready) in clients.iter_mut().zip(ready.clients) {
                // First of all the time: a byte now and then does not buy more of it.
                if client.deadline() <= now {
                    client.end();
                } else if ready {
                    client.advance(now, &mut |request| routes.answer(request));
                }
            }
            let silent = clients.iter().filter(|client| client.is_writing()).count();
            for _ in SLOW_READERS..silent {
                end_oldest(&mut clients, Connection::is_writing);
            }
            clients.retain(|client| !client.is_gone());
            if ready.arrivals && !self.welcome(&mut clients, &mut routes) {
                closed_until = Some(Instant::now() + OUT_OF_DESCRIPTORS);
            }
        }
    }

    fn stopped(&self) -> io::Result<bool> {
        match (&self.wake).read(&mut [0; 8]) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes in who has arrived; false if the system has no descriptor left.
    fn welcome(&self, clients: &mut Vec<Connection>, routes: &mut Routes<'_>) -> bool {
        for _ in 0..ARRIVALS {
            let stream = match self.listener.accept() {
                Ok(stream) => stream,
                Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                    Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
                        end_oldest(clients, |_| true);
                        clients.retain(|client| !client.is_gone());
                        return false;
                    }
                    Some(Errno::EAGAIN) | None => return true,
                    Some(_) => continue, // this one has gone again, accept(2)
                },
            };
            if clients.len() >= CLIENTS {
                end_oldest(clients, |client| !client.is_writing());
                clients.retain(|client| !client.is_gone());
            }
            let now = Instant::now();
            let mut client = Connection::new(stream, now);
            // Most have sent their request by now: no need to wait for it in another turn.
            client.advance(now, &mut |request| routes.answer(request));
            if !client.is_gone() && clients.len() < CLIENTS {
                clients.push(client);
            }
        }
        true
    }

    fn wait(&self, clients: &[Connection], closed_until: Option<Instant>) -> io::Result<Ready> {
        let arrivals = match closed_until {
            None => PollFlags::POLLIN,
            Some(_) => PollFlags::empty(),
        };
        let mut watched = Vec::with_capacity(clients.len() + 2);
        watched.push(PollFd::new(self.wake.as_fd(), PollFlags::POLLIN));
        watched.push(PollFd::new(self.listener.as_fd(), arrivals));
        watched.extend(clients.iter().map(|one| PollFd::new(one.as_fd(), one.interest())));
        let deadlines = clients.iter().map(Connection::deadline).chain(closed_until);
        match poll(&mut watched, timeout(deadlines.min())) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut ready = watched.iter().map(|one| one.any() == Some(true));
        let (stop, arrivals) = (ready.next() == Some(true), ready.next() == Some(true));
        Ok(Ready { stop, arrivals, clients: ready.collect() })
    }
}

/// What there is to do.
struct Ready {
    stop: bool,
    arrivals: bool,
    clients: Vec<bool>,
}

fn timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let left = deadline.saturating_duration_since(Instant::now());
    // Rounded up: waking a moment too early would mean a second turn for nothing.
    PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
}

/// Clients are in the order of their arrival.
fn end_oldest(clients: &mut [Connection], which: impl Fn(&Connection) -> bool) {
    if let Some(client) = clients.iter_mut().find(|client| !client.is_gone() && which(client)) {
        client.end();
    }
}
