//! Quotas: what a project may use, uses, and has been promised (`spec/schema.md` §8).
//!
//! Must not: log an error, or go on without one; a caller does both. An operation first reserves
//! what it will add or free, and at its end commits or rolls back. What crashes in between leaves
//! reservations that expire; schedulers collect them.
//!
//! Locks are always taken in this order: usages by key, then reservations. Upstream does the same,
//! and both work on the same tables at the same time.

mod request;
mod reserve;
mod settle;

use std::collections::HashMap;

use crate::{connection::Connection, error::DbError, queries::quotas};

pub use request::{Change, Counted, Error, Request, Resource, Rules, State};
pub use reserve::reserve;
pub(crate) use settle::commit_within;
pub use settle::{commit, expire, roll_back};

/// The class whose limits hold for projects that have none of their own.
pub const DEFAULT_CLASS: &str = "default";

/// The limits that are stored for a project: its own, else those of the first class that has one.
///
/// A resource without an entry has the limit of its option, or none at all if it is one of a
/// volume type. Classes come in the order in which they count, usually the one of the request's
/// context and [`DEFAULT_CLASS`].
pub fn limits(
    connection: &mut Connection,
    project_id: &str,
    classes: &[&str],
    resources: &[Resource],
) -> Result<HashMap<String, i32>, DbError> {
    let native = connection.native()?;
    let names: Vec<_> = resources.iter().map(|one| one.name().to_owned()).collect();
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
