//! Stray writes into the memory that workers share (docs/supervision.md): whatever stands there, the
//! supervisor and the health server go on, and what the supervisor counts stays right.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::daemon::SOON;
use crate::e2e::props::dice::Dice;
use crate::e2e::props::http::Place;
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::wait_for;

const ROUNDS: usize = 30;

/// Overwrites all shared pages that a process can write, from outside.
fn overwrite(pid: i32, mut byte: impl FnMut() -> u8) -> Result<()> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let shared = maps.lines().filter(|line| line.split(' ').nth(1) == Some("rw-s"));
    let memory = File::options().write(true).open(format!("/proc/{pid}/mem"))?;
    let mut pages = 0;
    for line in shared.filter(|line| line.contains("/dev/zero")) {
        let (from, to) =
            line.split(' ').next().and_then(|range| range.split_once('-')).context("range")?;
        let (from, to) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(to, 16)?);
        let bytes: Vec<u8> = (from..to).map(|_| byte()).collect();
        memory.write_all_at(&bytes, from)?;
        pages += 1;
    }
    ensure!(pages > 0, "no shared pages among {maps}");
    Ok(())
}

pub(crate) fn a_scoreboard_full_of_nonsense_harms_neither_supervisor_nor_health_server(
    scene: &Scene,
) -> Result<()> {
    let place = Place::socket(scene);
    let config = scene.config(&["a", "b"]).set("health", "bind", &place.bind());
    let config = config.set("supervisor", "worker_watchdog", "20");
    let daemon = scene.start(&config)?;
    place.wait_status("/healthz", 200)?;
    let workers = daemon.workers();
    ensure!(workers.len() == 3, "{workers:?}");
    let mut dice = Dice::new(4);
    for round in 0..ROUNDS {
        let from = *dice.one_of(&workers).as_ref().context("no worker")?;
        overwrite(from, || match round % 3 {
            0 => 0,
            1 => u8::MAX,
            _ => (dice.below(256) & 0xff) as u8,
        })?;
        daemon.signal(Signal::SIGCHLD)?; // so that the parent looks
        daemon.signal(Signal::SIGUSR2)?;
        let health = place.health()?;
        let all = health["back_ends"].as_array().context("no back ends")?;
        ensure!(all.len() == 2, "{health}");
        for one in all {
            let pid = i32::try_from(one["pid"].as_i64().context("no pid")?)?;
            ensure!(workers.contains(&pid) && one["processes"] == 1, "{one}");
            ensure!(one["state"] != "gone" && one["restarts"]["signal"] == 0, "{one}");
        }
        for path in ["/", "/metrics", "/livez"] {
            ensure!(place.status(path)? == 200, "{path} in round {round}");
        }
        let page = place.get("/")?.1;
        ensure!(!page.contains('\u{1b}') && !page.contains('\0'), "control characters: {page:?}");
        daemon.expect_workers(&workers)?;
    }
    // The next heartbeats tell again what was written over.
    place.wait_status("/healthz", 200)?;
    let dead = place.health()?["back_ends"][0]["pid"].as_i64().context("no pid")?;
    process::signal(i32::try_from(dead)?, Signal::SIGKILL)?;
    wait_for("the replacement", SOON, || {
        let one = &place.health()?["back_ends"][0];
        ensure!(one["restarts"]["signal"] == 1 && one["processes"] == 2, "{one}");
        ensure!(one["state"] == "up" && daemon.workers().len() == 3, "{one}");
        Ok(())
    })?;
    let kept = daemon.workers().into_iter().filter(|pid| workers.contains(pid)).count();
    ensure!(kept == 2, "{kept} of the others are left");
    daemon.end_with(Signal::SIGTERM, 0)
}
