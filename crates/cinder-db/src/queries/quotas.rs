//! Tables `quotas`, `quota_classes`, `quota_usages` and `reservations`.

use diesel::prelude::*;

use crate::{
    dialect::{Native, for_update, kept_update},
    rows::quota::{NewReservation, NewUsage, ReservationRow, UsageChange, UsageRow},
    schema::{quota_classes, quota_usages, quotas, reservations},
    timestamp::Timestamp,
};

/// A resource's limit as it is stored; NULL means what is stored elsewhere.
type Limit = (String, Option<i32>);

/// The same with the class before it.
type ClassLimit = (Option<String>, Option<String>, Option<i32>);

/// The limits that were set for a project itself.
pub(crate) fn project_limits(
    native: &mut Native,
    project_id: &str,
    resources: &[String],
) -> QueryResult<Vec<Limit>> {
    quotas::table
        .filter(quotas::deleted.eq(false))
        .filter(quotas::project_id.eq(project_id))
        .filter(quotas::resource.eq_any(resources))
        .select((quotas::resource, quotas::hard_limit))
        .load(native)
}

/// The limits of classes.
pub(crate) fn class_limits(
    native: &mut Native,
    classes: &[&str],
    resources: &[String],
) -> QueryResult<Vec<ClassLimit>> {
    quota_classes::table
        .filter(quota_classes::deleted.eq(false))
        .filter(quota_classes::class_name.eq_any(classes))
        .filter(quota_classes::resource.eq_any(resources))
        .select((quota_classes::class_name, quota_classes::resource, quota_classes::hard_limit))
        .load(native)
}

/// Locks a project's usages of these resources, in the order of their keys.
pub(crate) fn lock_usages(
    native: &mut Native,
    project_id: &str,
    resources: &[String],
) -> QueryResult<Vec<UsageRow>> {
    let query = quota_usages::table
        .filter(quota_usages::deleted.eq(false))
        .filter(quota_usages::project_id.eq(project_id))
        .filter(quota_usages::resource.eq_any(resources))
        .order(quota_usages::id.asc())
        .select(UsageRow::as_select());
    for_update(native, query).load(native)
}

/// Locks the usages with these keys, in the order of the keys.
pub(crate) fn lock_usages_by_id(native: &mut Native, ids: &[i32]) -> QueryResult<Vec<UsageRow>> {
    let query = quota_usages::table
        .filter(quota_usages::deleted.eq(false))
        .filter(quota_usages::id.eq_any(ids))
        .order(quota_usages::id.asc())
        .select(UsageRow::as_select());
    for_update(native, query).load(native)
}

pub(crate) fn insert_usage(native: &mut Native, usage: &NewUsage<'_>) -> QueryResult<()> {
    diesel::insert_into(quota_usages::table).values(usage).execute(native).map(drop)
}

pub(crate) fn update_usage(
    native: &mut Native,
    id: i32,
    change: &UsageChange,
) -> QueryResult<usize> {
    kept_update(quota_usages::table, quota_usages::id.eq(id), change).execute(native)
}

pub(crate) fn insert_reservation(
    native: &mut Native,
    reservation: &NewReservation<'_>,
) -> QueryResult<()> {
    diesel::insert_into(reservations::table).values(reservation).execute(native).map(drop)
}

/// The keys of the usages that live reservations with these uuids belong to.
pub(crate) fn usages_of(native: &mut Native, uuids: &[String]) -> QueryResult<Vec<i32>> {
    reservations::table
        .filter(reservations::deleted.eq(false))
        .filter(reservations::uuid.eq_any(uuids))
        .filter(reservations::usage_id.is_not_null())
        .select(reservations::usage_id.assume_not_null())
        .distinct()
        .load(native)
}

/// Locks the live reservations with these uuids.
pub(crate) fn lock_reservations(
    native: &mut Native,
    uuids: &[String],
) -> QueryResult<Vec<ReservationRow>> {
    let query = reservations::table
        .filter(reservations::deleted.eq(false))
        .filter(reservations::uuid.eq_any(uuids))
        .order(reservations::id.asc())
        .select(ReservationRow::as_select());
    for_update(native, query).load(native)
}

/// Soft-deletes reservations; their `updated_at` stays, as upstream leaves it.
pub(crate) fn delete_reservations(
    native: &mut Native,
    ids: &[i32],
    now: Timestamp,
) -> QueryResult<usize> {
    diesel::update(reservations::table)
        .filter(reservations::id.eq_any(ids))
        .set((reservations::deleted.eq(true), reservations::deleted_at.eq(now)))
        .execute(native)
}

/// Uuids of up to `most` live reservations that nobody settled before `now`.
pub(crate) fn expired(native: &mut Native, now: Timestamp, most: i64) -> QueryResult<Vec<String>> {
    reservations::table
        .filter(reservations::deleted.eq(false))
        .filter(reservations::expire.lt(now))
        .order(reservations::id.asc())
        .limit(most)
        .select(reservations::uuid)
        .load(native)
}
