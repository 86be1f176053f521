//! A subprocess, and the two threads that tell of it.

use std::io::{self, BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::mpsc::Sender;
use std::thread;

use super::Sighting;
use super::ears::STACK;
use crate::state::WorkerId;
use crate::state_line::understand;
use crate::sys::{kill_and_wait, start_program, wait_for};

/// A running subprocess. Dropping it closes its standard input, which tells it to end.
#[derive(Debug)]
pub(super) struct Subprocess {
    pid: i32,
    life: u64,
    _stdin: UnixStream,
}

impl Subprocess {
    /// Starts the command with its standard input as the line to us.
    pub(super) fn start(
        command: Command,
        id: WorkerId,
        life: u64,
        tell: &Sender<Sighting>,
    ) -> io::Result<Self> {
        let (pid, ours) = start_program(command)?;
        let attended = hear(pid, &ours, id, life, tell.clone())
            .and_then(|()| wait(pid, id, life, tell.clone()));
        attended.inspect_err(|_| {
            // Nobody would ever wait for it, and the next one must not live beside it.
            kill_and_wait(pid);
        })?;
        Ok(Self { pid, life, _stdin: ours })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Which of all subprocesses this is.
    pub(super) fn life(&self) -> u64 {
        self.life
    }
}

fn hear(
    pid: i32,
    ours: &UnixStream,
    id: WorkerId,
    life: u64,
    tell: Sender<Sighting>,
) -> io::Result<()> {
    let heard = BufReader::new(ours.try_clone()?);
    let hear = move || {
        for line in heard.lines() {
            let Ok(line) = line else { return };
            let said = understand(&line).map(|said| Sighting::Said(id, life, said));
            if said.is_some_and(|said| tell.send(said).is_err()) {
                return;
            }
        }
    };
    thread::Builder::new().name(format!("hear-{pid}")).stack_size(STACK).spawn(hear).map(drop)
}

fn wait(pid: i32, id: WorkerId, life: u64, tell: Sender<Sighting>) -> io::Result<()> {
    let wait = move || {
        // Nobody listens any more only when this process ends.
        let _ = tell.send(Sighting::Ended(id, life, wait_for(pid)));
    };
    thread::Builder::new().name(format!("wait-{pid}")).stack_size(STACK).spawn(wait).map(drop)
}
