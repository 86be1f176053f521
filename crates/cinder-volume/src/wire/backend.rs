//! One back end: what its section says, as the plan of its worker.

use anyhow::{Context, anyhow, bail};
use cinder_conf::Problem;
use cinder_conf::cinder::Conf;
use cinder_conf::options::backend::Transfer;
use cinder_db::{DatabaseOptions, Registration};
use cinder_types::{ClusterName, ServiceHost};
use tracing::error;

use super::{driver, seconds};
use crate::bus::BusPlan;
use crate::configure::SharedConf;
use crate::notifications::NotificationsPlan;
use crate::worker::{Candidate, DriverNow, MessagesPlan, Plan};

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
    let now = driver::now(shared, name);
    let plan = plan(conf, name, &host, database, bus, notifications, now);
    Candidate { name: name.to_owned(), host: host.as_str().to_owned(), plan }
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
    let operations = driver::plan(conf, name, &section, host, cluster.as_ref(), driver_now)?;
    let transfer: Transfer = section.section().map_err(|problems| anyhow!("{problems}"))?;
    let options = section.options;
    let capabilities = &options.extra_capabilities;
    if let Err(cause) = serde_json::from_str::<serde_json::Map<_, _>>(capabilities) {
        error!(target: "cinder.volume.manager", "Invalid JSON: {capabilities}");
        return Err(cause).with_context(|| format!("[{name}] extra_capabilities"));
    }
    let zone = options.backend_availability_zone;
    let targets = bus.targets(host, cluster.as_ref());
    let targets = targets.context("its names cannot be those of queues")?;
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
        operation_threads: usize::try_from(options.backend_native_threads_pool_size).unwrap_or(0),
        image_volume_cache_enabled: transfer.image_volume_cache_enabled,
    })
}
