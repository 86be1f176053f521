//! What a service looks at of all its volumes and snapshots at once: few columns of many rows.

use cinder_types::{SnapshotId, VolumeId};
use diesel::{dsl::count_star, prelude::*};

use crate::{
    dialect::{Native, on_host},
    rows::survey::{Of, Place, Stuck, VolumeName},
    schema::{snapshots, volumes, workers},
    timestamp::Timestamp,
};

/// Keys of live volumes with this status, by key.
pub(crate) fn volumes_of_status(
    native: &mut Native,
    of: Of<'_>,
    status: &str,
) -> QueryResult<Vec<VolumeId>> {
    let live = volumes::table.filter(volumes::deleted.eq(false)).order(volumes::id);
    let keys = live.filter(volumes::status.eq(status)).select(volumes::id);
    match of {
        Of::Host(host) => keys.filter(on_host(native, volumes::host, host)).load(native),
        Of::Cluster(name) => keys.filter(on_host(native, volumes::cluster_name, name)).load(native),
    }
}

/// The names that live volumes have, and their status.
pub(crate) fn volume_names(native: &mut Native, of: Of<'_>) -> QueryResult<Vec<VolumeName>> {
    let live = volumes::table.filter(volumes::deleted.eq(false)).order(volumes::id);
    let names = live.select(VolumeName::as_select());
    match of {
        Of::Host(host) => names.filter(on_host(native, volumes::host, host)).load(native),
        Of::Cluster(name) => {
            names.filter(on_host(native, volumes::cluster_name, name)).load(native)
        }
    }
}

/// Keys of live snapshots, and their status.
pub(crate) fn snapshot_names(
    native: &mut Native,
    of: Of<'_>,
) -> QueryResult<Vec<(SnapshotId, Option<String>)>> {
    let both = snapshots::table.inner_join(volumes::table.on(volumes::id.eq(snapshots::volume_id)));
    let live = both.filter(snapshots::deleted.eq(false)).order(snapshots::id);
    let names = live.select((snapshots::id, snapshots::status));
    match of {
        Of::Host(host) => names.filter(on_host(native, volumes::host, host)).load(native),
        Of::Cluster(name) => {
            names.filter(on_host(native, volumes::cluster_name, name)).load(native)
        }
    }
}

/// Live volumes with one of these statuses that nobody has an entry for, and that nobody has
/// changed since.
pub(crate) fn stuck_volumes(
    native: &mut Native,
    of: Of<'_>,
    statuses: &[&str],
    since: Timestamp,
    most: i64,
) -> QueryResult<Vec<Stuck>> {
    let entries = workers::table.filter(workers::deleted.eq(false)).select(workers::resource_id);
    let never = volumes::updated_at.is_null().and(volumes::created_at.le(since));
    let old = volumes::updated_at.le(since).or(never);
    let stuck = volumes::table
        .filter(volumes::deleted.eq(false))
        .filter(volumes::status.eq_any(statuses))
        .filter(old)
        .filter(volumes::id.ne_all(entries))
        .order(volumes::id)
        .limit(most)
        .select((volumes::id, volumes::status.assume_not_null()));
    match of {
        Of::Host(host) => stuck.filter(on_host(native, volumes::host, host)).load(native),
        Of::Cluster(name) => {
            stuck.filter(on_host(native, volumes::cluster_name, name)).load(native)
        }
    }
}

/// The same of snapshots.
pub(crate) fn stuck_snapshots(
    native: &mut Native,
    of: Of<'_>,
    statuses: &[&str],
    since: Timestamp,
    most: i64,
) -> QueryResult<Vec<Stuck>> {
    let entries = workers::table.filter(workers::deleted.eq(false)).select(workers::resource_id);
    let never = snapshots::updated_at.is_null().and(snapshots::created_at.le(since));
    let old = snapshots::updated_at.le(since).or(never);
    let both = snapshots::table.inner_join(volumes::table.on(volumes::id.eq(snapshots::volume_id)));
    let stuck = both
        .filter(snapshots::deleted.eq(false))
        .filter(snapshots::status.eq_any(statuses))
        .filter(old)
        .filter(snapshots::id.ne_all(entries))
        .order(snapshots::id)
        .limit(most)
        .select((snapshots::id, snapshots::status.assume_not_null()));
    match of {
        Of::Host(host) => stuck.filter(on_host(native, volumes::host, host)).load(native),
        Of::Cluster(name) => {
            stuck.filter(on_host(native, volumes::cluster_name, name)).load(native)
        }
    }
}

/// How many live volumes each host and cluster has; answered from few rows where hosts are few.
pub(crate) fn volumes_by_place(native: &mut Native) -> QueryResult<Vec<Place>> {
    volumes::table
        .filter(volumes::deleted.eq(false))
        .group_by((volumes::host, volumes::cluster_name))
        .select((volumes::host, volumes::cluster_name, count_star()))
        .load(native)
}
