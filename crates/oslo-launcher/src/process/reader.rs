//! HUP in the parent of forked workers: a copy of it reads, it applies, its workers follow.
//!
//! See [`crate::rereading`]. Must not: read a file in the parent.

use std::time::Instant;

use super::ProcessLauncher;
use crate::line::{self, Ended};
use crate::rereading::{self, Answer, ReadWork};
use crate::state::Event;
use crate::sys::{ParentWatch, Signal, fork_worker, rename_process, send};

/// A copy of the parent that reads.
pub(super) struct Reader {
    pid: i32,
    answer: Answer,
    /// Nothing once it has been given up.
    until: Option<Instant>,
}

impl ProcessLauncher {
    /// A HUP has come. During a reading it is one more afterwards.
    pub(super) fn hang_up(&mut self) {
        if self.reader_limit().is_some() {
            self.hangup_waits = true;
        } else {
            self.step(Event::Hangup);
        }
    }

    pub(super) fn reader_pid(&self) -> Option<i32> {
        self.reader.as_ref().map(|reader| reader.pid)
    }

    /// When the reading is given up, if there is one.
    pub(super) fn reader_limit(&self) -> Option<Instant> {
        self.reader.as_ref()?.until
    }

    /// Begins to read the configuration again, in a copy of this process.
    pub(super) fn read_again(&mut self) {
        let Some(work) = self.bridge.read_again() else { return self.reload(&[]) };
        if self.reader.is_some() {
            return self.not_read_again(rereading::STILL_BUSY);
        }
        let answer = match Answer::new() {
            Ok(answer) => answer,
            Err(error) => return self.not_read_again(&error.to_string()),
        };
        let mut job = Some((work, &answer));
        match fork_worker(|watch| self.in_reader(&watch, job.take())) {
            Ok(pid) => {
                self.reader = Some(Reader { pid, answer, until: Some(rereading::deadline()) });
            }
            Err(refusal) => {
                let refusal = refusal.of("reload");
                let cause = std::error::Error::source(&refusal).map(ToString::to_string);
                self.not_read_again(&cause.unwrap_or_else(|| refusal.to_string()));
            }
        }
    }

    /// All that the copy does; the return value is its exit status.
    fn in_reader(&mut self, watch: &ParentWatch, job: Option<(ReadWork, &Answer)>) -> i32 {
        rename_process(c"reload");
        // KILL, because nothing here reads a signal, and nobody waits for the answer any more.
        if !watch.arm(Signal::SIGKILL) {
            return 1;
        }
        self.give_up();
        let written = job.map(|(work, answer)| answer.write(&work()));
        self.bridge.hooks.before_exit();
        i32::from(!matches!(written, Some(Ok(()))))
    }

    /// Applies what has been read, and lets the workers follow.
    fn reload(&mut self, read: &[u8]) {
        let (event, told) = self.bridge.reload(read);
        if event == Event::Reloaded {
            self.bulletin.publish(&told);
            self.reset_services();
        }
        self.step(event);
    }

    fn not_read_again(&mut self, why: &str) {
        line::not_read_again(why);
        self.step(Event::ReloadRefused);
    }

    /// The copy that reads has ended.
    pub(super) fn reader_ended(&mut self, end: Ended) {
        let Some(reader) = self.reader.take() else { return };
        if reader.until.is_some() {
            match reader.answer.read() {
                _ if self.bridge.supervisor.is_stopping() => {}
                Ok(read) if end == Ended::Exited(0) => self.reload(&read),
                Ok(_) => self.not_read_again(&format!("its reader {end}")),
                Err(why) => self.not_read_again(&why),
            }
        }
        if std::mem::take(&mut self.hangup_waits) {
            self.step(Event::Hangup);
        }
    }

    /// Gives up a copy that reads for too long. One that hangs in the kernel is a zombie some day.
    pub(super) fn look_at_reader(&mut self) {
        let Some(reader) = &mut self.reader else { return };
        if reader.until.is_none_or(|until| until > Instant::now()) {
            return;
        }
        reader.until = None;
        if let Err(error) = send(reader.pid, Signal::SIGKILL) {
            line::not_signalled(reader.pid, &error);
        }
        self.hangup_waits = false; // it would find this one in its way
        self.not_read_again(rereading::TOO_LATE);
    }
}
