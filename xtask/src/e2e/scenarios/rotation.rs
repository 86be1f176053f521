//! One log file, fifty workers, and somebody who rotates it: logrotate or the daemon itself
//! (spec/logging.md §2.4; docs/operating.md, "Log").
//!
//! Lines that must all be there: when `debug` changes, parent and workers say so once each.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;

use crate::cargo;
use crate::e2e::props::Skip;
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::process::text_of;
use crate::wait::{secs, wait_for};

const WORKERS: usize = 50;
/// What the parent says of a change, and each worker that follows.
const TOLD: [&str; 2] = ["Option DEFAULT.debug changed from", "Child caught SIGHUP, handling"];

/// The daemon, and all the files that its log is in.
struct Subject<'s> {
    scene: &'s Scene,
    config: Config,
    daemon: Daemon,
    /// How often `debug` was changed.
    turns: usize,
}

impl<'s> Subject<'s> {
    /// Starts fifty back ends that log to a file, with these options besides.
    fn start(scene: &'s Scene, options: &[(&str, &str)]) -> Result<Self> {
        let names: Vec<_> = (1..=WORKERS).map(|number| format!("b{number:02}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let logs = logs(scene);
        fs::create_dir(&logs)?;
        // logrotate refuses a directory that others may write to, whatever our mask says.
        fs::set_permissions(&logs, fs::Permissions::from_mode(0o755))?;
        let mut config = scene.config(&names).set("DEFAULT", "debug", "false").set(
            "DEFAULT",
            "log_dir",
            &logs.to_string_lossy(),
        );
        for (name, value) in options {
            config = config.set("DEFAULT", name, value);
        }
        let file = scene.write("cinder.conf", &config.text())?;
        let output = File::create(scene.path("daemon.log"))?;
        let child = scene
            .cinder_volume(&["--config-file", &file.to_string_lossy()])
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("cannot start the daemon")?;
        let daemon = Daemon::adopt(child, &log(scene), &scene.store())?;
        daemon.wait_up(WORKERS)?;
        Ok(Self { scene, config, daemon, turns: 0 })
    }

    /// Changes `debug`, and waits until everybody has told of the HUP in one of the files.
    fn change_debug(&mut self) -> Result<()> {
        self.turns += 1;
        let debug = if self.turns.is_multiple_of(2) { "false" } else { "true" };
        self.config = self.config.clone().set("DEFAULT", "debug", debug);
        self.scene.write("cinder.conf", &self.config.text())?;
        self.daemon.signal(Signal::SIGHUP)?;
        let expected = self.turns * (WORKERS + 1);
        wait_for(&format!("{expected} lines about the change"), SOON, || {
            let found = self.count(&TOLD)?;
            ensure!(found == expected, "found {found}");
            Ok(())
        })
    }

    /// As [`Subject::change_debug`], after the last rotation: all of it is where the path leads.
    fn change_debug_in_the_current_file(&mut self) -> Result<()> {
        let told = || {
            let text = text_of(&log(self.scene));
            TOLD.iter().map(|told| text.matches(told).count()).sum::<usize>()
        };
        let before = told();
        self.change_debug()?;
        let found = told() - before;
        ensure!(found == WORKERS + 1, "{found} lines in the file that the path names");
        Ok(())
    }

    /// Every line of all files; an error if one is torn.
    fn lines(&self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        for path in files(self.scene)? {
            // A file that is being renamed is found under its other name.
            let Ok(text) = fs::read_to_string(&path) else { continue };
            ensure!(!text.contains('\0'), "{} has a hole", path.display());
            lines.extend(text.lines().map(str::to_owned));
        }
        Ok(lines)
    }

    /// Lines that contain one of these texts.
    fn count(&self, texts: &[&str]) -> Result<usize> {
        let told = |line: &&String| texts.iter().any(|text| line.contains(text));
        Ok(self.lines()?.iter().filter(told).count())
    }

    /// Checks every line, and that the daemon ends well.
    fn end(self) -> Result<()> {
        self.daemon.end_with(Signal::SIGTERM, 0)?;
        for line in self.lines()? {
            let words: Vec<&str> = line.splitn(5, ' ').collect();
            let [date, time, pid, level, _] = words.as_slice() else { bail!("torn: {line}") };
            ensure!(date.len() == 10 && time.len() == 12, "torn: {line}");
            ensure!(pid.parse::<i32>().is_ok() && !level.is_empty(), "torn: {line}");
        }
        let expected = self.turns * (WORKERS + 1);
        let found = self.count(&TOLD)?;
        ensure!(found == expected, "{found} lines about the changes instead of {expected}");
        self.scene.wait_empty(secs(1))
    }
}

fn logs(scene: &Scene) -> PathBuf {
    scene.path("logs")
}

fn log(scene: &Scene) -> PathBuf {
    logs(scene).join("cinder-volume.log")
}

/// The log file and those that it has been.
fn files(scene: &Scene) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(logs(scene))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// The sample of `docs/examples` for this scene's log, with every file kept and readable.
fn sample(scene: &Scene) -> Result<String> {
    let path = cargo::root().join("docs/examples/cinder-volume.logrotate");
    let mut text = fs::read_to_string(&path)?;
    for (from, to) in [
        ("/var/log/cinder/cinder-volume.log", format!("{:?}", log(scene))),
        ("rotate 30\n", "rotate 1000\n".to_owned()),
        ("    compress\n", String::new()),
        ("    delaycompress\n", String::new()),
    ] {
        ensure!(text.contains(from), "{} lacks {from}", path.display());
        text = text.replace(from, &to);
    }
    Ok(text)
}

/// A logrotate that rotates whenever it is run.
fn logrotate(scene: &Scene, text: &str) -> Result<Command> {
    if Command::new("logrotate").arg("--version").output().is_err() {
        return Err(Skip("logrotate is not installed (package logrotate)".to_owned()).into());
    }
    let file = scene.write("logrotate.conf", text)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
    let mut command = scene.command("logrotate");
    command.arg("--force").arg("--state").arg(scene.path("logrotate.state")).arg(file);
    let output = File::create(scene.path("run.out"))?;
    command.stdout(output.try_clone()?).stderr(output).stdin(Stdio::null());
    Ok(command)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot run logrotate")?;
    ensure!(status.success(), "logrotate: {status}");
    Ok(())
}

pub(crate) fn logrotate_with_create_loses_no_line_of_fifty_workers(scene: &Scene) -> Result<()> {
    let mut rotate = logrotate(scene, &sample(scene)?)?;
    let mut subject = Subject::start(scene, &[])?;
    let ended = AtomicBool::new(false);
    let times = thread::scope(|scope| {
        let rotating = scope.spawn(|| {
            let mut times = 0;
            while !ended.load(Ordering::Acquire) {
                run(&mut rotate)?;
                times += 1;
            }
            Ok::<usize, anyhow::Error>(times)
        });
        let changed = (0..10).try_for_each(|_| subject.change_debug());
        ended.store(true, Ordering::Release);
        let times = rotating.join().unwrap_or_else(|_| bail!("panicked"));
        changed.and(times)
    })?;
    ensure!(times > 1, "rotated {times} times");
    subject.change_debug_in_the_current_file()?;
    let odd = files(scene)?.into_iter().find(|path| path.to_string_lossy().ends_with(".backup"));
    ensure!(odd.is_none(), "logrotate found a file where it wanted to create one: {odd:?}");
    subject.end()
}

pub(crate) fn logrotate_with_copytruncate_loses_no_line_and_leaves_no_hole(
    scene: &Scene,
) -> Result<()> {
    // What is written between its last read and its truncation is lost by its construction, so
    // it comes when everybody has spoken.
    let text = format!("{:?} {{\n  rotate 1000\n  copytruncate\n}}\n", log(scene));
    let mut rotate = logrotate(scene, &text)?;
    let mut subject = Subject::start(scene, &[])?;
    for times in 1..=6 {
        subject.change_debug()?;
        run(&mut rotate)?;
        let found = files(scene)?.len();
        ensure!(found == times + 1, "{found} files after {times} rotations");
    }
    subject.change_debug_in_the_current_file()?;
    subject.end()
}

pub(crate) fn rotation_by_size_loses_no_line_of_fifty_workers(scene: &Scene) -> Result<()> {
    let options =
        [("log_rotation_type", "size"), ("max_logfile_size_mb", "1"), ("max_logfile_count", "100")];
    let mut subject = Subject::start(scene, &options)?;
    // The parent says a lot, the workers rotate with it. Nobody reads the file while it is written:
    // half of it may be acceptable.
    for round in 1..=4 {
        let bad = subject.config.clone().set("DEFAULT", "report_interval", "maybe").text();
        let unknown = (0..120).map(|number| format!("{}{number} = x\n", "u".repeat(150)));
        scene.write("cinder.conf", &format!("{bad}\n[b01]\n{}", unknown.collect::<String>()))?;
        for number in 1..=25 {
            subject.daemon.signal(Signal::SIGHUP)?;
            let expected = (round - 1) * 25 + number;
            wait_for(&format!("{expected} refusals"), SOON, || {
                let found = subject.count(&["The new configuration has 1 errors"])?;
                ensure!(found == expected, "{found}");
                Ok(())
            })?;
        }
        subject.change_debug()?;
    }
    let rotated = files(scene)?.len() - 1;
    ensure!(rotated >= 2, "rotated {rotated} times");
    for path in files(scene)? {
        let length = fs::metadata(&path)?.len();
        // Who does not rotate writes on meanwhile: a line or so of each.
        ensure!(length <= (1 << 20) + 50_000, "{} has {length} bytes", path.display());
        // A rotation that happened twice would leave a file with next to nothing.
        ensure!(path == log(scene) || length > 500_000, "{} has {length} bytes", path.display());
    }
    subject.end()
}
