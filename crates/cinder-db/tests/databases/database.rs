//! A database for one test, looked at and changed behind the crate's back.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use cinder_db::{Connection, DatabaseOptions, DatabaseUrl, Registration, open_or_create};
use cinder_types::{ClusterName, ServiceHost};
use diesel::{Connection as _, connection::SimpleConnection, sqlite::SqliteConnection};

use crate::raw::Raw;
#[cfg(any(feature = "mysql", feature = "postgres"))]
use crate::server::Lent;

/// How long a state may take to come about; generous, because only a failure waits for it.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    #[cfg(feature = "mysql")]
    Mysql,
    #[cfg(feature = "postgres")]
    Postgres,
}

/// What is peculiar about the database that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variation {
    /// Nothing: this release's schema, and a session of one's own.
    Plain,
    /// A later release has run its additive migrations: every table has more columns, and the
    /// revision is one that we do not know.
    Later,
    /// Behind a pooler that hands sessions round per transaction.
    #[cfg(feature = "postgres")]
    Pooled,
}

/// What a later release says of itself.
pub const LATER: &str = "UPDATE alembic_version SET version_num = 'ffffffffffff'";

const TABLES_OF_SQLITE: &str = "sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";

/// The statements that make a database of these tables one of a later release.
pub fn later<T: AsRef<str>>(tables: &[T]) -> String {
    let tables = tables.iter().map(AsRef::as_ref).filter(|table| *table != "alembic_version");
    let add = |table| {
        format!(
            "ALTER TABLE \"{table}\" ADD COLUMN a_later_note VARCHAR(10) NULL;
             ALTER TABLE \"{table}\" ADD COLUMN a_later_flag INTEGER NOT NULL DEFAULT 7; "
        )
    };
    format!("{}{LATER}", tables.map(add).collect::<String>())
}

pub struct TestDatabase {
    pub options: DatabaseOptions,
    pub kind: Kind,
    home: Home,
}

enum Home {
    Directory(tempfile::TempDir),
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    Server(Lent),
}

impl TestDatabase {
    /// The name of a SQLite file in a fresh directory, without a file.
    pub fn absent() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite_file(directory.path().join("state/cinder.sqlite")).unwrap();
        let options = DatabaseOptions::new(url);
        Self { options, kind: Kind::Sqlite, home: Home::Directory(directory) }
    }

    /// A SQLite file with the schema, and a connection to it.
    pub fn created() -> (Self, Connection) {
        let database = Self::absent();
        let connection = open_or_create(&database.options).unwrap();
        (database, connection)
    }

    /// A database of that kind with the schema, and a connection to it; `None` where the tests
    /// have not been told of a server.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub fn of(kind: Kind) -> Option<(Self, Connection)> {
        Self::varied(kind, Variation::Plain)
    }

    /// The same with a peculiarity.
    pub fn varied(kind: Kind, variation: Variation) -> Option<(Self, Connection)> {
        match kind {
            Kind::Sqlite => {
                let (database, connection) = Self::created();
                if variation == Variation::Later {
                    let tables = database.raw().lines(&["name"], TABLES_OF_SQLITE);
                    database.run(&format!("BEGIN; {}; COMMIT", later(&tables)));
                }
                Some((database, connection))
            }
            #[cfg(any(feature = "mysql", feature = "postgres"))]
            server => {
                let lent = Lent::of(server, variation)?;
                let options = DatabaseOptions::new(DatabaseUrl::parse(lent.url()).unwrap());
                let database = Self { options, kind, home: Home::Server(lent) };
                let connection = open_or_create(&database.options).unwrap();
                Some((database, connection))
            }
        }
    }

    pub fn directory(&self) -> &Path {
        match &self.home {
            Home::Directory(directory) => directory.path(),
            #[cfg(any(feature = "mysql", feature = "postgres"))]
            Home::Server(_) => panic!("a server's database has no directory of ours"),
        }
    }

    pub fn file(&self) -> &Path {
        self.options.url.file().unwrap()
    }

    pub fn parent(&self) -> PathBuf {
        self.file().parent().unwrap().to_owned()
    }

    /// A connection that bypasses the crate.
    pub fn raw(&self) -> Raw {
        match &self.home {
            #[cfg(any(feature = "mysql", feature = "postgres"))]
            Home::Server(lent) => lent.raw(),
            Home::Directory(_) => {
                let mut raw = SqliteConnection::establish(self.file().to_str().unwrap()).unwrap();
                raw.batch_execute("PRAGMA busy_timeout = 20000; PRAGMA foreign_keys = OFF;")
                    .unwrap();
                Raw::Sqlite(raw)
            }
        }
    }

    pub fn run(&self, sql: &str) {
        self.raw().batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// One row per line, its columns as text with a bar between them.
    ///
    /// `columns` are separated by blanks, so that none may hold one. Truth is 1 and 0.
    pub fn rows(&self, columns: &str, rest: &str) -> String {
        let columns: Vec<_> = columns.split_whitespace().collect();
        self.raw().lines(&columns, rest).join("\n")
    }
}

impl TestDatabase {
    /// Makes every UPDATE of a table fail with the text `no`; returns what ends that.
    pub fn refuse_updates_of(&self, table: &str) -> &'static str {
        match self.kind {
            Kind::Sqlite => {
                self.run(&format!(
                    "CREATE TRIGGER refuse BEFORE UPDATE ON {table}
                     BEGIN SELECT RAISE(ABORT, 'no'); END;"
                ));
                "DROP TRIGGER refuse"
            }
            #[cfg(feature = "mysql")]
            Kind::Mysql => {
                self.run(&format!(
                    "CREATE TRIGGER refuse BEFORE UPDATE ON {table} FOR EACH ROW
                     SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no';"
                ));
                "DROP TRIGGER refuse"
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres => {
                self.run(&format!(
                    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
                     AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
                     CREATE TRIGGER refuse BEFORE UPDATE ON {table}
                     FOR EACH ROW EXECUTE FUNCTION refuse();"
                ));
                "DROP FUNCTION refuse CASCADE"
            }
        }
    }
}

/// Waits until `done`, up to [`LIMIT`].
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + LIMIT;
    while !done() {
        assert!(std::time::Instant::now() < deadline, "waited {LIMIT:?} for {what}");
        std::thread::yield_now();
    }
}

/// Where the database is, as parts of a URL.
#[cfg(any(feature = "mysql", feature = "postgres"))]
impl TestDatabase {
    fn lent(&self) -> &Lent {
        match &self.home {
            Home::Server(lent) => lent,
            Home::Directory(_) => panic!("a file is no server"),
        }
    }

    pub fn name(&self) -> &str {
        self.lent().name()
    }

    /// Ends the sessions of this database whose statement begins so.
    pub fn end_sessions_that_run(&self, begin: &str) {
        let mut raw = self.raw();
        match self.kind {
            Kind::Sqlite => panic!("SQLite has no sessions"),
            #[cfg(feature = "mysql")]
            Kind::Mysql => {
                let begin = begin.replace('"', "`");
                let those = format!(
                    "information_schema.processlist WHERE db = database() AND info LIKE '{begin}%'"
                );
                for id in raw.lines(&["id"], &those) {
                    raw.batch_execute(&format!("KILL {id}")).unwrap();
                }
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres => {
                let those = format!(
                    "pg_stat_activity WHERE datname = current_database() AND query LIKE '{begin}%'"
                );
                raw.lines(&["pg_terminate_backend(pid)"], &those);
            }
        }
    }

    /// Host and port.
    pub fn server(&self) -> (String, u16) {
        let (_, rest) = self.lent().url().split_once('@').unwrap();
        let (host, rest) = rest.split_once(':').unwrap();
        let (port, _) = rest.split_once('/').unwrap();
        (host.to_owned(), port.parse().unwrap())
    }

    /// The URL with another `host:port`, without parameters.
    pub fn url_with(&self, address: &str) -> String {
        let (before, _) = self.lent().url().split_once('@').unwrap();
        format!("{before}@{address}/{}", self.name())
    }

    /// The URL with another `user:password`.
    pub fn url_as(&self, login: &str) -> String {
        let (scheme, rest) = self.lent().url().split_once("://").unwrap();
        let (_, rest) = rest.split_once('@').unwrap();
        format!("{scheme}://{login}@{rest}")
    }

    /// The URL with another database.
    pub fn url_for_database(&self, name: &str) -> String {
        let (host, port) = self.server();
        self.url_with(&format!("{host}:{port}")).replace(self.name(), name)
    }
}

pub fn registration(host: &str, cluster: Option<&str>) -> Registration {
    Registration {
        host: ServiceHost::from_parts(host, None, "b1"),
        cluster: cluster.and_then(|name| ClusterName::from_option(name, "b1")),
        availability_zone: "nova".into(),
        enable_new_services: true,
    }
}
