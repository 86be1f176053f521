//! What is shown: plain values, copied at one moment, and where they come from.
//!
//! Must not: know who keeps these values. `/healthz` is this, in JSON.

use serde::{Deserialize, Serialize};

use crate::metrics::Family;

/// Gives snapshots. Must answer at once: no lock, no file on a disk, no other process.
pub trait Source {
    /// How everything is now; what has ended is left out.
    fn snapshot(&mut self) -> Snapshot;

    /// The same with so many of the operations that each back end has ended last.
    fn snapshot_with_ended(&mut self, most: usize) -> Snapshot {
        let _ = most;
        self.snapshot()
    }

    /// What is measured now, in the order in which it is to be shown.
    fn metrics(&mut self) -> Vec<Family>;

    /// Whether the supervisor reacts.
    ///
    /// # Errors
    ///
    /// What it does instead, in a few words.
    fn alive(&mut self) -> Result<(), String>;
}

/// How everything is at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// Name of the machine.
    pub host: String,
    /// Version of this program.
    pub version: String,
    /// The release that it is compatible with.
    pub release: String,
    /// The process that supervises.
    pub supervisor: Supervisor,
    /// The process that answers.
    pub health: Health,
    /// All back ends that are enabled, in order.
    pub back_ends: Vec<BackEnd>,
}

/// The process that supervises.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Supervisor {
    /// Process id.
    pub pid: i32,
    /// Memory that is resident, in bytes; most of it is the program itself, which all its processes share.
    pub rss_bytes: Option<u64>,
    /// Memory that is its own, in bytes; only where ended operations are asked for, as it takes the kernel a while.
    pub private_bytes: Option<u64>,
}

/// The process that answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Process id.
    pub pid: i32,
    /// Age of the process.
    pub uptime_seconds: Option<f64>,
    /// How often it was replaced.
    pub restarts: Restarts,
    /// Memory that is resident, in bytes; most of it is the program itself, which all its processes share.
    pub rss_bytes: Option<u64>,
    /// Memory that is its own, in bytes; only where ended operations are asked for, as it takes the kernel a while.
    pub private_bytes: Option<u64>,
}

/// How a back end is, for whoever depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It serves, and its heartbeat is fresh.
    Up,
    /// Its worker runs and says that it cannot serve.
    Down,
    /// Its worker says that it serves, but its heartbeat is too old: others take it for dead.
    Silent,
    /// Its worker has not reported yet.
    Starting,
    /// Its worker finishes what it has begun and takes nothing new.
    Draining,
    /// No worker runs; one may be about to.
    #[default]
    Gone,
    /// It was left out at the start.
    Failed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Up,
        Self::Down,
        Self::Silent,
        Self::Starting,
        Self::Draining,
        Self::Gone,
        Self::Failed,
    ];

    /// The lower-case word that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Silent => "silent",
            Self::Starting => "starting",
            Self::Draining => "draining",
            Self::Gone => "gone",
            Self::Failed => "failed",
        }
    }
}

/// One back end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackEnd {
    /// Its name in the configuration.
    pub name: String,
    /// Its name in the service table, `host@backend`.
    pub host: String,
    /// How it is.
    pub state: State,
    /// Why it is not up, or what is wrong all the same; empty if nothing is.
    pub reason: String,
    /// Process id of its worker, 0 if there is none.
    pub pid: i32,
    /// Age of the process.
    pub uptime_seconds: Option<f64>,
    /// From the start of the process to the first report of its service.
    pub startup_seconds: Option<f64>,
    /// Age of the last heartbeat of this process.
    pub heartbeat_age_seconds: Option<f64>,
    /// Processes there have been.
    pub processes: u64,
    /// How often its worker was replaced.
    pub restarts: Restarts,
    /// Memory that is resident, in bytes; most of it is the program itself, which all its processes share.
    pub rss_bytes: Option<u64>,
    /// Memory that is its own, in bytes; only where ended operations are asked for, as it takes the kernel a while.
    pub private_bytes: Option<u64>,
    /// What it is doing, the oldest first.
    pub operations: Vec<Operation>,
    /// How many requests wait for each of its lanes, as far as some do.
    pub waiting: Vec<Waiting>,
    /// What it did last, the newest first; only where that is asked for.
    pub ended: Vec<Ended>,
    /// What operators have to know besides.
    pub notes: Vec<String>,
    /// Its way to messages.
    pub messages: Messages,
}

/// How messages reach a back end, and leave it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Messages {
    /// Connections to a broker; none on a bus without one.
    pub connections: Vec<Connection>,
    /// Where it listens.
    pub servers: Vec<MessageServer>,
    /// Replies that wait for the broker.
    pub waiting_replies: u64,
    /// Queues that were missing for so long that replies to them are dropped.
    pub dead_reply_queues: u64,
}

/// A connection to a broker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// `consuming` or `publishing`.
    pub purpose: String,
    /// `host:port` that it is open to, or tried at.
    pub host: String,
    /// `up`, or what it is instead.
    pub state: String,
    /// For how long.
    pub since_seconds: Option<f64>,
    /// Why the broker takes nothing from it; empty if it does.
    pub blocked: String,
}

/// One target that a back end listens for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageServer {
    /// Its queues; of what goes to everybody, the exchange.
    pub queues: Vec<String>,
    /// Whether messages are taken from all of them.
    pub is_served: bool,
    /// For how long it has been so.
    pub since_seconds: Option<f64>,
}

impl BackEnd {
    /// Turns "up" into "silent" when the last heartbeat, or the start if there was none yet, is
    /// older than `limit` seconds.
    #[must_use]
    pub fn judged(mut self, limit: Option<f64>) -> Self {
        let age = self.heartbeat_age_seconds.or(self.uptime_seconds);
        if let (State::Up, Some(limit), Some(age)) = (self.state, limit, age)
            && age > limit
        {
            self.state = State::Silent;
            let own = std::mem::take(&mut self.reason);
            self.reason = format!("no heartbeat for {age:.0} s");
            if !own.is_empty() {
                self.reason += &format!("; {own}");
            }
        }
        self
    }
}

/// How often a worker was replaced, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Restarts {
    /// It had ended by itself, whatever the status.
    pub exit: u64,
    /// A signal had ended it.
    pub signal: u64,
    /// It had given no sign of life.
    pub watchdog: u64,
    /// An operator wanted it.
    pub roll: u64,
}

impl Restarts {
    /// Every cause with its word.
    #[must_use]
    pub fn by_cause(&self) -> [(&'static str, u64); 4] {
        [
            ("exit", self.exit),
            ("signal", self.signal),
            ("watchdog", self.watchdog),
            ("roll", self.roll),
        ]
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_cause().iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

/// Something that a back end is doing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operation {
    /// What, for example `create_volume`.
    pub kind: String,
    /// To what.
    pub id: String,
    /// Who asked: the id of the request.
    pub request: String,
    /// What it is at; empty before its first step.
    pub step: String,
    /// For how long.
    pub age_seconds: f64,
    /// How long it has been at this step.
    pub step_age_seconds: f64,
}

/// Requests that wait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// For which threads: `work`, `bulk` …
    pub lane: String,
    /// How many.
    pub count: u64,
}

/// Something that a back end has done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ended {
    /// What, for example `create_volume`.
    pub kind: String,
    /// To what.
    pub id: String,
    /// Who asked: the id of the request.
    pub request: String,
    /// `done`, `failed` or `interrupted`.
    pub result: String,
    /// Why it failed, in a word; what it was at when it was interrupted.
    pub why: String,
    /// How long it took.
    pub took_seconds: f64,
    /// How long ago it ended.
    pub age_seconds: f64,
}

impl Snapshot {
    /// How many back ends are up.
    #[must_use]
    pub fn up(&self) -> usize {
        self.back_ends.iter().filter(|one| one.state == State::Up).count()
    }

    /// Whether there is a back end, and none that is not up.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.back_ends.is_empty() && self.up() == self.back_ends.len()
    }

    /// A sentence such as `2 of 3 back ends up`.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{} of {} back ends up", self.up(), self.back_ends.len())
    }

    /// Those that are not up, in order.
    pub fn not_up(&self) -> impl Iterator<Item = &BackEnd> {
        self.back_ends.iter().filter(|one| one.state != State::Up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_back_end_that_says_up_without_a_heartbeat_is_silent() {
        let up = BackEnd { state: State::Up, uptime_seconds: Some(90.0), ..BackEnd::default() };
        let beating = BackEnd { heartbeat_age_seconds: Some(59.0), ..up.clone() };
        assert_eq!(beating.clone().judged(Some(60.0)).state, State::Up);
        let silent = beating.judged(Some(58.0));
        assert_eq!(
            (silent.state, silent.reason.as_str()),
            (State::Silent, "no heartbeat for 59 s")
        );
        assert_eq!(up.clone().judged(Some(60.0)).state, State::Silent);
        let why = BackEnd { reason: "heartbeat: locked".into(), ..up.clone() };
        assert_eq!(why.judged(Some(60.0)).reason, "no heartbeat for 90 s; heartbeat: locked");
        assert_eq!(up.judged(None).state, State::Up);
        let down = BackEnd { uptime_seconds: Some(90.0), ..BackEnd::default() };
        assert_eq!(down.judged(Some(60.0)).state, State::Gone);
    }

    #[test]
    fn nothing_enabled_is_not_healthy() {
        assert!(!Snapshot::default().is_healthy());
        let up = BackEnd { state: State::Up, ..BackEnd::default() };
        let mut one = Snapshot { back_ends: vec![up.clone()], ..Snapshot::default() };
        assert!(one.is_healthy());
        one.back_ends.push(BackEnd::default());
        assert!(!one.is_healthy());
        assert_eq!(one.sentence(), "1 of 2 back ends up");
    }
}
