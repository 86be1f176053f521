//! Rows of the database joined with what the health server knows, and what follows from both.
//!
//! Pure. A back end is up when nobody who can tell says that it is not, and somebody says that it
//! is: the rows are what schedulers go by, the health server sees a worker die at once.

use std::time::Duration;

use cinder_db::{Timestamp, services::Service};
use cinder_health::{BackEnd, Snapshot, State};
use cinder_types::BINARY;

/// One service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    pub binary: String,
    pub host: String,
    /// What its row says, if there is one that could be read.
    pub row: Option<Row>,
    /// What the health server says, if it answers and the back end is one of its own.
    pub live: Option<BackEnd>,
}

/// A row, in the words of upstream's `cinder-manage service list`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub zone: String,
    pub status: &'static str,
    pub up: bool,
    pub updated_at: String,
    pub report_count: i32,
    pub cluster: Option<String>,
    pub disabled_reason: Option<String>,
}

impl Line {
    /// Whether it is up; `None` if nobody can tell.
    pub(crate) fn is_up(&self) -> Option<bool> {
        let row = self.row.as_ref().map(|row| row.up);
        let live = self.live.as_ref().map(|live| live.state == State::Up);
        match (row, live) {
            (Some(row), Some(live)) => Some(row && live),
            (row, live) => row.or(live),
        }
    }

    /// The word for its state: the health server's where that is not up, for it knows more.
    pub(crate) fn state(&self) -> &'static str {
        match &self.live {
            Some(live) if live.state != State::Up => live.state.as_str(),
            _ if self.is_up() == Some(true) => "up",
            _ => "down",
        }
    }
}

/// Joins what could be read: `None` for what could not.
pub(crate) fn join(
    rows: Option<&[Service]>,
    live: Option<&Snapshot>,
    now: Timestamp,
    service_down_time: Duration,
) -> Vec<Line> {
    let back_ends = live.map_or(&[][..], |live| &live.back_ends);
    let mut lines: Vec<Line> = Vec::new();
    for row in rows.unwrap_or_default() {
        let binary = row.binary.clone().unwrap_or_default();
        let host = row.host.clone().unwrap_or_default();
        let mine = |one: &&BackEnd| binary == BINARY && one.host == host;
        let live = back_ends.iter().find(mine).cloned();
        let row = Some(of(row, row.is_up(now, service_down_time)));
        lines.push(Line { binary, host, row, live });
    }
    for one in back_ends {
        if !lines.iter().any(|line| line.binary == BINARY && line.host == one.host) {
            let (binary, host) = (BINARY.to_owned(), one.host.clone());
            lines.push(Line { binary, host, row: None, live: Some(one.clone()) });
        }
    }
    lines
}

fn of(row: &Service, up: bool) -> Row {
    Row {
        zone: row.availability_zone.clone().unwrap_or_default(),
        status: if row.disabled == Some(true) { "disabled" } else { "enabled" },
        up,
        updated_at: row.updated_at.map(|at| at.to_string()).unwrap_or_default(),
        report_count: row.report_count,
        cluster: row.cluster_name.clone(),
        disabled_reason: row.disabled_reason.clone(),
    }
}

/// What the exit status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Up,
    Down,
    Unknown,
}

/// Judges these hosts' volume services, or all if none are named; `known` is whether anything
/// could be read at all.
pub(crate) fn verdict(lines: &[Line], hosts: Option<&[String]>, known: bool) -> Verdict {
    if !known {
        return Verdict::Unknown;
    }
    let volumes: Vec<&Line> = lines.iter().filter(|line| line.binary == BINARY).collect();
    let up = |line: &&Line| line.is_up() == Some(true);
    let all = match hosts {
        Some(hosts) => hosts.iter().all(|host| volumes.iter().any(|l| l.host == *host && up(l))),
        None => volumes.iter().all(up),
    };
    if all { Verdict::Up } else { Verdict::Down }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(host: &str, row: Option<bool>, live: Option<State>) -> Line {
        Line {
            binary: BINARY.into(),
            host: host.into(),
            row: row.map(|up| Row { up, ..Row::default() }),
            live: live.map(|state| BackEnd { state, ..BackEnd::default() }),
        }
    }

    #[test]
    fn up_is_what_nobody_denies() {
        for (row, live, up, word) in [
            (Some(true), None, Some(true), "up"),
            (Some(false), None, Some(false), "down"),
            (Some(true), Some(State::Up), Some(true), "up"),
            (Some(false), Some(State::Up), Some(false), "down"),
            (Some(true), Some(State::Gone), Some(false), "gone"),
            (None, Some(State::Up), Some(true), "up"),
            (None, Some(State::Silent), Some(false), "silent"),
        ] {
            let line = line("a", row, live);
            assert_eq!((line.is_up(), line.state()), (up, word), "{row:?} {live:?}");
        }
    }

    #[test]
    fn only_this_configurations_back_ends_decide() {
        let lines = [line("n@a", Some(true), None), line("old@b", Some(false), None)];
        let hosts = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(verdict(&lines, Some(&hosts(&["n@a"])), true), Verdict::Up);
        assert_eq!(verdict(&lines, Some(&hosts(&["n@a", "old@b"])), true), Verdict::Down);
        assert_eq!(verdict(&lines, Some(&hosts(&["n@a", "n@new"])), true), Verdict::Down);
        assert_eq!(verdict(&lines, None, true), Verdict::Down);
        assert_eq!(verdict(&[], Some(&hosts(&["n@a"])), false), Verdict::Unknown);
    }

    #[test]
    fn a_back_end_without_a_row_is_shown_all_the_same() {
        let one = BackEnd { host: "n@a".into(), state: State::Up, ..BackEnd::default() };
        let live = Snapshot { back_ends: vec![one], ..Snapshot::default() };
        let lines = join(None, Some(&live), Timestamp::now(), Duration::from_secs(60));
        assert_eq!((lines.len(), lines[0].is_up()), (1, Some(true)));
        assert!(lines[0].row.is_none());
    }
}
