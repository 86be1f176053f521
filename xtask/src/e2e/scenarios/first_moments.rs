//! What may come in the daemon's first moments, and what its starter may have left to it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::namespace::Namespaces;
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{Hopeless, let_pass, micros, secs, wait_for, wait_with_pause};

const TERMS: u32 = 200;
/// Between two of the moments: 100 ms hold all of them.
const STEP_MICROS: u64 = 500;

/// Whether the process has begun to see to its TERM. Before that there is nothing of ours that
/// could: the dynamic loader works.
fn sees_to_term(pid: i32) -> Result<bool> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let has = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let mask = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        mask & 1 << (Signal::SIGTERM as u64 - 1) != 0
    };
    Ok(has("SigBlk:") || has("SigCgt:"))
}

/// Sends a TERM at each of the moments, each to a daemon of its own, which has to end by it.
fn at_every_moment(start: impl Fn() -> Result<(Daemon, i32)>) -> Result<()> {
    for moment in 0..TERMS {
        let (daemon, pid) = start()?;
        let told = "the daemon's first step";
        wait_with_pause(told, SOON, micros(50), || {
            ensure!(sees_to_term(pid)?, "not yet");
            Ok(())
        })?;
        let_pass(micros(STEP_MICROS * u64::from(moment)));
        process::signal(pid, Signal::SIGTERM)?;
        let status = daemon.wait_exit(secs(2)).with_context(|| format!("moment {moment}"))?;
        ensure!(status.code() == Some(0), "ended with {status} at moment {moment}");
    }
    Ok(())
}

pub(crate) fn two_hundred_terms_in_the_first_moments_are_all_obeyed(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b", "c"]);
    at_every_moment(|| {
        let daemon = scene.start(&config)?;
        let pid = daemon.pid();
        Ok((daemon, pid))
    })?;
    scene.wait_empty(secs(5))
}

pub(crate) fn as_process_1_two_hundred_terms_in_the_first_moments_are_all_obeyed(
    scene: &Scene,
) -> Result<()> {
    let namespaces = Namespaces::ask(scene, &["--pid", "--fork", "--mount-proc"])?;
    let file = scene.write("cinder.conf", &scene.config(&["a", "b", "c"]).text())?;
    at_every_moment(|| {
        let mut command = namespaces.command(scene);
        command.arg("--kill-child").arg(scene.binary()).arg("--config-file").arg(&file);
        let outer = scene.start_command(&mut command)?;
        let init = wait_with_pause("the daemon in its namespace", SOON, micros(50), || {
            if let Some(status) = outer.ended()? {
                return Err(Hopeless(format!("unshare has ended: {status}")).into());
            }
            let init = *process::living_children(outer.pid()).first().context("no child")?;
            // unshare itself at first, which has handlers of its own.
            let program = fs::read_link(format!("/proc/{init}/exe"))?;
            ensure!(program == fs::canonicalize(scene.binary())?, "{}", program.display());
            Ok(init)
        })?;
        Ok((outer, init))
    })?;
    scene.wait_empty(secs(5))
}

/// The daemon in the place of a shell that has done this before.
fn after(scene: &Scene, script: &str, arguments: &[&str]) -> Command {
    let mut command = scene.command("sh");
    command.args(["-c", &format!("{script}\nexec \"$0\" \"$@\"")]).arg(scene.binary());
    command.args(arguments);
    command
}

pub(crate) fn children_of_the_starter_do_not_stay_as_zombies(scene: &Scene) -> Result<()> {
    for launcher in ["fork", "spawn"] {
        let config = scene.config(&["a"]).set("supervisor", "launcher", launcher);
        let config = config.set("DEFAULT", "debug", "true");
        let file = scene.write("cinder.conf", &config.text())?;
        let arguments = ["--config-file", &file.to_string_lossy()];
        let before = process::text_of(&scene.path("daemon.log"));
        let reaped = before.matches("which was not ours").count();
        let daemon = scene.start_command(&mut after(scene, "true &\nsleep 1 &", &arguments))?;
        daemon.wait_up(1)?;
        daemon.wait_log("which was not ours", reaped + 2)?;
        wait_for("the worker alone", SOON, || {
            let children = process::children(daemon.pid());
            ensure!(children.len() == 1, "{children:?}");
            Ok(())
        })?;
        daemon.end_with(Signal::SIGTERM, 0)?;
    }
    Ok(())
}

pub(crate) fn nobody_else_may_read_what_the_daemon_makes(scene: &Scene) -> Result<()> {
    let log = scene.path("made.log");
    let config = scene.config(&["a"]).set("DEFAULT", "log_file", &log.to_string_lossy());
    let file = scene.write("cinder.conf", &config.text())?;
    let arguments = ["--config-file", &file.to_string_lossy()];
    let daemon = scene.start_command(&mut after(scene, "umask 0", &arguments))?;
    daemon.wait_up(1)?;
    for made in [scene.database(), log, scene.path("cinder-volume.lock")] {
        let mode = fs::metadata(&made)?.permissions().mode() & 0o777;
        ensure!(mode & 0o027 == 0, "{}: {mode:o}", made.display());
    }
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn what_the_starter_left_open_reaches_no_subprocess(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]).set("supervisor", "launcher", "spawn");
    let file = scene.write("cinder.conf", &config.text())?;
    let arguments = ["--config-file", &file.to_string_lossy()];
    let script = "exec 5</dev/zero 7</dev/zero";
    let daemon = scene.start_command(&mut after(scene, script, &arguments))?;
    let worker = *daemon.wait_up(1)?.first().context("no worker")?;
    let open = |pid| -> Result<usize> {
        let all = process::descriptors(pid)?;
        Ok(all.values().filter(|target| *target == "/dev/zero").count())
    };
    ensure!((open(daemon.pid())?, open(worker)?) == (2, 0), "{:?}", process::descriptors(worker)?);
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_log_file_at_its_size_limit_ends_nobody(scene: &Scene) -> Result<()> {
    const LIMIT: usize = 2_000_000;
    let log = scene.path("limited.log");
    let config = scene.config(&["a", "b"]).set("DEFAULT", "log_file", &log.to_string_lossy());
    let file = scene.write("cinder.conf", &config.text())?;
    let mut command = scene.command("prlimit");
    command.arg(format!("--fsize={LIMIT}")).arg(scene.binary()).arg("--config-file").arg(&file);
    let daemon = scene.start_command(&mut command)?;
    let workers = daemon.wait_up(2)?;
    use std::io::Write as _;
    fs::File::options().append(true).open(&log)?.write_all(&vec![b'x'; LIMIT])?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}
