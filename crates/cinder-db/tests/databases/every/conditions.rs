//! What a statement must leave alone: beside each row that is meant stands one that differs in a
//! single thing, so that each condition of a WHERE clause has a test that fails without it.
//!
//! Most conditions are tried where the function is; here are those that nothing else needs.

use std::time::Duration;

use cinder_db::{
    Connection, attachments, backups,
    changes::to,
    clusters, consistency_groups, group_snapshots, group_types, groups,
    image_cache::{self, Place},
    image_metadata::{self, Keeper},
    metadata::{Metadata, OtherKeys},
    minimum_versions,
    quota::{self, Change, Counted, Request, Resource, Rules},
    register, services, snapshots, volume_types, volumes,
};
use cinder_types::{
    AttachmentId, BackupId, CgsnapshotId, ConsistencyGroupId, GroupId, GroupSnapshotId,
    GroupSnapshotStatus, GroupStatus, GroupTypeId, ImageId, ProjectId, QosSpecsId, SnapshotId,
    SnapshotStatus, VolumeId, VolumeStatus, VolumeTypeId,
};

use crate::{
    cloud,
    database::{TestDatabase, registration},
};

on_every_database!(
    a_change_is_of_the_live_row_with_that_key,
    a_deletion_marks_what_is_live_and_belongs_to_it,
    a_resource_is_read_with_what_is_live_and_its_own,
    a_type_is_read_with_what_is_live_and_its_own,
    a_row_is_read_by_its_key,
    a_service_and_a_cluster_are_changed_by_their_keys,
    what_a_cluster_has_already_is_not_included_again,
    a_service_that_announces_no_usable_version_is_named,
    an_entry_of_the_cache_is_found_by_its_volume,
    a_project_has_what_is_live_and_its_own,
    a_reservation_uses_what_is_live_and_its_project_s,
    a_settlement_is_of_the_reservations_with_these_names,
);

/// Rows of a table that have changed, in the order of their keys.
fn changed(database: &TestDatabase, table: &str, key: &str) -> String {
    database.rows(key, &format!("{table} WHERE updated_at > '2021-01-01' ORDER BY {key}"))
}

fn delete(database: &TestDatabase, table: &str, which: &str) {
    database.run(&format!(
        "UPDATE {table} SET deleted = true, deleted_at = '2020-02-02 00:00:00' WHERE {which}"
    ));
}

/// Makes one change of a row and says by which key it is known.
type Make = fn(&mut Connection, &str) -> bool;

/// One row is live, one deleted, one another's: the first is changed and nothing else is.
fn a_change_is_of_the_live_row_with_that_key(database: &TestDatabase, mut connection: Connection) {
    let connection = &mut connection;
    cloud::insert(database, "volumes", "id, volume_type_id", &["'1', 't'", "'2', 't'", "'3', 't'"]);
    let columns = "id, volume_id, volume_type_id, use_quota";
    let rows = ["'1', '1', 't', true", "'2', '1', 't', true", "'3', '3', 't', true"];
    cloud::insert(database, "snapshots", columns, &rows);
    let rows = ["'1', '1'", "'2', '1'", "'3', '3'"];
    cloud::insert(database, "volume_attachment", "id, volume_id", &rows);
    cloud::insert(database, "\"groups\"", "id, group_type_id", &rows);
    cloud::insert(database, "group_snapshots", "id, group_id", &rows);
    cloud::insert(database, "backups", "id, volume_id", &rows);
    for table in ["volumes", "snapshots", "volume_attachment", "\"groups\"", "group_snapshots"] {
        delete(database, table, "id = '2'");
    }
    let makes: [(&str, Make); 8] = [
        ("volumes", |connection, id| {
            let change = volumes::Change { status: to(VolumeStatus::ERROR), ..Default::default() };
            volumes::update(connection, &VolumeId::new(id), &change.into()).is_ok()
        }),
        ("volumes", |connection, id| {
            volumes::change_locked(connection, &VolumeId::new(id), |row, _| {
                assert_eq!(row.id.as_str(), id);
                volumes::Change { status: to(VolumeStatus::ERROR), ..Default::default() }
            })
            .is_ok()
        }),
        ("snapshots", |connection, id| {
            let change =
                snapshots::Change { status: to(SnapshotStatus::ERROR), ..Default::default() };
            snapshots::update(connection, &SnapshotId::new(id), &change).is_ok()
        }),
        ("snapshots", |connection, id| {
            let change = snapshots::Change { progress: to("1%"), ..Default::default() };
            let volume = VolumeId::new(id);
            snapshots::update_of_volume(connection, &volume, &change).unwrap() == 1
        }),
        ("volume_attachment", |connection, id| {
            let change = attachments::Change { attach_mode: to("ro"), ..Default::default() };
            attachments::update(connection, &AttachmentId::new(id), &change).is_ok()
        }),
        ("\"groups\"", |connection, id| {
            let change = groups::Change { status: to(GroupStatus::ERROR), ..Default::default() };
            groups::update(connection, &GroupId::new(id), &change).is_ok()
        }),
        ("group_snapshots", |connection, id| {
            let change = group_snapshots::Change { status: to(GroupSnapshotStatus::ERROR) };
            group_snapshots::update(connection, &GroupSnapshotId::new(id), &change).is_ok()
        }),
        ("backups", |connection, id| {
            let change = backups::Change { host: to("h"), ..Default::default() };
            backups::update(connection, &BackupId::new(id), &change).is_ok()
        }),
    ];
    for (number, (table, make)) in makes.into_iter().enumerate() {
        assert!(make(connection, "1"), "{number} {table}");
        assert_eq!(changed(database, table, "id"), "1", "{number} {table}");
        // A backup is changed even after its end.
        assert!(table == "backups" || !make(connection, "2"), "{number} {table}");
        database.run(&format!("UPDATE {table} SET updated_at = '2020-01-01 00:00:00'"));
    }
    let notes = Metadata::from([("k".to_owned(), None)]);
    let gone = SnapshotId::new("2");
    snapshots::update_metadata(connection, &gone, &notes, OtherKeys::Keep).unwrap_err();
    snapshots::update_metadata(connection, &SnapshotId::new("1"), &notes, OtherKeys::Keep).unwrap();
    assert_eq!(database.rows("snapshot_id", "snapshot_metadata"), "1");
}

/// Takes everything that two volumes have twice away from one of them.
fn a_deletion_marks_what_is_live_and_belongs_to_it(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    cloud::two_volumes(database);
    cloud::insert(database, "\"groups\"", "id, group_type_id", &["'g', 't'", "'h', 't'"]);
    let types = "group_id, volume_type_id";
    let rows = ["'g', 't1'", "'g', 't2'", "'h', 't1'"];
    cloud::insert(database, "group_volume_type_mapping", types, &rows);
    cloud::insert(database, "group_snapshots", "id, group_id", &["'1', 'g'", "'2', 'g'"]);
    // What was deleted before keeps its time.
    for (table, which) in [
        ("volume_metadata", "\"key\" = 'a'"),
        ("volume_admin_metadata", "\"key\" = 'readonly'"),
        ("snapshot_metadata", "\"key\" = 'a'"),
        ("attachment_specs", "attachment_id = 'a1'"),
        ("group_volume_type_mapping", "volume_type_id = 't1'"),
    ] {
        delete(database, table, which);
    }
    let marked = |table: &str, key: &str| {
        let now = format!("{table} WHERE deleted = true AND deleted_at > '2021-01-01'");
        database.rows(key, &format!("{now} ORDER BY {key}"))
    };
    assert!(attachments::delete(connection, &AttachmentId::new("a1")).unwrap());
    assert_eq!(
        (marked("attachment_specs", "attachment_id"), marked("volume_attachment", "id")),
        (String::new(), "a1".into())
    );
    assert!(snapshots::delete(connection, &SnapshotId::new("s"), &[]).unwrap());
    assert_eq!(
        (marked("snapshot_metadata", "\"key\""), marked("snapshots", "id")),
        ("b".into(), "s".into())
    );
    assert!(groups::delete(connection, &GroupId::new("g")).unwrap());
    assert_eq!(marked("group_volume_type_mapping", "volume_type_id"), "t2");
    assert_eq!(marked("\"groups\"", "id"), "g");
    assert!(group_snapshots::delete(connection, &GroupSnapshotId::new("1")).unwrap());
    assert_eq!(marked("group_snapshots", "id"), "1");
    delete(database, "snapshots", "id = 's'");
    delete(database, "volume_attachment", "id = 'a1'");
    cloud::insert(database, "transfers", "id, volume_id", &["'old', 'v'"]);
    cloud::insert(
        database,
        "volume_glance_metadata",
        "volume_id, \"key\", value",
        &["'v', 'old', 'x'"],
    );
    delete(database, "transfers", "id = 'old'");
    delete(database, "volume_glance_metadata", "\"key\" = 'old'");
    assert!(volumes::delete(connection, &VolumeId::new("v"), &[]).unwrap());
    for (table, key, expected) in [
        ("volumes", "id", "v"),
        ("volume_metadata", "\"key\"", "b\nc"),
        ("volume_admin_metadata", "\"key\"", "attached_mode"),
        ("snapshots", "id", ""),
        ("transfers", "id", "tv"),
        ("volume_glance_metadata", "\"key\"", "image_id"),
        ("volume_attachment", "id", "a2"),
    ] {
        assert_eq!(marked(table, key), expected, "{table}");
    }
}

fn a_resource_is_read_with_what_is_live_and_its_own(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    cloud::two_volumes(database);
    let specs = "attachment_id, \"key\", value";
    cloud::insert(
        database,
        "attachment_specs",
        specs,
        &["'a1', 'gone', '1'", "'a2', 'other', '2'"],
    );
    delete(database, "attachment_specs", "\"key\" = 'gone'");
    let specs = attachments::specs(connection, &AttachmentId::new("a1")).unwrap();
    assert_eq!(specs.into_keys().collect::<Vec<_>>(), ["old"]);
    cloud::insert(
        database,
        "group_volume_type_mapping",
        "group_id, volume_type_id",
        &["'g', 't1'", "'g', 'gone'", "'h', 't3'"],
    );
    delete(database, "group_volume_type_mapping", "volume_type_id = 'gone'");
    let types = groups::volume_types(connection, &GroupId::new("g")).unwrap();
    assert_eq!(types, [VolumeTypeId::new("t1")]);
    delete(database, "volume_admin_metadata", "\"key\" = 'readonly'");
    delete(database, "snapshot_metadata", "\"key\" = 'b'");
    let volume = volumes::get(connection, &VolumeId::new("v")).unwrap().unwrap();
    assert_eq!(volume.admin_metadata.into_keys().collect::<Vec<_>>(), ["attached_mode"]);
    let snapshot = snapshots::get(connection, &SnapshotId::new("s")).unwrap().unwrap();
    assert_eq!(snapshot.metadata.into_keys().collect::<Vec<_>>(), ["a"]);
    let mine = image_metadata::get(connection, Keeper::Snapshot(&SnapshotId::new("r"))).unwrap();
    assert_eq!(mine, Metadata::new(), "another snapshot's");
    let two = ["NULL, 's', 'live', '1'", "NULL, 's', 'gone', '1'"];
    cloud::insert(
        database,
        "volume_glance_metadata",
        "volume_id, snapshot_id, \"key\", value",
        &two,
    );
    delete(database, "volume_glance_metadata", "\"key\" = 'gone'");
    let snapshot = SnapshotId::new("s");
    assert_eq!(image_metadata::delete(connection, Keeper::Snapshot(&snapshot)).unwrap(), 2);
    // A key that is written compares with the live rows of its own volume.
    let same = Metadata::from([("a".to_owned(), Some("w".to_owned()))]);
    volumes::update_metadata(connection, &VolumeId::new("w"), &same, OtherKeys::Keep).unwrap();
    assert_eq!(changed(database, "volume_metadata", "id"), "", "it is there");
    let deleted = Metadata::from([("b".to_owned(), Some("2".to_owned()))]);
    snapshots::update_metadata(connection, &SnapshotId::new("s"), &deleted, OtherKeys::Keep)
        .unwrap();
    let rows = "snapshot_metadata WHERE snapshot_id = 's' AND deleted = false ORDER BY id";
    assert_eq!(database.rows("\"key\"", rows), "a\nb", "deleted before, and inserted");
}

fn a_type_is_read_with_what_is_live_and_its_own(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    cloud::volume_type(database);
    cloud::insert(
        database,
        "encryption",
        "encryption_id, volume_type_id, cipher, control_location, provider",
        &[
            "'e1', 't2', 'other', 'front-end', 'luks'",
            "'e2', 't', 'gone', 'front-end', 'luks'",
            "'e3', 't', 'live', 'front-end', 'luks'",
        ],
    );
    delete(database, "encryption", "cipher = 'gone'");
    let encryption = volume_types::encryption(connection, &VolumeTypeId::new("t")).unwrap();
    assert_eq!(encryption.unwrap().cipher.as_deref(), Some("live"));
    cloud::insert(
        database,
        "default_volume_types",
        "project_id, volume_type_id",
        &["'p', 't'", "'q', 't2'"],
    );
    let default = |connection: &mut Connection, project: &str| {
        volume_types::project_default(connection, &ProjectId::new(project)).unwrap()
    };
    assert_eq!(default(connection, "p"), Some(VolumeTypeId::new("t")));
    assert_eq!(default(connection, "q"), Some(VolumeTypeId::new("t2")));
    assert_eq!(default(connection, "r"), None);
    cloud::insert(
        database,
        "quality_of_service_specs",
        "id, specs_id, \"key\", value",
        &[
            "'p', NULL, 'QoS_Specs_Name', 'other'",
            "'q', NULL, 'QoS_Specs_Name', 'mine'",
            "'q1', 'q', 'live', '1'",
            "'q2', 'q', 'gone', '2'",
            "'q3', 'p', 'other', '3'",
        ],
    );
    delete(database, "quality_of_service_specs", "\"key\" = 'gone'");
    let qos = volume_types::qos_specs(connection, &QosSpecsId::new("q")).unwrap().unwrap();
    assert_eq!(qos.name.as_deref(), Some("mine"));
    assert_eq!(qos.specs.into_keys().collect::<Vec<_>>(), ["live"]);
    assert_eq!(volume_types::qos_specs(connection, &QosSpecsId::new("q1")).unwrap(), None);
}

/// The second of two, so that the first one would be found without the condition.
fn a_row_is_read_by_its_key(database: &TestDatabase, mut connection: Connection) {
    let connection = &mut connection;
    let two = ["'1', 'x'", "'2', 'x'"];
    cloud::insert(database, "backups", "id, volume_id", &two);
    cloud::insert(database, "group_snapshots", "id, group_id", &two);
    cloud::insert(database, "cgsnapshots", "id, consistencygroup_id", &two);
    cloud::insert(database, "consistencygroups", "id, name", &two);
    cloud::insert(database, "group_types", "id, name", &["'1', 'x'", "'2', 'y'"]);
    for id in ["1", "2"] {
        let row = backups::get(connection, &BackupId::new(id)).unwrap().unwrap();
        assert_eq!(row.id.as_str(), id);
        let row = group_snapshots::get(connection, &GroupSnapshotId::new(id)).unwrap().unwrap();
        assert_eq!(row.id.as_str(), id);
        let key = CgsnapshotId::new(id);
        let row = consistency_groups::get_snapshot(connection, &key).unwrap().unwrap();
        assert_eq!(row.id, key);
        let key = ConsistencyGroupId::new(id);
        let row = consistency_groups::get(connection, &key).unwrap().unwrap();
        assert_eq!(row.id, key);
        let key = GroupTypeId::new(id);
        assert_eq!(group_types::get(connection, &key).unwrap().unwrap().row.id, key);
    }
}

fn a_service_and_a_cluster_are_changed_by_their_keys(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    for (host, cluster) in [("n1", "c1"), ("n2", "c2")] {
        register(connection, &registration(host, Some(cluster))).unwrap();
    }
    let second = services::find(connection, "n2@b1", "cinder-volume").unwrap().unwrap();
    assert_eq!(services::get(connection, second.id()).unwrap().as_ref(), Some(&second));
    let change = services::Change { frozen: to(true), ..Default::default() };
    services::update(connection, second.id(), &change).unwrap();
    assert_eq!(database.rows("host", "services WHERE frozen = true"), "n2@b1");
    let second = clusters::find(connection, "c2@b1", "cinder-volume").unwrap().unwrap();
    let change = clusters::Change { frozen: Some(true), ..Default::default() };
    clusters::update(connection, &second, &change).unwrap();
    assert_eq!(database.rows("name", "clusters WHERE frozen = true"), "c2@b1");
}

/// Rows that carry the cluster's name already are not counted, and their time does not move.
fn what_a_cluster_has_already_is_not_included_again(
    database: &TestDatabase,
    mut connection: Connection,
) {
    register(&mut connection, &registration("n", None)).unwrap();
    cloud::volumes(database, &[("has", "n@b1#p"), ("not", "n@b1#p"), ("far", "m@b1#p")]);
    database.run("UPDATE volumes SET cluster_name = 'c@b1#p' WHERE id = 'has'");
    database.run("UPDATE volumes SET cluster_name = 'other@b1#p' WHERE id = 'not'");
    database.run(
        "INSERT INTO image_volume_cache_entries
         (host, cluster_name, image_id, volume_id, size, last_used) VALUES
         ('n@b1#p', 'c@b1#p', 'i', 'has', 1, '2020-01-01 00:00:00'),
         ('n@b1#p', NULL, 'i', 'not', 1, '2020-01-01 00:00:00'),
         ('m@b1#p', NULL, 'i', 'far', 1, '2020-01-01 00:00:00')",
    );
    let registered = register(&mut connection, &registration("n", Some("c"))).unwrap();
    let included = registered.added_to_cluster.unwrap();
    assert_eq!((included.volumes, included.image_cache_entries), (1, 1));
    assert_eq!(changed(database, "volumes", "id"), "not");
    let entries = "image_volume_cache_entries WHERE cluster_name = 'c@b1#p' ORDER BY volume_id";
    assert_eq!(database.rows("volume_id", entries), "has\nnot");
}

fn a_service_that_announces_no_usable_version_is_named(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let insert = |host: &str, rpc: &str, object: &str| {
        database.run(&format!(
            "INSERT INTO services (host, \"binary\", deleted, report_count, rpc_current_version,
             object_current_version) VALUES ('{host}', 'cinder-volume', false, 0, {rpc}, {object})"
        ));
    };
    for (rpc, object) in
        [("NULL", "'1.39'"), ("'3.20'", "NULL"), ("'x'", "'1.39'"), ("'3.20'", "'x'")]
    {
        database.run("DELETE FROM services");
        insert("good", "'3.20'", "'1.39'");
        insert("bad", rpc, object);
        let error = minimum_versions(&mut connection, "cinder-volume").unwrap_err();
        assert!(error.to_string().contains("bad"), "{rpc} {object}: {error}");
    }
}

fn an_entry_of_the_cache_is_found_by_its_volume(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    database.run(
        "INSERT INTO image_volume_cache_entries (host, image_id, volume_id, size, last_used)
         VALUES ('h', 'i', 'v1', 1, '2020-01-01 00:00:00'),
                ('h', 'j', 'v2', 1, '2020-01-01 00:00:00'),
                ('h', 'i', 'v3', 1, '2020-01-01 00:00:00')",
    );
    for volume in ["v1", "v2", "v3"] {
        let found = image_cache::of_volume(connection, &VolumeId::new(volume)).unwrap().unwrap();
        assert_eq!(found.cached.volume_id.as_str(), volume);
    }
    let taken = image_cache::take(connection, &ImageId::new("j"), Place::Anywhere).unwrap();
    assert_eq!(taken.unwrap().cached.volume_id.as_str(), "v2");
    assert!(image_cache::delete(connection, &VolumeId::new("v1")).unwrap());
    let left = database.rows("volume_id", "image_volume_cache_entries ORDER BY volume_id");
    assert_eq!(left, "v2\nv3");
}

/// One of each kind counts; one is deleted, one another project's, one of the service's own.
fn a_project_has_what_is_live_and_its_own(database: &TestDatabase, mut connection: Connection) {
    let connection = &mut connection;
    cloud::insert(
        database,
        "volumes",
        "id, project_id, size, volume_type_id, use_quota",
        &[
            "'1', 'p', 1, 't', true",
            "'2', 'p', 2, 't', true",
            "'3', 'q', 4, 't', true",
            "'4', 'p', 8, 't', false",
            "'5', 'p', 16, 'u', true",
        ],
    );
    cloud::insert(
        database,
        "snapshots",
        "id, volume_id, project_id, volume_size, volume_type_id, use_quota",
        &[
            "'1', '1', 'p', 1, 't', true",
            "'2', '1', 'p', 2, 't', true",
            "'3', '1', 'q', 4, 't', true",
            "'4', '1', 'p', 8, 't', false",
            "'5', '5', 'p', 16, 't', true",
        ],
    );
    let sized = ["'1', 'v', 'p', 1", "'2', 'v', 'p', 2", "'3', 'v', 'q', 4"];
    cloud::insert(database, "backups", "id, volume_id, project_id, size", &sized);
    let groups = ["'1', 't', 'p'", "'2', 't', 'p'", "'3', 't', 'q'"];
    cloud::insert(database, "\"groups\"", "id, group_type_id, project_id", &groups);
    for table in ["volumes", "snapshots", "backups", "\"groups\""] {
        delete(database, table, "id = '2'");
    }
    let of_type = |counted| Resource::of_type(counted, "t", "x");
    for (resource, used) in [
        (Resource::all(Counted::Volumes), 2),
        (Resource::all(Counted::Snapshots), 2),
        (Resource::all(Counted::Gigabytes), 34),
        (Resource::all(Counted::Backups), 1),
        (Resource::all(Counted::BackupGigabytes), 1),
        (Resource::all(Counted::Groups), 1),
        (of_type(Counted::Volumes), 1),
        (of_type(Counted::Snapshots), 1),
        (of_type(Counted::Gigabytes), 2),
    ] {
        let name = resource.name().to_owned();
        reserve(connection, "p", resource);
        let row = format!("quota_usages WHERE resource = '{name}'");
        assert_eq!(database.rows("in_use reserved", &row), format!("{used}|1"), "{name}");
    }
}

/// Reserves one more of a resource for a project.
fn reserve(connection: &mut Connection, project_id: &str, resource: Resource) -> Vec<String> {
    let changes = [Change { resource, delta: 1, limit: -1 }];
    let (expire_after, rules) = (Duration::from_secs(60), Rules::default());
    let request = Request { project_id, changes: &changes, expire_after, rules };
    quota::reserve(connection, &request).unwrap()
}

fn a_reservation_uses_what_is_live_and_its_project_s(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let volumes = || Resource::all(Counted::Volumes);
    for (project, resource) in
        [("q", volumes()), ("p", Resource::all(Counted::Groups)), ("p", volumes())]
    {
        reserve(connection, project, resource);
    }
    reserve(connection, "p", volumes());
    let usages = "project_id resource reserved";
    assert_eq!(
        database.rows(usages, "quota_usages ORDER BY id"),
        "q|volumes|1\np|groups|1\np|volumes|2"
    );
    // A usage that is deleted is not found; its mark is out of the way of a new one.
    database.run(
        "UPDATE quota_usages SET deleted = true, race_preventer = NULL WHERE resource = 'volumes'",
    );
    reserve(connection, "p", volumes());
    assert_eq!(
        database.rows(usages, "quota_usages WHERE deleted = false ORDER BY id"),
        "p|groups|1\np|volumes|1"
    );
    // Limits are those that were asked for.
    cloud::insert(
        database,
        "quotas",
        "project_id, resource, hard_limit",
        &["'p', 'volumes', 5", "'p', 'groups', 6", "'q', 'volumes', 7"],
    );
    let limits = quota::limits(connection, "p", &[], &[volumes()]).unwrap();
    assert_eq!(limits.into_iter().collect::<Vec<_>>(), [("volumes".to_owned(), 5)]);
}

fn a_settlement_is_of_the_reservations_with_these_names(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let all = |counted| Resource::all(counted);
    let mine = reserve(connection, "p", all(Counted::Volumes));
    reserve(connection, "p", all(Counted::Volumes));
    reserve(connection, "p", all(Counted::Groups));
    // A reservation that names no usage changes none; it is settled all the same.
    database.run(
        "INSERT INTO reservations (created_at, deleted, uuid, usage_id, project_id, resource,
         delta, expire) VALUES ('2020-01-01', false, 'none', NULL, 'p', 'volumes', 7, '2020-01-01')",
    );
    let names = [mine, vec!["none".to_owned()]].concat();
    quota::commit(connection, &names).unwrap();
    assert_eq!(
        database
            .rows("resource in_use reserved updated_at>'2021-01-01'", "quota_usages ORDER BY id"),
        "volumes|1|1|1\ngroups|0|1|1"
    );
    let live = database.rows("resource", "reservations WHERE deleted = false ORDER BY id");
    assert_eq!(live, "volumes\ngroups");
    // What is settled stays so when it is named again beside what is not.
    let more = reserve(connection, "p", all(Counted::Volumes));
    quota::commit(connection, &[names, more].concat()).unwrap();
    let volumes = "quota_usages WHERE resource = 'volumes'";
    assert_eq!(database.rows("in_use reserved", volumes), "2|1");
}
