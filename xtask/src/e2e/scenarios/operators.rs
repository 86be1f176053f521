//! What operators see of operations, and how they steer them.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::broker::broker;
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
    start_with(scene, &config(scene))
}

fn start_with(scene: &Scene, config: &Config) -> Result<Daemon> {
    let daemon = scene.start(config)?;
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

pub(crate) fn what_is_taken_up_after_a_crash_is_shown_as_what_it_was(scene: &Scene) -> Result<()> {
    let daemon = start(scene)?;
    for (point, words) in [
        ("manager::create_volume::made", &["create", "--size", "1", "--name", "a"][..]),
        ("manager::extend_volume::made", &["extend", "a", "--size", "2"]),
        ("manager::create_snapshot::made", &["snapshot", "create", "a", "--name", "s"]),
        ("manager::delete_snapshot::gone", &["snapshot", "delete", "s"]),
        ("manager::delete_volume::gone", &["delete", "a"]),
    ] {
        arm(scene, &format!("{point} = kill once\n"))?;
        let words: Vec<&str> = ["volume"].iter().chain(words).copied().chain(["--wait"]).collect();
        run(scene, &words)?;
        if scene.path("fail-points").exists() {
            return Err(Skip("this program has no fail points".to_owned()).into());
        }
        let method = point.split("::").nth(1).context("no method")?;
        wait_for(&format!("{method} to be among what has ended"), SOON, || {
            let seen = operations(scene)?;
            let ended = seen["ended"].as_array().context("no list")?;
            let is_it = |one: &&Value| one["kind"] == method && one["result"] == "done";
            let one = ended.iter().find(is_it).with_context(|| seen.to_string())?;
            ensure!(one["why"].as_str().is_some_and(|why| why.contains("taken up")), "{one}");
            Ok(())
        })?;
    }
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_drained_back_end_takes_no_work_until_that_is_undone(scene: &Scene) -> Result<()> {
    drains(scene, &config(scene))
}

/// What waits is with the broker then.
pub(crate) fn a_drained_back_end_at_a_broker_takes_no_work_until_that_is_undone(
    scene: &Scene,
) -> Result<()> {
    let mut broker = broker()?;
    broker.serve()?;
    drains(scene, &config(scene).set("DEFAULT", "transport_url", &broker.url()))
}

fn drains(scene: &Scene, config: &Config) -> Result<()> {
    let daemon = start_with(scene, config)?;
    let id = stopped_create(scene, "a")?;
    let drained = told(scene, &["drain"], 0)?;
    ensure!(drained[0]["told"] == true && drained[0]["running"][0]["id"] == id.as_str());
    let seen = operations(scene)?;
    ensure!(seen["state"] == "draining" && seen["running"][0]["id"] == id.as_str(), "{seen}");
    // What an operator starts here is refused before it begins, a call by its class; a cast waits.
    let refused = run(scene, &["volume", "create", "--size", "1"])?;
    ensure!(refused.code == Some(1) && refused.all().contains("drain --undo"), "{refused:?}");
    let call =
        run(scene, &["call", "get_capabilities", "--backend", "disk", "--arg", "discover=false"])?;
    ensure!(call.code == Some(3) && call.out.contains("ServiceUnavailable"), "{call:?}");
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let words = ["call", "do_cleanup", "--backend", "disk", "--cast", "--config-file", &file];
    let request = "{\"cleanup_request\": {}}";
    let mut cast = scene.cinder_volume(&words);
    let mut cast = cast.args(["--json", request]).stdout(Stdio::null()).spawn()?;
    wait_for("the cast to wait", SOON, || {
        let seen = operations(scene)?;
        ensure!(seen["waiting"][0]["count"] == 1, "{seen}");
        Ok(())
    })?;
    // What had begun ends well, and nothing else begins, also in the next process.
    arm(scene, "")?;
    wait_status(scene, &id, "available")?;
    let status = run(scene, &["status"])?;
    ensure!(status.code == Some(1), "{status:?}");
    for word in ["draining", "disabled", "No work is taken: drained by an operator"] {
        ensure!(status.out.contains(word), "{status:?}");
    }
    ensure!(Place::socket(scene).get("/")?.1.contains("No work is taken"));
    let before = daemon.workers();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(before[0]), Signal::SIGKILL)?;
    daemon.wait_replaced(&before[..1], before.len())?;
    wait_for("the next process to be drained", SOON, || {
        let seen = operations(scene)?;
        ensure!(seen["state"] == "draining", "{seen}");
        Ok(())
    })?;
    ensure!(told(scene, &["drain", "--undo"], 0)?[0]["drained"] == false);
    cast.wait()?;
    ensure!(
        told(scene, &["volume", "create", "--size", "1", "--wait"], 0)?["status"] == "available"
    );
    let seen = operations(scene)?;
    ensure!(seen["state"] == "up" && seen["notes"] == serde_json::json!([]), "{seen}");
    ensure!(!run(scene, &["status"])?.out.contains("disabled"));
    daemon.end_with(Signal::SIGTERM, 0)?;
    // Nobody is there to be told, and the next daemon knows all the same.
    ensure!(told(scene, &["drain"], 4)?[0]["told"] == false);
    let daemon = scene.start(config)?;
    daemon.wait_log("No work is taken", 1)?;
    ensure!(told(scene, &["drain", "--undo"], 0)?[0]["drained"] == false);
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn an_interrupted_operation_can_be_given_up_and_a_running_one_cannot(
    scene: &Scene,
) -> Result<()> {
    let daemon = start(scene)?;
    let abandon = |id: &str, status| told(scene, &["operation", "abandon", id], status);
    let error = |told: &Value| told["error"].as_str().unwrap_or_default().to_owned();
    let id = stopped_create(scene, "a")?;
    let running = abandon(&id, 3)?;
    ensure!(error(&running).contains("being worked on right now"), "{running}");
    arm(scene, "")?;
    wait_status(scene, &id, "available")?;
    let none = abandon(&id, 3)?;
    ensure!(error(&none).starts_with("NotFound: No operation"), "{none}");
    // As a service leaves it that could not take it up; with a record, too, as after a resume.
    let service = scene.store().lines("SELECT id FROM services WHERE binary = 'cinder-volume'")?;
    let entry = |id: &str, kind: &str, status: &str| {
        scene.store().write(&format!(
            "INSERT INTO workers (created_at, updated_at, deleted, resource_type, resource_id, status, \
             service_id, race_preventer) VALUES ('2020-01-01 00:00:00', '2020-01-01 00:00:00', 0, \
             '{kind}', '{id}', '{status}', {}, 0)",
            service.concat()
        ))
    };
    scene.store().write(&format!("UPDATE volumes SET status = 'deleting' WHERE id = '{id}'"))?;
    entry(&id, "Volume", "deleting")?;
    let given_up = abandon(&id, 0)?;
    ensure!(given_up["status"] == "error_deleting", "{given_up}");
    wait_status(scene, &id, "error_deleting")?;
    // Only on record.
    scene.store().write(&format!("UPDATE volumes SET status = 'extending' WHERE id = '{id}'"))?;
    let records = scene.path("operations/disk");
    fs::create_dir_all(&records)?;
    let record = serde_json::json!({
        "method": "extend_volume", "resource": id, "status": "extending", "request_id": null,
        "resumed": 1, "details": {"new_size": 2, "reservations": []},
    });
    let record_file = records.join(format!("extend_volume-{id}.json"));
    fs::write(&record_file, record.to_string())?;
    let given_up = abandon(&id, 0)?;
    ensure!(given_up["status"] == "error_extending" && !record_file.exists(), "{given_up}");
    let left = scene.store().lines("SELECT id FROM workers WHERE resource_type <> 'SENTINEL'")?;
    ensure!(left.is_empty(), "{left:?}");
    daemon.wait_log("was given up by an operator", 2)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn what_nobody_will_finish_is_told_and_what_is_stored_without_a_row(
    scene: &Scene,
) -> Result<()> {
    let daemon = start(scene)?;
    for name in ["stuck", "lost", "gone", "used"] {
        ensure!(
            told(scene, &["volume", "create", "--size", "1", "--name", name, "--wait"], 0)?
                .is_object()
        );
    }
    ensure!(told(scene, &["volume", "orphans"], 0)?["unknown_count"] == 0);
    daemon.end_with(Signal::SIGTERM, 0)?;
    let set = |columns: &str, name: &str| {
        let old = "updated_at = '2020-01-01 00:00:00'";
        let sql = format!("UPDATE volumes SET {columns}, {old} WHERE display_name = '{name}'");
        scene.store().write(&sql)
    };
    set("status = 'retyping'", "stuck")?;
    set("host = 'before@disk#disk'", "lost")?;
    let id = |name: &str| -> Result<String> {
        let sql = format!("SELECT id FROM volumes WHERE display_name = '{name}'");
        Ok(scene.store().lines(&sql)?.concat())
    };
    let (gone, used) = (id("gone")?, id("used")?);
    let file = |id: &str| scene.path("volumes/disk").join(format!("volume-{id}"));
    fs::remove_file(file(&gone))?;
    // In use, and not to be found by the driver: it cannot be exported again.
    set("status = 'in-use', attach_status = 'attached'", "used")?;
    fs::remove_file(file(&used))?;
    fs::write(scene.path("volumes/disk/volume-nobodys"), "")?;
    let daemon = start(scene)?;
    let stuck = format!("1 volumes are retyping, and nobody works on them: {}", id("stuck")?);
    let lost = "1 volumes belong to before@disk, which no service serves; did the name change?";
    for line in [stuck.as_str(), lost] {
        daemon.wait_log(line, 1)?;
        wait_for("it to be told", SOON, || {
            let notes = operations(scene)?["notes"].to_string();
            ensure!(notes.contains(line), "{notes}");
            Ok(())
        })?;
        ensure!(run(scene, &["status"])?.out.contains(line));
        ensure!(Place::socket(scene).get("/")?.1.contains(line));
    }
    let report = run(scene, &["report"])?.out;
    ensure!(report.contains(lost) && report.contains(&stuck), "{report}");
    daemon.wait_log("Failed to re-export volume", 1)?;
    wait_status(scene, &used, "error")?;
    let found = told(scene, &["volume", "orphans"], 3)?;
    let names = |key: &str, name: &str| {
        let all = found[key].as_array().into_iter().flatten();
        all.map(|one| one[name].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let mut unknown = vec![format!("volume-{}", id("lost")?), "volume-nobodys".to_owned()];
    unknown.sort();
    ensure!(names("unknown", "name") == unknown, "{found}");
    ensure!(names("missing", "id") == [gone.as_str()], "{found}");
    ensure!(daemon.count(lost) == 1, "told again");
    daemon.end_with(Signal::SIGTERM, 0)
}
