//! Service rows, clusters and version pins, case by case as `spec/startup.md §4` lists them.

use std::{sync::Barrier, thread};

use cinder_db::{
    ClusterBefore, Connection, IncludedResources, any_volume, chain, list_services,
    minimum_versions, open_or_create, register,
};

use crate::{
    captured_log::CapturedLog,
    database::{Kind, TestDatabase, registration},
};

on_every_database!(
    a_first_start_writes_the_whole_row,
    new_services_can_start_disabled,
    a_restart_writes_the_versions_and_counts_as_a_sign_of_life,
    a_soft_deleted_row_and_other_binaries_are_not_ours,
    hosts_are_compared_byte_by_byte,
    a_row_without_uuid_gets_one,
    an_unclustered_service_joins_with_its_resources_and_their_pools,
    a_service_of_another_cluster_stays_there_and_says_so,
    a_member_takes_over_its_cluster_s_replication_state,
    a_cluster_that_cannot_be_created_twice_is_no_obstacle,
    members_that_start_together_make_one_cluster,
    daemons_that_start_together_share_one_row,
    a_new_service_corrects_the_service_of_volumes_on_every_host,
    a_restart_leaves_the_volumes_service_alone,
    a_failure_half_way_leaves_nothing_behind,
    a_join_that_fails_half_way_leaves_the_service_as_it_was,
    services_are_listed_oldest_first_without_deleted_ones,
    only_a_live_volume_makes_the_volume_table_not_empty,
    messages_are_pinned_to_the_oldest_live_service,
);

/// A live service row with a life behind it; its key is far from those the database gives.
const OLD_SERVICE: &str = "INSERT INTO services
    (created_at, updated_at, deleted, id, host, \"binary\", topic, report_count, disabled,
     availability_zone, disabled_reason, rpc_current_version, object_current_version,
     replication_status, frozen, active_backend_id, uuid)
    VALUES ('2026-01-01 00:00:00.000001', '2026-01-01 00:00:00.000002', false, 700007,
     'n@b1', 'cinder-volume', 'cinder-volume', 500, true, 'oldaz', 'broken', '3.1', '1.2',
     'enabled', true, 'far', 'u7');";

/// A volume with just the columns that matter here.
fn volume(id: &str, host: &str, service: &str, deleted: bool) -> String {
    format!(
        "INSERT INTO volumes (id, host, service_uuid, deleted, volume_type_id)
         VALUES ('{id}', '{host}', {service}, {deleted}, 't');"
    )
}

fn a_first_start_writes_the_whole_row(database: &TestDatabase, mut connection: Connection) {
    let registered = register(&mut connection, &registration("n", None)).unwrap();
    assert!(registered.created);
    assert_eq!(registered.added_to_cluster, None);
    assert_eq!(
        database.rows(
            "host \"binary\" topic report_count disabled availability_zone disabled_reason modified_at \
             rpc_current_version object_current_version replication_status frozen \
             active_backend_id cluster_name deleted deleted_at updated_at=created_at id uuid",
            "services"
        ),
        format!(
            "n@b1|cinder-volume|cinder-volume|0|0|nova|NULL|NULL|3.20|1.39|not-capable|0|NULL|\
             NULL|0|NULL|1|{}|{}",
            registered.id, registered.uuid
        )
    );
    let written = database.rows("updated_at", "services");
    let expected = match database.kind {
        Kind::Sqlite => (26, Some(19)),
        #[cfg(feature = "mysql")]
        Kind::Mysql => (19, None),
        // It shows no zeros at the end.
        #[cfg(feature = "postgres")]
        Kind::Postgres => (written.len(), Some(19)),
    };
    assert_eq!((written.len(), written.find('.')), expected, "{written}");
}

fn new_services_can_start_disabled(database: &TestDatabase, mut connection: Connection) {
    let mut wanted = registration("n", None);
    wanted.enable_new_services = false;
    register(&mut connection, &wanted).unwrap();
    assert_eq!(database.rows("disabled disabled_reason modified_at", "services"), "1|NULL|NULL");
}

fn a_restart_writes_the_versions_and_counts_as_a_sign_of_life(
    database: &TestDatabase,
    mut connection: Connection,
) {
    database.run(OLD_SERVICE);
    let registered = register(&mut connection, &registration("n", None)).unwrap();
    assert_eq!((registered.created, registered.id.get()), (false, 700_007));
    assert_eq!(registered.uuid.as_str(), "u7");
    assert_eq!(
        database.rows(
            "id uuid rpc_current_version object_current_version updated_at>'2026-01-02' \
             created_at<'2026-01-02' report_count disabled disabled_reason availability_zone replication_status frozen \
             active_backend_id cluster_name",
            "services"
        ),
        "700007|u7|3.20|1.39|1|1|500|1|broken|oldaz|enabled|1|far|NULL"
    );
}

fn a_soft_deleted_row_and_other_binaries_are_not_ours(
    database: &TestDatabase,
    mut connection: Connection,
) {
    database.run(OLD_SERVICE);
    database.run("UPDATE services SET deleted = true");
    assert!(register(&mut connection, &registration("n", None)).unwrap().created);
    database.run("UPDATE services SET \"binary\" = 'cinder-backup' WHERE deleted = false");
    assert!(register(&mut connection, &registration("n", None)).unwrap().created);
    assert_eq!(database.rows("count(*)", "services"), "3");
}

fn hosts_are_compared_byte_by_byte(database: &TestDatabase, mut connection: Connection) {
    for host in ["N@b1", "nX1@b1", "n_1@b12", "n_1@b1x", "n_1@b"] {
        database.run(&format!(
            "INSERT INTO services (deleted, host, \"binary\", report_count, uuid)
             VALUES (false, '{host}', 'cinder-volume', 0, '{host}')"
        ));
    }
    assert!(register(&mut connection, &registration("n", None)).unwrap().created);
    let first = register(&mut connection, &registration("n_1", None)).unwrap();
    assert!(first.created);
    // A row that names a pool of the back end counts as the back end's.
    database.run("UPDATE services SET host = 'n_1@b1#pool' WHERE host = 'n_1@b1'");
    assert_eq!(register(&mut connection, &registration("n_1", None)).unwrap().id, first.id);
}

fn a_row_without_uuid_gets_one(database: &TestDatabase, mut connection: Connection) {
    database.run(OLD_SERVICE);
    database.run("UPDATE services SET uuid = NULL");
    let registered = register(&mut connection, &registration("n", None)).unwrap();
    assert_eq!(database.rows("uuid", "services"), registered.uuid.as_str());
}

fn an_unclustered_service_joins_with_its_resources_and_their_pools(
    database: &TestDatabase,
    mut connection: Connection,
) {
    database.run(OLD_SERVICE);
    database.run(
        &[
            volume("v1", "n@b1", "NULL", false),
            volume("v2", "n@b1#p1", "NULL", false),
            volume("v3", "n@b12#p1", "NULL", false),
            volume("v4", "n@b1#p1", "NULL", true),
            "INSERT INTO consistencygroups (id, host, deleted) VALUES ('c1', 'n@b1#p2', false);"
                .into(),
            "INSERT INTO \"groups\" (id, host, deleted)
             VALUES ('g1', 'n@b1', false), ('g2', 'm@b1', false);"
                .into(),
            "INSERT INTO image_volume_cache_entries (host, image_id, volume_id, size, last_used)
         VALUES ('n@b1#p3', 'i', 'v1', 1, '2026-01-01 00:00:00.000000');"
                .into(),
        ]
        .concat(),
    );
    let log = CapturedLog::default();
    let wanted = registration("n", Some(" cl1 "));
    let registered = log.during(|| register(&mut connection, &wanted).unwrap());
    assert_eq!(registered.cluster_before, Some(ClusterBefore::Unclustered));
    assert_eq!(
        registered.added_to_cluster,
        Some(IncludedResources {
            volumes: 2,
            consistency_groups: 1,
            groups: 1,
            image_cache_entries: 1
        })
    );
    assert_eq!(
        database.rows("name \"binary\" disabled race_preventer replication_status active_backend_id frozen deleted updated_at", "clusters"),
        "cl1@b1|cinder-volume|1|0|enabled|far|1|0|NULL"
    );
    assert_eq!(database.rows("cluster_name", "services"), "cl1@b1");
    assert_eq!(
        database.rows("id cluster_name updated_at>'2026-01-02'", "volumes ORDER BY id"),
        "v1|cl1@b1|1\nv2|cl1@b1#p1|1\nv3|NULL|NULL\nv4|NULL|NULL"
    );
    assert_eq!(database.rows("cluster_name", "consistencygroups"), "cl1@b1#p2");
    assert_eq!(database.rows("id cluster_name", "\"groups\" ORDER BY id"), "g1|cl1@b1\ng2|NULL");
    assert_eq!(database.rows("cluster_name", "image_volume_cache_entries"), "cl1@b1#p3");
    assert_eq!(
        log.lines(),
        [
            "INFO cinder.service: This service has been moved from cluster None to cl1@b1. \
             Resources will be moved to the new cluster",
            "INFO cinder.volume.manager: Including all resources from host n@b1 in cluster cl1@b1.",
            "INFO cinder.volume.manager: 2 volumes, 1 consistency groups, 1 generic groups and \
             1 image volume caches from host n@b1 have been included in cluster cl1@b1.",
        ]
    );
    let again = register(&mut connection, &wanted).unwrap();
    assert_eq!((again.added_to_cluster, again.cluster_before), (None, None));
}

fn a_service_of_another_cluster_stays_there_and_says_so(
    database: &TestDatabase,
    mut connection: Connection,
) {
    for (configured, shown) in [(Some("cl2"), "cl2@b1"), (None, "None")] {
        database.run("DELETE FROM services");
        database.run(OLD_SERVICE);
        database.run("UPDATE services SET cluster_name = 'cl1@b1'");
        let log = CapturedLog::default();
        let registered =
            log.during(|| register(&mut connection, &registration("n", configured)).unwrap());
        assert_eq!(registered.cluster_before, Some(ClusterBefore::Kept("cl1@b1".into())));
        assert_eq!(registered.added_to_cluster, None);
        assert_eq!(database.rows("cluster_name", "services"), "cl1@b1");
        assert_eq!(database.rows("name", "clusters"), "");
        assert_eq!(
            log.lines(),
            [format!(
                "INFO cinder.service: This service has been moved from cluster cl1@b1 to {shown}. \
                 Resources will NOT be moved to the new cluster"
            )]
        );
    }
}

fn a_member_takes_over_its_cluster_s_replication_state(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let cluster = "INSERT INTO clusters (name, \"binary\", deleted, disabled, race_preventer,
        replication_status, active_backend_id, frozen)
        VALUES ('cl1@b1', 'cinder-volume', false, false, 0, 'failed-over', NULL, false);";
    let columns = "replication_status active_backend_id frozen cluster_name";
    let wanted = registration("n", Some("cl1"));

    database.run(cluster);
    let registered = register(&mut connection, &wanted).unwrap();
    assert!(registered.created && registered.added_to_cluster.is_some());
    assert_eq!(registered.cluster_before, None);
    assert_eq!(database.rows(columns, "services"), "failed-over|NULL|0|cl1@b1");

    database.run("DELETE FROM services");
    database.run(OLD_SERVICE);
    register(&mut connection, &wanted).unwrap();
    assert_eq!(database.rows(columns, "services"), "failed-over|NULL|0|cl1@b1");

    for failed in ["error", "failover-error"] {
        database.run("DELETE FROM services");
        database.run(OLD_SERVICE);
        database.run(&format!("UPDATE services SET replication_status = '{failed}'"));
        register(&mut connection, &wanted).unwrap();
        assert_eq!(database.rows(columns, "services"), format!("{failed}|far|1|cl1@b1"));
    }
}

fn a_cluster_that_cannot_be_created_twice_is_no_obstacle(
    database: &TestDatabase,
    mut connection: Connection,
) {
    // Invisible to the look-up and yet in the way of the insert, as a lost race looks.
    database.run(
        "INSERT INTO clusters (name, \"binary\", deleted, race_preventer, frozen)
         VALUES ('cl1@b1', 'cinder-volume', true, 0, false)",
    );
    let registered = register(&mut connection, &registration("n", Some("cl1"))).unwrap();
    assert!(registered.created);
    assert_eq!(database.rows("cluster_name", "services"), "cl1@b1");
}

fn members_that_start_together_make_one_cluster(database: &TestDatabase, _connection: Connection) {
    thread::scope(|scope| {
        for number in 0..8 {
            let options = &database.options;
            scope.spawn(move || {
                let mut connection = open_or_create(options).unwrap();
                register(&mut connection, &registration(&format!("n{number}"), Some("cl")))
                    .unwrap();
            });
        }
    });
    assert_eq!(database.rows("name", "clusters"), "cl@b1");
    assert_eq!(database.rows("count(*)", "services WHERE cluster_name = 'cl@b1'"), "8");
}

fn daemons_that_start_together_share_one_row(database: &TestDatabase, _connection: Connection) {
    const DAEMONS: usize = 8;
    for round in 0..3 {
        let wanted = registration(&format!("n{round}"), None);
        let start = Barrier::new(DAEMONS);
        let created: usize = thread::scope(|scope| {
            let daemons: Vec<_> = (0..DAEMONS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut connection = open_or_create(&database.options).unwrap();
                        start.wait();
                        usize::from(register(&mut connection, &wanted).unwrap().created)
                    })
                })
                .collect();
            daemons.into_iter().map(|daemon| daemon.join().unwrap()).sum()
        });
        assert_eq!(created, 1);
        let rows = format!("services WHERE host = 'n{round}@b1'");
        assert_eq!(database.rows("count(*)", &rows), "1");
    }
}

fn a_new_service_corrects_the_service_of_volumes_on_every_host(
    database: &TestDatabase,
    mut connection: Connection,
) {
    database.run(
        &[
            OLD_SERVICE.into(),
            volume("v1", "n@b1#p", "'gone'", false),
            volume("v2", "n@b1", "NULL", false),
            volume("v3", "n@b1", "'gone'", true),
            volume("v4", "new@b1#p", "'gone'", false),
            volume("v5", "unknown@b1", "'gone'", false),
            volume("v6", "n@b1", "'u7'", false),
        ]
        .concat(),
    );
    let registered = register(&mut connection, &registration("new", None)).unwrap();
    assert_eq!(
        database.rows("id service_uuid updated_at>'2026-01-02'", "volumes ORDER BY id"),
        format!(
            "v1|u7|1\nv2|NULL|NULL\nv3|gone|NULL\nv4|{}|1\nv5|gone|NULL\nv6|u7|NULL",
            registered.uuid
        )
    );
}

fn a_restart_leaves_the_volumes_service_alone(database: &TestDatabase, mut connection: Connection) {
    database.run(&[OLD_SERVICE.into(), volume("v1", "n@b1", "'gone'", false)].concat());
    register(&mut connection, &registration("n", None)).unwrap();
    assert_eq!(database.rows("service_uuid", "volumes"), "gone");
}

fn a_failure_half_way_leaves_nothing_behind(database: &TestDatabase, mut connection: Connection) {
    database.run(&volume("v1", "n@b1", "NULL", false));
    let allow = database.refuse_updates_of("volumes");
    let log = CapturedLog::default();
    let wanted = registration("n", Some("cl1"));
    let error = log.during(|| register(&mut connection, &wanted).unwrap_err());
    assert_eq!(chain(&error), "database query failed: no");
    assert_eq!(log.lines(), [""; 0]);
    assert_eq!(database.rows("host", "services"), "");
    assert_eq!(database.rows("name", "clusters"), "");
    database.run(allow);
    register(&mut connection, &wanted).unwrap();
    assert_eq!(database.rows("cluster_name", "volumes"), "cl1@b1");
}

fn a_join_that_fails_half_way_leaves_the_service_as_it_was(
    database: &TestDatabase,
    mut connection: Connection,
) {
    database.run(&[OLD_SERVICE, &volume("v1", "n@b1", "NULL", false)].concat());
    let service = || database.rows("cluster_name rpc_current_version updated_at", "services");
    let before = service();
    let allow = database.refuse_updates_of("volumes");
    let wanted = registration("n", Some("cl1"));
    let error = register(&mut connection, &wanted).unwrap_err();
    assert_eq!(chain(&error), "database query failed: no");
    assert_eq!(service(), before);
    assert_eq!(database.rows("name", "clusters"), "");
    database.run(allow);
    register(&mut connection, &wanted).unwrap();
    assert_eq!(database.rows("cluster_name", "volumes"), "cl1@b1");
}

fn services_are_listed_oldest_first_without_deleted_ones(
    database: &TestDatabase,
    mut connection: Connection,
) {
    for host in ["x", "y", "z"] {
        register(&mut connection, &registration(host, None)).unwrap();
    }
    database.run("UPDATE services SET deleted = true WHERE host = 'y@b1'");
    let hosts: Vec<_> =
        list_services(&mut connection).unwrap().into_iter().map(|row| row.host.unwrap()).collect();
    assert_eq!(hosts, ["x@b1", "z@b1"]);
}

fn only_a_live_volume_makes_the_volume_table_not_empty(
    database: &TestDatabase,
    mut connection: Connection,
) {
    assert!(!any_volume(&mut connection).unwrap());
    database.run(&volume("v1", "n@b1", "NULL", true));
    assert!(!any_volume(&mut connection).unwrap());
    database.run(&volume("v2", "n@b1", "NULL", false));
    assert!(any_volume(&mut connection).unwrap());
}

fn messages_are_pinned_to_the_oldest_live_service(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let pins = |connection: &mut _| minimum_versions(connection, "cinder-scheduler");
    assert_eq!(pins(&mut connection).unwrap(), None);
    let scheduler = |host: &str, rpc: &str, object: &str, deleted: bool| {
        database.run(&format!(
            "INSERT INTO services (host, \"binary\", report_count, deleted, rpc_current_version,
             object_current_version) VALUES ('{host}', 'cinder-scheduler', 0, {deleted}, {rpc}, {object})"
        ));
    };
    scheduler("a", "'3.12'", "'1.39'", false);
    scheduler("b", "'3.9'", "'1.40'", false);
    scheduler("c", "'3.1'", "'1.1'", true);
    let minimum = pins(&mut connection).unwrap().unwrap();
    assert_eq!(
        (minimum.rpc.to_string(), minimum.object.to_string()),
        ("3.9".into(), "1.39".into())
    );
    for (host, rpc, object, complaint) in [
        ("d", "'3.12'", "NULL", "announces no object version: it is too old"),
        ("e", "NULL", "'1.39'", "announces no RPC version: it is too old"),
        ("f", "'3.12'", "'new'", "announces an unreadable version"),
    ] {
        scheduler(host, rpc, object, false);
        assert_eq!(
            pins(&mut connection).unwrap_err().to_string(),
            format!("service cinder-scheduler on host {host} {complaint}")
        );
        database.run(&format!("DELETE FROM services WHERE host = '{host}'"));
    }
    assert_eq!(pins(&mut connection).unwrap(), Some(minimum));
}
