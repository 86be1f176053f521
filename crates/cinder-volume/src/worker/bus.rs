//! The bus in a worker: servers, the pool that carries out requests, and what schedulers are told.
//!
//! Its thread waits until the driver's first attempt is over, opens the servers, trying again for as
//! long as that fails, and then tells schedulers now and then what this back end can do. Nothing
//! waits for it but a stop: intake, running methods and bus end one after the other
//! ([`Stage`]). Must not: be opened before a fork; know what a method does (see [`endpoint`]).

mod attending;
mod capabilities;
mod counting;
mod endpoint;
mod evidence;
mod levels;
pub(crate) mod operators;
mod publishing;
mod request;
mod standing;
mod statistics;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oslo_log::printable;
use oslo_messaging::{Attendant, Bus, Client, Counts, Lanes, Pool, ServerOptions, Target};
use serde_json::{Map, Value};
use tracing::{info, warn};

use self::capabilities::Whose;
pub(crate) use self::capabilities::now as message_time;
pub(super) use self::capabilities::{CapabilitySource, NoCapacity};
pub(super) use self::counting::Counting;
use self::endpoint::Endpoint;
pub(super) use self::endpoint::{Manager, NoManager, exception};
use self::evidence::Evidence;
pub(crate) use self::evidence::WORDS as EVIDENCE_WORDS;
pub(super) use self::publishing::Publishing;
use self::publishing::Wake;
pub(crate) use self::request::fresh_id as fresh_request_id;
use self::statistics::Statistics;
use super::FIRST_ATTEMPT;
use super::ending::{Ending, Stage};
use super::events::Events;
use super::notifying::Notifying;
use super::parts::{Condition, Part, Parts};
use super::pins::{CapError, Peer, Pins};
use crate::bus::BusPlan;
use crate::bus::board::Names;

/// First pause before the servers are tried again; doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause: what is in the way may be gone at any time.
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// The supervisor hears of changes of the bus at most so often.
const BETWEEN_WORDS: Duration = Duration::from_secs(1);
/// How long the thread may take to end, when all that it served is closed.
const LAST_WORD: Duration = Duration::from_secs(2);

/// The bus of one back end, before it is opened.
#[derive(Debug, Clone)]
pub(crate) struct MessagesPlan {
    /// Which bus.
    pub bus: BusPlan,
    /// Where this back end listens, in order.
    pub targets: Vec<Target>,
    /// `executor_thread_pool_size`.
    pub threads: usize,
    /// `rpc_ping_enabled`.
    pub ping: bool,
    /// `backend_stats_polling_interval`.
    pub polling_interval: Duration,
    /// Is there while an operator wants no work to be taken.
    pub drain: PathBuf,
}

impl MessagesPlan {
    /// What is behind the numbers on the scoreboard.
    pub(crate) fn names(&self) -> Names {
        Names::of(&self.bus, &self.targets)
    }
}

/// What a back end does when it is asked.
pub(super) struct Work {
    /// Carries out methods.
    pub manager: Arc<dyn Manager>,
    /// Knows what schedulers are told.
    pub source: Arc<dyn CapabilitySource>,
    /// How much of it at a time.
    pub lanes: Lanes,
    /// What schedulers understand.
    pub pins: Pins,
    /// Who wants schedulers told at once.
    pub publishing: Arc<Publishing>,
    /// What goes over the bus besides, if anything does.
    pub notifying: Option<Notifying>,
}

/// The bus of a worker from outside.
pub(super) struct Messages {
    shared: Arc<Shared>,
}

struct Shared {
    plan: MessagesPlan,
    whose: Whose,
    parts: Arc<Parts>,
    events: Arc<Events>,
    counting: Arc<Counting>,
    work: Work,
    pool: Mutex<Option<Arc<Pool>>>,
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages").field("plan", &self.shared.plan).finish_non_exhaustive()
    }
}

impl Messages {
    /// Starts its thread, and notes what ends it.
    ///
    /// # Errors
    ///
    /// The system's error if it will not start a thread.
    pub(super) fn start(
        plan: MessagesPlan,
        registration: &cinder_db::Registration,
        work: Work,
        counting: Arc<Counting>,
        parts: &Arc<Parts>,
        events: &Arc<Events>,
        ending: &mut Ending,
    ) -> std::io::Result<Self> {
        let whose =
            Whose { host: registration.host.clone(), cluster: registration.cluster.clone() };
        let shared = Arc::new(Shared {
            plan,
            whose,
            parts: Arc::clone(parts),
            events: Arc::clone(events),
            counting,
            work,
            pool: Mutex::new(None),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("bus".into());
        thread.spawn(move || {
            let _over = Over(&theirs.events);
            theirs.run();
        })?;
        let theirs = Arc::clone(&shared);
        ending.add(Stage::Intake, move || theirs.stop_consuming());
        let theirs = Arc::clone(&shared);
        ending.add(Stage::Operations, move || theirs.finish());
        let theirs = Arc::clone(&shared);
        ending.add(Stage::Bus, move || {
            theirs.close();
            // It lets go of the connections. It may be in the middle of telling schedulers, which a
            // broker that has just gone away would keep it at; a process that ends closes them, too.
            theirs.events.wait(LAST_WORD, |told| told.bus_over);
        });
        Ok(Self { shared })
    }

    /// Has the broker reached where it is now, from the next connection on. Waits for nobody.
    pub(super) fn reach(&self) {
        let Shared { plan, counting, .. } = &*self.shared;
        if let Some(hosts) = plan.bus.hosts.get() {
            counting.reach(&hosts);
        }
    }

    /// Lines for a report. Waits for nobody.
    pub(super) fn report(&self) -> String {
        let Shared { plan, counting, pool, .. } = &*self.shared;
        // Writing to a String cannot fail.
        let mut text = format!("messages: {}\n", plan.bus.name());
        for target in &plan.targets {
            let (queue, fanout) = (target.server_queue(), target.fanout_exchange());
            let _ = writeln!(text, "server: {}, {queue}, {fanout}", target.topic());
        }
        if let Some((counts, running)) = counting.last() {
            let Counts { received, rejected, duplicates, deadly, waiting, .. } = counts;
            let _ = writeln!(
                text,
                "requests: {received} came, {rejected} rejected, {duplicates} seen before, \
                 {deadly} dropped; {running} of at most {} run, {waiting} wait",
                plan.threads
            );
        }
        text.push_str(&counting.bus().map(|state| standing::report(&state)).unwrap_or_default());
        let pool = pool.try_lock().ok().and_then(|pool| pool.clone());
        for one in pool.and_then(|pool| pool.running_now()).unwrap_or_default() {
            let (id, age) = (one.request_id.unwrap_or_default(), one.age.as_secs_f64());
            let stuck = if one.is_stuck { ", may never end" } else { "" };
            let _ = writeln!(text, "runs: {} {} for {age:.1} s{stuck}", one.method, printable(&id));
        }
        text
    }
}

/// Tells that the thread has ended, also by a panic, which has been logged.
struct Over<'a>(&'a Events);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.tell(|told| told.bus_over = true);
    }
}

impl Shared {
    /// The thread, from its first wait to the stop.
    fn run(&self) {
        self.events.wait(FIRST_ATTEMPT, |told| told.driver_tried || told.stop);
        let mut pause = FIRST_PAUSE;
        let bus = loop {
            if self.work.publishing.is_stopping() {
                return;
            }
            match self.open() {
                Ok(bus) => break bus,
                Err(reason) => {
                    if pause == FIRST_PAUSE {
                        warn!(target: "cinder.service", "No messages are taken: {reason}");
                    }
                    self.parts.set(Part::Messaging, Condition::Down(reason));
                    self.events.tell(|told| told.bus_tried = true);
                }
            }
            if !self.work.publishing.pause(pause) {
                return;
            }
            pause = (pause * 2).min(LAST_PAUSE);
        };
        if pause > FIRST_PAUSE {
            info!(target: "cinder.service", "Messages are taken now");
        }
        self.attend(&bus);
    }

    /// Opens all servers.
    ///
    /// # Errors
    ///
    /// Why not, for operators.
    fn open(&self) -> Result<Bus, String> {
        let bus = self.plan.bus.open().map_err(|error| error.to_string())?;
        let changed = Arc::clone(&self.work.publishing);
        bus.watch(move || changed.bus_changed());
        let options = ServerOptions {
            prefetch: self.plan.threads.saturating_mul(2),
            words: Some(Box::new(Evidence(self.parts.worker().clone()))),
        };
        let server =
            bus.serve(&self.plan.targets, options).map_err(|error| cinder_db::chain(&error))?;
        self.work.manager.opened(bus.client());
        let endpoint = Endpoint {
            manager: Arc::clone(&self.work.manager),
            counting: Arc::clone(&self.counting),
            publishing: Arc::clone(&self.work.publishing),
        };
        let own = operators::methods(&self.work.manager, &self.counting);
        let dispatcher = endpoint.dispatcher(self.plan.ping).with(operators::VERSION, own);
        let attendant = Arc::clone(&self.counting) as Arc<dyn Attendant>;
        let pool = Pool::start_attended(server, dispatcher, self.work.lanes.clone(), attendant)
            .map_err(|error| format!("no thread for requests: {error}"))?;
        // A stop that came in between finds no pool, so this is left to it or done here.
        let pool = Arc::new(pool);
        self.counting.serves(&bus, &pool, self.plan.targets.len());
        // It may have moved while the bus was opened.
        if let Some(hosts) = self.plan.bus.hosts.get() {
            bus.reach(&hosts);
        }
        *self.pool() = Some(pool);
        if let Some(notifying) = &self.work.notifying {
            notifying.over(&bus);
        }
        if self.work.publishing.is_stopping() {
            self.close();
        }
        Ok(bus)
    }

    /// Says how the bus is and tells schedulers, until a stop comes.
    ///
    /// Schedulers are told only while the bus is up: a message that waits for a broker would keep this
    /// thread from saying that there is none, and would be out of date when it goes out.
    fn attend(&self, bus: &Bus) {
        let client = bus.client();
        let statistics = Statistics::of(
            Arc::clone(&self.work.source),
            Arc::clone(&self.work.publishing),
            self.plan.polling_interval / 2,
        );
        let mut told = Condition::Starting;
        // A broker that comes and goes must not keep the supervisor busy.
        let mut quiet_until = Instant::now();
        // When schedulers are told next. The first time is when a driver that has become ready asks for it, which counts also
        // while there is no bus: by itself this thread might have asked just before, and told them twice.
        let mut due = Instant::now() + self.plan.polling_interval;
        loop {
            let now = self.look(bus);
            let is_news = now != told && now != Condition::Starting;
            if is_news && quiet_until <= Instant::now() {
                self.parts.set(Part::Messaging, now.clone());
                self.events.tell(|told| told.bus_tried = true);
                told = now;
                quiet_until = Instant::now() + BETWEEN_WORDS;
                continue;
            }
            if told == Condition::Up && due <= Instant::now() {
                self.work.publishing.answer();
                if !self.ask(&statistics) {
                    self.publish(&client, &statistics);
                }
                due = Instant::now() + self.plan.polling_interval;
            }
            let next = if told == Condition::Up { Some(due) } else { None };
            let next = next.into_iter().chain(is_news.then_some(quiet_until)).min();
            let left = next.map_or(self.plan.polling_interval, |next| {
                next.saturating_duration_since(Instant::now())
            });
            match self.work.publishing.wait(left) {
                Wake::Stop => return,
                Wake::Asked => due = Instant::now(),
                Wake::Known => {
                    if self.events.now().driver_ready {
                        self.parts.set(Part::Driver, Condition::Up);
                    }
                    if told == Condition::Up {
                        self.publish(&client, &statistics);
                    }
                }
                Wake::Changed | Wake::TimeOver => {}
            }
        }
    }

    /// How the bus is now. One without a broker is there when it is open.
    fn look(&self, bus: &Bus) -> Condition {
        self.counting.look();
        let Some(state) = bus.state() else { return Condition::Up };
        if state.ended.is_some() {
            self.events.tell(|told| told.bus_broken = true);
        }
        standing::condition(&state)
    }

    /// Asks the driver what it can; whether an answer may be expected soon. A storage that does not answer is told to
    /// operators, and to schedulers what they heard last.
    fn ask(&self, statistics: &Statistics) -> bool {
        match statistics.ask() {
            Ok(None) => true,
            Ok(Some(waited)) if waited < self.plan.polling_interval / 2 => true,
            Ok(Some(waited)) => {
                let reason = format!("no answer for {} s to what it can", waited.as_secs());
                warn!(target: "cinder.volume.manager", "Update driver status failed: {reason}");
                self.parts.set(Part::Driver, Condition::Ailing(reason));
                false
            }
            Err(error) => {
                let target = self.whose.host.as_str();
                warn!(target: "cinder.volume.manager", "No thread to ask what {target} can do: {error}");
                false
            }
        }
    }

    /// Tells schedulers what this back end can do, by what is known of it.
    fn publish(&self, client: &Client, statistics: &Statistics) {
        if let Some(capabilities) = statistics.known()
            && let Err(error) = self.tell_schedulers(client, &capabilities)
        {
            warn!(
                target: "cinder.volume.manager",
                "Schedulers cannot be told what {} can do: {}",
                self.whose.host.as_str(), cinder_db::chain(&error)
            );
        }
    }

    fn tell_schedulers(
        &self,
        client: &Client,
        capabilities: &Map<String, Value>,
    ) -> Result<(), CapError> {
        let cap = self.work.pins.towards(Peer::Scheduler)?;
        self.whose.publish(client, &self.plan.bus.exchange, capabilities, &cap)
    }

    fn stop_consuming(&self) {
        self.work.publishing.stop();
        if let Some(pool) = self.pool().as_ref() {
            pool.server().stop_consuming();
        }
        self.counting.stopped();
    }

    /// Waits for the methods that run.
    fn finish(&self) {
        let pool = self.pool().clone();
        if let Some(pool) = pool {
            pool.finish(Duration::MAX);
        }
    }

    fn close(&self) {
        let pool = self.pool().take();
        if let Some(pool) = pool {
            pool.server().close();
        }
        self.counting.forget();
    }

    fn pool(&self) -> MutexGuard<'_, Option<Arc<Pool>>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
