//! The files of `docs/examples` for systemd, containers and Kubernetes keep what they promise.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::Skip;
use crate::e2e::props::daemon::Daemon;
use crate::e2e::props::scene::{Outcome, Scene};
use crate::wait::{secs, wait_for};
use crate::{cargo, process};

/// Where the samples expect the program.
const INSTALLED: &str = "/usr/bin/cinder-volume";

/// `systemd-analyze security` gives ten times the figure between 0 (nothing) and 10 (everything).
/// It is 12 today; a program that opens sockets cannot get much below that.
const EXPOSURE: &str = "15";

fn sample(name: &str) -> Result<String> {
    let path = cargo::root().join("docs/examples").join(name);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

pub(crate) fn the_sample_unit_is_valid_and_exposes_little(scene: &Scene) -> Result<()> {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return Err(Skip("systemd-analyze is not installed (package systemd)".to_owned()).into());
    }
    let unit = sample("cinder-volume.service")?;
    ensure!(unit.contains(INSTALLED));
    // A unit whose program does not exist is not valid.
    let unit = unit.replace(INSTALLED, &scene.binary().to_string_lossy());
    let file = scene.write("cinder-volume.service", &unit)?;
    let analyze = |words: &[&str]| {
        scene.finish(scene.command("systemd-analyze").args(words).arg(&file), secs(30))
    };
    let verified = analyze(&["verify", "--man=no"])?;
    ensure!(verified.code == Some(0) && verified.all().trim().is_empty(), "{verified:?}");
    let threshold = format!("--threshold={EXPOSURE}");
    let judged = analyze(&["security", "--offline=true", "--no-pager", &threshold])?;
    ensure!(judged.code == Some(0), "more exposed than {EXPOSURE}: {}", judged.all());
    Ok(())
}

/// The words of every `command: […]` and `CMD […]` that run the program.
fn commands(text: &str) -> Result<BTreeSet<Vec<String>>> {
    let lists = text.lines().filter_map(|line| {
        let line = line.trim();
        line.strip_prefix("command: ").or_else(|| line.strip_prefix("CMD "))
    });
    let parsed = lists.map(|list| {
        serde_json::from_str::<Vec<String>>(list).with_context(|| format!("{list} is no list"))
    });
    let all: BTreeSet<_> = parsed.collect::<Result<_>>()?;
    Ok(all
        .into_iter()
        .filter(|words| words.first().is_some_and(|word| word == INSTALLED))
        .collect())
}

/// Runs a probe as the container would: on the same configuration, found by its place, and with
/// the daemon's process id in place of 1.
fn probe(scene: &Scene, daemon: &Daemon, words: &[String]) -> Result<Outcome> {
    let pid = daemon.pid().to_string();
    let words: Vec<&str> =
        words.iter().skip(1).map(|word| if word == "1" { pid.as_str() } else { word }).collect();
    scene.run(&words)
}

pub(crate) fn the_sample_probes_tell_a_daemon_that_is_well_from_one_that_is_not(
    scene: &Scene,
) -> Result<()> {
    let mut probes = commands(&sample("kubernetes.yaml")?)?;
    probes.extend(commands(&sample("Containerfile")?)?);
    let (alive, ready): (Vec<_>, Vec<_>) =
        probes.into_iter().partition(|words| words.iter().any(|word| word == "--alive"));
    let ([alive], [ready]) = (alive.as_slice(), ready.as_slice()) else {
        anyhow::bail!("{alive:?} and {ready:?} are not one probe each");
    };
    let any = [&ready[..2], &["--check=any".to_owned()]].concat();
    let only_b = [ready.as_slice(), &["--backend_name=b".to_owned()]].concat();

    // `cinder.conf` in the home directory is found without being named, as /etc/cinder is.
    let config = scene.config(&["a", "b"]).set("DEFAULT", "service_down_time", "3");
    let broken = config.clone().set("b", "extra_capabilities", "{not json");
    let expect = |daemon: &Daemon, words: &[String], code| {
        wait_for(&format!("{words:?} to exit with {code}"), crate::e2e::props::daemon::SOON, || {
            let outcome = probe(scene, daemon, words)?;
            ensure!(outcome.code == Some(code), "{outcome:?}");
            Ok(())
        })
    };

    let daemon = scene.start(&broken)?;
    daemon.wait_up(1)?;
    for (words, code) in [(alive.as_slice(), 0), (ready, 3), (&any, 0), (&only_b, 3)] {
        expect(&daemon, words, code).context("one back end of two")?;
    }
    daemon.end_with(Signal::SIGTERM, 0)?;

    let daemon = scene.start(&config)?;
    daemon.wait_up(2)?;
    for words in [alive.as_slice(), ready, &any, &only_b] {
        expect(&daemon, words, 0).context("two back ends of two")?;
    }
    // The supervisor stands still, the workers do not.
    daemon.signal(Signal::SIGSTOP)?;
    expect(&daemon, alive, 3)?;
    expect(&daemon, ready, 0)?;
    daemon.signal(Signal::SIGCONT)?;
    expect(&daemon, alive, 0)?;
    // The workers stand still, the supervisor does not.
    for worker in daemon.workers() {
        process::signal(worker, Signal::SIGSTOP)?;
    }
    expect(&daemon, ready, 3)?;
    expect(&daemon, &any, 3)?;
    expect(&daemon, alive, 0)?;
    for worker in daemon.workers() {
        process::signal(worker, Signal::SIGCONT)?;
    }
    daemon.end_with(Signal::SIGTERM, 0)?;
    let gone = probe(scene, &daemon, alive)?;
    ensure!(gone.code == Some(1), "{gone:?}");
    Ok(())
}

/// The number behind `name` in a sample.
fn figure(text: &str, name: &str) -> Result<u64> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(name));
    value.and_then(|value| value.trim().parse().ok()).with_context(|| format!("no {name}"))
}

pub(crate) fn the_samples_give_a_stop_the_time_it_needs(scene: &Scene) -> Result<()> {
    let file = scene.write("cinder.conf", &scene.config(&["a"]).text())?;
    let dump = scene.run(&["--config-file", &file.to_string_lossy(), "config", "dump"])?;
    let text = dump.out.replace("  #", "\n"); // where a value comes from stands behind it
    let drain = figure(&text, "[DEFAULT] graceful_shutdown_timeout = ")?;
    // Five seconds are for workers that were killed (docs/supervision.md).
    let needed = drain + 5;
    let unit = sample("cinder-volume.service")?;
    let stop = figure(&unit, "TimeoutStopSec=")?;
    ensure!(stop > needed, "TimeoutStopSec={stop} is not more than {needed}");
    let pod = figure(&sample("kubernetes.yaml")?, "terminationGracePeriodSeconds:")?;
    ensure!(pod > needed, "terminationGracePeriodSeconds: {pod} is not more than {needed}");
    Ok(())
}
