//! Rows of table `group_types`, and a group type with its specs.

use cinder_types::GroupTypeId;

use crate::{rows::metadata::Metadata, schema::group_types};

row! {
    /// A group type, live or deleted, without its specs.
    pub struct Row of group_types {
        /// Its key.
        id: GroupTypeId,
        /// Its name.
        name: String,
        /// An operator's words about it.
        description: Option<String>,
        /// Whether every project may use it.
        is_public: Option<bool>,
    }
}

/// A group type with its live specs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupType {
    /// The row itself.
    pub row: Row,
    /// What is asked of a back end.
    pub specs: Metadata,
}
