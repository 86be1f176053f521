//! What messages come to in numbers, and which are in hand, for everybody who looks from outside.
//!
//! Numbers go into this worker's words, requests in hand onto the scoreboard. What the server counts
//! by itself is looked at whenever a method begins or ends, and in every tick of the heartbeat. Must
//! not: wait for anybody.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use oslo_launcher::{Ending, Operation, RunningOperation, WorkerHandle};
use oslo_messaging::{BrokerHost, Bus, BusState, ConnectionPhase, Counts, Pool};

use tracing::info;

use crate::bus::board::{Board, Names};
use crate::metrics::{LANES, MessageEvent, Meters, Metric};

/// The place of its note for operators.
const DRAIN_NOTE: usize = 0;
/// What that says.
const DRAINED: &str = "No work is taken: drained by an operator (cinder-volume drain --undo)";

/// What counts the messages of one worker.
pub(in crate::worker) struct Counting {
    worker: WorkerHandle,
    /// Behind the numbers of the board.
    names: Names,
    /// See [`MessagesPlan::drain`](super::MessagesPlan::drain).
    drain: PathBuf,
    /// Whether it was there when somebody looked last.
    is_drained: AtomicBool,
    running: AtomicU64,
    seen: Mutex<Seen>,
}

/// What has been looked at.
#[derive(Default)]
struct Seen {
    bus: Option<Bus>,
    pool: Weak<Pool>,
    counts: Counts,
    /// What a broker's absence and answers had come to.
    broker: Broker,
}

/// Numbers of a bus with a broker.
#[derive(Clone, Copy, Default)]
struct Broker {
    reconnects: u64,
    returned: u64,
    dropped: u64,
    blocked: u64,
}

impl Counting {
    pub(in crate::worker) fn new(worker: &WorkerHandle, names: Names, drain: PathBuf) -> Self {
        let (running, seen) = (AtomicU64::new(0), Mutex::default());
        let is_drained = AtomicBool::new(false);
        let this = Self { worker: worker.clone(), names, drain, is_drained, running, seen };
        this.is_drained();
        this
    }

    /// Whether an operator wants no work to be taken; shows and tells it when that has changed.
    pub(super) fn is_drained(&self) -> bool {
        let now = self.drain.exists();
        if self.is_drained.swap(now, Ordering::AcqRel) != now {
            Meters::of(&self.worker).set(Metric::Drained, &[], u64::from(now));
            self.worker.note(DRAIN_NOTE, if now { DRAINED } else { "" });
            if now {
                let running = self.worker.running().len();
                info!(target: "cinder.service", "{DRAINED}; {running} operations run");
            } else {
                info!(target: "cinder.service", "Work is taken again");
            }
        }
        now
    }

    /// What this worker is doing.
    pub(super) fn operations(&self) -> Vec<Operation> {
        self.worker.running()
    }

    fn board(&self) -> Board<'_> {
        Board::new(self.worker.program_words())
    }

    /// The servers are there, and so many sockets or connections.
    pub(super) fn serves(&self, bus: &Bus, pool: &Arc<Pool>, servers: usize) {
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let pool = Arc::downgrade(pool);
            *seen = Seen { bus: Some(bus.clone()), pool, ..Seen::default() };
        }
        if bus.state().is_none() {
            // On the bus of one machine each has a socket.
            self.has(servers as u64, servers as u64);
            self.board().show_sockets(servers, true);
        }
    }

    /// The broker is there from now on.
    pub(super) fn reach(&self, hosts: &[BrokerHost]) {
        let bus = self.seen.lock().unwrap_or_else(PoisonError::into_inner).bus.clone();
        if let Some(bus) = bus {
            bus.reach(hosts);
        }
    }

    /// Nothing is taken any more.
    pub(super) fn stopped(&self) {
        self.has(0, 0);
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.bus.as_ref().is_some_and(|bus| bus.state().is_none()) {
            self.board().show_sockets(self.names.servers(), false);
        }
    }

    /// The bus is closed: nothing here keeps it open.
    pub(super) fn forget(&self) {
        let bus = self.seen.lock().unwrap_or_else(PoisonError::into_inner).bus.take();
        self.board().clear();
        drop(bus); // not under the lock: the last one waits for the end of its thread
    }

    fn has(&self, connections: u64, consumers: u64) {
        let meters = Meters::of(&self.worker);
        meters.set(Metric::MessageConnections, &[], connections);
        meters.set(Metric::MessageConsumers, &[], consumers);
    }

    /// How the bus is, if it has a broker; nothing if somebody looks just now.
    pub(super) fn bus(&self) -> Option<Arc<BusState>> {
        self.seen.try_lock().ok()?.bus.as_ref()?.state()
    }

    /// Takes over what the bus has counted.
    fn look_at_broker(&self, state: &BusState, before: Broker) -> Broker {
        let up = state.connections.iter().filter(|one| one.phase == ConnectionPhase::Up).count();
        let serving = state.servers.iter().filter(|one| one.is_serving).count();
        self.has(up as u64, serving as u64);
        self.board().show(state, &self.names);
        let now = Broker {
            reconnects: state.reconnects,
            returned: state.returned,
            dropped: state.dropped,
            blocked: state.blocked.as_secs(),
        };
        let meters = Meters::of(&self.worker);
        let add = |metric, labels: &[usize], now: u64, before: u64| {
            meters.add(metric, labels, now.saturating_sub(before));
        };
        let [returned, dropped] = [MessageEvent::Returned, MessageEvent::Dropped];
        add(Metric::MessageReconnects, &[], now.reconnects, before.reconnects);
        add(Metric::Messages, &[returned as usize], now.returned, before.returned);
        add(Metric::Messages, &[dropped as usize], now.dropped, before.dropped);
        add(Metric::MessageBlocked, &[], now.blocked, before.blocked);
        now
    }

    /// A method begins: it is shown until the answer is dropped.
    pub(super) fn begin(&self, method: &str, request_id: &str) -> RunningOperation {
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        Meters::of(&self.worker).set(Metric::MessageHandlers, &[], running);
        self.look();
        self.worker.begin_operation(method, "-", request_id)
    }

    /// So many requests wait for a lane.
    pub(super) fn wait(&self, lane: usize, count: usize) {
        if lane < LANES.len() {
            Meters::of(&self.worker).set(Metric::QueueDepth, &[lane], count as u64);
        }
    }

    /// An operation has ended, which took so long; `failure` is the class of what it came to.
    pub(in crate::worker) fn operation_ended(
        &self,
        operation: RunningOperation,
        failure: Option<&str>,
    ) {
        let ending = if failure.is_none() { Ending::Done } else { Ending::Failed };
        let took = operation.end(ending, failure.unwrap_or_default());
        let meters = Meters::of(&self.worker);
        meters.add(Metric::Operations, &[usize::from(failure.is_some())], 1);
        meters.took(Metric::OperationDuration, &[], took);
    }

    /// A method has ended.
    pub(super) fn ended(&self, method: usize, well: bool, is_call: bool, time: Duration) {
        let meters = Meters::of(&self.worker);
        let running = self.running.fetch_sub(1, Ordering::Relaxed).saturating_sub(1);
        meters.set(Metric::MessageHandlers, &[], running);
        meters.took(Metric::MessageDuration, &[method, usize::from(!well)], time);
        if is_call {
            meters.add(Metric::Messages, &[MessageEvent::Answered as usize], 1);
        }
        self.look();
    }

    /// Takes over what the server has counted since the last look; another who looks at the same time
    /// does it for both.
    pub(in crate::worker) fn look(&self) {
        self.is_drained();
        let Ok(mut seen) = self.seen.try_lock() else { return };
        let Some(pool) = seen.pool.upgrade() else { return };
        let (now, before) = (pool.server().counts(), seen.counts);
        seen.counts = now;
        let meters = Meters::of(&self.worker);
        for (event, now, before) in [
            (MessageEvent::Received, now.received, before.received),
            (MessageEvent::Rejected, now.rejected, before.rejected),
            (MessageEvent::Duplicate, now.duplicates, before.duplicates),
            (MessageEvent::Dropped, now.deadly, before.deadly),
        ] {
            meters.add(Metric::Messages, &[event as usize], now.saturating_sub(before));
        }
        meters.set(Metric::MessageWaiting, &[], now.waiting);
        if let Some(state) = seen.bus.as_ref().and_then(Bus::state) {
            seen.broker = self.look_at_broker(&state, seen.broker);
        }
    }

    /// What was there at the last look, for a report; nothing if somebody looks just now.
    pub(super) fn last(&self) -> Option<(Counts, u64)> {
        let counts = self.seen.try_lock().ok()?.counts;
        Some((counts, self.running.load(Ordering::Relaxed)))
    }
}
