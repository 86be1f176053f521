//! Databases on real servers, one per test, lent from a small stock.
//!
//! `CINDER_DB_TEST_MYSQL` and `CINDER_DB_TEST_POSTGRES` hold the URL of a server whose user may
//! create databases and users; on PostgreSQL it has to be a superuser, because tests write rows
//! that point nowhere. `cargo xtask test` starts such servers and sets both. Without them these tests
//! are skipped. `CINDER_DB_TEST_PGBOUNCER` is the URL of the same PostgreSQL through a pgbouncer that hands
//! sessions round per transaction.
//!
//! Making the tables takes a second, emptying them a few milliseconds, so a database goes back
//! to the stock and serves the next test. What an ended run has left behind the next one drops.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use diesel::{Connection as _, connection::SimpleConnection};

use crate::{
    database::{Kind, LATER, Variation, later},
    raw::Raw,
};

const PREFIX: &str = "cinder_test_";
const SEED: &str = include_str!("../../schema/seed.sql");

/// Databases nobody uses at the moment.
static STOCK: Mutex<Vec<Stored>> = Mutex::new(Vec::new());

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    kind: Kind,
    later: bool,
    name: String,
}

/// A database on loan; emptied and given back when dropped.
pub struct Lent {
    stored: Stored,
    /// As the crate reaches it.
    url: String,
    /// As the test reaches it.
    direct: String,
}

impl Lent {
    pub fn of(kind: Kind, variation: Variation) -> Option<Self> {
        let server = server_url(kind, Variation::Plain)?;
        let theirs = server_url(kind, variation)?;
        let later = variation == Variation::Later;
        let on_stock = {
            let mut stock = STOCK.lock().unwrap();
            let at = stock.iter().position(|one| one.kind == kind && one.later == later);
            at.map(|at| stock.swap_remove(at))
        };
        let stored =
            on_stock.unwrap_or_else(|| Stored { kind, later, name: make(kind, later, &server) });
        let direct = with_database(&server, &stored.name);
        if later {
            connect(kind, &direct).batch_execute(LATER).unwrap();
        }
        Some(Self { url: with_database(&theirs, &stored.name), stored, direct })
    }

    pub fn name(&self) -> &str {
        &self.stored.name
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn raw(&self) -> Raw {
        connect(self.stored.kind, &self.direct)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // After a failure the database may be in any state, and somebody may want to look.
        if !std::thread::panicking() {
            empty(self.stored.kind, &self.direct);
            STOCK.lock().unwrap().push(self.stored.clone());
        }
    }
}

fn server_url(kind: Kind, variation: Variation) -> Option<String> {
    let name = match (kind, variation) {
        (Kind::Sqlite, _) => return None,
        #[cfg(feature = "mysql")]
        (Kind::Mysql, _) => "CINDER_DB_TEST_MYSQL",
        #[cfg(feature = "postgres")]
        (Kind::Postgres, Variation::Pooled) => "CINDER_DB_TEST_PGBOUNCER",
        #[cfg(feature = "postgres")]
        (Kind::Postgres, _) => "CINDER_DB_TEST_POSTGRES",
    };
    Some(test_conditions::needed(name, "server")?.into_string().expect("a URL is text"))
}

/// The server's URL with that database instead of its own.
fn with_database(server: &str, name: &str) -> String {
    let (base, parameters) = server.split_once('?').unwrap_or((server, ""));
    let (base, _own) = base.rsplit_once('/').unwrap();
    format!("{base}/{name}?{parameters}")
}

fn connect(kind: Kind, url: &str) -> Raw {
    match kind {
        #[cfg(feature = "mysql")]
        Kind::Mysql => {
            let url = url.replacen("mysql+pymysql", "mysql", 1);
            let mut raw = diesel::mysql::MysqlConnection::establish(&url).unwrap();
            raw.batch_execute(
                "SET SESSION foreign_key_checks = 0, sql_mode = 'TRADITIONAL,ANSI_QUOTES'",
            )
            .unwrap();
            Raw::Mysql(raw)
        }
        #[cfg(feature = "postgres")]
        Kind::Postgres => {
            let mut raw = diesel::pg::PgConnection::establish(url).unwrap();
            raw.batch_execute(
                "SET session_replication_role = replica; SET client_min_messages = warning",
            )
            .unwrap();
            Raw::Postgres(raw)
        }
        Kind::Sqlite => panic!("SQLite is no server"),
    }
}

fn make(kind: Kind, later_release: bool, server: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{PREFIX}{}_{number}", std::process::id());
    let mut raw = connect(kind, server);
    if number == 0 {
        drop_leftovers(kind, &mut raw);
    }
    raw.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let schema = match kind {
        #[cfg(feature = "mysql")]
        Kind::Mysql => include_str!("../../schema/mysql.sql"),
        _ => include_str!("../../schema/postgresql.sql"),
    };
    let mut raw = connect(kind, &with_database(server, &name));
    raw.batch_execute(schema).unwrap();
    raw.batch_execute(SEED).unwrap();
    if later_release {
        let tables = raw.lines(&["table_name"], tables_here(kind));
        raw.batch_execute(&later(&tables)).unwrap();
    }
    name
}

fn tables_here(kind: Kind) -> &'static str {
    match kind {
        #[cfg(feature = "mysql")]
        Kind::Mysql => "information_schema.tables WHERE table_schema = database()",
        _ => "information_schema.tables WHERE table_schema = 'public'",
    }
}

/// Databases whose test program no longer runs.
fn drop_leftovers(kind: Kind, raw: &mut Raw) {
    let (column, table) = match kind {
        #[cfg(feature = "mysql")]
        Kind::Mysql => ("schema_name", "information_schema.schemata"),
        _ => ("datname", "pg_database"),
    };
    for name in raw.lines(&[column], table) {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next());
        if owner.is_some_and(|pid| !std::path::Path::new("/proc").join(pid).exists()) {
            raw.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).unwrap();
        }
    }
}

fn empty(kind: Kind, url: &str) {
    let mut raw = connect(kind, url);
    let deletes = raw.lines(&["table_name"], tables_here(kind));
    let deletes: Vec<_> = deletes.iter().map(|table| format!("DELETE FROM \"{table}\"")).collect();
    raw.batch_execute(&deletes.join("; ")).unwrap();
    raw.batch_execute(SEED).unwrap();
}
