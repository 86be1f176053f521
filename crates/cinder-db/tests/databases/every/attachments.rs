//! Attachments, and what they do to their volume's status (`spec/manager.md §6.3`).

use cinder_db::{
    Connection, DbError,
    attachments::{self, AttachedTo, Change, Detached, Of},
    changes::to,
};
use cinder_types::{AttachStatus, AttachmentId, VolumeId};

use crate::{cloud, database::TestDatabase};

on_every_database!(
    attachments_are_listed_by_volume_instance_and_host,
    an_attachment_is_made_and_changed,
    an_attached_volume_is_in_use_and_an_attaching_one_is_attaching,
    the_attachments_that_remain_decide_a_volumes_status,
    a_detachment_leaves_the_status_to_a_migration_or_an_upload,
    a_detachment_of_what_is_gone_puts_the_volume_right,
    a_deleted_attachment_keeps_its_time_of_change,
);

fn id(text: &str) -> AttachmentId {
    AttachmentId::new(text)
}

fn attachments_are_listed_by_volume_instance_and_host(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    let mut listed = |of| {
        let rows = attachments::list(&mut connection, of).unwrap();
        rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>().join(" ")
    };
    let volume = VolumeId::new("v");
    assert_eq!(listed(Of::Volume(&volume)), "a1 a2");
    assert_eq!(listed(Of::Instance("i1")), "a1 a3");
    assert_eq!(listed(Of::Host("h1")), "a1");
    database.run("UPDATE volume_attachment SET attach_status = 'detached' WHERE id = 'a1'");
    database.run("UPDATE volume_attachment SET deleted = true WHERE id = 'a2'");
    assert_eq!(listed(Of::Volume(&volume)), "");
    let row = attachments::get(&mut connection, &id("a1")).unwrap().unwrap();
    assert_eq!((row.volume_id.as_str(), row.attached_host.as_deref()), ("v", Some("h1")));
    assert_eq!(attachments::get(&mut connection, &id("a2")).unwrap(), None);
    let specs = attachments::specs(&mut connection, &id("a1")).unwrap();
    assert_eq!(specs["old"].as_deref(), Some("1"));
}

fn an_attachment_is_made_and_changed(database: &TestDatabase, mut connection: Connection) {
    cloud::two_volumes(database);
    let columns = Change { attach_status: to(AttachStatus::ATTACHING), ..Default::default() };
    attachments::create(&mut connection, &id("new"), &VolumeId::new("v"), &columns).unwrap();
    let all = "updated_at deleted_at deleted volume_id attached_host instance_uuid mountpoint \
        attach_time detach_time attach_mode attach_status connection_info connector";
    assert_eq!(
        database.rows(all, "volume_attachment WHERE id = 'new'"),
        "NULL|NULL|0|v|NULL|NULL|NULL|NULL|NULL|NULL|attaching|NULL|NULL"
    );
    let connector = r#"{"host":"h"}"#;
    let change = Change {
        connector: to(connector),
        connection_info: to("secret"),
        volume_id: Some(VolumeId::new("w")),
        ..Default::default()
    };
    attachments::update(&mut connection, &id("new"), &change).unwrap();
    assert_eq!(
        database.rows(
            "volume_id connector updated_at>'2021-01-01'",
            "volume_attachment WHERE id = 'new'"
        ),
        format!("w|{connector}|1")
    );
    let row = attachments::get(&mut connection, &id("new")).unwrap().unwrap();
    assert_eq!(row.connection_info.as_ref().unwrap().reveal(), "secret");
    assert!(!format!("{row:?} {change:?}").contains("secret"), "{row:?} {change:?}");
    let error = attachments::update(&mut connection, &id("absent"), &change).unwrap_err();
    assert!(matches!(error, DbError::NotFound { what: "attachment", .. }), "{error:?}");
}

fn an_attached_volume_is_in_use_and_an_attaching_one_is_attaching(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    let mut place = AttachedTo {
        instance_uuid: None,
        host: Some("hostx".into()),
        mountpoint: Some("/dev/vdb".into()),
        mode: "rw".into(),
        complete: true,
    };
    let columns = "attached_host instance_uuid mountpoint attach_mode attach_status \
        attach_time>'2021-01-01' updated_at>'2021-01-01'";
    let volume = "status attach_status updated_at>'2021-01-01'";
    let change = attachments::attached(&mut connection, &id("a2"), &place).unwrap();
    assert_eq!(change.attach_status, to(AttachStatus::ATTACHED));
    assert_eq!(
        database.rows(columns, "volume_attachment WHERE id = 'a2'"),
        "hostx|NULL|/dev/vdb|rw|attached|1|1"
    );
    assert_eq!(database.rows(volume, "volumes WHERE id = 'v'"), "in-use|attached|1");
    place.complete = false;
    place.instance_uuid = Some("i9".into());
    attachments::attached(&mut connection, &id("a2"), &place).unwrap();
    assert_eq!(
        database.rows(columns, "volume_attachment WHERE id = 'a2'"),
        "hostx|i9|/dev/vdb|rw|attaching|1|1"
    );
    assert_eq!(database.rows(volume, "volumes WHERE id = 'v'"), "attaching|attaching|1");
    database.run("UPDATE volumes SET deleted = true WHERE id = 'v'");
    let error = attachments::attached(&mut connection, &id("a2"), &place).unwrap_err();
    assert_eq!(error.to_string(), "volume v does not exist");
    let error = attachments::attached(&mut connection, &id("absent"), &place).unwrap_err();
    assert_eq!(error.to_string(), "attachment absent does not exist");
}

/// Takes attachment `a1` away from volume `v`.
fn detach(connection: &mut Connection) -> Detached {
    attachments::detach(connection, &VolumeId::new("v"), &id("a1")).unwrap()
}

fn the_attachments_that_remain_decide_a_volumes_status(
    database: &TestDatabase,
    mut connection: Connection,
) {
    for (other, status, attach_status) in [
        ("attached", "in-use", "attached"),
        ("attaching", "attaching", "attaching"),
        ("detaching", "detaching", "detaching"),
        ("reserved", "reserved", "reserved"),
        ("error_attaching", "available", "detached"),
    ] {
        for table in ["volumes", "volume_attachment", "volume_admin_metadata"] {
            database.run(&format!("DELETE FROM {table}"));
        }
        cloud::volumes(database, &[("v", "n")]);
        cloud::insert(
            database,
            "volume_attachment",
            "id, volume_id, attach_status",
            &["'a1', 'v', 'attached'", "'a2', 'v', 'reserved'", &format!("'a3', 'v', '{other}'")],
        );
        if other == "error_attaching" {
            database.run("DELETE FROM volume_attachment WHERE id = 'a2'");
        }
        cloud::insert(
            database,
            "volume_admin_metadata",
            "volume_id, \"key\", value",
            &["'v', 'attached_mode', 'rw'", "'v', 'readonly', 'True'"],
        );
        let left = detach(&mut connection);
        let expected = Detached {
            status: Some(status.into()),
            attach_status: attach_status.into(),
            attachment: true,
        };
        assert_eq!(left, expected, "{other}");
        assert_eq!(
            database.rows("status attach_status updated_at>'2021-01-01'", "volumes"),
            format!("{status}|{attach_status}|1")
        );
        assert_eq!(
            database.rows(
                "attach_status deleted deleted_at=detach_time detach_time>'2021-01-01' \
                 updated_at>'2021-01-01'",
                "volume_attachment WHERE id = 'a1'"
            ),
            "detached|1|1|1|1"
        );
        assert_eq!(
            database.rows("\"key\"", "volume_admin_metadata WHERE deleted = false"),
            "readonly"
        );
    }
}

fn a_detachment_leaves_the_status_to_a_migration_or_an_upload(
    database: &TestDatabase,
    mut connection: Connection,
) {
    for (status, migration, after) in [
        ("in-use", "NULL", "available"),
        ("in-use", "'success'", "available"),
        ("in-use", "'error'", "available"),
        ("in-use", "'migrating'", "in-use"),
        ("uploading", "NULL", "uploading"),
    ] {
        database.run("DELETE FROM volumes; DELETE FROM volume_attachment");
        cloud::volumes(database, &[("v", "n")]);
        cloud::insert(
            database,
            "volume_attachment",
            "id, volume_id, attach_status",
            &["'a1', 'v', 'attached'"],
        );
        database.run(&format!(
            "UPDATE volumes SET status = '{status}', migration_status = {migration}"
        ));
        let left = detach(&mut connection);
        assert_eq!(left.status.is_some(), after == "available", "{status} {migration}");
        assert_eq!(
            database.rows("status attach_status", "volumes"),
            format!("{after}|detached"),
            "{status} {migration}"
        );
    }
}

fn a_detachment_of_what_is_gone_puts_the_volume_right(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    database.run("UPDATE volume_attachment SET deleted = true WHERE id = 'a1'");
    let left = detach(&mut connection);
    assert_eq!((left.attachment, left.attach_status.as_str()), (false, "attaching"));
    assert_eq!(database.rows("status", "volumes WHERE id = 'v'"), "attaching");
    let absent = VolumeId::new("absent");
    let error = attachments::detach(&mut connection, &absent, &id("a1")).unwrap_err();
    assert_eq!(error.to_string(), "volume absent does not exist");
}

fn a_deleted_attachment_keeps_its_time_of_change(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    assert!(attachments::delete(&mut connection, &id("a1")).unwrap());
    assert!(!attachments::delete(&mut connection, &id("a1")).unwrap());
    let mark = "deleted deleted_at>'2021-01-01' updated_at>'2021-01-01'";
    assert_eq!(
        database.rows(&format!("id attach_status {mark}"), "volume_attachment ORDER BY id"),
        "a1|deleted|1|1|0\na2|attaching|0|NULL|0\na3|attached|0|NULL|0"
    );
    assert_eq!(
        database.rows(&format!("attachment_id {mark}"), "attachment_specs ORDER BY id"),
        "a1|1|1|0\na3|0|NULL|0"
    );
    // The volume's status is the API's to write.
    assert_eq!(database.rows("status", "volumes WHERE id = 'v'"), "available");
}
