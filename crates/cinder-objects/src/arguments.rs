//! A method's arguments: from JSON and back.
//!
//! Must not: know which methods there are.

use cinder_types::{ApiVersion, RPC_VERSION};
use serde_json::{Map, Value};

use crate::envelope::{KEY_NAME, Place, VersionedObject, dehydrate, hydrate};
use crate::error::DecodeError;
use crate::wire::{Dict, Kind, Text, TextList};
use crate::{plain, python};

/// Whether a service of our version answers what is asked in that one. A third number counts only
/// between equal minor versions.
pub(crate) fn is_spoken(version: &str) -> bool {
    let Ok(ours) = RPC_VERSION.parse::<ApiVersion>() else { return false };
    let mut parts = version.trim().splitn(3, '.');
    let (Some(major), Some(minor), revision) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let asked = format!("{major}.{minor}").parse::<ApiVersion>();
    let revision = revision.map_or(Ok(0), str::parse::<u32>);
    let (Ok(asked), Ok(revision)) = (asked, revision) else { return false };
    asked.major == ours.major && (asked < ours || asked == ours && revision == 0)
}

/// Values that arguments may be made of: each takes some hundred bytes, however few it is written in.
/// A list of a thousand volumes has some sixty thousand.
const MOST_VALUES: usize = 500_000;

/// Arguments as an object.
///
/// # Errors
///
/// [`DecodeError`] for what is none, and for values within values within values.
pub(crate) fn arguments(method: &str, text: &str) -> Result<Map<String, Value>, DecodeError> {
    // Signs within texts are counted, too: who writes that many means no good either.
    let is_sign = |byte: &u8| matches!(byte, b',' | b'[' | b'{');
    if text.len() > MOST_VALUES && text.bytes().filter(is_sign).count() > MOST_VALUES {
        return Err(DecodeError::value(format!("{method}: more than {MOST_VALUES} values")));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(args)) => Ok(args),
        Ok(other) => {
            let found = python::type_name(&other);
            Err(DecodeError::of_type(format!("{method}() takes arguments by name, not a {found}")))
        }
        Err(error) => {
            let text = error.to_string();
            // The reader has no other sign of it.
            if text.starts_with("recursion limit exceeded") {
                return Err(DecodeError::TooDeep);
            }
            Err(DecodeError::value(format!("{method}: {}", python::quoted(&text))))
        }
    }
}

/// All arguments of a method are read: what is left is not one.
pub(crate) fn finished(method: &str, rest: &Map<String, Value>) -> Result<(), DecodeError> {
    match rest.keys().next() {
        None => Ok(()),
        Some(key) => {
            let key = python::quoted(key);
            let reason = format!("{method}() got an unexpected keyword argument '{key}'");
            Err(DecodeError::of_type(reason))
        }
    }
}

/// Takes an argument that has to be there.
pub(crate) fn required<T: Argument>(
    method: &str,
    args: &mut Map<String, Value>,
    name: &'static str,
) -> Result<T, DecodeError> {
    match args.remove(name) {
        Some(value) => T::read(value, name),
        None => {
            let reason = format!("{method}() missing a required argument: '{name}'");
            Err(DecodeError::of_type(reason))
        }
    }
}

/// Takes an argument that has a value of its own if it is not there.
pub(crate) fn optional<T: Argument>(
    args: &mut Map<String, Value>,
    name: &'static str,
    fallback: impl FnOnce() -> T,
) -> Result<T, DecodeError> {
    args.remove(name).map_or_else(|| Ok(fallback()), |value| T::read(value, name))
}

/// A value that a method takes.
pub trait Argument: Sized {
    /// Reads the value of the argument of this name.
    ///
    /// # Errors
    ///
    /// [`DecodeError`].
    fn read(value: Value, name: &'static str) -> Result<Self, DecodeError>;

    /// The value as it stands in a message.
    fn write(&self) -> Value;
}

fn at(name: &str) -> Place<'_> {
    Place { name, depth: 0 }
}

impl<T: VersionedObject> Argument for T {
    fn read(value: Value, name: &'static str) -> Result<Self, DecodeError> {
        if value.as_object().is_some_and(|map| map.contains_key(KEY_NAME)) {
            return hydrate(value, name).map(|object| *object);
        }
        let fields = Self::FIELDS.iter().map(|field| field.name);
        let attribute = fields.clone().find(|name| *name == "id").or(fields.clone().next());
        let found = python::type_name(&value).to_owned();
        Err(DecodeError::Attribute { found, attribute: attribute.unwrap_or_default() })
    }

    fn write(&self) -> Value {
        dehydrate(self)
    }
}

impl<T: Argument> Argument for Option<T> {
    fn read(value: Value, name: &'static str) -> Result<Self, DecodeError> {
        if value.is_null() { Ok(None) } else { T::read(value, name).map(Some) }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, Argument::write)
    }
}

impl Argument for String {
    fn read(value: Value, name: &'static str) -> Result<Self, DecodeError> {
        Text::read(value, at(name))
    }

    fn write(&self) -> Value {
        Text::write(self)
    }
}

impl Argument for i64 {
    fn read(value: Value, _: &'static str) -> Result<Self, DecodeError> {
        python::integer(&value)
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }
}

impl Argument for bool {
    fn read(value: Value, _: &'static str) -> Result<Self, DecodeError> {
        Ok(python::truth(&value))
    }

    fn write(&self) -> Value {
        Value::Bool(*self)
    }
}

impl Argument for Vec<String> {
    fn read(value: Value, name: &'static str) -> Result<Self, DecodeError> {
        TextList::read(value, at(name))
    }

    fn write(&self) -> Value {
        TextList::write(self)
    }
}

impl Argument for Dict {
    fn read(value: Value, name: &'static str) -> Result<Self, DecodeError> {
        plain::check(&value, name)?;
        match value {
            Value::Object(map) => Ok(Self(map)),
            other => {
                let found = python::type_name(&other).to_owned();
                Err(DecodeError::Attribute { found, attribute: "get" })
            }
        }
    }

    fn write(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

impl Argument for Value {
    fn read(value: Value, name: &'static str) -> Result<Self, DecodeError> {
        plain::check(&value, name)?;
        Ok(value)
    }

    fn write(&self) -> Value {
        self.clone()
    }
}
