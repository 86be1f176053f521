//! What a project really has, counted from the rows of its resources.
//!
//! The functions look alike and stay apart: Diesel's types differ by table, and each counts by
//! another rule.
//!
//! Temporary resources and those of the service itself have `use_quota` unset and do not count.

use diesel::{
    dsl::{count, sql, sum},
    prelude::*,
    sql_types::{Bool, Text},
};

use crate::{
    dialect::Native,
    schema::{backups, groups, snapshots, volumes},
};

/// How many there are, and how large they are together in GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) number: i64,
    pub(crate) gigabytes: i64,
}

impl Count {
    fn of((number, gigabytes): (i64, Option<i64>)) -> Self {
        Self { number, gigabytes: gigabytes.unwrap_or(0) }
    }
}

/// The live volumes of a project, of one type or of all.
pub(crate) fn volumes(
    native: &mut Native,
    project_id: &str,
    volume_type: Option<&str>,
) -> QueryResult<Count> {
    let mut query = volumes::table
        .filter(volumes::deleted.eq(false))
        .filter(volumes::project_id.eq(project_id))
        .filter(volumes::use_quota.eq(true))
        .select((count(volumes::id), sum(volumes::size)))
        .into_boxed();
    if let Some(id) = volume_type {
        query = query.filter(volumes::volume_type_id.eq(id));
    }
    query.get_result(native).map(Count::of)
}

/// The live snapshots of a project; of one type means of volumes that now have this type.
pub(crate) fn snapshots(
    native: &mut Native,
    project_id: &str,
    volume_type: Option<&str>,
) -> QueryResult<Count> {
    let mut query = snapshots::table
        .filter(snapshots::deleted.eq(false))
        .filter(snapshots::project_id.eq(project_id))
        .filter(snapshots::use_quota.eq(true))
        .select((count(snapshots::id), sum(snapshots::volume_size)))
        .into_boxed();
    if let Some(id) = volume_type {
        query = query.filter(
            sql::<Bool>("snapshots.volume_id IN (SELECT id FROM volumes WHERE volume_type_id = ")
                .bind::<Text, _>(id.to_owned())
                .sql(")"),
        );
    }
    query.get_result(native).map(Count::of)
}

/// The live backups of a project.
pub(crate) fn backups(native: &mut Native, project_id: &str) -> QueryResult<Count> {
    backups::table
        .filter(backups::deleted.eq(false))
        .filter(backups::project_id.eq(project_id))
        .select((count(backups::id), sum(backups::size)))
        .get_result(native)
        .map(Count::of)
}

/// The live groups of a project.
pub(crate) fn groups(native: &mut Native, project_id: &str) -> QueryResult<i64> {
    groups::table
        .filter(groups::deleted.eq(false))
        .filter(groups::project_id.eq(project_id))
        .count()
        .get_result(native)
}
