//! The connection type over all databases of this build, with the backend that Diesel derives.
//!
//! Must not: hold anything else, so that what is allowed to generated code is allowed to it
//! alone.

#![allow(
    unreachable_patterns,
    reason = "generated code looks for another variant even where there is only one"
)]

#[cfg(feature = "mysql")]
use diesel::mysql::MysqlConnection;
#[cfg(feature = "postgres")]
use diesel::pg::PgConnection;
#[cfg(feature = "sqlite")]
use diesel::sqlite::SqliteConnection;

/// A connection to whichever database the configuration names.
#[derive(diesel::MultiConnection)]
pub(crate) enum Native {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteConnection),
    #[cfg(feature = "mysql")]
    Mysql(MysqlConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
}
