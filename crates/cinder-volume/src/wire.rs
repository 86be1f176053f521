//! The only place that knows both the configuration and the options of the other crates.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use cinder_conf::cinder::Conf;
use cinder_conf::options::process::Launcher as Choice;
use cinder_conf::{Level, Problem, Scope, Value};
use cinder_db::{DatabaseOptions, DatabaseUrl, Registration};
use cinder_health::Address;
use cinder_types::{ClusterName, ServiceHost, UPSTREAM_VERSION};
use oslo_launcher::{LauncherOptions, Limits, Notifier, RestartMethod};
use oslo_log::LogOptions;
use tracing::{debug, error, info, warn};

use crate::health::HealthPlan;
use crate::startup::{Backend, Candidate, Method, Settings};
use crate::surroundings::Surroundings;
use crate::tally;

/// The options of `oslo-log`, without the file of `log_config_append`, which is not read here.
pub fn log_options(conf: &Conf, surroundings: &Surroundings) -> LogOptions {
    let logging = &conf.logging;
    let path = |option: &Option<String>| option.as_ref().map(Into::into);
    LogOptions {
        debug: logging.debug,
        log_file: path(&logging.log_file),
        log_dir: path(&logging.log_dir),
        program: surroundings.name.clone(),
        use_stderr: logging.use_stderr,
        use_syslog: logging.use_syslog,
        use_journal: logging.use_journal,
        syslog_log_facility: logging.syslog_log_facility.clone(),
        use_json: logging.use_json,
        log_color: logging.log_color,
        // No option: without rotation the original always does.
        watch_log_file: true,
        log_rotation_type: logging.log_rotation_type.clone(),
        log_rotate_interval: logging.log_rotate_interval,
        log_rotate_interval_type: logging.log_rotate_interval_type.clone(),
        max_logfile_count: logging.max_logfile_count,
        max_logfile_size_mb: logging.max_logfile_size_mb,
        rate_limit_interval: logging.rate_limit_interval,
        rate_limit_burst: logging.rate_limit_burst,
        rate_limit_except_level: logging.rate_limit_except_level.clone(),
        default_log_levels: logging.default_log_levels.clone(),
        log_date_format: logging.log_date_format.clone(),
        logging_context_format_string: logging.logging_context_format_string.clone(),
        logging_default_format_string: logging.logging_default_format_string.clone(),
        logging_debug_format_suffix: logging.logging_debug_format_suffix.clone(),
        logging_exception_prefix: logging.logging_exception_prefix.clone(),
        logging_user_identity_format: logging.logging_user_identity_format.clone(),
        instance_format: logging.instance_format.clone(),
        instance_uuid_format: logging.instance_uuid_format.clone(),
        project: "cinder".into(),
        version: UPSTREAM_VERSION.into(),
        host_name: Some(surroundings.host_name.clone()),
        unsupported: ["publish_errors"]
            .into_iter()
            .filter(|_| logging.publish_errors)
            .map(str::to_owned)
            .collect(),
        ..LogOptions::default()
    }
}

/// The options of `cinder-db`.
///
/// # Errors
///
/// When the URL names no database that this program can use, with the place where it stands; the
/// password is never shown.
pub fn database_options(conf: &Conf) -> anyhow::Result<DatabaseOptions> {
    let database = &conf.database;
    let url = database_url(conf).map_err(|problem| anyhow!("{}", problem.statement()))?;
    let defaults = DatabaseOptions::new(url);
    Ok(DatabaseOptions {
        max_retries: database.max_retries,
        retry_interval: seconds(database.retry_interval),
        max_pool_size: u32::try_from(database.max_pool_size).unwrap_or(0),
        max_overflow: u32::try_from(database.max_overflow).unwrap_or(0),
        pool_timeout: database.pool_timeout.map_or(defaults.pool_timeout, seconds),
        connection_recycle_time: seconds(database.connection_recycle_time),
        sqlite_synchronous: database.sqlite_synchronous,
        // As its help text has it: no value keeps the server's mode.
        mysql_sql_mode: Some(database.mysql_sql_mode.clone()).filter(|mode| !mode.is_empty()),
        mysql_wsrep_sync_wait: database.mysql_wsrep_sync_wait,
        statement_cache: conf.database_client.statement_cache,
        ..defaults
    })
}

/// The URL of `[database]`, as `config check` and a start both read it.
///
/// # Errors
///
/// What is wrong with it and where.
pub fn database_url(conf: &Conf) -> Result<DatabaseUrl, Box<Problem>> {
    let database = &conf.database;
    let url = database.connection.reveal();
    DatabaseUrl::with_parameters(url, &database.connection_parameters).map_err(|error| {
        let alone = DatabaseUrl::parse(url);
        let option = if alone.is_ok() { "connection_parameters" } else { "connection" };
        let place = conf.oslo().read("database", option);
        Box::new(Problem {
            level: Level::Error,
            scope: Scope::Program,
            origin: place.ok().map(|found| found.origin),
            group: Some("database".to_owned()),
            option: Some(option.to_owned()),
            text: format!("cannot be used: {error}"),
            hint: None,
        })
    })
}

/// Tells which parameters of the URL were passed over, once.
fn tell_harmless(url: &DatabaseUrl) {
    let names = url.harmless();
    if !names.is_empty() {
        info!(
            target: "cinder.db",
            "[database] connection: {} has no effect here and needs none", names.join(", ")
        );
    }
}

/// Everything that start-up needs.
///
/// # Errors
///
/// When a global option cannot be used, or `only` names no enabled back end.
pub fn settings(
    conf: &mut Conf,
    only: Option<&str>,
    surroundings: &Surroundings,
) -> anyhow::Result<Settings> {
    correct_intervals(conf);
    let names = enabled(conf, only)?;
    let mut method = match conf.supervisor.launcher {
        Choice::Fork if cfg!(unix) => Method::Fork,
        _ => Method::Spawn,
    };
    if only.is_some() {
        method = Method::InProcess;
    }
    let health = health_plan(conf, &method)?;
    let database = database_options(conf)?;
    tell_harmless(&database.url);
    Ok(Settings {
        database,
        launcher: LauncherOptions {
            limits: limits(conf),
            capacity: names.len() + usize::from(health.is_some()),
            own_words: tally::WORDS,
            notifier: notifier(surroundings),
            worker_watchdog: Some(seconds(conf.supervisor.worker_watchdog))
                .filter(|limit| !limit.is_zero()),
            noun: "back ends",
            ..LauncherOptions::default()
        },
        state_path: conf.service.state_path.clone().into(),
        report_interval: seconds(conf.service.report_interval),
        candidates: names.iter().map(|name| candidate(conf, name)).collect(),
        method,
        show_progress: logs_elsewhere(conf, surroundings),
        health,
    })
}

/// Whether the log leaves the terminal alone. Where it does not, its lines tell how far a start is,
/// and must not be written into.
fn logs_elsewhere(conf: &Conf, surroundings: &Surroundings) -> bool {
    let logging = &conf.logging;
    let to_file = logging.log_file.is_some() || logging.log_dir.is_some();
    !logging.use_stderr && (to_file || !surroundings.stdout_is_terminal)
}

/// Where the health server of this configuration listens, if it has one.
///
/// # Errors
///
/// When `[health] bind` names no place.
pub fn health_address(conf: &Conf) -> anyhow::Result<Option<Address>> {
    let bind = conf.health.bind.as_deref().map(str::parse);
    bind.transpose().context("[health] bind")
}

/// What the health server needs; it reads the memory that forked workers share.
fn health_plan(conf: &Conf, method: &Method) -> anyhow::Result<Option<HealthPlan>> {
    let Some(address) = health_address(conf)? else { return Ok(None) };
    if *method != Method::Fork {
        warn!(
            target: "cinder.cmd.volume",
            "[health] bind has no effect without forked workers: no health server is started"
        );
        return Ok(None);
    }
    let mode = &conf.health.socket_mode;
    let silence = seconds(conf.service.service_down_time);
    Ok(Some(HealthPlan {
        address,
        socket_mode: u32::from_str_radix(mode, 8).context("[health] socket_mode")?,
        host: conf.service.host.clone(),
        // Without heartbeats nobody can be silent.
        longest_silence: (conf.service.report_interval > 0).then_some(silence),
    }))
}

/// The names of the enabled back ends, or `only` that one.
fn enabled(conf: &Conf, only: Option<&str>) -> anyhow::Result<Vec<String>> {
    let names = conf.backend_names();
    match only {
        None => Ok(names),
        Some(only) if names.iter().any(|name| name == only) => Ok(vec![only.to_owned()]),
        Some(only) => {
            bail!("--backend_name {only}: not one of enabled_backends ({})", names.join(", "))
        }
    }
}

/// The services that the daemon registers with this configuration, as in their rows.
///
/// # Errors
///
/// When no back end is enabled, or `only` is none of them.
pub fn hosts(conf: &Conf, only: Option<&str>) -> anyhow::Result<Vec<String>> {
    let names = enabled(conf, only)?;
    if names.is_empty() {
        bail!("no back end is enabled");
    }
    Ok(names.iter().map(|name| candidate(conf, name).host).collect())
}

/// How long a service may be silent before `status` calls it down.
pub fn service_down_time(conf: &Conf) -> Duration {
    seconds(conf.service.service_down_time)
}

fn limits(conf: &Conf) -> Limits {
    let supervisor = &conf.supervisor;
    let graceful = seconds(conf.service.graceful_shutdown_timeout);
    Limits {
        graceful_shutdown: Some(graceful).filter(|time| !time.is_zero()),
        respawn_backoff_max: seconds(supervisor.respawn_backoff_max),
        stable_after: seconds(supervisor.stable_after),
        restart_method: RestartMethod::Mutate,
    }
}

fn notifier(surroundings: &Surroundings) -> Notifier {
    let Some(path) = surroundings.variable("NOTIFY_SOCKET") else { return Notifier::default() };
    Notifier::connect(path, surroundings.watchdog()).unwrap_or_else(|cause| {
        debug!(target: "oslo_service.systemd", "Systemd notification failed: {cause}");
        Notifier::default()
    })
}

/// Others must not take a service for dead between two of its beats (`spec/startup.md` §3.5).
fn correct_intervals(conf: &mut Conf) {
    let (down, report) = (conf.service.service_down_time, conf.service.report_interval);
    if report == 0 || down > report {
        return;
    }
    let corrected = report.saturating_mul(5) / 2;
    warn!(
        target: "cinder.service",
        "Report interval must be less than service down time. Current config service_down_time: \
         {down}, report_interval for this: service is: {report}. Setting global \
         service_down_time to: {corrected}"
    );
    conf.correct_service_down_time(corrected);
}

fn candidate(conf: &Conf, name: &str) -> Candidate {
    let backend = backend(conf, name);
    let host = match &backend {
        Ok(backend) => backend.registration.host.to_string(),
        // The section cannot be read, so the node's own name has to do.
        Err(_) => format!("{}@{name}", conf.service.host),
    };
    Candidate { name: name.to_owned(), host, backend }
}

/// One back end's options (`spec/startup.md` §2-3).
fn backend(conf: &Conf, name: &str) -> anyhow::Result<Backend> {
    let section = conf.backend(name).map_err(|problems| {
        let statements: Vec<String> = problems.iter().map(Problem::statement).collect();
        anyhow!("{}", statements.join("; "))
    })?;
    let capabilities = &section.options.extra_capabilities;
    if let Err(cause) = serde_json::from_str::<serde_json::Map<_, _>>(capabilities) {
        error!(target: "cinder.volume.manager", "Invalid JSON: {capabilities}");
        return Err(cause).with_context(|| format!("[{name}] extra_capabilities"));
    }
    let zone = section.options.backend_availability_zone.as_ref();
    let zone = zone.unwrap_or(&conf.service.storage_availability_zone).clone();
    Ok(Backend {
        name: name.to_owned(),
        registration: Registration {
            host: ServiceHost::from_row(section.host.as_str()),
            cluster: conf
                .service
                .cluster
                .as_deref()
                .and_then(|cluster| ClusterName::from_option(cluster, name)),
            availability_zone: zone,
            enable_new_services: conf.service.enable_new_services,
        },
        volume_driver: section.options.volume_driver.clone(),
        image_volume_cache_enabled: section.get("image_volume_cache_enabled")
            == Some(&Value::Bool(true)),
    })
}

/// Seconds from a file; a negative number means none.
fn seconds(value: i64) -> Duration {
    Duration::from_secs(u64::try_from(value).unwrap_or(0))
}
