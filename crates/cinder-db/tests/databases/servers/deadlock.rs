//! Deadlocks that the server resolves against us, and the order of locks that avoids them.

use std::thread;

use cinder_db::{
    Connection, Fault, open_or_create,
    quota::{self, Counted},
    register,
};
use diesel::connection::SimpleConnection;

use crate::{
    captured_log::CapturedLog,
    database::{Kind, TestDatabase, registration, wait},
    every::quota::{change, request},
    raw::Raw,
};

on_every_server!(
    a_registration_that_loses_a_deadlock_is_repeated,
    a_commit_that_loses_a_deadlock_is_repeated,
    after_five_repetitions_a_deadlock_is_an_error,
    usages_are_locked_before_reservations,
);

const REPEATED: &str = "a deadlock was resolved against us, repeating";

/// Begins a transaction that the server would rather not give up: it has changed more, or it is
/// more patient.
fn begin_heavily(database: &TestDatabase) -> Raw {
    let mut other = database.raw();
    other.batch_execute("BEGIN").unwrap();
    other
        .batch_execute(match database.kind {
            Kind::Sqlite => panic!("SQLite has no deadlocks"),
            #[cfg(feature = "mysql")]
            Kind::Mysql => {
                "INSERT INTO messages (id, project_id, event_id, message_level)
                 SELECT seq, 'p', 'e', 'ERROR' FROM seq_1_to_500"
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres => "SET LOCAL deadlock_timeout = '1min'",
        })
        .unwrap();
    other
}

/// Waits until somebody waits for a lock; on MySQL with a statement that begins so.
fn wait_for_waiting(database: &TestDatabase, statement: &str) {
    let waiting = match database.kind {
        Kind::Sqlite => panic!("SQLite has no sessions"),
        // Not `innodb_trx`: it shows nothing new to somebody who asks too often.
        #[cfg(feature = "mysql")]
        Kind::Mysql => format!(
            "information_schema.processlist WHERE db = database() AND info LIKE '{statement}%'"
        ),
        #[cfg(feature = "postgres")]
        Kind::Postgres => "pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'"
            .into(),
    };
    wait(&format!("{statement} to wait"), || database.rows("count(*)", &waiting) == "1");
}

/// The other transaction holds the service's row, and wants the cluster's while the
/// registration, which has made it, wants the service's.
fn a_registration_that_loses_a_deadlock_is_repeated(
    database: &TestDatabase,
    mut connection: Connection,
) {
    register(&mut connection, &registration("n", None)).unwrap();
    let mut other = begin_heavily(database);
    other.batch_execute("UPDATE services SET disabled_reason = 'held'").unwrap();
    let registered = thread::scope(|scope| {
        let daemon = scope.spawn(|| {
            let mut connection = open_or_create(&database.options).unwrap();
            register(&mut connection, &registration("n", Some("cl")))
        });
        wait_for_waiting(database, "UPDATE `services`");
        other
            .batch_execute(
                "INSERT INTO clusters (name, \"binary\", deleted, race_preventer, frozen)
                 VALUES ('cl@b1', 'cinder-volume', false, 0, true)",
            )
            .unwrap();
        other.batch_execute("COMMIT").unwrap();
        daemon.join().unwrap()
    });
    assert!(registered.unwrap().added_to_cluster.is_some());
    assert_eq!(
        database.rows("cluster_name disabled_reason frozen", "services"),
        "cl@b1|held|1",
        "the cluster of the other was not taken over"
    );
}

/// The other transaction holds the second usage and wants the first, which the commit has.
fn a_commit_that_loses_a_deadlock_is_repeated(database: &TestDatabase, mut connection: Connection) {
    let changes = [change(Counted::Volumes, 1, -1), change(Counted::Gigabytes, 5, -1)];
    let uuids = quota::reserve(&mut connection, &request(&changes)).unwrap();
    // By key: without an index on the resource alone, MySQL would lock every row on its way.
    let ids = database.raw().lines(&["id"], "quota_usages ORDER BY id");
    let use_one =
        |at: usize| format!("UPDATE quota_usages SET in_use = in_use + 1 WHERE id = {}", ids[at]);
    let mut other = begin_heavily(database);
    other.batch_execute(&use_one(1)).unwrap();
    let log = CapturedLog::default();
    thread::scope(|scope| {
        let daemon = scope.spawn(|| log.during(|| quota::commit(&mut connection, &uuids).unwrap()));
        wait_for_waiting(database, "SELECT `quota_usages`");
        other.batch_execute(&use_one(0)).unwrap();
        other.batch_execute("COMMIT").unwrap();
        daemon.join().unwrap();
    });
    assert_eq!(log.count(REPEATED), 1, "{:?}", log.lines());
    assert_eq!(
        database.rows("resource in_use reserved", "quota_usages ORDER BY id"),
        "volumes|2|0\ngigabytes|6|0",
        "what the other committed was lost"
    );
}

/// A trigger makes each reservation end as one that lost a deadlock.
fn after_five_repetitions_a_deadlock_is_an_error(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let changes = [change(Counted::Volumes, 1, -1)];
    let (create, drop) = match database.kind {
        Kind::Sqlite => panic!("SQLite has no deadlocks"),
        #[cfg(feature = "mysql")]
        Kind::Mysql => (
            "CREATE TRIGGER lose BEFORE INSERT ON reservations FOR EACH ROW
             SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found'",
            "DROP TRIGGER lose",
        ),
        #[cfg(feature = "postgres")]
        Kind::Postgres => (
            "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$;
             CREATE TRIGGER lose BEFORE INSERT ON reservations FOR EACH ROW
             EXECUTE FUNCTION lose()",
            "DROP FUNCTION lose CASCADE",
        ),
    };
    database.run(create);
    let log = CapturedLog::default();
    let error = log.during(|| quota::reserve(&mut connection, &request(&changes)).unwrap_err());
    let quota::Error::Database(error) = error else { panic!("{error:?}") };
    assert_eq!(error.fault(), Some(Fault::Deadlock));
    assert_eq!(log.count(REPEATED), 5, "{:?}", log.lines());
    database.run(drop);
    quota::reserve(&mut connection, &request(&changes)).unwrap();
}

/// A commit that waits for a usage must not hold its reservations: whoever has the usage may want
/// them next.
fn usages_are_locked_before_reservations(database: &TestDatabase, mut connection: Connection) {
    let changes = [change(Counted::Volumes, 1, -1)];
    let uuids = quota::reserve(&mut connection, &request(&changes)).unwrap();
    let mut other = database.raw();
    other.batch_execute("BEGIN").unwrap();
    other.batch_execute("UPDATE quota_usages SET in_use = 7").unwrap();
    thread::scope(|scope| {
        let daemon = scope.spawn(|| quota::commit(&mut connection, &uuids).unwrap());
        wait_for_waiting(database, "SELECT `quota_usages`");
        // It fails at once if the commit holds them.
        other.lines(&["id"], "reservations FOR UPDATE NOWAIT");
        other.batch_execute("COMMIT").unwrap();
        daemon.join().unwrap();
    });
    assert_eq!(database.rows("in_use reserved", "quota_usages"), "8|0");
}
