//! Generic groups and their snapshots, and the consistency groups before them.

use cinder_db::{
    Connection, DbError, Timestamp,
    changes::to,
    consistency_groups, group_snapshots,
    groups::{self, Change, Of},
};
use cinder_types::{
    CgsnapshotId, ConsistencyGroupId, GroupId, GroupSnapshotId, GroupSnapshotStatus, GroupStatus,
};

use crate::{cloud, database::TestDatabase};

on_every_database!(
    groups_are_read_one_by_one_and_by_place,
    a_group_is_changed_and_deleted_with_its_list_of_types,
    a_group_snapshot_is_changed_and_deleted,
    consistency_groups_can_still_be_read,
);

const MARK: &str = "deleted deleted_at>'2021-01-01' updated_at>'2021-01-01'";

fn two_groups(database: &TestDatabase) {
    cloud::insert(
        database,
        "\"groups\"",
        "id, host, cluster_name, status, group_type_id",
        &[
            "'g', 'n@b#p', 'c@b#p', 'creating', 'gt'",
            "'h', 'N@b#p', NULL, 'available', 'gt'",
            "'i', 'n@b#p', NULL, 'available', 'gt'",
        ],
    );
    database.run("UPDATE \"groups\" SET deleted = true WHERE id = 'i'");
    cloud::insert(
        database,
        "group_volume_type_mapping",
        "group_id, volume_type_id",
        &["'g', 't1'", "'g', 't2'", "'h', 't1'"],
    );
}

fn groups_are_read_one_by_one_and_by_place(database: &TestDatabase, mut connection: Connection) {
    two_groups(database);
    let id = GroupId::new("g");
    let group = groups::get(&mut connection, &id).unwrap().unwrap();
    assert_eq!((group.host.as_deref(), group.status), (Some("n@b#p"), Some(GroupStatus::CREATING)));
    assert_eq!(groups::get(&mut connection, &GroupId::new("i")).unwrap(), None);
    let mut listed = |of| {
        let rows = groups::list(&mut connection, of).unwrap();
        rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed(Of::Host("n@b")), "g");
    assert_eq!(listed(Of::Host("N")), "h");
    assert_eq!(listed(Of::Cluster("c@b")), "g");
    let types = groups::volume_types(&mut connection, &id).unwrap();
    assert_eq!(types.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["t1", "t2"]);
}

fn a_group_is_changed_and_deleted_with_its_list_of_types(
    database: &TestDatabase,
    mut connection: Connection,
) {
    two_groups(database);
    let id = GroupId::new("g");
    let change = Change {
        status: to(GroupStatus::AVAILABLE),
        created_at: to(Timestamp::now()),
        ..Change::default()
    };
    groups::update(&mut connection, &id, &change).unwrap();
    assert_eq!(
        database.rows(
            "status created_at>'2021-01-01' updated_at>'2021-01-01'",
            "\"groups\" WHERE id = 'g'"
        ),
        "available|1|1"
    );
    database.run("UPDATE \"groups\" SET updated_at = '2020-01-01 00:00:00'");
    assert!(groups::delete(&mut connection, &id).unwrap());
    assert!(!groups::delete(&mut connection, &id).unwrap());
    assert_eq!(
        database.rows(&format!("id status {MARK}"), "\"groups\" WHERE id <> 'i' ORDER BY id"),
        "g|deleted|1|1|0\nh|available|0|NULL|0"
    );
    assert_eq!(
        database.rows(&format!("group_id {MARK}"), "group_volume_type_mapping ORDER BY id"),
        "g|1|1|0\ng|1|1|0\nh|0|NULL|0"
    );
    let error = groups::update(&mut connection, &id, &change).unwrap_err();
    assert!(matches!(error, DbError::NotFound { what: "group", .. }), "{error:?}");
}

fn a_group_snapshot_is_changed_and_deleted(database: &TestDatabase, mut connection: Connection) {
    cloud::insert(
        database,
        "group_snapshots",
        "id, group_id, status",
        &["'s', 'g', 'creating'", "'r', 'g', 'available'"],
    );
    let id = GroupSnapshotId::new("s");
    let change = group_snapshots::Change { status: to(GroupSnapshotStatus::AVAILABLE) };
    group_snapshots::update(&mut connection, &id, &change).unwrap();
    let snapshot = group_snapshots::get(&mut connection, &id).unwrap().unwrap();
    assert_eq!(snapshot.status, Some(GroupSnapshotStatus::AVAILABLE));
    assert!(snapshot.updated_at > snapshot.created_at);
    database.run("UPDATE group_snapshots SET updated_at = '2020-01-01 00:00:00'");
    assert!(group_snapshots::delete(&mut connection, &id).unwrap());
    assert!(!group_snapshots::delete(&mut connection, &id).unwrap());
    assert_eq!(
        database.rows(&format!("id status {MARK}"), "group_snapshots ORDER BY id"),
        "r|available|0|NULL|0\ns|deleted|1|1|0"
    );
    assert_eq!(group_snapshots::get(&mut connection, &id).unwrap(), None);
    let error = group_snapshots::update(&mut connection, &id, &change).unwrap_err();
    assert_eq!(error.to_string(), "group snapshot s does not exist");
}

fn consistency_groups_can_still_be_read(database: &TestDatabase, mut connection: Connection) {
    cloud::insert(database, "consistencygroups", "id, name", &["'c', 'old'"]);
    cloud::insert(database, "cgsnapshots", "id, consistencygroup_id", &["'s', 'c'"]);
    let snapshot =
        consistency_groups::get_snapshot(&mut connection, &CgsnapshotId::new("s")).unwrap();
    let group = snapshot.unwrap().consistencygroup_id;
    let group = consistency_groups::get(&mut connection, &group).unwrap().unwrap();
    assert_eq!(group.name.as_deref(), Some("old"));
    let absent = ConsistencyGroupId::new("absent");
    assert_eq!(consistency_groups::get(&mut connection, &absent).unwrap(), None);
}
