//! Table `volumes`, as far as starting a service touches it.

use diesel::{dsl::exists, prelude::*, select};

use crate::{
    dialect::{Native, on_host},
    schema::volumes,
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
