//! The heartbeat against a real file that is locked, moved and removed under it.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use cinder_db::{Beat, Heartbeat, Pulse};
use diesel::connection::SimpleConnection;

use crate::{
    database::{LIMIT, TestDatabase},
    patient::{AWAY, BACK, NEVER, NOT_READY, OFTEN, Patient},
};

#[test]
fn without_a_driver_nothing_is_written_and_every_tick_says_so() {
    let (database, connection) = TestDatabase::created();
    let patient = Patient::new(&database, connection);
    let before = patient.database.rows("updated_at", "services");
    let (heartbeat, beats) = patient.start(OFTEN, || false);
    patient.log.wait_for(NOT_READY, 3, LIMIT);
    heartbeat.stop();
    assert_eq!(beats.try_iter().count(), 0);
    assert_eq!(patient.database.rows("updated_at", "services"), before);
    assert_eq!(patient.log.lines().len(), patient.log.count(NOT_READY));
}

#[test]
fn a_driver_that_becomes_ready_beats_at_once_without_a_complaint_before() {
    let (database, connection) = TestDatabase::created();
    let patient = Patient::new(&database, connection);
    let ready = Arc::new(AtomicBool::new(false));
    let (asked, asks) = mpsc::channel();
    let probe = {
        let ready = Arc::clone(&ready);
        move || {
            asked.send(()).unwrap();
            ready.load(SeqCst)
        }
    };
    let (heartbeat, beats) = patient.start(NEVER, probe);
    asks.recv_timeout(LIMIT).unwrap();
    ready.store(true, SeqCst);
    heartbeat.driver_became_ready();
    beats.recv_timeout(LIMIT).unwrap();
    // A second hint does not make a second beat: the next one is an interval away.
    heartbeat.driver_became_ready();
    heartbeat.stop();
    assert_eq!(patient.count(), "1");
    assert_eq!(patient.log.lines(), [""; 0]);
}

#[test]
fn a_locked_database_is_reported_once_and_its_return_too() {
    let (database, connection) = TestDatabase::created();
    let mut patient = Patient::new(&database, connection);
    patient.options.busy_timeout = Duration::from_millis(1);
    let (asked, ticks) = mpsc::channel();
    let (_heartbeat, beats) = patient.start(OFTEN, move || asked.send(()).is_ok());
    beats.recv_timeout(LIMIT).unwrap();
    let mut other = patient.database.raw();
    for round in 1..=2 {
        other.batch_execute("BEGIN EXCLUSIVE").unwrap();
        patient.log.wait_for(AWAY, round, LIMIT);
        beats.try_iter().for_each(drop);
        ticks.try_iter().for_each(drop);
        for _ in 0..5 {
            ticks.recv_timeout(LIMIT).unwrap();
        }
        assert_eq!(beats.try_iter().count(), 0, "beat through a lock");
        other.batch_execute("COMMIT").unwrap();
        beats.recv_timeout(LIMIT).unwrap();
        assert_eq!((patient.log.count(AWAY), patient.log.count(BACK)), (round, round));
    }
    assert_eq!(
        patient.log.lines()[..2],
        [format!("{AWAY} (database query failed: database is locked)"), BACK.into()]
    );
}

#[test]
fn a_directory_that_goes_away_and_comes_back_is_survived() {
    let (database, connection) = TestDatabase::created();
    let patient = Patient::new(&database, connection);
    let (_heartbeat, beats) = patient.start(OFTEN, || true);
    beats.recv_timeout(LIMIT).unwrap();
    let aside = patient.database.directory().join("aside");
    fs::rename(patient.database.parent(), &aside).unwrap();
    patient.log.wait_for(AWAY, 1, LIMIT);
    assert!(!patient.database.parent().exists(), "the heartbeat made a directory");
    fs::rename(&aside, patient.database.parent()).unwrap();
    patient.log.wait_for(BACK, 1, LIMIT);
    assert_eq!(patient.log.lines().len(), 2, "{:?}", patient.log.lines());
}

#[test]
fn a_deleted_file_is_noticed_and_never_recreated() {
    let (database, connection) = TestDatabase::created();
    let patient = Patient::new(&database, connection);
    let (heartbeat, beats) = patient.start(OFTEN, || true);
    beats.recv_timeout(LIMIT).unwrap();
    fs::remove_file(patient.database.file()).unwrap();
    patient.log.wait_for(AWAY, 1, LIMIT);
    heartbeat.stop();
    assert!(!patient.database.file().exists());
}

#[test]
fn a_panic_of_foreign_code_ends_one_tick_only() {
    let (database, connection) = TestDatabase::created();
    let patient = Patient::new(&database, connection);
    let calls = AtomicUsize::new(0);
    let probe = move || {
        assert!(calls.fetch_add(1, SeqCst) != 1, "driver lost its mind");
        true
    };
    let (_heartbeat, beats) = patient.start(OFTEN, probe);
    for _ in 0..2 {
        beats.recv_timeout(LIMIT).unwrap();
    }
    let log = patient.log.lines();
    assert_eq!(log[0], "ERROR cinder.service: Exception encountered:  (driver lost its mind)");
    assert_eq!(log[1..3], [NOT_READY, BACK]);
}

#[test]
fn a_stop_interrupts_sleep_and_waits_for_a_beat_in_progress() {
    let (database, connection) = TestDatabase::created();
    let patient = Patient::new(&database, connection);
    let (entered, entries) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let finished = Arc::new(AtomicBool::new(false));
    let observe = {
        let finished = Arc::clone(&finished);
        move |_: &Beat| {
            entered.send(()).unwrap();
            released.recv_timeout(LIMIT).unwrap();
            finished.store(true, SeqCst);
        }
    };
    let heartbeat = Heartbeat::start(patient.plan(NEVER), || true, observe).unwrap().unwrap();
    entries.recv_timeout(LIMIT).unwrap();
    let stopper = {
        let finished = Arc::clone(&finished);
        thread::spawn(move || {
            heartbeat.stop();
            finished.load(SeqCst)
        })
    };
    release.send(()).unwrap();
    assert!(stopper.join().unwrap(), "stopped in the middle of a beat");
}

#[test]
fn an_interval_of_zero_means_no_heartbeat() {
    let (database, connection) = TestDatabase::created();
    let patient = Patient::new(&database, connection);
    let heartbeat = Heartbeat::start(patient.plan(Duration::ZERO), || true, |_| {}).unwrap();
    assert!(heartbeat.is_none());
    assert_eq!(patient.count(), "0");
}

#[test]
fn every_try_to_beat_is_told_with_its_time_failures_too() {
    let (database, connection) = TestDatabase::created();
    let patient = Patient::new(&database, connection);
    let (tell, told) = mpsc::channel();
    let observe = move |pulse: &Pulse<'_>| {
        let _ = tell.send((pulse.result.is_ok(), pulse.took));
    };
    let plan = patient.plan(OFTEN);
    let start = || Heartbeat::start_on(plan.connect().unwrap(), plan.clone(), || true, observe);
    let _heartbeat = patient.log.during(start).unwrap().unwrap();
    let (good, took) = told.recv_timeout(LIMIT).unwrap();
    assert!(good && took > Duration::ZERO);
    fs::remove_file(patient.database.file()).unwrap();
    while told.recv_timeout(LIMIT).unwrap().0 {}
}

#[test]
fn a_stop_waits_no_longer_than_it_is_told_and_may_be_asked_again() {
    let (database, connection) = TestDatabase::created();
    let patient = Patient::new(&database, connection);
    let (asked, asks) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    // A probe that blocks stands for whatever an observer may wait for.
    let probe = move || {
        asked.send(()).unwrap();
        goes_on.recv().is_err()
    };
    let (heartbeat, _) = patient.start(NEVER, probe);
    asks.recv_timeout(LIMIT).unwrap();
    assert!(!heartbeat.stops_within(Duration::from_millis(50)));
    drop(go_on);
    assert!(heartbeat.stops_within(LIMIT));
    assert!(heartbeat.stops_within(Duration::ZERO), "it stays ended");
}
