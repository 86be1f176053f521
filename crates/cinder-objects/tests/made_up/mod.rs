//! An object of every kind with a value in every field.

use cinder_objects::{Argument, DecodeError, FieldSpec, Pin, VersionedObject};
use serde_json::{Map, Value, json};

macro_rules! kinds {
    ($($name:ident)+) => {
        /// Names of all kinds.
        pub const NAMES: &[&str] = &[$(stringify!($name)),+];

        fn fields(name: &str) -> (&'static str, &'static [FieldSpec]) {
            match name {
                $(stringify!($name) => {
                    type One = cinder_objects::$name;
                    (One::VERSION, One::FIELDS)
                })+
                other => panic!("{other}"),
            }
        }

        /// Reads an object of a kind and writes it again.
        pub fn again(name: &str, value: Value, pin: Pin) -> Result<Value, DecodeError> {
            let mut written = match name {
                $(stringify!($name) => cinder_objects::$name::read(value, "x")?.write(),)+
                other => panic!("{other}"),
            };
            pin.relabel(&mut written);
            Ok(written)
        }
    };
}

kinds! {
    Backup BackupDeviceInfo BackupImport BackupList CGSnapshot CGSnapshotList CleanupRequest Cluster
    ClusterList ConsistencyGroup ConsistencyGroupList Group GroupList GroupSnapshot GroupSnapshotList
    GroupType GroupTypeList LogLevel LogLevelList ManageableSnapshot ManageableSnapshotList
    ManageableVolume ManageableVolumeList QualityOfServiceSpecs QualityOfServiceSpecsList RequestSpec
    Service ServiceList Snapshot SnapshotList Volume VolumeAttachment VolumeAttachmentList VolumeList
    VolumeProperties VolumeType VolumeTypeList
}

/// Which fields a made-up object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    All,
    Nulls,
    Nothing,
}

/// An object of a kind, at a depth within others.
pub fn envelope(name: &str, filling: Filling, depth: usize) -> Value {
    let (version, fields) = fields(name);
    let mut data = Map::new();
    for field in fields {
        let value = match filling {
            Filling::Nothing => None,
            Filling::Nulls => field.is_nullable.then_some(Value::Null),
            Filling::All => some(field, depth),
        };
        data.extend(value.map(|value| (field.name.to_owned(), value)));
    }
    let changes: Vec<String> = data.keys().cloned().collect();
    let mut envelope = json!({
        "versioned_object.name": name,
        "versioned_object.namespace": "cinder",
        "versioned_object.version": version,
        "versioned_object.data": data,
    });
    if !changes.is_empty() {
        envelope["versioned_object.changes"] = json!(changes);
    }
    envelope
}

fn some(field: &FieldSpec, depth: usize) -> Option<Value> {
    let within = || envelope(field.of.unwrap(), Filling::All, depth + 1);
    Some(match field.kind {
        "Text" | "Login" => json!("a text ü"),
        "Uuid" => json!("f0a1c0de-0000-4000-8000-00000000000a"),
        "Moment" => json!("2026-01-02T03:04:05Z"),
        "Boolean" => json!(true),
        "Integer" => json!(7),
        "Texts" => json!({"key": "value"}),
        "NullableTexts" => json!({"key": "value", "none": null}),
        "TextList" => json!(["one", "two"]),
        "Free" => json!({"key": {"deep": [1, null, 1.5]}}),
        "QosConsumer" => json!("both"),
        "AttachState" => json!("reserved"),
        "ReplicationState" => json!("enabled"),
        "Object" if depth < 2 => within(),
        "Many" if depth < 2 => json!([within()]),
        "Many" => json!([]),
        "Object" => return None,
        _ => json!("creating"),
    })
}

/// Where two values differ first, and how; lists of changes may be in any order.
pub fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys = ours.keys().chain(theirs.keys());
            keys.into_iter().find_map(|key| {
                let of = |map: &Map<String, Value>| {
                    let mut value = map.get(key)?.clone();
                    if let (true, Value::Array(list)) = (key.ends_with(".changes"), &mut value) {
                        list.sort_by_key(Value::to_string);
                    }
                    Some(value)
                };
                match (of(ours), of(theirs)) {
                    (Some(ours), Some(theirs)) => {
                        difference(&ours, &theirs).map(|text| format!("{key}/{text}"))
                    }
                    (None, None) => None,
                    (ours, theirs) => Some(format!("{key}: ours {ours:?}, theirs {theirs:?}")),
                }
            })
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let mut pairs = ours.iter().zip(theirs).enumerate();
            pairs.find_map(|(number, (ours, theirs))| {
                difference(ours, theirs).map(|text| format!("{number}/{text}"))
            })
        }
        _ if ours == theirs => None,
        _ => Some(format!("ours {ours}, theirs {theirs}")),
    }
}
