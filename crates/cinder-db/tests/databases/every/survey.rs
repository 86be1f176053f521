//! What a service looks at of all its volumes and snapshots at once.

use cinder_db::{
    Connection, Timestamp,
    survey::{self, Of, Place},
    workers::{self, Cleanable, Kind},
};

use crate::{cloud, database::TestDatabase};

on_every_database!(
    volumes_and_snapshots_are_stuck_without_an_entry_and_once_nobody_has_touched_them_for_long,
    volumes_are_counted_by_place_and_what_is_deleted_is_not,
    names_and_keys_are_those_of_live_rows_at_a_place,
);

const OURS: Of<'static> = Of::Host("n@b");

fn volumes_and_snapshots_are_stuck_without_an_entry_and_once_nobody_has_touched_them_for_long(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let places = ["v1", "v2", "v3", "v4", "v5"].map(|id| (id, "n@b#p"));
    cloud::volumes(database, &places);
    cloud::volumes(database, &[("w1", "N@b#p"), ("w2", "n@b2#p")]);
    database.run("UPDATE volumes SET status = 'deleting'");
    // An entry, a recent change, another status, and one that was never changed.
    let entry = Cleanable { kind: Kind::Volume, id: "v2", status: "deleting" };
    workers::announce(connection, &entry).unwrap();
    database.run("UPDATE volumes SET updated_at = '2020-01-02 00:00:01' WHERE id = 'v3'");
    database.run("UPDATE volumes SET status = 'available' WHERE id = 'v4'");
    database.run("UPDATE volumes SET updated_at = NULL WHERE id = 'v5'");
    let columns = "id, volume_id, volume_type_id, use_quota, status";
    let rows = ["'s1', 'v4', 't', true, 'deleting'", "'s2', 'w1', 't', true, 'deleting'"];
    cloud::insert(database, "snapshots", columns, &rows);
    let since = Timestamp::parse("2020-01-02 00:00:00").unwrap();
    let statuses = ["creating", "deleting"];
    let found = survey::stuck_volumes(connection, OURS, &statuses, since, 10).unwrap();
    let stuck = |id: &str| (id.to_owned(), "deleting".to_owned());
    assert_eq!(found, [stuck("v1"), stuck("v5")]);
    let found = survey::stuck_volumes(connection, OURS, &statuses, since, 1).unwrap();
    assert_eq!(found, [stuck("v1")]);
    assert!(survey::stuck_volumes(connection, OURS, &[], since, 9).unwrap().is_empty());
    let found = survey::stuck_snapshots(connection, OURS, &statuses, since, 10).unwrap();
    assert_eq!(found, [stuck("s1")]);
    let entry = Cleanable { kind: Kind::Snapshot, id: "s1", status: "deleting" };
    workers::announce(connection, &entry).unwrap();
    assert!(survey::stuck_snapshots(connection, OURS, &statuses, since, 9).unwrap().is_empty());
    database.run("UPDATE volumes SET cluster_name = 'c@b#p' WHERE id = 'v1'");
    let cluster = Of::Cluster("c@b");
    let found = survey::stuck_volumes(connection, cluster, &statuses, since, 9).unwrap();
    assert_eq!(found, [stuck("v1")]);
}

fn volumes_are_counted_by_place_and_what_is_deleted_is_not(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::volumes(database, &[("v1", "n@b#p"), ("v2", "n@b#p"), ("v3", "n@c#p"), ("v4", "x")]);
    database.run("UPDATE volumes SET deleted = true WHERE id = 'v4'");
    database.run("UPDATE volumes SET cluster_name = 'k@c' WHERE id = 'v3'");
    let mut places = survey::volumes_by_place(&mut connection).unwrap();
    places.sort_by(|one, other| one.host.cmp(&other.host));
    let place = |host: &str, cluster: Option<&str>, count| Place {
        host: Some(host.to_owned()),
        cluster: cluster.map(str::to_owned),
        count,
    };
    assert_eq!(places, [place("n@b#p", None, 2), place("n@c#p", Some("k@c"), 1)]);
}

fn names_and_keys_are_those_of_live_rows_at_a_place(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    cloud::two_volumes(database);
    cloud::volumes(database, &[("u", "N@b#p"), ("x", "n@b#p")]);
    database.run("UPDATE volumes SET _name_id = 'old', status = 'in-use' WHERE id = 'v'");
    database.run("UPDATE volumes SET deleted = true WHERE id = 'x'");
    let names = survey::volume_names(connection, OURS).unwrap();
    let text = |one: &survey::VolumeName| {
        let name = one.name_id.as_ref().unwrap_or(&one.id);
        format!("{} {name} {}", one.id, one.status.as_deref().unwrap_or_default())
    };
    assert_eq!(names.iter().map(text).collect::<Vec<_>>(), ["v old in-use", "w w available"]);
    let names = survey::snapshot_names(connection, OURS).unwrap();
    let names: Vec<_> = names.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(names, ["r", "s"]);
    let used = survey::volumes_of_status(connection, OURS, "in-use").unwrap();
    assert_eq!(used.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["v"]);
    assert!(
        survey::volumes_of_status(connection, Of::Cluster("n@b"), "in-use").unwrap().is_empty()
    );
}
