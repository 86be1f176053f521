//! Very much of one thing: signals, deaths (docs/supervision.md).
//!
//! What is looked for is what is left afterwards: a worker too few, a zombie, a descriptor, memory.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::cargo;
use crate::e2e::faults::HARMLESS;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::dice::Dice;
use crate::e2e::props::holdings::{Holdings, no_zombie};
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{millis, secs, wait_for, wait_with_pause};

const TO_WORKERS: [Signal; 6] = [
    Signal::SIGHUP,
    Signal::SIGCHLD,
    Signal::SIGCONT,
    Signal::SIGWINCH,
    Signal::SIGURG,
    Signal::SIGPIPE,
];

pub(crate) fn a_storm_of_100_000_signals_leaves_everything_as_it_was(scene: &Scene) -> Result<()> {
    const SIGNALS: usize = 100_000;
    const LINES: [&str; 2] = ["Caught SIGHUP", "Caught SIGUSR1"];
    let config = scene.config(&["a", "b", "c"]).set("DEFAULT", "debug", "false");
    let daemon = scene.start(&config)?;
    let mut workers = daemon.wait_up(3)?;
    // What a reload, a report and a roll need once is there after the first.
    for signal in [Signal::SIGHUP, Signal::SIGUSR2, Signal::SIGUSR1] {
        daemon.signal(signal)?;
        daemon.wait_beats(1)?;
    }
    workers = daemon.wait_replaced(&workers, 3)?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_beats(2)?;
    let parent = Holdings::of(daemon.pid())?;
    let worker = Holdings::of(*workers.first().context("no worker")?)?;
    let mut dice = Dice::new(1);
    let is_enough = || LINES.iter().all(|line| daemon.count(line) >= 100);
    for number in 0.. {
        if number % 250 == 0 {
            // Of equal signals that wait the kernel keeps one. Without a pause now and then, most
            // of the storm would fall together into a few.
            wait_with_pause("the last signals to be taken", SOON, millis(1), || {
                ensure!(process::lives(daemon.pid()), "the parent has ended");
                ensure!(!process::is_pending(daemon.pid(), Signal::SIGHUP), "SIGHUP is pending");
                Ok(())
            })?;
            workers = daemon.workers();
            // A line is a reload, or a roll, and those take longer on a machine that does much else.
            if number >= 2 * SIGNALS || number >= SIGNALS && is_enough() {
                break;
            }
        }
        // A report is long; a thousandth of the signals asks for one.
        let signal =
            if number % 1000 == 0 { Some(Signal::SIGUSR2) } else { dice.one_of(&HARMLESS) };
        daemon.signal(signal.context("no signal")?)?;
        if let (Some(pid), Some(signal)) = (dice.one_of(&workers), dice.one_of(&TO_WORKERS)) {
            // A roll may have replaced it meanwhile.
            let _ = process::signal(pid, signal);
        }
    }
    for line in LINES {
        ensure!(daemon.count(line) >= 100, "only {} lines {line:?}", daemon.count(line));
    }
    daemon.wait_workers(&[], 3, secs(60))?;
    daemon.wait_beats(3)?;
    no_zombie(&daemon)?;
    parent.wait_back(daemon.pid(), 128)?;
    for pid in daemon.workers() {
        worker.wait_back(pid, 512)?;
    }
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}

pub(crate) fn two_thousand_deaths_leave_no_descriptor_no_byte_and_no_zombie(
    scene: &Scene,
) -> Result<()> {
    deaths_leave_nothing(scene, 2_000)
}

pub(crate) fn ten_thousand_deaths_leave_no_descriptor_no_byte_and_no_zombie(
    scene: &Scene,
) -> Result<()> {
    deaths_leave_nothing(scene, 10_000)
}

fn deaths_leave_nothing(scene: &Scene, deaths: usize) -> Result<()> {
    const SERVICES: usize = 500;
    let program = cargo::build_tested_example("fault_workers")?;
    let calm = scene.path("calm");
    let daemon = dying_services(scene, &program, &calm, SERVICES)?;
    // What allocators and tables need is there after the first deaths, two of each service.
    wait_for_deaths(&daemon, 2 * SERVICES)?;
    let before = process::memory(daemon.pid()).context("the parent is gone")?;
    let descriptors = process::descriptors(daemon.pid())?.len();
    wait_for_deaths(&daemon, deaths)?;
    std::fs::write(&calm, "")?;
    daemon.wait_workers(&[], SERVICES, secs(60))?;
    no_zombie(&daemon)?;
    let after = Holdings::of(daemon.pid())?;
    ensure!(after.descriptors <= descriptors, "{descriptors} descriptors became {after:?}");
    ensure!(after.memory.anonymous_kib <= before.anonymous_kib + 64, "{before:?} became {after:?}");
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}

/// Services that exit as soon as they have started until there is a file `calm`. The throttle lets
/// each be started about twice a second; together they die some hundred times a second.
fn dying_services(scene: &Scene, program: &Path, calm: &Path, count: usize) -> Result<Daemon> {
    let mut command = scene.command(program);
    command.arg("--no-back-off");
    for number in 0..count {
        command.arg(format!("w{number}=dies-until:{}", calm.display()));
    }
    scene.start_command(&mut command)
}

fn wait_for_deaths(daemon: &Daemon, deaths: usize) -> Result<()> {
    wait_for(&format!("{deaths} deaths"), secs(120), || {
        let seen = daemon.count("exited with status 7");
        ensure!(seen >= deaths, "{seen} so far");
        Ok(())
    })
}
