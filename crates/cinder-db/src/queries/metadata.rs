//! Keys and values of volumes and snapshots: tables `volume_metadata`, `volume_admin_metadata`,
//! `snapshot_metadata`.
//!
//! Must not: ask the database which keys are equal. MySQL disregards capitals; keys that differ
//! in them are different keys to everybody else. So live rows are read, compared here, and
//! changed by their own keys.

use std::collections::BTreeMap;

use crate::rows::volume::Metadata;

/// What happens to live keys that the new set does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherKeys {
    /// They stay.
    Keep,
    /// They are soft-deleted.
    Delete,
}

/// A live row: its key in the table, then key and value.
pub(crate) type Pair = (i32, Option<String>, Option<String>);

/// What has to be written so that the live rows hold the wanted values.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    pub(crate) delete: Vec<i32>,
    pub(crate) change: Vec<(i32, Option<String>)>,
    pub(crate) insert: Vec<(String, Option<String>)>,
    /// What is live afterwards.
    pub(crate) after: Metadata,
}

impl Plan {
    /// Compares live rows, oldest first, with the wanted ones.
    ///
    /// No constraint keeps a key single. Of several rows the youngest counts, as it does for
    /// readers; the others are deleted if anything is. `dead` keys are deleted in any case.
    pub(crate) fn new(
        live: Vec<Pair>,
        wanted: &Metadata,
        others: OtherKeys,
        dead: &[&str],
    ) -> Self {
        let mut plan = Self::default();
        let mut known = BTreeMap::new();
        let mut hidden = Vec::new();
        for (row, key, value) in live {
            match key {
                Some(key) if dead.contains(&key.as_str()) => plan.delete.push(row),
                Some(key) => {
                    if let Some((older, _)) = known.insert(key, (row, value)) {
                        hidden.push(older);
                    }
                }
                None => hidden.push(row),
            }
        }
        if others == OtherKeys::Delete {
            plan.delete.append(&mut hidden);
        }
        for (key, value) in wanted {
            match known.remove(key) {
                Some((_, before)) if before == *value => {}
                Some((row, _)) => plan.change.push((row, value.clone())),
                None => plan.insert.push((key.clone(), value.clone())),
            }
            plan.after.insert(key.clone(), value.clone());
        }
        for (key, (row, value)) in known {
            match others {
                OtherKeys::Keep => _ = plan.after.insert(key, value),
                OtherKeys::Delete => plan.delete.push(row),
            }
        }
        plan
    }
}

/// The statements for one table, which differ in nothing but names and in the keys that older
/// releases left and nobody may see any more.
macro_rules! metadata_of {
    ($module:ident, $table:ident, $parent:ident, $dead:expr) => {
        pub(crate) mod $module {
            use diesel::prelude::*;

            use super::{Metadata, OtherKeys, Pair, Plan};
            use crate::{
                changes::{self, Columns, Rows},
                dialect::Native,
                schema::$table as table,
                timestamp::Timestamp,
            };

            const DEAD: &[&str] = $dead;

            /// Live keys and values of these resources, oldest first.
            pub(crate) fn of(
                native: &mut Native,
                parents: &[&str],
            ) -> QueryResult<Vec<(String, Option<String>, Option<String>)>> {
                let mut rows: Vec<(String, Option<String>, Option<String>)> = table::table
                    .filter(table::deleted.eq(false))
                    .filter(table::$parent.eq_any(parents.iter().copied()))
                    .order(table::id.asc())
                    .select((table::$parent, table::key, table::value))
                    .load(native)?;
                rows.retain(|(_, key, _)| !DEAD.contains(&key.as_deref().unwrap_or_default()));
                Ok(rows)
            }

            /// Writes what differs; returns what is live afterwards. The caller holds a lock on
            /// the resource, or two writers could both insert one key.
            ///
            /// `updated_at` moves with a deletion, too, as upstream has it here.
            pub(crate) fn write(
                native: &mut Native,
                parent: &str,
                wanted: &Metadata,
                others: OtherKeys,
                now: Timestamp,
            ) -> QueryResult<Metadata> {
                let live: Vec<Pair> = table::table
                    .filter(table::deleted.eq(false))
                    .filter(table::$parent.eq(parent))
                    .order(table::id.asc())
                    .select((table::id, table::key, table::value))
                    .load(native)?;
                let plan = Plan::new(live, wanted, others, DEAD);
                if !plan.delete.is_empty() {
                    let columns = Columns::new().with(table::updated_at, now);
                    Rows::any(table::table, table::id, &plan.delete)
                        .delete(native, columns, now)?;
                }
                for (row, value) in &plan.change {
                    let columns = Columns::new().with(table::value, value.as_ref());
                    Rows::all(table::table, table::id, row).update(native, &columns, now)?;
                }
                insert(native, parent, plan.insert, now)?;
                Ok(plan.after)
            }

            /// Soft-deletes one key; returns whether it was live. `updated_at` stays here.
            #[allow(dead_code, reason = "not every table has a use for it")]
            pub(crate) fn delete_key(
                native: &mut Native,
                parent: &str,
                key: &str,
                now: Timestamp,
            ) -> QueryResult<bool> {
                let live: Vec<(i32, Option<String>)> = table::table
                    .filter(table::deleted.eq(false))
                    .filter(table::$parent.eq(parent))
                    .select((table::id, table::key))
                    .load(native)?;
                let is_it = |(id, found): (i32, Option<String>)| {
                    (found.as_deref() == Some(key)).then_some(id)
                };
                let rows: Vec<_> = live.into_iter().filter_map(is_it).collect();
                if rows.is_empty() {
                    return Ok(false);
                }
                Rows::any(table::table, table::id, &rows).delete(native, Columns::new(), now)?;
                Ok(true)
            }

            /// Inserts keys that the resource does not have.
            pub(crate) fn insert(
                native: &mut Native,
                parent: &str,
                pairs: impl IntoIterator<Item = (String, Option<String>)>,
                now: Timestamp,
            ) -> QueryResult<()> {
                for (key, value) in pairs {
                    let row = Columns::new()
                        .with(table::created_at, now)
                        .with(table::deleted, false)
                        .with(table::$parent, parent)
                        .with(table::key, key)
                        .with(table::value, value);
                    changes::insert(native, table::table, &row)?;
                }
                Ok(())
            }
        }
    };
}

metadata_of!(volume, volume_metadata, volume_id, &[]);
// `temporary` was a mark of volumes that do not count for quotas; now a column says so.
metadata_of!(admin, volume_admin_metadata, volume_id, &["temporary"]);
metadata_of!(snapshot, snapshot_metadata, snapshot_id, &[]);

/// Sorts rows of several resources into one map per resource; of equal keys the youngest counts.
pub(crate) fn by_parent(
    rows: Vec<(String, Option<String>, Option<String>)>,
) -> BTreeMap<String, Metadata> {
    let mut maps: BTreeMap<String, Metadata> = BTreeMap::new();
    for (parent, key, value) in rows {
        if let Some(key) = key {
            maps.entry(parent).or_default().insert(key, value);
        }
    }
    maps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> Metadata {
        pairs.iter().map(|(key, value)| ((*key).into(), Some((*value).into()))).collect()
    }

    fn live(rows: &[(i32, &str, &str)]) -> Vec<Pair> {
        rows.iter()
            .map(|(id, key, value)| (*id, Some((*key).into()), Some((*value).into())))
            .collect()
    }

    #[test]
    fn only_what_differs_is_written() {
        let rows = live(&[(1, "same", "1"), (2, "other", "2"), (3, "gone", "3"), (4, "Same", "4")]);
        let wanted = map(&[("same", "1"), ("other", "new"), ("added", "5")]);
        assert_eq!(
            Plan::new(rows.clone(), &wanted, OtherKeys::Delete, &[]),
            Plan {
                delete: vec![4, 3],
                change: vec![(2, Some("new".into()))],
                insert: vec![("added".into(), Some("5".into()))],
                after: wanted.clone(),
            }
        );
        let kept = Plan::new(rows, &wanted, OtherKeys::Keep, &[]);
        assert_eq!((kept.delete.len(), kept.change.len(), kept.insert.len()), (0, 1, 1));
        assert_eq!(kept.after.len(), 5);
    }

    #[test]
    fn of_rows_with_one_key_the_youngest_counts() {
        let rows = live(&[(1, "k", "old"), (2, "k", "new")]);
        let plan = Plan::new(rows.clone(), &map(&[("k", "new")]), OtherKeys::Delete, &[]);
        assert_eq!((plan.delete, plan.change, plan.insert), (vec![1], vec![], vec![]));
        let plan = Plan::new(rows, &Metadata::new(), OtherKeys::Keep, &[]);
        assert_eq!((plan.delete, plan.after), (vec![], map(&[("k", "new")])));
    }

    #[test]
    fn a_row_without_a_key_is_nobody_s() {
        let rows = vec![(1, None, Some("x".into()))];
        assert_eq!(Plan::new(rows.clone(), &Metadata::new(), OtherKeys::Delete, &[]).delete, [1]);
        assert_eq!(Plan::new(rows, &Metadata::new(), OtherKeys::Keep, &[]), Plan::default());
    }

    #[test]
    fn a_dead_key_goes_whatever_becomes_of_the_others() {
        let rows = live(&[(1, "temporary", "True"), (2, "k", "v")]);
        for others in [OtherKeys::Keep, OtherKeys::Delete] {
            let plan = Plan::new(rows.clone(), &map(&[("k", "v")]), others, &["temporary"]);
            assert_eq!((plan.delete, plan.after), (vec![1], map(&[("k", "v")])));
        }
    }
}
