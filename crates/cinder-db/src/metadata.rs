//! Keys and values of volumes and snapshots: which rows a new set of them changes.

use std::collections::BTreeMap;

use crate::{
    dialect::Native,
    error::DbError,
    queries::metadata::Notes,
    rows::metadata::{Live, by_parent},
    timestamp::Timestamp,
};

pub use crate::rows::metadata::{Metadata, OtherKeys};

/// Those of several resources, by the key of the resource.
pub(crate) fn of<N: Notes>(
    native: &mut Native,
    parents: &[&str],
) -> Result<BTreeMap<String, Metadata>, DbError> {
    let mut rows = N::of(native, parents)?;
    rows.retain(|(_, key, _)| !N::DEAD.contains(&key.as_deref().unwrap_or_default()));
    Ok(by_parent(rows))
}

/// Writes what differs; returns what is live afterwards. The caller holds a lock on the resource, or
/// two writers could both insert one key.
///
/// `updated_at` moves with a deletion, too, as upstream has it here.
pub(crate) fn write<N: Notes>(
    native: &mut Native,
    parent: &str,
    wanted: &Metadata,
    others: OtherKeys,
    now: Timestamp,
) -> Result<Metadata, DbError> {
    let plan = Plan::new(N::live(native, parent)?, wanted, others, N::DEAD);
    if !plan.delete.is_empty() {
        N::delete(native, &plan.delete, true, now)?;
    }
    for (row, value) in &plan.change {
        N::change(native, *row, value.as_deref(), now)?;
    }
    for (key, value) in &plan.insert {
        N::insert(native, parent, (key, value.as_deref()), now)?;
    }
    Ok(plan.after)
}

/// Inserts those of a new resource.
pub(crate) fn insert<N: Notes>(
    native: &mut Native,
    parent: &str,
    pairs: &Metadata,
    now: Timestamp,
) -> Result<(), DbError> {
    for (key, value) in pairs {
        N::insert(native, parent, (key, value.as_deref()), now)?;
    }
    Ok(())
}

/// Soft-deletes one key; returns whether it was live. `updated_at` stays here.
pub(crate) fn delete_key<N: Notes>(
    native: &mut Native,
    parent: &str,
    key: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let live = N::live(native, parent)?.into_iter();
    let rows: Vec<_> =
        live.filter(|(_, found, _)| found.as_deref() == Some(key)).map(|(row, ..)| row).collect();
    if !rows.is_empty() {
        N::delete(native, &rows, false, now)?;
    }
    Ok(!rows.is_empty())
}

/// What has to be written so that the live rows hold the wanted values.
#[derive(Debug, PartialEq, Eq, Default)]
struct Plan {
    delete: Vec<i32>,
    change: Vec<(i32, Option<String>)>,
    insert: Vec<(String, Option<String>)>,
    /// What is live afterwards.
    after: Metadata,
}

impl Plan {
    /// Compares live rows, oldest first, with the wanted ones.
    ///
    /// No constraint keeps a key single. Of several rows the youngest counts, as it does for
    /// readers; the others are deleted if anything is. `dead` keys are deleted in any case.
    fn new(live: Vec<Live>, wanted: &Metadata, others: OtherKeys, dead: &[&str]) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> Metadata {
        pairs.iter().map(|(key, value)| ((*key).into(), Some((*value).into()))).collect()
    }

    fn live(rows: &[(i32, &str, &str)]) -> Vec<Live> {
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
