//! What this process does on HUP and USR2, in the parent and in every worker.

use std::sync::{Arc, PoisonError, RwLockWriteGuard};
use std::time::Duration;

use cinder_conf::cinder::Conf;
use oslo_launcher::{Hooks, ReadWork, ReloadRefused, ReportRequest, ReportWork, Scoreboard};
use oslo_log::LogHandle;

use crate::bus::Hosts;
use crate::configure::{self, SharedConf};
use crate::logging;
use crate::reloading::{Change, Verdict};
use crate::report::{Job, WatchedFile};

/// The daemon's hooks; each worker has a copy of its own from the moment it is forked.
pub(crate) struct DaemonHooks {
    /// The configuration in force. A report and a reading look at it beside us.
    conf: SharedConf,
    /// To change the level.
    log: LogHandle,
    /// Where the broker is.
    hosts: Hosts,
    /// Name of the program, in front of report files.
    program: String,
    /// `[oslo_reports] file_event_handler`, in the process that was told to look at it.
    asks: Option<WatchedFile>,
}

impl Hooks for DaemonHooks {
    fn read_again(&mut self) -> Option<ReadWork> {
        let (conf, log, hosts) = (Arc::clone(&self.conf), self.log.clone(), self.hosts.clone());
        Some(Box::new(move || Verdict::read(&configure::in_force(&conf), &log, &hosts).encode()))
    }

    fn reload(&mut self, read: &[u8]) -> Result<Vec<u8>, ReloadRefused> {
        let change = Verdict::decode(read)?.accept()?;
        change.apply(&mut self.conf(), &self.log, &self.hosts)?;
        change.tell();
        Ok(change.encode())
    }

    fn follow(&mut self, told: &[u8]) -> Result<(), ReloadRefused> {
        if told.is_empty() {
            return Ok(()); // nothing new since this worker was forked
        }
        Change::decode(told)?.apply(&mut self.conf(), &self.log, &self.hosts)
    }

    fn report(&mut self, request: ReportRequest, _: &Scoreboard) -> Option<ReportWork> {
        let (conf, program) = (Arc::clone(&self.conf), self.program.clone());
        let job = Job { conf, program, request };
        Some(Box::new(move |scoreboard| job.perform(scoreboard)))
    }

    fn before_wait(&mut self) -> Option<Duration> {
        let look = self.asks.as_mut().and_then(WatchedFile::look);
        look.into_iter().chain(logging::flush()).min()
    }

    fn before_exit(&mut self) {
        logging::finish();
    }
}

impl DaemonHooks {
    /// Hooks for the process that calls this; `supervised` by another one, it is a worker.
    pub(crate) fn new(
        conf: SharedConf,
        log: LogHandle,
        hosts: Hosts,
        program: &str,
        supervised: bool,
    ) -> Self {
        // The parent alone looks at the file, as upstream's does.
        let asks = WatchedFile::of(&configure::in_force(&conf).reports).filter(|_| !supervised);
        Self { conf, log, hosts, program: program.to_owned(), asks }
    }

    /// A configuration is replaced as a whole, so a panic leaves none half-changed.
    fn conf(&self) -> RwLockWriteGuard<'_, Conf> {
        self.conf.write().unwrap_or_else(PoisonError::into_inner)
    }
}
