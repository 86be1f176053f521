//! Volumes asked for through the REST interface of the Python cinder 29.0.0, placed by its scheduler, made
//! by us. Only with `CINDER_PYTHON`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::broker::broker;
use crate::e2e::props::api::Api;
use crate::e2e::props::daemon::Daemon;
use crate::e2e::props::original;
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::servers::rabbitmq::RabbitMq;
use crate::wait::{secs, wait_for};

const BACKENDS: [&str; 2] = ["a", "b"];
/// How many are asked for at once.
const MANY: usize = 20;

/// Everything that runs; the last one ends last.
struct Cloud {
    api: Api,
    daemon: Daemon,
    _originals: [Daemon; 2],
    _broker: RabbitMq,
}

impl Cloud {
    fn start(scene: &Scene) -> Result<Self> {
        let mut broker = broker()?;
        broker.serve()?;
        let api = Api::new()?;
        let config = scene.config(&BACKENDS).set("DEFAULT", "transport_url", &broker.url());
        let config = original::configured(scene, api.configured(config))?;
        let mut config = config
            // Deaths in a row are what this is about, and no reason to wait longer each time.
            .set("supervisor", "stable_after", "0")
            .set("supervisor", "respawn_backoff_max", "1");
        for name in BACKENDS {
            config = config.set(name, "volume_driver", "local");
        }
        config = config.set("DEFAULT", "scheduler_max_attempts", "100");
        // Both of the original read at their start what our rows say that we understand.
        let daemon = scene.start(&config)?;
        daemon.wait_up(BACKENDS.len())?;
        // The schema brings limits of ten, which count before the options.
        scene.store().write("UPDATE quota_classes SET hard_limit = -1")?;
        let originals =
            [original::start(scene, "cinder-api")?, original::start(scene, "cinder-scheduler")?];
        let cloud = Self { api, daemon, _originals: originals, _broker: broker };
        cloud.api.wait()?;
        wait_for("the scheduler to know both back ends", secs(60), || {
            let pools = cloud.api.call("GET", "scheduler-stats/get_pools", None)?;
            let count = pools["pools"].as_array().map_or(0, Vec::len);
            ensure!(count == BACKENDS.len(), "{pools}");
            Ok(())
        })?;
        Ok(cloud)
    }

    /// Asks for something, and waits until it can be used.
    fn made(&self, kind: &str, wanted: &Value) -> Result<String> {
        let id = self.api.make(kind, wanted)?;
        self.api.wait_status(kind, &id, Some("available"))?;
        Ok(id)
    }

    fn deleted(&self, kind: &str, id: &str) -> Result<()> {
        self.api.delete(kind, id)?;
        self.api.wait_status(kind, id, None)
    }

    /// Asks this so often at once, and kills both workers as soon as that many rows of volumes are as the
    /// condition says.
    fn kill_amid<T: Send>(
        &self,
        scene: &Scene,
        ask: impl Fn(&Api, usize) -> Result<T> + Sync,
        (count, condition): (usize, &str),
    ) -> Result<Vec<T>> {
        thread::scope(|scope| {
            let (ask, api) = (&ask, &self.api);
            let all: Vec<_> =
                (0..MANY).map(|number| scope.spawn(move || ask(api, number))).collect();
            let killed = self.kill_when(scene, condition, count);
            let joined = all.into_iter().map(|one| one.join().map_err(|_| anyhow!("a panic"))?);
            let answers = joined.collect();
            killed.and(answers)
        })
    }

    fn kill_when(&self, scene: &Scene, condition: &str, count: usize) -> Result<()> {
        let sql = format!("SELECT id FROM volumes WHERE {condition}");
        wait_for(&format!("{count} volumes with {condition}"), secs(60), || {
            let found = scene.store().lines(&sql)?.len();
            ensure!(found >= count, "{found}");
            Ok(())
        })?;
        let workers = self.daemon.workers();
        for &worker in &workers {
            process::signal(worker, Signal::SIGKILL)?;
        }
        self.daemon.wait_replaced(&workers, BACKENDS.len()).map(drop)
    }
}

/// What the project uses, counted from the rows that are there.
fn recount(scene: &Scene) -> Result<BTreeMap<String, i64>> {
    let store = scene.store();
    let number = |sql: &str| -> Result<i64> {
        let lines = store.lines(sql)?;
        Ok(lines.first().context("no answer")?.parse()?)
    };
    let volumes = number("SELECT count(*) FROM volumes WHERE NOT deleted")?;
    let snapshots = number("SELECT count(*) FROM snapshots WHERE NOT deleted")?;
    let gigabytes = number("SELECT coalesce(sum(size), 0) FROM volumes WHERE NOT deleted")?
        + number("SELECT coalesce(sum(volume_size), 0) FROM snapshots WHERE NOT deleted")?;
    let all = [("volumes", volumes), ("snapshots", snapshots), ("gigabytes", gigabytes)];
    // There is one type, so each of them counts twice.
    let names = |(name, count): (&str, i64)| {
        [(name.to_owned(), count), (format!("{name}___DEFAULT__"), count)]
    };
    Ok(all.into_iter().flat_map(names).collect())
}

/// Quotas are those of a recount, nothing is reserved, no entry is left, and every row has its file and
/// every file its row.
fn is_settled(scene: &Scene) -> Result<()> {
    let store = scene.store();
    let entries =
        store.lines("SELECT resource_id, status FROM workers WHERE resource_type <> 'SENTINEL'")?;
    ensure!(entries.is_empty(), "entries: {entries:?}");
    let usages = store.lines("SELECT resource, in_use, reserved FROM quota_usages")?;
    let expected = recount(scene)?;
    for line in &usages {
        let (name, rest) = line.split_once('|').context("no columns")?;
        let wanted = format!("{}|0", expected.get(name).copied().unwrap_or(0));
        ensure!(rest == wanted, "{name}: {rest} and not {wanted}");
    }
    let mut rows = BTreeSet::new();
    for (table, kind) in [("volumes", "volume"), ("snapshots", "snapshot")] {
        let ids = store.lines(&format!("SELECT id FROM {table} WHERE NOT deleted"))?;
        rows.extend(ids.into_iter().map(|id| format!("{kind}-{id}")));
    }
    let mut files = BTreeSet::new();
    for name in BACKENDS {
        for entry in fs::read_dir(scene.path("volumes").join(name))? {
            files.insert(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    ensure!(files == rows, "files: {files:?}, rows: {rows:?}");
    Ok(())
}

fn wait_settled(scene: &Scene) -> Result<()> {
    wait_for("everything to be settled", secs(40), || is_settled(scene))
}

fn attach_and_detach(cloud: &Cloud, volume: &str) -> Result<()> {
    let wanted = json!({ "attachment": { "volume_uuid": volume } });
    let answer = cloud.api.call("POST", "attachments", Some(&wanted))?;
    let id = answer["attachment"]["id"].as_str().context("no id")?.to_owned();
    cloud.api.wait_status("volume", volume, Some("reserved"))?;
    let path = format!("attachments/{id}");
    let connector = json!({ "host": "compute", "ip": "127.0.0.1", "mountpoint": "/dev/vdb",
                            "multipath": false, "platform": "x86_64", "os_type": "linux" });
    let wanted = json!({ "attachment": { "connector": connector } });
    let answer = cloud.api.call("PUT", &path, Some(&wanted))?;
    let info = &answer["attachment"]["connection_info"];
    let ends = |text: &str| text.ends_with(&format!("volume-{volume}"));
    ensure!(info["driver_volume_type"] == "local", "{answer}");
    ensure!(info["path"].as_str().is_some_and(ends), "{answer}");
    ensure!(info["attachment_id"] == id.as_str() && info["access_mode"] == "rw", "{answer}");
    cloud.api.call("POST", &format!("{path}/action"), Some(&json!({ "os-complete": null })))?;
    cloud.api.wait_status("volume", volume, Some("in-use"))?;
    cloud.api.call("DELETE", &path, None)?;
    cloud.api.wait_status("volume", volume, Some("available"))
}

/// A create that fails goes back to the scheduler, until it succeeds.
fn made_after_failures(scene: &Scene, cloud: &Cloud) -> Result<String> {
    let points = scene.write("fail-points", "driver::create_volume::filled = error no space\n")?;
    let id = cloud.api.make("volume", &json!({ "size": 1 }))?;
    let sent_back = cloud.daemon.wait_log("rescheduling after", 1);
    fs::remove_file(points)?;
    if sent_back.is_err() && cloud.api.status("volume", &id)?.as_deref() == Some("available") {
        println!("not run: what a failed create comes to; this program has no fail points");
        return Ok(id);
    }
    sent_back?;
    cloud.api.wait_status("volume", &id, Some("available"))?;
    let sql = format!("SELECT count(*) FROM volumes WHERE id = '{id}' AND host LIKE 'e2e@_#_'");
    ensure!(scene.store().lines(&sql)? == ["1"], "it has no host");
    // And one whose worker dies before the scheduler is told.
    let before = cloud.daemon.workers();
    let text = "driver::create_volume::filled = error no space\n\
                manager::create_volume::unplaced = kill once\n";
    scene.write("fail-points", text)?;
    let lost = cloud.api.make("volume", &json!({ "size": 1 }))?;
    cloud.api.wait_status("volume", &lost, Some("error"))?;
    wait_for("the worker to be replaced", secs(20), || {
        let now = cloud.daemon.workers();
        ensure!(now.len() == BACKENDS.len() && now != before, "{now:?}");
        Ok(())
    })?;
    cloud.deleted("volume", &lost)?;
    wait_settled(scene)?;
    Ok(id)
}

pub(crate) fn the_originals_api_has_volumes_made_used_and_deleted_by_us(
    scene: &Scene,
) -> Result<()> {
    let cloud = Cloud::start(scene)?;
    let volume = cloud.made("volume", &json!({ "size": 1, "volume_type": "__DEFAULT__" }))?;
    let snapshot = cloud.made("snapshot", &json!({ "volume_id": volume }))?;
    let restored = cloud.made("volume", &json!({ "snapshot_id": snapshot, "size": 2 }))?;
    let clone = cloud.made("volume", &json!({ "source_volid": volume, "size": 1 }))?;
    let extend = json!({ "os-extend": { "new_size": 3 } });
    cloud.api.call("POST", &format!("volumes/{clone}/action"), Some(&extend))?;
    wait_for("the clone to be extended", secs(40), || {
        let shown = cloud.api.call("GET", &format!("volumes/{clone}"), None)?;
        let (size, status) = (&shown["volume"]["size"], &shown["volume"]["status"]);
        ensure!(size == 3 && status == "available", "{size}, {status}");
        Ok(())
    })?;
    attach_and_detach(&cloud, &volume)?;
    wait_settled(scene)?;
    let again = made_after_failures(scene, &cloud)?;
    cloud.deleted("snapshot", &snapshot)?;
    // One with its snapshots.
    for _ in 0..2 {
        cloud.made("snapshot", &json!({ "volume_id": restored }))?;
    }
    cloud.api.delete("volume", &format!("{restored}?cascade=True"))?;
    cloud.api.wait_status("volume", &restored, None)?;
    wait_settled(scene)?;
    for one in [&volume, &clone, &again] {
        cloud.deleted("volume", one)?;
    }
    wait_settled(scene)?;

    // Now workers die in the midst of it.
    let make = |api: &Api, _| api.make("volume", &json!({ "size": 1 }));
    let made = cloud.kill_amid(scene, make, (2, "NOT deleted AND status = 'available'"))?;
    for one in &made {
        cloud.api.wait_status("volume", one, Some("available"))?;
    }
    wait_settled(scene)?;
    let gone = scene.store().lines("SELECT id FROM volumes WHERE deleted")?.len();
    let delete = |api: &Api, number: usize| api.delete("volume", &made[number]);
    cloud.kill_amid(scene, delete, (gone + 2, "deleted"))?;
    for one in &made {
        cloud.api.wait_status("volume", one, None)?;
    }
    wait_settled(scene)?;
    cloud.daemon.end_with(Signal::SIGTERM, 0)
}
