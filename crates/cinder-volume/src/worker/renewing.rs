//! New options for a driver that runs, after the configuration has been read again.
//!
//! A HUP is answered by the thread that answers signals, and a driver may talk to an array before it takes something
//! over: so each HUP has a thread of its own, and one that comes meanwhile is looked at when that is done. Must not: know
//! which options there are.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cinder_driver::{Driver, DriverError, Reconfigured};
use tracing::{error, info, warn};

use super::operations::{DriverNow, DriverPlan, LOG};

/// How far it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Runs,
    /// And is to look again.
    Again,
}

/// What keeps a driver's options those of the configuration.
pub(super) struct Renewing {
    state: Mutex<State>,
    driver: Arc<dyn Driver>,
    options: DriverNow,
    /// What it was told last.
    told: Mutex<DriverPlan>,
    /// Called when a driver has taken something over: schedulers want to know.
    taken: Box<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Renewing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewing").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Renewing {
    /// For a driver that was made with the options that were `told`.
    pub(super) fn new(
        driver: Arc<dyn Driver>,
        told: DriverPlan,
        options: DriverNow,
        taken: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let (state, told) = (Mutex::default(), Mutex::new(told));
        Self { state, driver, options, told, taken: Box::new(taken) }
    }

    /// The configuration has been read again. Waits for nothing.
    pub(super) fn ask(self: &Arc<Self>) {
        let idle = std::mem::replace(&mut *self.state(), State::Again) == State::Idle;
        if !idle {
            return;
        }
        let this = Arc::clone(self);
        let thread = std::thread::Builder::new().name("options".into()).spawn(move || {
            while this.goes_on() {
                this.renew();
            }
        });
        if let Err(cause) = thread {
            *self.state() = State::Idle;
            error!(target: LOG, "The driver keeps its options: there is no thread for them ({cause})");
        }
    }

    /// Whether there is something to look at; under one lock with the end, so that nothing comes in between.
    fn goes_on(&self) -> bool {
        let mut state = self.state();
        *state = match *state {
            State::Again => State::Runs,
            State::Runs | State::Idle => State::Idle,
        };
        *state == State::Runs
    }

    fn renew(&self) {
        let answer = catch_unwind(AssertUnwindSafe(|| self.reconfigure()));
        match answer.unwrap_or_else(|_| Err(DriverError::bug("it panicked"))) {
            Ok(None) => {}
            Ok(Some(Reconfigured::Applied)) => {
                info!(target: LOG, "The driver has taken its new options over");
                (self.taken)();
            }
            Ok(Some(Reconfigured::NeedsRestart)) => {
                warn!(target: LOG, "The driver does not take all of its new options over before its worker is restarted");
                (self.taken)();
            }
            Err(failure) => {
                let text = cinder_db::chain(&failure);
                error!(target: LOG, "The driver keeps its options, it cannot use the new ones: {text}");
            }
        }
    }

    /// What became of the new options; nothing if there are none.
    fn reconfigure(&self) -> Result<Option<Reconfigured>, DriverError> {
        let new = self.options.read().map_err(DriverError::bug)?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == new {
            return Ok(None);
        }
        let answer = new.reconfigure(&*self.driver)?;
        *told = new;
        Ok(Some(answer))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use cinder_driver::OpContext;
    use cinder_driver_local::{LocalDriver, LocalOptions};

    use super::*;

    const SOON: Duration = Duration::from_secs(30);

    /// A driver with these options, and what changes them.
    fn stand(
        read: impl Fn(LocalOptions) -> Result<LocalOptions, String> + Send + Sync + 'static,
    ) -> (tempfile::TempDir, Arc<LocalDriver>, Arc<Renewing>, mpsc::Receiver<()>) {
        let place = tempfile::tempdir().unwrap();
        let options = LocalOptions::new("disk", place.path());
        let driver = Arc::new(LocalDriver::new(options.clone()));
        let (told, hears) = mpsc::channel();
        let first = options.clone();
        let now = DriverNow::new(move || read(options.clone()).map(DriverPlan::Local));
        let renewing = Renewing::new(driver.clone(), DriverPlan::Local(first), now, move || {
            told.send(()).unwrap();
        });
        (place, driver, Arc::new(renewing), hears)
    }

    #[track_caller]
    fn assert_reserved(driver: &LocalDriver, percent: u32) {
        let stats = driver.stats(&OpContext::new("req-1")).unwrap().to_map();
        assert_eq!(stats.get("reserved_percentage"), Some(&percent.into()));
    }

    #[test]
    fn a_driver_is_told_its_new_options_and_only_those_that_are_new() {
        let (_place, driver, renewing, taken) =
            stand(|old| Ok(LocalOptions { reserved_percentage: 7, ..old }));
        renewing.ask();
        taken.recv_timeout(SOON).unwrap();
        assert_reserved(&driver, 7);
        assert_eq!(renewing.reconfigure().unwrap(), None);
    }

    #[test]
    fn options_that_cannot_be_read_or_panic_leave_the_old_ones_and_the_next_hup_is_heard() {
        let turn = std::sync::atomic::AtomicU32::new(0);
        let (_place, driver, renewing, taken) =
            stand(move |old| match turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => Err("no such file".to_owned()),
                1 => panic!("a reader that panics"),
                _ => Ok(LocalOptions { reserved_percentage: 9, ..old }),
            });
        renewing.renew();
        renewing.renew();
        assert_reserved(&driver, 0);
        renewing.ask();
        taken.recv_timeout(SOON).unwrap();
        assert_reserved(&driver, 9);
    }

    #[test]
    fn a_hup_in_the_middle_of_one_is_looked_at_afterwards() {
        let (begins, begun) = mpsc::channel();
        let (goes, may_go) = mpsc::channel::<u32>();
        let may_go = Mutex::new(may_go);
        let (_place, driver, renewing, taken) = stand(move |old| {
            begins.send(()).unwrap();
            let reserved_percentage = may_go.lock().unwrap().recv().unwrap();
            Ok(LocalOptions { reserved_percentage, ..old })
        });
        renewing.ask();
        begun.recv_timeout(SOON).unwrap();
        renewing.ask();
        renewing.ask();
        for percent in [3, 4] {
            goes.send(percent).unwrap();
            taken.recv_timeout(SOON).unwrap();
        }
        assert_reserved(&driver, 4);
        assert!(begun.recv_timeout(SOON).is_ok());
        assert!(begun.try_recv().is_err(), "two that came meanwhile are one");
    }
}
