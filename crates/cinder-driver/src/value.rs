//! A map that keeps its order and hides its secrets: connection data, extra keys of statistics.
//!
//! Must not: show a secret, by `{}`, `{:?}` or a serialiser; only [`Revealed`] does, which is asked
//! for by name when the data goes to whoever is to connect.

use std::fmt;

use cinder_types::Secret;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Number;

/// One value, as JSON knows them, and secrets.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text that anybody may see.
    Text(String),
    /// Text that nobody may see in a log.
    Secret(Secret),
    /// Several values.
    List(Vec<Value>),
    /// A map in a map.
    Map(Map),
}

/// Keys with their values, in the order in which they were put in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map(Vec<(String, Value)>);

impl Map {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one key more, or with its value replaced where it stands.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(key, value);
        self
    }

    /// Puts a key in, at the end; one that is there keeps its place.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, place)) => *place = value,
            None => self.0.push((key, value)),
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(at).1)
    }

    /// What stands at a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The text at a key, if it is one and no secret.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// All keys with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A JSON object as such a map; anything else is an empty one.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        match Value::from_json(json) {
            Value::Map(map) => map,
            _ => Self::new(),
        }
    }
}

impl Value {
    /// JSON as such a value; nothing of it is a secret.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(it) => Self::Bool(*it),
            Json::Number(it) => Self::Number(it.clone()),
            Json::String(it) => Self::Text(it.clone()),
            Json::Array(list) => Self::List(list.iter().map(Self::from_json).collect()),
            Json::Object(map) => {
                let pair = |(key, value): (&String, _)| (key.clone(), Self::from_json(value));
                Self::Map(Map(map.iter().map(pair).collect()))
            }
        }
    }
}

/// The value with its secrets, for the wire.
pub struct Revealed<'a, T>(pub &'a T);

impl fmt::Debug for Revealed<'_, Map> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Revealed<'_, Map> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.0.len()))?;
        for (key, value) in self.0.iter() {
            map.serialize_entry(key, &Revealed(value))?;
        }
        map.end()
    }
}

impl Serialize for Revealed<'_, Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(it) => serializer.serialize_bool(*it),
            Value::Number(it) => it.serialize(serializer),
            Value::Text(it) => serializer.serialize_str(it),
            Value::Secret(it) => serializer.serialize_str(it.reveal()),
            Value::List(list) => {
                let mut out = serializer.serialize_seq(Some(list.len()))?;
                for value in list {
                    out.serialize_element(&Revealed(value))?;
                }
                out.end()
            }
            Value::Map(map) => Revealed(map).serialize(serializer),
        }
    }
}

macro_rules! from {
    ($($type:ty => $make:expr;)+) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                ($make)(value)
            }
        }
    )+};
}

from! {
    bool => Value::Bool;
    &str => |text: &str| Value::Text(text.to_owned());
    String => Value::Text;
    Secret => Value::Secret;
    u64 => |number: u64| Value::Number(number.into());
    i64 => |number: i64| Value::Number(number.into());
    u32 => |number: u32| Value::Number(number.into());
    // JSON has no infinity and no "not a number": whoever has one says it in words.
    f64 => |number: f64| Number::from_f64(number).map_or(Value::Null, Value::Number);
    Map => Value::Map;
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(list: Vec<T>) -> Self {
        Self::List(list.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chap() -> Map {
        Map::new()
            .with("target_portal", "10.0.0.1:3260")
            .with("auth_password", Secret::new("hidden"))
            .with("auth", Map::new().with("again", vec![Secret::new("hidden")]))
            .with("lun", 1_u64)
    }

    #[test]
    fn a_secret_is_shown_to_nobody_but_who_reveals_it() {
        assert!(!format!("{:?} {:#?} {:?}", chap(), chap(), Revealed(&chap())).contains("hidden"));
        let wire = serde_json::to_string(&Revealed(&chap())).expect("it can be written");
        assert_eq!(
            wire,
            r#"{"target_portal":"10.0.0.1:3260","auth_password":"hidden","auth":{"again":["hidden"]},"lun":1}"#
        );
    }

    #[test]
    fn a_key_that_is_replaced_keeps_its_place() {
        let keys = |map: &Map| map.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
        let map = chap().with("target_portal", "::1").with("discard", true);
        assert_eq!(keys(&map), ["target_portal", "auth_password", "auth", "lun", "discard"]);
        assert_eq!(map.text("target_portal"), Some("::1"));
        assert_eq!(map.text("auth_password"), None);
    }
}
