//! The Guru report on SIGUSR2 (spec/logging.md §8).

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::scene::Scene;
use crate::process;

const TITLE: &str = "Guru Meditation";

pub(crate) fn a_report_is_written_on_usr2_and_the_service_goes_on(scene: &Scene) -> Result<()> {
    let secret = "hunter2";
    let config = scene.config(&["a", "b"]).set("a", "san_password", secret);
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(2)?;
    daemon.signal(Signal::SIGUSR2)?;
    daemon.wait_log(TITLE, 1)?;
    daemon.wait_log("report_interval", 1)?;
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    let log = daemon.log();
    ensure!(log.contains("29.0.0"), "the report names no version");
    for pid in &workers {
        ensure!(log.contains(&pid.to_string()), "the report does not name worker {pid}");
    }
    ensure!(log.contains("No operation is running."), "the report has no section of operations");
    ensure!(!log.contains(secret), "the report shows a secret");
    let worker = *workers.first().context("no worker")?;
    let before = daemon.count(TITLE);
    process::signal(worker, Signal::SIGUSR2)?;
    daemon.wait_log(TITLE, before + 1)?;
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}
