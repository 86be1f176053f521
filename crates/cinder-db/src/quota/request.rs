//! What is asked for and answered when a project wants more, or less, of something.

use std::time::Duration;

use crate::error::DbError;

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
pub struct Resource {
    pub(super) counted: Counted,
    pub(super) volume_type_id: Option<String>,
    pub(super) name: String,
}

impl Resource {
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
pub struct Change {
    /// The resource; each may occur once in a request.
    pub resource: Resource,
    /// The change.
    pub delta: i32,
    /// The project's limit; -1 means none.
    pub limit: i32,
}

/// When usages are counted anew, and what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// `until_refresh`: after so many reservations; 0 means never.
    pub until_refresh: i32,
    /// `max_age`: when they were last written so long ago; zero means never.
    pub max_age: Duration,
    /// `no_snapshot_gb_quota`: whether snapshots take no gigabytes.
    pub snapshots_are_free: bool,
}

/// What to reserve, for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// The project that pays.
    pub project_id: &'a str,
    /// The changes.
    pub changes: &'a [Change],
    /// `reservation_expire`: how long the operation may take to commit.
    pub expire_after: Duration,
    /// The rules.
    pub rules: Rules,
}

/// One resource as a refused request found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
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
pub enum Error {
    /// It would be more than the project may use.
    #[error("quota exceeded for {}", exceeded(states))]
    Over {
        /// Every resource of the request.
        states: Vec<State>,
    },
    /// It would be more than the table's columns hold.
    #[error("quota usage would be more than {} of {}", i32::MAX, exceeded(states))]
    Overflow {
        /// Every resource of the request.
        states: Vec<State>,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

fn exceeded(states: &[State]) -> String {
    let mut names: Vec<_> =
        states.iter().filter(|one| one.exceeded).map(|one| one.resource.as_str()).collect();
    names.sort_unstable();
    names.join(", ")
}
