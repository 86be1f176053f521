//! Sessions that end, networks that fall silent, limits that are reached.

use std::{net::ToSocketAddrs, time::Duration};

use cinder_db::{Connection, DatabaseOptions, DatabaseUrl, Fault, Pool, chain, list_services};
use diesel::connection::SimpleConnection;

use super::proxy::Proxy;
use crate::{
    database::{Kind, LIMIT, TestDatabase},
    patient::{AWAY, BACK, OFTEN, Patient},
};

on_every_server!(
    a_silent_connection_is_noticed_in_time_and_replaced,
    a_session_that_was_ended_is_replaced_without_a_word,
    a_pool_does_not_lend_a_connection_that_died,
    too_many_connections_are_told_apart,
    a_missing_database_is_no_outage,
);

/// The database through a proxy.
pub fn through_proxy(database: &TestDatabase) -> (Proxy, DatabaseOptions) {
    let (host, port) = database.server();
    let proxy = Proxy::before((host.as_str(), port).to_socket_addrs().unwrap().next().unwrap());
    let url = database.url_with(&proxy.address().to_string());
    (proxy, DatabaseOptions { url: DatabaseUrl::parse(&url).unwrap(), ..database.options.clone() })
}

/// Ends every session of this database but the one that does it.
fn end_sessions(database: &TestDatabase) {
    let mut raw = database.raw();
    match database.kind {
        Kind::Sqlite => panic!("SQLite has no sessions"),
        #[cfg(feature = "mysql")]
        Kind::Mysql => {
            let others =
                "information_schema.processlist WHERE db = database() AND id <> connection_id()";
            for id in raw.lines(&["id"], others) {
                // It may have ended by itself.
                let _ = raw.batch_execute(&format!("KILL {id}"));
            }
        }
        #[cfg(feature = "postgres")]
        Kind::Postgres => {
            let others =
                "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
            raw.lines(&["pg_terminate_backend(pid)"], others);
        }
    }
}

fn a_silent_connection_is_noticed_in_time_and_replaced(
    database: &TestDatabase,
    connection: Connection,
) {
    let (proxy, options) = through_proxy(database);
    let mut patient = Patient::new(database, connection);
    patient.options = DatabaseOptions {
        connect_timeout: Duration::from_secs(2),
        statement_timeout: Some(Duration::from_secs(1)),
        ..options
    };
    let (_heartbeat, beats) = patient.start(OFTEN, || true);
    beats.recv_timeout(LIMIT).unwrap();
    proxy.fall_silent();
    patient.log.wait_for(AWAY, 1, LIMIT);
    let line = patient.log.lines().remove(0);
    assert!(line.ends_with("(the database server has not answered within 3 s)"), "{line}");
    // Connecting has a limit of its own, so that no further thread is left behind.
    let made = proxy.made();
    crate::database::wait("another attempt", || proxy.made() > made + 1);
    proxy.heal();
    patient.log.wait_for(BACK, 1, LIMIT);
    assert_eq!(patient.log.lines().len(), 2, "{:?}", patient.log.lines());
}

fn a_session_that_was_ended_is_replaced_without_a_word(
    database: &TestDatabase,
    connection: Connection,
) {
    let patient = Patient::new(database, connection);
    let (_heartbeat, beats) = patient.start(OFTEN, || true);
    for _ in 0..3 {
        beats.recv_timeout(LIMIT).unwrap();
        end_sessions(database);
        beats.try_iter().for_each(drop);
        beats.recv_timeout(LIMIT).unwrap();
    }
    assert_eq!(patient.log.lines(), [""; 0]);
}

fn a_pool_does_not_lend_a_connection_that_died(database: &TestDatabase, connection: Connection) {
    connection.close();
    let pool = Pool::new(database.options.clone());
    list_services(&mut pool.get().unwrap()).unwrap();
    end_sessions(database);
    list_services(&mut pool.get().unwrap()).unwrap();
    // One that dies in use is not taken back.
    let mut lent = pool.get().unwrap();
    end_sessions(database);
    let error = list_services(&mut lent).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Lost), "{}", chain(&error));
    drop(lent);
    list_services(&mut pool.get().unwrap()).unwrap();
}

fn too_many_connections_are_told_apart(database: &TestDatabase, _connection: Connection) {
    let user = format!("limited_{}", database.name());
    let (create, drop) = match database.kind {
        Kind::Sqlite => panic!("SQLite has no users"),
        #[cfg(feature = "mysql")]
        Kind::Mysql => (
            format!(
                "CREATE USER {user} IDENTIFIED BY 's3cret' WITH MAX_USER_CONNECTIONS 1;
                 GRANT ALL ON {}.* TO {user}",
                database.name()
            ),
            format!("DROP USER {user}"),
        ),
        #[cfg(feature = "postgres")]
        Kind::Postgres => (
            format!("CREATE ROLE {user} LOGIN PASSWORD 's3cret' CONNECTION LIMIT 1"),
            format!("DROP ROLE {user}"),
        ),
    };
    database.run(&create);
    let url = database.url_as(&format!("{user}:s3cret"));
    let options = DatabaseOptions::new(DatabaseUrl::parse(&url).unwrap());
    let one = Connection::open(&options).unwrap();
    let error = Connection::open(&options).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::TooManyConnections), "{}", chain(&error));
    assert!(error.is_unavailable());
    one.close();
    crate::database::wait("the place to be free", || Connection::open(&options).is_ok());
    database.run(&drop);
}

fn a_missing_database_is_no_outage(database: &TestDatabase, _connection: Connection) {
    let url = database.url_for_database("cinder_test_that_is_not_there");
    let options = DatabaseOptions::new(DatabaseUrl::parse(&url).unwrap());
    let error = Connection::open(&options).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Refused), "{}", chain(&error));
}
