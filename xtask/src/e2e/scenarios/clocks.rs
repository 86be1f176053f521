//! Clocks that jump, and clocks that have hardly begun (spec/launcher.md §12, defect 24).
//!
//! A time namespace (time_namespaces(7)) gives the daemon a monotonic clock of its own choice. The
//! wall clock is one for the whole machine, so there a library stands between it and the daemon.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};

use crate::e2e::props::Skip;
use crate::e2e::props::daemon::Daemon;
use crate::e2e::props::namespace::Namespaces;
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::secs;

pub(crate) fn a_monotonic_clock_may_begin_anywhere(scene: &Scene) -> Result<()> {
    let namespaces = Namespaces::ask(scene, &["--time"])?;
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?).as_secs();
    // A machine that was switched on a second ago, and one that has run for thirty years.
    for shift in [1 - i64::try_from(now)?, 30 * 365 * 86_400] {
        let config = scene.config(&["a", "b"]).set("supervisor", "worker_watchdog", "1");
        let file = scene.write("cinder.conf", &config.text())?;
        let mut command = namespaces.command(scene);
        command.arg(format!("--monotonic={shift}")).arg(scene.binary());
        let daemon = scene.start_command(command.arg("--config-file").arg(file))?;
        lives_as_usual(&daemon, shift < 0)
            .with_context(|| format!("{shift} s away from {now} s"))?;
        let offsets = fs::read_to_string(format!("/proc/{}/timens_offsets", daemon.pid()))?;
        ensure!(offsets.contains(&shift.to_string()), "not in a namespace: {offsets}");
        daemon.end_with(Signal::SIGTERM, 0)?;
    }
    scene.wait_empty(secs(5))
}

/// A crash loop meets throttle and back-off; the watchdog tells the living from the frozen.
fn lives_as_usual(daemon: &Daemon, freeze: bool) -> Result<()> {
    let [mut looping, other] =
        <[i32; 2]>::try_from(daemon.wait_up(2)?).ok().context("not two workers")?;
    for _ in 0..3 {
        process::signal(looping, Signal::SIGKILL)?;
        let now = daemon.wait_replaced(&[looping], 2)?;
        looping = *now.iter().find(|&&pid| pid != other).context("no successor")?;
    }
    daemon.wait_beats(2)?;
    ensure!(daemon.workers().contains(&other), "the watchdog replaced a worker that was well");
    if freeze {
        process::signal(other, Signal::SIGSTOP)?;
        daemon.wait_replaced(&[other], 2)?;
    }
    daemon.wait_beats(1)
}

/// A wall clock for one daemon, which this process sets while the daemon looks at it.
///
/// It stands in a file that libfaketime(1) reads anew for each look, as an offset to the clock of
/// the machine. The monotonic clock is left alone.
struct WallClock {
    file: PathBuf,
}

impl WallClock {
    fn new(scene: &Scene) -> Result<Self> {
        Ok(Self { file: scene.write("clock", "+0")? })
    }

    fn command(&self, scene: &Scene, library: &Path) -> Command {
        let mut command = scene.command(scene.binary());
        command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &self.file);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    }

    fn jump_to(&self, offset: i64) -> Result<()> {
        // Never half-written: the daemon may look at any moment.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{offset:+}"))?;
        Ok(fs::rename(new, &self.file)?)
    }
}

/// Where Debian's package libfaketime puts its library.
fn faketime() -> Result<PathBuf> {
    let found = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let library = found.map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    let mut there = library.filter(|path| path.is_file());
    there.next().ok_or_else(|| Skip("libfaketime is not installed".to_owned()).into())
}

/// How far the last heartbeat is ahead of the clock of the machine, in seconds.
fn beats_ahead(scene: &Scene) -> Result<i64> {
    let query = "SELECT max(unixepoch(updated_at)) - unixepoch('now') FROM services";
    let lines = scene.store().lines(query)?;
    Ok(lines.first().context("no service")?.parse()?)
}

pub(crate) fn jumps_of_the_wall_clock_delay_nothing(scene: &Scene) -> Result<()> {
    /// Longer than anything that the daemon ever waits for.
    const JUMP: i64 = 100 * 86_400;
    let library = faketime()?;
    let config = scene.config(&["a", "b"]).set("supervisor", "worker_watchdog", "2");
    let file = scene.write("cinder.conf", &config.text())?;
    let clock = WallClock::new(scene)?;
    let mut command = clock.command(scene, &library);
    let daemon = scene.start_command(command.arg("--config-file").arg(file))?;
    let workers = daemon.wait_up(2)?;
    let jump = |offset: i64| {
        clock.jump_to(offset)?;
        daemon.wait_beats(3)?;
        // The heartbeats carry the new time, so the daemon has seen the jump.
        let ahead = beats_ahead(scene)?;
        ensure!((ahead - offset).abs() < 60, "beats are {ahead} s ahead, not {offset}");
        daemon.expect_workers(&workers)
    };
    [JUMP, 0, -JUMP, 0].into_iter().try_for_each(jump)?;
    // The third death is answered after a second; the jumps must not come in between.
    let mut looping = *workers.first().context("no worker")?;
    for death in 1..=4 {
        process::signal(looping, Signal::SIGKILL)?;
        clock.jump_to(if death % 2 == 0 { JUMP } else { -JUMP })?;
        let now = daemon.wait_replaced(&[looping], 2)?;
        looping = *now.iter().find(|pid| !workers.contains(pid)).context("no successor")?;
    }
    daemon.wait_beats(2)?;
    daemon.end_with(Signal::SIGTERM, 0)
}
