//! Table `workers`.
//!
//! One row does not belong to any operation: `SENTINEL`, which upstream's migrations leave there.
//! Rows are deleted for good; still `deleted` is looked at, as upstream does.

use diesel::{
    prelude::*,
    sql_types::{Bool, Nullable},
};

use crate::{
    dialect::{MultiBackend, Native, kept_update},
    rows::worker::{NewWorker, WorkerRow},
    schema::workers,
    timestamp::Timestamp,
};

/// The resource type of the row that is none.
const SENTINEL: &str = "SENTINEL";

/// Rows of operations.
#[diesel::dsl::auto_type]
fn live() -> _ {
    let sentinel: &'static str = SENTINEL;
    workers::deleted.eq(false).and(workers::resource_type.ne(sentinel))
}

/// The row of one resource.
pub(crate) fn find(
    native: &mut Native,
    resource_type: &str,
    resource_id: &str,
) -> QueryResult<Option<WorkerRow>> {
    workers::table
        .filter(live())
        .filter(workers::resource_type.eq(resource_type))
        .filter(workers::resource_id.eq(resource_id))
        .select(WorkerRow::as_select())
        .get_result(native)
        .optional()
}

/// Which rows a cleanup looks at; `None` means any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) resource_type: Option<&'a str>,
    pub(crate) resource_id: Option<&'a str>,
    pub(crate) service_id: Option<i32>,
    pub(crate) until: Timestamp,
}

/// All such rows, oldest first.
pub(crate) fn list(native: &mut Native, wanted: Wanted<'_>) -> QueryResult<Vec<WorkerRow>> {
    let mut query = workers::table
        .filter(live())
        .filter(workers::updated_at.le(wanted.until))
        .order(workers::id.asc())
        .select(WorkerRow::as_select())
        .into_boxed();
    if let Some(resource_type) = wanted.resource_type {
        query = query.filter(workers::resource_type.eq(resource_type));
    }
    if let Some(resource_id) = wanted.resource_id {
        query = query.filter(workers::resource_id.eq(resource_id));
    }
    if let Some(service_id) = wanted.service_id {
        query = query.filter(workers::service_id.eq(service_id));
    }
    query.load(native)
}

/// Inserts a row and returns its key.
pub(crate) fn insert(native: &mut Native, worker: &NewWorker<'_>) -> QueryResult<i32> {
    diesel::insert_into(workers::table).values(worker).execute(native)?;
    workers::table
        .filter(workers::resource_type.eq(worker.resource_type))
        .filter(workers::resource_id.eq(worker.resource_id))
        .select(workers::id)
        .get_result(native)
}

/// Gives the row of a resource to nobody; `false` if there is none.
pub(crate) fn reset(
    native: &mut Native,
    resource_type: &str,
    resource_id: &str,
    status: &str,
    now: Timestamp,
) -> QueryResult<bool> {
    let rows = diesel::update(workers::table)
        .filter(live())
        .filter(workers::resource_type.eq(resource_type))
        .filter(workers::resource_id.eq(resource_id))
        .set((
            workers::service_id.eq(None::<i32>),
            workers::status.eq(status),
            workers::updated_at.eq(now),
            workers::race_preventer.eq(workers::race_preventer + 1),
        ))
        .execute(native)?;
    Ok(rows != 0)
}

/// What a row has to be.
type Condition<'a> =
    Box<dyn BoxableExpression<workers::table, MultiBackend, SqlType = Nullable<Bool>> + 'a>;

/// How the time in a row has to stand to the one that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    Same,
    NotLater,
}

/// Turns a row into `taken` if it is still as `seen`; `false` if somebody was faster.
///
/// What was NULL is not compared, as upstream does not: `race_preventer` tells enough.
pub(crate) fn take(
    native: &mut Native,
    seen: &WorkerRow,
    time: Time,
    taken: &WorkerRow,
) -> QueryResult<bool> {
    let mut still: Condition<'_> = Box::new(
        live()
            .and(workers::id.eq(seen.id))
            .and(workers::status.eq(&seen.status))
            .and(workers::race_preventer.eq(seen.race_preventer)),
    );
    if let Some(service_id) = seen.service_id {
        still = Box::new(still.and(workers::service_id.eq(service_id)));
    }
    if let Some(updated_at) = seen.updated_at {
        still = match time {
            Time::Same => Box::new(still.and(workers::updated_at.eq(updated_at))),
            Time::NotLater => Box::new(still.and(workers::updated_at.le(updated_at))),
        };
    }
    let columns = (
        workers::service_id.eq(taken.service_id),
        workers::status.eq(&taken.status),
        workers::updated_at.eq(taken.updated_at),
        workers::race_preventer.eq(taken.race_preventer),
    );
    Ok(kept_update(workers::table, still, columns).execute(native)? != 0)
}

/// Writes back whose the row was and since when.
pub(crate) fn hand_back(
    native: &mut Native,
    id: i32,
    service_id: Option<i32>,
    updated_at: Option<Timestamp>,
) -> QueryResult<bool> {
    let rows = diesel::update(workers::table)
        .filter(live())
        .filter(workers::id.eq(id))
        .set((
            workers::service_id.eq(service_id),
            workers::updated_at.eq(updated_at),
            workers::race_preventer.eq(workers::race_preventer + 1),
        ))
        .execute(native)?;
    Ok(rows != 0)
}

/// Deletes a row for good if it is still this service's and in this status.
pub(crate) fn delete(native: &mut Native, worker: &WorkerRow) -> QueryResult<bool> {
    let mut delete = diesel::delete(workers::table)
        .filter(live())
        .filter(workers::id.eq(worker.id))
        .filter(workers::status.eq(&worker.status))
        .into_boxed();
    if let Some(service_id) = worker.service_id {
        delete = delete.filter(workers::service_id.eq(service_id));
    }
    Ok(delete.execute(native)? != 0)
}
