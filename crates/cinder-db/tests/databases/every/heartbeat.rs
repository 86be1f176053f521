//! What a beat writes, and what becomes of a row that is not there.

use cinder_db::Connection;

use crate::{
    database::{Kind, LIMIT, TestDatabase},
    patient::{BACK, NEVER, OFTEN, Patient},
};

on_every_database!(
    the_first_beat_comes_at_once_and_corrects_the_zone,
    beats_go_on_with_one_count_each,
    a_deleted_row_is_recreated_with_a_new_uuid_and_gets_the_volumes,
    a_soft_deleted_row_is_recreated_too,
    a_row_that_is_anothers_by_now_gets_no_beat,
    a_database_that_refuses_is_another_error_and_survived_too,
);

fn the_first_beat_comes_at_once_and_corrects_the_zone(
    database: &TestDatabase,
    connection: Connection,
) {
    let patient = Patient::new(database, connection);
    patient.database.run("UPDATE services SET availability_zone = 'oldaz', report_count = 500");
    let (_heartbeat, beats) = patient.start(NEVER, || true);
    let beat = beats.recv_timeout(LIMIT).unwrap();
    assert_eq!((beat.service, beat.recreated), (patient.service.id, None));
    assert_eq!(patient.database.rows("report_count availability_zone", "services"), "501|nova");
    // Of the fraction MySQL keeps nothing and PostgreSQL shows no zeros at the end.
    let written = patient.database.rows("updated_at", "services");
    assert!(written.len() >= 19 && beat.at.to_string().starts_with(&written), "{written}");
}

fn beats_go_on_with_one_count_each(database: &TestDatabase, connection: Connection) {
    let patient = Patient::new(database, connection);
    let (heartbeat, beats) = patient.start(OFTEN, || true);
    for _ in 0..5 {
        beats.recv_timeout(LIMIT).unwrap();
    }
    heartbeat.stop();
    let beats = 5 + beats.try_iter().count();
    assert_eq!(patient.count(), beats.to_string());
    assert_eq!(patient.log.lines(), [""; 0]);
}

fn a_deleted_row_is_recreated_with_a_new_uuid_and_gets_the_volumes(
    database: &TestDatabase,
    connection: Connection,
) {
    recreated_after("DELETE FROM services", database, connection);
}

fn a_soft_deleted_row_is_recreated_too(database: &TestDatabase, connection: Connection) {
    recreated_after("UPDATE services SET deleted = true", database, connection);
}

/// SQLite gives the number of the last row, once that is gone, to whoever registers next.
fn a_row_that_is_anothers_by_now_gets_no_beat(database: &TestDatabase, connection: Connection) {
    let patient = Patient::new(database, connection);
    patient.database.run("UPDATE services SET host = 'n@other', report_count = 7");
    let (_heartbeat, beats) = patient.start(NEVER, || true);
    let beat = beats.recv_timeout(LIMIT).unwrap();
    assert!(beat.recreated.is_some() && beat.service != patient.service.id, "{beat:?}");
    let rows = database.rows("host report_count", "services ORDER BY id");
    assert_eq!(rows, "n@other|7\nn@b1|1");
}

fn recreated_after(vanish: &str, database: &TestDatabase, connection: Connection) {
    let patient = Patient::new(database, connection);
    let (_heartbeat, beats) = patient.start(OFTEN, || true);
    beats.recv_timeout(LIMIT).unwrap();
    database.run(&format!(
        "BEGIN; INSERT INTO volumes (id, host, service_uuid, deleted, volume_type_id)
         VALUES ('v', 'n@b1#p', '{}', false, 't'); {vanish}; COMMIT",
        patient.service.uuid
    ));
    let beat = beats.iter().find(|beat| beat.recreated.is_some()).unwrap();
    let uuid = beat.recreated.unwrap();
    assert_ne!(uuid, patient.service.uuid);
    assert_eq!(
        database
            .rows("id uuid report_count>0 replication_status", "services WHERE deleted = false"),
        format!("{}|{uuid}|1|not-capable", beat.service)
    );
    assert_eq!(database.rows("service_uuid", "volumes"), uuid.as_str());
    assert_eq!(
        patient.log.lines(),
        ["DEBUG cinder.service: The service database object disappeared, recreating it."]
    );
    assert_eq!(beats.recv_timeout(LIMIT).unwrap().recreated, None);
}

fn a_database_that_refuses_is_another_error_and_survived_too(
    database: &TestDatabase,
    connection: Connection,
) {
    let patient = Patient::new(database, connection);
    let (_heartbeat, beats) = patient.start(OFTEN, || true);
    beats.recv_timeout(LIMIT).unwrap();
    database.run("ALTER TABLE services RENAME TO aside");
    patient.log.wait_for("ERROR cinder.service: DBError encountered: ", 1, LIMIT);
    database.run("ALTER TABLE aside RENAME TO services");
    patient.log.wait_for(BACK, 1, LIMIT);
    let lines = patient.log.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let words = match database.kind {
        Kind::Sqlite => "database query failed: no such table: services",
        #[cfg(feature = "mysql")]
        Kind::Mysql => "services' doesn't exist",
        #[cfg(feature = "postgres")]
        Kind::Postgres => "relation \"services\" does not exist",
    };
    assert!(lines[0].contains(words), "{lines:?}");
}
