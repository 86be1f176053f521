//! Our subcommands. None of them starts anything; only `db init` writes, and `call` and `volume` ask others to.

mod alive;
mod call;
mod config;
mod db;
mod operations;
mod operators;
mod orphans;
mod status;
mod volume;

use std::io;

use cinder_conf::cinder::Conf;

use crate::bus::BusPlan;
use crate::cli::volume::Act;
use crate::cli::{CommandLine, Task};
use crate::exit::{self, Failure};
use crate::progress::Progress;
use crate::surroundings::Surroundings;
use crate::{configure, report, wire};

/// Does what a subcommand says.
///
/// # Errors
///
/// [`Failure`] when it cannot.
pub(crate) fn run(surroundings: &Surroundings, line: &CommandLine) -> Result<i32, Failure> {
    let out = &mut io::stdout().lock();
    match &line.task {
        Task::Run { .. } => Ok(exit::OK),
        Task::Check { strict, json, only } => {
            let wish = config::Check { strict: *strict, json: *json, only: only.as_deref() };
            config::check(configure::request(surroundings, line), &wish, surroundings, out)
        }
        Task::Dump => config::dump(&configure::load_for_command(surroundings, line)?, out),
        Task::Sample => config::sample(out),
        Task::Explain { option } => {
            config::explain(option, configure::load_for_command(surroundings, line), out)
        }
        Task::InitDatabase => {
            let conf = configure::load_for_command(surroundings, line)?;
            let progress = Progress::new("creating the database", surroundings);
            db::init(&wire::database_options(&conf)?, progress, out)
        }
        Task::Status { json, watch } => {
            let style = status::Style { json: *json, ..status::Style::of(surroundings) };
            let look =
                look(surroundings, line).map_err(|failure| failure.with_status(exit::UNKNOWN));
            if *watch {
                status::watch(&look?, style, out)
            } else {
                status::print(&look?, style, out)
            }
        }
        Task::CheckUp { wanted, only } => {
            let conf = configure::load_for_command(surroundings, line)?;
            let hosts = wire::hosts(&conf, only.as_deref())?;
            let database = wire::database_options(&conf)?;
            status::check(&database, wire::service_down_time(&conf), &hosts, *wanted, out)
        }
        Task::Report(wish) => report::command::run(surroundings, line, wish, out),
        Task::Call(wish) => {
            let conf = configure::load_for_command(surroundings, line)?;
            let bus = bus_of(&conf)?;
            call::run(&bus, &wire::host_of(&conf, &wish.backend)?, wish, out)
        }
        Task::Volume(wish) => {
            let conf = configure::load_for_command(surroundings, line)?;
            let bus = bus_of(&conf)?;
            let (host, pool) = wire::place_of_volumes(&conf, wish.backend.as_deref())?;
            let services = wire::services(&conf, None)?;
            let name = services.iter().find(|(_, of)| *of == host).map(|(name, _)| name.as_str());
            let is_drained = name.is_some_and(|name| bus.drain_of(name).exists());
            let place = volume::Place {
                database: wire::database_options(&conf)?,
                bus,
                host,
                pool,
                service_down_time: wire::service_down_time(&conf),
                is_drained,
            };
            if wish.act == Act::Orphans {
                return orphans::run(&place.bus, &place.host, wish.json, out);
            }
            volume::run(&place, wish, out)
        }
        Task::Operations(_) | Task::Abandon(_) | Task::Drain(_) => {
            let conf = configure::load_for_command(surroundings, line)?;
            steer(surroundings, &conf, &line.task, out)
        }
        Task::Alive { pid } => alive::check(*pid, surroundings, out),
    }
}

/// What operators see of operations, and how they steer them.
fn steer(
    surroundings: &Surroundings,
    conf: &Conf,
    task: &Task,
    out: &mut dyn io::Write,
) -> Result<i32, Failure> {
    match task {
        Task::Abandon(wish) => {
            let (host, _) = wire::place_of_volumes(conf, wish.backend.as_deref())?;
            operators::abandon(&bus_of(conf)?, &host, wish, out)
        }
        Task::Drain(wish) => {
            let services = wire::services(conf, wish.backend.as_deref())?;
            let database = wire::database_options(conf)?;
            operators::drain(&surroundings.name, &bus_of(conf)?, &services, &database, wish, out)
        }
        Task::Operations(wish) => {
            let health = wire::health_address(conf)?;
            if let Some(name) = &wish.backend {
                wire::hosts(conf, Some(name.as_str()))?;
            }
            let style = status::Style { json: wish.json, ..status::Style::of(surroundings) };
            operations::run(health.as_ref(), wish, style, out)
        }
        _ => Ok(exit::OK),
    }
}

/// The way to the services.
fn bus_of(conf: &Conf) -> anyhow::Result<BusPlan> {
    let bus = wire::bus(conf).map_err(|problems| wire::refused(&problems))?;
    Ok(bus.of_a_command())
}

/// What `status` looks at.
fn look(surroundings: &Surroundings, line: &CommandLine) -> Result<status::Look, Failure> {
    let conf = configure::load_for_command(surroundings, line)?;
    Ok(status::Look {
        program: surroundings.name.clone(),
        database: wire::database_options(&conf)?,
        service_down_time: wire::service_down_time(&conf),
        // A machine without back ends may still look at the table.
        hosts: if conf.backend_names().is_empty() { None } else { Some(wire::hosts(&conf, None)?) },
        health: wire::health_address(&conf)?,
    })
}
