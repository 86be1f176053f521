//! What a worker counts: the meaning of its own words on the scoreboard.
//!
//! Written by the worker, read by the health server. Must not: lock, or wake anybody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cinder_health::{BOUNDS, Counters, Duration as Durations};
use oslo_launcher::{MOST, WorkerHandle};

/// Counts that only grow, over all processes of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Heartbeats that reached the database.
    Heartbeats,
    /// Heartbeats that did not.
    HeartbeatFailures,
    /// Errors of the database, whoever met them.
    DatabaseErrors,
    /// Lines that the log could not take.
    LogLinesDropped,
    /// Connections to the message queue that had to be made again. Comes with messages, as the
    /// rest of this list comes with operations: nothing counts them yet.
    MessageReconnects,
    /// Operations that ended well.
    OperationsSucceeded,
    /// Operations that did not.
    OperationsFailed,
}

/// How much of something there is in the process that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gauge {
    /// Database connections in the pool.
    PoolOpen,
    /// Of those, the ones that are lent.
    PoolLent,
    /// Threads that wait for one.
    PoolWaiting,
    /// Operations that wait for a thread.
    QueueDepth,
}

/// How long something takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// A heartbeat.
    Heartbeat,
    /// An operation.
    Operation,
}

const COUNTS: usize = 8;
const GAUGES: usize = 4;
/// Nanoseconds in all, and the buckets.
const TIMER: usize = 1 + BOUNDS.len() + 1;

/// Words that a worker needs.
pub const WORDS: usize = COUNTS + GAUGES + 2 * TIMER;

/// A worker's words; see the module's head.
#[derive(Debug, Clone, Copy)]
pub struct Tally<'a> {
    words: &'a [AtomicU64],
}

impl<'a> Tally<'a> {
    /// Over the words of a slot. With fewer than [`WORDS`] nothing is counted.
    pub fn new(words: &'a [AtomicU64]) -> Self {
        Self { words }
    }

    /// Over this worker's own words.
    pub fn of(worker: &'a WorkerHandle) -> Self {
        Self::new(worker.own_words())
    }

    /// Counts so many more.
    pub fn add(&self, count: Count, more: u64) {
        self.grow(count as usize, more);
    }

    /// Notes how much there is now.
    pub fn set(&self, gauge: Gauge, value: u64) {
        self.put(COUNTS + gauge as usize, value);
    }

    /// Forgets what was there in the process before.
    pub fn clear_gauges(&self) {
        for gauge in 0..GAUGES {
            self.put(COUNTS + gauge, 0);
        }
    }

    /// Counts something that took so long.
    pub fn took(&self, timer: Timer, time: Duration) {
        let start = COUNTS + GAUGES + timer as usize * TIMER;
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.grow(start, nanos);
        let seconds = time.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.grow(start + 1 + bucket, 1);
    }

    /// Everything, for the metrics.
    pub fn counters(&self) -> Counters {
        let count = |count: Count| self.load(count as usize);
        let gauge = |gauge: Gauge| self.load(COUNTS + gauge as usize);
        Counters {
            heartbeats: count(Count::Heartbeats),
            heartbeat_failures: count(Count::HeartbeatFailures),
            heartbeat_duration: self.durations(Timer::Heartbeat),
            pool_open: gauge(Gauge::PoolOpen),
            pool_lent: gauge(Gauge::PoolLent),
            pool_waiting: gauge(Gauge::PoolWaiting),
            database_errors: count(Count::DatabaseErrors),
            message_reconnects: count(Count::MessageReconnects),
            log_lines_dropped: count(Count::LogLinesDropped),
            queue_depth: gauge(Gauge::QueueDepth),
            operations_succeeded: count(Count::OperationsSucceeded),
            operations_failed: count(Count::OperationsFailed),
            operation_duration: self.durations(Timer::Operation),
        }
    }

    fn durations(&self, timer: Timer) -> Durations {
        let start = COUNTS + GAUGES + timer as usize * TIMER;
        let mut buckets = [0; BOUNDS.len() + 1];
        for (bucket, value) in buckets.iter_mut().enumerate() {
            *value = self.load(start + 1 + bucket);
        }
        let sum_seconds = Duration::from_nanos(self.load(start)).as_secs_f64();
        Durations { sum_seconds, buckets }
    }

    fn grow(&self, index: usize, more: u64) {
        if let Some(word) = self.words.get(index) {
            word.fetch_add(more, Ordering::Relaxed);
        }
    }

    fn put(&self, index: usize, value: u64) {
        if let Some(word) = self.words.get(index) {
            word.store(value, Ordering::Relaxed);
        }
    }

    fn load(&self, index: usize) -> u64 {
        // More is no count but a stray write, and sums of it would overflow.
        self.words.get(index).map_or(0, |word| word.load(Ordering::Relaxed).min(MOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also of what nothing counts yet: the words must be there when something does.
    #[test]
    fn every_count_has_a_word_of_its_own() {
        let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::default()).collect();
        let tally = Tally::new(&words);
        let counts = [
            Count::Heartbeats,
            Count::HeartbeatFailures,
            Count::DatabaseErrors,
            Count::LogLinesDropped,
            Count::MessageReconnects,
            Count::OperationsSucceeded,
            Count::OperationsFailed,
        ];
        let gauges = [Gauge::PoolOpen, Gauge::PoolLent, Gauge::PoolWaiting, Gauge::QueueDepth];
        for (count, more) in counts.into_iter().zip(1..) {
            tally.add(count, more);
            tally.add(count, 100);
        }
        for (gauge, value) in gauges.into_iter().zip(11..) {
            tally.set(gauge, 99);
            tally.set(gauge, value);
        }
        tally.took(Timer::Heartbeat, Duration::from_millis(1));
        tally.took(Timer::Heartbeat, Duration::from_millis(2));
        tally.took(Timer::Operation, Duration::from_secs(7_200));
        let mut heartbeat = Durations { sum_seconds: 0.003, ..Durations::default() };
        (heartbeat.buckets[0], heartbeat.buckets[1]) = (1, 1);
        let mut operation = Durations { sum_seconds: 7_200.0, ..Durations::default() };
        operation.buckets[BOUNDS.len()] = 1;
        let expected = Counters {
            heartbeats: 101,
            heartbeat_failures: 102,
            database_errors: 103,
            log_lines_dropped: 104,
            message_reconnects: 105,
            operations_succeeded: 106,
            operations_failed: 107,
            pool_open: 11,
            pool_lent: 12,
            pool_waiting: 13,
            queue_depth: 14,
            heartbeat_duration: heartbeat,
            operation_duration: operation,
        };
        assert_eq!(tally.counters(), expected);
        tally.clear_gauges();
        let counts_only =
            Counters { pool_open: 0, pool_lent: 0, pool_waiting: 0, queue_depth: 0, ..expected };
        assert_eq!(tally.counters(), counts_only);
    }

    #[test]
    fn words_that_something_wrote_over_are_counts_that_can_be_added_up() {
        let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(u64::MAX)).collect();
        let counters = Tally::new(&words).counters();
        for times in [counters.heartbeat_duration, counters.operation_duration] {
            let sum = times.buckets.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
            assert!(sum.is_some() && times.sum_seconds.is_finite());
        }
    }

    #[test]
    fn without_words_nothing_is_counted_and_nothing_breaks() {
        let tally = Tally::new(&[]);
        tally.add(Count::Heartbeats, 1);
        tally.took(Timer::Heartbeat, Duration::MAX);
        tally.clear_gauges();
        assert_eq!(tally.counters(), Counters::default());
    }
}
