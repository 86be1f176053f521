//! The entries in table `workers` by which operations outlive a crash (`spec/schema.md` §7).
//!
//! Must not: know what an operation does, or read the resources. Whoever sends an operation
//! announces it; the service that carries it out claims the entry and removes it at the end. What
//! is left after a crash says which resources are stuck, and a cleanup claims those entries one by
//! one, so that of two services that clean up only one touches a resource.
//!
//! Every step is one statement that finds the row as it was last seen or changes nothing. A step
//! that came too late returns `None` or `false`: that is a race lost, not an error.

use std::fmt;

use cinder_types::ServiceId;
use diesel::result::{DatabaseErrorKind, Error as SqlError};

use crate::{
    connection::Connection,
    dialect::Native,
    error::{DbError, Fault},
    queries::workers::{self, Time, Wanted},
    retry,
    rows::worker::{NewWorker, WorkerRow},
    timestamp::Timestamp,
};

/// How often an entry is made or taken over before something must be wrong.
const ROUNDS: u32 = 5;

/// A kind of resource whose operations a volume service cleans up after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A volume.
    Volume,
    /// A snapshot.
    Snapshot,
}

impl Kind {
    /// The name in the column `resource_type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Volume => "Volume",
            Self::Snapshot => "Snapshot",
        }
    }

    fn of(text: &str) -> Option<Self> {
        [Self::Volume, Self::Snapshot].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A resource with the status that an operation has given it; `cinder_types::status` says for which
/// statuses there are entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleanable<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: &'a str,
    /// Its status, as in `deleting`.
    pub status: &'a str,
}

/// An entry as this service knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    row: WorkerRow,
}

impl Entry {
    /// What it is about; `None` for a kind that other services clean up.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::of(&self.row.resource_type)
    }

    /// The resource's id.
    #[must_use]
    pub fn resource_id(&self) -> &str {
        &self.row.resource_id
    }

    /// The status that the operation has given the resource.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.row.status
    }

    /// The service that claimed it.
    #[must_use]
    pub fn service(&self) -> Option<ServiceId> {
        self.row.service_id.map(ServiceId::new)
    }
}

/// Announces an operation before it is sent to a service that is to claim it.
///
/// An entry that is left from an earlier operation becomes this one's and nobody's.
pub fn announce(connection: &mut Connection, resource: &Cleanable<'_>) -> Result<(), DbError> {
    let native = connection.native()?;
    let (kind, id) = (resource.kind.as_str(), resource.id);
    // It goes around again only if the entry is removed between the two statements, which nobody
    // does time and again.
    for _ in 0..ROUNDS {
        let now = Timestamp::now();
        if insert(native, resource, None, now)?.is_some()
            || retry::on_deadlock(|| Ok(workers::reset(native, kind, id, resource.status, now)?))?
        {
            return Ok(());
        }
    }
    let source = "a row of table workers is in the way that is marked as deleted".into();
    Err(DbError::Query { fault: Fault::Constraint, source })
}

/// Claims the entry of an operation that begins here, or makes one.
///
/// `None` if another operation on the resource was faster: this one must not begin.
pub fn claim(
    connection: &mut Connection,
    resource: &Cleanable<'_>,
    me: ServiceId,
) -> Result<Option<Entry>, DbError> {
    let native = connection.native()?;
    match workers::find(native, resource.kind.as_str(), resource.id)? {
        Some(row) => take_over(native, row, resource.status, me),
        None => insert(native, resource, Some(me), Timestamp::now()),
    }
}

/// Lets the entry follow a new status of the resource, before the resource gets it.
///
/// `None` if the entry is no longer this operation's, which must not go on then.
pub fn follow_status(
    connection: &mut Connection,
    entry: Entry,
    status: &str,
    me: ServiceId,
) -> Result<Option<Entry>, DbError> {
    take_over(connection.native()?, entry.row, status, me)
}

/// Ends an operation: removes its entry if the resource's status is another one by now.
///
/// A status that is still the operation's means that it broke off. The entry stays then, for a
/// cleanup. Returns whether it was removed.
pub fn finish(
    connection: &mut Connection,
    entry: &Entry,
    status_now: &str,
) -> Result<bool, DbError> {
    if entry.status() == status_now {
        return Ok(false);
    }
    remove(connection.native()?, &entry.row)
}

/// Which entries to clean up; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Those of one kind.
    pub kind: Option<Kind>,
    /// Those of one resource.
    pub resource_id: Option<String>,
    /// Those that this service had claimed.
    pub service: Option<ServiceId>,
    /// Those not touched since; without it, before now.
    pub until: Option<Timestamp>,
}

/// The entries that operations have left behind, oldest first.
pub fn list_unfinished(connection: &mut Connection, scope: &Scope) -> Result<Vec<Entry>, DbError> {
    let wanted = Wanted {
        resource_type: scope.kind.map(Kind::as_str),
        resource_id: scope.resource_id.as_deref(),
        service_id: scope.service.map(ServiceId::get),
        until: scope.until.unwrap_or_else(Timestamp::now),
    };
    let rows = workers::list(connection.native()?, wanted)?;
    Ok(rows.into_iter().map(|row| Entry { row }).collect())
}

/// An entry whose resource this service is cleaning up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleanup {
    /// The entry, claimed.
    pub entry: Entry,
    before: (Option<i32>, Option<Timestamp>),
}

/// Claims an entry for cleaning up; `None` if it has moved on, which is then no longer ours to do.
pub fn claim_cleanup(
    connection: &mut Connection,
    entry: &Entry,
    me: ServiceId,
) -> Result<Option<Cleanup>, DbError> {
    let seen = &entry.row;
    let taken = taken_over(seen, &seen.status, me);
    let won = take(connection.native()?, seen, Time::NotLater, &taken)?;
    let before = (seen.service_id, seen.updated_at);
    Ok(won.then_some(Cleanup { entry: Entry { row: taken }, before }))
}

impl Cleanup {
    /// Removes the entry: the resource is clean, gone, or was not stuck any more.
    pub fn done(self, connection: &mut Connection) -> Result<bool, DbError> {
        remove(connection.native()?, &self.entry.row)
    }

    /// Gives the entry back to the service that had it, so that a later cleanup finds it.
    pub fn failed(self, connection: &mut Connection) -> Result<bool, DbError> {
        let native = connection.native()?;
        let (id, (service_id, updated_at)) = (self.entry.row.id, self.before);
        retry::on_deadlock(|| Ok(workers::hand_back(native, id, service_id, updated_at)?))
    }
}

/// `None` if the resource has an entry already.
fn insert(
    native: &mut Native,
    resource: &Cleanable<'_>,
    owner: Option<ServiceId>,
    now: Timestamp,
) -> Result<Option<Entry>, DbError> {
    let new = NewWorker {
        created_at: now,
        updated_at: now,
        deleted: false,
        resource_type: resource.kind.as_str(),
        resource_id: resource.id,
        status: resource.status,
        service_id: owner.map(ServiceId::get),
        race_preventer: 0,
    };
    let id = retry::on_deadlock(|| match workers::insert(native, &new) {
        Ok(id) => Ok(Some(id)),
        Err(SqlError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(None),
        Err(error) => Err(DbError::from(error)),
    })?;
    Ok(id.map(|id| Entry {
        row: WorkerRow {
            id,
            resource_type: new.resource_type.to_owned(),
            resource_id: new.resource_id.to_owned(),
            status: new.status.to_owned(),
            service_id: new.service_id,
            race_preventer: new.race_preventer,
            updated_at: Some(now),
        },
    }))
}

fn take_over(
    native: &mut Native,
    row: WorkerRow,
    status: &str,
    me: ServiceId,
) -> Result<Option<Entry>, DbError> {
    if row.service_id == Some(me.get()) && row.status == status {
        return Ok(Some(Entry { row }));
    }
    let taken = taken_over(&row, status, me);
    let won = take(native, &row, Time::Same, &taken)?;
    Ok(won.then_some(Entry { row: taken }))
}

/// The row as it will be when it is ours.
fn taken_over(row: &WorkerRow, status: &str, me: ServiceId) -> WorkerRow {
    WorkerRow {
        status: status.to_owned(),
        service_id: Some(me.get()),
        race_preventer: row.race_preventer + 1,
        updated_at: Some(Timestamp::now()),
        ..row.clone()
    }
}

fn take(
    native: &mut Native,
    seen: &WorkerRow,
    time: Time,
    taken: &WorkerRow,
) -> Result<bool, DbError> {
    retry::on_deadlock(|| Ok(workers::take(native, seen, time, taken)?))
}

fn remove(native: &mut Native, row: &WorkerRow) -> Result<bool, DbError> {
    retry::on_deadlock(|| Ok(workers::delete(native, row)?))
}
