//! Requests that make no sense, or no longer: each has the class that an API knows, and leaves nothing on its way.

use cinder_db::volumes;
use cinder_objects::Method;
use serde_json::{Value, json};

use crate::stand::{Asked, Stand};

fn object(name: &str, version: &str, data: &Value) -> Value {
    json!({
        "versioned_object.name": name,
        "versioned_object.namespace": "cinder",
        "versioned_object.version": version,
        "versioned_object.data": data,
    })
}

fn volume(id: &str, status: &str) -> Value {
    object("Volume", "1.9", &json!({ "id": id, "status": status }))
}

/// The class of the failure, and what is said.
fn failure(stand: &Stand, asked: &Asked) -> (String, String) {
    let failure = stand.carry_out(asked).expect_err("it is refused");
    (failure.class, failure.message)
}

#[test]
fn an_id_that_is_none_is_a_volume_that_is_not_there() {
    let stand = Stand::new();
    let long = "x".repeat(10_000);
    for id in ["no uuid", "", "../../etc/passwd", &long, "00000000-0000-4000-8000-000000000000"] {
        for method in [Method::CreateVolume, Method::ExtendVolume, Method::InitializeConnection] {
            let mut arguments = json!({ "volume": volume(id, "creating") });
            match method {
                Method::ExtendVolume => {
                    arguments["new_size"] = 2.into();
                    arguments["reservations"] = json!([]);
                }
                Method::InitializeConnection => arguments["connector"] = json!({}),
                _ => {}
            }
            let (class, text) = failure(&stand, &Asked::of(method, &arguments));
            assert_eq!(class, "VolumeNotFound", "{method:?} {id:.20}: {text:.200}");
        }
        let snapshot = object("Snapshot", "1.6", &json!({ "id": id, "status": "creating" }));
        let asked = Asked::of(Method::CreateSnapshot, &json!({ "snapshot": snapshot }));
        let (class, text) = failure(&stand, &asked);
        assert_eq!(class, "SnapshotNotFound", "{id:.20}: {text:.200}");
        // What is gone already is deleted; no lock is called as the long one.
        let asked = Asked::of(Method::DeleteVolume, &json!({ "volume": volume(id, "deleting") }));
        let class = stand.carry_out(&asked).err().map(|failure| failure.class);
        let wanted = (id.len() > 255).then_some("LockCreationFailed");
        assert_eq!(class.as_deref(), wanted, "{id:.20}");
    }
}

#[test]
fn arguments_that_are_missing_or_of_another_kind_are_refused() {
    let stand = Stand::new();
    for (arguments, class) in [
        (json!({}), "TypeError"),
        (json!({ "volume": 7 }), "AttributeError"),
        (json!({ "volume": null }), "AttributeError"),
        (json!({ "volume": object("Volume", "1.99", &json!({})) }), "IncompatibleObjectVersion"),
        (json!({ "volume": object("Volume", "1.9", &json!({})) }), "ObjectActionError"),
    ] {
        let (found, text) = failure(&stand, &Asked::of(Method::CreateVolume, &arguments));
        assert_eq!(found, class, "{arguments}: {text}");
    }
}

#[test]
fn a_volume_that_was_deleted_meanwhile_is_not_there_and_nothing_is_made() {
    let mut stand = Stand::new();
    let (id, asked) = stand.wants_volume();
    volumes::delete(stand.connection(), &id, &[]).expect("it is deleted");
    assert_eq!(failure(&stand, &asked).0, "VolumeNotFound");
    assert!(!stand.driver.has(&format!("volume-{id}")));
    let id = stand.volume();
    let extension = stand.wants_extension(&id, 2);
    volumes::delete(stand.connection(), &id, &[]).expect("it is deleted");
    assert_eq!(failure(&stand, &extension).0, "VolumeNotFound");
    assert_eq!(stand.entries(), 0);
}

#[test]
fn a_snapshot_of_a_volume_that_is_gone_fails_and_is_not_left_on_its_way() {
    let mut stand = Stand::new();
    let id = stand.volume();
    let (snapshot, asked) = stand.wants_snapshot(&id);
    // Only its own row, as somebody with a database shell does it.
    stand.run(&format!("UPDATE volumes SET deleted = 1 WHERE id = '{id}'"));
    assert_eq!(failure(&stand, &asked).0, "VolumeNotFound");
    assert_eq!(stand.snapshot_status(&snapshot), "error");
    let asked = stand.wants_snapshot_deletion(&snapshot);
    assert_eq!(failure(&stand, &asked).0, "VolumeNotFound");
    assert_eq!(stand.snapshot_status(&snapshot), "error_deleting");
    assert_eq!(stand.entries(), 0);
}

#[test]
fn a_name_of_ten_thousand_characters_is_nobody_s_business_here() {
    let mut stand = Stand::new();
    let (id, _) = stand.wants_volume();
    let name = "ä".repeat(10_000);
    let data = json!({ "id": id.as_str(), "status": "creating", "display_name": name });
    let asked =
        Asked::of(Method::CreateVolume, &json!({ "volume": object("Volume", "1.9", &data) }));
    stand.carry_out(&asked).expect("its name on the storage is made of its id");
    assert_eq!(stand.status(&id), "available");
    assert!(stand.driver.has(&format!("volume-{id}")));
}

#[test]
fn a_size_that_no_volume_has_fails_the_extension() {
    let mut stand = Stand::new();
    for (size, class) in [
        (json!(0), "InvalidInput"),
        (json!(-1), "InvalidInput"),
        (json!(i64::MAX), "InvalidInput"),
        (json!(1_u64 << 63), "ValueError"),
        (json!("big"), "ValueError"),
    ] {
        let id = stand.volume();
        stand.wants_extension(&id, 2);
        let volume = volume(id.as_str(), "extending");
        let arguments = json!({ "volume": volume, "new_size": size, "reservations": [] });
        let (found, text) = failure(&stand, &Asked::of(Method::ExtendVolume, &arguments));
        assert_eq!(found, class, "{size}: {text}");
        assert_eq!(stand.status(&id), "error_extending", "{size}");
    }
}

/// A number that no size is, and whatever else keeps a request from being read.
#[test]
fn what_cannot_be_read_fails_and_leaves_nothing_on_its_way() {
    let mut stand = Stand::new();
    let of_tomorrow = |name: &str, id: &str| object(name, "1.99", &json!({ "id": id }));

    let (id, _) = stand.wants_volume();
    let absurd = json!({ "id": id.as_str(), "size": 1_u64 << 63 });
    let arguments = json!({ "volume": object("Volume", "1.9", &absurd) });
    let (class, text) = failure(&stand, &Asked::of(Method::CreateVolume, &arguments));
    assert_eq!(class, "ValueError", "{text}");
    assert_eq!((stand.status(&id).as_str(), stand.entries()), ("error", 0));

    let id = stand.volume();
    stand.wants_deletion(&id);
    let arguments = json!({ "volume": of_tomorrow("Volume", id.as_str()) });
    let (class, _) = failure(&stand, &Asked::of(Method::DeleteVolume, &arguments));
    assert_eq!(class, "IncompatibleObjectVersion");
    assert_eq!((stand.status(&id).as_str(), stand.entries()), ("error_deleting", 0));

    let id = stand.volume();
    let (snapshot, _) = stand.wants_snapshot(&id);
    let arguments = json!({ "snapshot": of_tomorrow("Snapshot", snapshot.as_str()) });
    failure(&stand, &Asked::of(Method::CreateSnapshot, &arguments));
    assert_eq!((stand.snapshot_status(&snapshot).as_str(), stand.entries()), ("error", 0));
    stand.wants_snapshot_deletion(&snapshot);
    failure(&stand, &Asked::of(Method::DeleteSnapshot, &arguments));
    assert_eq!(stand.snapshot_status(&snapshot), "error_deleting");
}

#[test]
fn what_an_unreadable_extension_had_reserved_is_given_back() {
    let mut stand = Stand::new();
    let id = stand.volume();
    stand.wants_extension(&id, 2);
    stand.run(
        "INSERT INTO quota_usages (id, project_id, resource, in_use, reserved, deleted)
         VALUES (77, 'p', 'gigabytes', 1, 1, 0);
         INSERT INTO reservations (id, uuid, usage_id, project_id, resource, delta, deleted)
         VALUES (77, 'r-77', 77, 'p', 'gigabytes', 1, 0);",
    );
    let arguments = json!({
        "volume": volume(id.as_str(), "extending"), "new_size": "big", "reservations": ["r-77", 7],
    });
    failure(&stand, &Asked::of(Method::ExtendVolume, &arguments));
    assert_eq!(stand.number("(SELECT reserved FROM quota_usages WHERE id = 77)"), 0);
}

/// Somebody else's status is not an operation's.
#[test]
fn what_cannot_be_read_changes_no_status_but_the_one_that_it_would_end() {
    let mut stand = Stand::new();
    let id = stand.volume();
    let arguments = json!({ "volume": object("Volume", "1.99", &json!({ "id": id.as_str() })) });
    for method in [Method::CreateVolume, Method::DeleteVolume, Method::RevertToSnapshot] {
        failure(&stand, &Asked::of(method, &arguments));
        assert_eq!((stand.status(&id).as_str(), stand.entries()), ("available", 0), "{method:?}");
    }
    for nonsense in [
        json!({}),
        json!({ "volume": 7 }),
        json!([]),
        json!({ "volume": { "versioned_object.data": { "id": 7 } } }),
    ] {
        failure(&stand, &Asked::of(Method::DeleteVolume, &nonsense));
    }
}
