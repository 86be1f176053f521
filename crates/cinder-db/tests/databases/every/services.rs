//! Services, clusters and backups as operations look at and change them.

use std::time::Duration;

use cinder_db::{
    Connection, DbError, Timestamp, backups,
    changes::{null, to},
    clusters, register, services,
};
use cinder_types::{BackupId, BackupStatus, SnapshotId, VolumeId};

use crate::{
    cloud,
    database::{TestDatabase, registration},
};

on_every_database!(
    disabling_a_service_is_no_sign_of_life,
    a_row_that_was_never_updated_is_down,
    a_service_is_found_by_key_and_by_host,
    a_cluster_is_found_and_changed,
    a_backup_notes_what_was_made_for_it,
);

/// Upstream's `Service.is_up`, whatever `created_at` says.
fn a_row_that_was_never_updated_is_down(database: &TestDatabase, mut connection: Connection) {
    let id = register(&mut connection, &registration("n", None)).unwrap().id;
    let minute = Duration::from_secs(60);
    let mut is_up = || {
        let row = services::get(&mut connection, id).unwrap().unwrap();
        assert!(row.created_at.is_some());
        row.is_up(Timestamp::now(), minute)
    };
    assert!(is_up());
    database.run("UPDATE services SET updated_at = NULL");
    assert!(!is_up());
    database.run("UPDATE services SET updated_at = '2020-01-01 00:00:00'");
    assert!(!is_up());
}

fn disabling_a_service_is_no_sign_of_life(database: &TestDatabase, mut connection: Connection) {
    let id = register(&mut connection, &registration("n", None)).unwrap().id;
    database.run("UPDATE services SET updated_at = '2020-01-01 00:00:00'");
    let disable = services::Change {
        disabled: to(true),
        disabled_reason: to("frozen"),
        ..services::Change::default()
    };
    services::update(&mut connection, id, &disable).unwrap();
    let columns = "disabled disabled_reason replication_status modified_at>'2021-01-01' \
        updated_at>'2021-01-01'";
    assert_eq!(database.rows(columns, "services"), "1|frozen|not-capable|1|0");
    let other =
        services::Change { replication_status: to("enabled"), ..services::Change::default() };
    services::update(&mut connection, id, &other).unwrap();
    assert_eq!(database.rows(columns, "services"), "1|frozen|enabled|1|1");
    database.run("UPDATE services SET deleted = true");
    let error = services::update(&mut connection, id, &other).unwrap_err();
    assert!(matches!(error, DbError::NotFound { what: "service", .. }), "{error:?}");
}

fn a_service_is_found_by_key_and_by_host(database: &TestDatabase, mut connection: Connection) {
    let registered = register(&mut connection, &registration("n", None)).unwrap();
    let found = services::find(&mut connection, "n@b1", "cinder-volume").unwrap().unwrap();
    assert_eq!((found.id(), found.uuid()), (registered.id, Some(registered.uuid)));
    assert_eq!(services::get(&mut connection, registered.id).unwrap(), Some(found));
    assert_eq!(services::find(&mut connection, "N@b1", "cinder-volume").unwrap(), None);
    assert_eq!(services::find(&mut connection, "n@b1", "cinder-backup").unwrap(), None);
    database.run("UPDATE services SET deleted = true");
    assert_eq!(services::get(&mut connection, registered.id).unwrap(), None);
}

fn a_cluster_is_found_and_changed(database: &TestDatabase, mut connection: Connection) {
    register(&mut connection, &registration("n", Some("c"))).unwrap();
    let cluster = clusters::find(&mut connection, "c@b1", "cinder-volume").unwrap().unwrap();
    assert_eq!((cluster.name.as_str(), cluster.frozen), ("c@b1", false));
    let change = clusters::Change {
        replication_status: to("failed-over"),
        active_backend_id: to("far"),
        disabled_reason: null(),
        frozen: Some(true),
        ..clusters::Change::default()
    };
    clusters::update(&mut connection, &cluster, &change).unwrap();
    assert_eq!(
        database.rows(
            "replication_status active_backend_id disabled frozen updated_at>'2021-01-01'",
            "clusters"
        ),
        "failed-over|far|0|1|1"
    );
    database.run("UPDATE clusters SET deleted = true");
    let gone = clusters::find(&mut connection, "c@b1", "cinder-volume").unwrap();
    assert_eq!(gone, None);
    let error = clusters::update(&mut connection, &cluster, &change).unwrap_err();
    assert_eq!(error.to_string(), "cluster c@b1 does not exist");
}

fn a_backup_notes_what_was_made_for_it(database: &TestDatabase, mut connection: Connection) {
    cloud::insert(database, "backups", "id, volume_id, status", &["'b', 'v', 'creating'"]);
    let id = BackupId::new("b");
    let change = backups::Change {
        temp_volume_id: to(VolumeId::new("tv")),
        temp_snapshot_id: to(SnapshotId::new("ts")),
        ..backups::Change::default()
    };
    backups::update(&mut connection, &id, &change).unwrap();
    let backup = backups::get(&mut connection, &id).unwrap().unwrap();
    assert_eq!(backup.temp_volume_id, Some(VolumeId::new("tv")));
    assert_eq!(backup.temp_snapshot_id, Some(SnapshotId::new("ts")));
    assert_eq!(backup.status, Some(BackupStatus::CREATING));
    assert!(backup.updated_at > backup.created_at);
    database.run("UPDATE backups SET deleted = true");
    assert_eq!(backups::get(&mut connection, &id).unwrap(), None);
    backups::update(&mut connection, &id, &change).unwrap();
    let error = backups::update(&mut connection, &BackupId::new("absent"), &change).unwrap_err();
    assert_eq!(error.to_string(), "backup absent does not exist");
}
