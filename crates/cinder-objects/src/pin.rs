//! The version of the set of objects in which others can read what is sent to them.
//!
//! In the original nothing but the labels of objects depends on it (`spec/objects.md §3`). Must not:
//! know fields.

use cinder_types::OBJECT_VERSION;
use serde_json::Value;

use crate::envelope::{KEY_NAME, KEY_VERSION};

/// A set of versions of all objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin(&'static Set);

#[derive(Debug, PartialEq, Eq)]
struct Set {
    name: &'static str,
    /// Kinds whose versions are older than ours.
    older: &'static [(&'static str, &'static str)],
}

const SETS: [Set; 2] = [
    Set { name: "1.38", older: &[("Snapshot", "1.5"), ("Volume", "1.8")] },
    Set { name: OBJECT_VERSION, older: &[] },
];

/// A version of the set that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the services that are alive agree on version {version} of objects at most, which this release \
     does not know: cinder-manage service list shows whose it is"
)]
pub struct CappedVersionUnknown {
    /// As it stands in a row.
    pub version: String,
}

impl CappedVersionUnknown {
    /// The class of the exception, in `cinder.exception`.
    pub const CLASS: &'static str = "CappedVersionUnknown";

    /// What the text of the exception is made of, by name.
    #[must_use]
    pub fn parameters(&self) -> [(&'static str, Value); 1] {
        [("version", self.version.as_str().into())]
    }
}

impl Pin {
    /// Everybody knows what we know.
    pub const CURRENT: Self = Self(&SETS[1]);

    /// The set of this name, the least of what all live services announce.
    ///
    /// # Errors
    ///
    /// [`CappedVersionUnknown`].
    pub fn named(version: &str) -> Result<Self, CappedVersionUnknown> {
        let known = SETS.iter().find(|set| set.name == version).map(Self);
        known.ok_or_else(|| CappedVersionUnknown { version: version.to_owned() })
    }

    /// Labels all objects in a piece of JSON so that others can read them.
    pub fn relabel(self, value: &mut Value) {
        if self.0.older.is_empty() {
            return;
        }
        match value {
            Value::Array(list) => list.iter_mut().for_each(|one| self.relabel(one)),
            Value::Object(map) => {
                let name = map.get(KEY_NAME).and_then(Value::as_str);
                let older = self.0.older.iter().find(|(kind, _)| Some(*kind) == name);
                if let Some((_, older)) = older
                    && let Some(Value::String(version)) = map.get_mut(KEY_VERSION)
                    && is_newer(version, older)
                {
                    *version = (*older).to_owned();
                }
                map.values_mut().for_each(|one| self.relabel(one));
            }
            _ => {}
        }
    }
}

/// One that is older stays what it is.
fn is_newer(version: &str, than: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        text.split('.').map(|part| part.parse().unwrap_or_default()).collect()
    };
    numbers(version) > numbers(than)
}
