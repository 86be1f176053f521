//! The end of a worker's parts, one after the other, none waited for too long.
//!
//! A part hands in what ends it when it starts, and for which stage; the order is that of
//! [`Stage::ORDER`], whatever the order in which they came. A part that takes longer than its limit
//! is left behind: the process is about to end anyway, and what comes after it has to be ended too.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tracing::warn;

use super::parts::Parts;

/// What is ended together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// No more messages are taken.
    Intake,
    /// Operations that have begun are finished.
    Operations,
    /// What they have told others is sent.
    Notifications,
    /// Their answers have gone out, and the bus is closed.
    Bus,
    /// Nobody tries any longer to make the driver ready.
    Driver,
    /// The last sign of life has been written: others know us until then, since the operations
    /// that they wait for are still being finished.
    Heartbeat,
    /// The database connections of all the others are closed.
    Pool,
}

impl Stage {
    /// The order in which a worker ends.
    pub(super) const ORDER: [Self; 7] = [
        Self::Intake,
        Self::Operations,
        Self::Notifications,
        Self::Bus,
        Self::Driver,
        Self::Heartbeat,
        Self::Pool,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Intake => "message intake",
            Self::Operations => "operations",
            Self::Notifications => "notifications",
            Self::Bus => "message bus",
            Self::Driver => "driver",
            Self::Heartbeat => "heartbeat",
            Self::Pool => "database connections",
        }
    }

    /// How long it may take; operations have as long as the supervisor gives the whole process,
    /// `graceful_shutdown_timeout`.
    fn limit(self) -> Option<Duration> {
        let seconds = match self {
            Self::Operations => return None,
            Self::Intake | Self::Bus => 5,
            // They keep the time themselves.
            Self::Notifications => 4,
            // It is in the middle of a call that an array does not answer, or it ends at once.
            Self::Driver => 1,
            // Longer than a beat that waits for a lock, or for a server's answer once a stop has
            // come (`cinder_db::Heartbeat`).
            Self::Heartbeat => 4,
            Self::Pool => 2,
        };
        Some(Duration::from_secs(seconds))
    }
}

type Work = Box<dyn FnOnce() + Send>;

/// What ends a part.
enum End {
    /// It is told no time; so that it can be left behind it has a thread to itself.
    Work(Work),
    /// It waits no longer than it is told, says whether the part has ended, and may be asked again.
    Within(Box<dyn FnMut(Duration) -> bool + Send>),
}

/// What ends the parts of a worker.
#[derive(Default)]
pub(super) struct Ending {
    ends: Vec<(Stage, End)>,
}

impl Ending {
    /// Notes what ends a part.
    pub(super) fn add(&mut self, stage: Stage, end: impl FnOnce() + Send + 'static) {
        self.ends.push((stage, End::Work(Box::new(end))));
    }

    /// Notes what ends a part and keeps the time itself: it waits no longer than it is told, and says
    /// whether the part has ended.
    pub(super) fn add_punctual(
        &mut self,
        stage: Stage,
        end: impl FnMut(Duration) -> bool + Send + 'static,
    ) {
        self.ends.push((stage, End::Within(Box::new(end))));
    }

    /// Ends all of them.
    pub(super) fn run(self, parts: &Parts) {
        self.run_within(parts, Stage::limit);
    }

    fn run_within(mut self, parts: &Parts, limit: impl Fn(Stage) -> Option<Duration>) {
        for stage in Stage::ORDER {
            for (_, end) in self.ends.extract_if(.., |(of, _)| *of == stage) {
                let name = stage.name();
                let Some(limit) = limit(stage) else {
                    parts.ending(&format!("waits for {name}"));
                    end.whole();
                    continue;
                };
                let seconds = limit.as_secs();
                // Every word wakes the supervisor, and hundreds of workers end together: said only by
                // one that does wait.
                let waits = || parts.ending(&format!("waits for {name}, {seconds} s at most"));
                if !end.within(limit, waits) {
                    warn!(
                        target: "cinder.service",
                        "The {name} did not end within {seconds} s and is left behind"
                    );
                }
            }
        }
    }
}

impl std::fmt::Debug for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ends.iter().map(|(stage, _)| stage)).finish()
    }
}

/// An end that takes longer is worth a word.
const NOTICED: Duration = Duration::from_millis(100);

impl End {
    /// Does it however long it takes.
    fn whole(self) {
        match self {
            Self::Work(work) => work(),
            Self::Within(mut end) => while !end(Duration::from_secs(3600)) {},
        }
    }

    /// Whether it was done in time. Calls `waits` once if it is not over in a moment.
    fn within(self, limit: Duration, waits: impl FnOnce()) -> bool {
        let moment = limit.min(NOTICED);
        let rest = limit.saturating_sub(moment);
        let mut end = match self {
            Self::Work(work) => return within(moment, rest, work, waits),
            Self::Within(end) => end,
        };
        if end(moment) {
            return true;
        }
        waits();
        let ended = end(rest);
        if !ended {
            // To drop what it holds would be to wait for it.
            std::mem::forget(end);
        }
        ended
    }
}

/// Does this on a thread that can be left behind.
fn within(moment: Duration, rest: Duration, work: Work, waits: impl FnOnce()) -> bool {
    let (done, ended) = mpsc::channel();
    let work = Arc::new(Mutex::new(Some(work)));
    let theirs = Arc::clone(&work);
    let take = |work: &Mutex<Option<Work>>| {
        let taken = work.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.into_iter().for_each(|work| work());
    };
    let thread = std::thread::Builder::new().name("ending".into()).spawn(move || {
        take(&theirs);
        // Nobody listens any longer if this took too long.
        let _ = done.send(());
    });
    if thread.is_err() {
        take(&work); // there is no room for a thread; then nobody keeps the time
        return true;
    }
    // A panic, which has been logged, is an end, too.
    let is_late = |limit| ended.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
    if !is_late(moment) {
        return true;
    }
    waits();
    !is_late(rest)
}
