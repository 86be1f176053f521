//! Ways to reach a server and to log in, and what is said when it does not work.

use cinder_db::{Connection, DatabaseOptions, DatabaseUrl, DbError, Fault, chain, list_services};

use crate::database::{Kind, TestDatabase};

on_every_server!(
    a_local_socket_is_used_when_the_url_names_one,
    a_wrong_password_is_refused_and_never_shown,
    nobody_behind_an_address_is_an_outage,
    any_character_can_stand_in_a_password,
    any_character_can_stand_in_the_name_of_a_database,
);

fn open(url: &str) -> Result<Connection, DbError> {
    Connection::open(&DatabaseOptions::new(DatabaseUrl::parse(url).unwrap()))
}

fn a_local_socket_is_used_when_the_url_names_one(database: &TestDatabase, _connection: Connection) {
    let url = match database.kind {
        Kind::Sqlite => panic!("SQLite is no server"),
        #[cfg(feature = "mysql")]
        Kind::Mysql => {
            let socket = database.rows("@@socket", "dual");
            format!("{}?unix_socket={socket}", database.url_with(""))
        }
        #[cfg(feature = "postgres")]
        Kind::Postgres => {
            let directories = "current_setting('unix_socket_directories')";
            let directory = database.rows(directories, "generate_series(1,1)");
            format!("{}?host={directory}&port={}", database.url_with(""), database.server().1)
        }
    };
    let mut connection = open(&url).unwrap();
    let peer = match database.kind {
        Kind::Sqlite => panic!("SQLite is no server"),
        #[cfg(feature = "mysql")]
        Kind::Mysql => {
            "information_schema.processlist WHERE db = database() AND host NOT LIKE '%:%' AND id <> connection_id()"
        }
        #[cfg(feature = "postgres")]
        Kind::Postgres => {
            "pg_stat_activity WHERE datname = current_database() AND client_addr IS NULL AND client_port = -1"
        }
    };
    list_services(&mut connection).unwrap();
    assert_eq!(database.rows("count(*)", peer), "1");
}

fn a_wrong_password_is_refused_and_never_shown(database: &TestDatabase, _connection: Connection) {
    let url = database.url_as(&format!("{}:s3cr%40t", user(database)));
    let error = open(&url).unwrap_err();
    assert_eq!(error.fault(), Some(Fault::Refused), "{}", chain(&error));
    assert!(!error.is_unavailable());
    let shown = format!("{} {error:?}", chain(&error));
    assert!(!shown.contains("s3cr"), "{shown}");
    assert!(shown.contains(":****@"), "{shown}");
}

fn user(database: &TestDatabase) -> String {
    format!("user_{}", database.name())
}

fn nobody_behind_an_address_is_an_outage(database: &TestDatabase, _connection: Connection) {
    for nobody in ["127.0.0.1:1", "host.invalid:1"] {
        let error = open(&database.url_with(nobody)).unwrap_err();
        assert_eq!(error.fault(), Some(Fault::Lost), "{}", chain(&error));
        assert!(error.is_unavailable());
    }
}

fn any_character_can_stand_in_a_password(database: &TestDatabase, _connection: Connection) {
    let user = user(database);
    let password = "p'@:/?#[]%\\\" ä+&=;";
    let literal = password.replace('\\', "\\\\").replace('\'', "''");
    let (create, drop) = match database.kind {
        Kind::Sqlite => panic!("SQLite has no users"),
        #[cfg(feature = "mysql")]
        Kind::Mysql => (
            format!(
                "CREATE USER {user} IDENTIFIED BY '{literal}'; GRANT ALL ON {}.* TO {user}",
                database.name()
            ),
            format!("DROP USER {user}"),
        ),
        #[cfg(feature = "postgres")]
        Kind::Postgres => {
            (format!("CREATE ROLE {user} LOGIN PASSWORD E'{literal}'"), format!("DROP ROLE {user}"))
        }
    };
    database.run(&create);
    let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let opened = open(&database.url_as(&format!("{user}:{encoded}")));
    database.run(&drop);
    opened.unwrap();
}

fn any_character_can_stand_in_the_name_of_a_database(
    database: &TestDatabase,
    _connection: Connection,
) {
    let name = format!("{} eu/'`\"\\%?#&ä", database.name());
    let quoted = match database.kind {
        Kind::Sqlite => panic!("SQLite has no names"),
        #[cfg(feature = "mysql")]
        Kind::Mysql => format!("`{}`", name.replace('`', "``")),
        #[cfg(feature = "postgres")]
        Kind::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
    };
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let url = database.url_for_database(&encoded);
    let absent = open(&url).unwrap_err();
    assert_eq!(absent.fault(), Some(Fault::Refused), "{}", chain(&absent));
    database.run(&format!("CREATE DATABASE {quoted}"));
    // Nothing of Cinder's is in it, which one has to be inside of it to know.
    let inside = open(&url).map(|mut connection| connection.check_schema());
    database.run(&format!("DROP DATABASE {quoted}"));
    assert!(matches!(inside.unwrap(), Err(DbError::SchemaMissing { .. })));
}
