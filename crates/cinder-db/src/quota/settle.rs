//! Ending reservations: what was promised is used, or is not.

use super::reserve::changed;
use crate::{
    connection::Connection,
    dialect::{self, Native},
    error::DbError,
    queries::quotas,
    retry,
    rows::quota::UsageRow,
    timestamp::Timestamp,
};

/// How many expired reservations are rolled back in one transaction.
const BATCH: i64 = 500;

/// Makes the changes real that were reserved under these uuids.
///
/// Those that were settled or have expired meanwhile are left out; upstream does the same.
///
/// # Errors
///
/// [`DbError::Query`]; nothing has changed then. Upstream logs it and goes on.
pub fn commit(connection: &mut Connection, uuids: &[String]) -> Result<(), DbError> {
    settle(connection.native()?, uuids, grant).map(drop)
}

/// Takes back what was reserved under these uuids.
///
/// # Errors
///
/// As [`commit`].
pub fn roll_back(connection: &mut Connection, uuids: &[String]) -> Result<(), DbError> {
    settle(connection.native()?, uuids, release).map(drop)
}

/// Rolls back all reservations that were to be settled before `now`; returns how many.
///
/// In a full cloud the scheduler does it, once a day; a volume service never has to.
///
/// # Errors
///
/// As [`commit`]; batches before the failure stay done.
pub fn expire(connection: &mut Connection, now: Timestamp) -> Result<usize, DbError> {
    let native = connection.native()?;
    let mut all = 0;
    loop {
        let uuids = quotas::expired(native, now, BATCH)?;
        if uuids.is_empty() {
            return Ok(all);
        }
        all += settle(native, &uuids, release)?;
    }
}

fn grant(usage: &mut UsageRow, delta: i32) {
    release(usage, delta);
    usage.in_use = usage.in_use.saturating_add(delta);
    if delta < 0 {
        // It may have been counted too low before.
        usage.in_use = usage.in_use.max(0);
    }
}

fn release(usage: &mut UsageRow, delta: i32) {
    if delta >= 0 {
        usage.reserved -= delta.min(usage.reserved);
    }
}

/// Applies each live reservation to its usage and soft-deletes it.
fn settle(
    native: &mut Native,
    uuids: &[String],
    apply: fn(&mut UsageRow, i32),
) -> Result<usize, DbError> {
    if uuids.is_empty() {
        return Ok(0);
    }
    retry::on_deadlock(|| {
        dialect::write_transaction(native, |native| settle_within(native, uuids, apply))
    })
}

/// Makes the changes real that were reserved under these uuids, in a transaction with what they are
/// for: a crash leaves both or neither.
pub(crate) fn commit_within(native: &mut Native, uuids: &[String]) -> Result<(), DbError> {
    if uuids.is_empty() {
        return Ok(());
    }
    settle_within(native, uuids, grant).map(drop)
}

fn settle_within(
    native: &mut Native,
    uuids: &[String],
    apply: fn(&mut UsageRow, i32),
) -> Result<usize, DbError> {
    let now = Timestamp::now();
    let mut ids = quotas::usages_of(native, uuids)?;
    ids.sort_unstable();
    let before = quotas::lock_usages_by_id(native, &ids)?;
    let mut after = before.clone();
    let reservations = quotas::lock_reservations(native, uuids)?;
    for reservation in &reservations {
        // Without a usage, which an operator may have removed, there is nothing to change.
        let usage = after.iter_mut().find(|usage| Some(usage.id) == reservation.usage_id);
        if let Some(usage) = usage {
            apply(usage, reservation.delta);
        }
    }
    for (usage, before) in after.iter().zip(&before) {
        if usage != before {
            quotas::update_usage(native, usage.id, &changed(usage, now))?;
        }
    }
    let ids: Vec<_> = reservations.iter().map(|reservation| reservation.id).collect();
    Ok(quotas::delete_reservations(native, &ids, now)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_granted_is_no_longer_reserved_and_what_is_freed_ends_at_nothing() {
        for (before, delta, after) in [
            ((5, 2), 2, (7, 0)),
            ((5, 2), 3, (8, 0)),
            ((5, 2), -2, (3, 2)),
            ((5, 2), -6, (0, 2)),
            // Only what is freed puts such a one right.
            ((-1, 2), 0, (-1, 2)),
        ] {
            let (in_use, reserved) = before;
            let (resource, until_refresh, updated_at) = (None, None, None);
            let mut usage =
                UsageRow { id: 1, resource, in_use, reserved, until_refresh, updated_at };
            grant(&mut usage, delta);
            assert_eq!((usage.in_use, usage.reserved), after, "{before:?} {delta}");
        }
    }
}
