//! What somebody who works with objects relies on.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod made_up;

use cinder_objects::{
    Answer, AnyForm, Argument, Call, CreateVolume, DecodeError, Dict, Field, GetManageableVolumes,
    Group, InitializeConnection, LogLevel, LogLevelList, ManageableVolume, Method, Pin, Request,
    RequestSpec, Snapshot, SnapshotList, VersionedObject, Volume, VolumeAttachment,
    VolumeAttachmentList, VolumeProperties,
};
use cinder_types::SnapshotStatus;
use made_up::{Filling, NAMES, again, difference};
use serde_json::{Value, json};

const VOLUME: &str = include_str!("data/volume.json");

fn volume() -> Volume {
    Volume::read(serde_json::from_str(VOLUME).unwrap(), "volume").unwrap()
}

fn envelope(name: &str, version: &str, data: Value) -> Value {
    json!({
        "versioned_object.name": name,
        "versioned_object.namespace": "cinder",
        "versioned_object.version": version,
        "versioned_object.data": data,
    })
}

#[test]
fn what_was_not_sent_is_neither_null_nor_written() {
    let read = Volume::read(envelope("Volume", "1.9", json!({"host": null})), "volume").unwrap();
    assert_eq!((&read.host, &read.status), (&Field::Null, &Field::Unset));
    assert!(read.host.is_set() && !read.status.is_set());
    assert_eq!((read.host(), read.status()), (None, None));
    let missing = read.id().unwrap_err();
    assert_eq!((missing.object, missing.field), ("Volume", "id"));
    assert_eq!(read.size().unwrap_err().field, "size");
    let told = DecodeError::from(missing);
    assert_eq!(
        (told.module(), told.class()),
        ("oslo_versionedobjects.exception", "ObjectActionError")
    );
    assert!(told.to_string().contains("attribute id of Volume"), "{told}");
    assert_eq!(read.service(), Ok(None));
    assert_eq!(read.write()["versioned_object.data"], json!({"host": null}));
}

#[test]
fn a_size_that_is_null_reads_as_nothing() {
    let none = Volume { size: None.into(), ..Volume::default() };
    assert_eq!(none.size(), Ok(0));
    let none = Snapshot { volume_size: Field::Null, ..Snapshot::default() };
    assert_eq!(none.volume_size(), Ok(0));
}

#[test]
fn a_volume_that_took_over_another_ones_data_has_its_name() {
    let mut moved = volume();
    let own = moved.id().unwrap();
    assert_eq!(moved.name_id().unwrap(), own);
    moved._name_id = "5f2c".into();
    assert_eq!(moved.name_id().unwrap().as_str(), "5f2c");
    assert_eq!(moved.name("vol_%s_x").unwrap(), "vol_5f2c_x");
    moved._name_id = "".into();
    assert_eq!(moved.name_id().unwrap(), own);
    moved.host = "h@b#p".into();
    assert_eq!(moved.service(), Ok(Some("h@b#p")));
    moved.cluster_name = "c@b".into();
    assert_eq!(moved.service(), Ok(Some("c@b")));
}

#[test]
fn changes_are_told_by_the_names_of_their_fields_up_to_the_outermost_object() {
    let mut one = volume();
    assert!(one.changes().is_empty());
    assert!(one.write().get("versioned_object.changes").is_none());
    one.status = "error".into();
    one.mark("status");
    one.mark("of a later release");
    assert_eq!(one.changes(), ["status"]);
    let attachment = VolumeAttachment { id: "a".into(), ..Default::default() }.all_changed();
    let list = VolumeAttachmentList { objects: vec![attachment].into(), ..Default::default() };
    one.volume_attachment = Box::new(list).into();
    assert_eq!(one.attachments().len(), 1);
    assert_eq!(one.changes(), ["status", "volume_attachment"]);
    let written = one.write();
    assert_eq!(written["versioned_object.changes"], json!(["status", "volume_attachment"]));
    let list = &written["versioned_object.data"]["volume_attachment"];
    assert_eq!(list["versioned_object.changes"], json!(["objects"]));
    one.reset_changes();
    one.volume_attachment = Field::Unset;
    assert!(one.changes().is_empty());
    // A change of a field that is not sent is not told.
    one.host = Field::Unset;
    one.mark("host");
    assert!(one.write().get("versioned_object.changes").is_none());
}

#[test]
fn what_is_only_passed_on_keeps_what_we_do_not_know() {
    let properties = json!({"size": 1, "of_a_later_release": {"a": [1, null]}});
    let sent = json!({
        "volume_id": "5f2c",
        "volume_properties": envelope("VolumeProperties", "1.1", properties),
        "of_a_later_release": "x",
    });
    let sent = envelope("RequestSpec", "1.4", sent);
    let read = RequestSpec::read(sent.clone(), "request_spec").unwrap();
    assert_eq!(read.version(), "1.4");
    assert_eq!(read.write(), sent);
    const { assert!(RequestSpec::KEEPS_UNKNOWN && VolumeProperties::KEEPS_UNKNOWN) };
    // What we work with is ours.
    let read = Volume::read(envelope("Volume", "1.9", json!({"id": "a", "x": 1})), "v").unwrap();
    assert_eq!(read.write()["versioned_object.data"], json!({"id": "a"}));
}

#[test]
fn an_object_keeps_the_version_that_it_came_in() {
    for (sent, kept) in
        [("1.9", "1.9"), ("1.9.1", "1.9"), ("1.8.4", "1.8.4"), ("1.0", "1.0"), ("1", "1")]
    {
        let read = Volume::read(envelope("Volume", sent, json!({"id": "a"})), "volume").unwrap();
        assert_eq!(
            (read.version(), &read.write()["versioned_object.version"]),
            (kept, &kept.into())
        );
    }
}

#[test]
fn a_pin_labels_what_is_sent_wherever_it_stands_and_never_makes_it_newer() {
    let older = envelope("Volume", "1.7", json!({"id": "a"}));
    let spec = RequestSpec {
        volume: Box::new(Volume::read(older, "volume").unwrap()).into(),
        ..RequestSpec::default()
    };
    let noted = json!({"seen": [serde_json::from_str::<Value>(VOLUME).unwrap()]});
    let call = CreateVolume {
        volume: volume(),
        request_spec: Some(spec),
        filter_properties: noted.as_object().cloned().map(Dict),
        allow_reschedule: true,
    };
    let labels = |pin: Pin| {
        let (_, args) = Request::from(call.clone()).encode(pin);
        let version =
            |place: &str| args.pointer(place).unwrap()["versioned_object.version"].clone();
        [
            version("/volume"),
            version("/volume/versioned_object.data/volume_type"),
            version("/request_spec"),
            version("/request_spec/versioned_object.data/volume"),
            version("/filter_properties/seen/0"),
        ]
    };
    assert_eq!(labels(Pin::CURRENT), ["1.9", "1.3", "1.5", "1.7", "1.9"]);
    assert_eq!(labels(Pin::named("1.38").unwrap()), ["1.8", "1.3", "1.5", "1.7", "1.8"]);
}

#[test]
fn results_are_written_as_their_callers_read_them() {
    assert_eq!(().encode(Pin::CURRENT), json!(null));
    assert_eq!(None::<bool>.encode(Pin::CURRENT), json!(null));
    assert_eq!(Some(true).encode(Pin::CURRENT), json!(true));
    let dict = Dict(json!({"a": 1}).as_object().cloned().unwrap());
    assert_eq!(dict.encode(Pin::CURRENT), json!({"a": 1}));
    assert_eq!("5f2c".to_owned().encode(Pin::CURRENT), json!("5f2c"));
    let level = LogLevel { prefix: "a".into(), level: "INFO".into(), ..Default::default() };
    let list = LogLevelList { objects: vec![level].into(), ..Default::default() };
    let list = list.encode(Pin::CURRENT);
    assert_eq!(list["versioned_object.name"], "LogLevelList");
    let first = &list["versioned_object.data"]["objects"][0];
    assert_eq!(first["versioned_object.data"], json!({"prefix": "a", "level": "INFO"}));
    // A plain list of objects, not an object that is a list.
    type Volumes = <GetManageableVolumes as Call>::Answer;
    let found: Volumes = AnyForm::Objects(vec![ManageableVolume::default()]);
    assert_eq!(found.encode(Pin::CURRENT)[0]["versioned_object.name"], "ManageableVolume");
    let plain: Volumes = AnyForm::Plain(json!([{"size": 1}]));
    assert_eq!(plain.encode(Pin::CURRENT), json!([{"size": 1}]));
    let snapshots =
        SnapshotList { objects: vec![Snapshot::default()].into(), ..Default::default() };
    let written = snapshots.encode(Pin::named("1.38").unwrap());
    let first = &written["versioned_object.data"]["objects"][0];
    assert_eq!(first["versioned_object.version"], "1.5");
}

#[test]
fn no_login_is_shown_by_debug() {
    let mut volume = volume();
    volume.provider_auth = cinder_types::Secret::new("CHAP user s3cret").into();
    let connector = json!({"initiator": "iqn", "auth_password": "s3cret"});
    let call =
        InitializeConnection { volume, connector: Dict(connector.as_object().cloned().unwrap()) };
    let attachment = VolumeAttachment {
        connection_info: call.connector.clone().into(),
        ..VolumeAttachment::default()
    };
    let shown = format!("{call:?} {attachment:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("auth_password"), "{shown}");
    // It is sent all the same.
    let (method, args) = Request::from(call).encode(Pin::CURRENT);
    assert_eq!(method, Method::InitializeConnection);
    let sent = args.pointer("/volume/versioned_object.data/provider_auth").unwrap();
    assert_eq!(sent, "CHAP user s3cret");
    assert_eq!(args["connector"], connector);
}

#[test]
fn every_kind_is_written_as_it_was_read() {
    for name in NAMES {
        let made = made_up::envelope(name, Filling::All, 0);
        let written = again(name, made.clone(), Pin::CURRENT).unwrap();
        assert_eq!(difference(&written, &made), None, "{name}");
        for filling in [Filling::Nulls, Filling::Nothing] {
            let made = made_up::envelope(name, filling, 0);
            let written = again(name, made.clone(), Pin::CURRENT).unwrap();
            for (field, value) in made["versioned_object.data"].as_object().unwrap() {
                assert_eq!(&written["versioned_object.data"][field], value, "{name}.{field}");
            }
        }
    }
}

/// Values of plain arguments, by name; what is not here is an object.
fn plain(name: &str) -> Option<Value> {
    Some(match name {
        "filter_properties" | "connector" | "image_meta" | "diff" | "ref" | "updates" => {
            json!({"key": [1, {"deep": null}]})
        }
        "host" => json!({"host": "h@b#p", "cluster_name": null}),
        "reservations" | "old_reservations" | "sort_keys" | "sort_dirs" => json!(["a", "b"]),
        "new_size" | "limit" | "offset" => json!(12),
        "marker" => json!({"source-name": "x"}),
        "allow_reschedule"
        | "unmanage_only"
        | "cascade"
        | "force"
        | "no_snapshots"
        | "error"
        | "force_host_copy"
        | "discover"
        | "want_objects"
        | "async_call"
        | "allow_attached_volume" => json!(true),
        "volume" | "vref" | "new_volume" | "snapshot" | "image_snap" | "request_spec"
        | "backup" | "group" | "source_group" | "group_snapshot" | "cleanup_request"
        | "log_request" => {
            return None;
        }
        _ => json!(format!("a {name}")),
    })
}

fn object(name: &str) -> Value {
    let kind = match name {
        "volume" | "vref" | "new_volume" => "Volume",
        "snapshot" | "image_snap" => "Snapshot",
        "request_spec" => "RequestSpec",
        "backup" => "Backup",
        "group" | "source_group" => "Group",
        "group_snapshot" => "GroupSnapshot",
        "cleanup_request" => "CleanupRequest",
        "log_request" => "LogLevel",
        other => panic!("{other}"),
    };
    made_up::envelope(kind, Filling::All, 1)
}

#[test]
fn the_arguments_of_every_method_are_written_as_they_were_read() {
    for method in Method::ALL {
        let names = method.required().iter().chain(method.optional());
        let args: Value =
            names.map(|name| (*name, plain(name).unwrap_or_else(|| object(name)))).collect();
        let read = Request::decode(method.name(), method.sent_as(), &args.to_string()).unwrap();
        let (written_for, written) = read.encode(Pin::CURRENT);
        assert_eq!((written_for, difference(&written, &args)), (*method, None));
        // What may be left out is written with the value that it has then.
        let names = method.required().iter();
        let args: Value =
            names.map(|name| (*name, plain(name).unwrap_or_else(|| object(name)))).collect();
        let (_, written) = Request::read(*method, &args.to_string()).unwrap().encode(Pin::CURRENT);
        for name in method.optional() {
            let fallback = match *name {
                "allow_reschedule" => json!(true),
                "migration_policy" => json!("never"),
                _ if plain(name) == Some(json!(true)) => json!(false),
                _ => json!(null),
            };
            assert_eq!(written[*name], fallback, "{method:?} {name}");
        }
    }
}

#[test]
fn what_services_ask_of_snapshots_and_groups_is_read_from_their_fields() {
    let snapshot = Snapshot {
        id: "5f2c".into(),
        volume_id: "70a1".into(),
        volume_size: 3.into(),
        status: "creating".into(),
        ..Snapshot::default()
    };
    assert_eq!(snapshot.name("snapshot-%s").unwrap(), "snapshot-5f2c");
    assert_eq!(snapshot.volume_id().unwrap().as_str(), "70a1");
    assert_eq!(
        (snapshot.volume_size(), snapshot.status()),
        (Ok(3), Some(SnapshotStatus::CREATING))
    );
    assert_eq!(Snapshot::default().volume_id().unwrap_err().field, "volume_id");
    assert_eq!(Snapshot::default().status(), None);
    let group = Group { host: "h@b".into(), ..Group::default() };
    assert_eq!(group.service(), Ok(Some("h@b")));
    assert_eq!(Group::default().service().unwrap_err().object, "Group");
    let moving = Volume { migration_status: "target:5f2c".into(), ..Volume::default() };
    assert_eq!(moving.migration_status().unwrap().as_str(), "target:5f2c");
    assert!(moving.attachments().is_empty());
}

#[test]
fn a_field_can_be_changed_and_taken() {
    let mut field = Field::from(1);
    *field.get_mut().unwrap() = 2;
    assert_eq!((field.get(), field.into_option()), (Some(&2), Some(2)));
    for mut none in [Field::Unset, Field::<i64>::Null] {
        assert_eq!(none.get_mut(), None);
        assert_eq!((none.get(), none.into_option()), (None, None));
    }
    assert_eq!(Field::<i64>::from(Some(1)), Field::Set(1));
    assert_eq!(Field::<i64>::from(None), Field::Null);
}
