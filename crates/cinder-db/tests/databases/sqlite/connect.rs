//! Waiting for a database that is away at start.

use std::{ops::ControlFlow, time::Duration};

use cinder_db::{DbError, retry_connect};
use diesel::connection::SimpleConnection;

use crate::{captured_log::CapturedLog, database::TestDatabase};

/// A database that keeps its rollback journal, so that a lock keeps readers out too, and
/// which is tried without patience.
fn lockable() -> TestDatabase {
    let (mut database, connection) = TestDatabase::created();
    connection.close();
    database.run("PRAGMA journal_mode = DELETE");
    database.options.busy_timeout = Duration::from_millis(1);
    database
}

#[test]
fn a_locked_database_is_tried_max_retries_times_more() {
    let mut database = lockable();
    database.options.max_retries = 3;
    database.options.retry_interval = Duration::from_secs(7);
    let mut raw = database.raw();
    raw.batch_execute("BEGIN EXCLUSIVE").unwrap();
    let (log, mut waits) = (CapturedLog::default(), Vec::new());
    let error = log.during(|| {
        retry_connect(&database.options, |interval| {
            waits.push(interval);
            ControlFlow::Continue(())
        })
        .unwrap_err()
    });
    assert!(error.is_unavailable(), "{error:?}");
    assert_eq!(waits, [Duration::from_secs(7); 3]);
    let cause = format!("cannot open database {}: database is locked", database.options.url);
    let line = |left| {
        format!(
            "WARN oslo_db.sqlalchemy.engines: SQL connection failed. {left} attempts left. ({cause})"
        )
    };
    assert_eq!(log.lines(), [line(3), line(2), line(1)]);
}

#[test]
fn minus_one_tries_until_the_database_is_back() {
    let mut database = lockable();
    database.options.max_retries = -1;
    let mut raw = database.raw();
    raw.batch_execute("BEGIN EXCLUSIVE").unwrap();
    let mut waits = 0;
    let mut connection = retry_connect(&database.options, |_| {
        waits += 1;
        if waits == 20 {
            raw.batch_execute("ROLLBACK").unwrap();
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(waits, 20);
    connection.check_schema().unwrap();
}

#[test]
fn the_caller_s_wait_can_give_up() {
    let database = lockable();
    let mut raw = database.raw();
    raw.batch_execute("BEGIN EXCLUSIVE").unwrap();
    let error = retry_connect(&database.options, |_| ControlFlow::Break(())).unwrap_err();
    assert!(matches!(&error, DbError::GaveUp { source } if source.is_unavailable()), "{error:?}");
}

#[test]
fn what_waiting_cannot_cure_is_returned_at_once() {
    let (database, connection) = TestDatabase::created();
    connection.close();
    database.run("DROP TABLE volumes");
    let error = retry_connect(&database.options, |_| panic!("waited")).unwrap_err();
    assert!(matches!(error, DbError::SchemaMissing { .. }), "{error:?}");
}

#[test]
fn a_replaced_file_is_noticed() {
    let (database, connection) = TestDatabase::created();
    connection.check_alive().unwrap();
    let aside = database.file().with_extension("aside");
    std::fs::rename(database.file(), &aside).unwrap();
    assert!(matches!(connection.check_alive(), Err(DbError::Replaced { .. })));
    std::fs::copy(&aside, database.file()).unwrap();
    assert!(matches!(connection.check_alive(), Err(DbError::Replaced { .. })));
    std::fs::rename(&aside, database.file()).unwrap();
    connection.check_alive().unwrap();
}
