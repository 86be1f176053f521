//! HUP in the parent of forked workers: a copy of it reads, it applies, its workers follow.
//!
//! See [`crate::rereading`]. Must not: read a file in the parent.

use std::time::Instant;

use super::Forked;
use crate::bridge::Bridge;
use crate::ended::Ended;
use crate::line;
use crate::rereading::{self, Answer, ReadWork};
use crate::supervising::{Happening, Means};
use crate::sys::{ParentWatch, Signal, fork_worker, rename_process, send};

/// A copy of the parent that reads.
pub(super) struct Reader {
    pid: i32,
    answer: Answer,
    /// Nothing once it has been given up.
    until: Option<Instant>,
}

impl Forked {
    pub(super) fn reader_pid(&self) -> Option<i32> {
        self.reader.as_ref().map(|reader| reader.pid)
    }

    /// When the reading is given up, if there is one.
    pub(super) fn reader_limit(&self) -> Option<Instant> {
        self.reader.as_ref()?.until
    }

    /// Begins to read the configuration again, in a copy of this process.
    pub(super) fn begin_reading(
        &mut self,
        bridge: &mut Bridge,
        work: ReadWork,
    ) -> Result<(), String> {
        if self.reader.is_some() {
            return Err(rereading::STILL_BUSY.to_owned());
        }
        let answer = Answer::new().map_err(|error| error.to_string())?;
        let mut job = Some((work, &answer));
        let pid = fork_worker(|watch| self.in_reader(bridge, &watch, job.take()));
        let pid = pid.map_err(|refusal| {
            let refusal = refusal.of("reload");
            let source = std::error::Error::source(&refusal).map(ToString::to_string);
            source.unwrap_or_else(|| refusal.to_string())
        })?;
        self.reader = Some(Reader { pid, answer, until: Some(rereading::deadline()) });
        Ok(())
    }

    /// All that the copy does; the return value is its exit status.
    fn in_reader(
        &mut self,
        bridge: &mut Bridge,
        watch: &ParentWatch,
        job: Option<(ReadWork, &Answer)>,
    ) -> i32 {
        rename_process(c"reload");
        // KILL, because nothing here reads a signal, and nobody waits for the answer any more.
        if !watch.arm(Signal::SIGKILL) {
            return 1;
        }
        self.in_copy();
        bridge.give_up();
        let written = job.map(|(work, answer)| answer.write(&work()));
        bridge.hooks.before_exit();
        i32::from(!matches!(written, Some(Ok(()))))
    }

    /// The copy that reads has ended; what it has read, if somebody still waits for that.
    pub(super) fn reader_ended(&mut self, end: Ended) -> Option<Happening> {
        let reader = self.reader.take()?;
        reader.until?;
        Some(Happening::Read(match reader.answer.read() {
            Ok(read) if end == Ended::Exited(0) => Ok(read),
            Ok(_) => Err(format!("its reader {end}")),
            Err(why) => Err(why),
        }))
    }

    /// Gives up a copy that reads for too long. One that hangs in the kernel is a zombie some day.
    pub(super) fn look_at_reader(&mut self) -> Option<Happening> {
        let reader = self.reader.as_mut()?;
        reader.until.filter(|until| *until <= Instant::now())?;
        reader.until = None;
        if let Err(error) = send(reader.pid, Signal::SIGKILL) {
            line::not_signalled(reader.pid, &error);
        }
        Some(Happening::ReadingGivenUp(rereading::TOO_LATE))
    }
}
