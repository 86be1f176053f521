//! The part of a running subscriber that the program can steer and ask.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing::level_filters::LevelFilter;
use tracing_log::log;

use crate::layer::Core;

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
        if self.core.levels.debug() == debug {
            return false;
        }
        self.core.levels.set_debug(debug);
        tracing::callsite::rebuild_interest_cache();
        if log::max_level() != log::LevelFilter::Off {
            log::set_max_level(self.log_filter());
        }
        true
    }

    /// Whether the root level is DEBUG.
    #[must_use]
    pub fn debug(&self) -> bool {
        self.core.levels.debug()
    }

    /// The level to give to [`log::set_max_level`] when the `log` crate's records are captured.
    #[must_use]
    pub fn log_filter(&self) -> log::LevelFilter {
        match self.core.levels.most_verbose() {
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

    /// Logs one WARNING for each option that is set but has no effect yet.
    pub fn warn_unsupported(&self) {
        for option in &self.core.unsupported {
            tracing::warn!(
                target: "oslo_log",
                "Option {option} is set but not supported yet: it has no effect.",
            );
        }
    }

    /// The descriptors that lines go to; a forked child must keep them open.
    ///
    /// With `watch_log_file` the number may change when the file is reopened.
    #[cfg(unix)]
    #[must_use]
    pub fn descriptors(&self) -> Vec<std::os::fd::RawFd> {
        self.core.sinks.iter().map(crate::sink::Sink::descriptor).collect()
    }
}
