//! How the workers of each service have ended: the accounts that are told after a stop.
//!
//! Kept by service, not by process, so that a worker which dies all day costs no memory. Must
//! not: decide anything.

use std::collections::BTreeMap;
use std::fmt;

use crate::ended::Ended;

/// What became of a service's workers, from its launch to the end of its launcher.
///
/// Its text is one line for operators.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Name of the service.
    pub(crate) name: String,
    /// How many workers it was launched with.
    pub(crate) workers: usize,
    /// Processes that were started for it.
    pub(crate) starts: u64,
    /// Processes that could not be made.
    pub(crate) refused: u64,
    /// How often a process ended in each way.
    pub(crate) ends: BTreeMap<Ended, u64>,
    /// How the last one ended.
    pub(crate) last: Option<Ended>,
    /// Processes that a stop had to kill because the time for a graceful one was over.
    pub(crate) killed: u64,
}

impl Account {
    /// Whether anything happened besides workers ending with status 0.
    pub(crate) fn is_unusual(&self) -> bool {
        self.refused > 0 || self.killed > 0 || self.ends.keys().any(|end| *end != Ended::Exited(0))
    }

    /// Processes whose end has not been seen: a stop that is not graceful does not wait for them.
    pub(crate) fn unseen(&self) -> u64 {
        self.starts.saturating_sub(self.ends.values().sum())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Workers of {}: {} started", self.name, self.starts)?;
        for (number, (end, count)) in self.ends.iter().enumerate() {
            f.write_str(if number == 0 { "; " } else { ", " })?;
            let ended = if number == 0 { "ended " } else { "" };
            write!(f, "{count} {ended}{}", Briefly(*end))?;
        }
        if let Some(last) = self.last.filter(|_| self.ends.len() > 1) {
            write!(f, ", the last {}", Briefly(last))?;
        }
        for (count, what) in [
            (self.refused, "could not be started"),
            (self.killed, "killed after the graceful shutdown timeout"),
            (self.unseen(), "not waited for"),
        ] {
            if count > 0 {
                write!(f, "; {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// An end in the middle of a sentence. Not the words of the line that is written for each end, so
/// that a search for those finds each end once.
struct Briefly(Ended);

impl fmt::Display for Briefly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ended::Exited(status) => write!(f, "with status {status}"),
            Ended::Signalled(signal) => write!(f, "by signal {signal}"),
            Ended::Unknown => f.write_str("in an unknown way"),
        }
    }
}

/// The accounts of all services, by the services' numbers.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    services: Vec<Account>,
}

impl Ledger {
    pub(crate) fn open(&mut self, name: &str, workers: usize) {
        let name = name.to_owned();
        self.services.push(Account { name, workers, ..Default::default() });
    }

    pub(crate) fn started(&mut self, service: usize) {
        self.services[service].starts += 1;
    }

    pub(crate) fn refused(&mut self, service: usize) {
        self.services[service].refused += 1;
    }

    pub(crate) fn ended(&mut self, service: usize, end: Ended) {
        let account = &mut self.services[service];
        *account.ends.entry(end).or_default() += 1;
        account.last = Some(end);
    }

    pub(crate) fn killed(&mut self, service: usize) {
        self.services[service].killed += 1;
    }

    pub(crate) fn services(&self) -> &[Account] {
        &self.services
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_quiet_life_is_not_unusual() {
        let mut ledger = Ledger::default();
        ledger.open("lvm", 2);
        for _ in 0..2 {
            ledger.started(0);
            ledger.ended(0, Ended::Exited(0));
        }
        let [account] = ledger.services() else { panic!("one service") };
        assert!(!account.is_unusual());
        expect!["Workers of lvm: 2 started; 2 ended with status 0"].assert_eq(&account.to_string());
    }

    #[test]
    fn a_troubled_life_is_told_in_one_line() {
        let mut ledger = Ledger::default();
        ledger.open("lvm", 1);
        ledger.open("nfs", 3);
        for end in [Ended::Exited(1), Ended::Signalled(11), Ended::Signalled(9), Ended::Exited(1)] {
            ledger.started(1);
            ledger.ended(1, end);
        }
        ledger.started(1);
        ledger.refused(1);
        ledger.killed(1);
        let [lvm, nfs] = ledger.services() else { panic!("two services") };
        assert!(!lvm.is_unusual() && nfs.is_unusual());
        assert_eq!((nfs.workers, nfs.unseen(), nfs.last), (3, 1, Some(Ended::Exited(1))));
        expect!["Workers of lvm: 0 started"].assert_eq(&lvm.to_string());
        expect!["Workers of nfs: 5 started; 2 ended with status 1, 1 by signal 9, 1 by signal 11, the last with status 1; 1 could not be started; 1 killed after the graceful shutdown timeout; 1 not waited for"]
            .assert_eq(&nfs.to_string());
    }
}
