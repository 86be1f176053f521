//! Operations on resources that others get in the way of: deadlocks, sessions that end half-way.

use std::thread;

use cinder_db::{
    Connection, Fault,
    attachments::{self, Attachment},
    chain,
    changes::to,
    open_or_create,
    volumes::{self, Change, Update},
};
use cinder_types::{AttachmentId, VolumeId, VolumeStatus};
use diesel::connection::SimpleConnection;

use crate::{
    cloud,
    database::{Kind, TestDatabase, wait},
};

on_every_server!(
    an_update_that_loses_a_deadlock_is_repeated,
    a_decision_is_asked_for_again_after_a_deadlock,
    a_deletion_whose_session_ends_half_way_changes_nothing,
);

/// Waits until a statement of this database that begins so waits for a lock.
fn wait_for_a_lock(database: &TestDatabase, begin: &str) {
    let waiting = match database.kind {
        Kind::Sqlite => panic!("SQLite's statements do not show"),
        #[cfg(feature = "mysql")]
        Kind::Mysql => format!(
            "information_schema.processlist WHERE db = database() AND info LIKE '{}%'",
            begin.replace('"', "`")
        ),
        #[cfg(feature = "postgres")]
        Kind::Postgres => format!(
            "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
             AND query LIKE '{begin}%'"
        ),
    };
    wait("a statement to wait for a lock", || database.rows("count(*)", &waiting) == "1");
}

/// Makes the server end the other one of two transactions in a deadlock.
fn weigh_down(database: &TestDatabase) -> &'static str {
    match database.kind {
        Kind::Sqlite => panic!("SQLite has no deadlocks"),
        // Whoever has changed more survives.
        #[cfg(feature = "mysql")]
        Kind::Mysql => {
            "INSERT INTO messages (id, project_id, event_id, message_level)
             SELECT seq, 'p', 'e', 'ERROR' FROM seq_1_to_500"
        }
        // Whoever is more patient survives.
        #[cfg(feature = "postgres")]
        Kind::Postgres => "SET LOCAL deadlock_timeout = '1min'",
    }
}

pub fn an_update_that_loses_a_deadlock_is_repeated(
    database: &TestDatabase,
    connection: Connection,
) {
    drop(connection);
    cloud::two_volumes(database);
    let change = Change { status: to(VolumeStatus::ERROR), ..Change::default() };
    let updates = ["v", "w"].map(|id| (VolumeId::new(id), Update::from(change.clone())));
    let mut other = database.raw();
    other.batch_execute("BEGIN").unwrap();
    other.batch_execute(weigh_down(database)).unwrap();
    other.batch_execute("UPDATE volumes SET provider_id = 'held' WHERE id = 'w'").unwrap();
    let updated = thread::scope(|scope| {
        let operation = scope.spawn(|| {
            let mut connection = open_or_create(&database.options).unwrap();
            volumes::update_many(&mut connection, &updates)
        });
        wait_for_a_lock(database, "UPDATE \"volumes\"");
        other.batch_execute("UPDATE volumes SET provider_id = 'held' WHERE id = 'v'").unwrap();
        other.batch_execute("COMMIT").unwrap();
        operation.join().unwrap()
    });
    updated.unwrap();
    assert_eq!(
        database.rows("id status provider_id", "volumes ORDER BY id"),
        "v|error|held\nw|error|held"
    );
}

fn a_decision_is_asked_for_again_after_a_deadlock(database: &TestDatabase, connection: Connection) {
    drop(connection);
    cloud::two_volumes(database);
    let mut other = database.raw();
    other.batch_execute("BEGIN").unwrap();
    other.batch_execute(weigh_down(database)).unwrap();
    let held = "UPDATE volume_attachment SET mountpoint = 'held' WHERE id = 'a1'";
    other.batch_execute(held).unwrap();
    let statuses = thread::scope(|scope| {
        let operation = scope.spawn(|| {
            let mut connection = open_or_create(&database.options).unwrap();
            let (volume, attachment) = (VolumeId::new("v"), AttachmentId::new("a1"));
            let mut seen = Vec::new();
            let decide = |row: &volumes::Row, _: &[Attachment]| {
                seen.push(row.status.clone().unwrap());
                let attachment =
                    attachments::Change { attach_mode: to("ro"), ..Default::default() };
                attachments::Update { attachment, ..Default::default() }
            };
            attachments::change_locked(&mut connection, &volume, &attachment, decide).unwrap();
            seen
        });
        wait_for_a_lock(database, "UPDATE \"volume_attachment\"");
        other.batch_execute("UPDATE volumes SET status = 'error' WHERE id = 'v'").unwrap();
        other.batch_execute("COMMIT").unwrap();
        operation.join().unwrap()
    });
    // The second time it sees what the winner has left.
    assert_eq!(statuses, [VolumeStatus::AVAILABLE, VolumeStatus::ERROR]);
    assert_eq!(
        database.rows("mountpoint attach_mode", "volume_attachment WHERE id = 'a1'"),
        "held|ro"
    );
}

fn a_deletion_whose_session_ends_half_way_changes_nothing(
    database: &TestDatabase,
    connection: Connection,
) {
    drop(connection);
    cloud::two_volumes(database);
    let mut other = database.raw();
    other.batch_execute("BEGIN").unwrap();
    other.batch_execute("UPDATE volume_attachment SET mountpoint = 'x' WHERE id = 'a1'").unwrap();
    let deleted = thread::scope(|scope| {
        let operation = scope.spawn(|| {
            let mut connection = open_or_create(&database.options).unwrap();
            volumes::delete(&mut connection, &VolumeId::new("v"), &[])
        });
        // The last of its statements.
        wait_for_a_lock(database, "UPDATE \"volume_attachment\"");
        database.end_sessions_that_run("UPDATE \"volume_attachment\"");
        operation.join().unwrap()
    });
    let error = deleted.unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Lost), "{}", chain(&error));
    assert!(error.is_connection_lost());
    other.batch_execute("COMMIT").unwrap();
    for table in ["volumes", "volume_metadata", "snapshots", "transfers", "volume_attachment"] {
        wait("the server to undo the rest", || {
            database.rows("count(*)", &format!("{table} WHERE deleted = true")) == "0"
        });
    }
    let mut connection = open_or_create(&database.options).unwrap();
    assert!(volumes::delete(&mut connection, &VolumeId::new("v"), &[]).unwrap());
}
