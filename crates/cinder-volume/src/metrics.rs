//! All metrics, one declaration each: name, help, kind, labels, and where the number comes from.
//!
//! What workers count lies in their own words on the scoreboard: written by the worker, read by
//! the health server. Which words those are follows from the table: a metric has one (a histogram
//! one for the sum and one for each bucket) for every combination of its labels, which are closed
//! lists, so that counting is an addition to a word and never a look-up or a lock. Must not: lock,
//! or wake anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cinder_health::{BackEnd, Family, Histogram, Kind, Restarts, Sample, Snapshot, State, Value};
use cinder_objects::Method;
use oslo_launcher::{MOST, WorkerHandle};

/// Upper bounds, in seconds, of the buckets that durations are counted in; one more bucket counts
/// what took longer.
const BOUNDS: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 600.0, 3600.0];
/// Words of a histogram: nanoseconds in all, and the buckets.
const HISTOGRAM: usize = 1 + BOUNDS.len() + 1;

/// A label and all the values that it can have.
#[derive(Debug, Clone, Copy)]
struct Label {
    name: &'static str,
    values: &'static [&'static str],
}

const STATE: Label = Label { name: "state", values: &STATES };
const CAUSE: Label = Label { name: "cause", values: &["exit", "signal", "watchdog", "roll"] };
const RESULT: Label = Label { name: "result", values: &["success", "failure"] };

const LANE: Label = Label { name: "lane", values: &LANES };

const METHOD: Label = Label { name: "method", values: Method::NAMES };
const TOLD: Label = Label { name: "event", values: &["sent", "dropped"] };
const EVENT: Label = Label { name: "event", values: &MessageEvent::NAMES };

/// Threads for operations, in the order of their numbers.
pub(crate) const LANES: [&str; 4] = ["calls", "work", "bulk", "watch"];

/// What may become of a message, by its place in the label's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageEvent {
    /// It came.
    Received,
    /// Nobody can carry it out.
    Rejected,
    /// It had come before.
    Duplicate,
    /// Its method has ended, and the caller was told.
    Answered,
    /// The answer reached no queue.
    Returned,
    /// It, or its answer, was given up.
    Dropped,
}

impl MessageEvent {
    const NAMES: [&str; 6] =
        ["received", "rejected", "duplicate", "answered", "returned", "dropped"];
}

const STATES: [&str; State::ALL.len()] = {
    let mut words = [""; State::ALL.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = State::ALL[at].as_str();
        at += 1;
    }
    words
};

/// Names of labels with their values.
type Labels = Vec<(&'static str, Arc<str>)>;

/// Values in the order of a metric's label combinations; what is unknown has no sample.
type Values = Vec<Option<Value>>;

/// Where the numbers of a metric come from.
#[derive(Clone, Copy)]
enum Source {
    /// Each worker's own words; the label `backend` is added to those declared.
    Words,
    /// The same, but a combination of labels is shown only when something has been counted: there
    /// are many, and most of them never happen.
    Rare,
    /// What is known of each back end; the same.
    BackEnd(fn(&BackEnd) -> Values),
    /// What is known of the whole.
    Whole(fn(&Whole<'_>) -> Values),
    /// Labels that are texts.
    Texts(fn(&Snapshot) -> Labels),
}

/// What is known of the whole.
struct Whole<'a> {
    snapshot: &'a Snapshot,
    /// Whether the supervisor reacts.
    alive: bool,
}

/// One metric.
#[derive(Clone, Copy)]
struct Declaration {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    labels: &'static [Label],
    source: Source,
}

macro_rules! metrics {
    ($($metric:ident $kind:ident $name:literal [$($label:ident),*] $source:expr; $help:literal)*) => {
        /// Every metric, in the order in which they are shown.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Metric { $(#[doc = $help] $metric),* }

        const ALL: &[Metric] = &[$(Metric::$metric),*];

        const TABLE: &[Declaration] = &[$(Declaration {
            name: concat!("cinder_volume_", $name),
            help: $help,
            kind: Kind::$kind,
            labels: &[$($label),*],
            source: $source,
        }),*];
    };
}

use Source::{BackEnd as Of, Rare, Texts, Whole as All, Words};

metrics! {
    Build Info "build" [] Texts(build); "Version, and compatible release."
    SupervisorUp Gauge "supervisor_up" [] All(|all| whole(u64::from(all.alive)));
        "Whether the supervisor reacts."
    SupervisorMemory Gauge "supervisor_resident_memory_bytes" []
        All(|all| maybe(all.snapshot.supervisor.rss_bytes)); "Resident memory of the supervisor."
    HealthMemory Gauge "health_resident_memory_bytes" []
        All(|all| maybe(all.snapshot.health.rss_bytes));
        "Resident memory of the process that answers this."
    HealthUptime Gauge "health_uptime_seconds" []
        All(|all| real(all.snapshot.health.uptime_seconds)); "Age of the process that answers this."
    HealthRestarts Counter "health_restarts" [CAUSE]
        All(|all| restarts(&all.snapshot.health.restarts));
        "Replacements of the process that answers this, by cause."
    BackEnds Gauge "back_ends" [STATE] All(by_state); "Back ends by state."

    BackEndUp Gauge "back_end_up" [] Of(|one| whole(u64::from(one.state == State::Up)));
        "Whether the back end serves."
    Drained Gauge "back_end_drained" [] Words; "Whether an operator wants it to take no work."
    WorkerState Gauge "worker_state" [STATE] Of(states); "1 for the state that the back end is in."
    WorkerRestarts Counter "worker_restarts" [CAUSE] Of(|one| restarts(&one.restarts));
        "Replacements of the worker, by cause."
    WorkerProcesses Counter "worker_processes" [] Of(|one| whole(one.processes));
        "Processes started for the back end."
    WorkerUptime Gauge "worker_uptime_seconds" [] Of(|one| real(one.uptime_seconds));
        "Age of the worker's process."
    WorkerStartup Gauge "worker_startup_seconds" [] Of(|one| real(one.startup_seconds));
        "From the start of the process to the first report of its service."
    WorkerMemory Gauge "worker_resident_memory_bytes" [] Of(|one| maybe(one.rss_bytes));
        "Resident memory of the worker."
    LogLinesDropped Counter "log_lines_dropped" [] Words; "Log lines lost by a slow reader."

    HeartbeatAge Gauge "heartbeat_age_seconds" [] Of(|one| real(one.heartbeat_age_seconds));
        "Age of the last heartbeat."
    Heartbeats Counter "heartbeats" [] Words; "Heartbeats that reached the database."
    HeartbeatFailures Counter "heartbeat_failures" [] Words; "Heartbeats that did not."
    HeartbeatDuration Histogram "heartbeat_duration_seconds" [] Words;
        "How long a heartbeat takes."
    PoolOpen Gauge "database_connections_open" [] Words; "Connections in the pool."
    PoolLent Gauge "database_connections_in_use" [] Words; "Connections lent by the pool."
    PoolWaiting Gauge "database_waiting" [] Words; "Threads waiting for a connection."
    DatabaseErrors Counter "database_errors" [] Words; "Errors of the database."

    MessageReconnects Counter "message_queue_reconnects" [] Words; "Connections made again."
    MessageConnections Gauge "message_connections" [] Words;
        "Connections to the message bus, or sockets on that of one machine."
    MessageConsumers Gauge "message_consumers" [] Words; "Servers that take messages."
    Messages Counter "messages" [EVENT] Words; "What became of messages."
    MessageHandlers Gauge "message_handlers_running" [] Words; "Methods being carried out."
    MessageWaiting Gauge "message_handlers_waiting" [] Words; "Requests waiting for a thread."
    MessageBlocked Counter "message_blocked_seconds" [] Words;
        "For how long the broker took nothing from us."
    MessageDuration Histogram "message_duration_seconds" [METHOD, RESULT] Rare;
        "How long a method takes."

    Notifications Counter "notifications" [TOLD] Words; "What became of notifications."

    QueueDepth Gauge "operation_queue_depth" [LANE] Words; "Operations waiting for a thread."
    OperationsRunning Gauge "operations_running" [] Of(|one| whole(one.operations.len() as u64));
        "Operations being carried out."
    OperationOldest Gauge "operation_oldest_seconds" [] Of(oldest); "Age of the oldest operation."
    Operations Counter "operations" [RESULT] Words; "Ended operations."
    OperationDuration Histogram "operation_duration_seconds" [] Words;
        "How long an operation takes."
}

/// A histogram that has counted nothing is not shown.
fn leave_out_nothing(value: &mut Option<Value>) {
    if let Some(Value::Histogram(Histogram { buckets, .. })) = value
        && buckets.iter().all(|(_, count)| *count == 0)
    {
        *value = None;
    }
}

fn whole(value: u64) -> Values {
    vec![Some(Value::Whole(value))]
}

fn maybe(value: Option<u64>) -> Values {
    vec![value.map(Value::Whole)]
}

fn real(value: Option<f64>) -> Values {
    vec![value.map(Value::Real)]
}

fn build(snapshot: &Snapshot) -> Labels {
    vec![
        ("version", snapshot.version.as_str().into()),
        ("release", snapshot.release.as_str().into()),
    ]
}

fn restarts(of: &Restarts) -> Values {
    of.by_cause().into_iter().map(|(_, count)| Some(Value::Whole(count))).collect()
}

fn states(one: &BackEnd) -> Values {
    let is = |state| Some(Value::Whole(u64::from(one.state == state)));
    State::ALL.into_iter().map(is).collect()
}

fn by_state(all: &Whole<'_>) -> Values {
    let back_ends = &all.snapshot.back_ends;
    let count = |state| back_ends.iter().filter(|one| one.state == state).count();
    State::ALL.into_iter().map(|state| Some(Value::Whole(count(state) as u64))).collect()
}

fn oldest(one: &BackEnd) -> Values {
    real(Some(one.operations.first().map_or(0.0, |oldest| oldest.age_seconds)))
}

impl Declaration {
    /// How many combinations of label values there are.
    const fn combinations(&self) -> usize {
        let (mut count, mut at) = (1, 0);
        while at < self.labels.len() {
            count *= self.labels[at].values.len();
            at += 1;
        }
        count
    }

    /// Words of one combination.
    const fn width(&self) -> usize {
        if matches!(self.kind, Kind::Histogram) { HISTOGRAM } else { 1 }
    }

    /// Words of a worker that are this metric's.
    const fn words(&self) -> usize {
        if matches!(self.source, Words | Rare) { self.combinations() * self.width() } else { 0 }
    }

    /// A combination, by the values' places in their lists; the last one turns fastest.
    fn combination(&self, values: &[usize]) -> usize {
        let pairs = self.labels.iter().zip(values);
        pairs.fold(0, |place, (label, value)| place * label.values.len() + value)
    }

    /// The way back, as labels.
    fn labels(&self, mut combination: usize) -> Labels {
        let mut labels = Vec::with_capacity(self.labels.len());
        for label in self.labels.iter().rev() {
            let value = label.values[combination % label.values.len()];
            combination /= label.values.len();
            labels.push((label.name, value.into()));
        }
        labels.reverse();
        labels
    }

    fn family(&self, samples: Vec<Sample>) -> Family {
        Family { name: self.name, help: self.help, kind: self.kind, samples }
    }

    /// Samples of these values, one for each combination.
    fn samples(&self, first: Option<&Arc<str>>, values: Values, into: &mut Vec<Sample>) {
        for (combination, value) in values.into_iter().enumerate() {
            let Some(value) = value else { continue };
            let mut labels: Vec<_> =
                first.map(|name| ("backend", Arc::clone(name))).into_iter().collect();
            labels.extend(self.labels(combination));
            into.push(Sample { labels, value });
        }
    }
}

/// Where the words of the metric at this place of a table begin.
const fn start(table: &[Declaration], place: usize) -> usize {
    let (mut words, mut at) = (0, 0);
    while at < place {
        words += table[at].words();
        at += 1;
    }
    words
}

/// Words that a worker needs.
pub(crate) const WORDS: usize = start(TABLE, TABLE.len());

/// Where each metric's words begin.
const STARTS: [usize; TABLE.len()] = {
    let mut starts = [0; TABLE.len()];
    let mut at = 0;
    while at < starts.len() {
        starts[at] = start(TABLE, at);
        at += 1;
    }
    starts
};

/// A worker's words; see the module's head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meters<'a> {
    words: &'a [AtomicU64],
}

impl<'a> Meters<'a> {
    /// Over the words of a slot. With fewer than [`WORDS`] nothing is counted.
    pub(crate) fn new(words: &'a [AtomicU64]) -> Self {
        Self { words }
    }

    /// Over this worker's own words.
    pub(crate) fn of(worker: &'a WorkerHandle) -> Self {
        Self::new(worker.program_words())
    }

    /// Counts so many more; `labels` are places in their lists.
    pub(crate) fn add(&self, metric: Metric, labels: &[usize], more: u64) {
        if let Some(word) = self.word(metric, Kind::Counter, labels) {
            word.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// Notes how much there is now.
    pub(crate) fn set(&self, metric: Metric, labels: &[usize], value: u64) {
        if let Some(word) = self.word(metric, Kind::Gauge, labels) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// Counts something that took so long.
    pub(crate) fn took(&self, metric: Metric, labels: &[usize], time: Duration) {
        let Some(start) = place(metric, Kind::Histogram, labels) else { return };
        let Some(words) = self.words.get(start..start + HISTOGRAM) else { return };
        let seconds = time.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        words[0].fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        words[1 + bucket].fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests wait for each lane, as the worker says.
    pub(crate) fn waiting(&self) -> [u64; LANES.len()] {
        let start = STARTS[Metric::QueueDepth as usize];
        std::array::from_fn(|lane| self.load(start + lane))
    }

    /// Whether the worker takes no work because an operator wants that.
    pub(crate) fn is_drained(&self) -> bool {
        self.load(STARTS[Metric::Drained as usize]) == 1
    }

    /// Forgets what there was in the process before.
    pub(crate) fn clear_gauges(&self) {
        for metric in ALL.iter().filter(|metric| TABLE[**metric as usize].kind == Kind::Gauge) {
            let (start, count) = (STARTS[*metric as usize], TABLE[*metric as usize].words());
            for word in self.words.get(start..start + count).unwrap_or_default() {
                word.store(0, Ordering::Relaxed);
            }
        }
    }

    fn word(&self, metric: Metric, kind: Kind, labels: &[usize]) -> Option<&'a AtomicU64> {
        self.words.get(place(metric, kind, labels)?)
    }

    /// The values of this metric, one for each combination of its labels.
    fn values(&self, metric: Metric) -> Values {
        let declaration = &TABLE[metric as usize];
        let start = STARTS[metric as usize];
        let width = declaration.width();
        let value = |combination: usize| {
            let at = start + combination * width;
            if width == 1 {
                Value::Whole(self.load(at))
            } else {
                Value::Histogram(self.histogram(at))
            }
        };
        (0..declaration.combinations()).map(|combination| Some(value(combination))).collect()
    }

    fn histogram(&self, start: usize) -> Histogram {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        Histogram {
            sum: Duration::from_nanos(self.load(start)).as_secs_f64(),
            buckets: bounds.zip(start + 1..).map(|(bound, at)| (bound, self.load(at))).collect(),
        }
    }

    fn load(&self, place: usize) -> u64 {
        // More is no count but a stray write, and sums of it would overflow.
        self.words.get(place).map_or(0, |word| word.load(Ordering::Relaxed).min(MOST))
    }
}

/// The first word of this metric with these labels; none for what is no metric of this kind that
/// workers count.
fn place(metric: Metric, kind: Kind, labels: &[usize]) -> Option<usize> {
    let declaration = &TABLE[metric as usize];
    let fits = declaration.kind == kind && labels.len() == declaration.labels.len();
    debug_assert!(fits && declaration.words() > 0, "{metric:?} {kind:?} {labels:?}");
    let combination = declaration.combination(labels);
    let counted = fits && combination * declaration.width() < declaration.words();
    counted.then(|| STARTS[metric as usize] + combination * declaration.width())
}

/// All metrics; `words` are those of each back end, as far as it has a worker.
pub(crate) fn families(snapshot: &Snapshot, alive: bool, words: &[&[AtomicU64]]) -> Vec<Family> {
    let names: Vec<Arc<str>> =
        snapshot.back_ends.iter().map(|one| one.name.as_str().into()).collect();
    let family = |(metric, declaration): (&Metric, &Declaration)| {
        let mut samples = Vec::new();
        match declaration.source {
            Words | Rare => {
                for (name, words) in names.iter().zip(words) {
                    let mut values = Meters::new(words).values(*metric);
                    if matches!(declaration.source, Rare) {
                        values.iter_mut().for_each(leave_out_nothing);
                    }
                    declaration.samples(Some(name), values, &mut samples);
                }
            }
            Of(values) => {
                for (name, one) in names.iter().zip(&snapshot.back_ends) {
                    declaration.samples(Some(name), values(one), &mut samples);
                }
            }
            All(values) => {
                declaration.samples(None, values(&Whole { snapshot, alive }), &mut samples);
            }
            Texts(labels) => {
                samples.push(Sample { labels: labels(snapshot), value: Value::Whole(1) });
            }
        }
        declaration.family(samples)
    };
    ALL.iter().zip(TABLE).map(family).collect()
}

#[cfg(test)]
mod tests;
