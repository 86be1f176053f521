//! Installs logging for this process: subscriber, records of other libraries, panics; and sees to
//! it that lines which wait for a slow reader are offered again.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use cinder_conf::{TextFile, read_text};
use oslo_log::{
    HandlersFile, LogError, LogHandle, LogOptions, LogTracer, log, panic_hook, subscriber,
};

/// How long the end of a process waits for the reader of its last lines.
const LAST_PATIENCE: Duration = Duration::from_millis(200);

/// The log of this process, once it is installed. Forked workers have a copy.
static INSTALLED: OnceLock<LogHandle> = OnceLock::new();

/// Largest file of `log_config_append`; real ones have a few KiB.
const LARGEST_HANDLERS: u64 = 256 << 10;

/// Reads the file of `log_config_append`, if there is to be one. Not to be called where a file
/// system that does not answer must not be waited for.
///
/// # Errors
///
/// [`LogError::Config`] when it is no file that can be read.
pub(crate) fn handlers(path: Option<&str>) -> Result<Option<HandlersFile>, LogError> {
    let Some(path) = path.filter(|path| !path.is_empty()) else { return Ok(None) };
    let path = PathBuf::from(path);
    match read_text(&path, LARGEST_HANDLERS) {
        Ok(TextFile { text, modified }) => {
            Ok(Some(HandlersFile { path, text: text.into(), modified }))
        }
        Err(cause) => Err(LogError::Config { path, reason: cause.reason() }),
    }
}

/// Installs everything that is global about logging; at most once per process.
///
/// # Errors
///
/// When a level or format is not valid or the log file cannot be opened.
pub(crate) fn install(options: &LogOptions) -> anyhow::Result<LogHandle> {
    let (subscriber, handle) = subscriber(options).context("cannot set up logging")?;
    tracing::subscriber::set_global_default(subscriber).context("logging is set up already")?;
    log::set_boxed_logger(Box::new(LogTracer::new())).context("logging is set up already")?;
    log::set_max_level(handle.log_filter());
    std::panic::set_hook(Box::new(panic_hook("cinder")));
    handle.warn_unsupported();
    Ok(INSTALLED.get_or_init(|| handle).clone())
}

/// Offers lines that wait to their reader; if some still wait, says after what time to do so
/// again. Never blocks.
pub(crate) fn flush() -> Option<Duration> {
    INSTALLED.get().and_then(LogHandle::flush)
}

/// Lines of this process that were lost so far; a forked worker begins with its parent's number.
pub(crate) fn dropped_lines() -> u64 {
    INSTALLED.get().map_or(0, LogHandle::dropped_lines)
}

/// Gives the reader of the last lines a last chance; for the end of a process.
pub(crate) fn finish() {
    if let Some(log) = INSTALLED.get() {
        log.flush_within(LAST_PATIENCE);
    }
}
