//! One back end's service: what its worker process does between start and stop. The order of its
//! parts, and nothing else.
//!
//! Built in the parent from plain data ([`Plan`]), so that nothing is open when the worker is
//! forked. A start: the database answers ([`pins`]) → heartbeat ([`beat`]) → driver ([`driver`]) →
//! messages ([`bus`]); nothing waits for a driver that does not come up. A stop is the order of
//! [`ending::Stage`]. How each part is stands in [`parts`]. Must not: know configuration (see `wire`)
//! or processes.

mod beat;
pub(crate) mod bus;
mod driver;
mod ending;
mod events;
mod notifying;
mod operations;
mod parts;
mod pins;
mod plan;
mod renewing;
#[cfg(test)]
mod tests;
mod upkeep;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use cinder_db::{Pool, PoolState, chain};
use cinder_driver::registry::NoDriver;
use cinder_manager::Deadlines;
use cinder_types::{BINARY, ServiceId, UPSTREAM_VERSION};
use oslo_launcher::{Service, StartError, WorkerHandle};
use oslo_messaging::Lanes;
use tracing::info;

use self::bus::{Counting, Messages, NoCapacity, NoManager, Publishing, Work};
pub(crate) use self::bus::{EVIDENCE_WORDS, MessagesPlan, fresh_request_id, message_time};
use self::driver::{Ready, Slot};
use self::ending::{Ending, Stage};
use self::events::{Events, Told};
use self::notifying::Notifying;
use self::operations::{Connect, Operations, Others};
pub(crate) use self::operations::{DriverNow, DriverPlan, OperationsPlan};
use self::parts::{Condition, Part, Parts};
use self::pins::Pins;
pub(crate) use self::plan::{Candidate, Plan};
use self::renewing::Renewing;
use self::upkeep::Upkeep;
use crate::bus::board::Board;
use crate::logging;
use crate::metrics::Meters;

/// How long a worker that starts says nothing of itself while its driver's first attempt lasts.
/// Then it is down, and the service manager, which waits for a word from every worker, is told:
/// systemd gives a start 90 s by default.
const FIRST_ATTEMPT: Duration = Duration::from_secs(60);

/// How many that somebody waits for run at a time.
const CALLS: usize = 8;
/// How many that copy whole volumes.
const BULK: usize = 4;
/// How many that only look.
const WATCH: usize = 1;
/// After how long a call of each lane is told to give up, and is taken for one that never ends if it does not: callers
/// wait for minutes, and an array may erase for an hour. Nothing is lost where that is wrong: what has become of it
/// is asked, and one more may run.
const DEADLINES: Deadlines = Deadlines {
    calls: Duration::from_secs(10 * 60),
    work: Duration::from_secs(60 * 60),
    bulk: Duration::from_secs(24 * 60 * 60),
    watch: Duration::from_secs(10 * 60),
};

/// The service of one enabled back end.
#[derive(Debug)]
pub(crate) struct VolumeService {
    plan: Plan,
    /// Its row.
    row: ServiceId,
    events: Arc<Events>,
    publishing: Arc<Publishing>,
    /// Filled in the worker only, if somebody is told.
    notifying: OnceLock<Notifying>,
    /// What others understand.
    pins: Pins,
    /// Filled in the worker only.
    opened: Mutex<Option<Opened>>,
}

/// What a worker has open.
#[derive(Debug)]
struct Opened {
    parts: Arc<Parts>,
    /// For operations; closes its connections when they are idle. None once a stop has come.
    pool: Option<Pool>,
    /// How the way to the database was protected when this worker first went it.
    way: String,
    messages: Messages,
    /// None where there is no driver.
    renewing: Option<Arc<Renewing>>,
    ending: Ending,
}

impl VolumeService {
    /// A service whose row has been registered.
    pub(crate) fn new(plan: Plan, row: ServiceId) -> Self {
        Self {
            plan,
            row,
            events: Arc::default(),
            publishing: Arc::default(),
            notifying: OnceLock::new(),
            pins: Pins::default(),
            opened: Mutex::new(None),
        }
    }

    fn opened(&self) -> MutexGuard<'_, Option<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VolumeService {
    /// A back end whose driver this program has not: it is down, and says so to whoever asks.
    fn without_driver(&self, why: &NoDriver, slot: Slot) -> Work {
        slot.stays_empty(&format!("[{}] volume_driver: {why}", self.plan.name));
        Work {
            manager: Arc::new(NoManager),
            source: Arc::new(NoCapacity),
            lanes: Lanes::from(self.plan.messages.threads),
            pins: self.pins.clone(),
            publishing: Arc::clone(&self.publishing),
            notifying: self.notifying.get().cloned(),
        }
    }

    /// A back end whose driver is made ready, and which then takes up what was interrupted.
    fn with_driver(
        &self,
        plan: &OperationsPlan,
        slot: Slot,
        ready: &Ready,
        pool: &Pool,
        worker: &WorkerHandle,
        ending: &mut Ending,
    ) -> std::io::Result<(Work, Renewing)> {
        // A worker that takes another one's place may come after a HUP.
        let options = self.plan.driver_now.read().unwrap_or_else(|_| plan.driver.clone());
        let driver = options.make();
        let news = Arc::clone(&self.publishing);
        let renewing =
            Renewing::new(Arc::clone(&driver), options, self.plan.driver_now.clone(), move || {
                news.ask()
            });
        let schedulers = self.plan.messages.bus.schedulers().map(|to| (to, self.pins.clone()));
        let news = Arc::clone(&self.publishing);
        let freed = move || news.ask();
        let told = Others { schedulers, notifying: self.notifying.get() };
        let operations =
            Operations::new(plan, self.row, Arc::clone(&driver), pool, ready, told, freed);
        let thread = slot.fill(Connect { driver, operations: operations.clone() })?;
        // A panic of it has been logged.
        ending.add(Stage::Driver, move || drop(thread.join()));
        let upkeep = Upkeep::of(&operations).start(worker, Arc::clone(&self.events))?;
        let (stops, events) = (operations.clone(), Arc::clone(&self.events));
        ending.add(Stage::Operations, move || {
            stops.stop();
            // What is taken up is to end well.
            while !events.wait(FIRST_ATTEMPT, |told| !told.takes_up) {}
        });
        // All else may hang with its database or its storage.
        ending.add(Stage::Driver, move || drop(upkeep.join()));
        let work = Work {
            manager: Arc::new(operations.clone()),
            source: Arc::new(operations),
            lanes: Lanes::of(&[CALLS, self.plan.operation_threads, BULK, WATCH]).patient(&[
                DEADLINES.calls,
                DEADLINES.work,
                DEADLINES.bulk,
                DEADLINES.watch,
            ]),
            pins: self.pins.clone(),
            publishing: Arc::clone(&self.publishing),
            notifying: self.notifying.get().cloned(),
        };
        Ok((work, renewing))
    }
}

impl Service for VolumeService {
    fn name(&self) -> &str {
        &self.plan.name
    }

    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
        info!(target: "cinder.service", "Starting {BINARY} node (version {UPSTREAM_VERSION})");
        Meters::of(worker).clear_gauges();
        Board::new(worker.program_words()).clear();
        let parts = Arc::new(Parts::new(worker));
        let beat = self.plan.heartbeat(self.row);
        let mut connection = pins::await_pins(&beat, &parts, &self.pins)?;
        let way = match connection.protection() {
            Ok(way) => way.to_string(),
            Err(error) => format!("cannot tell whether it is encrypted: {}", chain(&error)),
        };
        let pool = Pool::new(self.plan.database.clone());
        let mut ending = Ending::default();

        let ready = Ready::default();
        let counting = Arc::new(Counting::new(
            worker,
            self.plan.messages.names(),
            self.plan.messages.drain.clone(),
        ));
        let heartbeat = beat::start(connection, beat, &parts, &pool, &counting, ready.clone())
            .map_err(StartError::failed)?;
        // The driver's thread may outlive a stop, and must not keep the heartbeat alive with it.
        let to_announce = heartbeat.as_ref().map(Arc::downgrade);
        if let Some(heartbeat) = heartbeat {
            ending.add_punctual(Stage::Heartbeat, move |limit| heartbeat.stops_within(limit));
        }

        let asks = Arc::clone(&self.publishing);
        let announce = move || {
            // Schedulers have waited for this, maybe for long.
            asks.ask();
            if let Some(heartbeat) = to_announce.as_ref().and_then(std::sync::Weak::upgrade) {
                heartbeat.driver_became_ready();
            }
        };
        let slot = Slot::new(&ready, &parts, &self.events, announce);
        if let Some(plan) = &self.plan.notifications {
            self.notifying.get_or_init(|| Notifying::of(plan, worker, &mut ending));
        }
        let (work, renewing) = match &self.plan.operations {
            Err(why) => (self.without_driver(why, slot), None),
            Ok(plan) => self
                .with_driver(plan, slot, &ready, &pool, worker, &mut ending)
                .map(|(work, renewing)| (work, Some(Arc::new(renewing))))
                .map_err(StartError::failed)?,
        };
        let messages = Messages::start(
            self.plan.messages.clone(),
            &self.plan.registration,
            work,
            counting,
            &parts,
            &self.events,
            &mut ending,
        );
        let messages = messages.map_err(StartError::failed)?;
        *self.opened() = Some(Opened {
            parts: Arc::clone(&parts),
            pool: Some(pool),
            way,
            messages,
            renewing,
            ending,
        });
        if !self.events.wait(FIRST_ATTEMPT, |told| told.driver_tried || told.stop) {
            let reason = format!("no answer to its set-up for {} s", FIRST_ATTEMPT.as_secs());
            parts.set(Part::Driver, Condition::Down(reason));
        }
        // What a worker says first is to hold: with its bus, or without it for a reason.
        self.events.wait(FIRST_ATTEMPT, |told| told.bus_tried || told.stop);
        Ok(())
    }

    /// Called by the thread that answers signals, so it tells the service's thread and no more.
    fn stop(&self) {
        self.events.tell(|told| told.stop = true);
    }

    fn wait(&self) {
        if self.opened().is_none() {
            return; // stopped before it had started
        }
        let flushes = || logging::flush().unwrap_or(Duration::from_secs(3600));
        let over = |told: &Told| told.stop || told.bus_broken;
        while !self.events.wait(flushes(), over) {}
        // Not all of it: a report must be possible while parts end.
        let taken = self.opened().as_mut().map(|opened| {
            let mut ending = std::mem::take(&mut opened.ending);
            // One that has nothing open has nothing to wait for, and needs no thread to be left on.
            if let Some(pool) = opened.pool.take().filter(|pool| pool.state().open > 0) {
                ending.add(Stage::Pool, move || drop(pool));
            }
            (ending, Arc::clone(&opened.parts))
        });
        if let Some((ending, parts)) = taken {
            ending.run(&parts);
        }
        if self.events.wait(Duration::ZERO, |told| told.bus_broken && !told.stop) {
            // Said where it happened. A worker that goes on with it, as its launcher hears of it
            // everywhere, ends with a status that has it replaced.
            std::panic::resume_unwind(Box::new("messages have come to an end"));
        }
    }

    fn report(&self) -> String {
        // Held for moments only, but this must not wait for even one of them.
        let opened = self.opened.try_lock().ok();
        let Some(opened) = opened.as_ref().and_then(|opened| opened.as_ref()) else {
            return "not opened yet\n".to_owned();
        };
        let pool = opened.pool.as_ref().map_or("pool: closed".to_owned(), |pool| {
            let PoolState { most, open, idle, waiting } = pool.state();
            format!(
                "database: {open} of at most {most} connections open, {idle} of them idle; \
                 {waiting} callers wait"
            )
        });
        let parts = opened.parts.report().unwrap_or_default();
        let mut messages = format!("{}{}", self.pins.report(), opened.messages.report());
        messages.extend(self.notifying.get().map(Notifying::report));
        format!("{pool}\nway to the database: {}\n{parts}{messages}", opened.way)
    }

    fn reset(&self) {
        // The parent's copy is not running: it has nothing to forget, and opens no connection that
        // its next worker would inherit (`spec/launcher.md` §12, defect 13).
        let opened = self.opened();
        let Some(opened) = opened.as_ref() else { return };
        if let Some(renewing) = &opened.renewing {
            renewing.ask();
        }
        opened.messages.reach();
        self.events.tell(|told| told.reloads += 1);
        let number = u64::from(self.row.get().unsigned_abs());
        pins::reset(self.plan.heartbeat(self.row), self.pins.clone(), number);
    }
}
