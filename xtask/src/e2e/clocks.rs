//! Clocks that jump, and clocks that have hardly begun (spec/launcher.md §12, defect 24).
//!
//! A time namespace (time_namespaces(7)) gives the daemon a monotonic clock of its own choice, but
//! the wall clock is one for the whole machine. The scenario that sets it runs only with
//! `CINDER_SET_CLOCK=1`; without, the tidy rule that the launcher never names that clock remains.

use std::env;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime, clock_settime};

use super::daemon::Daemon;
use super::namespace::Namespaces;
use super::scene::Scene;
use crate::process;
use crate::wait::secs;

pub(crate) fn may_be_set() -> bool {
    env::var_os("CINDER_SET_CLOCK").is_some_and(|value| value == "1")
}

/// Why the scenario that sets the clock is not in the table.
pub(crate) fn not_run() -> Option<&'static str> {
    const REASON: &str = "the jumps of the wall clock, which all of the machine would see; set \
                          CINDER_SET_CLOCK=1 as root where nobody minds";
    (!may_be_set()).then_some(REASON)
}

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

/// The wall clock, put back to where it would be without us when this is dropped.
struct Clock {
    wall: Duration,
    since: Instant,
}

impl Clock {
    fn take() -> Result<Self> {
        Ok(Self { wall: clock_gettime(ClockId::CLOCK_REALTIME)?.into(), since: Instant::now() })
    }

    fn real(&self) -> Duration {
        self.wall + self.since.elapsed()
    }

    fn set(&self, time: Duration) -> Result<()> {
        clock_settime(ClockId::CLOCK_REALTIME, TimeSpec::from(time)).context("cannot set the clock")
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        if let Err(failure) = self.set(self.real()) {
            eprintln!("the clock of this machine is wrong now: {failure:#}");
        }
    }
}

pub(crate) fn jumps_of_the_wall_clock_delay_nothing(scene: &Scene) -> Result<()> {
    /// Longer than anything here waits, and short enough for the rest of the machine to bear.
    const JUMP: Duration = secs(100);
    let config = scene.config(&["a", "b"]).set("supervisor", "worker_watchdog", "2");
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(2)?;
    let clock = Clock::take()?;
    clock.set(clock.real() + JUMP)?;
    daemon.wait_beats(3)?;
    daemon.expect_workers(&workers)?;
    clock.set(clock.real() - JUMP)?;
    daemon.wait_beats(3)?;
    daemon.expect_workers(&workers)?;
    // The third death is answered after a second; the jumps must not come in between.
    let mut looping = *workers.first().context("no worker")?;
    for death in 1..=4 {
        process::signal(looping, Signal::SIGKILL)?;
        let ahead = death % 2 == 0;
        clock.set(if ahead { clock.real() + JUMP } else { clock.real() - JUMP })?;
        let now = daemon.wait_replaced(&[looping], 2)?;
        looping = *now.iter().find(|pid| !workers.contains(pid)).context("no successor")?;
    }
    daemon.wait_beats(2)?;
    daemon.end_with(Signal::SIGTERM, 0)
}
