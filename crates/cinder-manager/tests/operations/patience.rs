//! The end of an operation while the database is away: it is waited for, and nothing that storage has done is forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, sqlite::SqliteConnection};

use crate::pretend::Mood;
use crate::stand::Stand;

const LIMIT: Duration = Duration::from_secs(60);

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !done() {
        assert!(Instant::now() < end, "waited {LIMIT:?} for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A database that takes no writes.
struct Away(SqliteConnection);

impl Away {
    fn new(stand: &Stand) -> Self {
        let mut connection =
            SqliteConnection::establish(&stand.file().to_string_lossy()).expect("a file");
        connection.batch_execute("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE").expect("a lock");
        Self(connection)
    }

    fn end(mut self) {
        self.0.batch_execute("ROLLBACK").expect("it was locked");
    }
}

#[test]
fn what_storage_has_made_is_written_when_the_database_is_back() {
    for mood in [Mood::Good, Mood::Full] {
        let mut stand = Stand::new();
        let (id, asked) = stand.wants_volume();
        stand.driver.set(mood);
        // The database goes when the driver is at work, and is back when somebody has waited for it.
        let gate = stand.driver.hold();
        let (manager, done) = (Arc::clone(&stand.manager), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&done);
        let work = thread::spawn(move || {
            let result = asked.of_manager(&manager);
            told.store(true, Ordering::Release);
            result
        });
        wait("the driver to be called", || gate.is_reached());
        let away = Away::new(&stand);
        gate.open();
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end {
            assert!(!done.load(Ordering::Acquire), "nobody waited for the database");
            thread::sleep(Duration::from_millis(20));
        }
        away.end();
        let result = work.join().expect("no panic");
        assert_eq!(result.is_ok(), mood == Mood::Good, "{result:?}");
        let status = if mood == Mood::Good { "available" } else { "error" };
        assert_eq!((stand.status(&id).as_str(), stand.entries()), (status, 0));
    }
}

#[test]
fn a_stop_waits_no_longer_and_leaves_the_entry_for_the_next_start() {
    let mut stand = Stand::new();
    let (id, asked) = stand.wants_volume();
    let gate = stand.driver.hold();
    let manager = Arc::clone(&stand.manager);
    let work = thread::spawn(move || asked.of_manager(&manager));
    wait("the driver to be called", || gate.is_reached());
    let away = Away::new(&stand);
    gate.open();
    stand.manager.stop();
    let failure = work.join().expect("no panic").expect_err("nobody could write it");
    assert_eq!(failure.class, "DBError");
    away.end();
    assert_eq!((stand.status(&id).as_str(), stand.entries()), ("creating", 1));
}
