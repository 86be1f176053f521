//! The service registry: find, create and update a volume service's row and its cluster.
//!
//! Must not: decide when a service is alive; that is `heartbeat`. One back end's row, its
//! cluster, the volumes that point to it and the resources it brings into the cluster change
//! in one transaction, so a daemon killed half-way leaves either all of it or nothing. Where only
//! the row changes, that is one statement.
//! The log lines come after the commit: they tell what happened, not what was tried.

use cinder_types::{
    ApiVersion, BINARY, ClusterName, OBJECT_VERSION, RPC_VERSION, ServiceHost, ServiceId,
    ServiceUuid,
};
use diesel::result::{DatabaseErrorKind, Error as SqlError};
use tracing::info;
use uuid::Uuid;

use crate::{
    connection::Connection,
    dialect::{self, Extent, Native},
    error::DbError,
    queries::{clusters, services, volumes},
    retry,
    rows::{
        cluster::{Cluster, IncludedResources, NewCluster},
        service::{NewService, ServiceRow, ServiceStart},
    },
    timestamp::Timestamp,
};

/// `replication_status` of a service that has not looked at its driver yet.
const NOT_CAPABLE: &str = "not-capable";

/// What a volume service says of itself when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its host, `host@backend`.
    pub host: ServiceHost,
    /// Its cluster, if the configuration names one.
    pub cluster: Option<ClusterName>,
    /// Where it runs; written on creation and by each beat, not by a restart.
    pub availability_zone: String,
    /// `enable_new_services`: whether a new row starts enabled.
    pub enable_new_services: bool,
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Key of the service's row.
    pub id: ServiceId,
    /// Its uuid.
    pub uuid: ServiceUuid,
    /// Whether the row is new.
    pub created: bool,
    /// Set when this start brought the service into its cluster.
    pub added_to_cluster: Option<IncludedResources>,
    /// The cluster the row named before, if the configuration names another.
    pub cluster_before: Option<ClusterBefore>,
}

/// What an existing row said about its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterBefore {
    /// It was in none.
    Unclustered,
    /// It was, and stays, in this one: moving on is for the operator to do.
    Kept(String),
}

/// Finds the service's row and updates it, or creates it (`spec/startup.md §4`).
///
/// The schema does not keep two rows with one host apart. Creators take turns, so that of two
/// daemons that start together the second finds the first one's row.
///
/// # Errors
///
/// [`DbError::Query`]; nothing of this service has changed then.
pub fn register(connection: &mut Connection, wanted: &Registration) -> Result<Registered, DbError> {
    let now = Timestamp::now();
    let native = connection.native()?;
    let registered = retry::on_deadlock(|| {
        // A start like the one before changes one row in one statement. That is nearly every
        // start, and on MySQL beginning and ending a transaction are six round trips more.
        if let Some(row) = services::find(native, wanted.host.as_str(), BINARY)? {
            let simple = row.uuid.is_some() && joined(wanted, &row).is_none();
            let known = match simple {
                true => update(native, wanted, &row, now)?,
                false if dialect::writers_take_turns(native) => None,
                false => {
                    dialect::write_transaction(native, |native| update_known(native, wanted, now))?
                }
            };
            if let Some(known) = known {
                return Ok(known);
            }
        }
        let alone = wanted.cluster.is_none() && !volumes::any_with_service(native)?;
        let extent = if alone { Extent::OneStatement } else { Extent::Several };
        dialect::exclusive_transaction(native, extent, |native| {
            match update_known(native, wanted, now)? {
                Some(known) => Ok(known),
                None => create(native, wanted, extent, now),
            }
        })
    })?;
    report(wanted, &registered);
    Ok(registered)
}

/// Updates the row if there is one.
fn update_known(
    native: &mut Native,
    wanted: &Registration,
    now: Timestamp,
) -> Result<Option<Registered>, DbError> {
    match services::find(native, wanted.host.as_str(), BINARY)? {
        Some(row) => update(native, wanted, &row, now),
        None => Ok(None),
    }
}

fn create(
    native: &mut Native,
    wanted: &Registration,
    extent: Extent,
    now: Timestamp,
) -> Result<Registered, DbError> {
    let uuid = Uuid::new_v4().to_string();
    let mut service = NewService {
        created_at: now,
        updated_at: now,
        deleted: false,
        host: wanted.host.as_str(),
        binary: BINARY,
        topic: BINARY,
        report_count: 0,
        disabled: !wanted.enable_new_services,
        availability_zone: &wanted.availability_zone,
        rpc_current_version: RPC_VERSION,
        object_current_version: OBJECT_VERSION,
        replication_status: NOT_CAPABLE,
        frozen: false,
        active_backend_id: None,
        cluster_name: wanted.cluster.as_ref().map(ClusterName::as_str),
        uuid: &uuid,
    };
    let cluster = match &wanted.cluster {
        Some(name) => ensure_cluster(native, name, &Replication::of_new(&service), now)?,
        None => None,
    };
    if let Some(cluster) = &cluster {
        service.replication_status = cluster.replication_status.as_deref().unwrap_or(NOT_CAPABLE);
        service.active_backend_id = cluster.active_backend_id.as_deref();
        service.frozen = cluster.frozen;
    }
    let id = services::insert(native, &service)?;
    if extent == Extent::Several {
        point_volumes_to_services(native, now)?;
    }
    Ok(Registered {
        id: ServiceId::new(id),
        uuid: ServiceUuid::new(uuid),
        created: true,
        added_to_cluster: include_resources(native, wanted, now)?,
        cluster_before: None,
    })
}

/// The cluster that a row names.
fn cluster_of(row: &ServiceRow) -> Option<&str> {
    row.cluster_name.as_deref().filter(|name| !name.is_empty())
}

/// The cluster that the service joins with this start.
fn joined<'a>(wanted: &'a Registration, row: &ServiceRow) -> Option<&'a ClusterName> {
    wanted.cluster.as_ref().filter(|_| cluster_of(row).is_none())
}

/// `None` if somebody deleted the row meanwhile.
fn update(
    native: &mut Native,
    wanted: &Registration,
    row: &ServiceRow,
    now: Timestamp,
) -> Result<Option<Registered>, DbError> {
    let before = cluster_of(row);
    let joins = joined(wanted, row);
    let cluster = match joins {
        Some(name) => ensure_cluster(native, name, &Replication::of_row(row), now)?,
        None => None,
    };
    let takes_over = cluster.as_ref().filter(|_| !in_error(row.replication_status.as_deref()));
    // Every row has had a uuid for many releases; one without gets it now, since volumes
    // and workers refer to it.
    let uuid = row.uuid.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
    let start = ServiceStart {
        updated_at: now,
        rpc_current_version: RPC_VERSION,
        object_current_version: OBJECT_VERSION,
        uuid: row.uuid.is_none().then_some(&uuid),
        cluster_name: joins.map(ClusterName::as_str),
        replication_status: takes_over.and_then(|cluster| cluster.replication_status.as_deref()),
        frozen: takes_over.map(|cluster| cluster.frozen),
        active_backend_id: takes_over.map(|cluster| cluster.active_backend_id.as_deref()),
    };
    if !services::start(native, row.id, &start)? {
        return Ok(None);
    }
    let added_to_cluster =
        if joins.is_some() { include_resources(native, wanted, now)? } else { None };
    let changed = before != wanted.cluster.as_ref().map(ClusterName::as_str);
    let cluster_before = changed.then(|| match before {
        Some(name) => ClusterBefore::Kept(name.to_owned()),
        None => ClusterBefore::Unclustered,
    });
    Ok(Some(Registered {
        id: row.id(),
        uuid: ServiceUuid::new(uuid),
        created: false,
        added_to_cluster,
        cluster_before,
    }))
}

/// The fields that a service and a new cluster of its share.
struct Replication<'a> {
    disabled: bool,
    status: &'a str,
    active_backend_id: Option<&'a str>,
    frozen: bool,
}

impl<'a> Replication<'a> {
    fn of_new(service: &NewService<'a>) -> Self {
        Self {
            disabled: service.disabled,
            status: service.replication_status,
            active_backend_id: service.active_backend_id,
            frozen: service.frozen,
        }
    }

    fn of_row(row: &'a ServiceRow) -> Self {
        Self {
            disabled: row.disabled.unwrap_or(false),
            status: row.replication_status.as_deref().unwrap_or(NOT_CAPABLE),
            active_backend_id: row.active_backend_id.as_deref(),
            frozen: row.frozen.unwrap_or(false),
        }
    }
}

/// Finds the cluster, or creates it from the service's fields.
///
/// Returns the row of one that existed; the service takes its fields over then. Another
/// member that creates it in between has won: its row is read.
fn ensure_cluster(
    native: &mut Native,
    name: &ClusterName,
    service: &Replication<'_>,
    now: Timestamp,
) -> Result<Option<Cluster>, DbError> {
    if let Some(cluster) = clusters::find(native, name.as_str(), BINARY)? {
        return Ok(Some(cluster));
    }
    let cluster = NewCluster {
        created_at: now,
        deleted: false,
        name: name.as_str(),
        binary: BINARY,
        disabled: service.disabled,
        race_preventer: 0,
        replication_status: service.status,
        active_backend_id: service.active_backend_id,
        frozen: service.frozen,
    };
    match clusters::insert(native, &cluster) {
        Ok(()) => Ok(None),
        Err(SqlError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            Ok(clusters::find_newest(native, name.as_str(), BINARY)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// A failed-over service keeps its own state for the operator to look at.
fn in_error(replication_status: Option<&str>) -> bool {
    matches!(replication_status, Some("error" | "failover-error"))
}

/// Gives every volume the uuid of the service that runs its back end.
///
/// Upstream does it for all volume services whenever one is created. Without a volume that
/// names a service there is nothing to correct, and N starting back ends need not look at
/// N rows each.
fn point_volumes_to_services(native: &mut Native, now: Timestamp) -> Result<(), DbError> {
    if !volumes::any_with_service(native)? {
        return Ok(());
    }
    for (host, uuid) in services::hosts(native, BINARY)? {
        if let (Some(host), Some(uuid)) = (host, uuid) {
            volumes::point_to_service(native, &host, &uuid, now)?;
        }
    }
    Ok(())
}

fn include_resources(
    native: &mut Native,
    wanted: &Registration,
    now: Timestamp,
) -> Result<Option<IncludedResources>, DbError> {
    let Some(cluster) = &wanted.cluster else { return Ok(None) };
    Ok(Some(clusters::include_resources(native, wanted.host.as_str(), cluster.as_str(), now)?))
}

/// Upstream's lines, which operators search for.
fn report(wanted: &Registration, registered: &Registered) {
    let host = wanted.host.as_str();
    let cluster = wanted.cluster.as_ref().map_or("None", ClusterName::as_str);
    if let Some(before) = &registered.cluster_before {
        let (before, not) = match before {
            ClusterBefore::Unclustered => ("None", ""),
            ClusterBefore::Kept(name) => (name.as_str(), "NOT "),
        };
        info!(
            target: "cinder.service",
            host,
            "This service has been moved from cluster {before} to {cluster}. \
             Resources will {not}be moved to the new cluster"
        );
    }
    if let Some(count) = &registered.added_to_cluster {
        info!(
            target: "cinder.volume.manager",
            host,
            "Including all resources from host {host} in cluster {cluster}."
        );
        info!(
            target: "cinder.volume.manager",
            host,
            "{} volumes, {} consistency groups, {} generic groups and {} image volume caches \
             from host {host} have been included in cluster {cluster}.",
            count.volumes, count.consistency_groups, count.groups, count.image_cache_entries
        );
    }
}

/// All live services, oldest first.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn list_services(connection: &mut Connection) -> Result<Vec<ServiceRow>, DbError> {
    connection.limited(|native| Ok(services::list(native)?))
}

/// Whether any volume exists, on whatever host; a driver wants to know at its start.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn any_volume(connection: &mut Connection) -> Result<bool, DbError> {
    connection.limited(|native| Ok(volumes::any(native)?))
}

/// The oldest versions that the live services of one binary speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumVersions {
    /// RPC API version.
    pub rpc: ApiVersion,
    /// Version of the versioned objects.
    pub object: ApiVersion,
}

/// Finds the versions to pin messages to; `None` if no such service exists.
///
/// # Errors
///
/// [`DbError::ServiceTooOld`] if one announces none, [`DbError::ServiceVersion`] if one
/// announces something unreadable.
pub fn minimum_versions(
    connection: &mut Connection,
    binary: &str,
) -> Result<Option<MinimumVersions>, DbError> {
    connection.limited(|native| minimum_of(native, binary))
}

fn minimum_of(native: &mut Native, binary: &str) -> Result<Option<MinimumVersions>, DbError> {
    let mut minimum: Option<MinimumVersions> = None;
    for (rpc, object) in services::distinct_versions(native, binary)? {
        let parsed = rpc.as_deref().map(str::parse).zip(object.as_deref().map(str::parse));
        let Some((Ok(rpc), Ok(object))) = parsed else {
            return Err(unusable_version(native, binary, rpc, object)?);
        };
        minimum = Some(match minimum {
            Some(so_far) => {
                MinimumVersions { rpc: so_far.rpc.min(rpc), object: so_far.object.min(object) }
            }
            None => MinimumVersions { rpc, object },
        });
    }
    Ok(minimum)
}

/// Says which service announces these versions, of which one is missing or unreadable.
fn unusable_version(
    native: &mut Native,
    binary: &str,
    rpc: Option<String>,
    object: Option<String>,
) -> Result<DbError, DbError> {
    let host = services::host_with_versions(native, binary, rpc.as_deref(), object.as_deref())?;
    let (binary, host) = (binary.to_owned(), host.unwrap_or_default());
    let unreadable = |text: &String| text.parse::<ApiVersion>().err();
    Ok(match (&rpc, &object) {
        (None, _) => DbError::ServiceTooOld { binary, host, what: "RPC" },
        (_, None) => DbError::ServiceTooOld { binary, host, what: "object" },
        (Some(rpc), Some(object)) => {
            let source = unreadable(rpc).or_else(|| unreadable(object));
            let source = source.expect("the caller could not read one of them");
            DbError::ServiceVersion { binary, host, source }
        }
    })
}
