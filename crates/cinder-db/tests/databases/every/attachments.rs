//! Attachments, alone and together with their volume (`spec/manager.md §6.3`).

use cinder_db::{
    Connection, DbError, Timestamp,
    attachments::{self, Change, Of, Update},
    changes::to,
    volumes,
};
use cinder_types::{AttachStatus, AttachmentId, VolumeId, VolumeStatus, status};

use crate::{cloud, database::TestDatabase};

on_every_database!(
    attachments_are_listed_by_volume_instance_and_host,
    an_attachment_is_made_and_changed,
    an_attachment_and_its_volume_change_together,
    a_change_of_an_attachment_that_is_not_there_changes_no_volume,
    the_attachments_that_remain_decide_a_volumes_status,
    a_detachment_leaves_the_status_to_a_migration,
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

/// What a service writes when it has attached a volume, or is about to.
fn attach(
    connection: &mut Connection,
    (volume, attachment): (&str, &str),
    instance: Option<&str>,
    complete: bool,
) -> Result<Update, DbError> {
    let (status, attach_status) = status::attached(complete);
    let update = Update {
        volume: volumes::Change {
            status: to(status),
            attach_status: to(attach_status.clone()),
            ..Default::default()
        },
        attachment: Change {
            mountpoint: to("/dev/vdb"),
            attach_status: to(attach_status),
            instance_uuid: Some(instance.map(str::to_owned)),
            attached_host: to("hostx"),
            attach_time: to(Timestamp::now()),
            attach_mode: to("rw"),
            ..Default::default()
        },
        ..Default::default()
    };
    let (volume, attachment) = (VolumeId::new(volume), id(attachment));
    attachments::change_locked(connection, &volume, &attachment, |_, _| update.clone())
}

fn an_attachment_and_its_volume_change_together(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    cloud::two_volumes(database);
    let columns = "attached_host instance_uuid mountpoint attach_mode attach_status \
        attach_time>'2021-01-01' updated_at>'2021-01-01'";
    let volume = "status attach_status updated_at>'2021-01-01'";
    let update = attach(connection, ("v", "a2"), None, true).unwrap();
    assert_eq!(update.attachment.attach_status, to(AttachStatus::ATTACHED));
    assert_eq!(
        database.rows(columns, "volume_attachment WHERE id = 'a2'"),
        "hostx|NULL|/dev/vdb|rw|attached|1|1"
    );
    assert_eq!(database.rows(volume, "volumes WHERE id = 'v'"), "in-use|attached|1");
    attach(connection, ("v", "a2"), Some("i9"), false).unwrap();
    assert_eq!(
        database.rows(columns, "volume_attachment WHERE id = 'a2'"),
        "hostx|i9|/dev/vdb|rw|attaching|1|1"
    );
    assert_eq!(database.rows(volume, "volumes WHERE id = 'v'"), "attaching|attaching|1");
    let others = "volume_attachment WHERE id <> 'a2' AND updated_at > '2021-01-01'";
    assert_eq!(database.rows("id", others), "");
}

fn a_change_of_an_attachment_that_is_not_there_changes_no_volume(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    cloud::two_volumes(database);
    database.run("UPDATE volume_attachment SET deleted = true WHERE id = 'a1'");
    // `a3` is another volume's.
    for gone in ["absent", "a1", "a3"] {
        let error = attach(connection, ("v", gone), None, true).unwrap_err();
        assert_eq!(error.to_string(), format!("attachment {gone} does not exist"));
        let delete = || Update { delete: true, ..Update::default() };
        let error =
            attachments::change_locked(connection, &VolumeId::new("v"), &id(gone), |_, _| delete())
                .unwrap_err();
        assert_eq!(error.to_string(), format!("attachment {gone} does not exist"));
    }
    assert_eq!(database.rows("status", "volumes WHERE id = 'v'"), "available");
    database.run("UPDATE volumes SET deleted = true WHERE id = 'v'");
    for gone in ["absent", "v"] {
        let error = attach(connection, (gone, "a2"), None, true).unwrap_err();
        assert_eq!(error.to_string(), format!("volume {gone} does not exist"));
    }
    let changed = "volume_attachment WHERE updated_at > '2021-01-01'";
    assert_eq!(database.rows("id", changed), "");
}

/// Takes attachment `a1` away from volume `v`, the old way (`spec/manager.md §6.3`); returns the
/// volume's statuses that were written.
fn detach(connection: &mut Connection) -> (Option<VolumeStatus>, AttachStatus) {
    let (volume, gone) = (VolumeId::new("v"), id("a1"));
    let mut written = None;
    attachments::change_locked(connection, &volume, &gone, |row, attachments| {
        let remaining = attachments.iter().filter(|one| one.id != gone);
        let (status, attach_status) = status::detached(
            row.status.as_ref(),
            row.migration_status.as_ref(),
            remaining.filter_map(|one| one.attach_status.as_ref()),
        );
        written = Some((status.clone(), attach_status.clone()));
        let there = attachments.iter().any(|one| one.id == gone);
        let attachment = Change {
            attach_status: to(AttachStatus::DETACHED),
            detach_time: to(Timestamp::now()),
            ..Default::default()
        };
        Update {
            volume: volumes::Change {
                status: status.map(Some),
                attach_status: to(attach_status),
                ..Default::default()
            },
            attachment: if there { attachment } else { Change::default() },
            delete: there,
            forget: &["attached_mode"],
        }
    })
    .unwrap();
    written.unwrap()
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
        let expected = (Some(VolumeStatus::new(status)), AttachStatus::new(attach_status));
        assert_eq!(detach(&mut connection), expected, "{other}");
        assert_eq!(
            database.rows("status attach_status updated_at>'2021-01-01'", "volumes"),
            format!("{status}|{attach_status}|1")
        );
        assert_eq!(
            database.rows(
                "attach_status deleted detach_time>'2021-01-01' deleted_at=updated_at \
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

fn a_detachment_leaves_the_status_to_a_migration(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::volumes(database, &[("v", "n")]);
    let columns = "id, volume_id, attach_status";
    cloud::insert(database, "volume_attachment", columns, &["'a1', 'v', 'attached'"]);
    database.run("UPDATE volumes SET status = 'in-use', migration_status = 'migrating'");
    assert_eq!(detach(&mut connection), (None, AttachStatus::DETACHED));
    assert_eq!(database.rows("status attach_status", "volumes"), "in-use|detached");
}

fn a_detachment_of_what_is_gone_puts_the_volume_right(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    database.run("UPDATE volume_attachment SET deleted = true WHERE id = 'a1'");
    let expected = (Some(VolumeStatus::ATTACHING), AttachStatus::ATTACHING);
    assert_eq!(detach(&mut connection), expected);
    assert_eq!(database.rows("status", "volumes WHERE id = 'v'"), "attaching");
    assert_eq!(database.rows("updated_at>'2021-01-01'", "volume_attachment WHERE id = 'a1'"), "0");
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
