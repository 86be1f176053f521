//! `[database]` and `[database_client]` as `cinder-db` wants them.

use anyhow::anyhow;
use cinder_conf::cinder::Conf;
use cinder_conf::{Level, Problem, Scope};
use cinder_db::{DatabaseOptions, DatabaseUrl};
use tracing::info;

use super::seconds;

/// The options of `cinder-db`.
///
/// # Errors
///
/// When the URL names no database that this program can use, with the place where it stands; the
/// password is never shown.
pub fn database_options(conf: &Conf) -> anyhow::Result<DatabaseOptions> {
    let database = &conf.database;
    let url = database_url(conf).map_err(|problem| anyhow!("{}", problem.statement()))?;
    let defaults = DatabaseOptions::new(url);
    Ok(DatabaseOptions {
        max_retries: database.max_retries,
        retry_interval: seconds(database.retry_interval),
        max_pool_size: u32::try_from(database.max_pool_size).unwrap_or(0),
        max_overflow: u32::try_from(database.max_overflow).unwrap_or(0),
        pool_timeout: database.pool_timeout.map_or(defaults.pool_timeout, seconds),
        connection_recycle_time: seconds(database.connection_recycle_time),
        sqlite_synchronous: database.sqlite_synchronous,
        // As its help text has it: no value keeps the server's mode.
        mysql_sql_mode: Some(database.mysql_sql_mode.clone()).filter(|mode| !mode.is_empty()),
        mysql_wsrep_sync_wait: database.mysql_wsrep_sync_wait,
        statement_cache: conf.database_client.statement_cache,
        ..defaults
    })
}

/// The URL of `[database]`, as `config check` and a start both read it.
///
/// # Errors
///
/// What is wrong with it and where.
pub fn database_url(conf: &Conf) -> Result<DatabaseUrl, Box<Problem>> {
    let database = &conf.database;
    let url = database.connection.reveal();
    DatabaseUrl::with_parameters(url, &database.connection_parameters).map_err(|error| {
        let alone = DatabaseUrl::parse(url);
        let option = if alone.is_ok() { "connection_parameters" } else { "connection" };
        let place = conf.oslo().read("database", option);
        Box::new(Problem {
            level: Level::Error,
            scope: Scope::Program,
            origin: place.ok().map(|found| found.origin),
            group: Some("database".to_owned()),
            option: Some(option.to_owned()),
            text: format!("cannot be used: {error}"),
            hint: None,
        })
    })
}

/// Tells which parameters of the URL were passed over, once.
pub(super) fn tell_harmless(url: &DatabaseUrl) {
    let names = url.harmless();
    if !names.is_empty() {
        info!(
            target: "cinder.db",
            "[database] connection: {} has no effect here and needs none", names.join(", ")
        );
    }
}
