//! Reports on a running process: who wants one, and the thread that makes it.
//!
//! A report takes a while (it looks at every thread, reads files, writes to whoever is slow), so
//! it is made beside the loop that supervises or answers signals: on a thread here, in a copy of
//! the process where there must be no second thread (`forked.rs`). One at a time: what is asked
//! for meanwhile is one more report afterwards, however often it was asked for.

use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::guard::guarded;
use crate::scoreboard::Scoreboard;
use crate::sys::{self, Along};

/// More answers than this are not kept in mind: whoever is forgotten asks again.
const ANSWERS: usize = 16;

/// Asks the daemon or the worker with this process id for a report, which is to be answered to
/// whoever waits with `number`; 0 is nobody.
///
/// It may be lost: two SIGUSR2 that come at once are one. Ask again if no answer comes. A process
/// that does not read its SIGUSR2 is ended by it.
///
/// # Errors
///
/// When there is no such process, or it is somebody else's.
pub fn ask_report(pid: i32, number: u64) -> io::Result<()> {
    sys::send_along(pid, number)
}

/// A report that somebody has asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportRequest {
    /// The process to report on. Who does the work may be another: a copy of it, made for that.
    pub process: u32,
    /// Whether a plain SIGUSR2 came: the report goes where reports go.
    pub usual: bool,
    /// Numbers that came along with [`ask_report`](crate::ask_report): who asked waits for an
    /// answer that shows this number.
    pub answers: Vec<u64>,
    /// What the worker's service says of itself, see [`Service::report`](crate::Service::report);
    /// empty in a supervisor.
    pub service: String,
}

/// The part of a report that may take its time; runs beside everything else.
pub type ReportWork = Box<dyn FnOnce(&Scoreboard) + Send>;

/// What has been asked for.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    usual: bool,
    answers: Vec<u64>,
}

impl From<Along> for Wanted {
    fn from(along: Along) -> Self {
        let mut wanted = Self { usual: along.plain, answers: Vec::new() };
        along.values.into_iter().for_each(|number| wanted.answer(number));
        wanted
    }
}

impl Wanted {
    /// An answer; 0 asks for nothing but a look at what waits.
    fn answer(&mut self, number: u64) {
        if number != 0 && self.answers.len() < ANSWERS && !self.answers.contains(&number) {
            self.answers.push(number);
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.usual |= other.usual;
        other.answers.into_iter().for_each(|number| self.answer(number));
    }

    /// Takes everything, as a request to the hooks; none if nobody wants anything.
    pub(crate) fn take(&mut self, service: impl FnOnce() -> String) -> Option<ReportRequest> {
        let Self { usual, answers } = mem::take(self);
        let process = std::process::id();
        let wanted = usual || !answers.is_empty();
        wanted.then(|| ReportRequest { process, usual, answers, service: service() })
    }
}

/// Makes reports on a thread.
#[derive(Debug, Default)]
pub(crate) struct Reporting {
    waits: Wanted,
    /// Made when a report is asked for: a worker that allocates right after its fork copies a
    /// dozen pages of its parent, and most workers are never asked.
    stage: OnceLock<Arc<Mutex<Stage>>>,
}

#[derive(Debug, Default)]
struct Stage {
    running: bool,
    /// Whether more was asked for meanwhile.
    again: bool,
}

impl Reporting {
    fn stage(&self) -> &Arc<Mutex<Stage>> {
        self.stage.get_or_init(Arc::default)
    }

    /// Takes in what is wanted; if nothing runs, it is to be done now.
    pub(crate) fn admit(
        &mut self,
        wanted: Wanted,
        service: impl FnOnce() -> String,
    ) -> Option<ReportRequest> {
        self.waits.add(wanted);
        let running = {
            let mut stage = lock(self.stage());
            stage.again |= stage.running;
            stage.running
        };
        if running { None } else { self.waits.take(service) }
    }

    /// Does the work on a thread; on this one if there can be no other.
    pub(crate) fn run(&self, work: ReportWork, scoreboard: &Arc<Scoreboard>) {
        let job = Arc::new(Mutex::new(Some(work)));
        let (ours, stage, scoreboard) =
            (Arc::clone(&job), Arc::clone(self.stage()), Arc::clone(scoreboard));
        lock(self.stage()).running = true;
        let thread = std::thread::Builder::new().name("report".into()).spawn({
            let scoreboard = Arc::clone(&scoreboard);
            move || {
                perform(&ours, &scoreboard);
                let mut stage = lock(&stage);
                stage.running = false;
                if mem::take(&mut stage.again) {
                    // Makes the loop look. Fails only when so many signals wait that it does anyway.
                    let _ = ask_report(std::process::id() as i32, 0);
                }
            }
        });
        if thread.is_err() {
            lock(self.stage()).running = false;
            perform(&job, &scoreboard);
        }
    }
}

fn perform(job: &Mutex<Option<ReportWork>>, scoreboard: &Scoreboard) {
    if let Some(work) = lock(job).take() {
        guarded("the report", || work(scoreboard));
    }
}

/// What a lock protects here is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(usual: bool, answers: &[u64]) -> Wanted {
        Wanted { usual, answers: answers.to_vec() }
    }

    #[test]
    fn whoever_asks_twice_is_answered_once_and_nobody_is_forgotten() {
        let mut all = wanted(false, &[7]);
        all.add(wanted(true, &[8, 7]));
        all.add(wanted(false, &[0]));
        let request = all.take(|| "pool".to_owned()).unwrap();
        assert_eq!((request.usual, request.answers), (true, vec![7, 8]));
        assert_eq!((request.process, request.service.as_str()), (std::process::id(), "pool"));
        assert_eq!(all.take(String::new), None);
    }

    #[test]
    fn what_is_asked_for_during_a_report_waits_for_its_end() {
        let mut reporting = Reporting::default();
        lock(reporting.stage()).running = true;
        for number in 1..=50 {
            assert_eq!(reporting.admit(wanted(true, &[number]), String::new), None);
        }
        assert!(lock(reporting.stage()).again);
        lock(reporting.stage()).running = false;
        let request = reporting.admit(Wanted::default(), String::new).unwrap();
        assert_eq!((request.usual, request.answers.len()), (true, ANSWERS));
    }
}
