//! A TCP proxy in front of a server that can fall silent, as a firewall does that has forgotten
//! a connection: packets are still acknowledged, but nobody answers. It counts round trips, too.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

/// Forwards until told otherwise; its threads end with the test program.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    server: SocketAddr,
    /// Connections made before this number are silent for ever.
    silent_before: AtomicUsize,
    /// Whether new ones are silent as well.
    silent: AtomicBool,
    made: AtomicUsize,
    turns: AtomicUsize,
}

impl Proxy {
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            server,
            silent_before: AtomicUsize::new(0),
            silent: AtomicBool::new(false),
            made: AtomicUsize::new(0),
            turns: AtomicUsize::new(0),
        });
        let theirs = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let state = Arc::clone(&theirs);
                thread::spawn(move || state.serve(&client?));
            }
        });
        Self { address, state }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on no connection, old or new, gets anything through.
    pub fn fall_silent(&self) {
        self.state.silent.store(true, SeqCst);
        self.state.silent_before.store(usize::MAX, SeqCst);
    }

    /// New connections work again; the old ones stay silent.
    pub fn heal(&self) {
        self.state.silent_before.store(self.state.made.load(SeqCst), SeqCst);
        self.state.silent.store(false, SeqCst);
    }

    /// How many connections were made.
    pub fn made(&self) -> usize {
        self.state.made.load(SeqCst)
    }

    /// A count of round trips so far: how often a server answered something that was sent to it.
    /// An answer has been counted before it arrives.
    pub fn turns(&self) -> impl Fn() -> usize + Send + 'static {
        let state = Arc::clone(&self.state);
        move || state.turns.load(SeqCst)
    }
}

impl State {
    fn serve(self: Arc<Self>, client: &TcpStream) -> io::Result<()> {
        let number = self.made.fetch_add(1, SeqCst);
        let server = TcpStream::connect(self.server)?;
        let (back, forth) = ((server.try_clone()?, client.try_clone()?), (client, &server));
        // Whether the client has sent something that is not answered yet.
        let asked = Arc::new(AtomicBool::new(false));
        let (state, answered) = (Arc::clone(&self), Arc::clone(&asked));
        thread::spawn(move || {
            state.forward(number, &back.0, &back.1, || {
                if answered.swap(false, SeqCst) {
                    state.turns.fetch_add(1, SeqCst);
                }
            })
        });
        self.forward(number, forth.0, forth.1, || asked.store(true, SeqCst))
    }

    fn forward(
        &self,
        number: usize,
        mut from: &TcpStream,
        mut to: &TcpStream,
        note: impl Fn(),
    ) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let length = from.read(&mut buffer)?;
            let silent = number < self.silent_before.load(SeqCst) || self.silent.load(SeqCst);
            match length {
                0 if silent => return Ok(()),
                0 => return to.shutdown(Shutdown::Write),
                _ if silent => {}
                length => {
                    note();
                    to.write_all(&buffer[..length])?;
                }
            }
        }
    }
}
