//! What methods return, as it stands in a reply. Must not: know which method returns what.

use serde_json::Value;

use crate::envelope::{VersionedObject, dehydrate};
use crate::objects::BackupDeviceInfo;
use crate::pin::Pin;
use crate::wire::Dict;

/// What a method returns.
pub trait Answer {
    /// As it stands in a reply; objects in the version of `pin`.
    fn encode(&self, pin: Pin) -> Value {
        let mut value = self.value();
        pin.relabel(&mut value);
        value
    }

    /// As it stands in a reply, objects in the version that they came in.
    fn value(&self) -> Value;
}

impl Answer for () {
    fn value(&self) -> Value {
        Value::Null
    }
}

impl Answer for bool {
    fn value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl Answer for String {
    fn value(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Answer for Dict {
    fn value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

impl<T: Answer> Answer for Option<T> {
    fn value(&self) -> Value {
        self.as_ref().map_or(Value::Null, Answer::value)
    }
}

impl<T: Answer> Answer for Vec<T> {
    fn value(&self) -> Value {
        self.iter().map(Answer::value).collect()
    }
}

impl<T: VersionedObject> Answer for T {
    fn value(&self) -> Value {
        dehydrate(self)
    }
}

/// What a method returns that older callers want without objects.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyForm<T> {
    /// For `want_objects`.
    Objects(T),
    /// The same as plain values.
    Plain(Value),
}

impl<T: Answer> Answer for AnyForm<T> {
    fn value(&self) -> Value {
        match self {
            Self::Objects(objects) => objects.value(),
            Self::Plain(value) => value.clone(),
        }
    }
}

/// What a backup is read from; nothing if the service of backups is told by a message of its own.
pub type BackupDevice = Option<AnyForm<BackupDeviceInfo>>;
