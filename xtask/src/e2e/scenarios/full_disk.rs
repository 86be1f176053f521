//! A file system that is full under everything: database, records, sockets and volumes.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::volumes::{SOON, config};
use crate::e2e::props::daemon::Daemon;
use crate::e2e::props::namespace::Namespaces;
use crate::e2e::props::scene::{Outcome, Scene};
use crate::wait::wait_for;

const KINDS: [&str; 3] = ["--mount", "--propagation", "private"];

/// A daemon whose `state_path` is a whole disk, in a mount namespace of its own.
struct Small<'a> {
    scene: &'a Scene,
    namespaces: Namespaces,
    daemon: Daemon,
}

impl<'a> Small<'a> {
    fn start(scene: &'a Scene) -> Result<Self> {
        let namespaces = Namespaces::ask(scene, &KINDS)?;
        let disk = scene.path("small");
        fs::create_dir(&disk)?;
        let text = disk.to_string_lossy();
        let config = config(scene)
            .set("DEFAULT", "state_path", &text)
            .set("database", "connection", &format!("sqlite:///{text}/cinder.sqlite"))
            .set("coordination", "backend_url", &format!("file://{text}"))
            .text();
        let file = scene.write("cinder.conf", &config)?;
        let mut command = namespaces.command(scene);
        let script = "mount -t tmpfs -o size=3m none \"$0\" && exec \"$@\"";
        command.args(["sh", "-c", script]).arg(&disk);
        let daemon =
            scene.start_command(command.arg(scene.binary()).arg("--config-file").arg(file))?;
        daemon.wait_log("Driver post RPC initialization completed successfully.", 1)?;
        Ok(Self { scene, namespaces, daemon })
    }

    /// `volume` with these words, beside the daemon.
    fn run(&self, words: &[&str]) -> Result<Outcome> {
        let mut command = self.namespaces.beside(self.scene, self.daemon.pid());
        command.arg(self.scene.binary()).arg("volume").args(words);
        command.args(["--json", "--config-file"]).arg(self.scene.path("cinder.conf"));
        self.scene.finish(&mut command, SOON)
    }

    /// What that printed, having ended well.
    fn told(&self, words: &[&str]) -> Result<Value> {
        let outcome = self.run(words)?;
        ensure!(outcome.code == Some(0), "{words:?}: {outcome:?}");
        serde_json::from_str(&outcome.out).with_context(|| format!("{words:?}: {outcome:?}"))
    }

    fn filler(&self) -> PathBuf {
        let disk = self.scene.path("small");
        PathBuf::from(format!("/proc/{}/root{}/filler", self.daemon.pid(), disk.display()))
    }

    fn fill(&self) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(self.filler())?;
        for size in [4096, 1] {
            while file.write(&vec![0; size]).is_ok_and(|length| length > 0) {}
        }
        Ok(())
    }
}

pub(crate) fn a_full_state_path_fails_what_is_asked_for_and_leaves_nothing_half_done(
    scene: &Scene,
) -> Result<()> {
    let small = Small::start(scene)?;
    small.told(&["create", "--size", "1", "--name", "a", "--wait"])?;
    let workers = small.daemon.workers();
    for words in [
        &["create", "--size", "1", "--name", "b", "--wait"][..],
        &["snapshot", "create", "a", "--name", "s", "--wait"],
        &["clone", "a", "--name", "c", "--wait"],
        &["extend", "a", "--size", "2", "--wait"],
        &["delete", "a", "--wait"],
    ] {
        small.fill()?;
        let outcome = small.run(words)?;
        ensure!(outcome.code != Some(0), "{words:?} on a full disk: {outcome:?}");
        let said = format!("{}{}", outcome.out, outcome.err);
        ensure!(said.contains("full") || said.contains("error"), "{words:?} says not why: {said}");
    }
    fs::remove_file(small.filler())?;
    wait_for("everything to be settled", SOON, || {
        let volumes = small.told(&["list"])?;
        let statuses = volumes.as_array().context("no list")?.iter().map(|one| &one["status"]);
        let is_over = |status: &Value| status == "available" || status == "error";
        let all: Vec<_> = statuses.collect();
        ensure!(all.iter().all(|status| is_over(status)), "{all:?}");
        Ok(())
    })?;
    let orphans = small.told(&["orphans"])?;
    ensure!(orphans["unknown_count"] == 0, "{orphans}");
    small.told(&["extend", "a", "--size", "2", "--wait"])?;
    small.told(&["create", "--size", "1", "--name", "d", "--wait"])?;
    ensure!(small.daemon.workers() == workers, "a worker was replaced");
    small.daemon.end_with(Signal::SIGTERM, 0)
}
