//! What this process logs, asked for and changed over the bus: `get_log_levels`, `set_log_levels`.
//!
//! It concerns a process and not its back end, so it needs no driver. Must not: know how a level is followed.

use cinder_manager::Failure;
use cinder_objects::{Answer as _, LogLevel, LogLevelList, Method, Pin, Request};
use serde_json::Value;
use tracing::{Level, info};

use crate::logging;

/// Carries out either of the two.
///
/// # Errors
///
/// `InvalidInput` for what is no level, or whatever is wrong with the arguments.
pub(super) fn carry_out(method: Method, arguments: &str) -> Result<Value, Failure> {
    match Request::read(method, arguments)? {
        Request::SetLogLevels(wanted) => set(&wanted.log_request).map(|()| Value::Null),
        Request::GetLogLevels(asked) => Ok(get(&asked.log_request).encode(Pin::CURRENT)),
        other => Err(Failure::not_here(other.method().name())),
    }
}

/// # Errors
///
/// `InvalidInput` for what is no level.
fn set(wanted: &LogLevel) -> Result<(), Failure> {
    let prefix = wanted.prefix.as_deref().unwrap_or_default();
    let level = level(wanted.level.as_deref().unwrap_or_default())?;
    let shown = shown(prefix);
    // Before it holds: afterwards nobody may see it.
    info!(target: "cinder.rpc", "Loggers whose names begin with {shown:?} have the level {level} from now on");
    logging::set_level(prefix, level);
    Ok(())
}

/// The original's four levels, in capitals or not.
fn level(text: &str) -> Result<Level, Failure> {
    match text.to_uppercase().as_str() {
        "DEBUG" => Ok(Level::DEBUG),
        "INFO" => Ok(Level::INFO),
        "WARNING" => Ok(Level::WARN),
        "ERROR" => Ok(Level::ERROR),
        _ => {
            let reason = format!("{} is not a valid log level.", shown(text));
            let failure = Failure::new("InvalidInput", format!("Invalid input received: {reason}"));
            Err(failure.with("reason", reason))
        }
    }
}

/// A sender may write anything of any length.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

fn get(asked: &LogLevel) -> LogLevelList {
    let prefix = asked.prefix.as_deref().unwrap_or_default();
    let one = |(name, level): (String, String)| LogLevel {
        prefix: name.into(),
        level: level.into(),
        ..LogLevel::default()
    };
    let objects: Vec<_> = logging::levels(prefix).into_iter().map(one).collect();
    LogLevelList { objects: objects.into(), ..LogLevelList::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_level_is_refused_with_the_originals_exception_and_words() {
        for (text, shown) in [("", ""), ("TRACE", "TRACE"), ("WARN", "WARN"), ("10", "10")] {
            let failure = level(text).unwrap_err();
            let reason = format!("{shown} is not a valid log level.");
            assert!(failure.is("InvalidInput"), "{failure:?}");
            assert_eq!(failure.message, format!("Invalid input received: {reason}"));
            assert_eq!(failure.kwargs["reason"], reason);
        }
        assert_eq!(level("Warning").unwrap(), Level::WARN);
        assert!(level(&"x".repeat(1 << 20)).unwrap_err().message.len() < 200);
        assert_eq!(shown(&"ü".repeat(1 << 20)).chars().count(), 100);
    }
}
