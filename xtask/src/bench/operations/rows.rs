//! The rows that an API would have written, many at a time, after the pattern of one that our own has.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::Connection;

/// Writes beside a daemon that runs.
pub(super) struct Rows {
    connection: Connection,
    next: u64,
}

impl Rows {
    /// Whose keys begin with this number.
    pub(super) fn starting(database: &Path, next: u64) -> Result<Self> {
        let connection = Connection::open(database)?;
        connection.execute_batch("PRAGMA busy_timeout = 20000")?;
        Ok(Self { connection, next })
    }

    /// Leaves out so many keys.
    pub(super) fn skip(&mut self, count: u64) {
        self.next += count;
    }

    /// So many more rows like that one, with other keys, in this status.
    pub(super) fn more(
        &mut self,
        table: &str,
        like: &str,
        count: usize,
        status: &str,
    ) -> Result<Vec<String>> {
        let columns: Vec<String> = {
            let sql = format!("SELECT name FROM pragma_table_info('{table}')");
            let mut statement = self.connection.prepare(&sql)?;
            let names = statement.query_map([], |row| row.get(0))?;
            names.collect::<rusqlite::Result<_>>()?
        };
        let values = columns.iter().map(|name| match name.as_str() {
            "id" => "?1".to_owned(),
            "status" => format!("'{status}'"),
            other => format!("\"{other}\""),
        });
        let names: Vec<_> = columns.iter().map(|name| format!("\"{name}\"")).collect();
        let sql = format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {table} WHERE id = ?2",
            names.join(", "),
            values.collect::<Vec<_>>().join(", ")
        );
        let all = self.connection.transaction()?;
        let mut ids = Vec::with_capacity(count);
        {
            let mut insert = all.prepare(&sql)?;
            for _ in 0..count {
                let id = format!("{:08x}-0000-4000-8000-{:012x}", self.next, self.next);
                self.next += 1;
                insert.execute([&id, like])?;
                ids.push(id);
            }
        }
        all.commit()?;
        Ok(ids)
    }

    /// The entries of operations that are about to be asked for, and the status that an API gives.
    pub(super) fn announce(&mut self, kind: &str, ids: &[String], status: &str) -> Result<()> {
        let table = format!("{}s", kind.to_ascii_lowercase());
        let all = self.connection.transaction()?;
        for id in ids {
            all.execute(&format!("UPDATE {table} SET status = ?1 WHERE id = ?2"), [status, id])?;
            all.execute(
                "INSERT INTO workers (created_at, updated_at, deleted, resource_type, resource_id, status, \
                 race_preventer) VALUES ('2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', \
                 0, ?1, ?2, ?3, 0)",
                [kind, id, status],
            )?;
        }
        Ok(all.commit()?)
    }

    /// A number that a query answers.
    pub(super) fn number(&self, sql: &str) -> Result<i64> {
        self.connection.query_row(sql, [], |row| row.get(0)).context("no answer")
    }
}
