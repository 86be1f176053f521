//! The part of a running subscriber that the program can steer and ask.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::level_filters::LevelFilter;
use tracing_log::log;

use crate::layer::Core;
use crate::level::{Level, name_of_level};
use crate::plan::Plan;
use crate::{HandlersFile, LogError, LogOptions};

/// Handle to a subscriber made by [`crate::subscriber`] or [`crate::OsloLayer::new`].
#[derive(Debug, Clone)]
pub struct LogHandle {
    core: Arc<Core>,
}

impl LogHandle {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Moves the root level to DEBUG or back to INFO; true if that was a change.
    ///
    /// Every callsite is asked again, and the maximum level of the `log` crate follows if a
    /// logger is installed there.
    pub fn set_debug(&self, debug: bool) -> bool {
        {
            let mut options = self.options();
            if options.debug == debug {
                return false;
            }
            options.debug = debug;
        }
        self.core.plan().levels.set_debug(debug);
        self.refresh();
        true
    }

    /// Gives every logger whose name begins with `prefix` this level, also those that have not been
    /// heard of yet; an empty one stands for all. It goes before every other level, until a later call or
    /// [`reload`](Self::reload) replaces it.
    pub fn set_level(&self, prefix: &str, level: tracing::Level) {
        self.core.plan().levels.set(prefix, Level::of(level, false).number());
        self.refresh();
    }

    /// Has each record from ERROR up told to somebody else, too: its logger and its message, on the thread that logs,
    /// which must not be kept waiting. What is logged meanwhile comes back as a record of its own, so `told` must
    /// not answer every one of its own with another. Once per subscriber.
    pub fn publish_errors(&self, told: impl Fn(&str, &str) + Send + Sync + 'static) {
        self.core.publish_errors(Box::new(told));
    }

    /// Names loggers that the program has: what one says below all levels nobody hears of, so that
    /// [`levels`](Self::levels) would not know it.
    pub fn know(&self, targets: &[&str]) {
        self.core.known.add_names(targets);
    }

    /// The loggers whose names begin with `prefix`, of those that are known, and what Python calls the level from which
    /// each lets records through.
    #[must_use]
    pub fn levels(&self, prefix: &str) -> Vec<(String, String)> {
        let names = self.core.known.below(prefix);
        let plan = self.core.plan();
        let with_level = |name: String| {
            let level = name_of_level(plan.levels.threshold(&name));
            (name, level)
        };
        names.into_iter().map(with_level).collect()
    }

    /// Takes over the file of `log_config_append` if it is another one or was changed since; with
    /// none, goes back to what the other options ask for. True if something was set up anew: then
    /// lines that waited for a slow reader were offered once more and are given up, uncounted.
    ///
    /// # Errors
    ///
    /// As for [`crate::subscriber`]; then everything stays as it was.
    pub fn reload(&self, log_config_append: Option<HandlersFile>) -> Result<bool, LogError> {
        let Some(wanted) = self.other_options(log_config_append) else { return Ok(false) };
        self.core.replace(Plan::new(&wanted)?);
        *self.options() = wanted;
        self.refresh();
        self.remark();
        Ok(true)
    }

    /// Does all that [`reload`](Self::reload) would, and forgets it: for a process that only looks
    /// whether it can be done.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_reload(&self, log_config_append: Option<HandlersFile>) -> Result<(), LogError> {
        self.other_options(log_config_append).map_or(Ok(()), |wanted| Plan::new(&wanted).map(drop))
    }

    /// The options with this file, unless they are those in force.
    fn other_options(&self, log_config_append: Option<HandlersFile>) -> Option<LogOptions> {
        let options = self.options();
        let changed = options.log_config_append != log_config_append;
        changed.then(|| LogOptions { log_config_append, ..options.clone() })
    }

    fn options(&self) -> MutexGuard<'_, LogOptions> {
        self.core.options.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks every callsite again.
    fn refresh(&self) {
        tracing::callsite::rebuild_interest_cache();
        if log::max_level() != log::LevelFilter::Off {
            log::set_max_level(self.log_filter());
        }
    }

    /// Whether the root level is DEBUG.
    #[must_use]
    pub fn debug(&self) -> bool {
        self.options().debug
    }

    /// The level to give to [`log::set_max_level`] when the `log` crate's records are captured.
    #[must_use]
    pub fn log_filter(&self) -> log::LevelFilter {
        match self.core.plan().levels.most_verbose() {
            LevelFilter::TRACE => log::LevelFilter::Trace,
            LevelFilter::DEBUG => log::LevelFilter::Debug,
            LevelFilter::INFO => log::LevelFilter::Info,
            LevelFilter::WARN => log::LevelFilter::Warn,
            _ => log::LevelFilter::Error,
        }
    }

    /// Writes lines that wait for a slow reader, as far as there is room.
    ///
    /// If some still wait, the answer is the time after which to try again: 100 ms while the
    /// reader takes something, up to 5 s when it does not. Every line that is logged tries, too;
    /// this is for a process that has nothing to say. Never blocks.
    pub fn flush(&self) -> Option<Duration> {
        self.core.flush(None)
    }

    /// As [`flush`](Self::flush), waiting at most `patience` for readers: for the end of a process.
    ///
    /// False if lines still wait, which are lost when the process ends now.
    pub fn flush_within(&self, patience: Duration) -> bool {
        self.core.flush(Some(Instant::now() + patience)).is_none()
    }

    /// Lines of this process lost so far because a destination was full, closed or broken.
    ///
    /// A line that reaches one of two destinations counts once. Lines that wait do not count.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.core.dropped.load(Ordering::Relaxed)
    }

    /// Logs one WARNING for whatever the options ask for in vain. To be called when the subscriber is installed.
    pub fn warn_unsupported(&self) {
        self.remark();
    }

    fn remark(&self) {
        let remarks = self.core.plan().remarks.clone();
        for remark in remarks {
            tracing::warn!(target: "oslo_log", "{remark}");
        }
    }

    /// The descriptors that lines go to; a forked child must keep them open.
    ///
    /// With `watch_log_file` the number may change when the file is reopened.
    #[must_use]
    pub fn descriptors(&self) -> Vec<std::os::fd::RawFd> {
        let plan = self.core.plan();
        plan.handlers.iter().filter_map(|handler| handler.sink.descriptor()).collect()
    }
}
