//! A PostgreSQL server that speaks German. Its sessions may not ask for another language, and Diesel
//! keeps most numbers to itself.

use std::thread;

use cinder_db::{Connection, Fault, chain, open_or_create, register};
use diesel::connection::SimpleConnection;
use test_conditions::skip;

use super::resources;
use crate::database::{TestDatabase, registration, wait};

on_every_database!(postgres Postgres Plain:
    a_deadlock_is_repeated_whatever_the_server_speaks
    a_value_that_does_not_fit_is_told_whatever_the_server_speaks
    a_turn_that_does_not_come_is_no_obstacle_whatever_the_server_speaks
);

/// Has new sessions of the database spoken to in German while `body` runs.
fn in_german(database: &TestDatabase, body: impl FnOnce()) {
    let name = database.name();
    let german = format!("ALTER DATABASE {name} SET lc_messages = 'de_DE.UTF-8'");
    if let Err(error) = database.raw().batch_execute(&german) {
        skip(&format!("the server knows no German: {error}"));
        return;
    }
    let said = database.raw().batch_execute("SELECT 1/0").unwrap_err().to_string();
    if said.contains("Division durch Null") {
        body();
    } else {
        skip(&format!("the server has no translations: {said}"));
    }
    database.run(&format!("ALTER DATABASE {name} RESET lc_messages"));
}

fn a_deadlock_is_repeated_whatever_the_server_speaks(
    database: &TestDatabase,
    connection: Connection,
) {
    in_german(database, || {
        resources::an_update_that_loses_a_deadlock_is_repeated(database, connection)
    });
}

fn a_value_that_does_not_fit_is_told_whatever_the_server_speaks(
    database: &TestDatabase,
    connection: Connection,
) {
    connection.close();
    in_german(database, || {
        let mut connection = open_or_create(&database.options).unwrap();
        let mut wanted = registration("n", None);
        wanted.availability_zone = "z".repeat(300);
        let error = register(&mut connection, &wanted).unwrap_err();
        assert_eq!(error.fault(), Some(Fault::Value), "{}", chain(&error));
    });
}

/// Somebody who hangs holds the lock by which creators of rows take turns.
fn a_turn_that_does_not_come_is_no_obstacle_whatever_the_server_speaks(
    database: &TestDatabase,
    connection: Connection,
) {
    connection.close();
    in_german(database, || {
        let mut other = database.raw();
        // "cinder" in ASCII.
        let lock = 0x6369_6e64_6572_u64;
        other.batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({lock})")).unwrap();
        thread::scope(|scope| {
            let options = &database.options;
            let registered = scope.spawn(|| {
                let mut connection = open_or_create(options).unwrap();
                register(&mut connection, &registration("n", None))
            });
            let waits = "pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = \
                         (SELECT oid FROM pg_database WHERE datname = current_database())";
            wait("it to wait for its turn", || database.rows("count(*)", waits) == "1");
            assert!(registered.join().unwrap().unwrap().created);
        });
        other.batch_execute("ROLLBACK").unwrap();
    });
}
