//! Reservations: made within limits, settled once, counted from what is really there.

use std::{sync::Barrier, thread, time::Duration};

use cinder_db::{
    Connection, Timestamp, open_or_create,
    quota::{self, Change, Counted, DEFAULT_CLASS, Error, Request, Resource, Rules, State},
};

use crate::{captured_log::CapturedLog, database::TestDatabase};

on_every_database!(
    a_reservation_is_committed_or_rolled_back_once,
    what_would_be_over_a_limit_is_refused_and_changes_nothing,
    a_limit_of_nothing_is_one_and_a_change_of_nothing_is_measured_by_it,
    a_project_over_its_limit_may_still_free_something,
    more_than_the_columns_hold_is_refused,
    usage_never_becomes_negative,
    the_first_reservation_counts_what_is_there,
    usage_is_counted_anew_when_it_is_due,
    limits_are_the_projects_then_the_classes,
    together_reservations_never_exceed_the_limit,
    a_crash_before_the_commit_leaves_reservations_that_expire,
    a_reservation_whose_usage_is_gone_is_only_deleted,
    a_usage_that_is_made_already_is_no_failure,
);

const HOUR: Duration = Duration::from_secs(3600);

pub fn change(counted: Counted, delta: i32, limit: i32) -> Change {
    Change { resource: Resource::all(counted), delta, limit }
}

pub fn request(changes: &[Change]) -> Request<'_> {
    Request { project_id: "p", changes, expire_after: HOUR, rules: Rules::default() }
}

fn reserve(connection: &mut Connection, changes: &[Change]) -> Vec<String> {
    quota::reserve(connection, &request(changes)).unwrap()
}

/// Resource, in use, reserved.
fn usages(database: &TestDatabase) -> String {
    database.rows("resource in_use reserved", "quota_usages ORDER BY id")
}

fn live_reservations(database: &TestDatabase) -> String {
    database.rows("count(*)", "reservations WHERE deleted = false")
}

fn a_reservation_is_committed_or_rolled_back_once(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let changes = [change(Counted::Volumes, 1, 10), change(Counted::Gigabytes, 5, 1000)];
    let first = reserve(connection, &changes);
    let second = reserve(connection, &changes);
    assert_eq!(usages(database), "volumes|0|2\ngigabytes|0|10");
    assert_eq!(
        database.rows(
            "r.resource r.delta r.project_id r.deleted r.expire>r.created_at race_preventer",
            "reservations r JOIN quota_usages u ON u.id = r.usage_id ORDER BY r.id"
        ),
        ["volumes|1|p|0|1|1", "gigabytes|5|p|0|1|1"].repeat(2).join("\n")
    );
    for _ in 0..2 {
        quota::commit(connection, &first).unwrap();
        assert_eq!(usages(database), "volumes|1|1\ngigabytes|5|5");
    }
    for _ in 0..2 {
        quota::roll_back(connection, &second).unwrap();
        assert_eq!(usages(database), "volumes|1|0\ngigabytes|5|0");
    }
    assert_eq!(live_reservations(database), "0");
    // Upstream leaves `updated_at` alone when it deletes.
    let deleted = database.rows("count(*)", "reservations WHERE deleted_at IS NOT NULL");
    assert_eq!(deleted, "4");
    assert_eq!(database.rows("count(*)", "reservations WHERE updated_at IS NOT NULL"), "0");
    quota::commit(connection, &[]).unwrap();
    quota::commit(connection, &["nobody knows it".into()]).unwrap();
}

fn what_would_be_over_a_limit_is_refused_and_changes_nothing(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let three = [change(Counted::Volumes, 3, 4), change(Counted::Gigabytes, 1, -1)];
    reserve(connection, &three);
    let refused = quota::reserve(connection, &request(&three)).unwrap_err();
    assert_eq!(refused.to_string(), "quota exceeded for volumes");
    let Error::Over { states } = refused else { panic!("{refused}") };
    let state = |resource: &str, limit, reserved, delta, exceeded| {
        let resource = resource.to_owned();
        State { resource, limit, in_use: 0, reserved, delta, exceeded }
    };
    assert_eq!(states, [state("volumes", 4, 3, 3, true), state("gigabytes", -1, 1, 1, false)]);
    assert_eq!(usages(database), "volumes|0|3\ngigabytes|0|1");
    assert_eq!(live_reservations(database), "2");
    // Exactly the limit is not over it.
    reserve(connection, &[change(Counted::Volumes, 1, 4)]);
}

fn a_limit_of_nothing_is_one_and_a_change_of_nothing_is_measured_by_it(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let is_refused = |connection: &mut Connection, delta, limit| {
        let reserved =
            quota::reserve(connection, &request(&[change(Counted::Volumes, delta, limit)]));
        matches!(reserved, Err(Error::Over { .. }))
    };
    assert!(is_refused(connection, 1, 0));
    assert!(!is_refused(connection, 0, 0));
    reserve(connection, &[change(Counted::Volumes, 3, 10)]);
    assert!(is_refused(connection, 0, 2));
    assert!(!is_refused(connection, -1, 2));
    assert_eq!(usages(database), "volumes|0|3");
}

fn a_project_over_its_limit_may_still_free_something(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let uuids = reserve(connection, &[change(Counted::Volumes, 5, 10)]);
    quota::commit(connection, &uuids).unwrap();
    let uuids = reserve(connection, &[change(Counted::Volumes, -1, 2)]);
    assert_eq!(usages(database), "volumes|5|0", "it is used until it is freed");
    quota::commit(connection, &uuids).unwrap();
    assert_eq!(usages(database), "volumes|4|0");
}

fn more_than_the_columns_hold_is_refused(database: &TestDatabase, mut connection: Connection) {
    let connection = &mut connection;
    reserve(connection, &[change(Counted::Gigabytes, i32::MAX, -1)]);
    let one = [change(Counted::Gigabytes, 1, -1)];
    let refused = quota::reserve(connection, &request(&one)).unwrap_err();
    assert!(matches!(refused, Error::Overflow { .. }), "{refused}");
    assert_eq!(refused.to_string(), "quota usage would be more than 2147483647 of gigabytes");
    assert_eq!(usages(database), format!("gigabytes|0|{}", i32::MAX));
}

fn usage_never_becomes_negative(database: &TestDatabase, mut connection: Connection) {
    let connection = &mut connection;
    let uuids = reserve(connection, &[change(Counted::Volumes, 2, -1)]);
    quota::commit(connection, &uuids).unwrap();
    let log = CapturedLog::default();
    let uuids = log.during(|| reserve(connection, &[change(Counted::Volumes, -2, -1)]));
    assert_eq!(log.count("Reservation would make"), 0, "all of it");
    quota::roll_back(connection, &uuids).unwrap();
    let uuids = log.during(|| reserve(connection, &[change(Counted::Volumes, -3, -1)]));
    assert_eq!(log.count("WARN cinder.db.api: Reservation would make usage less than 0"), 1);
    quota::commit(connection, &uuids).unwrap();
    assert_eq!(usages(database), "volumes|0|0");
}

/// Three volumes of 10, 20 and 40 GiB, the last of another type; a snapshot of 5 of the first; and
/// what does not count.
fn fill(database: &TestDatabase) {
    database.run(
        "INSERT INTO volumes (id, project_id, size, volume_type_id, use_quota, deleted) VALUES
         ('v1', 'p', 10, 't1', true, false), ('v2', 'p', 20, 't1', true, false),
         ('v3', 'p', 40, 't2', true, false), ('v4', 'p', 80, 't1', false, false),
         ('v5', 'p', 160, 't1', true, true), ('v6', 'q', 320, 't1', true, false)",
    );
    database.run(
        "INSERT INTO snapshots (id, volume_id, project_id, volume_size, volume_type_id, use_quota,
         deleted) VALUES ('s1', 'v1', 'p', 5, 't1', true, false),
         ('s2', 'v1', 'p', 640, 't1', false, false), ('s3', 'v1', 'p', 640, 't1', true, true)",
    );
    database.run(
        "INSERT INTO backups (id, project_id, volume_id, size, deleted)
         VALUES ('b1', 'p', 'v1', 7, false)",
    );
    database.run(
        "INSERT INTO \"groups\" (id, project_id, group_type_id, deleted)
         VALUES ('g1', 'p', 't', false)",
    );
}

fn the_first_reservation_counts_what_is_there(database: &TestDatabase, mut connection: Connection) {
    let connection = &mut connection;
    fill(database);
    let of_type = |counted, id: &str| Resource::of_type(counted, id, "fast");
    let resources = [
        Resource::all(Counted::Volumes),
        Resource::all(Counted::Gigabytes),
        Resource::all(Counted::Snapshots),
        Resource::all(Counted::Backups),
        Resource::all(Counted::BackupGigabytes),
        Resource::all(Counted::Groups),
        of_type(Counted::Volumes, "t1"),
        of_type(Counted::Gigabytes, "t1"),
        of_type(Counted::Snapshots, "t2"),
    ];
    let changes = resources.map(|resource| Change { resource, delta: 1, limit: -1 });
    reserve(connection, &changes);
    assert_eq!(
        usages(database),
        "volumes|3|1\ngigabytes|75|1\nsnapshots|1|1\nbackups|1|1\nbackup_gigabytes|7|1\n\
         groups|1|1\nvolumes_fast|2|1\ngigabytes_fast|35|1\nsnapshots_fast|0|1"
    );
}

fn usage_is_counted_anew_when_it_is_due(database: &TestDatabase, mut connection: Connection) {
    let connection = &mut connection;
    fill(database);
    let changes = [change(Counted::Gigabytes, 1, -1)];
    let mut with = |rules: Rules, wrong: i32| {
        database.run(&format!("UPDATE quota_usages SET in_use = {wrong}"));
        quota::reserve(connection, &Request { rules, ..request(&changes) }).unwrap();
        database.rows("in_use until_refresh", "quota_usages")
    };
    let never = Rules::default();
    with(never, 0);
    assert_eq!(with(never, 1), "1|NULL");
    assert_eq!(with(never, -1), "75|NULL", "out of step");
    let every_second = Rules { until_refresh: 2, ..never };
    assert_eq!(with(every_second, 1), "1|2", "switched on");
    assert_eq!(with(every_second, 2), "2|1");
    assert_eq!(with(every_second, 3), "75|2", "counted down");
    assert_eq!(with(Rules { until_refresh: 1, ..never }, 4), "4|1", "lowered");
    assert_eq!(with(never, 5), "75|NULL", "the last time, and switched off");
    let old = Rules { max_age: Duration::from_secs(60), ..never };
    assert_eq!(with(old, 6), "6|NULL");
    database.run("UPDATE quota_usages SET updated_at = '2020-01-01 00:00:00.000000'");
    assert_eq!(with(old, 7), "75|NULL", "old");
    let free = Rules { snapshots_are_free: true, ..never };
    assert_eq!(with(free, -1), "70|NULL", "without snapshots");
    assert_eq!(with(Rules { until_refresh: 9, ..never }, 8), "8|9");
    assert_eq!(with(Rules { until_refresh: 3, ..never }, 9), "9|3", "lowered while far from it");
}

fn limits_are_the_projects_then_the_classes(database: &TestDatabase, mut connection: Connection) {
    database.run(
        "INSERT INTO quota_classes (class_name, resource, hard_limit, deleted) VALUES
         ('gold', 'volumes', 50, false), ('gold', 'gigabytes', NULL, false),
         ('gold', 'groups', 60, true), ('other', 'groups', 70, false)",
    );
    database.run(
        "INSERT INTO quotas (project_id, resource, hard_limit, deleted) VALUES
         ('p', 'snapshots', 5, false), ('q', 'snapshots', 6, false), ('p', 'backups', 7, true)",
    );
    let mut resources: Vec<_> =
        [Counted::Volumes, Counted::Gigabytes, Counted::Snapshots, Counted::Backups]
            .map(Resource::all)
            .into();
    resources.push(Resource::all(Counted::Groups));
    resources.push(Resource::of_type(Counted::Volumes, "t", "fast"));
    let classes = ["gold", DEFAULT_CLASS];
    let limits = quota::limits(&mut connection, "p", &classes, &resources).unwrap();
    let mut limits: Vec<_> = limits.iter().map(|(name, limit)| format!("{name} {limit}")).collect();
    limits.sort();
    assert_eq!(limits, ["backups 10", "gigabytes 1000", "groups 10", "snapshots 5", "volumes 50"]);
}

fn together_reservations_never_exceed_the_limit(
    database: &TestDatabase,
    mut connection: Connection,
) {
    const RIVALS: usize = 4;
    const EACH: usize = 5;
    let changes = [change(Counted::Gigabytes, 2, 1000), change(Counted::Volumes, 1, 12)];
    let start = Barrier::new(RIVALS);
    let uuids: Vec<_> = thread::scope(|scope| {
        let rivals: Vec<_> = (0..RIVALS)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = open_or_create(&database.options).unwrap();
                    start.wait();
                    let tries = (0..EACH)
                        .map(|_| quota::reserve(&mut connection, &request(&changes)))
                        .filter_map(|reserved| match reserved {
                            Ok(uuids) => Some(uuids),
                            Err(Error::Over { .. }) => None,
                            Err(error) => panic!("{error:?}"),
                        });
                    let uuids: Vec<_> = tries.flatten().collect();
                    quota::commit(&mut connection, &uuids).unwrap();
                    uuids
                })
            })
            .collect();
        rivals.into_iter().flat_map(|rival| rival.join().unwrap()).collect()
    });
    assert_eq!(uuids.len(), 24, "twelve times two resources");
    let usages = database.rows("resource in_use reserved", "quota_usages ORDER BY resource");
    assert_eq!(usages, "gigabytes|24|0\nvolumes|12|0");
    assert_eq!(quota::expire(&mut connection, Timestamp::now()).unwrap(), 0);
}

fn a_crash_before_the_commit_leaves_reservations_that_expire(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let kept = reserve(&mut connection, &[change(Counted::Volumes, 1, -1)]);
    let mut crashing = open_or_create(&database.options).unwrap();
    reserve(&mut crashing, &[change(Counted::Volumes, 2, -1)]);
    drop(crashing);
    quota::commit(&mut connection, &kept).unwrap();
    assert_eq!(usages(database), "volumes|1|2");
    let now = Timestamp::now();
    assert_eq!(quota::expire(&mut connection, now).unwrap(), 0);
    assert_eq!(quota::expire(&mut connection, now.plus(HOUR * 2)).unwrap(), 1);
    assert_eq!(usages(database), "volumes|1|0");
    assert_eq!(live_reservations(database), "0");
}

fn a_reservation_whose_usage_is_gone_is_only_deleted(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let uuids = reserve(&mut connection, &[change(Counted::Volumes, 1, -1)]);
    database.run("UPDATE quota_usages SET deleted = true");
    quota::commit(&mut connection, &uuids).unwrap();
    assert_eq!(usages(database), "volumes|0|1");
    assert_eq!(live_reservations(database), "0");
}

/// Named twice, a resource has no usage for the second one and gets none, as if somebody were always
/// faster: that alone is no failure, only that it never ends is.
fn a_usage_that_is_made_already_is_no_failure(database: &TestDatabase, mut connection: Connection) {
    let changes = [change(Counted::Volumes, 1, 10), change(Counted::Volumes, 2, 10)];
    let error = quota::reserve(&mut connection, &request(&changes)).unwrap_err();
    assert!(cinder_db::chain(&error).contains("vanish as fast"), "{error:?}");
    assert_eq!(usages(database), "volumes|0|0");
    assert_eq!(live_reservations(database), "0");
}
