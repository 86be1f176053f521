//! Abilities about what is on the storage already.

use crate::context::OpContext;
use crate::error::{DriverError, Refusal};
use crate::update::{SnapshotUpdate, VolumeUpdate};
use crate::value::Map;
use crate::view::{SnapshotView, VolumeView};

/// What names something that exists: `source-name` and its like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reference(pub Map);

impl Reference {
    /// The text at a key, which has to be there and not empty.
    ///
    /// # Errors
    ///
    /// [`Refusal::Reference`] that says which key is missing.
    pub fn required(&self, key: &str) -> Result<&str, DriverError> {
        self.0.text(key).filter(|text| !text.is_empty()).ok_or_else(|| {
            let reason = format!("it must contain the element {key}");
            Refusal::Reference { reference: format!("{:?}", self.0), reason }.into()
        })
    }
}

/// Existing volumes can be managed.
pub trait Manage {
    /// The name on the back end of what a reference names, so that the caller can look whether a
    /// volume of that name is known.
    ///
    /// # Errors
    ///
    /// [`Refusal::Reference`] if it names nothing.
    fn referenced_name(
        &self,
        reference: &Reference,
        context: &OpContext,
    ) -> Result<String, DriverError>;

    /// How large it is, rounded up to whole GiB.
    ///
    /// # Errors
    ///
    /// [`Refusal::Reference`] if it names nothing that can be managed.
    fn manage_existing_size(
        &self,
        volume: &VolumeView,
        reference: &Reference,
        context: &OpContext,
    ) -> Result<u64, DriverError>;

    /// Makes it the volume, which has the size just asked for.
    ///
    /// # Errors
    ///
    /// As before; [`Exists`](DriverError::Exists) if the volume's name is taken.
    fn manage_existing(
        &self,
        volume: &VolumeView,
        reference: &Reference,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError>;

    /// Leaves the volume's data to somebody else.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn unmanage(&self, volume: &VolumeView, context: &OpContext) -> Result<(), DriverError>;

    /// What could be managed; `known` are the volumes that are.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn manageable_volumes(
        &self,
        known: &[VolumeView],
        page: &Page,
        context: &OpContext,
    ) -> Result<Vec<Manageable>, DriverError>;
}

/// Existing snapshots can be managed.
pub trait ManageSnapshots {
    /// How large the volume was that it is of, rounded up to whole GiB.
    ///
    /// # Errors
    ///
    /// [`Refusal::Reference`] if it names nothing that can be managed.
    fn manage_snapshot_size(
        &self,
        snapshot: &SnapshotView,
        reference: &Reference,
        context: &OpContext,
    ) -> Result<u64, DriverError>;

    /// Makes it the snapshot.
    ///
    /// # Errors
    ///
    /// As before.
    fn manage_existing_snapshot(
        &self,
        snapshot: &SnapshotView,
        reference: &Reference,
        context: &OpContext,
    ) -> Result<SnapshotUpdate, DriverError>;

    /// Leaves the snapshot's data to somebody else.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn unmanage_snapshot(
        &self,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<(), DriverError>;

    /// What could be managed; `known` are the snapshots that are.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn manageable_snapshots(
        &self,
        known: &[SnapshotView],
        page: &Page,
        context: &OpContext,
    ) -> Result<Vec<Manageable>, DriverError>;
}

/// What may be managed, or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Manageable {
    /// How to name it.
    pub reference: Reference,
    /// How large it is, rounded up.
    pub size_gib: u64,
    /// Why it is not to be managed, if it is not.
    pub reason_not_safe: Option<String>,
    /// The key of the volume or snapshot that it is already.
    pub cinder_id: Option<String>,
    /// Anything else.
    pub extra_info: Option<String>,
    /// For a snapshot: what it is of.
    pub source_reference: Option<Reference>,
}

/// What to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// The size.
    Size,
    /// The text of the reference.
    Reference,
}

/// A part of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Only what comes after this one.
    pub marker: Option<Reference>,
    /// At most so many.
    pub limit: Option<usize>,
    /// Without the first ones.
    pub offset: usize,
    /// What to sort by, and whether downwards.
    pub sort: Vec<(SortKey, bool)>,
}

/// Sorts and cuts a list, as all drivers have to do it.
///
/// # Errors
///
/// [`Refusal::Reference`] if the marker is not in it.
pub fn page_of(mut all: Vec<Manageable>, page: &Page) -> Result<Vec<Manageable>, DriverError> {
    let text = |one: &Reference| format!("{:?}", one.0);
    // The last key weighs least, and the sort is stable.
    for (key, downwards) in page.sort.iter().rev() {
        all.sort_by(|one, other| {
            let order = match key {
                SortKey::Size => one.size_gib.cmp(&other.size_gib),
                SortKey::Reference => text(&one.reference).cmp(&text(&other.reference)),
            };
            if *downwards { order.reverse() } else { order }
        });
    }
    let after = match &page.marker {
        None => 0,
        Some(marker) => {
            let at = all.iter().position(|one| one.reference == *marker);
            let reason = || "it is not in the list".to_owned();
            1 + at
                .ok_or_else(|| Refusal::Reference { reference: text(marker), reason: reason() })?
        }
    };
    let rest = all.into_iter().skip(after).skip(page.offset);
    Ok(rest.take(page.limit.unwrap_or(usize::MAX)).collect())
}

/// The driver can say what is on the storage.
pub trait Inventory {
    /// Everything that could be a volume or a snapshot of ours, by its name.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn stored(&self, context: &OpContext) -> Result<Vec<Stored>, DriverError>;
}

/// Something on the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name there.
    pub name: String,
    /// What it seems to be.
    pub kind: StoredKind,
    /// Its length.
    pub bytes: u64,
}

/// What something on the storage seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredKind {
    /// A volume or a snapshot: both look alike on some back ends.
    Data,
    /// Something that an operation has begun, or needs for a while.
    Temporary,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(name: &str) -> Reference {
        Reference(Map::new().with("source-name", name))
    }

    fn list() -> Vec<Manageable> {
        let one = |(name, size_gib): (&str, u64)| Manageable {
            reference: reference(name),
            size_gib,
            reason_not_safe: None,
            cinder_id: None,
            extra_info: None,
            source_reference: None,
        };
        [("b", 1), ("a", 2), ("d", 2), ("c", 1)].map(one).to_vec()
    }

    fn names(page: &Page) -> String {
        let page = page_of(list(), page).expect("the marker is in it");
        page.iter().filter_map(|one| one.reference.0.text("source-name")).collect()
    }

    #[test]
    fn a_page_is_cut_out_of_the_sorted_list() {
        use SortKey::{Reference as Name, Size};
        let sort = vec![(Size, true), (Name, false)];
        assert_eq!(names(&Page { sort: sort.clone(), ..Page::default() }), "adbc");
        assert_eq!(names(&Page { sort: vec![(Name, true)], ..Page::default() }), "dcba");
        let page = Page { marker: Some(reference("a")), limit: Some(2), offset: 1, sort };
        assert_eq!(names(&page), "bc");
        let page = Page { marker: Some(reference("x")), ..Page::default() };
        assert_eq!(page_of(list(), &page).expect_err("it is not there").class(), "refused");
    }

    #[test]
    fn a_reference_without_the_key_or_with_an_empty_one_is_refused() {
        let empty = Reference(Map::new().with("source-name", "").with("source-id", 5_u64));
        for key in ["source-name", "source-id", "other"] {
            let error = empty.required(key).expect_err("it is no text");
            assert!(error.to_string().ends_with(&format!("must contain the element {key}")));
        }
        assert_eq!(reference("a").required("source-name").expect("it is there"), "a");
    }
}
