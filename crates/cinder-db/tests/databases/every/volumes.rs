//! Volumes with all that belongs to them.
//!
//! What upstream writes in each case was found by calling its database API, release 29.0.0, on a
//! SQLite file and looking at the rows: which columns get which values, and where `updated_at`
//! moves.

use std::{sync::Barrier, thread};

use cinder_db::{
    Connection, DbError, Fault,
    attachments::Attachment,
    changes::{null, to},
    metadata::{Metadata, OtherKeys},
    open_or_create,
    volumes::{self, Change, New, Of, Update},
};
use cinder_types::{
    ConsistencyGroupId, GroupId, GroupStatus, MigrationStatus, ProjectId, ReplicationStatus,
    VolumeId, VolumeStatus, VolumeTypeId, status,
};

use crate::{
    cloud,
    database::{Kind, TestDatabase},
};

on_every_database!(
    a_volume_is_read_with_all_that_belongs_to_it,
    a_deleted_volume_is_read_only_on_demand,
    volumes_are_listed_by_host_cluster_and_group_youngest_first,
    portions_keep_their_order_and_skip_what_has_gone,
    more_volumes_than_fit_one_statement_are_all_listed,
    a_new_volume_has_upstreams_defaults,
    a_new_volume_keeps_what_it_was_given,
    a_copy_of_a_row_takes_over_all_its_columns,
    an_update_writes_what_it_is_told_and_moves_updated_at,
    an_update_of_nothing_writes_nothing,
    a_volume_that_is_gone_is_not_updated,
    values_that_do_not_fit_are_told_from_other_errors,
    an_update_replaces_metadata_and_leaves_equal_rows_alone,
    a_mark_of_older_releases_is_hidden_and_goes_with_the_next_write,
    metadata_keys_that_differ_in_capitals_are_different_keys,
    writers_of_one_metadata_key_leave_one_row,
    several_volumes_change_together_or_not_at_all,
    a_volume_is_deleted_with_all_that_belongs_to_it,
    a_deletion_that_fails_half_way_changes_nothing,
    a_change_is_decided_by_the_row_and_its_attachments,
    a_change_is_made_where_the_status_is_one_of_these,
    decisions_under_a_lock_follow_each_other,
    times_come_back_as_finely_as_the_database_keeps_them,
    a_volume_is_read_as_it_was_at_one_moment,
);

fn id(text: &str) -> VolumeId {
    VolumeId::new(text)
}

fn map(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|(key, value)| ((*key).into(), Some((*value).into()))).collect()
}

fn names(volumes: &[VolumeId]) -> String {
    volumes.iter().map(VolumeId::as_str).collect::<Vec<_>>().join(" ")
}

/// How the table of a volume's notes stands: key, value, and what became of each row.
fn notes(database: &TestDatabase, table: &str) -> String {
    database.rows(
        "\"key\" value deleted deleted_at>'2021-01-01' updated_at>'2021-01-01'",
        &format!("{table} WHERE volume_id = 'v' ORDER BY id"),
    )
}

fn a_volume_is_read_with_all_that_belongs_to_it(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    cloud::insert(database, "\"groups\"", "id, status", &["'g', 'available'", "'h', 'error'"]);
    cloud::insert(database, "consistencygroups", "id, name", &["'c', 'old'"]);
    database.run(
        "UPDATE volumes SET display_name = 'Ärger', group_id = 'g', consistencygroup_id = 'c',
         previous_status = 'in-use', replication_status = 'enabled', _name_id = 'n',
         project_id = 'p', bootable = true WHERE id = 'v'",
    );
    database.run("UPDATE consistencygroups SET deleted = true");
    database.run("UPDATE volume_metadata SET deleted = true WHERE \"key\" = 'b'");
    database.run("UPDATE volume_attachment SET deleted = true WHERE id = 'a2'");

    let volume = volumes::get(&mut connection, &id("v")).unwrap().unwrap();
    let row = &volume.row;
    assert_eq!((row.host.as_deref(), row.size), (Some("n@b#p"), Some(1)));
    assert_eq!(row.display_name.as_deref(), Some("Ärger"));
    assert_eq!(row.name_id, Some(id("n")));
    assert_eq!(row.project_id, Some(ProjectId::new("p")));
    assert_eq!((row.bootable, row.multiattach, row.use_quota), (Some(true), None, true));
    assert_eq!(row.previous_status, Some(VolumeStatus::IN_USE));
    assert_eq!(row.replication_status, Some(ReplicationStatus::ENABLED));
    assert_eq!(row.consistencygroup_id, Some(ConsistencyGroupId::new("c")));
    assert_eq!(volume.metadata, map(&[("a", "1"), ("c", "3")]));
    assert_eq!(volume.admin_metadata, map(&[("readonly", "True"), ("attached_mode", "rw")]));
    let of_type = volume.volume_type.unwrap();
    assert_eq!(of_type.row.name.as_deref(), Some("gold"));
    assert_eq!(of_type.extra_specs, map(&[("tier", "one")]));
    let attachments: Vec<_> = volume.attachments.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(attachments, ["a1"]);
    assert_eq!(volume.group.unwrap().status, Some(GroupStatus::AVAILABLE));
    assert_eq!(volume.consistency_group.unwrap().name.as_deref(), Some("old"));

    let other = volumes::get(&mut connection, &id("w")).unwrap().unwrap();
    assert_eq!(other.metadata, map(&[("a", "w")]));
    assert_eq!((other.group, other.consistency_group), (None, None));
}

fn a_deleted_volume_is_read_only_on_demand(database: &TestDatabase, mut connection: Connection) {
    cloud::two_volumes(database);
    database.run("UPDATE volumes SET deleted = true WHERE id = 'v'");
    database.run("UPDATE volume_types SET deleted = true");
    assert_eq!(volumes::get(&mut connection, &id("v")).unwrap(), None);
    let volume = volumes::get_even_deleted(&mut connection, &id("v")).unwrap().unwrap();
    assert_eq!((volume.row.deleted, volume.volume_type), (Some(true), None));
    assert_eq!(volumes::get_even_deleted(&mut connection, &id("absent")).unwrap(), None);
    // A row without the mark is nobody's: readers look for false.
    database.run("UPDATE volumes SET deleted = NULL WHERE id = 'w'");
    assert_eq!(volumes::get(&mut connection, &id("w")).unwrap(), None);
}

fn volumes_are_listed_by_host_cluster_and_group_youngest_first(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::volumes(
        database,
        &[
            ("v1", "n@b#p1"),
            ("v2", "n@b"),
            ("v3", "n@b#p2"),
            ("v4", "n@b2#p1"),
            ("v5", "N@b#p1"),
            ("v6", "n"),
            ("v7", "n@b#p1"),
        ],
    );
    database.run("UPDATE volumes SET deleted = true WHERE id = 'v7'");
    database.run("UPDATE volumes SET cluster_name = 'c@b#p1' WHERE id IN ('v1', 'v5')");
    database.run("UPDATE volumes SET group_id = 'g' WHERE id IN ('v3', 'v4')");
    // Of one age: the key decides.
    database.run("UPDATE volumes SET created_at = '2020-01-01 00:00:30' WHERE id IN ('v1', 'v3')");
    let mut listed = |of| names(&volumes::ids(&mut connection, of).unwrap());
    assert_eq!(listed(Of::Host("n")), "v2 v4 v6 v3 v1");
    assert_eq!(listed(Of::Host("n@b")), "v2 v3 v1");
    assert_eq!(listed(Of::Host("n@b#p1")), "v1");
    assert_eq!(listed(Of::Host("n@B")), "");
    assert_eq!(listed(Of::Cluster("c@b")), "v5 v1");
    let group = GroupId::new("g");
    assert_eq!(listed(Of::Group(&group)), "v4 v3");
    let whole = volumes::list(&mut connection, Of::Host("n@b")).unwrap();
    assert_eq!(whole.iter().map(|one| one.row.id.as_str()).collect::<Vec<_>>(), ["v2", "v3", "v1"]);
}

fn portions_keep_their_order_and_skip_what_has_gone(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::volumes(database, &[("v1", "n"), ("v2", "n"), ("v3", "n")]);
    database.run("UPDATE volumes SET deleted = true WHERE id = 'v2'");
    let wanted = ["v3", "absent", "v2", "v1"].map(id);
    let found = volumes::get_many(&mut connection, &wanted).unwrap();
    assert_eq!(found.iter().map(|one| one.row.id.as_str()).collect::<Vec<_>>(), ["v3", "v1"]);
    assert_eq!(volumes::get_many(&mut connection, &[]).unwrap(), []);
}

fn more_volumes_than_fit_one_statement_are_all_listed(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let rows: Vec<_> = (0..1001).map(|n| format!("'v{n:04}', 'n@b', 't', 1")).collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    cloud::insert(database, "volumes", "id, host, volume_type_id, size", &rows);
    cloud::insert(
        database,
        "volume_metadata",
        "volume_id, \"key\", value",
        &["'v0000', 'n', 'last'", "'v1000', 'n', 'first'"],
    );
    let all = volumes::list(&mut connection, Of::Host("n@b")).unwrap();
    assert_eq!(all.len(), 1001);
    assert!(all.windows(2).all(|pair| pair[0].row.id > pair[1].row.id));
    assert_eq!(all[0].metadata, map(&[("n", "first")]));
    assert_eq!(all[1000].metadata, map(&[("n", "last")]));
}

/// Every column of a volume but its time of creation.
const ALL: &str = "updated_at deleted_at deleted id ec2_id user_id project_id host size \
    availability_zone status attach_status scheduled_at launched_at terminated_at display_name \
    display_description provider_location provider_auth snapshot_id volume_type_id source_volid \
    bootable provider_geometry _name_id encryption_key_id migration_status replication_status \
    replication_extended_status replication_driver_data consistencygroup_id provider_id \
    multiattach previous_status cluster_name group_id service_uuid shared_targets use_quota";

fn new(columns: Change) -> New {
    New {
        id: id("v"),
        volume_type_id: VolumeTypeId::new("t"),
        columns,
        metadata: map(&[("a", "1")]),
        admin_metadata: map(&[("readonly", "False")]),
    }
}

fn a_new_volume_has_upstreams_defaults(database: &TestDatabase, mut connection: Connection) {
    let columns = Change {
        host: to("h@b#p"),
        size: to(3),
        status: to(VolumeStatus::CREATING),
        ..Change::default()
    };
    volumes::create(&mut connection, &new(columns)).unwrap();
    assert_eq!(
        database.rows(ALL, "volumes"),
        "NULL|NULL|0|v|NULL|NULL|NULL|h@b#p|3|NULL|creating|NULL|NULL|NULL|NULL|NULL|NULL|NULL|\
         NULL|NULL|t|NULL|0|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|0|NULL|NULL|NULL|NULL|1|1"
    );
    assert_eq!(database.rows("created_at>'2021-01-01'", "volumes"), "1");
    for (table, pair) in [("volume_metadata", "a|1"), ("volume_admin_metadata", "readonly|False")] {
        let columns =
            "created_at>'2021-01-01' updated_at deleted_at deleted volume_id \"key\" value";
        assert_eq!(database.rows(columns, table), format!("1|NULL|NULL|0|v|{pair}"));
    }
}

fn a_new_volume_keeps_what_it_was_given(database: &TestDatabase, mut connection: Connection) {
    let columns = Change {
        use_quota: Some(false),
        bootable: to(true),
        shared_targets: null(),
        previous_status: to(VolumeStatus::new("x")),
        migration_status: to(MigrationStatus::new("target:w")),
        ..Change::default()
    };
    volumes::create(&mut connection, &new(columns.clone())).unwrap();
    assert_eq!(
        database.rows(
            "use_quota bootable multiattach shared_targets previous_status migration_status",
            "volumes"
        ),
        "0|1|0|NULL|x|target:w"
    );
    let error = volumes::create(&mut connection, &new(columns)).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Constraint));
    assert_eq!(database.rows("count(*)", "volume_metadata"), "1");
}

fn a_copy_of_a_row_takes_over_all_its_columns(database: &TestDatabase, mut connection: Connection) {
    cloud::two_volumes(database);
    database.run(
        "UPDATE volumes SET display_name = 'n', provider_auth = 'CHAP u p', previous_status = 'x',
         scheduled_at = '2020-03-03 00:00:00', bootable = true, shared_targets = NULL",
    );
    let original = volumes::get(&mut connection, &id("w")).unwrap().unwrap().row;
    let copy = New { id: id("copy"), ..new(Change::of(&original)) };
    volumes::create(&mut connection, &copy).unwrap();
    let mut row = volumes::get(&mut connection, &id("copy")).unwrap().unwrap().row;
    assert!(row.created_at > original.created_at);
    (row.id, row.created_at, row.updated_at) =
        (original.id.clone(), original.created_at, original.updated_at);
    assert_eq!(row, original);
}

fn an_update_writes_what_it_is_told_and_moves_updated_at(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    let change = Change {
        host: null(),
        status: to(VolumeStatus::ERROR),
        previous_status: to(VolumeStatus::AVAILABLE),
        replication_status: to(ReplicationStatus::NOT_CAPABLE),
        name_id: to(id("x")),
        use_quota: Some(false),
        ..Change::default()
    };
    let mut row = volumes::get(&mut connection, &id("v")).unwrap().unwrap().row;
    volumes::update(&mut connection, &id("v"), &change.clone().into()).unwrap();
    assert_eq!(
        database.rows(
            "id host status previous_status replication_status _name_id use_quota attach_status \
             updated_at>'2021-01-01' created_at<'2021-01-01'",
            "volumes ORDER BY id"
        ),
        "v|NULL|error|available|not-capable|x|0|detached|1|1\n\
         w|n@b#p|available|NULL|NULL|NULL|1|detached|0|1"
    );
    // The row in memory follows.
    change.apply(&mut row);
    let read = volumes::get(&mut connection, &id("v")).unwrap().unwrap().row;
    row.updated_at = read.updated_at;
    assert_eq!(row, read);
}

fn an_update_of_nothing_writes_nothing(database: &TestDatabase, mut connection: Connection) {
    cloud::two_volumes(database);
    volumes::update(&mut connection, &id("v"), &Update::default()).unwrap();
    assert_eq!(database.rows("updated_at>'2021-01-01'", "volumes WHERE id = 'v'"), "0");
}

fn a_volume_that_is_gone_is_not_updated(database: &TestDatabase, mut connection: Connection) {
    cloud::two_volumes(database);
    database.run("UPDATE volumes SET deleted = true WHERE id = 'v'");
    let change = Change { status: to(VolumeStatus::ERROR), ..Change::default() };
    let with_metadata = Update { metadata: Some(map(&[("x", "1")])), ..Update::default() };
    for update in [change.into(), with_metadata] {
        for gone in ["v", "absent"] {
            let error = volumes::update(&mut connection, &id(gone), &update).unwrap_err();
            assert!(matches!(error, DbError::NotFound { what: "volume", .. }), "{error:?}");
            assert_eq!(error.to_string(), format!("volume {gone} does not exist"));
        }
    }
    assert_eq!(database.rows("status", "volumes WHERE id = 'v'"), "available");
    assert_eq!(database.rows("\"key\"", "volume_metadata WHERE \"key\" = 'x'"), "");
}

fn values_that_do_not_fit_are_told_from_other_errors(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    let change = Change { service_uuid: to("nobody's"), ..Change::default() };
    let error = volumes::update(&mut connection, &id("v"), &change.into()).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Constraint));
    let change = Change { status: to(VolumeStatus::new("x".repeat(256))), ..Change::default() };
    let done = volumes::update(&mut connection, &id("v"), &change.into());
    match database.kind {
        // It knows no lengths; upstream's client does not check either.
        Kind::Sqlite => done.unwrap(),
        #[cfg(any(feature = "mysql", feature = "postgres"))]
        _ => {
            let error = done.unwrap_err();
            assert_eq!((error.fault(), error.is_unavailable()), (Some(Fault::Value), false));
            assert_eq!(database.rows("status", "volumes WHERE id = 'v'"), "available");
        }
    }
}

fn an_update_replaces_metadata_and_leaves_equal_rows_alone(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    let wanted = map(&[("a", "1"), ("b", "new"), ("d", "4")]);
    let update = Update { metadata: Some(wanted.clone()), ..Update::default() };
    volumes::update(&mut connection, &id("v"), &update).unwrap();
    let after = "a|1|0|NULL|0\nb|new|0|NULL|1\nc|3|1|1|1\nd|4|0|NULL|NULL";
    assert_eq!(notes(database, "volume_metadata"), after);
    assert_eq!(database.rows("updated_at>'2021-01-01'", "volumes WHERE id = 'v'"), "0");
    let volume = volumes::get(&mut connection, &id("v")).unwrap().unwrap();
    assert_eq!(volume.metadata, wanted);

    let more = map(&[("e", "5")]);
    let all = volumes::update_metadata(&mut connection, &id("v"), &more, OtherKeys::Keep).unwrap();
    assert_eq!(all.len(), 4);
    assert_eq!(notes(database, "volume_metadata"), format!("{after}\ne|5|0|NULL|NULL"));

    let none = Update { admin_metadata: Some(Metadata::new()), ..Update::default() };
    volumes::update(&mut connection, &id("v"), &none).unwrap();
    assert_eq!(
        notes(database, "volume_admin_metadata"),
        "readonly|True|1|1|1\nattached_mode|rw|1|1|1"
    );
    // A single key goes without a trace in `updated_at`.
    assert!(volumes::delete_admin_metadata(&mut connection, &id("w"), "attached_mode").unwrap());
    assert!(!volumes::delete_admin_metadata(&mut connection, &id("w"), "attached_mode").unwrap());
    assert_eq!(
        database.rows(
            "\"key\" deleted deleted_at>'2021-01-01' updated_at>'2021-01-01'",
            "volume_admin_metadata WHERE volume_id = 'w'"
        ),
        "attached_mode|1|1|0"
    );
}

fn metadata_keys_that_differ_in_capitals_are_different_keys(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    let wanted = map(&[("A", "1"), ("b", "2")]);
    volumes::update_metadata(&mut connection, &id("v"), &wanted, OtherKeys::Delete).unwrap();
    let volume = volumes::get(&mut connection, &id("v")).unwrap().unwrap();
    assert_eq!(volume.metadata, wanted);
}

fn a_mark_of_older_releases_is_hidden_and_goes_with_the_next_write(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    database
        .run("UPDATE volume_admin_metadata SET \"key\" = 'temporary' WHERE \"key\" = 'readonly'");
    let volume = volumes::get(&mut connection, &id("v")).unwrap().unwrap();
    assert_eq!(volume.admin_metadata, map(&[("attached_mode", "rw")]));
    let none = Metadata::new();
    volumes::update_admin_metadata(&mut connection, &id("v"), &none, OtherKeys::Keep).unwrap();
    assert_eq!(
        notes(database, "volume_admin_metadata"),
        "temporary|True|1|1|1\nattached_mode|rw|0|NULL|0"
    );
}

fn writers_of_one_metadata_key_leave_one_row(database: &TestDatabase, connection: Connection) {
    const WRITERS: usize = 4;
    drop(connection);
    cloud::two_volumes(database);
    let start = Barrier::new(WRITERS);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let start = &start;
            scope.spawn(move || {
                let mut connection = open_or_create(&database.options).unwrap();
                let wanted = map(&[("race", &writer.to_string())]);
                start.wait();
                volumes::update_admin_metadata(&mut connection, &id("v"), &wanted, OtherKeys::Keep)
                    .unwrap();
            });
        }
    });
    assert_eq!(database.rows("count(*)", "volume_admin_metadata WHERE \"key\" = 'race'"), "1");
}

fn several_volumes_change_together_or_not_at_all(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    let with = |provider: &str| {
        let columns = Change { provider_id: to(provider), ..Change::default() };
        Update { metadata: Some(Metadata::new()), ..columns.into() }
    };
    let updates = [(id("w"), with("2")), (id("absent"), with("3")), (id("v"), with("1"))];
    let error = volumes::update_many(&mut connection, &updates).unwrap_err();
    assert_eq!(error.to_string(), "volume absent does not exist");
    assert_eq!(database.rows("id provider_id", "volumes ORDER BY id"), "v|NULL\nw|NULL");
    assert_eq!(database.rows("count(*)", "volume_metadata WHERE deleted = false"), "4");
    volumes::update_many(&mut connection, &[updates[0].clone(), updates[2].clone()]).unwrap();
    assert_eq!(database.rows("id provider_id", "volumes ORDER BY id"), "v|1\nw|2");
    assert_eq!(database.rows("count(*)", "volume_metadata WHERE deleted = false"), "0");
}

/// Every table that knows of volumes, in a form that shows what a deletion does.
fn everything(database: &TestDatabase) -> String {
    let mark = "deleted deleted_at>'2021-01-01' updated_at>'2021-01-01'";
    let mut text = String::new();
    for (table, columns) in [
        ("volumes", "id status migration_status"),
        ("volume_metadata", "volume_id \"key\""),
        ("volume_admin_metadata", "volume_id \"key\""),
        ("snapshots", "id status"),
        ("snapshot_metadata", "snapshot_id \"key\""),
        ("transfers", "id"),
        ("volume_glance_metadata", "volume_id snapshot_id"),
        ("volume_attachment", "id attach_status"),
        ("attachment_specs", "attachment_id"),
    ] {
        let order = if table == "volumes" { "created_at DESC" } else { "id DESC" };
        let rows =
            database.rows(&format!("{columns} {mark}"), &format!("{table} ORDER BY {order}"));
        text.push_str(&format!("{table}\n{rows}\n"));
    }
    text
}

fn a_volume_is_deleted_with_all_that_belongs_to_it(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    database.run("UPDATE volumes SET migration_status = 'success', status = 'deleting'");
    assert!(volumes::delete(&mut connection, &id("v"), &[]).unwrap());
    let after = everything(database);
    assert_eq!(
        after,
        "volumes\nv|deleted|NULL|1|1|0\nw|deleting|success|0|NULL|0\n\
         volume_metadata\nw|a|0|NULL|0\nv|c|1|1|0\nv|b|1|1|0\nv|a|1|1|0\n\
         volume_admin_metadata\nw|attached_mode|0|NULL|0\nv|attached_mode|1|1|0\nv|readonly|1|1|0\n\
         snapshots\ns|available|1|1|0\nr|available|0|NULL|0\n\
         snapshot_metadata\nr|a|0|NULL|0\ns|b|0|NULL|0\ns|a|0|NULL|0\n\
         transfers\ntw|0|NULL|0\ntv|1|1|0\n\
         volume_glance_metadata\nw|NULL|0|NULL|0\nNULL|s|0|NULL|0\nv|NULL|1|1|0\n\
         volume_attachment\na3|attached|0|NULL|0\na2|attaching|1|1|0\na1|attached|1|1|0\n\
         attachment_specs\na3|0|NULL|0\na1|0|NULL|0\n"
    );
    let moments = "count(DISTINCT(deleted_at))";
    let together = "(SELECT deleted_at FROM volumes UNION SELECT deleted_at FROM snapshots
        UNION SELECT deleted_at FROM volume_metadata UNION SELECT deleted_at FROM transfers) AS all_of_them";
    assert_eq!(database.rows(moments, together), "1");
    // The second time there is nothing left to do.
    database.run("UPDATE volumes SET deleted_at = '2020-02-02' WHERE id = 'v'");
    assert!(!volumes::delete(&mut connection, &id("v"), &[]).unwrap());
    assert_eq!(database.rows("deleted_at<'2021-01-01'", "volumes WHERE id = 'v'"), "1");
}

fn a_deletion_that_fails_half_way_changes_nothing(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    let before = everything(database);
    let allow = database.refuse_updates_of("volume_attachment");
    let error = volumes::delete(&mut connection, &id("v"), &[]).unwrap_err();
    assert_eq!(cinder_db::chain(&error), "database query failed: no");
    assert_eq!(everything(database), before);
    database.run(allow);
    assert!(volumes::delete(&mut connection, &id("v"), &[]).unwrap());
}

fn a_change_is_decided_by_the_row_and_its_attachments(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    database.run("UPDATE volumes SET status = 'uploading', previous_status = 'in-use'");
    let mut settle = |key: &str| {
        volumes::change_locked(&mut connection, &id(key), |row, attachments| {
            assert_eq!(
                (row.id.as_str(), row.status.as_ref()),
                (key, Some(&VolumeStatus::UPLOADING))
            );
            assert_eq!(row.previous_status, Some(VolumeStatus::IN_USE), "the whole row is there");
            assert!(attachments.iter().all(|one| one.volume_id == row.id));
            let status = status::settled(!attachments.is_empty());
            Change { status: to(status), ..Change::default() }
        })
    };
    assert_eq!(settle("w").unwrap().status, to(VolumeStatus::IN_USE));
    database.run("UPDATE volume_attachment SET deleted = true WHERE volume_id = 'v'");
    assert_eq!(settle("v").unwrap().status, to(VolumeStatus::AVAILABLE));
    assert_eq!(settle("absent").unwrap_err().to_string(), "volume absent does not exist");
    let after = database.rows("id status updated_at>'2021-01-01'", "volumes ORDER BY id");
    assert_eq!(after, "v|available|1\nw|in-use|1");
    // A decision to change nothing writes nothing; one about what is deleted is not asked for.
    database.run("UPDATE volumes SET updated_at = '2020-01-01 00:00:00'");
    let nothing = |_: &volumes::Row, _: &[Attachment]| Change::default();
    volumes::change_locked(&mut connection, &id("v"), nothing).unwrap();
    assert_eq!(database.rows("updated_at>'2021-01-01'", "volumes WHERE id = 'v'"), "0");
    database.run("UPDATE volumes SET deleted = true WHERE id = 'v'");
    let error = volumes::change_locked(&mut connection, &id("v"), nothing).unwrap_err();
    assert_eq!(error.to_string(), "volume v does not exist");
}

fn a_change_is_made_where_the_status_is_one_of_these(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::volumes(database, &[("v", "n"), ("w", "n")]);
    database.run("UPDATE volumes SET status = 'creating', updated_at = NULL");
    let change = Change { status: to(VolumeStatus::AVAILABLE), ..Change::default() };
    let mut made = |key: &str, statuses: &[&str], change: &Change| {
        volumes::update_if(&mut connection, &id(key), statuses, change).unwrap()
    };
    assert!(!made("v", &["deleting"], &change));
    assert!(!made("v", &[], &change));
    assert!(!made("v", &["creating"], &Change::default()), "nothing is to be changed");
    assert!(!made("absent", &["creating"], &change));
    assert!(made("v", &["downloading", "creating"], &change));
    assert!(!made("v", &["downloading", "creating"], &change), "it is available by now");
    database.run("UPDATE volumes SET deleted = true WHERE id = 'w'");
    assert!(!made("w", &["creating"], &change));
    let after = database.rows("id status updated_at>'2021-01-01'", "volumes WHERE id = 'v'");
    assert_eq!(after, "v|available|1");
    assert_eq!(database.rows("status", "volumes WHERE id = 'w'"), "creating");
}

/// Each of many adds one to what it finds, and none of them is lost.
fn decisions_under_a_lock_follow_each_other(database: &TestDatabase, mut connection: Connection) {
    const RIVALS: i32 = 4;
    const EACH: i32 = 5;
    cloud::volumes(database, &[("v", "n")]);
    thread::scope(|scope| {
        for _ in 0..RIVALS {
            scope.spawn(|| {
                let mut connection = open_or_create(&database.options).unwrap();
                for _ in 0..EACH {
                    volumes::change_locked(&mut connection, &id("v"), |row, _| {
                        let size = row.size.unwrap() + 1;
                        Change { size: to(size), ..Change::default() }
                    })
                    .unwrap();
                }
            });
        }
    });
    let volume = volumes::get(&mut connection, &id("v")).unwrap().unwrap();
    assert_eq!(volume.row.size, Some(1 + RIVALS * EACH));
}

fn times_come_back_as_finely_as_the_database_keeps_them(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    database.run("UPDATE volumes SET launched_at = '2020-01-02 03:04:05.678901'");
    let volume = volumes::get(&mut connection, &id("v")).unwrap().unwrap();
    let expected = match database.kind {
        #[cfg(feature = "mysql")]
        Kind::Mysql => "2020-01-02 03:04:05.000000",
        _ => "2020-01-02 03:04:05.678901",
    };
    assert_eq!(volume.row.launched_at.unwrap().to_string(), expected);
}

fn a_volume_is_read_as_it_was_at_one_moment(database: &TestDatabase, mut connection: Connection) {
    const WRITES: usize = 60;
    cloud::two_volumes(database);
    let write = |connection: &mut Connection, number: usize| {
        let number = number.to_string();
        let columns = Change { status: to(VolumeStatus::new(number.clone())), ..Change::default() };
        let metadata = Some(map(&[("number", &number)]));
        let update = Update { metadata, ..columns.into() };
        volumes::update(connection, &id("v"), &update).unwrap();
    };
    write(&mut connection, 0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut connection = open_or_create(&database.options).unwrap();
            (1..=WRITES).for_each(|number| write(&mut connection, number));
        });
        while !writer.is_finished() {
            let volume = volumes::get(&mut connection, &id("v")).unwrap().unwrap();
            let status = volume.row.status.as_ref().map(VolumeStatus::as_str);
            assert_eq!(status, volume.metadata["number"].as_deref());
        }
    });
    let volume = volumes::get(&mut connection, &id("v")).unwrap().unwrap();
    assert_eq!(volume.row.status, Some(VolumeStatus::new(WRITES.to_string())));
}
