//! What every object is wrapped in: its kind, its version, which fields have changed.
//!
//! Reading goes by the original's rules (`spec/objects.md §2`): the namespace first, then the kind,
//! then the version, then field by field; keys that nobody knows are left aside, or kept by objects
//! that are only passed on. Objects within objects are bounded, however deep the JSON is. Must not:
//! know any kind of object.

use serde_json::{Map, Value};

use crate::changes::Changes;
use crate::error::DecodeError;
use crate::kinds;
use crate::python::{quoted, type_name};

/// Objects within objects. What senders write has seven.
const DEEPEST: usize = 24;
/// The one namespace there is.
const NAMESPACE: &str = "cinder";
pub(crate) const KEY_NAME: &str = "versioned_object.name";
const KEY_NAMESPACE: &str = "versioned_object.namespace";
pub(crate) const KEY_VERSION: &str = "versioned_object.version";
const KEY_DATA: &str = "versioned_object.data";
const KEY_CHANGES: &str = "versioned_object.changes";

/// What is known of one field of a kind of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    /// Its name on the wire and in the struct.
    pub name: &'static str,
    /// What it holds, in this crate's words.
    pub kind: &'static str,
    /// What its elements are, if it holds others.
    pub of: Option<&'static str>,
    /// Whether it may be null.
    pub is_nullable: bool,
    /// What a column has without a value, as JSON.
    pub default: Option<&'static str>,
    /// The texts that it can hold, if they are a closed list.
    pub values: &'static [&'static str],
}

/// What an object carries beside its fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// The version that it came with; ours for one that was made here.
    pub(crate) version: Option<Box<str>>,
    pub(crate) changes: Changes,
    /// Keys of its data that we do not know, of objects that are only passed on.
    pub(crate) unknown: Option<Box<Map<String, Value>>>,
}

/// An object of a kind that messages carry.
pub trait VersionedObject: Default + Sized {
    /// Name of the kind.
    const NAME: &'static str;
    /// Its version.
    const VERSION: &'static str;
    /// Its fields in order.
    const FIELDS: &'static [FieldSpec];
    /// Whether unknown keys of its data are kept.
    const KEEPS_UNKNOWN: bool;

    /// What it carries beside its fields.
    fn envelope(&self) -> &Envelope;

    /// The same, to be changed.
    fn envelope_mut(&mut self) -> &mut Envelope;

    /// Reads the field of this name; gives the value back if there is none.
    #[doc(hidden)]
    fn read_field(&mut self, place: Place<'_>, value: Value) -> Result<Option<Value>, DecodeError>;

    /// All fields that are set.
    #[doc(hidden)]
    fn write_fields(&self, data: &mut Map<String, Value>);

    /// Which fields hold objects with changes.
    #[doc(hidden)]
    fn changed_within(&self) -> Changes;

    /// Whether the field of this number is there.
    #[doc(hidden)]
    fn is_field_set(&self, number: usize) -> bool;

    /// The version that its sender knows it in.
    fn version(&self) -> &str {
        self.envelope().version.as_deref().unwrap_or(Self::VERSION)
    }

    /// What has been set since it was loaded, by itself or within an object of its own.
    fn changes(&self) -> Vec<&'static str> {
        let (own, within) = (self.envelope().changes, self.changed_within());
        let fields = Self::FIELDS.iter().enumerate();
        fields
            .filter(|(number, _)| own.has(*number) || within.has(*number))
            .map(|(_, field)| field.name)
            .collect()
    }

    /// Says of a field that it has been set; one that this kind has not is left aside.
    fn mark(&mut self, field: &str) {
        if let Some(number) = Self::FIELDS.iter().position(|one| one.name == field) {
            self.envelope_mut().changes.add(number);
        }
    }

    /// Says so of all fields that are there, as the original does of an object that is new.
    #[must_use]
    fn all_changed(mut self) -> Self {
        for number in 0..Self::FIELDS.len() {
            if self.is_field_set(number) {
                self.envelope_mut().changes.add(number);
            }
        }
        self
    }

    /// Forgets all changes, as after a save.
    fn reset_changes(&mut self) {
        self.envelope_mut().changes = Changes::NONE;
    }
}

/// Where a value stands that is being read.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The name of its field or argument.
    pub(crate) name: &'a str,
    /// Objects around it.
    pub(crate) depth: usize,
}

/// Reads an object that stands in a message by itself.
pub(crate) fn hydrate<T: VersionedObject>(value: Value, name: &str) -> Result<Box<T>, DecodeError> {
    read(value, Place { name, depth: 0 })
}

/// Reads an object that is the value of a field.
pub(crate) fn hydrate_within<T: VersionedObject>(
    value: Value,
    place: Place<'_>,
) -> Result<Box<T>, DecodeError> {
    read(value, Place { depth: place.depth + 1, ..place })
}

fn read<T: VersionedObject>(value: Value, place: Place<'_>) -> Result<Box<T>, DecodeError> {
    if place.depth > DEEPEST {
        return Err(DecodeError::TooDeep);
    }
    let Value::Object(mut map) = value else {
        let found = type_name(&value);
        return Err(DecodeError::of_type(format!(
            "an object is required in {}, not a {found}",
            place.name
        )));
    };
    check_kind::<T>(&mut map, place)?;
    let version = version::<T>(taken(&mut map, KEY_VERSION)?, place.depth == 0)?;
    let data = match taken(&mut map, KEY_DATA)? {
        Value::Object(data) => data,
        other => {
            let found = type_name(&other);
            return Err(DecodeError::of_type(format!("argument of type '{found}' is no data")));
        }
    };
    let mut object = Box::<T>::default();
    let mut unknown = Map::new();
    for (key, value) in data {
        let place = Place { name: &key, ..place };
        if let Some(value) = object.read_field(place, value)?
            && T::KEEPS_UNKNOWN
        {
            unknown.insert(key, value);
        }
    }
    if let Some(changes) = map.remove(KEY_CHANGES) {
        read_changes(&mut *object, &changes)?;
    }
    let envelope = object.envelope_mut();
    envelope.version = version;
    envelope.unknown = (!unknown.is_empty()).then(|| Box::new(unknown));
    Ok(object)
}

fn taken(map: &mut Map<String, Value>, key: &'static str) -> Result<Value, DecodeError> {
    map.remove(key).ok_or(DecodeError::MissingKey { key })
}

/// A value of an envelope that has to be a text, shown as one whatever it is.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    }
}

fn check_kind<T: VersionedObject>(
    map: &mut Map<String, Value>,
    place: Place<'_>,
) -> Result<(), DecodeError> {
    let namespace = taken(map, KEY_NAMESPACE)?;
    let name = taken(map, KEY_NAME)?;
    if namespace != NAMESPACE {
        let name = format!("{}.{}", shown(&namespace), shown(&name));
        return Err(DecodeError::UnsupportedObject { name });
    }
    if name == T::NAME {
        return Ok(());
    }
    match name.as_str() {
        Some(other) if kinds::is_known(other) && place.depth == 0 => {
            // It would be read, and miss something when it is looked at.
            let attribute = T::FIELDS.first().map_or("", |field| field.name);
            Err(DecodeError::Attribute { found: other.to_owned(), attribute })
        }
        Some(other) if kinds::is_known(other) => {
            let reason = format!(
                "An object of type {} is required in field {}, not a {other}",
                T::NAME,
                place.name
            );
            Err(DecodeError::value(reason))
        }
        _ => Err(DecodeError::UnsupportedObject { name: shown(&name) }),
    }
}

/// The version of an object that is not ours to the letter.
///
/// A third number is cut off where it is what keeps an object from being read, of the outermost only,
/// as in the original.
fn version<T: VersionedObject>(
    value: Value,
    is_outermost: bool,
) -> Result<Option<Box<str>>, DecodeError> {
    let Value::String(text) = value else {
        return Err(DecodeError::InvalidVersion { version: shown(&value) });
    };
    if text == T::VERSION {
        return Ok(None);
    }
    if is_compatible(&text, T::VERSION)? {
        return Ok(Some(text.into()));
    }
    let mut parts = text.split('.');
    if is_outermost
        && let (Some(major), Some(minor), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
    {
        // Nothing but ours can be read without the third number and not with it.
        if is_compatible(&format!("{major}.{minor}"), T::VERSION)? {
            return Ok(None);
        }
    }
    Err(DecodeError::IncompatibleVersion {
        name: T::NAME,
        version: quoted(&text),
        supported: T::VERSION,
    })
}

/// Whether a version is ours or an older one of the same major number.
fn is_compatible(asked: &str, ours: &str) -> Result<bool, DecodeError> {
    let numbers = |text: &str| -> Result<Vec<u32>, DecodeError> {
        let numbers: Option<Vec<u32>> =
            text.trim().split('.').map(|part| part.parse().ok()).collect();
        let invalid = || DecodeError::InvalidVersion { version: quoted(text) };
        let mut numbers = numbers.ok_or_else(invalid)?;
        // 1.9.0 is 1.9.
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Ok(numbers)
    };
    let (asked, ours) = (numbers(asked)?, numbers(ours)?);
    Ok(asked.first() == ours.first() && asked <= ours)
}

fn read_changes<T: VersionedObject>(object: &mut T, changes: &Value) -> Result<(), DecodeError> {
    match changes {
        Value::Array(names) => {
            for name in names.iter().filter_map(Value::as_str) {
                object.mark(name);
            }
            Ok(())
        }
        Value::Object(_) | Value::String(_) => Ok(()), // names of nothing
        other => {
            let found = type_name(other);
            Err(DecodeError::of_type(format!("'{found}' object is not iterable")))
        }
    }
}

/// An object as it stands in a message, in the version that its sender knows it in.
pub(crate) fn dehydrate<T: VersionedObject>(object: &T) -> Value {
    let mut data = Map::new();
    object.write_fields(&mut data);
    let envelope = object.envelope();
    if let Some(unknown) = &envelope.unknown {
        data.extend(unknown.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    let mut changes = object.changes();
    changes.retain(|name| data.contains_key(*name));
    let mut map = Map::new();
    map.insert(KEY_NAME.to_owned(), T::NAME.into());
    map.insert(KEY_NAMESPACE.to_owned(), NAMESPACE.into());
    map.insert(KEY_VERSION.to_owned(), object.version().into());
    map.insert(KEY_DATA.to_owned(), Value::Object(data));
    if !changes.is_empty() {
        map.insert(KEY_CHANGES.to_owned(), changes.into());
    }
    Value::Object(map)
}
