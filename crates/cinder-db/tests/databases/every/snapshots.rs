//! Snapshots with their metadata.

use cinder_db::{
    Connection, DbError,
    changes::to,
    metadata::{Metadata, OtherKeys},
    snapshots::{self, Change, New, Of},
};
use cinder_types::{
    CgsnapshotId, GroupSnapshotId, SnapshotId, SnapshotStatus, VolumeId, VolumeTypeId,
};

use crate::{cloud, database::TestDatabase};

on_every_database!(
    a_snapshot_is_read_with_its_metadata,
    snapshots_are_listed_by_volume_host_cluster_and_group,
    a_new_snapshot_has_upstreams_defaults,
    a_snapshot_is_changed_alone_or_with_all_of_its_volume,
    snapshot_metadata_is_replaced,
    a_deleted_snapshot_takes_its_metadata_along,
);

fn id(text: &str) -> SnapshotId {
    SnapshotId::new(text)
}

fn map(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|(key, value)| ((*key).into(), Some((*value).into()))).collect()
}

fn a_snapshot_is_read_with_its_metadata(database: &TestDatabase, mut connection: Connection) {
    cloud::two_volumes(database);
    let snapshot = snapshots::get(&mut connection, &id("s")).unwrap().unwrap();
    assert_eq!((snapshot.row.volume_id.as_str(), snapshot.row.volume_size), ("v", Some(1)));
    assert_eq!(snapshot.metadata, map(&[("a", "1"), ("b", "2")]));
    database.run("UPDATE snapshots SET deleted = true WHERE id = 's'");
    assert_eq!(snapshots::get(&mut connection, &id("s")).unwrap(), None);
    let both = [id("s"), id("r")];
    let found = snapshots::get_many(&mut connection, &both).unwrap();
    assert_eq!(found.iter().map(|one| one.row.id.as_str()).collect::<Vec<_>>(), ["r"]);
}

fn snapshots_are_listed_by_volume_host_cluster_and_group(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::volumes(database, &[("v1", "n@b#p1"), ("v2", "n@b#p2"), ("v3", "N@b#p1")]);
    database.run("UPDATE volumes SET cluster_name = 'c@b#p2', deleted = true WHERE id = 'v2'");
    cloud::insert(
        database,
        "snapshots",
        "id, volume_id, volume_type_id, use_quota, group_snapshot_id, cgsnapshot_id",
        &[
            "'s1', 'v1', 't', true, 'g', NULL",
            "'s2', 'v2', 't', true, 'g', NULL",
            "'s3', 'v3', 't', true, NULL, 'c'",
            "'s4', 'v1', 't', true, 'g', NULL",
        ],
    );
    database.run("UPDATE snapshots SET deleted = true WHERE id = 's4'");
    let (volume, group) = (VolumeId::new("v1"), GroupSnapshotId::new("g"));
    let old_group = CgsnapshotId::new("c");
    let mut listed = |of| {
        let ids = snapshots::ids(&mut connection, of).unwrap();
        ids.iter().map(SnapshotId::as_str).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed(Of::Volume(&volume)), "s1");
    assert_eq!(listed(Of::Host("n@b")), "s2 s1");
    assert_eq!(listed(Of::Host("n@b#p1")), "s1");
    assert_eq!(listed(Of::Cluster("c@b")), "s2");
    assert_eq!(listed(Of::GroupSnapshot(&group)), "s2 s1");
    assert_eq!(listed(Of::Cgsnapshot(&old_group)), "s3");
    let whole = snapshots::list(&mut connection, Of::Host("n")).unwrap();
    assert_eq!(whole.len(), 2);
}

fn a_new_snapshot_has_upstreams_defaults(database: &TestDatabase, mut connection: Connection) {
    cloud::two_volumes(database);
    let new = New {
        id: id("new"),
        volume_id: VolumeId::new("v"),
        volume_type_id: VolumeTypeId::new("t"),
        columns: Change {
            status: to(SnapshotStatus::CREATING),
            volume_size: to(3),
            ..Change::default()
        },
        metadata: map(&[("k", "1")]),
    };
    snapshots::create(&mut connection, &new).unwrap();
    let all = "updated_at deleted_at deleted id volume_id user_id project_id status progress \
        volume_size scheduled_at display_name display_description provider_location \
        encryption_key_id volume_type_id cgsnapshot_id provider_id provider_auth \
        group_snapshot_id use_quota";
    assert_eq!(
        database.rows(all, "snapshots WHERE id = 'new'"),
        "NULL|NULL|0|new|v|NULL|NULL|creating|NULL|3|NULL|NULL|NULL|NULL|NULL|t|NULL|NULL|NULL|\
         NULL|1"
    );
    let read = snapshots::get(&mut connection, &id("new")).unwrap().unwrap();
    assert_eq!(read.metadata, new.metadata);
}

fn a_snapshot_is_changed_alone_or_with_all_of_its_volume(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    let done =
        Change { status: to(SnapshotStatus::AVAILABLE), progress: to("100%"), ..Change::default() };
    snapshots::update(&mut connection, &id("s"), &done).unwrap();
    let columns = "id progress volume_type_id updated_at>'2021-01-01'";
    let ordered = "snapshots ORDER BY id DESC";
    assert_eq!(database.rows(columns, ordered), "s|100%|t|1\nr|NULL|t|0");
    let error = snapshots::update(&mut connection, &id("absent"), &done).unwrap_err();
    assert!(matches!(error, DbError::NotFound { what: "snapshot", .. }), "{error:?}");
    let retyped = Change { volume_type_id: Some(VolumeTypeId::new("t2")), ..Change::default() };
    let count =
        snapshots::update_of_volume(&mut connection, &VolumeId::new("w"), &retyped).unwrap();
    assert_eq!((count, database.rows(columns, ordered).as_str()), (1, "s|100%|t|1\nr|NULL|t2|1"));
}

fn snapshot_metadata_is_replaced(database: &TestDatabase, mut connection: Connection) {
    cloud::two_volumes(database);
    let wanted = map(&[("a", "2")]);
    let all = snapshots::update_metadata(&mut connection, &id("s"), &wanted, OtherKeys::Delete);
    assert_eq!(all.unwrap(), wanted);
    assert_eq!(
        database.rows(
            "\"key\" value deleted deleted_at>'2021-01-01' updated_at>'2021-01-01'",
            "snapshot_metadata ORDER BY id"
        ),
        "a|2|0|NULL|1\nb|2|1|1|1\na|1|0|NULL|0"
    );
    let absent =
        snapshots::update_metadata(&mut connection, &id("absent"), &wanted, OtherKeys::Keep);
    assert_eq!(absent.unwrap_err().to_string(), "snapshot absent does not exist");
}

fn a_deleted_snapshot_takes_its_metadata_along(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    assert!(snapshots::delete(&mut connection, &id("s"), &[]).unwrap());
    assert!(!snapshots::delete(&mut connection, &id("s"), &[]).unwrap());
    let mark = "deleted deleted_at>'2021-01-01' updated_at>'2021-01-01'";
    assert_eq!(
        database.rows(&format!("id status {mark}"), "snapshots ORDER BY id DESC"),
        "s|deleted|1|1|0\nr|available|0|NULL|0"
    );
    assert_eq!(
        database.rows(&format!("\"key\" {mark}"), "snapshot_metadata ORDER BY id"),
        "a|1|1|0\nb|1|1|0\na|0|NULL|0"
    );
}
