//! What a driver says of itself, asked on a thread that may hang with its storage.
//!
//! One question at a time: while one is not answered schedulers can be told what they were told last. Each has a
//! thread for as long as it takes, which nobody waits for. Must not: tell anybody; that is the bus's thread's.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tracing::warn;

use super::capabilities::CapabilitySource;
use super::publishing::Publishing;

/// What a driver has said, and whether it is being asked.
pub(super) struct Statistics {
    source: Arc<dyn CapabilitySource>,
    publishing: Arc<Publishing>,
    /// An answer that takes longer is worth a word.
    slow: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    asked: Option<Instant>,
    known: Option<Map<String, Value>>,
}

impl Statistics {
    /// Nothing is known yet.
    pub(super) fn of(
        source: Arc<dyn CapabilitySource>,
        publishing: Arc<Publishing>,
        slow: Duration,
    ) -> Self {
        Self { source, publishing, slow, state: Arc::default() }
    }

    /// Asks, and has whoever waits for news told when the answer is there. If the last question has no answer yet
    /// this is none: for how long it has been waited for.
    ///
    /// # Errors
    ///
    /// The system's if there is no thread for it.
    pub(super) fn ask(&self) -> io::Result<Option<Duration>> {
        let mut state = lock(&self.state);
        if let Some(asked) = state.asked {
            return Ok(Some(asked.elapsed()));
        }
        let begun = Instant::now();
        state.asked = Some(begun);
        drop(state);
        let (source, publishing) = (Arc::clone(&self.source), Arc::clone(&self.publishing));
        let (theirs, slow) = (Arc::clone(&self.state), self.slow);
        let ask = move || {
            let told = catch_unwind(AssertUnwindSafe(|| source.capabilities()));
            let told = told.unwrap_or_else(|_| Err("the driver panicked".to_owned()));
            if let Err(reason) = &told {
                warn!(target: "cinder.volume.manager", "Update driver status failed: {reason}");
            }
            let took = begun.elapsed();
            if took > slow {
                let seconds = took.as_secs_f64();
                warn!(
                    target: "cinder.volume.manager",
                    "The driver took {seconds:.1} s to tell its statistics; schedulers see it as it was before"
                );
            }
            let mut state = lock(&theirs);
            state.asked = None;
            if let Ok(known) = told {
                state.known = Some(known);
            }
            drop(state);
            publishing.know();
        };
        let thread = std::thread::Builder::new().name("statistics".into()).spawn(ask);
        if thread.is_err() {
            lock(&self.state).asked = None;
        }
        thread.map(|_| None)
    }

    /// What it said last.
    pub(super) fn known(&self) -> Option<Map<String, Value>> {
        lock(&self.state).known.clone()
    }
}

/// Whole values only are written under it.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::super::publishing::Wake;
    use super::*;

    /// Longer than anything here takes.
    const SOON: Duration = Duration::from_secs(30);

    /// Says what the test lets it say.
    struct Scripted(Mutex<Receiver<Result<&'static str, &'static str>>>);

    impl CapabilitySource for Scripted {
        fn capabilities(&self) -> Result<Map<String, Value>, String> {
            let told = self.0.lock().unwrap().recv().unwrap();
            assert!(told != Ok("panic"), "a driver that panics");
            let map = |name: &str| Map::from_iter([("name".to_owned(), name.into())]);
            told.map(map).map_err(str::to_owned)
        }
    }

    #[test]
    fn what_was_told_last_is_known_while_a_driver_says_nothing_or_nothing_good() {
        let (says, script) = channel();
        let publishing = Arc::<Publishing>::default();
        let source = Arc::new(Scripted(Mutex::new(script)));
        let statistics = Statistics::of(source, Arc::clone(&publishing), SOON);
        let name = || statistics.known().map(|map| map["name"].clone());
        assert_eq!((statistics.ask().unwrap(), name()), (None, None));
        says.send(Ok("gold")).unwrap();
        assert_eq!(publishing.wait(SOON), Wake::Known);
        assert_eq!(name(), Some("gold".into()));
        for told in [Err("the array does not answer"), Ok("panic")] {
            assert_eq!(statistics.ask().unwrap(), None);
            // It hangs; nobody else asks, and what is known stays.
            assert!(statistics.ask().unwrap().is_some());
            assert_eq!(name(), Some("gold".into()));
            says.send(told).unwrap();
            assert_eq!(publishing.wait(SOON), Wake::Known);
            assert_eq!(name(), Some("gold".into()));
        }
        assert_eq!(statistics.ask().unwrap(), None);
        says.send(Ok("silver")).unwrap();
        assert_eq!(publishing.wait(SOON), Wake::Known);
        assert_eq!(name(), Some("silver".into()));
    }
}
