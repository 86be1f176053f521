//! A connection that bypasses the crate, and its answers as text.

use diesel::{
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Nullable, Text},
    sqlite::SqliteConnection,
};

/// A connection that bypasses the crate; foreign keys are off.
#[derive(diesel::MultiConnection)]
pub enum Raw {
    Sqlite(SqliteConnection),
    #[cfg(feature = "mysql")]
    Mysql(diesel::mysql::MysqlConnection),
    #[cfg(feature = "postgres")]
    Postgres(diesel::pg::PgConnection),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

impl Raw {
    /// The rows of `SELECT columns FROM rest`.
    pub fn lines(&mut self, columns: &[&str], rest: &str) -> Vec<String> {
        let cast = |as_text: fn(&str) -> String| {
            let cells =
                columns.iter().map(|column| format!("coalesce({}, 'NULL')", as_text(column)));
            cells.collect::<Vec<_>>()
        };
        let line = match self {
            Self::Sqlite(_) => cast(|column| format!("CAST({column} AS TEXT)")).join(" || '|' || "),
            #[cfg(feature = "mysql")]
            Self::Mysql(_) => {
                let cells = cast(|column| format!("CAST({column} AS CHAR)"));
                format!("concat_ws('|', {})", cells.join(", "))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {
                let cells = cast(|column| format!("({column})::text"));
                format!("concat_ws('|', {})", cells.join(", "))
            }
        };
        let sql = format!("SELECT {line} AS line FROM {rest}");
        let rows: Vec<Line> =
            sql_query(&sql).load(self).unwrap_or_else(|error| panic!("{error}: {sql}"));
        rows.into_iter()
            .map(|row| row.line.unwrap().split('|').map(truth).collect::<Vec<_>>().join("|"))
            .collect()
    }
}

/// PostgreSQL has words where the others have numbers.
fn truth(cell: &str) -> &str {
    match cell {
        "true" => "1",
        "false" => "0",
        other => other,
    }
}
