//! Keys and values that hang on a row, in tables of their own.

use std::collections::BTreeMap;

/// Keys and values; a value may be NULL.
pub type Metadata = BTreeMap<String, Option<String>>;

/// What happens to live keys that a new set does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherKeys {
    /// They stay.
    Keep,
    /// They are soft-deleted.
    Delete,
}

/// A key and its value as a table has them.
pub(crate) type Pair = (Option<String>, Option<String>);

/// The same with the row that it hangs on before it.
pub(crate) type OfParent = (String, Option<String>, Option<String>);

/// The same with its own key in the table before it.
pub(crate) type Live = (i32, Option<String>, Option<String>);

/// Rows of one resource as a map; of equal keys the youngest counts, a row without one does not.
pub(crate) fn map(rows: impl IntoIterator<Item = Pair>) -> Metadata {
    rows.into_iter().filter_map(|(key, value)| Some((key?, value))).collect()
}

/// Sorts rows of several resources into one map per resource, as [`map`].
pub(crate) fn by_parent(rows: Vec<OfParent>) -> BTreeMap<String, Metadata> {
    let mut maps: BTreeMap<String, Metadata> = BTreeMap::new();
    for (parent, key, value) in rows {
        maps.entry(parent).or_default().extend(map([(key, value)]));
    }
    maps
}
