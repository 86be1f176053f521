//! The tables against the original's, as they were read out of it.

#![allow(clippy::unwrap_used, reason = "the data of a test are as they are")]

use cinder_objects::{CappedVersionUnknown, FieldSpec, KeptUntil, Method, Pin, VersionedObject};
use serde_json::{Map, Value, json};

fn objects() -> Value {
    serde_json::from_str(include_str!("data/objects.json")).unwrap()
}

fn methods() -> Value {
    serde_json::from_str(include_str!("data/rpc-methods.json")).unwrap()
}

/// A field in the words of `objects.json`.
fn in_their_words(field: &FieldSpec) -> Value {
    let kind = match field.kind {
        "Text" | "Login" => "StringField",
        "Uuid" => "UUIDField",
        "Moment" => "DateTimeField",
        "Boolean" => "BooleanField",
        "Integer" => "IntegerField",
        "Texts" => "DictOfStringsField",
        "NullableTexts" => "DictOfNullableStringsField",
        "TextList" => "ListOfStringsField",
        "Free" => "DictOfNullableField",
        "Object" => "ObjectField",
        "Many" => "ListOfObjectsField",
        "AttachState" => "VolumeAttachStatusField",
        "BackupState" => "BackupStatusField",
        "ConsistencyGroupState" => "ConsistencyGroupStatusField",
        "GroupState" => "GroupStatusField",
        "QosConsumer" => "QoSConsumerField",
        "ReplicationState" => "ReplicationStatusField",
        "SnapshotState" => "SnapshotStatusField",
        other => panic!("{other}"),
    };
    let default = field.default.map(|text| serde_json::from_str(text).unwrap());
    json!([kind, field.is_nullable, field.of, default.unwrap_or(Value::Null), field.values])
}

fn in_ours(field: &Value) -> Value {
    let of = field["wire"]["object"].as_str().or(field["wire"]["element"]["object"].as_str());
    let values = field["wire"]["values"].as_array().cloned().unwrap_or_default();
    json!([field["kind"], field["nullable"], of, field["default"], values])
}

fn check<T: VersionedObject>(theirs: &Map<String, Value>) {
    let theirs = &theirs[T::NAME];
    assert_eq!(theirs["version"], T::VERSION, "{}", T::NAME);
    assert_eq!(theirs["namespace"], "cinder");
    let ours: Map<String, Value> =
        T::FIELDS.iter().map(|one| (one.name.to_owned(), in_their_words(one))).collect();
    assert_eq!(ours.len(), T::FIELDS.len());
    assert!(ours.len() <= 64, "changes are 64 bits");
    let fields = theirs["fields"].as_object().unwrap();
    let theirs: Map<String, Value> =
        fields.iter().map(|(name, one)| (name.clone(), in_ours(one))).collect();
    assert_eq!(Value::Object(ours), Value::Object(theirs), "{}", T::NAME);
}

macro_rules! check_all {
    ($theirs:ident: $($name:ident)+) => {{
        $(check::<cinder_objects::$name>($theirs);)+
        [$(stringify!($name)),+]
    }};
}

#[test]
fn every_kind_has_the_fields_of_the_original() {
    let all = objects();
    let theirs = all["objects"].as_object().unwrap();
    let ours = check_all!(theirs: Backup BackupDeviceInfo BackupImport BackupList CGSnapshot
        CGSnapshotList CleanupRequest Cluster ClusterList ConsistencyGroup ConsistencyGroupList Group
        GroupList GroupSnapshot GroupSnapshotList GroupType GroupTypeList LogLevel LogLevelList
        ManageableSnapshot ManageableSnapshotList ManageableVolume ManageableVolumeList
        QualityOfServiceSpecs QualityOfServiceSpecsList RequestSpec Service ServiceList Snapshot
        SnapshotList Volume VolumeAttachment VolumeAttachmentList VolumeList VolumeProperties
        VolumeType VolumeTypeList);
    let names: Vec<_> = theirs.keys().map(String::as_str).collect();
    assert_eq!(ours.as_slice(), names);
}

/// Only what differs between the sets is written down; the rest has to be our own version.
#[test]
fn pins_label_objects_as_the_original_does() {
    let all = objects();
    for (set, versions) in all["object_versions_history"].as_object().unwrap() {
        let pin = Pin::named(set).unwrap();
        for (name, version) in versions.as_object().unwrap() {
            let ours = &all["objects"][name]["version"];
            let envelope = |version: &Value| json!({"versioned_object.name": name, "versioned_object.version": version});
            let mut value = json!([{"within": envelope(ours)}]);
            pin.relabel(&mut value);
            assert_eq!(value, json!([{"within": envelope(version)}]), "{set}: {name}");
        }
    }
    assert_eq!(all["object_current_version"], cinder_types::OBJECT_VERSION);
    assert_eq!(Pin::named(cinder_types::OBJECT_VERSION), Ok(Pin::CURRENT));
    for unknown in ["1.37", "1.40", "", "1.380"] {
        let error = Pin::named(unknown).unwrap_err();
        assert!(error.to_string().contains("cinder-manage service list"), "{error}");
    }
}

#[test]
fn the_table_has_the_methods_and_arguments_of_the_original() {
    let spec = methods();
    let ours = |method: &Method| {
        let argument = |required| move |name: &&str| (required, (*name).to_owned());
        let required = method.required().iter().map(argument(true));
        let optional = method.optional().iter().map(argument(false));
        let sent_as = method.sent_as().to_owned();
        (method.name().to_owned(), sent_as, required.chain(optional).collect::<Vec<_>>())
    };
    let theirs = |(name, method): (&String, &Value)| {
        let mut arguments: Vec<(bool, String)> = method["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["required"] == true, one["name"].as_str().unwrap().to_owned()))
            .collect();
        arguments.sort_by_key(|(required, _)| !required);
        let sent_as = method["version_sent"].as_str().unwrap();
        let sent_as = sent_as.split_whitespace().next().unwrap().to_owned();
        (name.clone(), sent_as, arguments)
    };
    let mut theirs: Vec<_> = spec["methods"].as_object().unwrap().iter().map(theirs).collect();
    let mut ours: Vec<_> = Method::ALL.iter().map(ours).collect();
    theirs.sort();
    ours.sort();
    assert_eq!(ours, theirs);
    assert_eq!(spec["manager_rpc_version"], cinder_types::RPC_VERSION);
    for (number, method) in Method::ALL.iter().enumerate() {
        assert_eq!((method.number(), Method::NAMES[number]), (number, method.name()));
        assert_eq!(Method::named(method.name()), Some(*method));
    }
}

/// A cast that changes something is kept until that stands somewhere, and one that asks for nothing
/// but to be told is not.
#[test]
fn a_message_is_kept_for_as_long_as_its_work_could_be_lost() {
    let spec = methods();
    let nothing_lost = ["publish_service_capabilities", "failover_completed", "set_log_levels"];
    for method in Method::ALL {
        let kind = spec["methods"][method.name()]["kind"].as_str().unwrap();
        let is_kept = method.kept_until() != KeptUntil::Taken;
        if kind.starts_with("cast") {
            assert_eq!(is_kept, !nothing_lost.contains(&method.name()), "{method:?}");
        }
    }
    let claimed = Method::ALL.iter().filter(|one| one.kept_until() == KeptUntil::Claimed);
    let claimed: Vec<_> = claimed.map(|one| one.name()).collect();
    assert_eq!(claimed, ["create_volume", "delete_volume", "create_snapshot"]);
}

/// A failure whose class a caller does not know cannot be told from any other.
#[test]
fn an_unknown_pin_is_a_class_of_the_original_with_its_parameters() {
    let classes = include_str!("../../oslo-messaging/tests/data/cinder-exceptions.txt");
    let class = CappedVersionUnknown::CLASS;
    let line = classes.lines().find(|line| line.split(' ').next() == Some(class)).unwrap();
    let theirs: Vec<_> = line.split(' ').skip(2).collect();
    let ours = Pin::named("1.7").unwrap_err().parameters().map(|(name, _)| name);
    assert_eq!(ours.as_slice(), theirs);
}
