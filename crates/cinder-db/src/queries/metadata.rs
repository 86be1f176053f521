//! Tables `volume_metadata`, `volume_admin_metadata`, `snapshot_metadata`: keys and values of a row.
//!
//! Must not: ask the database which keys are equal. MySQL disregards capitals; keys that differ
//! in them are different keys to everybody else. So live rows are read and compared outside, and
//! changed by their own keys.

use diesel::prelude::*;

use crate::{
    changes::{self, Columns, Rows},
    dialect::{Native, among},
    rows::metadata::{Live, OfParent},
    schema::{snapshot_metadata, volume_admin_metadata, volume_metadata},
    timestamp::Timestamp,
};

/// A table of keys and values.
pub(crate) trait Notes {
    /// Keys that older releases left and nobody may see any more.
    const DEAD: &'static [&'static str];

    /// Live keys and values of these resources, oldest first.
    fn of(native: &mut Native, parents: &[&str]) -> QueryResult<Vec<OfParent>>;

    /// The live rows of one resource, oldest first.
    fn live(native: &mut Native, parent: &str) -> QueryResult<Vec<Live>>;

    /// Inserts a key.
    fn insert(
        native: &mut Native,
        parent: &str,
        pair: (&str, Option<&str>),
        now: Timestamp,
    ) -> QueryResult<()>;

    /// Gives a row another value.
    fn change(
        native: &mut Native,
        row: i32,
        value: Option<&str>,
        now: Timestamp,
    ) -> QueryResult<()>;

    /// Soft-deletes rows; `updated_at` moves if `touch` says so.
    fn delete(native: &mut Native, rows: &[i32], touch: bool, now: Timestamp) -> QueryResult<()>;
}

/// The tables differ in nothing but names.
macro_rules! notes {
    ($(#[$about:meta])* $name:ident, $table:ident, $parent:ident, $dead:expr) => {
        $(#[$about])*
        #[derive(Debug)]
        pub(crate) enum $name {}

        impl Notes for $name {
            const DEAD: &'static [&'static str] = $dead;

            fn of(native: &mut Native, parents: &[&str]) -> QueryResult<Vec<OfParent>> {
                $table::table
                    .filter($table::deleted.eq(false))
                    .filter(among($table::$parent, parents.iter().copied()))
                    .order($table::id.asc())
                    .select(($table::$parent, $table::key, $table::value))
                    .load(native)
            }

            fn live(native: &mut Native, parent: &str) -> QueryResult<Vec<Live>> {
                $table::table
                    .filter($table::deleted.eq(false))
                    .filter($table::$parent.eq(parent))
                    .order($table::id.asc())
                    .select(($table::id, $table::key, $table::value))
                    .load(native)
            }

            fn insert(
                native: &mut Native,
                parent: &str,
                (key, value): (&str, Option<&str>),
                now: Timestamp,
            ) -> QueryResult<()> {
                let row = Columns::new()
                    .with($table::created_at, now)
                    .with($table::deleted, false)
                    .with($table::$parent, parent)
                    .with($table::key, key)
                    .with($table::value, value);
                changes::insert(native, $table::table, &row)
            }

            fn change(
                native: &mut Native,
                row: i32,
                value: Option<&str>,
                now: Timestamp,
            ) -> QueryResult<()> {
                let columns = Columns::new().with($table::value, value);
                Rows::all($table::table, $table::id, row).update(native, &columns, now).map(drop)
            }

            fn delete(
                native: &mut Native,
                rows: &[i32],
                touch: bool,
                now: Timestamp,
            ) -> QueryResult<()> {
                let mut columns = Columns::new();
                columns.put($table::updated_at, touch.then_some(&now));
                Rows::any($table::table, $table::id, rows).delete(native, columns, now).map(drop)
            }
        }
    };
}

notes! {
    /// What users note about volumes.
    OfVolume, volume_metadata, volume_id, &[]
}
notes! {
    /// What services note about volumes. `temporary` was a mark of those that do not count for
    /// quotas; now a column says so.
    OfService, volume_admin_metadata, volume_id, &["temporary"]
}
notes! {
    /// What users note about snapshots.
    OfSnapshot, snapshot_metadata, snapshot_id, &[]
}
