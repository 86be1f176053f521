//! What a crash or a stop in the midst of operations comes to: on this machine alone, and over RabbitMQ.
//!
//! Afterwards there is no row on its way, no file without a row, no row without its file, nothing lost that its caller
//! was told of, and quotas are those of a recount. The quick ones are part of every run; each operation with each of its
//! steps takes minutes: `cargo xtask scheduled crash`.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::broker::broker;
use super::volumes::{
    SOON, arm, check_fired, config, file, id, is_settled, object, text, volume, wait_settled, write,
};
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::Daemon;
use crate::e2e::props::scene::Scene;
use crate::e2e::props::skip::Skip;
use crate::process::text_of;
use crate::wait::{secs, wait_for};

/// Volumes that are cleaned up after by two.
const MANY: usize = 20;
/// Operations of a back end at once, `backend_native_threads_pool_size`.
const AT_ONCE: usize = 20;

/// A client that asks for a volume and waits for it.
fn ask(scene: &Scene, number: usize) -> Result<Child> {
    let conf = scene.path("cinder.conf");
    let out = fs::File::create(scene.path(&format!("client{number}.out")))?;
    let mut command = scene.cinder_volume(&["volume", "create", "--size", "1", "--wait", "--json"]);
    command.arg("--config-file").arg(conf);
    command.stdout(out.try_clone()?).stderr(Stdio::from(out));
    command.spawn().context("cannot start a client")
}

/// Stops a daemon with so many signals while so many volumes are asked for, of which it makes [`AT_ONCE`] at once.
fn stop_amid(scene: &Scene, count: usize, signals: usize) -> Result<()> {
    let daemon = scene.start(&config(scene))?;
    daemon.wait_up(1)?;
    let before = made(scene)?;
    arm(scene, "driver::create_volume::filled", "block")?;
    let mut clients = (0..count).map(|number| ask(scene, number)).collect::<Result<Vec<_>>>()?;
    let rows = "SELECT id FROM volumes WHERE NOT deleted";
    let claimed = "SELECT id FROM workers WHERE service_id IS NOT NULL AND NOT deleted";
    let busy = wait_for("the operations to be under way", SOON, || {
        let rows = scene.store().lines(rows)?.len();
        let claimed = scene.store().lines(claimed)?.len();
        ensure!(rows == before + count && claimed == AT_ONCE, "{rows} rows, {claimed} are made");
        Ok(())
    });
    if busy.is_err() && made(scene)? > before {
        return Err(Skip("this program has no fail points".to_owned()).into());
    }
    busy?;
    let told = daemon.count("Caught SIGTERM");
    for _ in 0..signals {
        daemon.signal(Signal::SIGTERM)?;
    }
    daemon.wait_log("Caught SIGTERM", told + 1)?;
    fs::remove_file(scene.path("fail-points"))?;
    daemon.expect_exit(0)?;
    // What was under way has ended. What waited was given back, unless a thread took it before the worker had heard of the
    // stop, and its client tries again.
    let found = made(scene)?;
    let expected = before + AT_ONCE..=before + count;
    ensure!(expected.contains(&found), "{found} volumes, with {before} before");
    let daemon = scene.start(&config(scene))?;
    for (number, client) in clients.iter_mut().enumerate() {
        let ended = wait_for("a client to end", SOON, || client.try_wait()?.context("it waits"))?;
        let said = text_of(&scene.path(&format!("client{number}.out")));
        ensure!(ended.success() && said.contains("\"available\""), "client {number}: {said}");
    }
    wait_settled(scene)?;
    let found = made(scene)?;
    ensure!(found == before + count, "{found} volumes, with {before} before");
    daemon.wait_up(1)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

/// How many volumes there are to use.
fn made(scene: &Scene) -> Result<usize> {
    let sql = "SELECT id FROM volumes WHERE NOT deleted AND status = 'available'";
    Ok(scene.store().lines(sql).unwrap_or_default().len())
}

pub(crate) fn a_stop_under_twenty_operations_finishes_them_or_hands_them_back(
    scene: &Scene,
) -> Result<()> {
    stop_amid(scene, AT_ONCE, 1)?;
    stop_amid(scene, AT_ONCE + 5, 5)
}

fn call(scene: &Scene, conf: &str, method: &str, arguments: &Value) -> Result<Child> {
    let mut command = scene.cinder_volume(&["call", method, "--backend", "disk", "--json"]);
    command.arg(arguments.to_string()).arg("--config-file").arg(scene.path(conf));
    let out = fs::File::create(scene.path("call.out"))?;
    command.stdout(out.try_clone()?).stderr(out).spawn().context("cannot start a client")
}

pub(crate) fn two_services_that_clean_up_the_same_touch_each_volume_once(
    scene: &Scene,
) -> Result<()> {
    let store = scene.store();
    let first = scene.start(&config(scene))?;
    first.wait_up(1)?;
    // Another machine with the same storage.
    let other = config(scene)
        .set("DEFAULT", "host", "other")
        .set("DEFAULT", "state_path", &scene.path("other").to_string_lossy())
        .set("disk", "local_directory", &scene.path("volumes/disk").to_string_lossy());
    let second = scene.start_beside("other", &other)?;
    second.wait_up(2).or_else(|_| second.wait_beats(1).map(|()| Vec::new()))?;
    let mut ids = Vec::new();
    for _ in 0..MANY {
        ids.push(id(&volume(scene, &["create", "--size", "1", "--wait"])?)?);
    }
    // As a third one has left them.
    for id in &ids {
        fs::remove_file(file(scene, id))?;
        store.write(&format!("UPDATE volumes SET status = 'creating' WHERE id = '{id}'"))?;
        store.write(&format!(
            "INSERT INTO workers (created_at, updated_at, deleted, resource_type, resource_id, \
             status, service_id, race_preventer) VALUES ('2026-01-01 00:00:00.000000', \
             '2026-01-01 00:00:00.000000', 0, 'Volume', '{id}', 'creating', NULL, 0)"
        ))?;
    }
    let log = |daemon: &Daemon| daemon.count("Created volume");
    let before = log(&first) + log(&second);
    let wanted = object("CleanupRequest", "1.0", &json!({"resource_type": "Volume"}));
    let arguments = json!({ "cleanup_request": wanted });
    let mut calls = Vec::new();
    for conf in ["cinder.conf", "other.conf", "cinder.conf", "other.conf"] {
        calls.push(call(scene, conf, "do_cleanup", &arguments)?);
    }
    wait_settled(scene)?;
    for mut one in calls {
        wait_for("a call to end", SOON, || one.try_wait()?.context("it waits"))?;
    }
    let after = log(&first) + log(&second);
    ensure!(after - before == MANY, "{} volumes made instead of {MANY}", after - before);
    for id in &ids {
        ensure!(fs::metadata(file(scene, id))?.len() == 1 << 30, "{id}");
    }
    second.end_with(Signal::SIGTERM, 0)?;
    first.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_create_whose_entry_is_the_schedulers_is_not_missed(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&config(scene))?;
    daemon.wait_up(1)?;
    let store = scene.store();
    // A scheduler's row, and an entry that it has claimed before it sent the message.
    store.write(
        "INSERT INTO services (created_at, updated_at, deleted, host, \"binary\", topic, report_count, \
         disabled) VALUES ('2026-01-01', '2026-01-01', 0, 'e2e', 'cinder-scheduler', \
         'cinder-scheduler', 1, 0)",
    )?;
    let scheduler = store.lines("SELECT id FROM services WHERE topic = 'cinder-scheduler'")?;
    let [scheduler] = &scheduler[..] else { anyhow::bail!("{scheduler:?}") };
    for point in ["claimed", "recorded"] {
        let made = id(&volume(scene, &["create", "--size", "1", "--wait"])?)?;
        fs::remove_file(file(scene, &made))?;
        store.write(&format!("UPDATE volumes SET status = 'creating' WHERE id = '{made}'"))?;
        store.write(&format!(
            "INSERT INTO workers (created_at, updated_at, deleted, resource_type, resource_id, \
             status, service_id, race_preventer) VALUES ('2026-01-01 00:00:00.000000', \
             '2026-01-01 00:00:00.000000', 0, 'Volume', '{made}', 'creating', {scheduler}, 0)"
        ))?;
        let before = daemon.workers();
        let point = format!("manager::create_volume::{point}");
        arm(scene, &point, "kill once")?;
        let object = object("Volume", "1.9", &json!({"id": made, "status": "creating"}));
        let mut client = call(scene, "cinder.conf", "create_volume", &json!({ "volume": object }))?;
        wait_settled(scene)?;
        wait_for("the client to end", SOON, || client.try_wait()?.context("it waits"))?;
        check_fired(scene, &point)?;
        daemon.wait_replaced(&before, 1)?;
        let found = store.lines(&format!("SELECT status FROM volumes WHERE id = '{made}'"))?;
        ensure!(found == ["available"], "{point}: {found:?}");
    }
    store.write("DELETE FROM services WHERE topic = 'cinder-scheduler'")?;
    daemon.end_with(Signal::SIGTERM, 0)
}

/// Quotas are what a recount says.
fn is_counted(scene: &Scene) -> Result<()> {
    let store = scene.store();
    let number =
        |sql: &str| -> Result<i64> { Ok(store.lines(sql)?.first().context("no answer")?.parse()?) };
    let live = "NOT deleted AND use_quota";
    let volumes = number(&format!("SELECT count(*) FROM volumes WHERE {live}"))?;
    let snapshots = number(&format!("SELECT count(*) FROM snapshots WHERE {live}"))?;
    let gigabytes = number(&format!("SELECT coalesce(sum(size), 0) FROM volumes WHERE {live}"))?
        + number(&format!("SELECT coalesce(sum(volume_size), 0) FROM snapshots WHERE {live}"))?;
    for line in store.lines("SELECT resource, in_use, reserved FROM quota_usages")? {
        let wanted = match line.split(['|', '_']).next() {
            Some("volumes") => volumes,
            Some("snapshots") => snapshots,
            _ => gigabytes,
        };
        ensure!(line.ends_with(&format!("|{wanted}|0")), "{line} and not {wanted}");
    }
    Ok(())
}

/// Each step of the manager, then each of the local driver.
fn points(operation: &str, manager: &[&str], call: &str, driver: &[&str]) -> Vec<String> {
    let ours = manager.iter().map(|step| format!("manager::{operation}::{step}"));
    ours.chain(driver.iter().map(|step| format!("driver::{call}::{step}"))).collect()
}

const MAKING: [&str; 4] = ["begun", "filled", "synced", "placed"];
const CREATING: [&str; 4] = ["claimed", "recorded", "made", "written"];

/// One daemon, and what is killed in it.
struct Matrix<'a> {
    scene: &'a Scene,
    daemon: Daemon,
    points: BTreeSet<String>,
}

impl Matrix<'_> {
    fn killed(&mut self, point: &str, words: &[&str]) -> Result<Value> {
        let before = self.daemon.workers();
        arm(self.scene, point, "kill once")?;
        let outcome = volume(self.scene, words).with_context(|| point.to_owned())?;
        check_fired(self.scene, point)?;
        self.daemon.wait_replaced(&before, 1).with_context(|| point.to_owned())?;
        wait_settled(self.scene).with_context(|| point.to_owned())?;
        is_counted(self.scene).with_context(|| point.to_owned())?;
        self.points.insert(point.to_owned());
        Ok(outcome)
    }

    /// Makes one with a crash at each point.
    fn make(&mut self, points: &[String], words: &[&str], has_data: bool) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for point in points {
            let made = self.killed(point, words)?;
            ensure!(made["status"] == "available", "{point}: {made}");
            let made = id(&made)?;
            if !words.contains(&"snapshot") {
                let is_whole = !has_data || text(self.scene, &made)? == "abc";
                ensure!(fs::metadata(file(self.scene, &made))?.len() == 1 << 30, "{point}");
                ensure!(is_whole, "{point}: its data are another's");
            }
            all.push(made);
        }
        Ok(all)
    }

    fn delete(
        &mut self,
        points: &[String],
        words: &[&str],
        victims: &mut Vec<String>,
    ) -> Result<()> {
        for point in points {
            let victim = victims.pop().context("there are enough")?;
            self.killed(point, &[words, &[victim.as_str(), "--wait"]].concat())?;
        }
        Ok(())
    }
}

fn every_step(scene: &Scene, config: &Config) -> Result<()> {
    let daemon = scene.start(config)?;
    daemon.wait_up(1)?;
    let base = id(&volume(scene, &["create", "--size", "1", "--name", "base", "--wait"])?)?;
    write(scene, &base, "abc")?;
    volume(scene, &["snapshot", "create", "base", "--name", "s", "--wait"])?;
    let mut matrix = Matrix { scene, daemon, points: BTreeSet::new() };
    let create = points("create_volume", &CREATING, "create_volume", &MAKING);
    let mut volumes = matrix.make(&create, &["create", "--size", "1", "--wait"], false)?;
    let restore = points("create_volume", &CREATING, "create_volume_from_snapshot", &MAKING);
    let words = ["create", "--from-snapshot", "s", "--wait"];
    volumes.extend(matrix.make(&restore, &words, true)?);
    let clone = points("create_volume", &CREATING, "create_cloned_volume", &MAKING);
    volumes.extend(matrix.make(&clone, &["clone", "base", "--wait"], true)?);
    let snapshot = points("create_snapshot", &CREATING, "create_snapshot", &MAKING);
    let words = ["snapshot", "create", "base", "--wait"];
    let mut snapshots = matrix.make(&snapshot, &words, false)?;
    let extend = points(
        "extend_volume",
        &["recorded", "made", "written"],
        "extend_volume",
        &["begun", "allocated", "grown"],
    );
    for (point, size) in extend.iter().zip(2..) {
        let size = size.to_string();
        let larger = matrix.killed(point, &["extend", "base", "--size", &size, "--wait"])?;
        ensure!(
            larger["size"] == size.as_str() && text(scene, &base)? == "abc",
            "{point}: {larger}"
        );
    }
    // From here on all of it counts for its project; the first deletion counts what is there.
    for table in ["volumes", "snapshots"] {
        scene.store().write(&format!("UPDATE {table} SET use_quota = 1"))?;
    }
    let unsnapshot = points(
        "delete_snapshot",
        &["recorded", "gone", "written"],
        "delete_snapshot",
        &["begun", "removed"],
    );
    matrix.delete(&unsnapshot, &["snapshot", "delete"], &mut snapshots)?;
    let delete = points(
        "delete_volume",
        &["claimed", "recorded", "gone", "reserved", "written"],
        "delete_volume",
        &["begun", "removed"],
    );
    matrix.delete(&delete, &["delete"], &mut volumes)?;
    // And while it cleans up.
    let before = matrix.daemon.workers();
    let word = "manager::cleanup::claimed = kill once\nmanager::create_volume::made = kill once\n";
    scene.write("fail-points", word)?;
    let made = volume(scene, &["create", "--size", "1", "--wait"])?;
    ensure!(made["status"] == "available", "{made}");
    matrix.daemon.wait_replaced(&before, 1)?;
    wait_settled(scene)?;
    println!("        killed at {} points", matrix.points.len());
    is_settled(scene)?;
    matrix.daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_worker_killed_at_any_point_of_any_operation_loses_nothing(
    scene: &Scene,
) -> Result<()> {
    every_step(scene, &config(scene))
}

pub(crate) fn a_worker_killed_at_any_point_of_any_operation_over_rabbitmq_loses_nothing(
    scene: &Scene,
) -> Result<()> {
    let mut broker = broker()?;
    broker.serve()?;
    every_step(scene, &config(scene).set("DEFAULT", "transport_url", &broker.url()))
}

/// Each kind of operation that kills its worker each time, with the status that it ends with.
pub(crate) fn an_operation_of_any_kind_that_always_kills_its_worker_ends(
    scene: &Scene,
) -> Result<()> {
    let daemon = scene.start(&config(scene))?;
    daemon.wait_up(1)?;
    let store = scene.store();
    let a = id(&volume(scene, &["create", "--size", "1", "--name", "a", "--wait"])?)?;
    let b = id(&volume(scene, &["create", "--size", "1", "--name", "b", "--wait"])?)?;
    let s = id(&volume(scene, &["snapshot", "create", "b", "--name", "s", "--wait"])?)?;
    let cases: [(&str, &[&str], String, &str); 4] = [
        (
            "manager::extend_volume::made",
            &["extend", "a", "--size", "2"],
            format!("volumes WHERE id = '{a}'"),
            "error_extending",
        ),
        (
            "manager::delete_volume::gone",
            &["delete", "a"],
            format!("volumes WHERE id = '{a}'"),
            "error_deleting",
        ),
        (
            "manager::delete_snapshot::gone",
            &["snapshot", "delete", "s"],
            format!("snapshots WHERE id = '{s}'"),
            "error_deleting",
        ),
        (
            "manager::create_snapshot::made",
            &["snapshot", "create", "b"],
            format!("snapshots WHERE volume_id = '{b}' AND id <> '{s}'"),
            "error",
        ),
    ];
    for (point, words, row, status) in cases {
        arm(scene, point, "kill")?;
        volume(scene, words)?;
        let sql = format!("SELECT status FROM {row}");
        wait_for(&format!("{point}: {status}"), secs(60), || {
            let found = store.lines(&sql)?;
            ensure!(found == [status], "{found:?}");
            Ok(())
        })?;
        fs::remove_file(scene.path("fail-points"))?;
        daemon.wait_up(1)?;
    }
    let gone = "SELECT resource_id FROM workers WHERE resource_type <> 'SENTINEL'";
    wait_for("no entry to be left", SOON, || {
        let left = store.lines(gone)?;
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })?;
    let records = fs::read_dir(scene.path("operations/disk")).into_iter().flatten().count();
    ensure!(records == 0, "{records} records are left");
    daemon.end_with(Signal::SIGTERM, 0)
}
