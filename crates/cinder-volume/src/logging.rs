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

/// The loggers of this program, for those who ask what there is to be changed.
const LOGGERS: [&str; 21] = [
    "cinder.cmd.volume",
    "cinder.db",
    "cinder.db.api",
    "cinder.health",
    "cinder.rpc",
    "cinder.service",
    "cinder.volume.drivers.local",
    "cinder.volume.manager",
    "oslo.messaging.notification",
    "oslo_config.cfg",
    "oslo_db.sqlalchemy.engines",
    "oslo_log",
    "oslo_log.panic",
    "oslo_messaging.client",
    "oslo_messaging.connection",
    "oslo_messaging.local",
    "oslo_messaging.notify",
    "oslo_messaging.reception",
    "oslo_messaging.server",
    "oslo_service.backend._eventlet.service",
    "oslo_service.systemd",
];

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
    handle.know(&LOGGERS);
    handle.warn_unsupported();
    Ok(INSTALLED.get_or_init(|| handle).clone())
}

/// Offers lines that wait to their reader; if some still wait, says after what time to do so
/// again. Never blocks.
pub(crate) fn flush() -> Option<Duration> {
    INSTALLED.get().and_then(LogHandle::flush)
}

/// Changes what this process logs; see [`LogHandle::set_level`].
pub(crate) fn set_level(prefix: &str, level: tracing::Level) {
    if let Some(log) = INSTALLED.get() {
        log.set_level(prefix, level);
    }
}

/// Has what is logged at ERROR told to others; see [`LogHandle::publish_errors`].
pub(crate) fn publish_errors(told: impl Fn(&str, &str) + Send + Sync + 'static) {
    if let Some(log) = INSTALLED.get() {
        log.publish_errors(told);
    }
}

/// What this process logs; see [`LogHandle::levels`].
pub(crate) fn levels(prefix: &str) -> Vec<(String, String)> {
    INSTALLED.get().map(|log| log.levels(prefix)).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::LOGGERS;

    /// What stands behind `target:` and in the constants that do.
    fn loggers_of(directory: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                loggers_of(&path, found);
            } else if path.extension().is_some_and(|one| one == "rs")
                && !["tests.rs", "samples.rs"].contains(&&*name)
            {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap_or_default();
                let literals = text.split("target: \"").skip(1);
                let constants = ["LOG", "TARGET", "LOGGER", "LOGGER_NAME"].map(|name| {
                    text.split(&format!("const {name}: &str = \"")).skip(1).collect::<Vec<_>>()
                });
                for rest in literals.chain(constants.into_iter().flatten()) {
                    found.extend(rest.split('"').next().map(|name| name.replace("::", ".")));
                }
            }
        }
    }

    #[test]
    fn every_logger_of_our_crates_can_be_asked_for() {
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap() {
            loggers_of(&entry.unwrap().path().join("src"), &mut found);
        }
        found.retain(|name| name.starts_with("cinder") || name.starts_with("oslo"));
        assert_eq!(found, LOGGERS.iter().map(|name| (*name).to_owned()).collect());
    }
}
