//! Volumes on one machine: they come and go, and survive a worker that dies between any two steps.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::Daemon;
use crate::e2e::props::scene::{Outcome, Scene};
use crate::e2e::props::skip::Skip;
use crate::wait::{secs, wait_for};

/// Longer than two restarts of a worker and everything that it takes up.
pub(super) const SOON: std::time::Duration = secs(60);

pub(super) fn config(scene: &Scene) -> Config {
    // Deaths in a row are what these are about, and no reason to wait longer each time.
    scene
        .config(&["disk"])
        .set("disk", "volume_driver", "local")
        .set("supervisor", "stable_after", "0")
        .set("supervisor", "respawn_backoff_max", "1")
}

/// `volume` with these words.
pub(super) fn run(scene: &Scene, words: &[&str]) -> Result<Outcome> {
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let mut command = scene.cinder_volume(&["volume"]);
    scene.finish(command.args(words).args(["--json", "--config-file", &file]), SOON)
}

/// What that printed, having ended well.
pub(super) fn volume(scene: &Scene, words: &[&str]) -> Result<Value> {
    let outcome = run(scene, words)?;
    ensure!(outcome.code == Some(0), "{words:?}: {outcome:?}");
    serde_json::from_str(&outcome.out).with_context(|| format!("{words:?}: {outcome:?}"))
}

pub(super) fn id(value: &Value) -> Result<String> {
    Ok(value["id"].as_str().context("no id")?.to_owned())
}

/// The file of a volume.
pub(super) fn file(scene: &Scene, id: &str) -> PathBuf {
    scene.path("volumes/disk").join(format!("volume-{id}"))
}

/// Writes a text far into a volume.
pub(super) fn write(scene: &Scene, id: &str, text: &str) -> Result<()> {
    let mut file = fs::File::options().write(true).open(file(scene, id))?;
    file.seek(SeekFrom::Start(512 << 20))?;
    Ok(file.write_all(text.as_bytes())?)
}

pub(super) fn text(scene: &Scene, id: &str) -> Result<String> {
    let mut file = fs::File::open(file(scene, id))?;
    file.seek(SeekFrom::Start(512 << 20))?;
    let mut text = [0; 3];
    file.read_exact(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Every row has its file and every file its row; nothing is on its way, and nothing is remembered.
pub(super) fn is_settled(scene: &Scene) -> Result<()> {
    let store = scene.store();
    let entries =
        store.lines("SELECT resource_id, status FROM workers WHERE resource_type <> 'SENTINEL'")?;
    ensure!(entries.is_empty(), "entries: {entries:?}");
    let statuses = "('available', 'in-use', 'error')";
    for table in ["volumes", "snapshots"] {
        let sql = format!(
            "SELECT id, status FROM {table} WHERE NOT deleted AND status NOT IN {statuses}"
        );
        let stuck = store.lines(&sql)?;
        ensure!(stuck.is_empty(), "{table}: {stuck:?}");
    }
    let names = |table: &str, prefix: &str| -> Result<Vec<String>> {
        let sql = format!("SELECT id FROM {table} WHERE NOT deleted AND status <> 'error'");
        Ok(store.lines(&sql)?.into_iter().map(|id| format!("{prefix}-{id}")).collect())
    };
    let mut rows: BTreeSet<String> = names("volumes", "volume")?.into_iter().collect();
    rows.extend(names("snapshots", "snapshot")?);
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(scene.path("volumes/disk"))? {
        files.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    ensure!(files == rows, "files: {files:?}, rows: {rows:?}");
    let records = fs::read_dir(scene.path("operations/disk")).into_iter().flatten().count();
    ensure!(records == 0, "{records} records are left");
    Ok(())
}

pub(super) fn wait_settled(scene: &Scene) -> Result<()> {
    wait_for("everything to be settled", SOON, || is_settled(scene))
}

pub(super) fn start(scene: &Scene) -> Result<Daemon> {
    let daemon = scene.start(&config(scene))?;
    daemon.wait_up(1)?;
    Ok(daemon)
}

pub(crate) fn volumes_come_and_go_on_one_machine(scene: &Scene) -> Result<()> {
    let daemon = start(scene)?;
    let made = volume(scene, &["create", "--size", "1", "--name", "a", "--wait"])?;
    ensure!(made["status"] == "available" && made["size"] == "1", "{made}");
    let a = id(&made)?;
    ensure!(fs::metadata(file(scene, &a))?.len() == 1 << 30);
    write(scene, &a, "old")?;
    let snapshot = id(&volume(scene, &["snapshot", "create", "a", "--name", "s", "--wait"])?)?;
    write(scene, &a, "new")?;
    let b = id(&volume(scene, &["create", "--from-snapshot", "s", "--name", "b", "--wait"])?)?;
    let c = id(&volume(scene, &["clone", "a", "--size", "2", "--name", "c", "--wait"])?)?;
    ensure!((text(scene, &b)?, text(scene, &c)?) == ("old".into(), "new".into()));
    ensure!(fs::metadata(file(scene, &c))?.len() == 2 << 30);
    let larger = volume(scene, &["extend", "a", "--size", "3", "--wait"])?;
    ensure!(larger["status"] == "available" && larger["size"] == "3", "{larger}");
    ensure!(fs::metadata(file(scene, &a))?.len() == 3 << 30 && text(scene, &a)? == "new");
    let connection = volume(scene, &["connect", "a"])?;
    let path = file(scene, &a).to_string_lossy().into_owned();
    ensure!(connection["driver_volume_type"] == "local", "{connection}");
    ensure!(connection["data"]["path"] == path.as_str(), "{connection}");
    ensure!(run(scene, &["disconnect", "a"])?.code == Some(0));
    let listed = volume(scene, &["list"])?;
    ensure!(listed.as_array().is_some_and(|all| all.len() == 3), "{listed}");
    // What an API would refuse.
    for (words, reason) in [
        (["delete", "a"].as_slice(), "snapshots"),
        (&["extend", "a", "--size", "2"], "larger"),
        (&["create", "--from-snapshot", "nosuch"], "no snapshot nosuch"),
        (&["show", "nosuch"], "no volume nosuch"),
        (&["create"], "--size"),
    ] {
        let outcome = run(scene, words)?;
        ensure!(outcome.code == Some(1), "{words:?}: {outcome:?}");
        ensure!(outcome.all().contains(reason), "{words:?}: {outcome:?}");
    }
    is_settled(scene)?;
    volume(scene, &["snapshot", "delete", &snapshot, "--wait"])?;
    for one in [&a, &b, &c] {
        let gone = volume(scene, &["delete", one, "--wait"])?;
        ensure!(gone["status"] == "deleted", "{gone}");
    }
    is_settled(scene)?;
    ensure!(volume(scene, &["list"])? == json!([]));
    daemon.end_with(Signal::SIGTERM, 0)
}

/// Sets a fail point; a program without them is of a release.
pub(super) fn arm(scene: &Scene, point: &str, action: &str) -> Result<()> {
    Ok(fs::write(scene.path("fail-points"), format!("{point} = {action}\n"))?)
}

pub(super) fn check_fired(scene: &Scene, point: &str) -> Result<()> {
    if scene.path("fail-points").exists() {
        return Err(
            Skip(format!("{point} was not reached: this program has no fail points")).into()
        );
    }
    Ok(())
}

pub(crate) fn a_worker_killed_between_any_two_steps_loses_no_volume(scene: &Scene) -> Result<()> {
    let daemon = start(scene)?;
    let base = id(&volume(scene, &["create", "--size", "1", "--name", "base", "--wait"])?)?;
    write(scene, &base, "abc")?;
    let step = |operation: &str, step: &str| format!("manager::{operation}::{step}");
    let mut victims = Vec::new();
    let killed = |point: &str, words: &[&str]| -> Result<Value> {
        let before = daemon.workers();
        arm(scene, point, "kill once")?;
        let outcome = volume(scene, words).with_context(|| point.to_owned())?;
        check_fired(scene, point)?;
        daemon.wait_replaced(&before, 1).with_context(|| point.to_owned())?;
        wait_settled(scene).with_context(|| point.to_owned())?;
        Ok(outcome)
    };
    for at in ["claimed", "recorded", "made", "written"] {
        for source in [None, Some("base")] {
            let point = step("create_volume", at);
            let words = match source {
                None => vec!["create", "--size", "1", "--wait"],
                Some(from) => vec!["clone", from, "--wait"],
            };
            let made = killed(&point, &words)?;
            ensure!(made["status"] == "available", "{point}: {made}");
            let made = id(&made)?;
            ensure!(fs::metadata(file(scene, &made))?.len() == 1 << 30, "{point}");
            if source.is_some() {
                ensure!(text(scene, &made)? == "abc", "{point}");
            }
            victims.push(made);
        }
    }
    for at in ["claimed", "recorded", "made", "written"] {
        let point = step("create_snapshot", at);
        let made = killed(&point, &["snapshot", "create", "base", "--wait"])?;
        ensure!(made["status"] == "available", "{point}: {made}");
        let point = match at {
            "claimed" | "recorded" => step("delete_snapshot", "recorded"),
            "made" => step("delete_snapshot", "gone"),
            _ => step("delete_snapshot", "written"),
        };
        killed(&point, &["snapshot", "delete", &id(&made)?, "--wait"])?;
    }
    for (at, size) in [("recorded", "2"), ("made", "3"), ("written", "4")] {
        let point = step("extend_volume", at);
        let larger = killed(&point, &["extend", "base", "--size", size, "--wait"])?;
        ensure!(larger["size"] == size && text(scene, &base)? == "abc", "{point}: {larger}");
    }
    for at in ["claimed", "recorded", "gone", "reserved", "written"] {
        let victim = victims.pop().context("there are enough")?;
        killed(&step("delete_volume", at), &["delete", &victim, "--wait"])?;
        ensure!(!file(scene, &victim).exists(), "{at}");
    }
    // And while it cleans up.
    let before = daemon.workers();
    let word = "manager::cleanup::claimed = kill once\nmanager::create_volume::made = kill once\n";
    fs::write(scene.path("fail-points"), word)?;
    let made = volume(scene, &["create", "--size", "1", "--wait"])?;
    ensure!(made["status"] == "available", "{made}");
    daemon.wait_replaced(&before, 1)?;
    wait_settled(scene)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn an_operation_that_kills_its_worker_each_time_is_given_up(
    scene: &Scene,
) -> Result<()> {
    let daemon = start(scene)?;
    let good = id(&volume(scene, &["create", "--size", "1", "--wait"])?)?;
    arm(scene, "manager::create_volume::made", "kill")?;
    let outcome = run(scene, &["create", "--size", "1", "--name", "bad", "--wait"])?;
    let told: Value = serde_json::from_str(&outcome.out)?;
    if told["status"] == "available" {
        return Err(Skip("this program has no fail points".to_owned()).into());
    }
    // The first time and two resumes; then it has the original's status.
    ensure!(outcome.code == Some(3) && told["status"] == "error", "{outcome:?}");
    daemon.wait_log("it is not tried again", 1)?;
    fs::remove_file(scene.path("fail-points"))?;
    daemon.wait_up(1)?;
    volume(scene, &["delete", "bad", "--wait"])?;
    volume(scene, &["delete", &good, "--wait"])?;
    wait_settled(scene)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_driver_that_fails_or_does_not_know_is_asked_and_fails_nothing_else(
    scene: &Scene,
) -> Result<()> {
    let daemon = start(scene)?;
    let workers = daemon.workers();
    // The local driver takes back what it has not seen to end, and says so when it is asked.
    for action in ["error unknown", "error cancelled", "error no space"] {
        arm(scene, "driver::create_volume::filled", action)?;
        let outcome = run(scene, &["create", "--size", "1", "--wait"])?;
        if outcome.code == Some(0) {
            return Err(Skip("this program has no fail points".to_owned()).into());
        }
        ensure!(outcome.code == Some(3) && outcome.out.contains("\"error\""), "{outcome:?}");
        fs::remove_file(scene.path("fail-points"))?;
    }
    ensure!(daemon.count("asking the driver") == 2, "not asked what has become of it");
    wait_settled(scene)?;
    ensure!(volume(scene, &["create", "--size", "1", "--wait"])?["status"] == "available");
    ensure!(daemon.workers() == workers, "a worker was replaced");
    daemon.end_with(Signal::SIGTERM, 0)
}

/// An object as it stands in a message.
pub(super) fn object(name: &str, version: &str, data: &Value) -> Value {
    json!({
        "versioned_object.name": name,
        "versioned_object.namespace": "cinder",
        "versioned_object.version": version,
        "versioned_object.data": data,
    })
}

/// The class of the failure that a call comes to.
pub(super) fn refused(scene: &Scene, method: &str, arguments: &Value) -> Result<String> {
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let mut command = scene.cinder_volume(&["call", method, "--backend", "disk"]);
    command.args(["--json", &arguments.to_string(), "--config-file", &file]);
    let outcome = scene.finish(&mut command, SOON)?;
    ensure!(outcome.code == Some(3), "{method}: {outcome:?}");
    let told: Value = serde_json::from_str(&outcome.out)?;
    Ok(told["failure"]["class"].as_str().context("no class")?.to_owned())
}

/// A volume that was made, and its row as an API would change it.
struct Made<'a> {
    scene: &'a Scene,
    id: String,
}

impl<'a> Made<'a> {
    fn new(scene: &'a Scene) -> Result<Self> {
        let made = volume(scene, &["create", "--size", "1", "--name", "a", "--wait"])?;
        Ok(Self { scene, id: id(&made)? })
    }

    /// As it stands in a message.
    fn object(&self, status: &str) -> Value {
        object("Volume", "1.9", &json!({"id": self.id, "status": status}))
    }

    fn set(&self, columns: &str) -> Result<()> {
        self.scene.store().write(&format!("UPDATE volumes SET {columns} WHERE id = '{}'", self.id))
    }

    fn expect(&self, wanted: &str) -> Result<()> {
        let sql = format!("SELECT status FROM volumes WHERE id = '{}'", self.id);
        let found = self.scene.store().lines(&sql)?;
        ensure!(found == [wanted], "{found:?} instead of {wanted}");
        Ok(())
    }
}

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

pub(crate) fn bad_requests_for_volumes_get_the_class_that_their_callers_expect(
    scene: &Scene,
) -> Result<()> {
    let daemon = start(scene)?;
    let a = Made::new(scene)?;
    let nobody = |status: &str| object("Volume", "1.9", &json!({"id": NOBODY, "status": status}));
    let newer = object("Volume", "1.99", &json!({}));
    let nameless = object("Volume", "1.9", &json!({}));
    for (method, arguments, class) in [
        ("create_volume", json!({"volume": nobody("creating")}), "VolumeNotFound"),
        ("create_volume", json!({"volume": {}}), "AttributeError"),
        ("create_volume", json!({"volume": newer}), "IncompatibleObjectVersion"),
        ("create_volume", json!({"volume": nameless}), "ObjectActionError"),
        (
            "initialize_connection",
            json!({"volume": nobody("available"), "connector": {}}),
            "VolumeNotFound",
        ),
        (
            "extend_volume",
            json!({"volume": nobody("extending"), "new_size": -1, "reservations": []}),
            "VolumeNotFound",
        ),
        (
            "attachment_delete",
            json!({"attachment_id": "x", "vref": a.object("in-use")}),
            "VolumeAttachmentNotFound",
        ),
    ] {
        let found = refused(scene, method, &arguments)?;
        ensure!(found == class, "{method} {arguments}: {found} instead of {class}");
    }
    // Sizes that no file can have.
    for size in [0, -1, i64::MAX] {
        a.set("status = 'extending'")?;
        let volume = a.object("extending");
        let arguments = json!({"volume": volume, "new_size": size, "reservations": []});
        refused(scene, "extend_volume", &arguments)?;
        a.expect("error_extending")?;
    }
    // A volume of somebody else is left alone, with all that is said of it.
    a.set("host = 'other@disk#disk', status = 'deleting'")?;
    let class = refused(scene, "delete_volume", &json!({"volume": a.object("deleting")}))?;
    ensure!(class == "InvalidVolume" && file(scene, &a.id).exists(), "{class}");
    a.expect("deleting")?;
    a.set("host = 'e2e@disk#disk'")?;
    daemon.signal(Signal::SIGUSR1)?; // what it has left is taken up by the next worker
    wait_settled(scene)?;
    ensure!(!file(scene, &a.id).exists(), "it is still there");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn what_is_not_carried_out_yet_is_refused_and_leaves_nothing_on_its_way(
    scene: &Scene,
) -> Result<()> {
    let daemon = start(scene)?;
    let a = Made::new(scene)?;
    let is_refused = |method: &str, arguments: &Value| -> Result<()> {
        let class = refused(scene, method, arguments)?;
        ensure!(class == "VolumeDriverException", "{method} {arguments}: {class}");
        Ok(())
    };
    // An error for those who wait for it, not something empty.
    for source in ["image_id", "backup_id"] {
        a.set("status = 'creating'")?;
        let spec = object("RequestSpec", "1.5", &json!({source: NOBODY}));
        let arguments = json!({"volume": a.object("creating"), "request_spec": spec});
        is_refused("create_volume", &arguments)?;
        a.expect("error")?;
    }
    // Each of these has been given a transitional status by an API.
    let host = json!({"host": "e2e@other#other", "cluster_name": null, "capabilities": {}});
    let of = |status: &str| a.object(status);
    let retype = json!({"volume": of("retyping"), "new_type_id": NOBODY, "host": host});
    for (method, from, to, arguments) in [
        ("retype", "retyping", "available", retype),
        (
            "copy_volume_to_image",
            "uploading",
            "available",
            json!({"volume_id": a.id, "image_meta": {}}),
        ),
        (
            "manage_existing",
            "managing",
            "error_managing",
            json!({"volume": of("managing"), "ref": {}}),
        ),
        ("reimage", "downloading", "error", json!({"volume": of("downloading"), "image_meta": {}})),
        ("detach_volume", "detaching", "available", json!({"volume_id": a.id})),
    ] {
        a.set(&format!("status = '{from}', previous_status = 'available'"))?;
        is_refused(method, &arguments)?;
        a.expect(to).with_context(|| method.to_owned())?;
    }
    wait_settled(scene)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn without_a_place_for_records_operations_are_carried_out_all_the_same(
    scene: &Scene,
) -> Result<()> {
    fs::write(scene.path("operations"), "in the way")?;
    let daemon = start(scene)?;
    let a = id(&volume(scene, &["create", "--size", "1", "--name", "a", "--wait"])?)?;
    volume(scene, &["extend", "a", "--size", "2", "--wait"])?;
    volume(scene, &["snapshot", "create", "a", "--name", "s", "--wait"])?;
    volume(scene, &["snapshot", "delete", "s", "--wait"])?;
    ensure!(daemon.count("is not on record") == 2, "nothing is said about it");
    // What nobody could count is not tried again: it has the original's status.
    let before = daemon.workers();
    arm(scene, "manager::create_volume::made", "kill once")?;
    let outcome = run(scene, &["create", "--size", "1", "--name", "b", "--wait"])?;
    check_fired(scene, "manager::create_volume::made")?;
    ensure!(outcome.code == Some(3), "{outcome:?}");
    daemon.wait_replaced(&before, 1)?;
    for one in ["b", &a] {
        volume(scene, &["delete", one, "--wait"])?;
    }
    wait_settled(scene)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn what_is_known_of_an_image_goes_along_with_its_data(scene: &Scene) -> Result<()> {
    let daemon = start(scene)?;
    let store = scene.store();
    let a = id(&volume(scene, &["create", "--size", "1", "--name", "a", "--wait"])?)?;
    store.write(&format!("UPDATE volumes SET bootable = 1 WHERE id = '{a}'"))?;
    store.write(&format!(
        "INSERT INTO volume_glance_metadata (deleted, volume_id, \"key\", value) VALUES (0, '{a}', 'image_name', 'debian')"
    ))?;
    let s = id(&volume(scene, &["snapshot", "create", "a", "--name", "s", "--wait"])?)?;
    arm(scene, "manager::create_volume::written", "kill once")?; // and it is not copied twice
    let b = id(&volume(scene, &["create", "--from-snapshot", "s", "--name", "b", "--wait"])?)?;
    let c = id(&volume(scene, &["clone", "a", "--name", "c", "--wait"])?)?;
    wait_settled(scene)?;
    for (column, id) in [("snapshot_id", &s), ("volume_id", &b), ("volume_id", &c)] {
        let sql = format!(
            "SELECT value FROM volume_glance_metadata WHERE {column} = '{id}' AND deleted = 0"
        );
        let found = store.lines(&sql)?;
        ensure!(found == ["debian"], "{column} {id}: {found:?}");
    }
    let bootable =
        store.lines(&format!("SELECT bootable FROM volumes WHERE id IN ('{b}', '{c}')"))?;
    ensure!(bootable == ["1", "1"], "{bootable:?}");
    volume(scene, &["snapshot", "delete", "s", "--wait"])?;
    let left = store.lines(&format!(
        "SELECT value FROM volume_glance_metadata WHERE snapshot_id = '{s}' AND deleted = 0"
    ))?;
    ensure!(left.is_empty(), "{left:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}
