//! The heartbeat against a real file that is locked, moved, emptied and damaged under it.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use cinder_db::{Beat, Heartbeat, HeartbeatPlan, Registered, register};
use diesel::connection::SimpleConnection;

use crate::{
    captured_log::CapturedLog,
    database::{LIMIT, TestDatabase, registration},
};

/// So long that only what happens at once happens in a test.
const NEVER: Duration = Duration::from_secs(3600);
const OFTEN: Duration = Duration::from_millis(10);

const AWAY: &str = "ERROR cinder.service: model server went away";
const BACK: &str = "ERROR cinder.service: Recovered model server connection!";
const NOT_READY: &str = "ERROR cinder.service: Manager for service cinder-volume n@b1 is reporting \
    problems, not sending heartbeat. Service will appear \"down\".";

/// A registered service with what its heartbeat says and writes.
struct Patient {
    database: TestDatabase,
    service: Registered,
    log: CapturedLog,
}

impl Patient {
    fn new() -> Self {
        let (database, mut connection) = TestDatabase::created();
        let service = register(&mut connection, &registration("n", None)).unwrap();
        Self { database, service, log: CapturedLog::default() }
    }

    fn plan(&self, interval: Duration) -> HeartbeatPlan {
        HeartbeatPlan {
            database: self.database.options.clone(),
            registration: registration("n", None),
            service: self.service.id,
            interval,
        }
    }

    fn start(
        &self,
        interval: Duration,
        ready: impl FnMut() -> bool + Send + 'static,
    ) -> (Heartbeat, Receiver<Beat>) {
        let (sender, beats) = mpsc::channel();
        let observe = move |beat: &Beat| drop(sender.send(beat.clone()));
        let start = || Heartbeat::start(self.plan(interval), ready, observe);
        (self.log.during(start).unwrap().unwrap(), beats)
    }

    fn count(&self) -> String {
        self.database.rows("report_count", "services WHERE deleted = 0")
    }
}

#[test]
fn the_first_beat_comes_at_once_and_corrects_the_zone() {
    let patient = Patient::new();
    patient.database.run("UPDATE services SET availability_zone = 'oldaz', report_count = 500");
    let (_heartbeat, beats) = patient.start(NEVER, || true);
    let beat = beats.recv_timeout(LIMIT).unwrap();
    assert_eq!((beat.service, beat.recreated), (patient.service.id, None));
    assert_eq!(
        patient.database.rows("report_count availability_zone updated_at", "services"),
        format!("501|nova|{}", beat.at)
    );
}

#[test]
fn beats_go_on_with_one_count_each() {
    let patient = Patient::new();
    let (heartbeat, beats) = patient.start(OFTEN, || true);
    for _ in 0..5 {
        beats.recv_timeout(LIMIT).unwrap();
    }
    heartbeat.stop();
    let beats = 5 + beats.try_iter().count();
    assert_eq!(patient.count(), beats.to_string());
    assert_eq!(patient.log.lines(), [""; 0]);
}

#[test]
fn without_a_driver_nothing_is_written_and_every_tick_says_so() {
    let patient = Patient::new();
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
    let patient = Patient::new();
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
fn a_vanished_row_is_recreated_with_a_new_uuid_and_gets_the_volumes() {
    for vanish in ["DELETE FROM services", "UPDATE services SET deleted = 1"] {
        let patient = Patient::new();
        let (_heartbeat, beats) = patient.start(OFTEN, || true);
        beats.recv_timeout(LIMIT).unwrap();
        patient.database.run(&format!(
            "BEGIN; INSERT INTO volumes (id, host, service_uuid, deleted, volume_type_id)
             VALUES ('v', 'n@b1#p', '{}', 0, 't'); {vanish}; COMMIT",
            patient.service.uuid
        ));
        let beat = beats.iter().find(|beat| beat.recreated.is_some()).unwrap();
        let uuid = beat.recreated.unwrap();
        assert_ne!(uuid, patient.service.uuid);
        assert_eq!(
            patient
                .database
                .rows("id uuid report_count>0 replication_status", "services WHERE deleted = 0"),
            format!("{}|{uuid}|1|not-capable", beat.service)
        );
        assert_eq!(patient.database.rows("service_uuid", "volumes"), uuid.as_str());
        assert_eq!(
            patient.log.lines(),
            ["DEBUG cinder.service: The service database object disappeared, recreating it."]
        );
        assert_eq!(beats.recv_timeout(LIMIT).unwrap().recreated, None);
    }
}

#[test]
fn a_locked_database_is_reported_once_and_its_return_too() {
    let mut patient = Patient::new();
    patient.database.options.busy_timeout = Duration::from_millis(1);
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
    let patient = Patient::new();
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
    let patient = Patient::new();
    let (heartbeat, beats) = patient.start(OFTEN, || true);
    beats.recv_timeout(LIMIT).unwrap();
    fs::remove_file(patient.database.file()).unwrap();
    patient.log.wait_for(AWAY, 1, LIMIT);
    heartbeat.stop();
    assert!(!patient.database.file().exists());
}

#[test]
fn a_database_that_refuses_is_another_error_and_survived_too() {
    let patient = Patient::new();
    let (_heartbeat, beats) = patient.start(OFTEN, || true);
    beats.recv_timeout(LIMIT).unwrap();
    patient.database.run("ALTER TABLE services RENAME TO aside");
    let refused = "ERROR cinder.service: DBError encountered:  \
                   (database query failed: no such table: services)";
    patient.log.wait_for(refused, 1, LIMIT);
    patient.database.run("ALTER TABLE aside RENAME TO services");
    patient.log.wait_for(BACK, 1, LIMIT);
    assert_eq!(patient.log.lines().len(), 2, "{:?}", patient.log.lines());
}

#[test]
fn a_panic_of_foreign_code_ends_one_tick_only() {
    let patient = Patient::new();
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
    let patient = Patient::new();
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
    let patient = Patient::new();
    let heartbeat = Heartbeat::start(patient.plan(Duration::ZERO), || true, |_| {}).unwrap();
    assert!(heartbeat.is_none());
    assert_eq!(patient.count(), "0");
}
