//! Installs logging for this process: subscriber, records of other libraries, panics.

use anyhow::Context;
use oslo_log::{LogHandle, LogOptions, LogTracer, log, panic_hook, subscriber};

/// Installs everything that is global about logging; at most once per process.
///
/// # Errors
///
/// When a level or format is not valid or the log file cannot be opened.
pub fn install(options: &LogOptions) -> anyhow::Result<LogHandle> {
    let (subscriber, handle) = subscriber(options).context("cannot set up logging")?;
    tracing::subscriber::set_global_default(subscriber).context("logging is set up already")?;
    log::set_boxed_logger(Box::new(LogTracer::new())).context("logging is set up already")?;
    log::set_max_level(handle.log_filter());
    std::panic::set_hook(Box::new(panic_hook("cinder")));
    handle.warn_unsupported();
    Ok(handle)
}
