//! The order of steps from a good configuration to the wait loop.
//!
//! claim → register (beside this process) → launch → supervise. Must not: read configuration files
//! or know option names, everything comes as [`Settings`] from `wire`; open a database.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use cinder_db::DatabaseOptions;
use oslo_launcher::{
    Hooks, InProcessLauncher, Inherited, Launcher, LauncherOptions, ProcessLauncher, Service,
    SubprocessLauncher, Supervision,
};
use tracing::error;

use crate::bus::Hosts;
use crate::claims;
use crate::exit::{self, Failure};
use crate::health::{HealthPlan, HealthService, Member};
use crate::progress::Progress;
use crate::registering::{Outcome, register_all};
use crate::surroundings::{SUPERVISED, Surroundings};
use crate::worker::{Candidate, VolumeService};

/// Which launcher runs the back ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Method {
    /// Forked workers: `[supervisor] launcher = fork`.
    Fork,
    /// One subprocess per back end: `launcher = spawn`.
    Spawn,
    /// The one back end in this process: `--backend_name`.
    InProcess,
}

/// Everything that start-up needs, in the terms of the crates that use it.
pub(crate) struct Settings {
    /// The enabled back ends, in order.
    pub candidates: Vec<Candidate>,
    /// `[database]`; a bad URL stops the start.
    pub database: DatabaseOptions,
    /// How workers are run.
    pub method: Method,
    /// Limits, notifier and names for the launcher.
    pub launcher: LauncherOptions,
    /// `state_path`, below which back ends are claimed.
    pub state_path: PathBuf,
    /// Whether a terminal is free to show how far the start is: the log goes elsewhere.
    pub show_progress: bool,
    /// `[health]`, if somebody shall answer there.
    pub health: Option<HealthPlan>,
    /// Where the broker is, for the hooks to change.
    pub hosts: Hosts,
}

/// Stops the start when no back end is enabled.
///
/// # Errors
///
/// [`Failure::Told`] after the line of `spec/startup.md` §1.9.
pub(crate) fn refuse_without_backends(enabled: &[String]) -> Result<(), Failure> {
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

/// Claims, registers, launches and supervises; returns the exit status.
///
/// # Errors
///
/// [`Failure`] when nothing can be supervised.
pub(crate) fn run(
    settings: Settings,
    hooks: Box<dyn Hooks>,
    surroundings: &Surroundings,
    inherited: Inherited,
    after_launch: impl FnOnce(),
) -> Result<i32, Failure> {
    let Settings { mut candidates, database, method, mut launcher, .. } = settings;
    launcher.inherited = inherited;
    if !surroundings.is_supervised() {
        // Else the parent has claimed it, for as long as that one lives.
        prepare(&settings.state_path, &database);
        launcher.kept.extend(claims::claim(&settings.state_path, &mut candidates));
    }
    let mut launcher = choose_launcher(method, launcher, hooks, surroundings)?;
    let progress = |what| Progress::if_wanted(settings.show_progress, what, surroundings);
    let mut registered = progress("registering back ends");
    let told = &mut |done| registered.step(done, candidates.len());
    let outcomes = match register_all(&candidates, &database, &mut *launcher, told)? {
        ControlFlow::Continue(outcomes) => outcomes,
        ControlFlow::Break(status) => return Ok(status),
    };
    drop(registered);
    // It has to know all others, also those that are left out.
    let members = candidates.iter().zip(&outcomes).map(|(one, outcome)| member(one, outcome));
    let health = settings.health.map(|plan| HealthService::new(plan, members.collect()));
    let services = services(candidates, &outcomes);
    ensure_some(services.len())?;
    let mut services: Vec<(Arc<dyn Service>, usize)> =
        services.into_iter().map(|service| (Arc::new(service) as _, 1)).collect();
    // The last to be forked: nobody waits for it.
    services.extend(health.map(|health| (Arc::new(health) as _, 1)));
    launcher.launch_services(&services)?;
    after_launch();
    Ok(launcher.wait()?)
}

/// Makes `state_path` if the embedded database is about to do so: a first start on an empty machine
/// is no reason for a warning. Whether it is there is found out when it is used.
fn prepare(state_path: &Path, database: &DatabaseOptions) {
    let state_path = std::path::absolute(state_path).ok();
    let of_database = database.url.file().and_then(Path::parent);
    if let Some(both) = of_database.filter(|path| Some(*path) == state_path.as_deref()) {
        let _ = std::fs::create_dir_all(both);
    }
}

/// A back end as the health server shows it.
fn member(candidate: &Candidate, outcome: &Outcome) -> Member {
    Member {
        name: candidate.name.clone(),
        host: candidate.host.clone(),
        left_out: match outcome {
            Outcome::Registered(_) => None,
            Outcome::LeftOut(reason) => Some(format!("left out at the start: {reason}")),
        },
        messages: candidate.plan.as_ref().map(|plan| plan.messages.names()).unwrap_or_default(),
    }
}

/// The launcher that the configuration asks for; takes over the signals.
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
        Method::Fork => Box::new(ProcessLauncher::new(options, hooks)?),
        Method::Spawn => {
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

/// The services of those that have a row.
fn services(candidates: Vec<Candidate>, outcomes: &[Outcome]) -> Vec<VolumeService> {
    let registered =
        candidates.into_iter().zip(outcomes).filter_map(|(candidate, outcome)| {
            match (candidate.plan, outcome) {
                (Ok(plan), Outcome::Registered(row)) => Some(VolumeService::new(plan, *row)),
                _ => None,
            }
        });
    registered.collect()
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
