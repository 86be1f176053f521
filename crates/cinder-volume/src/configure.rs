//! From surroundings and command line to a checked configuration, before any side effect.

use std::io::Write as _;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use cinder_conf::cinder::{self, Conf};
use cinder_conf::{LOGGER, Level, Notice, NoticeLevel, Problem, Request};
use tracing::{error, info, warn};

use crate::cli::CommandLine;
use crate::exit::{self, Failure};
use crate::surroundings::Surroundings;

/// The configuration in force, which a HUP changes for everybody who looks at it.
pub(crate) type SharedConf = Arc<RwLock<Conf>>;

/// It as it is now. It is replaced as a whole, so a panic leaves none half-changed.
pub(crate) fn in_force(conf: &SharedConf) -> RwLockReadGuard<'_, Conf> {
    conf.read().unwrap_or_else(PoisonError::into_inner)
}

/// The request that leads to this process's configuration.
pub(crate) fn request(surroundings: &Surroundings, line: &CommandLine) -> Request {
    Request {
        home: surroundings.variable("HOME").map(Into::into),
        environment: surroundings.environment.clone(),
        arguments: surroundings.arguments.clone(),
        items: line.items.clone(),
        host_name: surroundings.host_name.clone(),
        ..Request::new("cinder", &surroundings.name, &surroundings.directory)
    }
}

/// Reads and checks the configuration.
///
/// # Errors
///
/// One line per problem, for standard error: logging is not set up yet.
pub(crate) fn load(surroundings: &Surroundings, line: &CommandLine) -> Result<Conf, Failure> {
    cinder::load(request(surroundings, line)).map_err(|problems| {
        let lines = problems.to_string();
        let lines = lines.lines().map(|line| format!("{}: {line}", surroundings.name));
        Failure::Lines(lines.collect(), exit::FAILURE)
    })
}

/// Ends a start for which something cannot be used.
///
/// # Errors
///
/// One line per problem, if there are any.
pub(crate) fn refuse(surroundings: &Surroundings, found: &[Problem]) -> Result<(), Failure> {
    if found.is_empty() {
        return Ok(());
    }
    let lines = found.iter().map(|problem| format!("{}: {problem}", surroundings.name));
    Err(Failure::Lines(lines.collect(), exit::FAILURE))
}

/// As [`load`], for a command that has no log: says what may be missing from the configuration.
///
/// # Errors
///
/// As there.
pub(crate) fn load_for_command(
    surroundings: &Surroundings,
    line: &CommandLine,
) -> Result<Conf, Failure> {
    let conf = load(surroundings, line)?;
    for unseen in conf.oslo().unseen() {
        // With standard error closed there is nobody to tell.
        let _ = writeln!(
            std::io::stderr(),
            "{}: warning {unseen} could not be read; what may stand there does not count",
            surroundings.name
        );
    }
    Ok(conf)
}

/// Logs what was found while reading, once there is a log.
pub(crate) fn log_findings(conf: &Conf) {
    log_notices(conf.take_notices());
    // The errors are those of single back ends, and are told where these fail to start.
    log_problems(conf.problems().iter().filter(|problem| problem.level == Level::Warning));
    for (_, remark) in conf.problems().remarks().filter(|(level, _)| *level == Level::Warning) {
        warn!(target: LOGGER, "{remark}");
    }
}

/// Logs records that reading has caused, as upstream's configuration library does.
pub(crate) fn log_notices(notices: Vec<Notice>) {
    for Notice { level, text } in notices {
        match level {
            NoticeLevel::Info => info!(target: LOGGER, "{text}"),
            NoticeLevel::Warning => warn!(target: LOGGER, "{text}"),
            NoticeLevel::Error => error!(target: LOGGER, "{text}"),
        }
    }
}

/// Logs problems, one line each.
pub(crate) fn log_problems<'p>(problems: impl IntoIterator<Item = &'p Problem>) {
    for problem in problems {
        match problem.level {
            Level::Error => error!(target: LOGGER, "{}", problem.statement()),
            Level::Warning => warn!(target: LOGGER, "{}", problem.statement()),
            Level::Note => info!(target: LOGGER, "{}", problem.statement()),
        }
    }
}
