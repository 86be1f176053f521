//! The faults that long runs inject, one at a time and at random.
//!
//! Each says whether it did something: a victim may be gone before it is reached. An error means
//! that the daemon itself is gone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use nix::sys::signal::Signal;

use super::props::account::Limit;
use super::props::dice::Dice;
use super::props::stage::Stage;
use crate::database::{Lock, write};
use crate::process;
use crate::wait::{let_pass, millis, secs, wait_with_pause};

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    WorkersKilled,
    WorkersKilledAtTheirStart,
    WorkersFrozen,
    ParentFrozen,
    Hups,
    Rolls,
    SignalBursts,
    DatabaseLocks,
    RowsRemoved,
    ProcessLimits,
    DescriptorLimits,
    LogReaderStops,
    Orphans,
}

/// How often each comes in a hundred.
pub(crate) const EVERYTHING: [(Fault, u64); 13] = [
    (Fault::WorkersKilled, 26),
    (Fault::WorkersKilledAtTheirStart, 8),
    (Fault::WorkersFrozen, 8),
    (Fault::ParentFrozen, 6),
    (Fault::Hups, 16),
    (Fault::Rolls, 4),
    (Fault::SignalBursts, 4),
    (Fault::DatabaseLocks, 5),
    (Fault::RowsRemoved, 7),
    (Fault::ProcessLimits, 4),
    (Fault::DescriptorLimits, 4),
    (Fault::LogReaderStops, 4),
    (Fault::Orphans, 4),
];

/// What a good day may bring.
pub(crate) const MILD: [(Fault, u64); 5] = [
    (Fault::WorkersKilled, 50),
    (Fault::WorkersFrozen, 10),
    (Fault::Hups, 20),
    (Fault::RowsRemoved, 10),
    (Fault::Orphans, 10),
];

/// Signals that the parent answers without ending.
pub(crate) const HARMLESS: [Signal; 7] = [
    Signal::SIGHUP,
    Signal::SIGUSR1,
    Signal::SIGCHLD,
    Signal::SIGCONT,
    Signal::SIGWINCH,
    Signal::SIGURG,
    Signal::SIGPIPE,
];

/// Injects faults and counts them.
pub(crate) struct Storm<'a> {
    stage: &'a Stage<'a>,
    backends: &'a [&'a str],
    /// Workers that are to be left alone.
    spared: Vec<i32>,
    dice: Dice,
    counts: BTreeMap<Fault, u32>,
}

impl<'a> Storm<'a> {
    pub(crate) fn new(stage: &'a Stage<'a>, backends: &'a [&'a str], seed: u64) -> Self {
        let counts = BTreeMap::new();
        Self { stage, backends, spared: Vec::new(), dice: Dice::new(seed), counts }
    }

    /// Leaves these workers alone from now on.
    pub(crate) fn spare(&mut self, workers: &[i32]) {
        self.spared = workers.to_vec();
    }

    /// Injects faults until the time is over, each up to `pause` after the last.
    ///
    /// # Errors
    ///
    /// When the parent ends.
    pub(crate) fn rage(
        &mut self,
        kinds: &[(Fault, u64)],
        length: Duration,
        pause: Duration,
    ) -> Result<()> {
        let end = Instant::now() + length;
        let all = kinds.iter().map(|(_, weight)| weight).sum();
        while Instant::now() < end {
            ensure!(process::lives(self.stage.daemon.pid()), "the parent has ended");
            let mut at = self.dice.below(all);
            let chosen = kinds.iter().find(|(_, weight)| {
                let hit = at < *weight;
                at = at.saturating_sub(*weight);
                hit
            });
            if let Some(&(fault, _)) = chosen
                && self.inject(fault)?
            {
                *self.counts.entry(fault).or_default() += 1;
            }
            let_pass(millis(self.dice.below(u64::try_from(pause.as_millis())?)));
        }
        Ok(())
    }

    /// How many of which kind.
    pub(crate) fn tally(&self) -> String {
        let mut text = String::new();
        for (fault, count) in &self.counts {
            let _ = write!(
                text,
                "{}{count} {}",
                if text.is_empty() { "" } else { ", " },
                words(*fault)
            );
        }
        text
    }

    fn inject(&mut self, fault: Fault) -> Result<bool> {
        match fault {
            Fault::WorkersKilled => Ok(self.kill_a_worker().is_some()),
            Fault::WorkersKilledAtTheirStart => Ok(self.kill_a_starting_worker()),
            Fault::WorkersFrozen => Ok(self.freeze_a_worker()),
            Fault::ParentFrozen => self.freeze_the_parent(),
            Fault::Hups => self.hang_up().map(|()| true),
            Fault::Rolls => self.stage.daemon.signal(Signal::SIGUSR1).map(|()| true),
            Fault::SignalBursts => self.burst().map(|()| true),
            Fault::DatabaseLocks => Ok(self.lock_the_database()),
            Fault::RowsRemoved => self.remove_a_row().map(|()| true),
            Fault::ProcessLimits => self.squeeze(Limit::Processes, 1),
            Fault::DescriptorLimits => {
                let to = self.dice.below(10);
                self.squeeze(Limit::Descriptors, to)
            }
            Fault::LogReaderStops => self.stop_the_reader().map(|()| true),
            Fault::Orphans => self.leave_orphans(),
        }
    }

    fn victims(&self) -> Vec<i32> {
        let mut workers = self.stage.daemon.workers();
        workers.retain(|pid| !self.spared.contains(pid));
        workers
    }

    fn kill_a_worker(&mut self) -> Option<i32> {
        const WAYS: [Signal; 5] =
            [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT, Signal::SIGSEGV, Signal::SIGABRT];
        let way = self.dice.one_of(&WAYS).unwrap_or(Signal::SIGKILL);
        let victim = self.dice.one_of(&self.victims())?;
        process::signal(victim, way).ok().map(|()| victim)
    }

    /// Kills a worker, and its successor as soon as that can be seen.
    fn kill_a_starting_worker(&mut self) -> bool {
        let before = self.stage.daemon.workers();
        if self.kill_a_worker().is_none() {
            return false;
        }
        let successor = wait_with_pause("a successor", secs(2), millis(1), || {
            let now = self.stage.daemon.workers();
            match now.into_iter().find(|pid| !before.contains(pid)) {
                Some(pid) => Ok(pid),
                None => bail!("none yet"),
            }
        });
        successor.is_ok_and(|pid| process::signal(pid, Signal::SIGKILL).is_ok())
    }

    fn freeze_a_worker(&mut self) -> bool {
        let Some(victim) = self.dice.one_of(&self.victims()) else { return false };
        let _ = process::signal(victim, Signal::SIGSTOP);
        let_pass(millis(self.dice.below(1500)));
        process::signal(victim, Signal::SIGCONT).is_ok()
    }

    /// While it cannot move, workers die and signals arrive.
    fn freeze_the_parent(&mut self) -> Result<bool> {
        self.stage.daemon.signal(Signal::SIGSTOP)?;
        for _ in 0..self.dice.below(4) {
            self.kill_a_worker();
        }
        let sent = self.hang_up();
        let_pass(millis(self.dice.below(2000)));
        self.stage.daemon.signal(Signal::SIGCONT)?;
        sent.map(|()| true)
    }

    /// With a changed, a broken or an unchanged file.
    fn hang_up(&mut self) -> Result<()> {
        let config = &self.stage.config;
        let text = match self.dice.below(4) {
            0 => "[DEFAULT\nbroken".to_owned(),
            1 => config.clone().set("DEFAULT", "debug", "true").text(),
            2 => config.clone().set("DEFAULT", "debug", "neither").text(),
            _ => config.text(),
        };
        self.stage.scene.write("cinder.conf", &text)?;
        self.stage.daemon.signal(Signal::SIGHUP)
    }

    fn burst(&mut self) -> Result<()> {
        for _ in 0..200 {
            let signal = self.dice.one_of(&HARMLESS).unwrap_or(Signal::SIGCHLD);
            self.stage.daemon.signal(signal)?;
        }
        self.stage.daemon.signal(Signal::SIGUSR2)
    }

    fn lock_the_database(&mut self) -> bool {
        let Ok(lock) = Lock::take(&self.stage.scene.database()) else { return false };
        let_pass(millis(500 + self.dice.below(4000)));
        drop(lock);
        true
    }

    fn remove_a_row(&mut self) -> Result<()> {
        let Some(name) = self.dice.one_of(self.backends) else { bail!("no back ends") };
        let sql = match self.dice.below(2) {
            0 => format!("DELETE FROM services WHERE host = 'e2e@{name}'"),
            _ => format!("UPDATE services SET deleted = 1 WHERE host = 'e2e@{name}'"),
        };
        write(&self.stage.scene.database(), &sql)
    }

    /// Under a limit a worker dies and the configuration is read again.
    fn squeeze(&mut self, limit: Limit, to: u64) -> Result<bool> {
        let squeeze = self.stage.account.squeeze(self.stage.daemon.pid(), limit, to)?;
        let killed = self.kill_a_worker().is_some();
        let sent = self.hang_up();
        let_pass(millis(500 + self.dice.below(2500)));
        squeeze.lift()?;
        sent.map(|()| killed)
    }

    /// Long enough, with enough to say, that the pipe is full.
    fn stop_the_reader(&mut self) -> Result<()> {
        self.stage.log.stop(true);
        let sent = (0..40).try_for_each(|_| {
            let_pass(millis(20));
            self.hang_up()
        });
        self.kill_a_worker();
        let_pass(millis(500 + self.dice.below(3000)));
        self.stage.log.stop(false);
        sent
    }

    fn leave_orphans(&mut self) -> Result<bool> {
        let Some(mut command) = self.stage.beside() else { return Ok(false) };
        let script = "for n in 1 2 3 4 5 6 7 8; do (sleep 0.$n >/dev/null 2>&1 &); done";
        let outcome = self.stage.scene.finish(command.args(["sh", "-c", script]), secs(30))?;
        Ok(outcome.code == Some(0))
    }
}

/// The kind in words, for a sentence that begins with a number.
fn words(fault: Fault) -> String {
    let mut text = String::new();
    for letter in format!("{fault:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_as_words() {
        assert_eq!(words(Fault::WorkersKilledAtTheirStart), "workers killed at their start");
    }

    #[test]
    fn the_weights_are_of_a_hundred_and_no_kind_is_missing_or_twice() {
        for kinds in [&EVERYTHING[..], &MILD] {
            assert_eq!(kinds.iter().map(|(_, weight)| weight).sum::<u64>(), 100);
        }
        let kinds: std::collections::BTreeSet<_> =
            EVERYTHING.iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds.len(), EVERYTHING.len());
    }
}
