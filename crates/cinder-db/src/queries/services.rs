//! Table `services`.

use diesel::prelude::*;

use crate::{
    changes::Rows,
    dialect::{Native, kept_update, on_host},
    rows::service::{NewService, ServiceRow, ServiceStart},
    schema::services,
    timestamp::Timestamp,
};

/// The live row of that host and binary; the oldest if a race left several.
pub(crate) fn find(
    native: &mut Native,
    host: &str,
    binary: &str,
) -> QueryResult<Option<ServiceRow>> {
    services::table
        .filter(of_binary(binary))
        .filter(on_host(native, services::host, host))
        .order(services::id.asc())
        .select(ServiceRow::as_select())
        .get_result(native)
        .optional()
}

/// The live row with that key.
pub(crate) fn row(native: &mut Native, id: i32) -> QueryResult<Option<ServiceRow>> {
    services::table
        .find(id)
        .filter(services::deleted.eq(false))
        .select(ServiceRow::as_select())
        .get_result(native)
        .optional()
}

/// The live row with that key, to be changed.
pub(crate) fn one(id: i32) -> Rows<services::table> {
    Rows::live(services::table, services::id, id)
}

/// All live rows, oldest first.
pub(crate) fn list(native: &mut Native) -> QueryResult<Vec<ServiceRow>> {
    services::table
        .filter(services::deleted.eq(false))
        .order(services::id.asc())
        .select(ServiceRow::as_select())
        .load(native)
}

/// Host and uuid of every live row of that binary.
pub(crate) fn hosts(
    native: &mut Native,
    binary: &str,
) -> QueryResult<Vec<(Option<String>, Option<String>)>> {
    services::table
        .filter(of_binary(binary))
        .order(services::id.asc())
        .select((services::host, services::uuid))
        .load(native)
}

/// Each pair of RPC and object version that live services of that binary announce, once.
pub(crate) fn distinct_versions(
    native: &mut Native,
    binary: &str,
) -> QueryResult<Vec<(Option<String>, Option<String>)>> {
    services::table
        .filter(of_binary(binary))
        .select((services::rpc_current_version, services::object_current_version))
        .distinct()
        .load(native)
}

/// The host of the oldest live service of that binary that announces these versions.
pub(crate) fn host_with_versions(
    native: &mut Native,
    binary: &str,
    rpc: Option<&str>,
    object: Option<&str>,
) -> QueryResult<Option<String>> {
    let mut query = services::table
        .filter(of_binary(binary))
        .order(services::id.asc())
        .select(services::host)
        .into_boxed();
    query = match rpc {
        Some(text) => query.filter(services::rpc_current_version.eq(text.to_owned())),
        None => query.filter(services::rpc_current_version.is_null()),
    };
    query = match object {
        Some(text) => query.filter(services::object_current_version.eq(text.to_owned())),
        None => query.filter(services::object_current_version.is_null()),
    };
    query.first(native).optional().map(Option::flatten)
}

/// Inserts a row and returns its key.
pub(crate) fn insert(native: &mut Native, service: &NewService<'_>) -> QueryResult<i32> {
    diesel::insert_into(services::table).values(service).execute(native)?;
    // The uuid is unique; asking for it works on every database, RETURNING does not.
    services::table.filter(services::uuid.eq(service.uuid)).select(services::id).get_result(native)
}

/// Writes what a start changes; `false` if the row is gone or soft-deleted.
pub(crate) fn start(native: &mut Native, id: i32, start: &ServiceStart<'_>) -> QueryResult<bool> {
    Ok(kept_update(services::table, live(id), start).execute(native)? != 0)
}

/// One beat; `false` if the row is gone or soft-deleted. SQLite gives the number of a row that is gone to the next new
/// one, so it counts only together with the host.
pub(crate) fn beat(
    native: &mut Native,
    id: i32,
    host: &str,
    availability_zone: &str,
    now: Timestamp,
) -> QueryResult<bool> {
    let changes = (
        services::report_count.eq(services::report_count + 1),
        services::availability_zone.eq(availability_zone),
        services::updated_at.eq(now),
    );
    let own = live(id).and(services::host.eq(host));
    Ok(kept_update(services::table, own, changes).execute(native)? != 0)
}

#[diesel::dsl::auto_type]
fn live(id: i32) -> _ {
    services::id.eq(id).and(services::deleted.eq(false))
}

#[diesel::dsl::auto_type]
fn of_binary<'a>(binary: &'a str) -> _ {
    services::deleted.eq(false).and(services::binary.eq(binary))
}
