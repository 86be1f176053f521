//! The database misbehaves under a running daemon (spec/startup.md §8; design.md §4).

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::daemon::SOON;
use super::scene::Scene;
use crate::database::{Lock, write};
use crate::wait::{let_pass, secs, wait_for};

const AWAY: &str = "model server went away";
const BACK: &str = "Recovered model server connection!";

fn row_comes_back(scene: &Scene, sql: &str) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    let workers = daemon.wait_up(2)?;
    let (old, sibling) = (daemon.row("e2e@a")?, daemon.row("e2e@b")?);
    write(&scene.database(), sql)?;
    wait_for("the row to be recreated", SOON, || {
        let new = daemon.row("e2e@a")?;
        ensure!(new.uuid != old.uuid && new.uuid.is_some(), "{new:?}");
        ensure!(new.report_count > 0, "no heartbeat yet: {new:?}");
        Ok(())
    })?;
    daemon.wait_beats(2)?;
    ensure!(daemon.row("e2e@b")?.uuid == sibling.uuid, "the sibling's row was replaced as well");
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_purged_row_is_recreated_with_a_new_uuid(scene: &Scene) -> Result<()> {
    row_comes_back(scene, "DELETE FROM services WHERE host = 'e2e@a'")
}

pub(crate) fn a_soft_deleted_row_is_recreated_with_a_new_uuid(scene: &Scene) -> Result<()> {
    let sql = "UPDATE services SET deleted = 1, deleted_at = updated_at WHERE host = 'e2e@a'";
    row_comes_back(scene, sql)
}

pub(crate) fn a_locked_database_is_reported_once_and_survived(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    let workers = daemon.wait_up(3)?;
    let lock = Lock::take(&scene.database())?;
    wait_for("each worker to miss the database", secs(60), || {
        let seen = daemon.count(AWAY);
        ensure!(seen == 3, "{seen} lines {AWAY:?}");
        Ok(())
    })?;
    // The length of the outage: several more beats fail, and must do so in silence.
    let_pass(secs(5));
    ensure!(daemon.count(AWAY) == 3, "an outage is reported once per worker");
    ensure!(daemon.count(BACK) == 0, "recovered while the database was locked");
    drop(lock);
    daemon.wait_log(BACK, 3)?;
    daemon.wait_beats(2)?;
    ensure!(daemon.count(AWAY) == 3 && daemon.count(BACK) == 3, "lines were repeated");
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_term_while_the_database_is_locked_is_a_clean_stop(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    daemon.wait_up(2)?;
    let lock = Lock::take(&scene.database())?;
    wait_for("a worker to miss the database", secs(60), || {
        ensure!(daemon.count(AWAY) > 0);
        Ok(())
    })?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    drop(lock);
    scene.wait_empty(secs(1))
}
