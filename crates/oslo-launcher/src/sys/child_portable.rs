//! A subprocess where there are no signals: a closed standard input asks it to end.

use std::io;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::line::Ended;
use crate::reporting::Wanted;
use crate::scoreboard::WorkerState;
use crate::state::{Event, WorkerId};
use crate::subprocess::Happening;

/// What an interruption means to a launcher of subprocesses; nothing makes one here.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Interruption {
    /// An event of the state machine.
    Event(Event),
    /// A report is asked for.
    Report,
}

/// Nothing can be asked for without signals.
pub(crate) fn look_for_requests() {}

/// Nobody inherits orphans here.
pub(crate) fn reap_orphan(_is_worker: impl Fn(i32) -> bool, _: bool) -> Option<i32> {
    None
}

/// A running subprocess.
#[derive(Debug)]
pub(crate) struct Child {
    process: Arc<Mutex<std::process::Child>>,
    pid: i32,
    line: Option<ChildStdin>,
}

/// How often a child is looked at: this standard library cannot wait and kill at the same time.
const LOOK: Duration = Duration::from_millis(100);

impl Child {
    /// Starts the command. It counts as up once it runs: there is no line back.
    pub(crate) fn start(
        mut command: Command,
        id: WorkerId,
        generation: u64,
        tell: Sender<Happening>,
    ) -> io::Result<Self> {
        let mut process = command.stdin(Stdio::piped()).spawn()?;
        let line = process.stdin.take();
        let pid = process.id() as i32;
        let process = Arc::new(Mutex::new(process));
        let watched = Arc::clone(&process);
        thread::Builder::new().name(format!("wait-{pid}")).spawn(move || {
            let _ = tell.send(Happening::Said(id, generation, WorkerState::Up, String::new()));
            let end = loop {
                match watched.lock().unwrap_or_else(PoisonError::into_inner).try_wait() {
                    Ok(Some(status)) => break status.code().map_or(Ended::Unknown, Ended::Exited),
                    Ok(None) => {}
                    Err(_) => break Ended::Unknown,
                }
                thread::sleep(LOOK);
            };
            let _ = tell.send(Happening::Ended(id, generation, end));
        })?;
        Ok(Self { process, pid, line })
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn terminate(&mut self) -> io::Result<()> {
        self.line = None;
        Ok(())
    }

    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).kill()
    }

    /// There is no way to tell it; the change applies to the next process.
    pub(crate) fn hangup(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Wakes a loop that waits for it, once that loop has said how.
#[derive(Clone, Default)]
pub(crate) struct Waker(Arc<Mutex<Option<Box<dyn Fn() + Send>>>>);

impl Waker {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self::default())
    }

    /// Says how to wake the loop, which looks for requests afterwards, not before.
    pub(crate) fn calls(&self, wake: impl Fn() + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(wake));
    }

    pub(crate) fn wake(&self) {
        if let Some(wake) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }
}

/// There are no signals; only wake-ups.
pub(crate) struct Ears(Waker);

impl Ears {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Waker::default()))
    }

    pub(crate) fn waker(&self) -> Waker {
        self.0.clone()
    }

    pub(crate) fn interruptions(&self) -> Interruptions {
        Interruptions
    }

    pub(crate) fn onto_thread(self, tell: Sender<Happening>) -> io::Result<()> {
        // A launcher that is gone need not wake up.
        self.0.calls(move || drop(tell.send(Happening::Asked)));
        Ok(())
    }
}

/// Nothing interrupts here.
#[derive(Debug)]
pub(crate) struct Interruptions;

impl Interruptions {
    pub(crate) fn take_wanted(&self) -> Wanted {
        Wanted::default()
    }

    pub(crate) fn take(&self) -> impl Iterator<Item = Interruption> + use<> {
        std::iter::empty()
    }
}
