//! Promising a project more, or less, of some resources.
//!
//! Steps: lock the usages; if some do not exist, let go, make them, and begin again; count anew
//! what is due; compare with the limits; write. Nothing is written before everything has been
//! compared, so a refusal changes nothing.

use std::collections::HashMap;

use diesel::result::{DatabaseErrorKind, Error as SqlError};
use tracing::warn;
use uuid::Uuid;

use super::request::{Change, Counted, Error, Request, Resource, Rules, State};
use crate::{
    connection::Connection,
    dialect::{self, Native},
    error::{DbError, Fault},
    queries::{
        quota_counts::{self, Count},
        quotas,
    },
    retry,
    rows::quota::{NewReservation, NewUsage, UsageChange, UsageRow},
    timestamp::Timestamp,
};

/// How often missing usages are made before something must be wrong: somebody deletes them as
/// fast, or the database takes the names of two resources for the same.
const ROUNDS: u32 = 5;

/// What one attempt came to.
enum Attempt {
    Reserved(Vec<String>),
    /// Those resources that have no usage yet.
    Missing(Vec<Resource>),
    Refused(Error),
}

/// Reserves all changes of a request or none; returns the uuids of the reservations.
///
/// A limit forbids only to become more: a project that is over it may still free something.
///
/// # Errors
///
/// [`Error`].
pub fn reserve(connection: &mut Connection, request: &Request<'_>) -> Result<Vec<String>, Error> {
    let native = connection.native()?;
    for _ in 0..ROUNDS {
        match retry::on_deadlock(|| attempt(native, request, Timestamp::now()))? {
            Attempt::Reserved(uuids) => return Ok(uuids),
            Attempt::Refused(error) => return Err(error),
            Attempt::Missing(resources) => {
                for resource in &resources {
                    retry::on_deadlock(|| create(native, request, resource))?;
                }
            }
        }
    }
    let source = "rows of table quota_usages vanish as fast as they are made".into();
    Err(DbError::Query { fault: Fault::Constraint, source }.into())
}

fn attempt(native: &mut Native, request: &Request<'_>, now: Timestamp) -> Result<Attempt, DbError> {
    dialect::write_transaction(native, |native| {
        let names: Vec<_> =
            request.changes.iter().map(|change| change.resource.name.clone()).collect();
        let before = quotas::lock_usages(native, request.project_id, &names)?;
        let mut found: HashMap<_, _> =
            before.into_iter().filter_map(|row| Some((row.resource.clone()?, row))).collect();
        let mut usages = Vec::with_capacity(names.len());
        let mut missing = Vec::new();
        for Change { resource, .. } in request.changes {
            match found.remove(&resource.name) {
                Some(row) => usages.push((row.clone(), row)),
                None => missing.push(resource.clone()),
            }
        }
        if !missing.is_empty() {
            return Ok(Attempt::Missing(missing));
        }
        for (change, (_, usage)) in request.changes.iter().zip(&mut usages) {
            refresh(native, request, &change.resource, usage, now)?;
        }
        let after: Vec<_> = usages.iter().map(|(_, usage)| usage).collect();
        if let Some(refusal) = refusal(request, &after) {
            return Ok(Attempt::Refused(refusal));
        }
        warn_of_too_little(request, &after);
        write(native, request, usages, now).map(Attempt::Reserved)
    })
}

/// Makes the usage of a resource, from what is really there; somebody else may have been faster.
fn create(native: &mut Native, request: &Request<'_>, resource: &Resource) -> Result<(), DbError> {
    let made = dialect::write_transaction(native, |native| {
        let usage = NewUsage {
            created_at: Timestamp::now(),
            deleted: false,
            project_id: request.project_id,
            resource: resource.name(),
            in_use: count(native, request, resource)?,
            reserved: 0,
            until_refresh: positive(request.rules.until_refresh),
            race_preventer: true,
        };
        // Left by its error, the transaction is rolled back as PostgreSQL wants it.
        Ok(quotas::insert_usage(native, &usage)?)
    });
    match made {
        Err(DbError::Query { source, .. }) if is_duplicate(&*source) => Ok(()),
        done => done,
    }
}

fn is_duplicate(source: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(
        source.downcast_ref(),
        Some(SqlError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
    )
}

/// Counts a usage anew if that is due, and keeps the countdown to the next time.
fn refresh(
    native: &mut Native,
    request: &Request<'_>,
    resource: &Resource,
    usage: &mut UsageRow,
    now: Timestamp,
) -> Result<(), DbError> {
    let rules = &request.rules;
    let due = count_down(rules, usage, now);
    if due {
        usage.in_use = count(native, request, resource)?;
    }
    let (left, start) = (usage.until_refresh, positive(rules.until_refresh));
    // The option may have been switched on or off, or lowered.
    if due || (left.is_none() && start.is_some()) || left.unwrap_or(0) > start.unwrap_or(0) {
        usage.until_refresh = start;
    }
    Ok(())
}

/// Whether to count anew: out of step, the countdown is over, or too old.
fn count_down(rules: &Rules, usage: &mut UsageRow, now: Timestamp) -> bool {
    if usage.in_use < 0 {
        return true;
    }
    if let Some(left) = &mut usage.until_refresh {
        *left -= 1;
        return *left <= 0;
    }
    let written = usage.updated_at.filter(|_| !rules.max_age.is_zero());
    written.is_some_and(|written| now.since(written) >= rules.max_age)
}

fn positive(number: i32) -> Option<i32> {
    (number != 0).then_some(number)
}

fn count(native: &mut Native, request: &Request<'_>, resource: &Resource) -> Result<i32, DbError> {
    let (project, of_type) = (request.project_id, resource.volume_type_id.as_deref());
    let counted = match resource.counted {
        Counted::Volumes => quota_counts::volumes(native, project, of_type)?.number,
        Counted::Snapshots => quota_counts::snapshots(native, project, of_type)?.number,
        Counted::Gigabytes => {
            let volumes = quota_counts::volumes(native, project, of_type)?.gigabytes;
            let snapshots = match request.rules.snapshots_are_free {
                true => Count { number: 0, gigabytes: 0 },
                false => quota_counts::snapshots(native, project, of_type)?,
            };
            volumes + snapshots.gigabytes
        }
        Counted::Backups => quota_counts::backups(native, project)?.number,
        Counted::BackupGigabytes => quota_counts::backups(native, project)?.gigabytes,
        Counted::Groups => quota_counts::groups(native, project)?,
    };
    Ok(i32::try_from(counted).unwrap_or(i32::MAX))
}

/// Compares with what the columns hold first, then with the limits, as upstream does.
fn refusal(request: &Request<'_>, usages: &[&UsageRow]) -> Option<Error> {
    let total = |usage: &UsageRow, delta: i32| {
        i64::from(usage.in_use) + i64::from(usage.reserved) + i64::from(delta)
    };
    let states = |exceeded: &dyn Fn(&UsageRow, i32, i32) -> bool| {
        let changes = request.changes.iter().zip(usages);
        let states = changes.map(|(change, usage)| State {
            resource: change.resource.name.clone(),
            limit: change.limit,
            in_use: usage.in_use,
            reserved: usage.reserved,
            delta: change.delta,
            exceeded: exceeded(usage, change.delta, change.limit),
        });
        let states: Vec<_> = states.collect();
        states.iter().any(|state| state.exceeded).then_some(states)
    };
    let largest = i64::from(i32::MAX);
    // `in_use` is not negative: such a one has been counted anew.
    let overflow = states(&|usage, delta, _| delta > 0 && total(usage, delta) > largest);
    if let Some(states) = overflow {
        return Some(Error::Overflow { states });
    }
    let over = states(&|usage, delta, limit| {
        limit >= 0 && delta >= 0 && i64::from(limit) < total(usage, delta)
    });
    over.map(|states| Error::Over { states })
}

fn warn_of_too_little(request: &Request<'_>, usages: &[&UsageRow]) {
    let changes = request.changes.iter().zip(usages);
    let names: Vec<_> = changes
        // `in_use` is not negative, so nothing but a negative change comes to less.
        .filter(|(change, usage)| change.delta.saturating_add(usage.in_use) < 0)
        .map(|(change, _)| change.resource.name())
        .collect();
    if !names.is_empty() {
        // Upstream's words, which operators search for.
        warn!(
            target: "cinder.db.api",
            "Reservation would make usage less than 0 for the following resources, so on commit \
             they will be limited to prevent going below 0: {names:?}"
        );
    }
}

fn write(
    native: &mut Native,
    request: &Request<'_>,
    usages: Vec<(UsageRow, UsageRow)>,
    now: Timestamp,
) -> Result<Vec<String>, DbError> {
    let mut uuids = Vec::with_capacity(usages.len());
    for (change, (before, mut usage)) in request.changes.iter().zip(usages) {
        let uuid = Uuid::new_v4().to_string();
        quotas::insert_reservation(
            native,
            &NewReservation {
                created_at: now,
                deleted: false,
                uuid: &uuid,
                usage_id: usage.id,
                project_id: request.project_id,
                resource: change.resource.name(),
                delta: change.delta,
                expire: now.plus(request.expire_after),
            },
        )?;
        // What will be freed stays used until it is: the operation may fail.
        usage.reserved += change.delta.max(0);
        if usage != before {
            quotas::update_usage(native, usage.id, &changed(&usage, now))?;
        }
        uuids.push(uuid);
    }
    Ok(uuids)
}

pub(super) fn changed(usage: &UsageRow, now: Timestamp) -> UsageChange {
    UsageChange {
        updated_at: now,
        in_use: usage.in_use,
        reserved: usage.reserved,
        until_refresh: usage.until_refresh,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn usage(in_use: i32, reserved: i32) -> UsageRow {
        let resource = Some("volumes".to_owned());
        UsageRow { id: 1, resource, in_use, reserved, until_refresh: None, updated_at: None }
    }

    fn refused(usage: &UsageRow, delta: i32, limit: i32) -> Option<Error> {
        let resource = Resource::all(Counted::Volumes);
        let changes = [Change { resource, delta, limit }];
        let (expire_after, rules) = (Duration::ZERO, Rules::default());
        refusal(&Request { project_id: "p", changes: &changes, expire_after, rules }, &[usage])
    }

    #[test]
    fn a_limit_of_nothing_is_one_and_a_change_of_nothing_is_measured_by_it() {
        for (in_use, reserved, delta, limit, over) in [
            (0, 0, 1, 0, true),
            (0, 0, 0, 0, false),
            (1, 0, 0, 0, true),
            (0, 1, 0, 0, true),
            (3, 1, 1, 5, false),
            (3, 1, 2, 5, true),
            (5, 0, 0, 4, true),
            (5, 0, -1, 2, false),
            (5, 0, 1, -1, false),
            (5, 0, 1, -2, false),
        ] {
            let refusal = refused(&usage(in_use, reserved), delta, limit);
            let case = (in_use, reserved, delta, limit);
            assert_eq!(matches!(refusal, Some(Error::Over { .. })), over, "{case:?}");
            assert_eq!(refusal.is_some(), over, "{case:?}");
        }
    }

    #[test]
    fn what_the_columns_hold_limits_only_what_becomes_more() {
        const MAX: i32 = i32::MAX;
        for (in_use, reserved, delta, overflows) in [
            (MAX - 1, 0, 1, false),
            (MAX, 0, 1, true),
            (MAX - 1, 1, 1, true),
            (MAX, 5, 0, false),
            (MAX, 5, -1, false),
        ] {
            let refusal = refused(&usage(in_use, reserved), delta, -1);
            let case = (in_use, reserved, delta);
            assert_eq!(matches!(refusal, Some(Error::Overflow { .. })), overflows, "{case:?}");
        }
    }

    #[test]
    fn usages_are_counted_anew_at_the_end_of_a_countdown_or_of_a_time() {
        let written = Timestamp::parse("2026-01-02 03:04:05").unwrap();
        let rules = Rules { max_age: Duration::from_secs(60), ..Rules::default() };
        for (in_use, left, age, rules, due) in [
            (-1, None, None, Rules::default(), true),
            (0, None, None, Rules::default(), false),
            (0, Some(2), None, Rules::default(), false),
            (0, Some(1), None, Rules::default(), true),
            (0, Some(0), None, Rules::default(), true),
            (0, None, Some(59), rules, false),
            (0, None, Some(60), rules, true),
            (0, None, Some(9_999_999), Rules::default(), false),
            (0, None, None, rules, false),
            (0, Some(9), Some(60), rules, false),
        ] {
            let now = written.plus(Duration::from_secs(age.unwrap_or(0)));
            let updated_at = age.map(|_| written);
            let mut usage = UsageRow { until_refresh: left, updated_at, ..usage(in_use, 0) };
            let case = format!("{usage:?} {rules:?}");
            assert_eq!(count_down(&rules, &mut usage, now), due, "{case}");
        }
    }
}
