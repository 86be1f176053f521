//! A database file for one test, looked at and changed behind the crate's back.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use cinder_db::{Connection, DatabaseOptions, DatabaseUrl, Registration, open_or_create};
use cinder_types::{ClusterName, ServiceHost};
use diesel::{
    Connection as _, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Nullable, Text},
    sqlite::SqliteConnection,
};

/// How long a state may take to come about; generous, because only a failure waits for it.
pub const LIMIT: Duration = Duration::from_secs(20);

pub struct TestDatabase {
    pub directory: tempfile::TempDir,
    pub options: DatabaseOptions,
}

impl TestDatabase {
    /// A file name in a fresh directory, without a file.
    pub fn absent() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite_file(directory.path().join("state/cinder.sqlite")).unwrap();
        Self { directory, options: DatabaseOptions::new(url) }
    }

    /// A file with the schema, and a connection to it.
    pub fn created() -> (Self, Connection) {
        let database = Self::absent();
        let connection = open_or_create(&database.options).unwrap();
        (database, connection)
    }

    pub fn file(&self) -> &Path {
        self.options.url.file().unwrap()
    }

    pub fn parent(&self) -> PathBuf {
        self.file().parent().unwrap().to_owned()
    }

    /// A connection that bypasses the crate.
    pub fn raw(&self) -> SqliteConnection {
        let mut raw = SqliteConnection::establish(self.file().to_str().unwrap()).unwrap();
        raw.batch_execute("PRAGMA busy_timeout = 20000; PRAGMA foreign_keys = OFF;").unwrap();
        raw
    }

    pub fn run(&self, sql: &str) {
        self.raw().batch_execute(sql).unwrap();
    }

    /// One row per line, its columns in SQL notation with a bar between them.
    pub fn rows(&self, columns: &str, rest: &str) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Nullable<Text>)]
            line: Option<String>,
        }
        let quoted: Vec<_> =
            columns.split_whitespace().map(|column| format!("quote({column})")).collect();
        let sql = format!("SELECT {} AS line FROM {rest}", quoted.join(" || '|' || "));
        let rows: Vec<Row> = sql_query(sql).load(&mut self.raw()).unwrap();
        let lines: Vec<_> = rows.into_iter().map(|row| row.line.unwrap()).collect();
        lines.join("\n").replace('\'', "")
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
