//! One function of this crate, one transaction: how the operations on resources run.
//!
//! Must not: repeat what may have happened. Only a deadlock is repeated, because the database
//! says itself that it undid everything.

use std::collections::BTreeMap;

use diesel::QueryResult;

use crate::{
    changes::{Changes, Rows},
    connection::Connection,
    dialect::{self, Native},
    error::DbError,
    retry,
    timestamp::Timestamp,
};

/// Runs a body that writes; again, up to five times, as long as it ends in a deadlock.
pub(crate) fn write<T>(
    connection: &mut Connection,
    mut body: impl FnMut(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    let native = connection.native()?;
    retry::on_deadlock(|| dialect::write_transaction(native, &mut body))
}

/// Runs a body of one statement that writes; such a one is a transaction by itself.
pub(crate) fn single<T>(
    connection: &mut Connection,
    mut body: impl FnMut(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    let native = connection.native()?;
    retry::on_deadlock(|| body(native))
}

/// Runs a body that reads from several tables, which it sees as they were at one moment.
pub(crate) fn read<T>(
    connection: &mut Connection,
    body: impl FnOnce(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    dialect::read_transaction(connection.native()?, body)
}

/// Makes a change of the row with that key, of which there has to be one, if it changes anything.
pub(crate) fn change<C: Changes>(
    connection: &mut Connection,
    (what, id): (&'static str, &str),
    row: &Rows<C::Table>,
    change: &C,
) -> Result<(), DbError> {
    match change_all(connection, row, change)? {
        Some(rows) => found(rows, what, id),
        None => Ok(()),
    }
}

/// Makes a change of rows and returns how many they were, if it changes anything.
pub(crate) fn change_all<C: Changes>(
    connection: &mut Connection,
    rows: &Rows<C::Table>,
    change: &C,
) -> Result<Option<usize>, DbError> {
    let Some(columns) = change.columns() else { return Ok(None) };
    let now = Timestamp::now();
    single(connection, |native| Ok(Some(rows.update(native, &columns, now)?)))
}

/// How many rows one statement asks for by their keys: databases limit how many values one may carry.
const BATCH: usize = 500;

/// Reads what belongs to these keys, in their order and in portions that one statement can carry.
///
/// `rows` finds those of a portion in any order, `key` tells which is which, `complete` adds what
/// other tables know.
pub(crate) fn by_keys<K: Ord, R, T>(
    native: &mut Native,
    keys: &[K],
    rows: impl Fn(&mut Native, &[K]) -> QueryResult<Vec<R>>,
    key: impl Fn(&R) -> &K,
    complete: impl Fn(&mut Native, Vec<R>) -> Result<Vec<T>, DbError>,
) -> Result<Vec<T>, DbError> {
    let mut all = Vec::with_capacity(keys.len());
    for portion in keys.chunks(BATCH) {
        let place: BTreeMap<_, _> = portion.iter().zip(0..).collect();
        let mut found = rows(native, portion)?;
        found.sort_by_key(|row| place.get(key(row)).copied().unwrap_or(usize::MAX));
        all.append(&mut complete(native, found)?);
    }
    Ok(all)
}

/// Turns the answer of an UPDATE by key into an error if there was no such live row.
pub(crate) fn found(rows: usize, what: &'static str, id: &str) -> Result<(), DbError> {
    match rows {
        0 => Err(DbError::NotFound { what, id: id.to_owned() }),
        _ => Ok(()),
    }
}

/// Turns the answer of a query by key into an error if there was no such live row.
pub(crate) fn required<T>(row: Option<T>, what: &'static str, id: &str) -> Result<T, DbError> {
    row.ok_or_else(|| DbError::NotFound { what, id: id.to_owned() })
}
