//! A service that records what it is told before it does it, for tests that kill it.
//!
//! `recorder DIRECTORY [URL]` serves `topic`, `server` below `DIRECTORY/rpc`, or at that broker. `record` with an `id` writes
//! `recorded/ID`, says that the message need not be kept, and does its work: it moves the file to
//! `done/ID`. What it finds recorded when it starts it does first. Work that is done a second time
//! shows as `twice/ID`. With `halt` it stops at that point, once, and waits to be killed. A log line
//! with the word `poison` in it kills it: it stands for a fault in reading a message. `echo` returns
//! its `text`.

mod place;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use oslo_messaging::{
    Dispatcher, Failure, Incoming, Method, Outcome, Pool, ServerOptions, Target, Version, Words,
    returned,
};
use serde::Deserialize;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Words in a file, which outlives the process.
struct Kept(File);

impl Words for Kept {
    fn count(&self) -> usize {
        5
    }

    fn get(&self, index: usize) -> u64 {
        let mut word = [0; 8];
        let read = self.0.read_exact_at(&mut word, 8 * index as u64);
        read.map_or(0, |()| u64::from_be_bytes(word))
    }

    fn set(&self, index: usize, value: u64) {
        self.0.write_all_at(&value.to_be_bytes(), 8 * index as u64).expect("a word");
    }
}

/// What is recorded, done and done twice.
#[derive(Clone)]
struct Desk(PathBuf);

impl Desk {
    fn open(directory: &Path) -> io::Result<Self> {
        for name in ["recorded", "done", "twice", "halted"] {
            fs::create_dir_all(directory.join(name))?;
        }
        Ok(Self(directory.to_owned()))
    }

    fn path(&self, kind: &str, id: &str) -> PathBuf {
        self.0.join(kind).join(id)
    }

    /// Whether it is new: what was recorded by somebody who died is done already.
    fn record(&self, id: &str) -> io::Result<bool> {
        if self.path("recorded", id).exists() || self.path("done", id).exists() {
            return Ok(false);
        }
        let aside = self.path("halted", &format!(".{id}"));
        File::create(&aside)?.sync_all()?;
        fs::rename(aside, self.path("recorded", id))?;
        Ok(true)
    }

    fn work(&self, id: &str) -> io::Result<()> {
        match fs::rename(self.path("recorded", id), self.path("done", id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::write(self.path("twice", id), "")
            }
            other => other,
        }
    }

    /// Waits to be killed; only once.
    fn halt(&self, id: &str) {
        let mark = self.path("halted", id);
        if !mark.exists() {
            fs::write(&mark, "").expect("a mark");
            loop {
                thread::sleep(Duration::from_secs(1));
            }
        }
    }
}

#[derive(Deserialize)]
struct Arguments {
    id: String,
    halt: Option<String>,
    #[serde(default)]
    milliseconds: u64,
}

fn record(desk: &Desk, incoming: &mut Incoming) -> Outcome {
    let Arguments { id, halt, milliseconds } = incoming.arguments()?;
    let failed = |error: io::Error| Box::new(Failure::runtime_error(error.to_string()));
    let pause = || thread::sleep(Duration::from_millis(milliseconds));
    if halt.as_deref() == Some("before") {
        desk.halt(&id);
    }
    pause();
    if !desk.record(&id).map_err(failed)? {
        return returned("known");
    }
    incoming.recorded();
    pause();
    if halt.as_deref() == Some("after") {
        desk.halt(&id);
    }
    desk.work(&id).map_err(failed)?;
    returned("done")
}

/// Prints log lines and dies of some.
struct Fragile;

impl<S: tracing::Subscriber> Layer<S> for Fragile {
    #[expect(clippy::print_stderr, reason = "it is the log of a program")]
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Line(String);
        impl Visit for Line {
            fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
                self.0 = format!("{value:?}");
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        let level = *event.metadata().level();
        eprintln!("{level} {}", line.0);
        if level == tracing::Level::WARN && line.0.contains("poison") {
            std::process::abort();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "an example is a program and reads its arguments")]
#[expect(clippy::print_stdout, reason = "whoever started it waits for the word")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<_> = std::env::args().collect();
    let directory = Path::new(words.get(1).ok_or("usage: recorder DIRECTORY [URL]")?);
    let local = directory.join("rpc").to_string_lossy().into_owned();
    let bus = place::bus(words.get(2).unwrap_or(&local))?;
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Fragile))?;
    let desk = Desk::open(directory)?;
    for entry in fs::read_dir(directory.join("recorded"))? {
        desk.work(&entry?.file_name().to_string_lossy())?;
    }
    let words = directory.join("words");
    let words = File::options().read(true).write(true).create(true).truncate(false).open(words)?;
    let options = ServerOptions { words: Some(Box::new(Kept(words))), ..ServerOptions::default() };
    let target = Target::new("openstack", "topic", "server")?;
    let server = bus.serve(&[target], options)?;
    place::wait_for(&bus, &server);
    let echo = Method::new("echo", |incoming| {
        let args: serde_json::Value = incoming.arguments()?;
        returned(&args["text"])
    });
    let methods = [
        Method::new("record", move |incoming| record(&desk, incoming))
            .taking(&["id"], &["halt", "milliseconds"]),
        echo.taking(&["text"], &[]),
    ];
    let dispatcher = Dispatcher::default().with(Version { major: 3, minor: 0 }, methods);
    let _pool = Pool::start(server, dispatcher, 8)?;
    println!("ready");
    io::stdout().flush()?;
    loop {
        thread::park(); // until it is killed
    }
}
