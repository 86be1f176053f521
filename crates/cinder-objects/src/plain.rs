//! JSON that a method only passes on: whatever claims to be an object in it has to be one.
//!
//! The original makes objects of all that say so, wherever they stand (`spec/objects.md §1`). Must not:
//! change anything.

use serde_json::Value;

use crate::envelope::{KEY_NAME, shown};
use crate::error::DecodeError;
use crate::{kinds, objects};

/// Looks through a value for objects. Its depth is that of a text that has been read.
///
/// # Errors
///
/// [`DecodeError`] for one that is none.
pub(crate) fn check(value: &Value, place: &str) -> Result<(), DecodeError> {
    match value {
        Value::Object(map) => match map.get(KEY_NAME) {
            Some(name) => match name.as_str().filter(|name| kinds::is_known(name)) {
                Some(name) => objects::check(name, value.clone(), place),
                None => Err(DecodeError::UnsupportedObject { name: shown(name) }),
            },
            None => map.values().try_for_each(|value| check(value, place)),
        },
        Value::Array(list) => list.iter().try_for_each(|value| check(value, place)),
        _ => Ok(()),
    }
}
