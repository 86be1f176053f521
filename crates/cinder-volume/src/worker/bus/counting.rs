//! What messages come to in numbers, and which are in hand, for everybody who looks from outside.
//!
//! Numbers go into this worker's words, requests in hand onto the scoreboard. What the server counts
//! by itself is looked at whenever a method begins or ends, and in every tick of the heartbeat. Must
//! not: wait for anybody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use oslo_launcher::{RunningOperation, WorkerHandle};
use oslo_messaging::{Counts, Pool};

use crate::metrics::{MessageEvent, Meters, Metric};

/// What counts the messages of one worker.
pub(in crate::worker) struct Counting {
    worker: WorkerHandle,
    running: AtomicU64,
    seen: Mutex<Seen>,
}

/// What has been looked at.
#[derive(Default)]
struct Seen {
    pool: Weak<Pool>,
    counts: Counts,
}

impl Counting {
    pub(in crate::worker) fn new(worker: &WorkerHandle) -> Self {
        Self { worker: worker.clone(), running: AtomicU64::new(0), seen: Mutex::default() }
    }

    /// The servers are there, and so many sockets or connections.
    pub(super) fn serves(&self, pool: &Arc<Pool>, servers: usize) {
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen = Seen { pool: Arc::downgrade(pool), counts: Counts::default() };
        }
        self.has(servers);
    }

    /// So many take messages; on the bus of one machine each has a socket.
    pub(super) fn has(&self, servers: usize) {
        let meters = Meters::of(&self.worker);
        meters.set(Metric::MessageConnections, &[], servers as u64);
        meters.set(Metric::MessageConsumers, &[], servers as u64);
    }

    /// A method begins: it is shown until the answer is dropped.
    pub(super) fn begin(&self, method: &str, request_id: &str) -> RunningOperation {
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        Meters::of(&self.worker).set(Metric::MessageHandlers, &[], running);
        self.look();
        self.worker.begin_operation(method, "-", request_id)
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
    }

    /// What was there at the last look, for a report; nothing if somebody looks just now.
    pub(super) fn last(&self) -> Option<(Counts, u64)> {
        let counts = self.seen.try_lock().ok()?.counts;
        Some((counts, self.running.load(Ordering::Relaxed)))
    }
}
