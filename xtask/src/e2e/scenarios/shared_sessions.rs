//! Servers whose sessions, or prepared statements, have to be shared with others.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::database_faults::{AWAY, BACK};
use super::database_servers::own_server;
use crate::e2e::props::Skip;
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::SOON;
use crate::e2e::props::scene::Scene;
use crate::servers::{Pooler, pooler_missing};
use crate::wait::{millis, secs, wait_for, wait_with_pause};

/// The scene's database behind a pooler with so many sessions.
fn pooled(scene: &Scene, sessions: usize) -> Result<Pooler> {
    if let Some(reason) = pooler_missing() {
        return Err(Skip(reason).into());
    }
    Pooler::start(scene.on_server()?.server(), sessions)
}

const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn six(scene: &Scene, pooler: &Pooler) -> Result<Config> {
    let url = scene.on_server()?.url_by(pooler.port());
    Ok(scene.config(&SIX).set("database", "connection", &url))
}

pub(crate) fn six_back_ends_beat_over_three_sessions_of_a_pooler(scene: &Scene) -> Result<()> {
    let pooler = pooled(scene, 3)?;
    let daemon = scene.start(&six(scene, &pooler)?)?;
    let workers = daemon.wait_up(6)?;
    daemon.wait_beats(4)?;
    daemon.expect_workers(&workers)?;
    for wrong in [AWAY, "DBError", "already exists", "does not exist", "ERROR"] {
        ensure!(daemon.count(wrong) == 0, "{wrong:?}: {}", daemon.log());
    }
    daemon.end_with(Signal::SIGTERM, 0)
}

/// All that a session can carry over to whoever has it next. The three `transaction_*` are those of
/// the transaction that asks, though once set their source is for ever the session.
const STATE: &str = "SELECT 'setting', name, setting FROM pg_settings WHERE source = 'session' \
     AND name NOT LIKE 'transaction\\_%' OR name IN ('statement_timeout', 'lock_timeout', 'search_path', 'TimeZone', 'lc_messages', \
     'client_encoding', 'default_transaction_read_only', 'default_transaction_isolation', \
     'idle_in_transaction_session_timeout') \
     UNION ALL SELECT 'statement', name, statement FROM pg_prepared_statements \
     UNION ALL SELECT 'lock', locktype, mode FROM pg_locks WHERE locktype = 'advisory' \
     UNION ALL SELECT 'channel', pg_listening_channels(), '' \
     UNION ALL SELECT 'table', relname, '' FROM pg_class WHERE relpersistence = 't' ORDER BY 1, 2";

pub(crate) fn nothing_is_left_on_a_session_of_a_pooler(scene: &Scene) -> Result<()> {
    let pooler = pooled(scene, 1)?;
    let database = scene.on_server()?;
    let before = pooler.ask(&database, STATE)?;
    ensure!(before.iter().any(|line| line.contains("statement_timeout")), "{before:?}");
    let config = six(scene, &pooler)?;
    let daemon = scene.start(&config)?;
    daemon.wait_up(6)?;
    let mut looks = 0;
    // Whenever the session is free, beats come before and after.
    wait_with_pause("some beats", SOON, millis(50), || {
        let now = pooler.ask(&database, STATE)?;
        looks += usize::from(now == before);
        ensure!(now == before, "left on the session: {now:?} instead of {before:?}");
        ensure!(looks > 20, "{looks} looks");
        Ok(())
    })?;
    daemon.wait_beats(2)?;
    let session = "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE usename = 'cinder' \
                   AND datname = current_database()";
    ensure!(database.ask(session)? == [["1"]], "there was more than one session");
    daemon.end_with(Signal::SIGTERM, 0)?;
    ensure!(pooler.ask(&database, STATE)? == before, "left after the end");
    Ok(())
}

/// With so many at a time all six can beat and do something else at once, as long as none keeps any.
pub(crate) fn six_back_ends_share_twelve_prepared_statements(scene: &Scene) -> Result<()> {
    let server = own_server(scene)?;
    server.ask("SET GLOBAL max_prepared_stmt_count = 12")?;
    let daemon = scene.start(&scene.config(&SIX))?;
    let workers = daemon.wait_up(6)?;
    daemon.wait_beats(4)?;
    ensure!(daemon.count(AWAY) == 0 && daemon.count("ERROR") == 0, "{}", daemon.log());
    wait_for("nothing to be prepared between two beats", SOON, || {
        let now = server.ask("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")?.concat();
        ensure!(now.last().is_some_and(|count| count == "0"), "{now:?}");
        Ok(())
    })?;
    // Somebody else has taken them all.
    server.ask("SET GLOBAL max_prepared_stmt_count = 0")?;
    daemon.wait_log(AWAY, 6)?;
    server.ask("SET GLOBAL max_prepared_stmt_count = 12")?;
    daemon.wait_log(BACK, 6)?;
    ensure!(daemon.count(AWAY) == 6, "an outage is reported once per worker");
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_start_waits_for_a_prepared_statement(scene: &Scene) -> Result<()> {
    let server = own_server(scene)?;
    server.ask("SET GLOBAL max_prepared_stmt_count = 0")?;
    let config = scene.config(&["a"]).set("database", "retry_interval", "1");
    let daemon = scene.start(&config)?;
    daemon.wait_log("SQL connection failed.", 2)?;
    ensure!(daemon.count("max_prepared_stmt_count") >= 2, "does not say why: {}", daemon.log());
    server.ask("SET GLOBAL max_prepared_stmt_count = 100")?;
    daemon.wait_up(1)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(1))
}
