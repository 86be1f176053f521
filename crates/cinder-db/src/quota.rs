//! Quotas: what a project may use, uses, and has been promised (`spec/schema.md` §8).
//!
//! Must not: log an error, or go on without one; a caller does both. An operation first reserves
//! what it will add or free, and at its end commits or rolls back. What crashes in between leaves
//! reservations that expire; schedulers collect them.
//!
//! Locks are always taken in this order: usages by key, then reservations. Upstream does the same,
//! and both work on the same tables at the same time.

mod reserve;
mod settle;

use std::{collections::HashMap, time::Duration};

use crate::{connection::Connection, error::DbError, queries::quotas};

pub use reserve::reserve;
pub use settle::{commit, expire, roll_back};

/// The class whose limits hold for projects that have none of their own.
pub const DEFAULT_QUOTA_CLASS: &str = "default";

/// A kind of resource that is counted per project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Volumes, also per volume type.
    Volumes,
    /// Snapshots, also per volume type.
    Snapshots,
    /// GiB of volumes and, usually, snapshots; also per volume type.
    Gigabytes,
    /// Backups.
    Backups,
    /// GiB of backups.
    BackupGigabytes,
    /// Generic groups.
    Groups,
}

impl Counted {
    fn name(self) -> &'static str {
        match self {
            Self::Volumes => "volumes",
            Self::Snapshots => "snapshots",
            Self::Gigabytes => "gigabytes",
            Self::Backups => "backups",
            Self::BackupGigabytes => "backup_gigabytes",
            Self::Groups => "groups",
        }
    }
}

/// A resource that can be reserved: all of a kind, or those of one volume type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaResource {
    counted: Counted,
    volume_type_id: Option<String>,
    name: String,
}

impl QuotaResource {
    /// All of a kind.
    #[must_use]
    pub fn all(counted: Counted) -> Self {
        Self { counted, volume_type_id: None, name: counted.name().to_owned() }
    }

    /// Those of a volume type, as in `gigabytes_fast`.
    #[must_use]
    pub fn of_type(counted: Counted, type_id: &str, type_name: &str) -> Self {
        let name = format!("{}_{type_name}", counted.name());
        Self { counted, volume_type_id: Some(type_id.to_owned()), name }
    }

    /// The name in the tables.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// How much more, or less if negative, of one resource an operation leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaChange {
    /// The resource; each may occur once in a request.
    pub resource: QuotaResource,
    /// The change.
    pub delta: i32,
    /// The project's limit; -1 means none.
    pub limit: i32,
}

/// When usages are counted anew, and what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaRules {
    /// `until_refresh`: after so many reservations; 0 means never.
    pub until_refresh: i32,
    /// `max_age`: when they were last written so long ago; zero means never.
    pub max_age: Duration,
    /// `no_snapshot_gb_quota`: whether snapshots take no gigabytes.
    pub snapshots_are_free: bool,
}

/// What to reserve, for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaRequest<'a> {
    /// The project that pays.
    pub project_id: &'a str,
    /// The changes.
    pub changes: &'a [QuotaChange],
    /// `reservation_expire`: how long the operation may take to commit.
    pub expire_after: Duration,
    /// The rules.
    pub rules: QuotaRules,
}

/// One resource as a refused request found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaState {
    /// Its name.
    pub resource: String,
    /// The project's limit; -1 means none.
    pub limit: i32,
    /// Used.
    pub in_use: i32,
    /// Promised.
    pub reserved: i32,
    /// Asked for.
    pub delta: i32,
    /// Whether it is the reason.
    pub exceeded: bool,
}

/// Why nothing was reserved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuotaError {
    /// It would be more than the project may use.
    #[error("quota exceeded for {}", exceeded(states))]
    Over {
        /// Every resource of the request.
        states: Vec<QuotaState>,
    },
    /// It would be more than the table's columns hold.
    #[error("quota usage would be more than {} of {}", i32::MAX, exceeded(states))]
    Overflow {
        /// Every resource of the request.
        states: Vec<QuotaState>,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

fn exceeded(states: &[QuotaState]) -> String {
    let mut names: Vec<_> =
        states.iter().filter(|one| one.exceeded).map(|one| one.resource.as_str()).collect();
    names.sort_unstable();
    names.join(", ")
}

/// The limits that are stored for a project: its own, else those of the first class that has one.
///
/// A resource without an entry has the limit of its option, or none at all if it is one of a
/// volume type. Classes come in the order in which they count, usually the one of the request's
/// context and [`DEFAULT_QUOTA_CLASS`].
///
/// # Errors
///
/// [`DbError::Query`].
pub fn limits(
    connection: &mut Connection,
    project_id: &str,
    classes: &[&str],
    resources: &[QuotaResource],
) -> Result<HashMap<String, i32>, DbError> {
    let native = connection.native()?;
    let names: Vec<_> = resources.iter().map(|one| one.name.clone()).collect();
    let of_classes = quotas::class_limits(native, classes, &names)?;
    let mut limits = HashMap::new();
    // What counts most comes last.
    for class in classes.iter().rev() {
        for (of, resource, limit) in &of_classes {
            if let (true, Some(resource), Some(limit)) =
                (of.as_deref() == Some(*class), resource, limit)
            {
                limits.insert(resource.clone(), *limit);
            }
        }
    }
    for (resource, limit) in quotas::project_limits(native, project_id, &names)? {
        if let Some(limit) = limit {
            limits.insert(resource, limit);
        }
    }
    Ok(limits)
}
