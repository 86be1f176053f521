//! The entries of operations in flight: announced, claimed, finished, cleaned up after.

use std::{sync::Barrier, thread};

use cinder_db::{
    Connection, Fault, Timestamp, open_or_create, register,
    workers::{self, Cleanable, Entry, Kind, Scope},
};
use cinder_types::ServiceId;

use crate::database::{TestDatabase, registration};

on_every_database!(
    an_operation_is_announced_claimed_and_finished,
    an_operation_that_nobody_announced_gets_an_entry_when_it_begins,
    announcing_again_takes_the_entry_away_from_its_service,
    an_entry_that_changed_hands_cannot_be_claimed_as_it_was,
    a_step_changes_nothing_if_the_row_is_not_as_it_was_seen,
    an_entry_is_given_back_whatever_it_says_by_now,
    an_entry_is_found_by_kind_and_id_if_it_is_one,
    an_operation_that_broke_off_leaves_its_entry,
    an_entry_of_another_service_is_not_removed,
    a_failed_cleanup_gives_the_entry_back_and_the_next_one_removes_it,
    a_cleanup_sees_what_its_scope_says_and_never_the_sentinel,
    of_two_services_that_clean_up_one_gets_the_entry,
);

const DELETING: Cleanable<'static> = Cleanable { kind: Kind::Volume, id: "v1", status: "deleting" };
const CREATING: Cleanable<'static> = Cleanable { kind: Kind::Volume, id: "v1", status: "creating" };
const SNAPSHOT: Cleanable<'static> =
    Cleanable { kind: Kind::Snapshot, id: "s1", status: "creating" };

/// The rows but for the one that is always there.
fn rows(database: &TestDatabase) -> String {
    let columns = "resource_type resource_id status service_id race_preventer deleted";
    database.rows(columns, "workers WHERE resource_type <> 'SENTINEL' ORDER BY id")
}

fn time(database: &TestDatabase) -> String {
    database.rows("updated_at", "workers WHERE resource_type <> 'SENTINEL'")
}

fn services(connection: &mut Connection) -> [ServiceId; 2] {
    ["a", "b"].map(|host| register(connection, &registration(host, None)).unwrap().id)
}

fn an_operation_is_announced_claimed_and_finished(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let [me, _] = services(connection);
    workers::announce(connection, &CREATING).unwrap();
    assert_eq!(rows(database), "Volume|v1|creating|NULL|0|0");
    let entry = workers::claim(connection, &CREATING, me).unwrap().unwrap();
    assert_eq!(rows(database), format!("Volume|v1|creating|{me}|1|0"));
    // A message that is delivered twice finds the entry to be ours.
    assert_eq!(workers::claim(connection, &CREATING, me).unwrap().as_ref(), Some(&entry));
    let entry = workers::follow_status(connection, entry, "downloading", me).unwrap().unwrap();
    assert_eq!(rows(database), format!("Volume|v1|downloading|{me}|2|0"));
    assert_eq!((entry.kind(), entry.service()), (Some(Kind::Volume), Some(me)));
    assert!(workers::finish(connection, &entry, "available").unwrap());
    assert_eq!(rows(database), "");
}

fn an_operation_that_nobody_announced_gets_an_entry_when_it_begins(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let [me, _] = services(&mut connection);
    let entry = workers::claim(&mut connection, &SNAPSHOT, me).unwrap().unwrap();
    assert_eq!(rows(database), format!("Snapshot|s1|creating|{me}|0|0"));
    assert_eq!((entry.resource_id(), entry.status()), ("s1", "creating"));
}

fn announcing_again_takes_the_entry_away_from_its_service(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let [me, _] = services(&mut connection);
    let entry = workers::claim(&mut connection, &CREATING, me).unwrap().unwrap();
    workers::announce(&mut connection, &DELETING).unwrap();
    assert_eq!(rows(database), "Volume|v1|deleting|NULL|1|0");
    // The operation that had it before must not touch what belongs to the next.
    assert_eq!(
        workers::follow_status(&mut connection, entry.clone(), "downloading", me).unwrap(),
        None
    );
    assert!(!workers::finish(&mut connection, &entry, "error").unwrap());
    assert_eq!(rows(database), "Volume|v1|deleting|NULL|1|0");
}

fn an_entry_that_changed_hands_cannot_be_claimed_as_it_was(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let [me, other] = services(connection);
    workers::announce(connection, &DELETING).unwrap();
    let seen = workers::list_unfinished(connection, &Scope::default()).unwrap().remove(0);
    assert_eq!(seen.service(), None);
    workers::claim(connection, &DELETING, other).unwrap().unwrap();
    let after = rows(database);
    assert_eq!(workers::claim_cleanup(connection, &seen, me).unwrap(), None);
    assert_eq!(workers::follow_status(connection, seen, "error", me).unwrap(), None);
    assert_eq!(rows(database), after);
}

/// What a step does with an entry that `me` has claimed; whether it was done.
type Step = fn(&mut Connection, Entry, ServiceId) -> bool;

/// Follows a status, which is a claim of the row as it was seen.
fn follow(connection: &mut Connection, entry: Entry, me: ServiceId) -> bool {
    workers::follow_status(connection, entry, "downloading", me).unwrap().is_some()
}

/// Claims for a cleanup.
fn clean(connection: &mut Connection, entry: Entry, me: ServiceId) -> bool {
    workers::claim_cleanup(connection, &entry, me).unwrap().is_some()
}

/// Removes the entry at the end.
fn end(connection: &mut Connection, entry: Entry, _: ServiceId) -> bool {
    workers::finish(connection, &entry, "available").unwrap()
}

/// Each step finds the row as it was last seen or changes nothing: one change behind its back at a
/// time, and whether the steps still do what they do.
fn a_step_changes_nothing_if_the_row_is_not_as_it_was_seen(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let [me, other] = services(connection);
    let given_away = format!("service_id = {other}");
    let steps: [Step; 3] = [follow, clean, end];
    for (behind_its_back, done) in [
        ("deleted = false", [true, true, true]),
        ("deleted = true", [false, false, false]),
        ("resource_type = 'SENTINEL'", [false, false, false]),
        ("status = 'deleting'", [false, false, false]),
        (given_away.as_str(), [false, false, false]),
        ("service_id = NULL", [false, false, false]),
        ("race_preventer = race_preventer + 1", [false, false, true]),
        ("updated_at = '2020-01-01 00:00:00.000001'", [false, true, true]),
        ("updated_at = '2199-01-01 00:00:00.000001'", [false, false, true]),
    ] {
        for (step, expected) in steps.iter().zip(done) {
            database.run("DELETE FROM workers WHERE resource_id <> 'SUB-SECOND'");
            let entry = workers::claim(connection, &CREATING, me).unwrap().unwrap();
            // Of the same service, in the same status, of the same age.
            let beside = Cleanable { id: "beside", ..CREATING };
            workers::claim(connection, &beside, me).unwrap().unwrap();
            database.run(
                "UPDATE workers SET updated_at = '2020-02-02 00:00:00.000001'
                 WHERE resource_id = 'beside'",
            );
            let change = format!("UPDATE workers SET {behind_its_back} WHERE resource_id = 'v1'");
            database.run(&change);
            let row = "resource_type status service_id race_preventer updated_at deleted";
            let of = |id: &str| database.rows(row, &format!("workers WHERE resource_id = '{id}'"));
            let before = [of("v1"), of("beside")];
            assert_eq!(step(connection, entry, me), expected, "{behind_its_back}");
            assert_eq!(of("v1") != before[0], expected, "{behind_its_back}");
            assert_eq!(of("beside"), before[1], "{behind_its_back}");
        }
    }
}

fn an_entry_is_given_back_whatever_it_says_by_now(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let [me, crashed] = services(connection);
    for (behind_its_back, done) in [
        ("status = 'error'", true),
        ("race_preventer = 77", true),
        ("deleted = true", false),
        ("resource_type = 'SENTINEL'", false),
    ] {
        database.run("DELETE FROM workers WHERE resource_id <> 'SUB-SECOND'");
        let entry = workers::claim(connection, &CREATING, crashed).unwrap().unwrap();
        let cleanup = workers::claim_cleanup(connection, &entry, me).unwrap().unwrap();
        workers::claim(connection, &SNAPSHOT, me).unwrap().unwrap();
        database.run(&format!("UPDATE workers SET {behind_its_back} WHERE resource_id = 'v1'"));
        assert_eq!(cleanup.failed(connection).unwrap(), done, "{behind_its_back}");
        let owner =
            |id: &str| database.rows("service_id", &format!("workers WHERE resource_id = '{id}'"));
        let expected = if done { crashed } else { me };
        assert_eq!(owner("v1"), expected.to_string(), "{behind_its_back}");
        assert_eq!(owner("s1"), me.to_string(), "another entry stays as it is");
    }
}

/// A row that is marked as deleted, or whose type is the sentinel's, is no entry; and an entry is
/// known by the kind of its resource and by its id.
fn an_entry_is_found_by_kind_and_id_if_it_is_one(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let [me, other] = services(connection);
    let all = [
        CREATING,
        Cleanable { id: "v2", ..CREATING },
        Cleanable { kind: Kind::Snapshot, ..CREATING },
        // Now the other way round, for whichever a database finds first.
        Cleanable { kind: Kind::Snapshot, id: "v3", ..CREATING },
        Cleanable { id: "v3", ..CREATING },
    ];
    let entries =
        all.each_ref().map(|one| workers::claim(connection, one, other).unwrap().unwrap());
    // Each of them knows its own row.
    for (entry, one) in entries.into_iter().zip(&all) {
        let entry = workers::follow_status(connection, entry, "deleting", other).unwrap().unwrap();
        assert_eq!((entry.kind(), entry.resource_id()), (Some(one.kind), one.id));
        let row =
            format!("workers WHERE resource_type = '{}' AND resource_id = '{}'", one.kind, one.id);
        assert_eq!(database.rows("status", &row), "deleting");
        workers::follow_status(connection, entry, one.status, other).unwrap().unwrap();
    }
    workers::claim(connection, &CREATING, me).unwrap().unwrap();
    let owners = |database: &TestDatabase| {
        let rows = "workers WHERE resource_type <> 'SENTINEL' ORDER BY resource_type, resource_id";
        database.rows("resource_type resource_id status service_id", rows)
    };
    assert_eq!(
        owners(database),
        format!(
            "Snapshot|v1|creating|{other}\nSnapshot|v3|creating|{other}\nVolume|v1|creating|{me}\n\
             Volume|v2|creating|{other}\nVolume|v3|creating|{other}"
        )
    );
    workers::announce(connection, &DELETING).unwrap();
    assert_eq!(
        owners(database),
        format!(
            "Snapshot|v1|creating|{other}\nSnapshot|v3|creating|{other}\nVolume|v1|deleting|NULL\n\
             Volume|v2|creating|{other}\nVolume|v3|creating|{other}"
        )
    );
    let listed = |connection: &mut Connection| {
        workers::list_unfinished(connection, &Scope::default()).unwrap().len()
    };
    assert_eq!(listed(connection), 5);
    database.run("UPDATE workers SET deleted = true WHERE resource_id = 'v2'");
    assert_eq!(listed(connection), 4);
    // Neither found nor, since its key is taken, made: somebody else has to have been faster.
    let gone = Cleanable { id: "v2", ..CREATING };
    for service in [me, other] {
        assert_eq!(workers::claim(connection, &gone, service).unwrap(), None);
    }
    let error = workers::announce(connection, &gone).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Constraint), "it does not try for ever");
}

fn an_operation_that_broke_off_leaves_its_entry(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let [me, _] = services(&mut connection);
    let entry = workers::claim(&mut connection, &DELETING, me).unwrap().unwrap();
    assert!(!workers::finish(&mut connection, &entry, "deleting").unwrap());
    assert_eq!(rows(database), format!("Volume|v1|deleting|{me}|0|0"));
}

fn an_entry_of_another_service_is_not_removed(database: &TestDatabase, mut connection: Connection) {
    let connection = &mut connection;
    let [me, other] = services(connection);
    let entry = workers::claim(connection, &DELETING, me).unwrap().unwrap();
    let theirs = workers::claim(connection, &DELETING, other).unwrap().unwrap();
    assert!(!workers::finish(connection, &entry, "error_deleting").unwrap());
    assert_eq!(rows(database), format!("Volume|v1|deleting|{other}|1|0"));
    assert!(workers::finish(connection, &theirs, "deleted").unwrap());
    assert_eq!(rows(database), "");
}

fn a_failed_cleanup_gives_the_entry_back_and_the_next_one_removes_it(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let [me, crashed] = services(connection);
    workers::claim(connection, &DELETING, crashed).unwrap().unwrap();
    let before = time(database);
    let scope = Scope { service: Some(crashed), ..Scope::default() };
    let seen = workers::list_unfinished(connection, &scope).unwrap().remove(0);
    let cleanup = workers::claim_cleanup(connection, &seen, me).unwrap().unwrap();
    assert_eq!(rows(database), format!("Volume|v1|deleting|{me}|1|0"));
    assert_ne!(time(database), before);
    assert!(cleanup.failed(connection).unwrap());
    assert_eq!(rows(database), format!("Volume|v1|deleting|{crashed}|2|0"));
    assert_eq!(time(database), before, "microseconds and all");
    let seen = workers::list_unfinished(connection, &scope).unwrap().remove(0);
    let cleanup = workers::claim_cleanup(connection, &seen, me).unwrap().unwrap();
    assert!(cleanup.done(connection).unwrap());
    assert_eq!(rows(database), "");
}

fn a_cleanup_sees_what_its_scope_says_and_never_the_sentinel(
    _database: &TestDatabase,
    mut connection: Connection,
) {
    let connection = &mut connection;
    let [me, other] = services(connection);
    let early = Timestamp::now();
    workers::claim(connection, &DELETING, me).unwrap().unwrap();
    workers::claim(connection, &SNAPSHOT, other).unwrap().unwrap();
    workers::announce(connection, &Cleanable { id: "v2", ..CREATING }).unwrap();
    let all = Scope::default();
    for (scope, expected) in [
        (all.clone(), vec!["v1", "s1", "v2"]),
        (Scope { kind: Some(Kind::Volume), ..all.clone() }, vec!["v1", "v2"]),
        (Scope { resource_id: Some("s1".into()), ..all.clone() }, vec!["s1"]),
        (Scope { service: Some(me), ..all.clone() }, vec!["v1"]),
        (Scope { until: Some(early), ..all }, vec![]),
    ] {
        let found = workers::list_unfinished(connection, &scope).unwrap();
        let ids: Vec<_> = found.iter().map(|entry| entry.resource_id()).collect();
        assert_eq!(ids, expected, "{scope:?}");
    }
}

fn of_two_services_that_clean_up_one_gets_the_entry(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let [me, other] = services(&mut connection);
    workers::announce(&mut connection, &DELETING).unwrap();
    let mut rivals = [me, other].map(|id| (id, open_or_create(&database.options).unwrap()));
    let start = Barrier::new(rivals.len());
    for _ in 0..10 {
        let seen = workers::list_unfinished(&mut connection, &Scope::default()).unwrap().remove(0);
        let (seen, start) = (&seen, &start);
        let won = thread::scope(|scope| {
            let claims: Vec<_> = rivals
                .iter_mut()
                .map(|(id, connection)| {
                    scope.spawn(move || {
                        start.wait();
                        workers::claim_cleanup(connection, seen, *id).unwrap()
                    })
                })
                .collect();
            let claims = claims.into_iter().map(|claim| claim.join().unwrap());
            claims.flatten().collect::<Vec<_>>()
        });
        let [winner] = &won[..] else { panic!("{} services have it", won.len()) };
        let service = winner.entry.service().unwrap();
        assert_eq!(
            database.rows("service_id", "workers WHERE resource_id = 'v1'"),
            service.to_string()
        );
    }
}
