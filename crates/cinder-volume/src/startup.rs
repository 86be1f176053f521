//! The order of steps from a good configuration to the wait loop.
//!
//! register → dispose → launch → supervise. Must not: read configuration files or know option
//! names; everything comes as [`Settings`] from `wire.rs`.

use std::ops::ControlFlow;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use cinder_db::{
    Connection, DatabaseOptions, DbError, HeartbeatPlan, Registration, any_volume,
    minimum_versions, register, retry_connect,
};
use cinder_types::OBJECT_VERSION;
use oslo_launcher::{
    Hooks, InProcessLauncher, Launcher, LauncherOptions, ProcessLauncher, Service,
    SubprocessLauncher, Supervision,
};
use tracing::{error, info};

use crate::exit::{self, Failure};
use crate::health::{HealthPlan, HealthService, Member};
use crate::progress::Progress;
use crate::surroundings::{SUPERVISED, Surroundings};
use crate::worker::VolumeService;

type Cause<'a> = &'a (dyn std::error::Error + 'static);

/// Which launcher runs the back ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Forked workers: `[supervisor] launcher = fork`.
    Fork,
    /// One subprocess per back end: `launcher = spawn`.
    Spawn,
    /// The one back end in this process: `--backend_name`.
    InProcess,
}

/// A back end whose section could be read.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Its name in `enabled_backends`.
    pub name: String,
    /// What to write into its row.
    pub registration: Registration,
    /// `volume_driver`.
    pub volume_driver: String,
    /// `image_volume_cache_enabled`.
    pub image_volume_cache_enabled: bool,
}

/// A back end as far as it could be read.
#[derive(Debug)]
pub struct Candidate {
    /// Its name in `enabled_backends`.
    pub name: String,
    /// `host@backend`, for the log.
    pub host: String,
    /// The back end, or what is wrong with its section.
    pub backend: anyhow::Result<Backend>,
}

/// Everything that start-up needs, in the terms of the crates that use it.
pub struct Settings {
    /// The enabled back ends, in order.
    pub candidates: Vec<Candidate>,
    /// `[database]`; a bad URL stops the start.
    pub database: DatabaseOptions,
    /// How workers are run.
    pub method: Method,
    /// Limits, notifier and names for the launcher.
    pub launcher: LauncherOptions,
    /// `report_interval`.
    pub report_interval: Duration,
    /// Whether a terminal is free to show how far the start is: the log goes elsewhere.
    pub show_progress: bool,
    /// `[health]`, if somebody shall answer there.
    pub health: Option<HealthPlan>,
}

/// Stops the start when no back end is enabled.
///
/// # Errors
///
/// [`Failure::Told`] after the line of `spec/startup.md` §1.9.
pub fn refuse_without_backends(enabled: &[String]) -> Result<(), Failure> {
    if !enabled.is_empty() {
        return Ok(());
    }
    error!(
        target: "cinder.cmd.volume",
        "Configuration for cinder-volume does not specify \"enabled_backends\". Using DEFAULT \
         section to configure drivers is not supported since Ocata."
    );
    Err(Failure::Told(exit::FAILURE))
}

/// Registers, launches and supervises; returns the exit status.
///
/// # Errors
///
/// [`Failure`] when nothing can be supervised.
pub fn run(
    settings: Settings,
    hooks: Box<dyn Hooks>,
    surroundings: &Surroundings,
    after_launch: impl FnOnce(),
) -> Result<i32, Failure> {
    let Settings { candidates, database, method, launcher, report_interval, show_progress, health } =
        settings;
    let mut launcher = choose_launcher(method, launcher, hooks, surroundings)?;
    let progress = |what| Progress::if_wanted(show_progress, what, surroundings);
    let mut registered = progress("registering back ends");
    let told = &mut |done| registered.step(done, candidates.len());
    let registering = register_all(&candidates, &database, report_interval, &mut *launcher, told);
    let services = match registering? {
        ControlFlow::Continue(services) => services,
        ControlFlow::Break(status) => return Ok(status),
    };
    drop(registered);
    ensure_some(services.len())?;
    let started: Vec<String> = services.iter().map(|one| one.name().to_owned()).collect();
    let mut services: Vec<(Arc<dyn Service>, usize)> =
        services.into_iter().map(|service| (Arc::new(service) as _, 1)).collect();
    if let Some(plan) = health {
        // The last to be forked, because it has to know all others.
        let members = candidates.iter().map(|one| member(one, &started)).collect();
        services.push((Arc::new(HealthService::new(plan, members)), 1));
    }
    launcher.launch_services(&services)?;
    after_launch();
    Ok(launcher.wait()?)
}

/// A back end as the health server shows it.
fn member(candidate: &Candidate, started: &[String]) -> Member {
    let reason = match &candidate.backend {
        Err(cause) => format!("left out at the start: {cause:#}"),
        Ok(_) => "left out at the start: it could not be registered, see the log".to_owned(),
    };
    Member {
        name: candidate.name.clone(),
        host: candidate.host.clone(),
        left_out: (!started.contains(&candidate.name)).then_some(reason),
    }
}

/// The launcher for the platform and the configuration; takes over the signals.
fn choose_launcher(
    method: Method,
    options: LauncherOptions,
    hooks: Box<dyn Hooks>,
    surroundings: &Surroundings,
) -> Result<Box<dyn Launcher>, Failure> {
    Ok(match method {
        Method::InProcess => {
            let supervised = surroundings.is_supervised();
            let watcher = if supervised { Supervision::Stdin } else { Supervision::None };
            Box::new(InProcessLauncher::new(options, hooks, watcher)?)
        }
        #[cfg(unix)]
        Method::Fork => Box::new(ProcessLauncher::new(options, hooks)?),
        _ => {
            let (program, words) = (surroundings.program.clone(), surroundings.arguments.clone());
            let command = move |name: &str| {
                let mut command = Command::new(&program);
                command.args(&words).arg(format!("--backend_name={name}"));
                // The notifications of a service manager are the parent's business.
                command.env(SUPERVISED, "1").env_remove("NOTIFY_SOCKET");
                command
            };
            Box::new(SubprocessLauncher::new(options, hooks, Box::new(command))?)
        }
    })
}

/// Writes a row for every back end over one connection, which is closed before this returns.
///
/// Breaks with an exit status when a signal ended the wait for a database, or came meanwhile.
fn register_all(
    candidates: &[Candidate],
    database: &DatabaseOptions,
    report_interval: Duration,
    launcher: &mut dyn Launcher,
    progress: &mut dyn FnMut(usize),
) -> Result<ControlFlow<i32, Vec<VolumeService>>, Failure> {
    let mut connection = match connect(database, launcher) {
        Ok(ControlFlow::Continue(connection)) => connection,
        Ok(ControlFlow::Break(status)) => return Ok(ControlFlow::Break(status)),
        Err(cause) => {
            error!(target: "cinder.cmd.volume", error = &cause as Cause<'_>, "Cannot use the database");
            for candidate in candidates {
                not_started(&candidate.host, None);
            }
            return Ok(ControlFlow::Continue(Vec::new()));
        }
    };
    select_scheduler_versions(&mut connection);
    let mut services = Vec::new();
    for (done, candidate) in candidates.iter().enumerate() {
        progress(done);
        // Each row may have to wait for a lock. A stop must not wait for all of them.
        if let Some(status) = launcher.pause(Duration::ZERO) {
            return Ok(ControlFlow::Break(status));
        }
        let backend = match &candidate.backend {
            Ok(backend) => backend,
            Err(cause) => {
                not_started(&candidate.host, Some(cause.as_ref()));
                continue;
            }
        };
        let register =
            |connection: &mut _| register_one(backend, database, report_interval, connection);
        match register_or_reconnect(register, &mut connection, database, launcher) {
            Ok(ControlFlow::Continue(service)) => services.push(service),
            Ok(ControlFlow::Break(status)) => return Ok(ControlFlow::Break(status)),
            Err(cause) => not_started(&candidate.host, Some(&cause)),
        }
    }
    connection.close();
    Ok(ControlFlow::Continue(services))
}

/// Registers once more over a new connection if the old one broke.
///
/// The other back ends must not pay for that, nor does this one have to: what was not committed
/// can be done again, and what was is found.
fn register_or_reconnect<T>(
    register: impl Fn(&mut Connection) -> Result<T, DbError>,
    connection: &mut Connection,
    database: &DatabaseOptions,
    launcher: &mut dyn Launcher,
) -> Result<ControlFlow<i32, T>, DbError> {
    match register(connection) {
        Err(cause) if cause.is_connection_lost() => match connect(database, launcher)? {
            ControlFlow::Continue(anew) => *connection = anew,
            ControlFlow::Break(status) => return Ok(ControlFlow::Break(status)),
        },
        done => return done.map(ControlFlow::Continue),
    }
    register(connection).map(ControlFlow::Continue)
}

/// Waits for the database; breaks with an exit status when a signal ended the wait.
fn connect(
    database: &DatabaseOptions,
    launcher: &mut dyn Launcher,
) -> Result<ControlFlow<i32, Connection>, DbError> {
    let mut ended = None;
    let connected = retry_connect(database, |interval| {
        ended = launcher.pause(interval);
        if ended.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match ended {
        Some(status) => Ok(ControlFlow::Break(status)),
        None => connected.map(ControlFlow::Continue),
    }
}

fn not_started(host: &str, cause: Option<Cause<'_>>) {
    match cause {
        Some(cause) => error!(
            target: "cinder.cmd.volume",
            error = cause,
            "Volume service {host} failed to start."
        ),
        None => error!(target: "cinder.cmd.volume", "Volume service {host} failed to start."),
    }
}

fn register_one(
    backend: &Backend,
    database: &DatabaseOptions,
    report_interval: Duration,
    connection: &mut Connection,
) -> Result<VolumeService, DbError> {
    let empty = if any_volume(connection)? { "not " } else { "" };
    info!(
        target: "cinder.volume.manager",
        "Determined volume DB was {empty}empty at startup."
    );
    let host = &backend.registration.host;
    let enabled = if backend.image_volume_cache_enabled { "enabled" } else { "disabled" };
    info!(target: "cinder.volume.manager", "Image-volume cache {enabled} for host {host}.");
    let registered = register(connection, &backend.registration)?;
    let plan = HeartbeatPlan {
        database: database.clone(),
        registration: backend.registration.clone(),
        service: registered.id,
        interval: report_interval,
    };
    Ok(VolumeService::new(&backend.name, &backend.volume_driver, plan))
}

/// Upstream's scheduler client looks for the oldest scheduler when it is made (`spec/startup.md`
/// §3); nothing sends to schedulers yet, so a failure is only told.
fn select_scheduler_versions(connection: &mut Connection) {
    /// `SCHEDULER_RPC_VERSION` when no scheduler has a row, `spec/startup.md` §3.
    const OWN_RPC: &str = "3.12";
    let (object, rpc) = match minimum_versions(connection, "cinder-scheduler") {
        Ok(Some(versions)) => (versions.object.to_string(), versions.rpc.to_string()),
        Ok(None) => (OBJECT_VERSION.to_owned(), OWN_RPC.to_owned()),
        Err(cause) => {
            error!(
                target: "cinder.rpc",
                error = &cause as Cause<'_>,
                "Cannot tell the oldest version of cinder-scheduler"
            );
            return;
        }
    };
    for (what, version) in [("objects", object), ("RPC", rpc)] {
        info!(
            target: "cinder.rpc",
            "Automatically selected cinder-scheduler {what} version {version} as minimum service \
             version."
        );
    }
}

/// At least one back end must have been registered.
fn ensure_some(registered: usize) -> Result<(), Failure> {
    if registered > 0 {
        return Ok(());
    }
    error!(
        target: "cinder.cmd.volume",
        "No volume service(s) started successfully, terminating."
    );
    Err(Failure::Told(exit::FAILURE))
}
