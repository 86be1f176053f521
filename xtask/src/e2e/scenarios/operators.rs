//! What operators see of operations, and how they steer them.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::Daemon;
use crate::e2e::props::http::Place;
use crate::e2e::props::scene::{Outcome, Scene};
use crate::e2e::props::skip::Skip;
use crate::wait::{secs, wait_for};

/// Longer than two restarts of a worker.
const SOON: std::time::Duration = secs(30);

/// How many creates run at a time: the fewest that can be asked for, so that one more waits.
const THREADS: usize = 20;

fn config(scene: &Scene) -> Config {
    scene
        .config(&["disk"])
        .set("disk", "volume_driver", "local")
        .set("disk", "backend_native_threads_pool_size", &THREADS.to_string())
        .set("supervisor", "stable_after", "0")
        .set("supervisor", "respawn_backoff_max", "1")
        .set("health", "bind", &Place::socket(scene).bind())
}

fn start(scene: &Scene) -> Result<Daemon> {
    let daemon = scene.start(&config(scene))?;
    wait_for("the back end and the health server to be up", SOON, || {
        let seen = operations(scene)?;
        ensure!(seen["state"] == "up", "{seen}");
        Ok(())
    })?;
    Ok(daemon)
}

/// The program with these words and the scene's configuration.
fn run(scene: &Scene, words: &[&str]) -> Result<Outcome> {
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let mut command = scene.cinder_volume(words);
    scene.finish(command.args(["--config-file", &file]), SOON)
}

/// What that printed as JSON, having ended with this status.
fn told(scene: &Scene, words: &[&str], status: i32) -> Result<Value> {
    let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    let outcome = run(scene, &words)?;
    ensure!(outcome.code == Some(status), "{words:?}: {outcome:?}");
    serde_json::from_str(&outcome.out).with_context(|| format!("{words:?}: {outcome:?}"))
}

/// What `operations` says of the one back end.
fn operations(scene: &Scene) -> Result<Value> {
    Ok(told(scene, &["operations", "--backend", "disk"], 0)?[0].clone())
}

/// Makes a volume and does not wait for it.
fn create(scene: &Scene, name: &str) -> Result<String> {
    let made = told(scene, &["volume", "create", "--size", "1", "--name", name], 0)?;
    Ok(made["id"].as_str().context("no id")?.to_owned())
}

/// Waits until a volume has this status.
fn wait_status(scene: &Scene, id: &str, wanted: &str) -> Result<()> {
    let sql = format!("SELECT status FROM volumes WHERE id = '{id}'");
    wait_for(&format!("volume {id} to be {wanted}"), SOON, || {
        let found = scene.store().lines(&sql)?;
        ensure!(found == [wanted], "{found:?}");
        Ok(())
    })
}

/// Sets fail points; an empty text lets everything go on.
fn arm(scene: &Scene, text: &str) -> Result<()> {
    // At once: somebody who is stopped looks again and again.
    fs::write(scene.path("fail-points.new"), text)?;
    Ok(fs::rename(scene.path("fail-points.new"), scene.path("fail-points"))?)
}

/// A create stops on its way; a program without fail points is of a release.
fn stopped_create(scene: &Scene, name: &str) -> Result<String> {
    arm(scene, "manager::create_volume::made = block\n")?;
    let id = create(scene, name)?;
    let stops = wait_for("the create to stop", secs(5), || {
        let seen = operations(scene)?;
        ensure!(seen["running"][0]["id"] == id.as_str(), "{seen}");
        Ok(())
    });
    if stops.is_err() {
        return Err(Skip("this program has no fail points".to_owned()).into());
    }
    Ok(id)
}

/// Expects these among the operations that have ended: kind, resource, result. Those that failed say why.
fn has_ended(scene: &Scene, expected: &[(&str, &str, &str)]) -> Result<()> {
    let seen = operations(scene)?;
    let all = seen["ended"].as_array().context("no list")?;
    for (kind, id, result) in expected {
        let is_it =
            |one: &&Value| one["kind"] == *kind && one["id"] == *id && one["result"] == *result;
        let one = all.iter().find(is_it);
        let one = one.with_context(|| format!("no {kind} {id} {result}: {seen}"))?;
        ensure!(*result != "failed" || one["why"] != "", "{one}");
    }
    Ok(())
}

pub(crate) fn operators_see_what_runs_what_waits_and_what_has_ended(scene: &Scene) -> Result<()> {
    let daemon = start(scene)?;
    let id = stopped_create(scene, "a")?;
    for _ in 1..THREADS {
        create(scene, "b")?;
    }
    // It waits until its message is taken.
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let words = ["volume", "create", "--size", "1", "--name", "waits", "--config-file", &file];
    let mut sender = scene.cinder_volume(&words).stdout(Stdio::null()).spawn()?;
    wait_for("the last one to wait", SOON, || {
        let seen = operations(scene)?;
        ensure!(seen["waiting"][0]["lane"] == "work", "{seen}");
        ensure!(seen["waiting"][0]["count"] == 1, "{seen}");
        Ok(())
    })?;
    let seen = operations(scene)?;
    let running = &seen["running"][0];
    ensure!(running["kind"] == "create_volume" && running["step"] == "driver", "{seen}");
    ensure!(running["request"].as_str().is_some_and(|id| id.starts_with("req-")), "{seen}");
    for words in [["status"].as_slice(), &["operations"]] {
        let text = run(scene, words)?.out;
        ensure!(text.contains("Running:\n"), "{text}");
        ensure!(text.contains("Waiting:\ne2e@disk 1 for work"), "{text}");
    }
    let place = Place::socket(scene);
    let page = || place.get("/").map(|(_, text)| text);
    let depth = "cinder_volume_operation_queue_depth{backend=\"disk\",lane=\"work\"}";
    ensure!((place.metric(depth)? - 1.0).abs() < f64::EPSILON);
    ensure!(page()?.contains("Waiting: 1 for work"));
    arm(scene, "")?;
    wait_status(scene, &id, "available")?;
    ensure!(sender.wait()?.success());
    let waits =
        scene.store().lines("SELECT id FROM volumes WHERE display_name = 'waits'")?.concat();
    wait_status(scene, &waits, "available")?;
    // One that fails, and one that dies with its worker.
    run(scene, &["call", "delete_snapshot", "--backend", "disk", "--json", "{\"snapshot\": {}}"])?;
    let left = stopped_create(scene, "c")?;
    // The health server's process is the last to be forked.
    let before = daemon.workers();
    arm(scene, "manager::create_volume::made = kill once\n")?;
    daemon.wait_replaced(&before[..1], before.len())?;
    wait_status(scene, &left, "available")?;
    let expected = [
        ("create_volume", id.as_str(), "done"),
        ("create_volume", &waits, "done"),
        ("delete_snapshot", "-", "failed"),
        ("create_volume", &left, "interrupted"),
    ];
    wait_for("all that has ended to be told", SOON, || has_ended(scene, &expected))?;
    for (name, count) in [
        ("operations_total{backend=\"disk\",result=\"success\"}", 2.0),
        ("operations_total{backend=\"disk\",result=\"failure\"}", 1.0),
        ("operation_duration_seconds_count{backend=\"disk\"}", 3.0),
    ] {
        let value = place.metric(&format!("cinder_volume_{name}"))?;
        ensure!(value >= count, "{name}: {value}");
    }
    let report = run(scene, &["report"])?.out;
    ensure!(report.contains("Ended operations") && report.contains("interrupted"), "{report}");
    ensure!(run(scene, &["status"])?.out.contains("Ended:\n"));
    ensure!(page()?.contains("<b>interrupted</b>"));
    daemon.end_with(Signal::SIGTERM, 0)?;
    // Nobody is there to ask.
    ensure!(run(scene, &["operations"])?.code == Some(2));
    Ok(())
}
