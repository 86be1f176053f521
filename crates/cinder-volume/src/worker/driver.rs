//! The slot that a driver stands in: whether it is ready, and the tries to make it so.
//!
//! There is one flag, and it is here: the heartbeat obeys it, and what the worker says of itself
//! follows from it. A driver whose set-up fails is tried again for ever, with a growing pause, and
//! says why in the meantime; nothing waits for one whose set-up does not come back. Must not: know
//! what a driver is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::{error, info};

use super::events::Events;
use super::parts::{Condition, Part, Parts};

/// First pause between two attempts; doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause: an array that is back should not wait for us, and one that is not must not have
/// to say so all the time.
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// What makes a driver ready.
pub(super) trait SetUp: Send {
    /// Tries once. May block for as long as an array likes.
    ///
    /// # Errors
    ///
    /// Why it is not ready, for operators.
    fn attempt(&mut self) -> Result<(), String>;
}

/// Whether the driver is ready; can be asked by anybody, at no cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Ready(Arc<AtomicBool>);

impl Ready {
    /// The flag itself, for those who know nothing of slots.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    pub(super) fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The slot; see the module's head.
pub(super) struct Slot {
    ready: Ready,
    parts: Arc<Parts>,
    events: Arc<Events>,
    /// Called when the driver has become ready.
    announce: Box<dyn Fn() + Send>,
    pause: Duration,
    attempts: u64,
    /// How often the configuration had been read again at the last attempt.
    reloads: u64,
}

impl Slot {
    /// A slot whose flag is `ready`, and which tells `announce` when that is raised.
    pub(super) fn new(
        ready: &Ready,
        parts: &Arc<Parts>,
        events: &Arc<Events>,
        announce: impl Fn() + Send + 'static,
    ) -> Self {
        Self {
            ready: ready.clone(),
            parts: Arc::clone(parts),
            events: Arc::clone(events),
            announce: Box::new(announce),
            pause: FIRST_PAUSE,
            attempts: 0,
            reloads: 0,
        }
    }

    /// Begins to make the driver ready, and returns at once with the thread that tries. It ends by
    /// itself when it has succeeded or a stop is asked for, unless an attempt keeps it.
    ///
    /// # Errors
    ///
    /// The system's error if it will not start a thread.
    pub(super) fn fill(
        mut self,
        mut driver: impl SetUp + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let work = move || while !self.rest() && !self.attempt(&mut driver) {};
        std::thread::Builder::new().name("driver".into()).spawn(work)
    }

    /// Nothing can stand in it: this program has no such driver, and none comes before it is started
    /// with another configuration.
    pub(super) fn stays_empty(self, reason: &str) {
        error!(
            target: "cinder.volume.manager",
            "No driver is loaded, and the back end stays down: {reason}. Correct volume_driver and restart"
        );
        self.parts.set(Part::Driver, Condition::Down(reason.to_owned()));
        self.events.tell(|told| told.driver_tried = true);
    }

    /// Waits for the next attempt, if there was one before; whether there is to be none.
    ///
    /// A HUP is a reason to try at once: whoever sends one has just mended something.
    fn rest(&mut self) -> bool {
        if self.attempts > 0 {
            let pause = self.pause;
            self.pause = (pause * 2).min(LAST_PAUSE);
            let known = self.reloads;
            self.events.wait(pause, |told| told.stop || told.reloads != known);
        }
        // Before the attempt: a HUP in its middle is followed by another one.
        self.reloads = self.events.now().reloads;
        self.parts.worker().is_stopping() || self.events.now().stop
    }

    /// Tries once; whether the driver is ready. A panic is a failure like any other: it must not
    /// leave a worker behind that nobody makes ready any more.
    fn attempt(&mut self, driver: &mut dyn SetUp) -> bool {
        self.attempts += 1;
        let result = catch_unwind(AssertUnwindSafe(|| driver.attempt()));
        let result = result.unwrap_or_else(|_| Err("its set-up panicked".to_owned()));
        match &result {
            Ok(()) => {
                if self.attempts > 1 {
                    info!(
                        target: "cinder.volume.manager",
                        "The driver is ready after {} attempts", self.attempts
                    );
                }
                // First the flag: whoever is told may look at it.
                self.ready.0.store(true, Ordering::Release);
                self.parts.set(Part::Driver, Condition::Up);
            }
            Err(reason) => {
                error!(
                    target: "cinder.volume.manager",
                    "Failed to initialize driver (attempt {}, next in {} s): {reason}",
                    self.attempts, self.pause.as_secs_f64()
                );
                self.parts.set(Part::Driver, Condition::Down(reason.clone()));
            }
        }
        self.events.tell(|told| {
            told.driver_tried = true;
            told.driver_ready |= result.is_ok();
        });
        if result.is_ok() {
            (self.announce)();
        }
        result.is_ok()
    }
}
