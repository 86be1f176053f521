//! A field of an object: not loaded, null, or a value. Must not: know what it is of.

use std::ops::Deref;

use serde_json::{Map, Value};

use crate::envelope::Place;
use crate::error::{DecodeError, NotLoaded};
use crate::wire::{Kind, not_null};

/// A field of an object. A sender leaves out what it has not loaded, which says nothing about the
/// value; null is a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Field<T> {
    /// It is not there.
    #[default]
    Unset,
    /// It is there, and null.
    Null,
    /// It is there.
    Set(T),
}

impl<T> Field<T> {
    /// The value; nothing for null and for what is not there.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Unset | Self::Null => None,
        }
    }

    /// The value, to be changed. Whoever changes it marks it (`VersionedObject::mark`).
    pub fn get_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Unset | Self::Null => None,
        }
    }

    /// The value itself.
    #[must_use]
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Unset | Self::Null => None,
        }
    }

    /// Whether it is there, be it null.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !matches!(self, Self::Unset)
    }

    /// The value, or nothing for null, of a field that has to be there.
    ///
    /// # Errors
    ///
    /// [`NotLoaded`] for one that is not.
    pub fn loaded(
        &self,
        object: &'static str,
        field: &'static str,
    ) -> Result<Option<&T>, NotLoaded> {
        match self {
            Self::Set(value) => Ok(Some(value)),
            Self::Null => Ok(None),
            Self::Unset => Err(NotLoaded { object, field }),
        }
    }
}

impl<T: Deref> Field<T> {
    /// The value as what it derefs to: a `&str` of a `String`.
    #[must_use]
    pub fn as_deref(&self) -> Option<&T::Target> {
        self.get().map(Deref::deref)
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl From<&str> for Field<String> {
    fn from(value: &str) -> Self {
        Self::Set(value.to_owned())
    }
}

impl<T> From<Option<T>> for Field<T> {
    /// Nothing is null.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Set)
    }
}

/// A field of a new object.
pub(crate) fn initial<K: Kind>() -> Field<K::Value> {
    K::initial().map_or(Field::Unset, Field::Set)
}

/// What a field makes of null.
pub(crate) enum Null {
    /// It may be null.
    Stays,
    /// It has a value of its own then.
    Becomes(Value),
    /// It must not be.
    Refused,
}

/// A field from its value on the wire.
pub(crate) fn read<K: Kind>(
    value: Value,
    place: Place<'_>,
    null: impl FnOnce() -> Null,
) -> Result<Field<K::Value>, DecodeError> {
    let value = match value {
        Value::Null => match null() {
            Null::Stays => return Ok(Field::Null),
            Null::Becomes(value) => value,
            Null::Refused => return Err(not_null(place.name)),
        },
        value => value,
    };
    K::read(value, place).map(Field::Set)
}

/// A field among the others on the wire, if it is there.
pub(crate) fn write<K: Kind>(field: &Field<K::Value>, name: &str, data: &mut Map<String, Value>) {
    match field {
        Field::Unset => {}
        Field::Null => drop(data.insert(name.to_owned(), Value::Null)),
        Field::Set(value) => drop(data.insert(name.to_owned(), K::write(value))),
    }
}

/// Whether a field holds an object with changes.
pub(crate) fn has_changes<K: Kind>(field: &Field<K::Value>) -> bool {
    field.get().is_some_and(K::has_changes)
}

/// The first of a list that has one element or none: what stands in a table, or does not.
pub(crate) const fn first(list: &[&'static str]) -> Option<&'static str> {
    match list {
        [first, ..] => Some(*first),
        [] => None,
    }
}
