//! Writing a row for every back end, in a process beside the one that supervises.
//!
//! A database may not answer for as long as it likes; whoever answers signals must not wait for it,
//! and never opens one. So a copy of this process (`Launcher::run_aside`) connects, waits, writes
//! the rows and the log lines about them, and tells its parent what became of each back end. That
//! is data of another process, which the parent checks word by word ([`News`], [`Notes`]).
//!
//! The copy may be killed at any moment: a row is written as a whole or not at all. A moment earlier
//! its parent hangs up, which leaves time to finish a file that is just being created.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use cinder_db::{
    Connection, DatabaseOptions, DbError, any_volume, chain, minimum_versions, register,
    retry_connect,
};
use cinder_types::{OBJECT_VERSION, ServiceId};
use oslo_launcher::{Ended, Job, JobEnd, JobTeller, Launcher};
use tracing::{error, info};

use crate::exit::{self, Failure};
use crate::logging;
use crate::worker::{Candidate, Plan};

type Cause<'a> = &'a (dyn std::error::Error + 'static);

/// What became of a back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has its row.
    Registered(ServiceId),
    /// It is left out; the log has it, too.
    LeftOut(String),
}

/// Registers all of them, in order; breaks with an exit status when a stop came first.
///
/// # Errors
///
/// [`Failure::Told`] when the process that registers ended before its work did (what it has
/// written stays, and a start afterwards finds it); others when there can be no such process.
pub fn register_all(
    candidates: &[Candidate],
    database: &DatabaseOptions,
    launcher: &mut dyn Launcher,
    progress: &mut dyn FnMut(usize),
) -> Result<ControlFlow<i32, Vec<Outcome>>, Failure> {
    let mut notes = Notes::new(candidates.len());
    let job = Job {
        name: c"register",
        work: &|line| Registrar { database, line }.register_all(candidates),
    };
    let end = launcher.run_aside(&job, &mut |message| notes.take(message, progress))?;
    let how = match end {
        JobEnd::Stopped(status) => return Ok(ControlFlow::Break(status)),
        JobEnd::Done => match notes.finish() {
            Some(outcomes) => return Ok(ControlFlow::Continue(outcomes)),
            None => "did not tell what it did".to_owned(),
        },
        JobEnd::Garbled => "told what makes no sense".to_owned(),
        JobEnd::Died(ended @ Ended::Signalled(_)) => format!("was {ended}"),
        JobEnd::Died(ended) => ended.to_string(),
    };
    error!(
        target: "cinder.cmd.volume",
        "The process that registers the back ends {how}; nothing is started"
    );
    Err(Failure::Told(exit::FAILURE))
}

/// One message of the process that registers.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// The back end with this number is next.
    Begun(u32),
    /// It has this row.
    Registered(u32, i32),
    /// It is left out, for this reason.
    LeftOut(u32, String),
}

impl News {
    /// A reason is shown on one line of a page; its start says most.
    const REASON: usize = 512;

    fn write(&self) -> Vec<u8> {
        let (kind, number, rest) = match self {
            Self::Begun(number) => (b'b', number, Vec::new()),
            Self::Registered(number, id) => (b'r', number, id.to_le_bytes().to_vec()),
            Self::LeftOut(number, reason) => {
                (b'l', number, reason.bytes().take(Self::REASON).collect())
            }
        };
        [&[kind][..], &number.to_le_bytes(), &rest].concat()
    }

    fn read(message: &[u8]) -> Option<Self> {
        let (kind, rest) = message.split_first()?;
        let (number, rest) = rest.split_first_chunk()?;
        let number = u32::from_le_bytes(*number);
        Some(match kind {
            b'b' if rest.is_empty() => Self::Begun(number),
            b'r' => Self::Registered(number, i32::from_le_bytes(rest.try_into().ok()?)),
            b'l' if rest.len() <= Self::REASON => {
                let reason = String::from_utf8_lossy(rest); // it was cut anywhere
                Self::LeftOut(number, reason.replace(char::is_control, " "))
            }
            _ => return None,
        })
    }
}

/// What the parent has been told, as far as it makes sense.
#[derive(Debug)]
struct Notes {
    total: usize,
    /// Of the first back ends; they are told in order, each once.
    outcomes: Vec<Outcome>,
    nonsense: bool,
}

impl Notes {
    fn new(total: usize) -> Self {
        Self { total, outcomes: Vec::new(), nonsense: false }
    }

    fn take(&mut self, message: &[u8], progress: &mut dyn FnMut(usize)) {
        let next = self.outcomes.len();
        let is_next = |number: u32| next < self.total && usize::try_from(number) == Ok(next);
        match News::read(message) {
            Some(News::Begun(number)) if is_next(number) => progress(next),
            Some(News::Registered(number, id)) if is_next(number) => {
                self.outcomes.push(Outcome::Registered(ServiceId::new(id)));
            }
            Some(News::LeftOut(number, reason)) if is_next(number) => {
                self.outcomes.push(Outcome::LeftOut(reason));
            }
            _ => self.nonsense = true,
        }
    }

    /// One outcome for each back end, unless something is missing or wrong.
    fn finish(self) -> Option<Vec<Outcome>> {
        let whole = !self.nonsense && self.outcomes.len() == self.total;
        whole.then_some(self.outcomes)
    }
}

/// The process that registers; all from here on runs there.
struct Registrar<'a, 'l> {
    database: &'a DatabaseOptions,
    line: &'a mut JobTeller<'l>,
}

impl Registrar<'_, '_> {
    fn register_all(mut self, candidates: &[Candidate]) {
        let mut connection = match connect(self.database) {
            Ok(connection) => connection,
            Err(cause) => {
                error!(target: "cinder.cmd.volume", error = &cause as Cause<'_>, "Cannot use the database");
                for (number, candidate) in (0..).zip(candidates) {
                    not_started(&candidate.host, None);
                    self.tell(&News::LeftOut(number, format!("database: {}", chain(&cause))));
                }
                return;
            }
        };
        select_scheduler_versions(&mut connection);
        for (number, candidate) in (0..).zip(candidates) {
            if !self.tell(&News::Begun(number)) {
                break; // a stop: each row may have to wait for a lock
            }
            let news = match &candidate.plan {
                Ok(plan) => match self.register_or_reconnect(plan, &mut connection) {
                    Ok(id) => News::Registered(number, id.get()),
                    Err(cause) => {
                        not_started(&candidate.host, Some(&cause));
                        News::LeftOut(number, chain(&cause).to_string())
                    }
                },
                Err(cause) => {
                    not_started(&candidate.host, Some(cause.as_ref()));
                    News::LeftOut(number, format!("{cause:#}"))
                }
            };
            self.tell(&news);
        }
        connection.close();
    }

    /// Whether anybody listens. If not, this process is about to be killed.
    fn tell(&mut self, news: &News) -> bool {
        self.line.tell(&news.write()).is_ok()
    }

    /// Registers once more over a new connection if the old one broke.
    ///
    /// The other back ends must not pay for that, nor does this one have to: what was not
    /// committed can be done again, and what was is found.
    fn register_or_reconnect(
        &self,
        plan: &Plan,
        connection: &mut Connection,
    ) -> Result<ServiceId, DbError> {
        match register_one(plan, connection) {
            Err(cause) if cause.is_connection_lost() => *connection = connect(self.database)?,
            done => return done,
        }
        register_one(plan, connection)
    }
}

/// Waits for the database as often and as long as the configuration says.
fn connect(database: &DatabaseOptions) -> Result<Connection, DbError> {
    retry_connect(database, |interval| {
        sleep(interval);
        ControlFlow::Continue(())
    })
}

/// Sleeps, but for lines that wait for their reader.
fn sleep(time: Duration) {
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(logging::flush().map_or(left, |again| again.min(left)));
    }
}

fn not_started(host: &str, cause: Option<Cause<'_>>) {
    match cause {
        Some(cause) => error!(
            target: "cinder.cmd.volume",
            error = cause,
            "Volume service {host} failed to start."
        ),
        None => error!(target: "cinder.cmd.volume", "Volume service {host} failed to start."),
    }
}

fn register_one(plan: &Plan, connection: &mut Connection) -> Result<ServiceId, DbError> {
    let empty = if any_volume(connection)? { "not " } else { "" };
    info!(
        target: "cinder.volume.manager",
        "Determined volume DB was {empty}empty at startup."
    );
    let host = &plan.registration.host;
    let enabled = if plan.image_volume_cache_enabled { "enabled" } else { "disabled" };
    info!(target: "cinder.volume.manager", "Image-volume cache {enabled} for host {host}.");
    Ok(register(connection, &plan.registration)?.id)
}

/// Upstream's scheduler client looks for the oldest scheduler when it is made (`spec/startup.md`
/// §3); nothing sends to schedulers yet, so a failure is only told.
fn select_scheduler_versions(connection: &mut Connection) {
    /// `SCHEDULER_RPC_VERSION` when no scheduler has a row, `spec/startup.md` §3.
    const OWN_RPC: &str = "3.12";
    let (object, rpc) = match minimum_versions(connection, "cinder-scheduler") {
        Ok(Some(versions)) => (versions.object.to_string(), versions.rpc.to_string()),
        Ok(None) => (OBJECT_VERSION.to_owned(), OWN_RPC.to_owned()),
        Err(cause) => {
            error!(
                target: "cinder.rpc",
                error = &cause as Cause<'_>,
                "Cannot tell the oldest version of cinder-scheduler"
            );
            return;
        }
    };
    for (what, version) in [("objects", object), ("RPC", rpc)] {
        info!(
            target: "cinder.rpc",
            "Automatically selected cinder-scheduler {what} version {version} as minimum service \
             version."
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news() -> Vec<News> {
        vec![
            News::Begun(0),
            News::Registered(0, 7),
            News::Begun(1),
            News::LeftOut(1, "no such table".into()),
            News::Begun(2),
            News::Registered(2, i32::MAX),
        ]
    }

    /// What the parent makes of these messages, and which back ends it saw begin.
    fn noted(messages: &[Vec<u8>]) -> (Option<Vec<Outcome>>, Vec<usize>) {
        let (mut notes, mut begun) = (Notes::new(3), Vec::new());
        for message in messages {
            notes.take(message, &mut |number| begun.push(number));
        }
        (notes.finish(), begun)
    }

    fn written(news: &[News]) -> Vec<Vec<u8>> {
        news.iter().map(News::write).collect()
    }

    #[test]
    fn the_parent_notes_what_became_of_each_back_end() {
        let expected = vec![
            Outcome::Registered(ServiceId::new(7)),
            Outcome::LeftOut("no such table".into()),
            Outcome::Registered(ServiceId::new(i32::MAX)),
        ];
        assert_eq!(noted(&written(&news())), (Some(expected), vec![0, 1, 2]));
    }

    #[test]
    fn what_is_missing_twice_out_of_order_or_unknown_is_no_outcome() {
        let whole = written(&news());
        for without in [1, 3, 5] {
            let mut some = whole.clone();
            some.remove(without);
            assert_eq!(noted(&some).0, None, "without {without}");
        }
        for strange in [
            News::Registered(0, 7).write(),
            News::Begun(3).write(),
            News::Registered(3, 1).write(),
            News::Registered(u32::MAX, 1).write(),
            b"".to_vec(),
            b"r\0\0\0".to_vec(),
            b"r\x03\0\0\0\x01\0\0".to_vec(),
            b"?\x03\0\0\0".to_vec(),
            b"l\x03\0\0\0\xff".to_vec(),
        ] {
            let messages = [&whole[..], std::slice::from_ref(&strange)].concat();
            assert_eq!(noted(&messages).0, None, "{strange:?}");
        }
    }

    #[test]
    fn a_reason_is_short_and_on_one_line() {
        let reason = format!("first\nREADY=1 {}", "é".repeat(400));
        let read = News::read(&News::LeftOut(4, reason).write());
        let Some(News::LeftOut(4, reason)) = read else { panic!("{read:?}") };
        assert!(reason.starts_with("first READY=1 éé"), "{reason}");
        assert!(reason.len() <= News::REASON + char::REPLACEMENT_CHARACTER.len_utf8(), "{reason}");
    }

    #[test]
    fn no_bytes_whatever_are_more_than_nonsense() {
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            };
            let message: Vec<u8> = (0..next() % 12).map(|_| next()).collect();
            let (outcomes, _) = noted(&[message]);
            assert_eq!(outcomes, None);
        }
    }
}
