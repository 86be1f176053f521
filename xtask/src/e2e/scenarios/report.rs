//! The Guru report: on SIGUSR2, on a touched file, by command (spec/logging.md §8).

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::database_faults::AWAY;
use crate::database::Lock;
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::namespace::Namespaces;
use crate::e2e::props::scene::{Outcome, Scene};
use crate::process::{self, text_of};
use crate::wait::{secs, wait_for};

/// As it stands in its box, and in no line of the log.
const TITLE: &str = "  Guru Meditation  ";

/// What every worker's report shows, and a parent's: the outermost function of a thread, and the
/// loop of a process.
const OF_WORKER: &str = "thread_start";
const OF_LOOP: &str = "oslo_launcher::";

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
    ensure!(log.contains(OF_LOOP) && !log.contains(OF_WORKER), "not the parent's stack:\n{log}");
    ensure!(log.contains("cinder.conf:"), "the report does not say where an option comes from");
    let worker = *workers.first().context("no worker")?;
    let before = daemon.count(TITLE);
    process::signal(worker, Signal::SIGUSR2)?;
    daemon.wait_log(TITLE, before + 1)?;
    daemon.wait_log("callers wait", 1)?;
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    ensure!(daemon.log().contains(OF_WORKER), "the worker's threads show no stack");
    daemon.end_with(Signal::SIGTERM, 0)
}

/// Runs `report` with the daemon's configuration.
fn report(scene: &Scene, words: &[&str]) -> Result<Outcome> {
    let file = scene.path("cinder.conf");
    let config = ["report", "--config-file", &file.to_string_lossy()].map(str::to_owned);
    let words: Vec<&str> = config.iter().map(String::as_str).chain(words.iter().copied()).collect();
    scene.finish(&mut scene.cinder_volume(&words), secs(60))
}

pub(crate) fn a_report_shows_threads_that_hang_in_a_locked_database(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    let workers = daemon.wait_up(2)?;
    let lock = Lock::take(&scene.database())?;
    wait_for("each worker to miss the database", secs(60), || {
        ensure!(daemon.count(AWAY) == 2, "seen {}", daemon.count(AWAY));
        Ok(())
    })?;
    // Between two tries a heartbeat sleeps; sooner or later a report meets it in the database.
    for name in ["a", "b"] {
        wait_for(&format!("the heartbeat of {name} to be met"), secs(60), || {
            let outcome = report(scene, &["--worker", name])?;
            ensure!(outcome.code == Some(0), "{outcome:?}");
            ensure!(outcome.out.contains("sqlite3"), "{}", outcome.out);
            ensure!(outcome.out.contains("cinder_db::"), "{}", outcome.out);
            Ok(())
        })?;
    }
    ensure!(process::threads(daemon.pid()) == 1, "the parent has more than one thread");
    drop(lock);
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

/// Threads of a worker that has nothing to do: for signals, service, heartbeat, messages that come,
/// what carries them out, what is told to schedulers, connections to the database, and what comes again and again.
const RESTING: usize = 8;

pub(crate) fn a_burst_of_50_report_signals_does_no_harm(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    let workers = daemon.wait_up(2)?;
    for _ in 0..50 {
        for &pid in workers.iter().chain([&daemon.pid()]) {
            process::signal(pid, Signal::SIGUSR2)?;
        }
    }
    daemon.wait_log(TITLE, 3)?;
    daemon.wait_beats(3)?;
    daemon.expect_workers(&workers)?;
    wait_for("the reporters to be gone", SOON, || {
        let children = process::children(daemon.pid());
        ensure!(children.len() == 2, "{children:?}");
        let threads = |pid: &i32| process::threads(*pid);
        ensure!(
            workers.iter().map(threads).all(|count| count == RESTING),
            "a thread was left behind"
        );
        Ok(())
    })?;
    ensure!(process::threads(daemon.pid()) == 1, "the parent has more than one thread");
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}

/// Reports in the directory of this process.
fn reports_of(directory: &Path, pid: i32) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let ends = format!("_{pid}");
    let ours = |name: &String| name.starts_with("cinder-volume_gurumeditation_20");
    names.filter(|name| ours(name) && name.ends_with(&ends)).collect()
}

pub(crate) fn a_touched_file_asks_for_a_report_as_the_signal_does(scene: &Scene) -> Result<()> {
    let (asks, directory) = (scene.path("asks"), scene.path("reports"));
    fs::create_dir(&directory)?;
    let config = scene
        .config(&["a", "b"])
        .set("oslo_reports", "file_event_handler", &asks.to_string_lossy())
        .set("oslo_reports", "log_dir", &directory.to_string_lossy());
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(2)?;
    // Missing at the start is no mistake (upstream: exit 1), and told once.
    daemon.wait_log("[oslo_reports] file_event_handler: ", 1)?;
    let written = |pid: i32, count: usize| {
        wait_for(&format!("report {count} of {pid}"), SOON, || {
            let names = reports_of(&directory, pid);
            let texts = names.iter().map(|name| text_of(&directory.join(name)));
            let seen: usize = texts.map(|text| text.matches(TITLE).count()).sum();
            ensure!(seen >= count, "{names:?} hold {seen}");
            Ok(())
        })
    };
    fs::write(&asks, "")?;
    written(daemon.pid(), 1)?;
    fs::File::options().write(true).open(&asks)?.set_modified(std::time::SystemTime::now())?;
    written(daemon.pid(), 2)?;
    // Here upstream's daemon dies (spec/logging.md §8).
    daemon.signal(Signal::SIGUSR2)?;
    written(daemon.pid(), 3)?;
    for &pid in &workers {
        ensure!(reports_of(&directory, pid).is_empty(), "worker {pid} reported for the parent");
        process::signal(pid, Signal::SIGUSR2)?;
        written(pid, 1)?;
    }
    daemon.wait_beats(1)?;
    daemon.expect_workers(&workers)?;
    ensure!(daemon.count(TITLE) == 0, "a report went to the standard error as well");
    ensure!(daemon.count("[oslo_reports] file_event_handler: ") == 1, "told more than once");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn the_report_command_prints_parent_and_workers(scene: &Scene) -> Result<()> {
    for launcher in ["fork", "spawn"] {
        let config = scene.config(&["a", "b"]).set("supervisor", "launcher", launcher);
        let daemon = scene.start(&config)?;
        let workers = daemon.wait_up(2)?;
        command_prints(scene, &daemon, &workers).with_context(|| format!("launcher {launcher}"))?;
        daemon.wait_beats(2)?;
        daemon.expect_workers(&workers)?;
        ensure!(daemon.count(TITLE) == 0, "a report was written besides");
        daemon.end_with(Signal::SIGTERM, 0)?;
        scene.wait_empty(secs(5))?;
    }
    Ok(())
}

fn command_prints(scene: &Scene, daemon: &Daemon, workers: &[i32]) -> Result<()> {
    let all = report(scene, &[])?;
    ensure!(all.code == Some(0) && all.err.is_empty(), "{all:?}");
    ensure!(all.out.matches(TITLE).count() == 3, "not three reports:\n{}", all.out);
    ensure!(all.out.contains(&format!("# process {}: parent\n", daemon.pid())));
    for (name, pid) in ["a", "b"].iter().zip(workers) {
        ensure!(all.out.contains(&format!("# process {pid}: back end {name}\n")), "{}", all.out);
    }
    let one = report(scene, &["--worker", "b", "--json"])?;
    ensure!(one.code == Some(0), "{one:?}");
    let value: Value = serde_json::from_str(&one.out)?;
    ensure!(value.as_array().is_some_and(|all| all.len() == 1), "{}", one.out);
    let report_of_b = &value[0]["report"];
    ensure!(value[0]["backend"] == "b" && report_of_b["process"] == workers[1], "{}", one.out);
    let names: Vec<&Value> =
        report_of_b["threads"].as_array().into_iter().flatten().map(|one| &one["name"]).collect();
    ensure!(names.iter().any(|name| **name == "service"), "{names:?}");
    let worker = workers[0].to_string();
    let named = report(scene, &["--pid", &worker])?;
    ensure!(named.out.starts_with(&format!("# process {worker}: back end a\n")), "{named:?}");
    ensure!(named.out.matches(TITLE).count() == 1, "{named:?}");
    Ok(())
}

pub(crate) fn the_report_command_says_whom_it_does_not_find(scene: &Scene) -> Result<()> {
    let refused = |outcome: Outcome, text: &str| {
        ensure!(outcome.code == Some(1), "{outcome:?}");
        ensure!(outcome.err.contains(text) && outcome.out.is_empty(), "{outcome:?}");
        Ok(())
    };
    let config = scene.config(&["a"]);
    scene.write("cinder.conf", &config.text())?;
    // Other scenarios' daemons may run: with other files.
    let nobody = report(scene, &[])?;
    ensure!(nobody.code == Some(1) && nobody.out.is_empty(), "{nobody:?}");
    let ours = std::process::id().to_string();
    refused(report(scene, &["--pid", &ours])?, &format!("process {ours} is no cinder-volume"))?;
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(1)?;
    let unknown = "--worker x: not one of the daemon's back ends (a)";
    refused(report(scene, &["--worker", "x"])?, unknown)?;
    let pid = daemon.pid().to_string();
    let stopped = *workers.first().context("no worker")?;
    process::signal(stopped, Signal::SIGSTOP)?;
    let one = report(scene, &["--pid", &pid])?;
    process::signal(stopped, Signal::SIGCONT)?;
    ensure!(one.code == Some(1) && one.out.matches(TITLE).count() == 1, "{one:?}");
    let why = format!("back end a: process {stopped}: no answer within 15 s");
    ensure!(one.err.contains(&why), "{}", one.err);
    daemon.wait_beats(1)?;
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_report_that_nobody_reads_holds_up_nothing(scene: &Scene) -> Result<()> {
    let config: Config = scene.config(&["a"]).set(
        "DEFAULT",
        "log_file",
        &scene.path("cinder-volume.log").to_string_lossy(),
    );
    let file = scene.write("cinder.conf", &config.text())?;
    let mut command = scene.cinder_volume(&["--config-file", &file.to_string_lossy()]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let daemon = Daemon::adopt(child, &scene.path("cinder-volume.log"), &scene.store())?;
    let workers = daemon.wait_up(1)?;
    let worker = *workers.first().context("no worker")?;
    // A pipe holds one report and a half, so from the second on none gets through.
    for failures in [1, 3] {
        for pid in [daemon.pid(), worker] {
            process::signal(pid, Signal::SIGUSR2)?;
        }
        daemon.wait_log("cannot write the Guru Meditation Report to standard error", failures)?;
    }
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_report_from_other_namespaces_is_given_or_says_why_it_cannot_be(
    scene: &Scene,
) -> Result<()> {
    let config = scene.config(&["a"]);
    let file = scene.write("cinder.conf", &config.text())?;
    // (namespaces of the daemon, whether an answer comes to those who ask from outside)
    for (kinds, answers) in
        [(&["--pid", "--fork"][..], true), (&["--pid", "--fork", "--net"][..], false)]
    {
        let namespaces = Namespaces::ask(scene, kinds)?;
        let mut command = namespaces.command(scene);
        command.arg("--kill-child").arg(scene.binary()).arg("--config-file").arg(&file);
        let outer = scene.start_command(&mut command)?;
        let inner = wait_for("the daemon and its worker", SOON, || {
            let inner = *process::living_children(outer.pid()).first().context("no child")?;
            ensure!(process::living_children(inner).len() == 1, "no worker");
            Ok(inner)
        })?;
        outer.wait_log("Driver post RPC initialization completed successfully.", 1)?;
        let words = ["report", "--pid", &inner.to_string()];
        let outcome = scene.finish(&mut scene.cinder_volume(&words), secs(10))?;
        if answers {
            ensure!(outcome.code == Some(0) && outcome.out.contains(TITLE), "{outcome:?}");
        } else {
            let reason = format!("process {inner} is in another network namespace");
            ensure!(outcome.code == Some(1) && outcome.err.contains(&reason), "{outcome:?}");
        }
        process::signal(inner, Signal::SIGTERM)?;
        scene.wait_empty(SOON)?;
        fs::remove_file(scene.path("daemon.log"))?;
    }
    // Who asks within a process namespace of their own does not see the daemon outside.
    let namespaces = Namespaces::ask(scene, &["--pid", "--fork", "--mount-proc"])?;
    let daemon = scene.start(&config)?;
    daemon.wait_up(1)?;
    let mut command = namespaces.command(scene);
    command.arg(scene.binary()).args(["report", "--config-file"]).arg(&file);
    let outcome = scene.finish(&mut command, secs(10))?;
    let reason = "runs here that we may look at";
    ensure!(outcome.code == Some(1) && outcome.err.contains(reason), "{outcome:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}
