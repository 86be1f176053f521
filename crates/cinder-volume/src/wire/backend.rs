//! One back end: what its section says, as the plan of its worker.

use anyhow::{anyhow, bail};
use cinder_conf::Problem;
use cinder_conf::cinder::{BackendConf, Conf};
use cinder_conf::options::backend::Transfer;
use cinder_db::{DatabaseOptions, Registration};
use cinder_driver::registry::NoDriver;
use cinder_types::{ClusterName, ServiceHost};
use oslo_messaging::Target;
use tracing::{error, warn};

use super::problem::of_backend;
use super::{driver, seconds};
use crate::bus::BusPlan;
use crate::configure::SharedConf;
use crate::notifications::NotificationsPlan;
use crate::worker::{Candidate, DriverNow, MessagesPlan, OperationsPlan, Plan};

/// The names of the enabled back ends, or `only` that one.
pub(super) fn enabled(conf: &Conf, only: Option<&str>) -> anyhow::Result<Vec<String>> {
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
pub(crate) fn hosts(conf: &Conf, only: Option<&str>) -> anyhow::Result<Vec<String>> {
    Ok(services(conf, only)?.into_iter().map(|(_, host)| host).collect())
}

/// The same with the names of the back ends before them.
///
/// # Errors
///
/// When no back end is enabled, or `only` is none of them.
pub(crate) fn services(conf: &Conf, only: Option<&str>) -> anyhow::Result<Vec<(String, String)>> {
    let names = enabled(conf, only)?;
    if names.is_empty() {
        bail!("no back end is enabled");
    }
    let service = |name: String| {
        let host = host(conf, &name).as_str().to_owned();
        (name, host)
    };
    Ok(names.into_iter().map(service).collect())
}

/// The service of this name: a back end of this configuration, or what stands in a row.
///
/// # Errors
///
/// When it is neither.
pub(crate) fn host_of(conf: &Conf, name: &str) -> anyhow::Result<String> {
    let names = conf.backend_names();
    if names.iter().any(|one| one == name) {
        return Ok(host(conf, name).as_str().to_owned());
    }
    if name.contains('@') {
        return Ok(name.to_owned());
    }
    bail!("{name} is none of enabled_backends ({}) and no service, NODE@BACKEND", names.join(", "))
}

/// Where a command makes volumes: the service and the pool of the back end of this name, or of the only one.
///
/// # Errors
///
/// When there is none, or it has to be said which.
pub(crate) fn place_of_volumes(
    conf: &Conf,
    name: Option<&str>,
) -> anyhow::Result<(String, String)> {
    let names = conf.backend_names();
    let name = match (name, names.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, []) => bail!("no back end is enabled"),
        (None, several) => bail!("--backend is wanted, one of: {}", several.join(", ")),
    };
    if !names.iter().any(|one| one == name) {
        bail!("--backend {name}: not one of enabled_backends ({})", names.join(", "));
    }
    let section = conf.backend(name).map_err(|problems| {
        let statements: Vec<String> = problems.iter().map(Problem::statement).collect();
        anyhow!("{}", statements.join("; "))
    })?;
    let pool = section.options.volume_backend_name.unwrap_or_else(|| name.to_owned());
    Ok((host(conf, name).as_str().to_owned(), pool))
}

/// The name in the service table, made of the node's and the back end's; the only place where.
fn host(conf: &Conf, name: &str) -> ServiceHost {
    // When not even the node can be told, the back end is left out under the node's usual name.
    let node = conf.node_of(name);
    ServiceHost::from_parts(node.as_deref().unwrap_or(&conf.service.host), None, name)
}

/// The name of its cluster, if there is one; likewise.
fn cluster(conf: &Conf, name: &str) -> Option<ClusterName> {
    let cluster = conf.service.cluster.as_deref()?;
    ClusterName::from_option(cluster, name)
}

/// A back end as far as it can be read.
pub(super) fn candidate(
    shared: &SharedConf,
    conf: &Conf,
    name: &str,
    database: &DatabaseOptions,
    bus: &BusPlan,
    notifications: Option<&NotificationsPlan>,
) -> Candidate {
    let host = host(conf, name);
    // That there is no such driver here its worker tells.
    if let Some(text) = conf.backend(name).ok().and_then(|section| driver::moved(&section)) {
        warn!(target: "cinder.volume.manager", "[{name}] volume_driver: {text}");
    }
    let now = driver::now(shared, name);
    let plan = plan(conf, name, &host, database, bus, notifications, now);
    Candidate { name: name.to_owned(), host: host.as_str().to_owned(), plan }
}

/// What keeps a back end from starting that no option alone says; its targets are looked at if there is a bus.
pub(super) fn refusal(conf: &Conf, name: &str, bus: Option<&BusPlan>) -> Option<Box<Problem>> {
    // What is wrong with an option of it is known already.
    let section = conf.backend(name).ok()?;
    let host = host(conf, name);
    let cluster = cluster(conf, name);
    let of_names = || bus.and_then(|bus| targets(conf, name, &host, cluster.as_ref(), bus).err());
    parts(conf, name, &section, &host, cluster.as_ref()).err().or_else(of_names)
}

/// What there is to say about a back end's driver that is no mistake.
pub(super) fn remarks_on_driver(conf: &Conf, name: &str) -> Vec<String> {
    conf.backend(name).map(|section| driver::remarks(&section)).unwrap_or_default()
}

/// What of a back end may be wrong although each option is right.
struct Parts {
    operations: Result<OperationsPlan, NoDriver>,
    transfer: Transfer,
}

fn parts(
    conf: &Conf,
    name: &str,
    section: &BackendConf,
    host: &ServiceHost,
    cluster: Option<&ClusterName>,
) -> Result<Parts, Box<Problem>> {
    let operations = driver::plan(conf, name, section, host, cluster)?;
    let wrong = |option, text: String| of_backend(conf, name, option, text);
    let transfer = section.section();
    let transfer = transfer.map_err(|problems| wrong("volume_driver", problems.to_string()))?;
    let capabilities = &section.options.extra_capabilities;
    match serde_json::from_str::<serde_json::Map<_, _>>(capabilities) {
        Ok(_) => Ok(Parts { operations, transfer }),
        Err(cause) => {
            let text = format!("{capabilities:?} is no JSON object: {cause}");
            Err(wrong("extra_capabilities", text))
        }
    }
}

/// The queues that it listens on.
fn targets(
    conf: &Conf,
    name: &str,
    host: &ServiceHost,
    cluster: Option<&ClusterName>,
    bus: &BusPlan,
) -> Result<Vec<Target>, Box<Problem>> {
    bus.targets(host, cluster).map_err(|cause| {
        let text = format!("its names cannot be those of queues: {cause}");
        of_backend(conf, name, "backend_host", text)
    })
}

/// One back end's options (`spec/startup.md` §2-3).
fn plan(
    conf: &Conf,
    name: &str,
    host: &ServiceHost,
    database: &DatabaseOptions,
    bus: &BusPlan,
    notifications: Option<&NotificationsPlan>,
    driver_now: DriverNow,
) -> anyhow::Result<Plan> {
    let section = conf.backend(name).map_err(|problems| {
        let statements: Vec<String> = problems.iter().map(Problem::statement).collect();
        anyhow!("{}", statements.join("; "))
    })?;
    let cluster = cluster(conf, name);
    let stated = |problem: Box<Problem>| anyhow!("{}", problem.statement());
    let Parts { operations, transfer } = parts(conf, name, &section, host, cluster.as_ref())
        .map_err(|problem| {
            if problem.option.as_deref() == Some("extra_capabilities") {
                let capabilities = &section.options.extra_capabilities;
                error!(target: "cinder.volume.manager", "Invalid JSON: {capabilities}");
            }
            stated(problem)
        })?;
    let targets = targets(conf, name, host, cluster.as_ref(), bus).map_err(stated)?;
    let options = section.options;
    let zone = options.backend_availability_zone;
    Ok(Plan {
        name: name.to_owned(),
        registration: Registration {
            host: host.clone(),
            cluster,
            availability_zone: zone.unwrap_or(conf.service.storage_availability_zone.clone()),
            enable_new_services: conf.service.enable_new_services,
        },
        database: database.clone(),
        messages: MessagesPlan {
            bus: bus.clone(),
            targets,
            threads: usize::try_from(conf.messaging.executor_thread_pool_size).unwrap_or(0).max(1),
            ping: conf.messaging.rpc_ping_enabled,
            polling_interval: seconds(conf.service.backend_stats_polling_interval),
            drain: bus.drain_of(name),
        },
        notifications: notifications.cloned(),
        report_interval: seconds(conf.service.report_interval),
        operations,
        driver_now,
        operation_threads: usize::try_from(options.backend_native_threads_pool_size).unwrap_or(0),
        image_volume_cache_enabled: transfer.image_volume_cache_enabled,
    })
}
