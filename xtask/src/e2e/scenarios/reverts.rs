//! Volumes that are given the data of their latest snapshot back.

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::volumes::{arm, check_fired, id, run, start, text, volume, wait_settled, write};
use crate::e2e::props::scene::Scene;

pub(crate) fn a_volume_gets_the_data_of_its_latest_snapshot_back_whatever_kills_the_worker(
    scene: &Scene,
) -> Result<()> {
    let daemon = start(scene)?;
    let base = id(&volume(scene, &["create", "--size", "1", "--name", "a", "--wait"])?)?;
    write(scene, &base, "old")?;
    volume(scene, &["snapshot", "create", "a", "--name", "first", "--wait"])?;
    write(scene, &base, "new")?;
    let back = volume(scene, &["revert", "first", "--wait"])?;
    ensure!(back["status"] == "available" && text(scene, &base)? == "old", "{back}");
    daemon.wait_log("successfully.", 1)?;
    for at in ["recorded", "made", "written"] {
        let point = format!("manager::revert_to_snapshot::{at}");
        write(scene, &base, at.get(..3).context("a short word")?)?;
        let before = daemon.workers();
        arm(scene, &point, "kill once")?;
        let back = volume(scene, &["revert", "first", "--wait"])?;
        check_fired(scene, &point)?;
        daemon.wait_replaced(&before, 1).with_context(|| point.clone())?;
        wait_settled(scene).with_context(|| point.clone())?;
        ensure!(back["status"] == "available" && text(scene, &base)? == "old", "{point}: {back}");
    }
    // One that kills its worker each time is given up with the original's statuses.
    arm(scene, "manager::revert_to_snapshot::made", "kill")?;
    let outcome = run(scene, &["revert", "first", "--wait"])?;
    ensure!(outcome.code == Some(3) && outcome.out.contains("\"error\""), "{outcome:?}");
    std::fs::remove_file(scene.path("fail-points"))?;
    daemon.wait_up(1)?;
    let statuses = scene.store().lines("SELECT status FROM snapshots WHERE NOT deleted")?;
    ensure!(statuses == ["available"], "{statuses:?}");
    // What an API would refuse.
    volume(scene, &["create", "--size", "1", "--name", "b", "--wait"])?;
    volume(scene, &["snapshot", "create", "b", "--name", "older", "--wait"])?;
    volume(scene, &["snapshot", "create", "b", "--name", "newer", "--wait"])?;
    for (snapshot, reason) in [("older", "not the latest"), ("first", "has to be available")] {
        let outcome = run(scene, &["revert", snapshot])?;
        ensure!(outcome.code == Some(1) && outcome.all().contains(reason), "{outcome:?}");
    }
    volume(scene, &["extend", "b", "--size", "2", "--wait"])?;
    let outcome = run(scene, &["revert", "newer"])?;
    ensure!(outcome.code == Some(1) && outcome.all().contains("had 1"), "{outcome:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}
