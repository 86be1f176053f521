//! All kinds of objects, each a struct with the original's fields.
//!
//! The tables of fields are in the files below, compared with `tests/data/objects.json` by a test.
//! `nullable` is a field that may be null, `required` one that may not; what stands behind it is what
//! a column has without one. `starts` says what the field is in an object that is just being made, if it
//! is there at all then. Must not: do anything but say what there is.

/// What a field that must not be null gets instead of null: what a new object gets, if it gets anything.
macro_rules! instead_of_null {
    (nullable $($default:literal)?) => {
        $crate::field::Null::Stays
    };
    (required) => {
        $crate::field::Null::Refused
    };
    (required $default:literal) => {
        $crate::field::Null::Becomes(serde_json::Value::from($default))
    };
}

macro_rules! is_nullable {
    (nullable) => {
        true
    };
    (required) => {
        false
    };
}

/// What a field is in a new object.
macro_rules! initial {
    (null in $($kind:tt)+) => {
        $crate::Field::Null
    };
    (empty in $($kind:tt)+) => {
        $crate::Field::Set(Default::default())
    };
    (in $kind:ident $(<$of:ident>)?) => {
        $crate::field::initial::<$crate::wire::$kind $(<$of>)?>()
    };
}

/// The type of the value that a kind of field holds.
macro_rules! held {
    (Text) => { String };
    (Uuid) => { String };
    (Login) => { cinder_types::Secret };
    (Integer) => { i64 };
    (Boolean) => { bool };
    (Moment) => { $crate::Date };
    (Texts) => { std::collections::BTreeMap<String, String> };
    (NullableTexts) => { std::collections::BTreeMap<String, Option<String>> };
    (TextList) => { Vec<String> };
    (Free) => { $crate::Dict };
    (Object $of:ident) => { Box<$of> };
    (Many $of:ident) => { Vec<$of> };
    ($state:ident) => { String };
}

macro_rules! objects {
    ($(
        $(#[$about:meta])*
        $name:ident $version:literal $($keeps:ident)? {
            $($field:ident: $kind:ident $(<$of:ident>)? $null:ident $(= $default:literal)? $(starts $start:ident)?,)*
        }
    )*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $(
                #[doc = concat!(
                    "Field `", stringify!($field), "`: ", stringify!($kind),
                    $(" of ", stringify!($of),)? ", ", stringify!($null), "."
                )]
                pub $field: $crate::Field<held!($kind $($of)?)>,
            )*
            /// Its version and its changes.
            pub envelope: $crate::Envelope,
        }

        impl Default for $name {
            /// An object without anything; a list is empty.
            fn default() -> Self {
                Self {
                    $($field: initial!($($start)? in $kind $(<$of>)?),)*
                    envelope: $crate::Envelope::default(),
                }
            }
        }

        impl $crate::VersionedObject for $name {
            const NAME: &'static str = stringify!($name);
            const VERSION: &'static str = $version;
            const FIELDS: &'static [$crate::FieldSpec] = &[$($crate::FieldSpec {
                name: stringify!($field),
                kind: stringify!($kind),
                of: $crate::field::first(&[$(stringify!($of))?]),
                is_nullable: is_nullable!($null),
                default: $crate::field::first(&[$(stringify!($default))?]),
                values: <$crate::wire::$kind $(<$of>)? as $crate::wire::Kind>::VALUES,
            },)*];
            const KEEPS_UNKNOWN: bool = $crate::field::first(&[$(stringify!($keeps))?]).is_some();

            fn envelope(&self) -> &$crate::Envelope {
                &self.envelope
            }

            fn envelope_mut(&mut self) -> &mut $crate::Envelope {
                &mut self.envelope
            }

            fn read_field(
                &mut self,
                place: $crate::envelope::Place<'_>,
                value: serde_json::Value,
            ) -> Result<Option<serde_json::Value>, $crate::DecodeError> {
                match place.name {
                    $(stringify!($field) => {
                        self.$field = $crate::field::read::<$crate::wire::$kind $(<$of>)?>(
                            value,
                            place,
                            || instead_of_null!($null $($default)?),
                        )?;
                    })*
                    _ => return Ok(Some(value)),
                }
                Ok(None)
            }

            fn write_fields(&self, data: &mut serde_json::Map<String, serde_json::Value>) {
                $($crate::field::write::<$crate::wire::$kind $(<$of>)?>(
                    &self.$field,
                    stringify!($field),
                    data,
                );)*
            }

            fn changed_within(&self) -> $crate::Changes {
                let flags = [$(
                    $crate::field::has_changes::<$crate::wire::$kind $(<$of>)?>(&self.$field)
                ),*];
                $crate::Changes::of(&flags)
            }

            fn is_field_set(&self, number: usize) -> bool {
                [$(self.$field.is_set()),*].get(number).copied().unwrap_or(false)
            }
        }
    )*};
}

mod backup;
mod group;
mod manageable;
mod service;
mod snapshot;
mod views;
mod volume;
mod volume_type;

use serde_json::Value;

use crate::envelope::hydrate;
use crate::error::DecodeError;

macro_rules! kinds {
    ($($file:ident: $($name:ident)+;)+) => {
        $(pub use $file::{$($name),+};)+

        /// Reads an object of the kind of this name, to know that it can be read.
        pub(crate) fn check(name: &str, value: Value, place: &str) -> Result<(), DecodeError> {
            match name {
                $($(stringify!($name) => hydrate::<$name>(value, place).map(drop),)+)+
                _ => Err(DecodeError::UnsupportedObject { name: crate::python::quoted(name) }),
            }
        }
    };
}

kinds! {
    backup: Backup BackupDeviceInfo BackupImport BackupList;
    group: ConsistencyGroup ConsistencyGroupList Group GroupList GroupType GroupTypeList;
    manageable: ManageableSnapshot ManageableSnapshotList ManageableVolume ManageableVolumeList;
    service: CleanupRequest Cluster ClusterList LogLevel LogLevelList Service ServiceList;
    snapshot: CGSnapshot CGSnapshotList GroupSnapshot GroupSnapshotList Snapshot SnapshotList;
    volume: RequestSpec Volume VolumeAttachment VolumeAttachmentList VolumeList VolumeProperties;
    volume_type: QualityOfServiceSpecs QualityOfServiceSpecsList VolumeType VolumeTypeList;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_name() {
        for name in crate::kinds::NAMES {
            let nothing = check(name, Value::Object(serde_json::Map::new()), "x");
            assert_eq!(nothing.unwrap_err().class(), "KeyError", "{name}");
        }
        let unknown = check("ManageableResources", Value::Null, "x").unwrap_err();
        assert_eq!(unknown.class(), "UnsupportedObjectError");
    }
}
