//! A server on a thread, with a source whose answers a test decides, and clients of every manner.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![allow(dead_code, reason = "every test program uses a part of this")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cinder_health::{Address, BackEnd, Family, Server, Snapshot, Source, State, Stopper};

/// How long a state may take to come about; only a failure waits for it.
pub const LIMIT: Duration = Duration::from_secs(30);

/// What the source says.
#[derive(Clone, Default)]
pub struct Said {
    pub snapshot: Snapshot,
    pub metrics: Vec<Family>,
    pub dead: Option<String>,
}

#[derive(Clone, Default)]
pub struct Scripted(pub Arc<Mutex<Said>>);

impl Source for Scripted {
    fn snapshot(&mut self) -> Snapshot {
        self.0.lock().unwrap().snapshot.clone()
    }

    fn metrics(&mut self) -> Vec<Family> {
        self.0.lock().unwrap().metrics.clone()
    }

    fn alive(&mut self) -> Result<(), String> {
        self.0.lock().unwrap().dead.clone().map_or(Ok(()), Err)
    }
}

/// A server that runs until it is dropped.
pub struct Running {
    pub at: SocketAddr,
    pub source: Scripted,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub fn start(back_ends: Vec<BackEnd>) -> Self {
        let source = Scripted::default();
        source.0.lock().unwrap().snapshot.back_ends = back_ends;
        let address: Address = "127.0.0.1:0".parse().unwrap();
        let server = Server::bind(&address, 0).unwrap();
        let Address::Tcp(at) = *server.address() else { panic!("not TCP") };
        let stopper = server.stopper().unwrap();
        let mut theirs = source.clone();
        let thread = Some(std::thread::spawn(move || server.run(&mut theirs).unwrap()));
        Self { at, source, stopper, thread }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }

    /// Sends these bytes; the answer up to its end.
    pub fn send(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // It may refuse before everything is sent.
        let _ = stream.write_all(request);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub fn get(&self, path: &str) -> Answer {
        let text = self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes());
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking(), "the server has failed");
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default()
    }
}

pub fn back_end(name: &str, state: State) -> BackEnd {
    BackEnd { name: name.into(), host: format!("node@{name}"), state, ..BackEnd::default() }
}

pub fn many(count: usize) -> Vec<BackEnd> {
    (0..count).map(|number| back_end(&format!("backend-{number}"), State::Up)).collect()
}

/// Whether the server has closed this connection, which had been idle.
pub fn is_closed(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let closed = match stream.read(&mut [0; 64]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).unwrap();
    closed
}

/// Waits for a state.
pub fn wait_for(what: &str, mut state: impl FnMut() -> bool) {
    let start = Instant::now();
    while !state() {
        assert!(start.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
