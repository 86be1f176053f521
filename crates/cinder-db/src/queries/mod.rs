//! Statements, one file per group of tables; each takes a native connection and returns rows.
//!
//! Must not: decide, log, or open transactions. What belongs together in one transaction is
//! known to the callers (`registry`, `heartbeat`).

/// The condition that `column` lies on the back end `host`: itself or one of its pools.
///
/// `$` follows `#` in ASCII, so the range holds exactly what begins with `host#`. Unlike
/// LIKE it takes `_` and `%` literally, heeds case on SQLite, and can use an index.
macro_rules! on_backend {
    ($column:expr, $host:expr) => {{
        let host: &str = $host;
        $column
            .eq(host.to_owned())
            .or($column.ge(format!("{host}#")).and($column.lt(format!("{host}$"))))
    }};
}

pub(crate) mod clusters;
pub(crate) mod schema_version;
pub(crate) mod services;
pub(crate) mod volumes;
