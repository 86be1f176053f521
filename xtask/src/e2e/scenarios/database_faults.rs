//! The database misbehaves under a running daemon (spec/startup.md §8, §9).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::database::Lock;
use crate::e2e::props::Skip;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::wait::{let_pass, secs, wait_for};

pub(crate) const AWAY: &str = "model server went away";
pub(crate) const BACK: &str = "Recovered model server connection!";

fn row_comes_back(scene: &Scene, sql: &str) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    let workers = daemon.wait_up(2)?;
    let (old, sibling) = (daemon.row("e2e@a")?, daemon.row("e2e@b")?);
    scene.store().write(sql)?;
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
    let sql = "UPDATE services SET deleted = TRUE, deleted_at = updated_at WHERE host = 'e2e@a'";
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

/// A directory that is a whole disk of so many KiB, in a mount namespace of the daemon's own.
const SMALL: &str = "small";

/// The daemon with its database on a small disk. From outside the disk is seen through `/proc`.
fn on_a_small_disk(scene: &Scene, prelude: &str) -> Result<Daemon> {
    let unshare = ["--mount", "--propagation", "private"];
    let allowed = Command::new("unshare").args(unshare).arg("true").output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        return Err(Skip("unshare --mount is not allowed here (it needs root)".to_owned()).into());
    }
    let disk = scene.path(SMALL);
    std::fs::create_dir(&disk)?;
    let config = scene.config(&["a", "b"]);
    let url = format!("sqlite:///{}/cinder.sqlite", disk.display());
    let file = scene.write("cinder.conf", &config.set("database", "connection", &url).text())?;
    let script =
        format!("mount -t tmpfs -o size=2m none \"$0\" && cd \"$0\" && {prelude} exec \"$@\"");
    let mut command = scene.command("unshare");
    command.args(unshare).args(["sh", "-c", &script]).arg(&disk);
    scene.start_command(command.arg(scene.binary()).arg("--config-file").arg(&file))
}

/// The small disk of a running daemon.
fn seen_from_outside(scene: &Scene, daemon: &Daemon) -> PathBuf {
    PathBuf::from(format!("/proc/{}/root{}", daemon.pid(), scene.path(SMALL).display()))
}

/// Writes until the disk takes no more.
fn fill(disk: &Path) -> Result<()> {
    let mut file = std::fs::File::options().create(true).append(true).open(disk.join("filler"))?;
    for size in [4096, 1] {
        while std::io::Write::write(&mut file, &vec![0; size]).is_ok_and(|length| length > 0) {}
    }
    Ok(())
}

pub(crate) fn a_full_disk_is_reported_once_and_survived(scene: &Scene) -> Result<()> {
    let daemon = on_a_small_disk(scene, "")?;
    let disk = seen_from_outside(scene, &daemon);
    let workers = wait_for("both workers", SOON, || {
        let workers = daemon.workers();
        ensure!(workers.len() == 2, "{workers:?}");
        Ok(workers)
    })?;
    daemon.wait_log("Starting cinder-volume node", 2)?;
    wait_for("each worker to miss the database", secs(60), || {
        // The write-ahead log is started anew now and then, which frees some room again.
        fill(&disk)?;
        let seen = daemon.count(AWAY);
        ensure!(seen == 2, "{seen} lines {AWAY:?}");
        Ok(())
    })?;
    std::fs::remove_file(disk.join("filler"))?;
    daemon.wait_log(BACK, 2)?;
    // SQLite follows a path of /proc to where it leads outside, so the rows cannot be read from
    // here; the line says that a heartbeat was written.
    ensure!(daemon.count(AWAY) == 2, "an outage is reported once per worker");
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_start_on_a_full_disk_leaves_no_half_database(scene: &Scene) -> Result<()> {
    let listing = scene.path("listing");
    let prelude = format!(
        "{{ cat /dev/zero >filler; \"$@\"; code=$?; ls >{}; exit $code; }} 2>&1;",
        listing.display()
    );
    let daemon = on_a_small_disk(scene, &prelude)?;
    daemon.expect_exit(1)?;
    let said = daemon.log();
    ensure!(said.contains("cinder.sqlite"), "does not name the file: {said}");
    ensure!(said.contains("full") || said.contains("No space"), "does not say why: {said}");
    let left = std::fs::read_to_string(&listing)?;
    ensure!(left == "filler\n", "left on the disk: {left:?}");
    Ok(())
}
