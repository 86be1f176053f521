//! The only place that knows both the configuration and the options of the other crates.
//!
//! One file per crate or part that is served: [`log`], [`database`], [`launcher`], [`health`],
//! [`backend`]; [`judging`] says what of it cannot be used. Options are read from typed sections only, never by the text of their name.

mod backend;
mod database;
mod driver;
mod health;
mod judging;
mod launcher;
mod log;
mod messaging;
mod notifications;
mod problem;

use std::time::Duration;

use anyhow::anyhow;
use cinder_conf::cinder::Conf;
use cinder_conf::options::process::Launcher as Choice;
use cinder_conf::{LOGGER, Problem};
use tracing::warn;

pub(crate) use self::backend::{host_of, hosts, place_of_volumes, services};
pub(crate) use self::database::{database_options, database_url};
pub(crate) use self::health::health_address;
pub(crate) use self::judging::{judgement, refusals, refusals_of_start};
pub(crate) use self::log::log_options;
pub(crate) use self::messaging::{bus, moved};
use self::notifications::notifications;
use crate::configure::{SharedConf, in_force};
use crate::startup::{Method, Settings};
use crate::surroundings::Surroundings;

/// Everything that start-up needs.
///
/// # Errors
///
/// When a global option cannot be used, or `only` names no enabled back end.
pub(crate) fn settings(
    shared: &SharedConf,
    only: Option<&str>,
    surroundings: &Surroundings,
) -> anyhow::Result<Settings> {
    let conf = &*in_force(shared);
    let names = backend::enabled(conf, only)?;
    let method = match (only, conf.supervisor.launcher) {
        (Some(_), _) => Method::InProcess,
        (None, Choice::Fork) => Method::Fork,
        (None, Choice::Spawn) => Method::Spawn,
    };
    let health = health::plan(conf, &method)?;
    let database = database_options(conf)?;
    let bus = bus(conf).map_err(|problems| refused(&problems))?;
    for warning in messaging::warnings(conf) {
        warn!(target: LOGGER, "{}", warning.statement());
    }
    let (notifications, in_vain) =
        notifications(conf, &bus).map_err(|problem| anyhow!("{}", problem.statement()))?;
    for problem in in_vain {
        warn!(target: "oslo_messaging.notify", "{}", problem.statement());
    }
    database::tell_harmless(&database.url);
    let capacity = names.len() + usize::from(health.is_some());
    let candidates: Vec<_> = names
        .iter()
        .map(|name| backend::candidate(shared, conf, name, &database, &bus, notifications.as_ref()))
        .collect();
    Ok(Settings {
        launcher: launcher::options(conf, capacity, &candidates, surroundings),
        state_path: conf.service.state_path.clone().into(),
        candidates,
        database,
        method,
        show_progress: logs_elsewhere(conf, surroundings),
        health,
        hosts: bus.hosts,
    })
}

/// All of it as one error.
pub(crate) fn refused(problems: &[Problem]) -> anyhow::Error {
    let statements: Vec<_> = problems.iter().map(Problem::statement).collect();
    anyhow!("{}", statements.join("; "))
}

/// Whether the log leaves the terminal alone. Where it does not, its lines tell how far a start is,
/// and must not be written into.
fn logs_elsewhere(conf: &Conf, surroundings: &Surroundings) -> bool {
    let logging = &conf.logging;
    let to_file = logging.log_file.is_some() || logging.log_dir.is_some();
    !logging.use_stderr && (to_file || !surroundings.stdout_is_terminal)
}

/// How long a service may be silent before `status` calls it down.
pub(crate) fn service_down_time(conf: &Conf) -> Duration {
    seconds(conf.service.service_down_time)
}

/// What a start takes for `service_down_time`, where others would take a service for dead between two of its beats
/// (`spec/startup.md` §3.5).
fn corrected_down_time(conf: &Conf) -> Option<i64> {
    let (down, report) = (conf.service.service_down_time, conf.service.report_interval);
    // Two and a half times as long, which saturates last.
    (report != 0 && down <= report).then(|| report.saturating_mul(2).saturating_add(report / 2))
}

/// Takes that instead, and says so.
pub(crate) fn correct_intervals(conf: &mut Conf) {
    let Some(corrected) = corrected_down_time(conf) else { return };
    let (down, report) = (conf.service.service_down_time, conf.service.report_interval);
    warn!(
        target: "cinder.service",
        "Report interval must be less than service down time. Current config service_down_time: \
         {down}, report_interval for this: service is: {report}. Setting global \
         service_down_time to: {corrected}"
    );
    conf.correct_service_down_time(corrected);
}

/// Longer than any service runs, and short enough to be added to any time there is: an `Instant` overflows.
const FOR_EVER: u64 = u32::MAX as u64;

/// Seconds from a file; a negative number means none.
fn seconds(value: i64) -> Duration {
    Duration::from_secs(u64::try_from(value).unwrap_or(0).min(FOR_EVER))
}

#[cfg(test)]
mod tests;
