//! What this process does on HUP and USR2, in the parent and in every worker.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cinder_conf::cinder::Conf;
use oslo_launcher::{Hooks, ReloadRefused, ReportRequest, ReportWork, Scoreboard};
use oslo_log::LogHandle;
use tracing::error;

use crate::guru::Job;
use crate::watched::WatchedFile;
use crate::{configure, logging};

/// The daemon's hooks; each worker has a copy of its own from the moment it is forked.
pub struct DaemonHooks {
    /// The configuration in force. A report reads it beside us, for some milliseconds.
    conf: Arc<Mutex<Conf>>,
    /// To change the level.
    log: LogHandle,
    /// Name of the program, in front of report files.
    program: String,
    /// `[oslo_reports] file_event_handler`, in the process that was told to look at it.
    asks: Option<WatchedFile>,
}

impl Hooks for DaemonHooks {
    fn reload(&mut self) -> Result<(), ReloadRefused> {
        let mut conf = lock(&self.conf);
        match conf.mutate() {
            Ok(mutation) => {
                self.log.set_debug(conf.logging.debug);
                reload_handlers(&self.log, &conf);
                configure::log_notices(mutation.notices);
                Ok(())
            }
            Err(problems) => {
                configure::log_problems(&problems);
                error!(
                    target: "cinder.cmd.volume",
                    "The new configuration has {} errors; the old one stays in force",
                    problems.errors()
                );
                Err(ReloadRefused)
            }
        }
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
    pub fn new(conf: Conf, log: LogHandle, program: &str, supervised: bool) -> Self {
        // The parent alone looks at the file, as upstream's does.
        let asks = WatchedFile::of(&conf.reports).filter(|_| !supervised);
        Self { conf: Arc::new(Mutex::new(conf)), log, program: program.to_owned(), asks }
    }
}

/// Reads the file of `log_config_append` again if need be. A bad one changes nothing about the log,
/// and is no reason to refuse the rest of a reload.
fn reload_handlers(log: &LogHandle, conf: &Conf) {
    let path = conf.logging.log_config_append.as_ref();
    if let Err(cause) = log.reload(path.map(Path::new)) {
        error!(
            target: "cinder.cmd.volume",
            error = &cause as &(dyn std::error::Error + 'static),
            "The log goes on as it was"
        );
    }
}

/// A configuration is replaced as a whole, so a panic leaves none half-changed.
fn lock(conf: &Mutex<Conf>) -> MutexGuard<'_, Conf> {
    conf.lock().unwrap_or_else(PoisonError::into_inner)
}
