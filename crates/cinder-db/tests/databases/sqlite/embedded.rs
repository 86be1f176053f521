//! Creating the file: whole or not at all, once, and never over something that exists.

use std::{fs, path::Path, sync::Barrier, thread};

use cinder_db::{
    Connection, DatabaseOptions, DatabaseUrl, DbError, chain, create, open_or_create, register,
};

use crate::{
    captured_log::CapturedLog,
    database::{TestDatabase, registration},
};

#[test]
fn a_missing_file_is_created_with_its_directories_and_said_so_once() {
    let database = TestDatabase::absent();
    let log = CapturedLog::default();
    log.during(|| open_or_create(&database.options).unwrap().close());
    log.during(|| open_or_create(&database.options).unwrap().close());
    let line = format!(
        "INFO cinder.db: Created database {} with schema 9c74c1c6971f of release 29.0.0",
        database.file().display()
    );
    assert_eq!(log.lines(), [line]);
    assert_eq!(names(&database.parent()), ["cinder.sqlite"]);
}

#[test]
fn a_created_file_is_not_readable_by_everybody() {
    use std::os::unix::fs::PermissionsExt as _;
    let (database, _connection) = TestDatabase::created();
    assert_eq!(fs::metadata(database.file()).unwrap().permissions().mode() & 0o007, 0);
}

#[test]
fn a_created_file_has_a_write_ahead_log() {
    let (database, _connection) = TestDatabase::created();
    assert_eq!(database.rows("journal_mode", "pragma_journal_mode"), "wal");
}

#[test]
fn of_many_creators_one_wins_and_all_work_on_its_file() {
    const CREATORS: usize = 16;
    let database = TestDatabase::absent();
    let start = Barrier::new(CREATORS);
    let wins: usize = thread::scope(|scope| {
        let creators: Vec<_> = (0..CREATORS)
            .map(|number| {
                let (database, start) = (&database, &start);
                scope.spawn(move || {
                    start.wait();
                    let won = create(&database.options.url).unwrap();
                    let mut connection = open_or_create(&database.options).unwrap();
                    register(&mut connection, &registration(&format!("n{number}"), None)).unwrap();
                    usize::from(won)
                })
            })
            .collect();
        creators.into_iter().map(|creator| creator.join().unwrap()).sum()
    });
    assert_eq!(wins, 1);
    assert_eq!(database.rows("count(*) count(DISTINCT(uuid))", "services"), "16|16");
    assert_eq!(names(&database.parent()), ["cinder.sqlite"]);
}

#[test]
fn an_existing_file_is_left_byte_for_byte() {
    let database = TestDatabase::absent();
    fs::create_dir_all(database.parent()).unwrap();
    fs::write(database.file(), "precious").unwrap();
    assert!(!create(&database.options.url).unwrap());
    let error = open_or_create(&database.options).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} is not a SQLite database", database.file().display())
    );
    assert!(!error.is_unavailable());
    assert_eq!(fs::read_to_string(database.file()).unwrap(), "precious");
}

#[test]
fn an_empty_file_is_a_database_without_a_schema() {
    let database = TestDatabase::absent();
    fs::create_dir_all(database.parent()).unwrap();
    fs::write(database.file(), "").unwrap();
    let error = open_or_create(&database.options).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "database {} lacks Cinder's tables; this release needs schema 9c74c1c6971f, which \
             \"cinder-manage db sync\" of release 29.0.0 makes",
            database.options.url
        )
    );
    assert_eq!(fs::metadata(database.file()).unwrap().len(), 0);
}

#[test]
fn an_earlier_release_s_schema_is_refused_by_name_and_left_alone() {
    let (database, connection) = TestDatabase::created();
    connection.close();
    database.run(
        "PRAGMA journal_mode = DELETE; UPDATE alembic_version SET version_num = 'b7b88f50aab5'",
    );
    let before = fs::read(database.file()).unwrap();
    let error = open_or_create(&database.options).unwrap_err();
    assert!(matches!(&error, DbError::SchemaVersion { found, .. } if found == "b7b88f50aab5"));
    assert_eq!(
        error.to_string(),
        format!(
            "database {} has schema b7b88f50aab5; this release needs schema 9c74c1c6971f, which \
             \"cinder-manage db sync\" of release 29.0.0 makes",
            database.options.url
        )
    );
    assert!(!error.is_unavailable());
    assert_eq!(fs::read(database.file()).unwrap(), before);
}

#[test]
fn what_is_missing_is_named() {
    for (damage, missing) in [
        ("DROP TABLE services", "lacks table services;"),
        (
            "DROP TABLE clusters; DROP TABLE alembic_version",
            "lacks table alembic_version, clusters;",
        ),
        ("DELETE FROM alembic_version", "lacks a row in table alembic_version;"),
        ("ALTER TABLE volumes DROP COLUMN display_name", "lacks column volumes.display_name;"),
        (
            "ALTER TABLE volumes DROP COLUMN ec2_id; DROP TABLE quotas",
            "lacks table quotas and column volumes.ec2_id;",
        ),
        (
            "UPDATE alembic_version SET version_num = 'ffffffffffff'; DROP TABLE quotas",
            "lacks table quotas (its schema ffffffffffff is not known here);",
        ),
        (
            "UPDATE alembic_version SET version_num = '921e1a36b076'; DROP TABLE quotas",
            "has schema 921e1a36b076 and lacks table quotas;",
        ),
    ] {
        let (database, mut connection) = TestDatabase::created();
        connection.check_schema().unwrap();
        database.run(damage);
        let error = connection.check_schema().unwrap_err().to_string();
        assert!(error.contains(missing), "{damage}: {error}");
    }
}

/// A database of somebody else may lack hundreds of names.
#[test]
fn of_many_missing_names_the_first_are_told() {
    let (database, mut connection) = TestDatabase::created();
    let mut tables = database.raw().lines(&["name"], "sqlite_master WHERE type = 'table'");
    tables.retain(|table| table != "alembic_version" && table != "sqlite_sequence");
    let drops: Vec<_> = tables.iter().map(|table| format!("DROP TABLE {table}")).collect();
    database.run(&drops.join("; "));
    let error = connection.check_schema().unwrap_err().to_string();
    let missing = "lacks table services, clusters, workers, quality_of_service_specs, volume_types, \
                   volume_type_extra_specs, volume_type_projects, default_volume_types and 24 more;";
    assert!(error.contains(missing), "{error}");
}

/// What nobody uses may be missing: later releases drop tables, too.
#[test]
fn what_is_not_used_may_be_missing_and_what_is_not_known_may_be_there() {
    let (database, mut connection) = TestDatabase::created();
    database.run(
        "DROP TABLE driver_initiator_data; CREATE TABLE later (id INTEGER PRIMARY KEY);
         ALTER TABLE volumes ADD COLUMN later INTEGER",
    );
    let log = CapturedLog::default();
    log.during(|| connection.check_schema()).unwrap();
    assert_eq!(log.lines(), [""; 0]);
    database.run("UPDATE alembic_version SET version_num = 'ffffffffffff'");
    log.during(|| connection.check_schema()).unwrap();
    let lines = log.lines();
    assert!(lines.len() == 1 && lines[0].starts_with("WARN cinder.db: "), "{lines:?}");
    assert!(lines[0].contains("has schema ffffffffffff, which this release"), "{lines:?}");
}

#[test]
fn a_directory_in_the_file_s_place_is_named() {
    let database = TestDatabase::absent();
    fs::create_dir_all(database.file()).unwrap();
    let error = open_or_create(&database.options).unwrap_err();
    assert!(!error.is_unavailable());
    assert_eq!(
        chain(&error),
        format!(
            "cannot create database file {}: opening it as a file failed: is a directory",
            database.file().display()
        )
    );
}

#[test]
fn a_place_that_takes_no_file_is_named() {
    let database = TestDatabase::absent();
    fs::write(database.directory().join("state"), "a file, not a directory").unwrap();
    let error = open_or_create(&database.options).unwrap_err();
    assert!(matches!(&error, DbError::Create { .. }), "{error:?}");
    assert!(!error.is_unavailable());
}

/// `/proc` refuses files even to root, as a read-only file system does.
#[test]
fn a_directory_that_takes_no_file_is_named() {
    let url = DatabaseUrl::parse("sqlite:////proc/cinder.sqlite").unwrap();
    let error = open_or_create(&DatabaseOptions::new(url)).unwrap_err();
    let text = chain(&error);
    assert!(
        text.starts_with(
            "cannot create database file /proc/cinder.sqlite: writing to its directory failed: "
        ),
        "{text}"
    );
}

#[test]
fn opening_does_not_create() {
    let database = TestDatabase::absent();
    fs::create_dir_all(database.parent()).unwrap();
    let error = Connection::open(&database.options).unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    assert_eq!(names(&database.parent()), [""; 0]);
}

/// What lies in a directory, apart from a live database's companions.
fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    names.sort();
    names
}
