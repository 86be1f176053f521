//! Table `volumes`, and a volume with what other tables know of it.

use cinder_types::VolumeId;
use diesel::{
    dsl::{exists, sum},
    prelude::*,
    select,
};

use crate::{
    changes::{Columns, Rows},
    dialect::{Native, among, for_update, on_host},
    rows::volume::{FirstPart, Of, Row, SecondPart},
    schema::{
        snapshots, transfers, volume_admin_metadata, volume_attachment, volume_glance_metadata,
        volume_metadata, volumes,
    },
    timestamp::Timestamp,
};

/// Whether any live volume exists, on whatever host.
pub(crate) fn any(native: &mut Native) -> QueryResult<bool> {
    select(exists(volumes::table.filter(volumes::deleted.eq(false)))).get_result(native)
}

/// Whether any volume, live or deleted, carries a service's uuid. Answered from an index.
pub(crate) fn any_with_service(native: &mut Native) -> QueryResult<bool> {
    select(exists(volumes::table.filter(volumes::service_uuid.gt("")))).get_result(native)
}

/// Points the volumes of back end `host` that name another service to `uuid`.
///
/// Volumes without a service keep none: `<>` is not true for NULL (`spec/schema.md §5.1`).
pub(crate) fn point_to_service(
    native: &mut Native,
    host: &str,
    uuid: &str,
    now: Timestamp,
) -> QueryResult<usize> {
    diesel::update(volumes::table)
        .filter(volumes::deleted.eq(false))
        .filter(on_host(native, volumes::host, host))
        .filter(volumes::service_uuid.ne(uuid))
        .set((volumes::service_uuid.eq(uuid), volumes::updated_at.eq(now)))
        .execute(native)
}

/// The row with that key, live or deleted.
pub(crate) fn row(native: &mut Native, id: &str) -> QueryResult<Option<Row>> {
    let parts: Option<(FirstPart, SecondPart)> = volumes::table
        .filter(volumes::id.eq(id))
        .select((FirstPart::as_select(), SecondPart::as_select()))
        .get_result(native)
        .optional()?;
    Ok(parts.map(Row::from))
}

/// The live rows with these keys, in any order.
pub(crate) fn live_rows(native: &mut Native, ids: &[VolumeId]) -> QueryResult<Vec<Row>> {
    let parts: Vec<(FirstPart, SecondPart)> = volumes::table
        .filter(volumes::deleted.eq(false))
        .filter(among(volumes::id, ids.iter().map(VolumeId::as_str)))
        .select((FirstPart::as_select(), SecondPart::as_select()))
        .load(native)?;
    Ok(parts.into_iter().map(Row::from).collect())
}

/// Keys of live volumes, youngest first.
pub(crate) fn ids(native: &mut Native, of: Of<'_>) -> QueryResult<Vec<VolumeId>> {
    let query = volumes::table
        .filter(volumes::deleted.eq(false))
        .order((volumes::created_at.desc(), volumes::id.desc()))
        .select(volumes::id)
        .into_boxed();
    match of {
        Of::Host(host) => query.filter(on_host(native, volumes::host, host)),
        Of::Cluster(name) => query.filter(on_host(native, volumes::cluster_name, name)),
        Of::Group(group) => query.filter(volumes::group_id.eq(group.as_str())),
    }
    .load(native)
}

/// The GiB of live volumes, by host with its pool.
pub(crate) fn gigabytes(
    native: &mut Native,
    of: Of<'_>,
) -> QueryResult<Vec<(Option<String>, Option<i64>)>> {
    let live = volumes::table.filter(volumes::deleted.eq(false));
    let sums = (volumes::host, sum(volumes::size));
    match of {
        Of::Host(host) => {
            let ours = on_host(native, volumes::host, host);
            live.filter(ours).group_by(volumes::host).select(sums).load(native)
        }
        Of::Cluster(name) => {
            let ours = on_host(native, volumes::cluster_name, name);
            live.filter(ours).group_by(volumes::host).select(sums).load(native)
        }
        Of::Group(group) => {
            let ours = volumes::group_id.eq(group.as_str());
            live.filter(ours).group_by(volumes::host).select(sums).load(native)
        }
    }
}

/// The live volume with that key, whose row stays locked until the end of the transaction.
pub(crate) fn lock(native: &mut Native, id: &str) -> QueryResult<Option<Row>> {
    let query = volumes::table
        .filter(volumes::id.eq(id))
        .filter(volumes::deleted.eq(false))
        .select((FirstPart::as_select(), SecondPart::as_select()));
    let parts: Option<(FirstPart, SecondPart)> =
        for_update(native, query).get_result(native).optional()?;
    Ok(parts.map(Row::from))
}

/// The live volume with that key.
pub(crate) fn live(id: &str) -> Rows<volumes::table> {
    Rows::live(volumes::table, volumes::id, id)
}

/// Soft-deletes a volume and what belongs to it (`spec/schema.md §5.3`); returns whether it was
/// live.
///
/// The same moment everywhere, every `updated_at` as it was. Snapshots keep their status.
pub(crate) fn delete(native: &mut Native, id: &str, now: Timestamp) -> QueryResult<bool> {
    let columns = Columns::new()
        .with(volumes::status, "deleted")
        .with(volumes::migration_status, None::<String>);
    let rows = live(id).delete(native, columns, now)?;
    /// The live rows of a table that name the volume.
    macro_rules! delete_of {
        ($($table:ident)+) => {$(
            Rows::live($table::table, $table::volume_id, id).delete(native, Columns::new(), now)?;
        )+};
    }
    delete_of! { volume_metadata volume_admin_metadata snapshots transfers }
    delete_of! { volume_glance_metadata volume_attachment }
    Ok(rows != 0)
}
