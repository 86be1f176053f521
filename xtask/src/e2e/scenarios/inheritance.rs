//! What the daemon's own starter may hand down: closed streams, ignored and blocked signals.

use std::fs;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::daemon::Daemon;
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::secs;

/// Kill, HUP, roll and stop, as if nothing were unusual.
fn lives_as_usual(scene: &Scene, daemon: &Daemon) -> Result<()> {
    let before = daemon.wait_up(2)?;
    let &victim = before.first().context("no worker")?;
    process::signal(victim, Signal::SIGKILL)?;
    daemon.wait_replaced(&[victim], 2)?;
    daemon.wait_beats(1)?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_beats(1)?;
    daemon.signal(Signal::SIGUSR1)?;
    let workers = daemon.wait_replaced(&before, 2)?;
    daemon.wait_beats(2)?;
    // The roll is over only when the second successor has reported.
    let last = *workers.last().context("no worker")?;
    process::signal(last, Signal::SIGTERM)?;
    daemon.wait_replaced(&[last], 2)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}

pub(crate) fn closed_standard_streams_change_nothing(scene: &Scene) -> Result<()> {
    let log = scene.path("cinder-volume.log");
    let config = scene.config(&["a", "b"]).set("DEFAULT", "log_file", &log.to_string_lossy());
    let file = scene.write("cinder.conf", &config.text())?;
    let mut command = scene.command("sh");
    command.args(["-c", "exec \"$@\" <&- >&- 2>&-", "sh"]).arg(scene.binary());
    let daemon = scene.start_command(command.arg("--config-file").arg(file))?;
    let workers = daemon.wait_up(2)?;
    for pid in workers.into_iter().chain([daemon.pid()]) {
        let open = process::descriptors(pid)?;
        // The first files that a program opens take the places of the closed streams, and a later
        // line for standard error would go into the database.
        let streams: Vec<_> = (0..=2).filter_map(|number| open.get(&number)).collect();
        ensure!(streams.iter().all(|target| *target == "/dev/null"), "{pid}: {open:?}");
    }
    lives_as_usual(scene, &daemon)?;
    let text = process::text_of(&log);
    for line in ["killed by signal 9", "Caught SIGHUP", "Caught SIGUSR1", "Caught SIGTERM"] {
        ensure!(text.contains(line), "no line {line:?} in {text}");
    }
    Ok(())
}

pub(crate) fn ignored_and_blocked_signals_are_not_passed_on(scene: &Scene) -> Result<()> {
    let file = scene.write("cinder.conf", &scene.config(&["a", "b"]).text())?;
    let mut command = scene.command("env");
    // What we ourselves were started with must not show: a shell's background job ignores QUIT.
    let ignored = "--ignore-signal=CHLD,TERM,HUP,INT,USR1,USR2,ALRM";
    command.args(["--default-signal", ignored, "--block-signal"]).arg(scene.binary());
    let daemon = scene.start_command(command.arg("--config-file").arg(file))?;
    let workers = daemon.wait_up(2)?;
    for pid in workers {
        // Read from a descriptor and therefore blocked; everything else must come through.
        masks_are(pid, &[Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR2])
            .with_context(|| format!("worker {pid}"))?;
    }
    lives_as_usual(scene, &daemon)?;
    ensure!(daemon.count("killed by signal 9") == 1, "the end of a worker was not told");
    Ok(())
}

/// Checks which signals are blocked, and that only SIGPIPE is ignored, as in every Rust program.
fn masks_are(pid: i32, blocked: &[Signal]) -> Result<()> {
    let expected = |signals: &[Signal]| {
        let bits = signals.iter().map(|&signal| 1_u64 << (signal as u64 - 1));
        format!("{:016x}", bits.fold(0, |mask, bit| mask | bit))
    };
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|text| text.trim().to_owned())
    };
    ensure!(mask("SigBlk:") == Some(expected(blocked)), "blocked: {:?}", mask("SigBlk:"));
    let ignored = expected(&[Signal::SIGPIPE]);
    ensure!(mask("SigIgn:") == Some(ignored), "ignored: {:?}", mask("SigIgn:"));
    Ok(())
}
