//! Values of fields and arguments: from JSON and back, as the original's field types coerce them.
//!
//! Must not: know which object or method they are of.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};

use cinder_types::Secret;
use serde_json::{Map, Value};

use crate::date::Date;
use crate::envelope::{Place, VersionedObject, dehydrate, hydrate_within};
use crate::error::DecodeError;
use crate::python;

/// What a field of an object can hold.
pub(crate) trait Kind {
    /// The value, when it is there.
    type Value;

    /// The texts that there are, of a closed list.
    const VALUES: &'static [&'static str] = &[];

    fn read(value: Value, place: Place<'_>) -> Result<Self::Value, DecodeError>;

    fn write(value: &Self::Value) -> Value;

    /// What it holds in a new object.
    fn initial() -> Option<Self::Value> {
        None
    }

    /// Whether an object in it has changes, which makes it one of its owner's.
    fn has_changes(_: &Self::Value) -> bool {
        false
    }
}

/// Free-form JSON: how to connect, what a driver refers to, what a scheduler has noted. Debug shows
/// its keys only, because there are logins in some of them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Dict(pub Map<String, Value>);

impl Deref for Dict {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Dict {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl From<Map<String, Value>> for Dict {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Self::Object(dict.0)
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dict")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn text(value: Value, place: Place<'_>) -> Result<String, DecodeError> {
    python::text(value).map_err(|other| {
        let (name, found) = (place.name, python::type_name(&other));
        DecodeError::value(format!("A string is required in field {name}, not a {found}"))
    })
}

pub(crate) fn not_null(name: &str) -> DecodeError {
    DecodeError::value(format!("Field `{name}' cannot be None"))
}

fn list(value: Value, place: Place<'_>) -> Result<Vec<Value>, DecodeError> {
    match value {
        Value::Array(list) => Ok(list),
        other => {
            let (name, found) = (place.name, python::type_name(&other));
            Err(DecodeError::value(format!("A list is required in field {name}, not a {found}")))
        }
    }
}

fn map(value: Value) -> Result<Map<String, Value>, DecodeError> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(DecodeError::Attribute {
            found: python::type_name(&other).to_owned(),
            attribute: "items",
        }),
    }
}

/// An element of a map that must not be null.
fn element(key: &str, value: Value, place: Place<'_>) -> Result<String, DecodeError> {
    let name = || format!("{}[\"{}\"]", place.name, python::quoted(key));
    if value.is_null() {
        return Err(not_null(&name()));
    }
    text(value, Place { name: &name(), ..place })
}

/// A text.
pub(crate) struct Text;

impl Kind for Text {
    type Value = String;

    fn read(value: Value, place: Place<'_>) -> Result<String, DecodeError> {
        text(value, place)
    }

    fn write(value: &String) -> Value {
        Value::String(value.clone())
    }
}

/// A text that a log must not show.
pub(crate) struct Login;

impl Kind for Login {
    type Value = Secret;

    fn read(value: Value, place: Place<'_>) -> Result<Secret, DecodeError> {
        text(value, place).map(Secret::from)
    }

    fn write(value: &Secret) -> Value {
        Value::String(value.reveal().to_owned())
    }
}

/// A uuid, which any text is.
pub(crate) type Uuid = Text;

/// A whole number.
pub(crate) struct Integer;

impl Kind for Integer {
    type Value = i64;

    fn read(value: Value, _: Place<'_>) -> Result<i64, DecodeError> {
        python::integer(&value)
    }

    fn write(value: &i64) -> Value {
        Value::from(*value)
    }
}

/// True or false, which every value is.
pub(crate) struct Boolean;

impl Kind for Boolean {
    type Value = bool;

    fn read(value: Value, _: Place<'_>) -> Result<bool, DecodeError> {
        Ok(python::truth(&value))
    }

    fn write(value: &bool) -> Value {
        Value::Bool(*value)
    }
}

/// A moment.
pub(crate) struct Moment;

impl Kind for Moment {
    type Value = Date;

    fn read(value: Value, _: Place<'_>) -> Result<Date, DecodeError> {
        match value {
            Value::String(text) => Date::parse(&text),
            other => Err(DecodeError::value(format!(
                "expected string or bytes-like object, got '{}'",
                python::type_name(&other)
            ))),
        }
    }

    fn write(value: &Date) -> Value {
        Value::String(value.to_string())
    }
}

/// A map of texts.
pub(crate) struct Texts;

impl Kind for Texts {
    type Value = BTreeMap<String, String>;

    fn read(value: Value, place: Place<'_>) -> Result<Self::Value, DecodeError> {
        let read =
            |(key, value): (String, Value)| element(&key, value, place).map(|text| (key, text));
        map(value)?.into_iter().map(read).collect()
    }

    fn write(value: &Self::Value) -> Value {
        value.iter().map(|(key, text)| (key.clone(), Value::from(text.as_str()))).collect()
    }
}

/// A map of texts that may be null.
pub(crate) struct NullableTexts;

impl Kind for NullableTexts {
    type Value = BTreeMap<String, Option<String>>;

    fn read(value: Value, place: Place<'_>) -> Result<Self::Value, DecodeError> {
        let read = |(key, value): (String, Value)| match value {
            Value::Null => Ok((key, None)),
            value => element(&key, value, place).map(|text| (key, Some(text))),
        };
        map(value)?.into_iter().map(read).collect()
    }

    fn write(value: &Self::Value) -> Value {
        let write =
            |(key, text): (&String, &Option<String>)| (key.clone(), Value::from(text.as_deref()));
        value.iter().map(write).collect()
    }
}

/// A list of texts.
pub(crate) struct TextList;

impl Kind for TextList {
    type Value = Vec<String>;

    fn read(value: Value, place: Place<'_>) -> Result<Self::Value, DecodeError> {
        let read = |value| match value {
            Value::Null => Err(not_null(place.name)),
            value => text(value, place),
        };
        list(value, place)?.into_iter().map(read).collect()
    }

    fn write(value: &Self::Value) -> Value {
        value.iter().map(String::as_str).collect()
    }
}

/// Free-form JSON.
pub(crate) struct Free;

impl Kind for Free {
    type Value = Dict;

    fn read(value: Value, _: Place<'_>) -> Result<Dict, DecodeError> {
        map(value).map(Dict)
    }

    fn write(value: &Dict) -> Value {
        Value::Object(value.0.clone())
    }
}

/// Another object.
pub(crate) struct Object<T>(std::marker::PhantomData<T>);

impl<T: VersionedObject> Kind for Object<T> {
    type Value = Box<T>;

    fn read(value: Value, place: Place<'_>) -> Result<Box<T>, DecodeError> {
        hydrate_within(value, place)
    }

    fn write(value: &Box<T>) -> Value {
        dehydrate(&**value)
    }

    fn has_changes(value: &Box<T>) -> bool {
        !value.changes().is_empty()
    }
}

/// A list of other objects.
pub(crate) struct Many<T>(std::marker::PhantomData<T>);

impl<T: VersionedObject> Kind for Many<T> {
    type Value = Vec<T>;

    fn initial() -> Option<Vec<T>> {
        Some(Vec::new())
    }

    fn read(value: Value, place: Place<'_>) -> Result<Vec<T>, DecodeError> {
        let read = |value| match value {
            Value::Null => Err(not_null(place.name)),
            value => hydrate_within(value, place).map(|object| *object),
        };
        list(value, place)?.into_iter().map(read).collect()
    }

    fn write(value: &Vec<T>) -> Value {
        value.iter().map(dehydrate).collect()
    }

    fn has_changes(value: &Vec<T>) -> bool {
        value.iter().any(|object| !object.changes().is_empty())
    }
}

macro_rules! closed_lists {
    ($($(#[$about:meta])* $name:ident [$($text:literal)+])+) => {$(
        $(#[$about])*
        pub(crate) struct $name;

        impl Kind for $name {
            type Value = String;

            const VALUES: &'static [&'static str] = &[$($text),+];

            fn read(value: Value, _: Place<'_>) -> Result<String, DecodeError> {
                one_of(value, Self::VALUES)
            }

            fn write(value: &String) -> Value {
                Text::write(value)
            }
        }
    )+};
}

closed_lists! {
    /// Of a volume or an attachment.
    AttachState ["attached" "attaching" "detached" "error_attaching" "error_detaching" "reserved" "deleted"]
    /// Of a backup.
    BackupState ["error" "error_deleting" "creating" "available" "deleting" "deleted" "restoring"]
    /// Of a consistency group.
    ConsistencyGroupState ["error" "available" "creating" "deleting" "deleted" "updating" "error_deleting"]
    /// Of a generic group.
    GroupState ["error" "available" "creating" "deleting" "deleted" "updating" "in-use" "error_deleting"]
    /// Who sees to QoS.
    QosConsumer ["back-end" "front-end" "both"]
    /// Of the replication of a cluster, a group, a service.
    ReplicationState [
        "error" "enabled" "disabled" "not-capable" "failover-error" "failing-over" "failed-over"
        "enabling" "disabling"
    ]
    /// Of a snapshot.
    SnapshotState [
        "error" "available" "creating" "deleting" "deleted" "updating" "error_deleting"
        "unmanaging" "backing-up" "restoring"
    ]
}

fn one_of(value: Value, list: &[&str]) -> Result<String, DecodeError> {
    let text = match value {
        Value::String(text) if list.contains(&text.as_str()) => return Ok(text),
        other => python::text(other).unwrap_or_else(|other| other.to_string()),
    };
    Err(DecodeError::value(format!("Field value {} is invalid", python::quoted(&text))))
}
