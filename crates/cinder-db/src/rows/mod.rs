//! Rows as structs: what is read into, and what is inserted from.
//!
//! Must not: run queries. Upstream keeps nearly all defaults in the client, so the structs
//! that are inserted spell out every column that must not be NULL (`spec/schema.md §3`). What is
//! `None` is written as NULL: with `DEFAULT` in its place Diesel has each INSERT prepared anew.

/// Declares a row of a table that marks deletions, with the columns that every such table has; and,
/// if an operation may change some of the others, the change.
///
/// `also` names columns of all tables that this one's change has, too.
macro_rules! row {
    (
        $(#[$about:meta])*
        pub struct $row:ident of $table:ident {
            $($(#[$doc:meta])+ $field:ident: $value:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, ::diesel::Queryable, ::diesel::Selectable)]
        #[diesel(table_name = $table)]
        pub struct $row {
            /// When it was made.
            pub created_at: Option<$crate::timestamp::Timestamp>,
            /// The last change other than its deletion.
            pub updated_at: Option<$crate::timestamp::Timestamp>,
            /// When it was deleted.
            pub deleted_at: Option<$crate::timestamp::Timestamp>,
            /// Whether it is deleted; such rows stay.
            pub deleted: Option<bool>,
            $($(#[$doc])+ pub $field: $value,)*
        }
    };
    (
        $(#[$about:meta])*
        pub struct $row:ident of $table:ident {
            $($(#[$fixed_doc:meta])+ $fixed:ident: $fixed_value:ty,)*
        }

        $(#[$change_about:meta])*
        pub struct $change:ident {
            $($(#[$doc:meta])+ $field:ident: $value:ty,)+
        }
        $(also $also:ident: $also_value:ty)*
    ) => {
        row! {
            $(#[$about])*
            pub struct $row of $table {
                $($(#[$fixed_doc])+ $fixed: $fixed_value,)*
                $($(#[$doc])+ $field: $value,)+
            }
        }

        $crate::changes::changes! {
            $(#[$change_about])*
            pub struct $change of $table, $row {
                $($(#[$doc])+ $field: $value = $table::$field,)+
                $(/// See the row.
 $also: $also_value = $table::$also,)*
            }
        }
    };
}

pub(crate) mod attachment;
pub(crate) mod backup;
pub(crate) mod cluster;
pub(crate) mod consistency_group;
pub(crate) mod group;
pub(crate) mod group_snapshot;
pub(crate) mod group_type;
pub(crate) mod image_cache;
pub(crate) mod image_metadata;
pub(crate) mod message;
pub(crate) mod metadata;
pub(crate) mod quota;
pub(crate) mod service;
pub(crate) mod snapshot;
pub(crate) mod survey;
mod text;
pub(crate) mod volume;
pub(crate) mod volume_type;
pub(crate) mod worker;
