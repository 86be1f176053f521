//! A TCP proxy in front of a server, for networks that fail in ways a server cannot.
//!
//! It listens on a free loopback port and passes bytes on, until it is told to swallow them: then
//! both sides stay connected and neither hears the other again, as behind a firewall that has
//! forgotten a connection. Threads end with the proxy.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;

use crate::wait::millis;

/// What all connections of a proxy have in common.
#[derive(Default)]
struct State {
    /// Bytes are read and thrown away.
    swallows: AtomicBool,
    ended: AtomicBool,
    /// Packets from clients so far.
    asked: AtomicUsize,
    /// Swallow everything once so many packets have come from clients; 0 never does.
    enough: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

/// A running proxy; dropping it closes all its connections.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

impl Proxy {
    /// Listens on a free port and passes everything on to `target`, on this machine.
    ///
    /// # Errors
    ///
    /// When no port or thread can be had.
    pub(crate) fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::Builder::new().name("proxy".into()).spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.ended.load(Ordering::Acquire) {
                    break;
                }
                // A server that is down refuses: so do we, by closing.
                if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) {
                    let _ = join(&shared, client, server);
                }
            }
        })?;
        Ok(Self { port, state })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on nothing comes through, in old connections and new ones.
    pub(crate) fn swallow(&self) {
        self.state.swallows.store(true, Ordering::Release);
    }

    /// As [`Proxy::swallow`], once clients have sent `packets` more packets.
    pub(crate) fn swallow_after(&self, packets: usize) {
        let asked = self.state.asked.load(Ordering::Acquire);
        self.state.enough.store(asked + packets, Ordering::Release);
    }

    pub(crate) fn swallows(&self) -> bool {
        self.state.swallows.load(Ordering::Acquire)
    }

    /// New connections work again; those that lost bytes stay mute, as they would in a network.
    pub(crate) fn heal(&self) {
        self.state.enough.store(0, Ordering::Release);
        self.state.swallows.store(false, Ordering::Release);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Release);
        for stream in self.state.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread that accepts, which then sees that it is over.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Two threads per connection, one for each direction.
fn join(state: &Arc<State>, client: TcpStream, server: TcpStream) -> Result<()> {
    let mut open = state.open.lock().unwrap_or_else(PoisonError::into_inner);
    open.extend([client.try_clone()?, server.try_clone()?]);
    drop(open);
    let (from_server, to_client) = (server.try_clone()?, client.try_clone()?);
    let mute = Arc::new(AtomicBool::new(false));
    for (from, to, counts) in [(client, server, true), (from_server, to_client, false)] {
        let (state, mute) = (Arc::clone(state), Arc::clone(&mute));
        thread::Builder::new()
            .name("proxy pump".into())
            .spawn(move || pump(&state, &mute, from, to, counts))?;
    }
    Ok(())
}

/// Passes bytes on until one side ends. A connection that lost a byte stays mute for good.
fn pump(state: &State, mute: &AtomicBool, mut from: TcpStream, mut to: TcpStream, counts: bool) {
    let mut buffer = [0; 16 * 1024];
    // Only so that a thread notices the end of the proxy; no byte waits for it.
    let _ = from.set_read_timeout(Some(millis(500)));
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if state.ended.load(Ordering::Acquire) {
                    break;
                }
                continue;
            }
            Err(_) => break,
        };
        if counts {
            let asked = state.asked.fetch_add(1, Ordering::AcqRel) + 1;
            let enough = state.enough.load(Ordering::Acquire);
            if enough > 0 && asked >= enough {
                state.swallows.store(true, Ordering::Release);
            }
        }
        if state.swallows.load(Ordering::Acquire) {
            mute.store(true, Ordering::Release);
        }
        if mute.load(Ordering::Acquire) {
            continue;
        }
        let Some(bytes) = buffer.get(..length) else { break };
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    // An end is passed on like a byte: not at all once the connection is mute.
    if !mute.load(Ordering::Acquire) || state.ended.load(Ordering::Acquire) {
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut copy = stream.try_clone().unwrap();
                    let _ = std::io::copy(&mut stream, &mut copy);
                });
            }
        });
        port
    }

    fn answer(stream: &mut TcpStream, text: &str) -> Option<String> {
        stream.write_all(text.as_bytes()).unwrap();
        let mut buffer = [0; 64];
        let length = stream.read(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    fn client(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        stream.set_read_timeout(Some(millis(300))).unwrap();
        stream
    }

    #[test]
    fn what_was_swallowed_mutes_a_connection_for_good_and_new_ones_work() {
        let proxy = Proxy::start(echo()).unwrap();
        let mut old = client(&proxy);
        assert_eq!(answer(&mut old, "one").as_deref(), Some("one"));
        proxy.swallow();
        assert_eq!(answer(&mut old, "two"), None);
        proxy.heal();
        assert_eq!(answer(&mut old, "three"), None);
        assert_eq!(answer(&mut client(&proxy), "four").as_deref(), Some("four"));
    }

    #[test]
    fn the_swallowing_can_begin_at_a_given_packet() {
        let proxy = Proxy::start(echo()).unwrap();
        let mut stream = client(&proxy);
        proxy.swallow_after(2);
        assert_eq!(answer(&mut stream, "one").as_deref(), Some("one"));
        assert!(!proxy.swallows());
        assert_eq!(answer(&mut stream, "two"), None);
        assert!(proxy.swallows());
    }
}
