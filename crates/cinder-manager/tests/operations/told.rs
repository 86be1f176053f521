//! What is told of operations, compared with what the original told of the same: messages of it that were captured.

use std::path::Path;

use cinder_manager::Notification;
use cinder_objects::Method;
use cinder_types::{RequestContext, Secret, VolumeId};
use serde_json::{Map, Value, json};

use crate::pretend::Mood;
use crate::stand::{Asked, Stand};

const USER: &str = "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu";
const PROJECT: &str = "pppppppppppppppppppppppppppppppp";
const ATTACHMENT: &str = "7fb0e74a-6e44-4517-9b66-8962fbf621ec";

/// Whoever asked for the samples, with a token.
fn asker() -> RequestContext {
    let fields = json!({
        "user_id": USER, "project_id": PROJECT, "is_admin": true, "roles": ["admin"],
        "request_id": "req-11111111-1111-1111-1111-111111111111",
        "remote_address": "10.0.0.1", "quota_class": "gold", "timestamp": "2026-01-01T00:00:00",
        "service_catalog": [{"type": "image"}], "message_action": "x", "read_deleted": "yes",
    });
    let Value::Object(fields) = fields else { unreachable!() };
    let mut asker = RequestContext::parse(&fields, String::new).expect("a context");
    asker.auth_token = Some(Secret::new("s3cret"));
    asker
}

/// What the original told, by kind.
fn sample(event_type: &str) -> Map<String, Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../oslo-messaging/tests/data");
    let text = std::fs::read_to_string(file.join("rpc-samples.json")).expect("the samples");
    let text = text.replace("specnode@b1#p1", "node1@pretend#pretend");
    let text = text.replace("specnode@b1", "node1@pretend");
    let all: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let found = all.into_iter().find(|one| one["message"]["event_type"] == event_type);
    match found.unwrap_or_else(|| panic!("no sample of {event_type}"))["message"].take() {
        Value::Object(fields) => fields,
        other => panic!("{other}"),
    }
}

/// The same values where they cannot be equal: ids, and dates by their form.
fn form(value: &Value) -> Value {
    match value {
        Value::String(text) => form_of_text(text).into(),
        Value::Array(all) => all.iter().map(form).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), form(value))).collect()
        }
        other => other.clone(),
    }
}

fn form_of_text(text: &str) -> String {
    let digits: String =
        text.chars().map(|one| if one.is_ascii_digit() { '9' } else { one }).collect();
    match &*digits {
        // A fraction that is nought is left out, so both are one form.
        "9999-99-99T99:99:99+99:99" | "9999-99-99T99:99:99.999999+99:99" => "of objects".into(),
        "9999-99-99T99:99:99.999999" => "of rows".into(),
        "9999-99-99 99:99:99.999999" => "of messages".into(),
        _ if uuid::Uuid::try_parse(text).is_ok() => "an id".into(),
        _ => text.to_owned(),
    }
}

/// As it would travel.
fn message(told: &Notification) -> Map<String, Value> {
    let mut fields: Map<String, Value> = told
        .context
        .forward()
        .into_iter()
        .map(|(key, value)| (format!("_context_{key}"), value))
        .collect();
    fields.insert("publisher_id".into(), told.publisher_id.clone().into());
    fields.insert("event_type".into(), told.event_type.clone().into());
    fields.insert("payload".into(), told.payload.clone());
    fields.insert("timestamp".into(), told.at.to_string().into());
    fields
}

/// Whether this is what the original told, but for what the bus adds and what `other` says.
fn assert_same(told: &Notification, other: impl FnOnce(&mut Value)) {
    let mut expected = sample(&told.event_type);
    for of_bus in ["message_id", "priority", "_unique_id"] {
        expected.remove(of_bus);
    }
    let mut expected = Value::Object(expected);
    other(&mut expected["payload"]);
    let found = Value::Object(message(told));
    let (found, expected) = (form(&found), form(&expected));
    assert_eq!(found, expected, "{}", told.event_type);
}

fn told(stand: &Stand, asked: &Asked) -> Vec<Notification> {
    stand.told.take();
    asked.by(&stand.manager, &asker()).expect("it is carried out");
    stand.told.take()
}

/// A row as that of the samples: made, or about to be.
fn as_sampled(stand: &Stand, id: &VolumeId, columns: &str) {
    stand.run(&format!(
        "UPDATE volumes SET project_id = '{PROJECT}', user_id = '{USER}', display_name = 'x', \
         created_at = '2026-11-22 17:02:51.000000' {columns} WHERE id = '{id}'; \
         DELETE FROM volume_metadata; \
         INSERT INTO volume_metadata (volume_id, key, value, deleted) VALUES ('{id}', 'k', 'v', 0)"
    ));
}

const MADE: &str = ", provider_location = 'loc', provider_auth = 'CHAP u p', provider_id = 'pid', \
    use_quota = 1, scheduled_at = NULL, \
    shared_targets = 1, service_uuid = (SELECT uuid FROM services), \
    launched_at = '2026-11-22 17:02:52.000000', updated_at = '2026-11-22 17:02:55.000000'";

fn made(stand: &mut Stand) -> VolumeId {
    let id = stand.volume();
    as_sampled(stand, &id, MADE);
    id
}

#[test]
fn a_create_is_told_as_the_original_tells_it() {
    let mut stand = Stand::telling();
    let (id, asked) = stand.wants_volume();
    as_sampled(&stand, &id, "");
    let told = told(&stand, &asked);
    let [start, end] = &told[..] else { panic!("{told:?}") };
    assert_same(start, |_| ());
    assert_same(end, |_| ());
    assert_eq!(start.publisher_id, "volume.node1@pretend#pretend");
}

#[test]
fn a_deletion_is_told_as_the_original_tells_it_and_so_is_the_end_of_what_is_let_go_of() {
    let mut stand = Stand::telling();
    for (unmanage, name, size, display_name) in
        [(false, "volume.delete", 2, "x"), (true, "volume.unmanage", 3, "mg")]
    {
        let id = made(&mut stand);
        let status = if unmanage { "unmanaging" } else { "deleting" };
        stand.wants_deletion(&id);
        stand.run(&format!(
            "UPDATE volumes SET size = {size}, display_name = '{display_name}', \
             status = '{status}' WHERE id = '{id}'"
        ));
        let arguments = json!({
            "volume": {
                "versioned_object.name": "Volume",
                "versioned_object.namespace": "cinder",
                "versioned_object.version": "1.9",
                "versioned_object.data": {"id": id.as_str(), "status": status},
            },
            "unmanage_only": unmanage, "cascade": false,
        });
        let told = told(&stand, &Asked::of(Method::DeleteVolume, &arguments));
        let [start, end] = &told[..] else { panic!("{told:?}") };
        assert_eq!(
            [&start.event_type, &end.event_type],
            [&format!("{name}.start"), &format!("{name}.end")]
        );
        assert_same(start, |_| ());
        assert_same(end, |_| ());
    }
}

#[test]
fn a_snapshot_is_told_as_the_original_tells_it() {
    let mut stand = Stand::telling();
    let id = made(&mut stand);
    let as_sampled = |stand: &Stand| {
        stand.run(&format!(
            "UPDATE snapshots SET project_id = '{PROJECT}', user_id = '{USER}', \
             display_name = 's', volume_size = 2, created_at = '2026-11-22 17:02:58.000000'"
        ));
    };
    let (snapshot, asked) = stand.wants_snapshot(&id);
    as_sampled(&stand);
    let mut all = told(&stand, &asked);
    let asked = stand.wants_snapshot_deletion(&snapshot);
    all.extend(told(&stand, &asked));
    let names: Vec<_> = all.iter().map(|one| one.event_type.as_str()).collect();
    let expected = ["create.start", "create.end", "delete.start", "delete.end"];
    assert_eq!(names, expected.map(|name| format!("snapshot.{name}")));
    all.iter().for_each(|one| assert_same(one, |_| ()));
}

#[test]
fn a_snapshots_metadata_are_told_as_python_shows_a_dictionary() {
    let mut stand = Stand::telling();
    let id = made(&mut stand);
    let (snapshot, asked) = stand.wants_snapshot(&id);
    stand.run(&format!(
        "INSERT INTO snapshot_metadata (snapshot_id, key, value, deleted) \
         VALUES ('{snapshot}', 'a', 'it''s', 0), ('{snapshot}', 'b', '1', 0)"
    ));
    let told = told(&stand, &asked);
    assert_eq!(told[0].payload["metadata"], "{'a': \"it's\", 'b': '1'}");
}

#[test]
fn an_extension_is_told_as_the_original_tells_it() {
    let mut stand = Stand::telling();
    let id = made(&mut stand);
    let asked = stand.wants_extension(&id, 2);
    let told = told(&stand, &asked);
    let [start, end] = &told[..] else { panic!("{told:?}") };
    assert_same(start, |_| ());
    // The sample's sender had an attachment that the database did not know any more.
    assert_same(end, |payload| payload["status"] = "available".into());
}

/// An attachment's row as the samples have it.
fn attach(stand: &Stand, id: &VolumeId, columns: &str) {
    stand.run(&format!(
        "INSERT INTO volume_attachment (id, volume_id, instance_uuid, deleted, created_at) VALUES \
         ('{ATTACHMENT}', '{id}', '33333333-3333-3333-3333-333333333333', 0, \
         '2026-11-22 17:02:55.000000'); UPDATE volume_attachment SET {columns}"
    ));
}

fn volume_argument(id: &VolumeId) -> Value {
    json!({
        "versioned_object.name": "Volume",
        "versioned_object.namespace": "cinder",
        "versioned_object.version": "1.9",
        "versioned_object.data": {"id": id.as_str(), "status": "available"},
    })
}

#[test]
fn attachments_are_told_as_the_original_tells_them_with_their_rows() {
    let mut stand = Stand::telling();
    let id = made(&mut stand);
    attach(&stand, &id, "attach_status = 'reserved', attach_mode = 'null'");
    let connector =
        json!({"host": "h", "ip": "1.1.1.1", "initiator": "iqn.i", "mountpoint": "/dev/vdb"});
    let arguments = json!({
        "vref": volume_argument(&id), "connector": connector, "attachment_id": ATTACHMENT,
    });
    let told_now = told(&stand, &Asked::of(Method::AttachmentUpdate, &arguments));
    let [start] = &told_now[..] else { panic!("{told_now:?}") };
    assert_same(start, |_| ());

    let text = "{\"host\": \"h\", \"ip\": \"1.1.1.1\", \"initiator\": \"iqn.i\", \
                \"mountpoint\": \"/dev/vdb\"}";
    stand.run(&format!("UPDATE volume_attachment SET connector = '{text}'"));
    let arguments = json!({"vref": volume_argument(&id), "attachment_id": ATTACHMENT});
    let told_now = told(&stand, &Asked::of(Method::AttachmentDelete, &arguments));
    let [start] = &told_now[..] else { panic!("{told_now:?}") };
    assert_same(start, |_| ());
}

/// Its rows as Python's notifier writes them, seen when it was run.
#[test]
fn what_a_volume_keeps_of_its_image_is_told_with_it() {
    let mut stand = Stand::telling();
    let id = made(&mut stand);
    stand.run(&format!(
        "INSERT INTO volume_glance_metadata (volume_id, key, value, deleted, created_at) \
         VALUES ('{id}', 'image_id', 'i', 0, '2026-11-29 01:19:22.042340')"
    ));
    let asked = stand.wants_deletion(&id);
    let told = told(&stand, &asked);
    let expected = json!([{
        "id": 1, "volume_id": id.as_str(), "snapshot_id": null, "key": "image_id", "value": "i",
        "deleted_at": null, "deleted": false, "created_at": "2026-11-29T01:19:22.042340",
        "updated_at": null,
    }]);
    assert_eq!(told[0].payload["glance_metadata"], expected);
    assert!(told[1].payload.get("glance_metadata").is_none(), "it went with the volume");
}

#[test]
fn a_failure_is_told_by_a_beginning_without_an_end() {
    let mut stand = Stand::telling();
    let (id, asked) = stand.wants_volume();
    stand.driver.set(Mood::Full);
    stand.carry_out(&asked).expect_err("there is no room");
    assert_eq!(stand.told.take_names(), ["volume.create.start"]);
    assert_eq!(stand.status(&id), "error");
    stand.driver.set(Mood::Good);
    let id = stand.volume();
    stand.told.take();
    for (asked, begun) in [
        (stand.wants_snapshot(&id).1, "snapshot.create.start"),
        (stand.wants_extension(&id, 2), "volume.resize.start"),
        (
            Asked::of(
                Method::DeleteVolume,
                &json!({
                    "volume": volume_argument(&id), "unmanage_only": false, "cascade": false,
                }),
            ),
            "volume.delete.start",
        ),
    ] {
        stand.driver.set(Mood::Vanished);
        stand.carry_out(&asked).expect_err("it fails");
        assert_eq!(stand.told.take_names(), [begun]);
    }
}

#[test]
fn a_revert_that_fails_is_told_to_its_end_before_the_statuses_change() {
    let mut stand = Stand::telling();
    let id = stand.volume();
    let (snapshot, asked) = stand.wants_snapshot(&id);
    stand.carry_out(&asked).expect("it is made");
    let asked = stand.wants_revert(&snapshot);
    stand.told.take();
    stand.carry_out(&asked).expect_err("this driver cannot");
    let told: Vec<_> = stand
        .told
        .take()
        .into_iter()
        .map(|one| format!("{} {}", one.event_type, one.payload["status"]))
        .collect();
    let expected = [
        "volume.revert.start \"reverting\"",
        "snapshot.revert.start \"restoring\"",
        "volume.revert.end \"reverting\"",
        "snapshot.revert.end \"restoring\"",
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_counts_for_nobody_is_told_to_nobody() {
    let mut stand = Stand::telling_among_others();
    let (id, asked) = stand.wants_volume();
    stand.carry_out(&asked).expect("it is made");
    let asked = stand.wants_deletion(&id);
    stand.carry_out(&asked).expect("it is deleted");
    assert_eq!(stand.told.take_names(), [""; 0]);
}

#[test]
fn whoever_asked_is_told_without_what_is_secret_and_with_the_rights_that_were_used() {
    let mut stand = Stand::telling();
    let mut asker = asker();
    (asker.is_admin, asker.roles) = (false, vec!["member".to_owned()]);
    let (id, asked) = stand.wants_volume();
    asked.by(&stand.manager, &asker).expect("it is made");
    let of_create = stand.told.take();
    let asked = stand.wants_extension(&id, 2);
    asked.by(&stand.manager, &asker).expect("it is extended");
    let of_extension = stand.told.take();
    for (told, is_admin) in [(&of_create, true), (&of_extension, false)] {
        for one in told {
            let fields = one.context.forward();
            assert!(!Value::Object(fields.clone()).to_string().contains("s3cret"), "{fields:?}");
            assert_eq!((&fields["is_admin"], &fields["user_id"]), (&json!(is_admin), &json!(USER)));
            let roles = if is_admin { json!(["member", "admin"]) } else { json!(["member"]) };
            assert_eq!(fields["roles"], roles);
        }
    }
}
