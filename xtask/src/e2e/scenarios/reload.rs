//! HUP: in a daemon and in the foreground of a terminal (spec/launcher.md §5–6; spec/config.md §9).

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::e2e::props::terminal::Terminal;
use crate::process::{self, text_of};
use crate::wait::{secs, wait_for};

pub(crate) fn a_hup_applies_debug_and_keeps_every_process(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]).set("DEFAULT", "debug", "false");
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(2)?;
    ensure!(daemon.count(" DEBUG ") == 0, "debug lines before debug was set");
    scene.write("cinder.conf", &config.set("DEFAULT", "debug", "true").text())?;
    daemon.signal(Signal::SIGHUP)?;
    // The files are read once: told in the parent, followed by each child.
    daemon.wait_log("Option DEFAULT.debug changed from [false] to [true]", 1)?;
    daemon.wait_log("Child caught SIGHUP, handling", 2)?;
    for worker in &workers {
        daemon.wait_log(&format!(" {worker} DEBUG "), 1)?;
    }
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    ensure!(daemon.count("Option DEFAULT.debug changed") == 1, "reported more than once");
    // So does one that comes later.
    let victim = workers[0];
    process::signal(victim, Signal::SIGKILL)?;
    daemon.wait_replaced(&[victim], 2)?;
    let newest = *daemon.workers().last().context("no worker")?;
    daemon.wait_log(&format!(" {newest} DEBUG "), 1)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_hup_does_not_apply_what_needs_a_restart(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]);
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(1)?;
    scene.write("cinder.conf", &config.set("DEFAULT", "host", "elsewhere").text())?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("Ignoring change to immutable option DEFAULT.host", 1)?;
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    ensure!(daemon.row("e2e@a").is_ok() && daemon.rows()?.len() == 1);
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_hup_reaches_the_driver_and_so_do_workers_that_come_later(
    scene: &Scene,
) -> Result<()> {
    let config = scene.config(&["disk"]).set("disk", "reserved_percentage", "0");
    let daemon = scene.start(&config)?;
    daemon.wait_up(1)?;
    let blocks = || -> Result<u64> {
        let file = scene.path("cinder.conf").to_string_lossy().into_owned();
        let words = ["volume", "create", "--size", "1", "--wait", "--json", "--config-file", &file];
        let made = scene.finish(&mut scene.cinder_volume(&words), SOON)?;
        ensure!(made.code == Some(0), "{made:?}");
        let made: serde_json::Value = serde_json::from_str(&made.out)?;
        let id = made["id"].as_str().context("no id")?;
        let path = scene.path("volumes").join("disk").join(format!("volume-{id}"));
        Ok(path.metadata()?.blocks() * 512)
    };
    ensure!(blocks()? == 0, "a sparse volume takes space");
    scene.write("cinder.conf", &config.set("disk", "local_preallocate", "true").text())?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("The driver has taken its new options over", 1)?;
    ensure!(blocks()? >= 1 << 30, "the driver goes on as before");
    // Nothing is new at the next one.
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("Child caught SIGHUP, handling", 2)?;
    let victim = *daemon.workers().first().context("no worker")?;
    process::signal(victim, Signal::SIGKILL)?;
    daemon.wait_replaced(&[victim], 1)?;
    daemon.wait_up(1)?;
    ensure!(blocks()? >= 1 << 30, "its successor goes on as before");
    ensure!(daemon.count("The driver has taken its new options over") == 1, "told more than once");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_hup_with_a_broken_file_changes_nothing(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]).set("DEFAULT", "debug", "false");
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(2)?;
    let file = scene.write("cinder.conf", "[DEFAULT]\ndebug = true\n[oops\n")?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log(&format!("{}:3", file.display()), 1)?;
    unharmed(&daemon, &workers)?;
    std::fs::remove_file(&file)?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("Failed to find some config files", 1)?;
    unharmed(&daemon, &workers)?;
    ensure!(daemon.count("Option DEFAULT.debug changed") == 0, "half of the file was applied");
    // A good file is accepted afterwards.
    scene.write("cinder.conf", &config.set("DEFAULT", "debug", "true").text())?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("Option DEFAULT.debug changed from [false] to [true]", 1)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_hup_with_files_that_are_none_holds_nobody_up(scene: &Scene) -> Result<()> {
    let handlers = scene.path("handlers.ini");
    let config = scene.config(&["a", "b"]);
    let bad = config.clone().set("DEFAULT", "log_config_append", &handlers.to_string_lossy());
    for (kind, path, place) in files_that_are_none(scene)? {
        let _ = std::fs::remove_file(scene.path("daemon.log"));
        let file = scene.write("cinder.conf", &config.text())?;
        let daemon = scene.start(&config)?;
        let workers = daemon.wait_up(2)?;
        let refusal = match place {
            Place::Handlers => {
                let _ = std::fs::remove_file(&handlers);
                std::os::unix::fs::symlink(&path, &handlers)?;
                scene.write("cinder.conf", &bad.text())?;
                format!(
                    "The log goes on as it was: Error loading logging config {}: it is {kind}, \
                         not a regular file",
                    handlers.display()
                )
            }
            Place::Configuration => {
                std::fs::remove_file(&file)?;
                std::os::unix::fs::symlink(&path, &file)?;
                format!("{} is {kind}, not a regular file", file.display())
            }
        };
        daemon.signal(Signal::SIGHUP)?;
        daemon.wait_log(&refusal, 1)?;
        process::signal(workers[0], Signal::SIGKILL)?;
        daemon.wait_replaced(&workers[..1], 2)?;
        ensure!(daemon.count(&refusal) == 1, "told more than once");
        ensure!(process::lives(daemon.pid()) && process::threads(daemon.pid()) == 1);
        daemon.signal(Signal::SIGTERM)?;
        daemon.wait_exit(secs(1))?;
        std::fs::remove_file(&file)?;
    }
    Ok(())
}

/// Where something stands in place of a file.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Configuration,
    Handlers,
}

/// What one can find instead of a file, by the words of a refusal.
pub(crate) fn files_that_are_none(scene: &Scene) -> Result<Vec<(&'static str, PathBuf, Place)>> {
    let fifo = scene.path("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU)?;
    let zero = PathBuf::from("/dev/zero");
    Ok(vec![
        ("a FIFO", fifo.clone(), Place::Handlers),
        ("a character device", zero.clone(), Place::Handlers),
        ("a FIFO", fifo, Place::Configuration),
        ("a character device", zero, Place::Configuration),
    ])
}

pub(crate) fn a_hup_with_ten_thousand_unknown_options_is_over_at_once(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]).set("DEFAULT", "debug", "false");
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(1)?;
    let unknown: String = (0..10_000).map(|number| format!("volume_grup_{number} = x\n")).collect();
    let bad = config.clone().set("DEFAULT", "report_interval", "soon").text();
    scene.write("cinder.conf", &format!("{bad}\n[a]\n{unknown}"))?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("The new configuration has 1 errors; the old one stays in force", 1)?;
    daemon.wait_log("more warnings", 1)?;
    let lines = daemon.count("unknown option");
    ensure!((1..1_000).contains(&lines), "{lines} lines");
    ensure!(daemon.count("did you mean") == 0, "somebody looked for likely names");
    let good = config.set("DEFAULT", "debug", "true").text();
    scene.write("cinder.conf", &format!("{good}\n[a]\n{unknown}"))?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("Option DEFAULT.debug changed from [false] to [true]", 1)?;
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_hup_with_a_bad_value_changes_nothing(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]).set("DEFAULT", "debug", "false");
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(1)?;
    let bad = config.set("DEFAULT", "debug", "maybe");
    let file = scene.write("cinder.conf", &bad.text())?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log(&format!("{}:{}", file.display(), bad.line_of("DEFAULT", "debug")), 1)?;
    unharmed(&daemon, &workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

fn unharmed(daemon: &Daemon, workers: &[i32]) -> Result<()> {
    daemon.wait_beats(2)?;
    daemon.expect_workers(workers)
}

pub(crate) fn a_burst_of_hups_keeps_every_process(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    let workers = daemon.wait_up(2)?;
    for _ in 0..50 {
        daemon.signal(Signal::SIGHUP)?;
    }
    unharmed(&daemon, &workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_hup_while_back_ends_start_loses_none_of_them(scene: &Scene) -> Result<()> {
    // Defect 25 of spec/launcher.md §12.
    let names: Vec<_> = (1..=12).map(|n| format!("b{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let daemon = scene.start(&scene.config(&names))?;
    wait_for("the first worker", SOON, || {
        ensure!(!daemon.workers().is_empty());
        Ok(())
    })?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_up(12)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_hup_in_the_foreground_of_a_terminal_is_a_clean_stop(scene: &Scene) -> Result<()> {
    let log = scene.path("cinder-volume.log");
    let config = scene.config(&["a", "b"]).set("DEFAULT", "log_file", &log.to_string_lossy());
    let file = scene.write("cinder.conf", &config.text())?;
    let terminal = Terminal::open()?;
    // setsid makes the daemon leader of a session whose terminal is this one, in the foreground.
    let child = scene
        .bare_command("setsid")
        .arg("--ctty")
        .args([scene.binary().as_os_str(), "--config-file".as_ref(), file.as_os_str()])
        .stdin(terminal.slave()?)
        .stdout(terminal.slave()?)
        .stderr(terminal.slave()?)
        .spawn()?;
    let daemon = Daemon::adopt(child, &log, &scene.store())?;
    daemon.wait_up(2)?;
    daemon.end_with(Signal::SIGHUP, 0)?;
    scene.wait_empty(secs(1))?;
    let text = text_of(&log);
    ensure!(text.contains("Caught SIGHUP, stopping children"), "the log does not say why");
    drop(terminal);
    Ok(())
}

pub(crate) fn a_hup_reloads_a_daemon_whose_terminal_is_gone(scene: &Scene) -> Result<()> {
    let log = scene.path("cinder-volume.log");
    let config = scene.config(&["a"]).set("DEFAULT", "log_file", &log.to_string_lossy());
    let config = config.set("DEFAULT", "debug", "false");
    let file = scene.write("cinder.conf", &config.text())?;
    let mut terminal = Terminal::open()?;
    // A login shell with jobs, which starts it in the background and goes away at the next line.
    let script = "set -m; \"$0\" --config-file \"$1\" & echo $! > \"$2\"; read line";
    let number = scene.path("number");
    let mut shell = scene
        .bare_command("setsid")
        .args(["--ctty", "sh", "-c", script])
        .args([scene.binary(), &file, &number])
        .stdin(terminal.slave()?)
        .stdout(terminal.slave()?)
        .stderr(terminal.slave()?)
        .spawn()?;
    let pid: i32 = wait_for("its number", SOON, || Ok(text_of(&number).trim().parse()?))?;
    let tells = |what: &str| {
        wait_for(what, SOON, || {
            let text = text_of(&log);
            ensure!(text.contains(what), "{text}");
            Ok(())
        })
    };
    tells("Driver post RPC initialization completed successfully.")?;
    terminal.line("")?;
    drop(terminal);
    wait_for("the shell to end", SOON, || shell.try_wait()?.context("it still runs"))?;
    scene.write("cinder.conf", &config.set("DEFAULT", "debug", "true").text())?;
    process::signal(pid, Signal::SIGHUP)?;
    tells("Option DEFAULT.debug changed from [false] to [true]")?;
    ensure!(process::lives(pid) && !text_of(&log).contains("stopping children"));
    process::signal(pid, Signal::SIGTERM)?;
    scene.wait_empty(SOON)
}
