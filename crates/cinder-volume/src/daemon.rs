//! The daemon's first steps, up to the moment when everything is known that start-up needs.
//!
//! configure → judge → logging → privileged helper → refuse without back ends → `startup`. A TERM ends all of
//! this at once (`oslo_launcher::FirstSteps`), so nothing here may leave anything half done.

use std::sync::{Arc, RwLock};

use oslo_launcher::Inherited;
use tracing::debug;

use crate::cli::{CommandLine, Task};
use crate::configure::SharedConf;
use crate::exit::Failure;
use crate::hooks::DaemonHooks;
use crate::rootwrap::PrivilegedHelper;
use crate::surroundings::Surroundings;
use crate::{configure, logging, startup, wire};

/// Runs the daemon until it is stopped.
///
/// # Errors
///
/// [`Failure`] when it does not get as far as the wait loop.
pub(crate) fn run(
    surroundings: &Surroundings,
    line: &CommandLine,
    inherited: Inherited,
) -> Result<i32, Failure> {
    let mut conf = configure::load(surroundings, line)?;
    let only = match &line.task {
        Task::Run { only } => only.as_deref(),
        _ => None,
    };
    // All at once and with their places, before the first of them would end this.
    configure::refuse(surroundings, &wire::refusals_of_start(&conf, only, surroundings))?;
    let mut options = wire::log_options(&conf, surroundings);
    options.log_config_append = logging::handlers(conf.logging.log_config_append.as_deref())?;
    let log = logging::install(&options)?;
    configure::log_findings(&conf);
    let helper = PrivilegedHelper::new(&conf.service.rootwrap_config)?;
    debug!(target: "cinder.cmd.volume", "Privileged commands: {}", helper.prefix.join(" "));
    startup::refuse_without_backends(&conf.backend_names())?;
    wire::correct_intervals(&mut conf);
    let conf: SharedConf = Arc::new(RwLock::new(conf));
    let settings = wire::settings(&conf, only, surroundings)?;
    let now = configure::in_force(&conf);
    let dump = now.service.log_options.then(|| now.log_lines());
    drop(now);
    let supervised = surroundings.is_supervised();
    let hooks = Box::new(DaemonHooks::new(
        conf,
        log,
        settings.hosts.clone(),
        &surroundings.name,
        supervised,
    ));
    startup::run(settings, hooks, surroundings, inherited, || {
        if let Some(lines) = dump {
            debug!(target: "oslo_service.backend._eventlet.service", "Full set of CONF:");
            for line in lines {
                debug!(target: "oslo_service.backend._eventlet.service", "{line}");
            }
        }
    })
}
