//! A running daemon as a scenario sees it: its process, its workers, its log, its rows.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::database::{Service, Store};
use crate::process::{self, text_of};
use crate::wait::{Hopeless, secs, wait_for};

/// Long enough for anything that normally takes milliseconds, on a loaded machine.
pub(crate) const SOON: Duration = secs(20);

/// The daemon's parent process. Reaped at the end of the scenario, whatever happens.
pub(crate) struct Daemon {
    child: RefCell<Child>,
    pid: i32,
    log: PathBuf,
    database: Store,
}

impl Daemon {
    /// Starts it with both outputs appended to `log`: a file, because a pipe would be held open
    /// by the workers.
    ///
    /// # Errors
    ///
    /// When the command cannot be run.
    pub(crate) fn start(command: &mut Command, log: &Path, database: &Store) -> Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let child = command
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {:?}", command.get_program()))?;
        Self::adopt(child, log, database)
    }

    /// Takes over a child whose outputs somebody else arranged.
    ///
    /// # Errors
    ///
    /// Never on Linux, where a pid fits.
    pub(crate) fn adopt(child: Child, log: &Path, database: &Store) -> Result<Self> {
        let pid = i32::try_from(child.id())?;
        let (log, database) = (log.to_owned(), database.clone());
        Ok(Self { child: RefCell::new(child), pid, log, database })
    }

    /// The parent is another process than the one that was started: a child of it, whose exit
    /// code it passes on.
    pub(crate) fn with_parent(mut self, pid: i32) -> Self {
        self.pid = pid;
        self
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Living workers, in order of their pid; not the copies of the parent that report, read or write
    /// the rows.
    pub(crate) fn workers(&self) -> Vec<i32> {
        let mut children = process::living_children(self.pid);
        children.retain(|&pid| {
            !["report", "register", "reload"].contains(&process::name(pid).as_str())
        });
        children
    }

    pub(crate) fn log(&self) -> String {
        text_of(&self.log)
    }

    /// How many lines of the log contain `text`.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    /// Rows that are not deleted.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(crate) fn rows(&self) -> Result<Vec<Service>> {
        let mut rows = self.database.services()?;
        rows.retain(|row| row.deleted == Some(0));
        Ok(rows)
    }

    /// The live row of one back end.
    ///
    /// # Errors
    ///
    /// When there is none, or more than one.
    pub(crate) fn row(&self, host: &str) -> Result<Service> {
        let mut rows = self.rows()?;
        rows.retain(|row| row.host == host);
        ensure!(rows.len() == 1, "{} rows of {host}", rows.len());
        rows.pop().context("no row")
    }

    /// Waits until `count` workers run and `count` rows have a heartbeat.
    ///
    /// # Errors
    ///
    /// With what was seen instead.
    pub(crate) fn wait_up(&self, count: usize) -> Result<Vec<i32>> {
        wait_for(&format!("{count} back ends to be up"), SOON, || {
            self.still_runs()?;
            let workers = self.workers();
            ensure!(workers.len() == count, "workers {workers:?}");
            let rows = self.rows()?;
            let beating = rows.iter().filter(|row| row.report_count > 0).count();
            ensure!(beating == count, "{beating} of {} rows have a heartbeat", rows.len());
            Ok(workers)
        })
    }

    /// Waits until the set of workers has `count` members and none of `gone`.
    ///
    /// # Errors
    ///
    /// With the workers seen instead.
    pub(crate) fn wait_replaced(&self, gone: &[i32], count: usize) -> Result<Vec<i32>> {
        self.wait_workers(gone, count, SOON)
    }

    /// As [`Daemon::wait_replaced`], with another limit.
    ///
    /// # Errors
    ///
    /// With the workers seen instead.
    pub(crate) fn wait_workers(
        &self,
        gone: &[i32],
        count: usize,
        limit: Duration,
    ) -> Result<Vec<i32>> {
        wait_for(&format!("{count} workers without {gone:?}"), limit, || {
            self.still_runs()?;
            let workers = self.workers();
            let fresh = gone.iter().all(|pid| !workers.contains(pid));
            ensure!(fresh && workers.len() == count, "workers {workers:?}");
            Ok(workers)
        })
    }

    /// Waits until every row has beaten `more` times from now on.
    ///
    /// # Errors
    ///
    /// With the rows that have not.
    pub(crate) fn wait_beats(&self, more: i64) -> Result<()> {
        let before = wait_for("the rows to be readable", SOON, || self.rows())?;
        wait_for(&format!("{more} more heartbeats of each row"), SOON, || {
            self.still_runs()?;
            let rows = self.rows()?;
            for old in &before {
                let now = rows.iter().find(|row| row.host == old.host);
                let count = now.map_or(0, |row| row.report_count);
                ensure!(
                    count >= old.report_count + more,
                    "{}: {} then {count}",
                    old.host,
                    old.report_count
                );
            }
            Ok(())
        })
    }

    /// Waits for at least `count` lines with `text` in the log.
    ///
    /// # Errors
    ///
    /// With the number of lines seen.
    pub(crate) fn wait_log(&self, text: &str, count: usize) -> Result<()> {
        wait_for(&format!("{count} log lines with {text:?}"), SOON, || {
            let seen = self.count(text);
            ensure!(seen >= count, "seen {seen}");
            Ok(())
        })
    }

    /// Sends a signal to the parent process.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        process::signal(self.pid, signal)
    }

    /// Waits for the parent to end.
    ///
    /// # Errors
    ///
    /// When it still runs at the limit.
    pub(crate) fn wait_exit(&self, limit: Duration) -> Result<ExitStatus> {
        wait_for("the daemon to end", limit, || self.ended()?.context("it still runs"))
    }

    /// Sends a signal and expects this exit code.
    ///
    /// # Errors
    ///
    /// When it ends otherwise or not at all.
    pub(crate) fn end_with(&self, signal: Signal, code: i32) -> Result<()> {
        self.signal(signal)?;
        self.expect_exit(code)
    }

    /// Expects the daemon to end with this exit code.
    ///
    /// # Errors
    ///
    /// When it ends otherwise or not at all.
    pub(crate) fn expect_exit(&self, code: i32) -> Result<()> {
        let status = self.wait_exit(SOON)?;
        ensure!(status.code() == Some(code), "ended with {status} instead of exit code {code}");
        Ok(())
    }

    /// How the parent has ended, if it has.
    ///
    /// # Errors
    ///
    /// When the system will not say.
    pub(crate) fn ended(&self) -> Result<Option<ExitStatus>> {
        Ok(self.child.borrow_mut().try_wait()?)
    }

    /// Fails once the parent has ended: then no state is worth waiting for.
    fn still_runs(&self) -> Result<()> {
        if let Some(status) = self.ended()? {
            return Err(Hopeless(format!("the daemon has ended: {status}")).into());
        }
        Ok(())
    }

    /// Checks that these are the workers now, no matter in which order.
    ///
    /// # Errors
    ///
    /// When one was replaced, added or lost.
    pub(crate) fn expect_workers(&self, expected: &[i32]) -> Result<()> {
        let now: BTreeSet<_> = self.workers().into_iter().collect();
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        ensure!(now == expected, "workers were {expected:?} and are {now:?}");
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        if let Ok(None) = child.try_wait() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
