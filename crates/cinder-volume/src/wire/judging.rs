//! What is wrong with a configuration that could be read: all that a start refuses of it before it touches a database
//! or the network, and what it would do otherwise than its words say.
//!
//! `config check`, a start and a HUP all ask here, and what answers are the constructors that the start goes on with.
//! Must not: open, make or connect anything that stays.

use std::path::Path;

use cinder_conf::cinder::Conf;
use cinder_conf::{Level, Problem, Scope};
use cinder_health::Address;
use oslo_log::LogError;

use super::problem::{of_backend, problem};
use super::{backend, bus, database_url, health, log_options, messaging, notifications};
use crate::logging;
use crate::rootwrap::PrivilegedHelper;
use crate::surroundings::Surroundings;

/// What a start refuses, of the whole program and of single back ends; without the log.
pub(crate) fn refusals(conf: &Conf) -> Vec<Problem> {
    let bus = bus(conf);
    let helper = PrivilegedHelper::new(&conf.service.rootwrap_config);
    let helper =
        helper.map_err(|error| problem(conf, "DEFAULT", "rootwrap_config", format!("{error:#}")));
    let mut found: Vec<Problem> = database_url(conf).err().into_iter().map(|one| *one).collect();
    found.extend(health::checked(conf).err().map(|one| *one));
    if conf.messaging.executor_thread_pool_size < 1 {
        let text = "there has to be a thread, or nobody carries out a request".to_owned();
        found.push(*problem(conf, "DEFAULT", "executor_thread_pool_size", text));
    }
    found.extend(helper.err().map(|one| *one));
    for name in conf.backend_names() {
        found.extend(backend::refusal(conf, &name, bus.as_ref().ok()).map(|one| *one));
    }
    let notified = bus.as_ref().ok().and_then(|bus| notifications(conf, bus).err());
    found.extend(notified.map(|one| *one));
    found.extend(bus.err().into_iter().flatten());
    found
}

/// What a start refuses altogether, of this back end only if it is to run alone.
pub(crate) fn refusals_of_start(
    conf: &Conf,
    only: Option<&str>,
    surroundings: &Surroundings,
) -> Vec<Problem> {
    let is_fatal = |one: &Problem| one.level == Level::Error && one.scope == Scope::Program;
    let mut found = refusals(conf);
    found.extend(of_the_log(conf, surroundings));
    found.extend(of_the_name(conf, only));
    found.retain(is_fatal);
    found
}

/// All that there is to say, for somebody who asks.
pub(crate) fn judgement(
    conf: &Conf,
    only: Option<&str>,
    surroundings: &Surroundings,
) -> Vec<Problem> {
    let mut found = refusals(conf);
    found.extend(of_the_log(conf, surroundings));
    found.extend(of_the_name(conf, only));
    found.extend(remarks(conf));
    found
}

/// `--backend_name` has to be a back end.
fn of_the_name(conf: &Conf, only: Option<&str>) -> Option<Problem> {
    let refused = backend::enabled(conf, only).err()?;
    Some(*problem(conf, "DEFAULT", "enabled_backends", format!("{refused:#}")))
}

/// What is wrong with the options of the log, or remarkable about them.
fn of_the_log(conf: &Conf, surroundings: &Surroundings) -> Vec<Problem> {
    let mut options = log_options(conf, surroundings);
    let append = conf.logging.log_config_append.as_deref();
    let (mut errors, mut remarks) = (Vec::new(), Vec::new());
    match logging::handlers(append) {
        Ok(file) => {
            options.log_config_append = file;
            (errors, remarks) = oslo_log::check(&options);
        }
        Err(error) => errors.push(error),
    }
    let errors = errors.into_iter().map(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        let text = format!("{error}{}", cause.unwrap_or_default());
        *problem(conf, "DEFAULT", option_of(&error, conf), text)
    });
    let of_file = append.filter(|path| !path.is_empty());
    let remarks = remarks.into_iter().map(|remark| {
        // A remark on an option begins with its name.
        let known =
            remark.split_once(": ").filter(|(name, _)| conf.place("DEFAULT", name).is_some());
        let (option, text) = match (known, of_file) {
            (Some((option, text)), _) => (option, text),
            (None, Some(_)) => ("log_config_append", remark.as_str()),
            (None, None) => ("use_syslog", remark.as_str()),
        };
        Problem { level: Level::Warning, ..*problem(conf, "DEFAULT", option, text) }
    });
    errors.chain(remarks).collect()
}

/// The option that an error of the log is about.
fn option_of(error: &LogError, conf: &Conf) -> &'static str {
    match error {
        LogError::Config { .. } => "log_config_append",
        LogError::UnknownLevel { .. } => "default_log_levels",
        LogError::UnknownFacility { .. } => "syslog_log_facility",
        LogError::Journal { .. } => "use_journal",
        LogError::BadValue { option, .. } | LogError::Platform { option } => option,
        LogError::Open { .. } if conf.logging.log_file.is_none() => "log_dir",
        _ => "log_file",
    }
}

/// What works, and otherwise than its words say.
fn remarks(conf: &Conf) -> Vec<Problem> {
    let mut found = messaging::warnings(conf);
    let told = bus(conf).ok().and_then(|bus| notifications(conf, &bus).ok());
    found.extend(told.into_iter().flat_map(|(_, in_vain)| in_vain));
    if let Some(corrected) = super::corrected_down_time(conf) {
        let (down, report) = (conf.service.service_down_time, conf.service.report_interval);
        let is_set = conf.place("DEFAULT", "service_down_time").is_some();
        let option = if is_set { "service_down_time" } else { "report_interval" };
        let text = format!(
            "service_down_time ({down}) is not above report_interval ({report}), so that healthy services would count \
             as down; a start takes {corrected} for it"
        );
        found.push(Problem { level: Level::Warning, ..*problem(conf, "DEFAULT", option, text) });
    }
    found.extend(missing_directories(conf));
    for name in conf.backend_names() {
        let texts = backend::remarks_on_driver(conf, &name);
        let warning = |text| Problem {
            level: Level::Warning,
            ..*of_backend(conf, &name, "volume_driver", text)
        };
        found.extend(texts.into_iter().map(warning));
    }
    found
}

/// Directories that nobody makes at a start, without which it goes on and does not get far.
fn missing_directories(conf: &Conf) -> Vec<Problem> {
    let warning = |group: &str, option: &str, path: &Path, what: &str| Problem {
        level: Level::Warning,
        ..*problem(conf, group, option, format!("{} is no directory: {what}", path.display()))
    };
    let state_path = Path::new(&conf.service.state_path);
    let of_database =
        database_url(conf).ok().and_then(|url| Some(url.file()?.parent()?.to_owned()));
    let is_state_path =
        |path: &Path| std::path::absolute(state_path).is_ok_and(|state| state == path);
    let mut found = Vec::new();
    // The embedded database makes `state_path` if it is to be there.
    if !state_path.is_dir() && !of_database.as_deref().is_some_and(is_state_path) {
        let what = "there are no locks, no local bus and no volumes in it until somebody makes it";
        found.push(warning("DEFAULT", "state_path", state_path, what));
    }
    if let Some(path) = of_database.filter(|path| !path.is_dir() && !is_state_path(path)) {
        found.push(warning("database", "connection", &path, "no database can be made there"));
    }
    let of_health = match health::checked(conf) {
        Ok(Some((Address::Unix(path), _))) => path.parent().map(Path::to_owned),
        _ => None,
    };
    if let Some(path) = of_health.filter(|path| !path.is_dir()) {
        found.push(warning("health", "bind", &path, "nobody can reach the health server"));
    }
    let of_reports = conf.reports.log_dir.as_deref().map(Path::new);
    if let Some(path) = of_reports.filter(|path| !path.is_dir()) {
        found.push(warning("oslo_reports", "log_dir", path, "no report can be written there"));
    }
    found
}
