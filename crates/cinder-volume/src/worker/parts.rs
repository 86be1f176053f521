//! How the parts of a worker are, side by side, and what that makes of the whole.
//!
//! Each part says how it is itself; one that recovers takes back its own reason and nobody else's.
//! The sum is told to the supervisor, so that the scoreboard, `status`, the page and the service
//! manager show it; a report shows every part. Must not: judge a part.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use oslo_launcher::{REASON_BYTES, WorkerHandle};

/// What may keep a worker from serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The way to the database.
    Database,
    /// The storage.
    Driver,
    /// The way that requests come.
    Messaging,
    /// What others take for a sign of life.
    Heartbeat,
}

impl Part {
    /// In the order of their reasons: what may be the cause of the others comes first.
    const ALL: [Self; 4] = [Self::Database, Self::Driver, Self::Messaging, Self::Heartbeat];

    fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Driver => "driver",
            Self::Messaging => "messaging",
            Self::Heartbeat => "heartbeat",
        }
    }
}

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// It has not said anything yet.
    Starting,
    /// Nobody wants it.
    Off,
    /// It works.
    Up,
    /// It does not work as it should, but what the worker does for others goes on.
    Ailing(String),
    /// Without it the worker cannot serve.
    Down(String),
}

impl Condition {
    fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Off => "off",
            Self::Up => "up",
            Self::Ailing(_) => "ailing",
            Self::Down(_) => "down",
        }
    }

    fn reason(&self) -> &str {
        match self {
            Self::Starting | Self::Off | Self::Up => "",
            Self::Ailing(reason) | Self::Down(reason) => reason,
        }
    }
}

/// What all parts together come to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sum {
    /// Nothing can be said yet.
    Starting,
    /// It serves; what is wrong all the same, if anything.
    Up(String),
    /// It does not, for these reasons.
    Down(String),
}

/// The parts of one worker.
#[derive(Debug)]
pub(super) struct Parts {
    worker: WorkerHandle,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    conditions: [(Condition, Instant); Part::ALL.len()],
    told: Sum,
    /// What a stop is waiting for.
    ending: Option<(String, Instant)>,
}

impl Parts {
    /// All of them about to start.
    pub(super) fn new(worker: &WorkerHandle) -> Self {
        let conditions = Part::ALL.map(|_| (Condition::Starting, Instant::now()));
        let inner = Inner { conditions, told: Sum::Starting, ending: None };
        Self { worker: worker.clone(), inner: Mutex::new(inner) }
    }

    pub(super) fn worker(&self) -> &WorkerHandle {
        &self.worker
    }

    /// Notes how a part is, and tells what follows from it, if that is new.
    pub(super) fn set(&self, part: Part, condition: Condition) {
        let mut inner = self.inner();
        let place = &mut inner.conditions[part as usize];
        if place.0 == condition {
            return;
        }
        // A reason that changes is no new state.
        if place.0.word() != condition.word() {
            place.1 = Instant::now();
        }
        place.0 = condition;
        let mut sum = sum(inner.conditions.each_ref().map(|(condition, _)| condition));
        if sum == Sum::Starting && inner.told != Sum::Starting {
            // It has been down, and what is still to come has not said anything: a reason that is
            // over must not stay.
            sum = Sum::Down("starting".to_owned());
        }
        if sum != inner.told {
            // Under the lock: the last one told has to be the last one noted.
            match &sum {
                Sum::Starting => {}
                Sum::Up(but) => self.worker.up_but(but),
                Sum::Down(why) => self.worker.down(why),
            }
            inner.told = sum;
        }
    }

    /// Notes what a stop is waiting for.
    pub(super) fn ending(&self, what: &str) {
        self.worker.drains(what);
        self.inner().ending = Some((what.to_owned(), Instant::now()));
    }

    /// Lines for a report. Waits for nobody.
    pub(super) fn report(&self) -> Option<String> {
        let inner = self.inner.try_lock().ok()?;
        let mut text = String::new();
        for (part, (condition, since)) in Part::ALL.into_iter().zip(&inner.conditions) {
            let (name, word, age) = (part.name(), condition.word(), since.elapsed().as_secs());
            let line = format!("{name}: {word} for {age} s {}", condition.reason());
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if let Some((what, since)) = &inner.ending {
            let _ = writeln!(text, "stop: {what} for {} s", since.elapsed().as_secs());
        }
        Some(text)
    }

    /// Held for moments, and nothing that can block is called under it: a driver that hangs does so
    /// elsewhere, and keeps no heartbeat from being told. Whole values only are written under it, so
    /// a poisoned lock is as good as any.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What these conditions, one for each part, come to.
fn sum(conditions: [&Condition; Part::ALL.len()]) -> Sum {
    let is_down = |condition: &Condition| matches!(condition, Condition::Down(_));
    let all = Part::ALL.into_iter().zip(conditions);
    let reasons: Vec<String> = all
        .filter(|(_, condition)| !condition.reason().is_empty() || is_down(condition))
        .map(|(part, condition)| format!("{}: {}", part.name(), condition.reason()))
        .collect();
    let text = side_by_side(&reasons);
    if conditions.into_iter().any(is_down) {
        Sum::Down(text)
    } else if conditions.contains(&&Condition::Starting) {
        Sum::Starting
    } else {
        Sum::Up(text)
    }
}

/// As much of each as the scoreboard has room for: the first must not push the others out.
fn side_by_side(reasons: &[String]) -> String {
    const BETWEEN: &str = "; ";
    const CUT: &str = "…";
    let whole = reasons.join(BETWEEN);
    if whole.len() <= REASON_BYTES || reasons.len() < 2 {
        return whole; // a single one is cut by the scoreboard
    }
    let room = REASON_BYTES / reasons.len() - BETWEEN.len();
    let cut = |reason: &String| {
        if reason.len() <= room {
            return reason.clone();
        }
        let fits = |&at: &usize| reason.is_char_boundary(at);
        let end = (0..=room - CUT.len()).rev().find(fits).unwrap_or(0);
        format!("{}{CUT}", &reason[..end])
    };
    reasons.iter().map(cut).collect::<Vec<_>>().join(BETWEEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(reason: &str) -> Condition {
        Condition::Down(reason.into())
    }

    #[test]
    fn a_worker_is_what_its_parts_come_to() {
        use Condition::{Starting, Up};
        let ailing = Condition::Ailing("locked".into());
        for (conditions, expected) in [
            ([&Starting, &Starting, &Starting, &Starting], Sum::Starting),
            ([&Up, &Starting, &Up, &Up], Sum::Starting),
            ([&Up, &Up, &Starting, &Up], Sum::Starting),
            ([&Up, &Up, &Up, &Up], Sum::Up(String::new())),
            ([&Up, &Up, &Up, &ailing], Sum::Up("heartbeat: locked".into())),
            ([&down("away"), &Starting, &Starting, &Starting], Sum::Down("database: away".into())),
            ([&Up, &down("no array"), &Starting, &Starting], Sum::Down("driver: no array".into())),
            (
                [&down("away"), &down("no array"), &down("no broker"), &ailing],
                Sum::Down(
                    "database: away; driver: no array; messaging: no broker; heartbeat: locked"
                        .into(),
                ),
            ),
        ] {
            assert_eq!(sum(conditions), expected, "{conditions:?}");
        }
    }

    #[test]
    fn a_part_that_recovers_takes_back_its_own_reason_only() {
        let both = sum([&down("away"), &down("no array"), &Condition::Up, &Condition::Up]);
        assert_eq!(both, Sum::Down("database: away; driver: no array".into()));
        let one = sum([&Condition::Up, &down("no array"), &Condition::Up, &Condition::Up]);
        assert_eq!(one, Sum::Down("driver: no array".into()));
    }

    #[test]
    fn a_long_reason_leaves_room_for_the_others() {
        let long = "é".repeat(REASON_BYTES);
        let Sum::Down(text) = sum([&down(&long), &down("no array"), &Condition::Up, &down(&long)])
        else {
            panic!("not down")
        };
        assert!(text.len() <= REASON_BYTES, "{} bytes: {text}", text.len());
        assert!(
            text.starts_with("database: éé") && text.contains("…; driver: no array; heartbeat: é")
        );
    }
}
