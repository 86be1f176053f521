//! A deadlock that the server resolves against us.

use std::thread;

use cinder_db::{Connection, open_or_create, register};
use diesel::connection::SimpleConnection;

use crate::database::{Kind, TestDatabase, registration, wait};

on_every_server!(a_registration_that_loses_a_deadlock_is_repeated);

/// The other transaction holds the service's row, and wants the cluster's while the
/// registration, which has made it, wants the service's.
fn a_registration_that_loses_a_deadlock_is_repeated(
    database: &TestDatabase,
    mut connection: Connection,
) {
    register(&mut connection, &registration("n", None)).unwrap();
    let mut other = database.raw();
    // The server gives up whoever has changed less, or whose patience ends first.
    let (weight, waiting) = match database.kind {
        Kind::Sqlite => panic!("SQLite has no deadlocks"),
        #[cfg(feature = "mysql")]
        Kind::Mysql => (
            "INSERT INTO messages (id, project_id, event_id, message_level)
             SELECT seq, 'p', 'e', 'ERROR' FROM seq_1_to_500",
            // Not `innodb_trx`: it shows nothing new to somebody who asks too often.
            "information_schema.processlist WHERE db = database() AND info LIKE 'UPDATE `services`%'",
        ),
        #[cfg(feature = "postgres")]
        Kind::Postgres => (
            "SET LOCAL deadlock_timeout = '1min'",
            "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        ),
    };
    other.batch_execute("BEGIN").unwrap();
    other.batch_execute(weight).unwrap();
    other.batch_execute("UPDATE services SET disabled_reason = 'held'").unwrap();
    let registered = thread::scope(|scope| {
        let daemon = scope.spawn(|| {
            let mut connection = open_or_create(&database.options).unwrap();
            register(&mut connection, &registration("n", Some("cl")))
        });
        wait("the registration to wait", || database.rows("count(*)", waiting) == "1");
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
