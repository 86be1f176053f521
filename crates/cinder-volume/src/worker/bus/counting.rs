//! What messages come to in numbers, and which are in hand, for everybody who looks from outside.
//!
//! Numbers go into this worker's words, requests in hand onto the scoreboard. Must not: wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oslo_launcher::{RunningOperation, WorkerHandle};

/// What counts the messages of one worker.
pub(super) struct Counting {
    worker: WorkerHandle,
    running: AtomicUsize,
}

impl Counting {
    pub(super) fn new(worker: &WorkerHandle) -> Self {
        Self { worker: worker.clone(), running: AtomicUsize::new(0) }
    }

    /// A method begins: it is shown until the answer is dropped.
    pub(super) fn begin(&self, method: &str, request_id: &str) -> RunningOperation {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.worker.begin_operation(method, "-", request_id)
    }

    /// A method has ended.
    pub(super) fn ended(&self, _method: usize, _well: bool, _is_call: bool, _time: Duration) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }
}
