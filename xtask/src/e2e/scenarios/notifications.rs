//! What a daemon tells those who count and bill: to the original's listener, and to a broker that is not there.

use std::fs::{self, File};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::broker::broker;
use super::volumes::{self, SOON, file, id, run, volume};
use crate::cargo;
use crate::e2e::props::config::Config;
use crate::e2e::props::original;
use crate::e2e::props::scene::Scene;
use crate::servers::rabbitmq::RabbitMq;
use crate::wait::wait_for;

/// Prints what comes to `notifications`, a line each, until its input ends.
const LISTENER: &str = r"
import json, sys
import oslo_messaging as om
from oslo_config import cfg
cfg.CONF([], project='test', default_config_files=[])
transport = om.get_notification_transport(cfg.CONF, url=sys.argv[1])

class Endpoint:
    def info(self, ctxt, publisher_id, event_type, payload, metadata):
        print(json.dumps([event_type, publisher_id, payload, ctxt]), flush=True)
    error = info

listener = om.get_notification_listener(
    transport, [om.Target(topic='notifications')], [Endpoint()], executor='threading')
listener.start()
print('ready', flush=True)
sys.stdin.read()
";

fn telling(scene: &Scene, broker: &RabbitMq) -> Config {
    volumes::config(scene).set("oslo_messaging_notifications", "driver", "messagingv2").set(
        "oslo_messaging_notifications",
        "transport_url",
        &broker.url(),
    )
}

/// The original's listener, which ends with its input.
struct Listener {
    child: Child,
    out: std::path::PathBuf,
}

impl Listener {
    fn start(scene: &Scene, broker: &RabbitMq) -> Result<Self> {
        let out = scene.path("heard");
        let child = scene
            .command(original::program("python"))
            .args(["-W", "ignore", "-c", LISTENER, &broker.url()])
            .stdin(Stdio::piped())
            .stdout(File::create(&out)?)
            .stderr(File::create(scene.path("heard.err"))?)
            .spawn()?;
        let this = Self { child, out };
        wait_for("the listener", SOON, || {
            ensure!(fs::read_to_string(&this.out)?.starts_with("ready"));
            Ok(())
        })?;
        Ok(this)
    }

    fn heard(&self) -> Result<Vec<Value>> {
        let text = fs::read_to_string(&self.out)?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().skip(1).map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the original has told of the same, by kind.
fn sample(event: &str) -> Result<Value> {
    let file = cargo::root().join("crates/oslo-messaging/tests/data/rpc-samples.json");
    let all: Vec<Value> = serde_json::from_str(&fs::read_to_string(file)?)?;
    let found = all.into_iter().find(|one| one["message"]["event_type"] == event);
    Ok(found.with_context(|| format!("no sample of {event}"))?["message"]["payload"].take())
}

fn keys(value: &Value) -> Vec<&String> {
    value.as_object().map(|fields| fields.keys().collect()).unwrap_or_default()
}

pub(crate) fn the_originals_listener_hears_of_a_volume_from_its_beginning_to_its_end(
    scene: &Scene,
) -> Result<()> {
    let mut broker = broker()?;
    broker.serve()?;
    let config = telling(scene, &broker).set("DEFAULT", "publish_errors", "true");
    let daemon = scene.start(&config)?;
    daemon.wait_up(1)?;
    let listener = Listener::start(scene, &broker)?;
    let a = id(&volume(scene, &["create", "--size", "1", "--name", "a", "--wait"])?)?;
    let s = id(&volume(scene, &["snapshot", "create", "a", "--name", "s", "--wait"])?)?;
    volume(scene, &["extend", "a", "--size", "2", "--wait"])?;
    ensure!(run(scene, &["snapshot", "delete", "s", "--wait"])?.code == Some(0));
    // What fails has no end, and is an ERROR line.
    fs::rename(file(scene, &a), scene.path("aside"))?;
    ensure!(run(scene, &["extend", "a", "--size", "3", "--wait"])?.code != Some(0));
    fs::rename(scene.path("aside"), file(scene, &a))?;
    ensure!(run(scene, &["delete", "a", "--wait"])?.code == Some(0));
    let expected = [
        ("volume.create.start", &a),
        ("volume.create.end", &a),
        ("snapshot.create.start", &s),
        ("snapshot.create.end", &s),
        ("volume.resize.start", &a),
        ("volume.resize.end", &a),
        ("snapshot.delete.start", &s),
        ("snapshot.delete.end", &s),
        ("volume.resize.start", &a),
        ("volume.delete.start", &a),
        ("volume.delete.end", &a),
    ];
    wait_for("all of it to be heard", SOON, || {
        let heard = listener.heard()?;
        ensure!(heard.iter().any(|one| one[0] == "volume.delete.end"), "{heard:?}");
        ensure!(heard.iter().any(|one| one[0] == "error_notification"), "{heard:?}");
        Ok(())
    })?;
    let heard = listener.heard()?;
    let (errors, told): (Vec<_>, Vec<_>) =
        heard.iter().partition(|one| one[0] == "error_notification");
    let names: Vec<_> = told.iter().map(|one| one[0].as_str().unwrap_or_default()).collect();
    ensure!(names == expected.map(|(name, _)| name), "{names:?}");
    for (one, (name, id)) in told.iter().zip(expected) {
        let what = name.split('.').next().unwrap_or_default();
        let payload = &one[2];
        ensure!(payload[format!("{what}_id")] == id.as_str(), "{one}");
        ensure!(keys(payload) == keys(&sample(name)?), "{name}: {payload}");
        let of_create = name.starts_with("volume.create");
        let publisher = if of_create { "volume.e2e@disk#disk" } else { "e2e@disk" };
        ensure!(one[1].as_str().is_some_and(|text| text.ends_with(publisher)), "{one}");
        ensure!(one[3]["auth_token"].is_null() && one[3]["request_id"].is_string(), "{one}");
    }
    let errors: Vec<_> = errors.iter().map(|one| one[2]["error"].to_string()).collect();
    ensure!(errors.iter().any(|text| text.contains("Failed to extend volume")), "{errors:?}");
    ensure!(
        heard
            .iter()
            .filter(|one| one[0] == "error_notification")
            .all(|one| { one[1] == "error.publisher" && keys(&one[2]) == ["error"] })
    );
    daemon.end_with(Signal::SIGTERM, 0)
}

/// The names of a process's threads.
fn threads(pid: i32) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        names.push(fs::read_to_string(task?.path().join("comm"))?.trim().to_owned());
    }
    Ok(names)
}

pub(crate) fn who_tells_nobody_has_no_thread_for_it_and_says_what_is_in_vain(
    scene: &Scene,
) -> Result<()> {
    let config = volumes::config(scene).set("DEFAULT", "publish_errors", "true").set(
        "oslo_messaging_notifications",
        "driver",
        "messagingv2",
    );
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(1)?;
    volume(scene, &["create", "--size", "1", "--name", "a", "--wait"])?;
    daemon.wait_log("over a bus without a broker", 1)?;
    daemon.wait_log("publish_errors: nothing is published", 1)?;
    for worker in workers {
        let names = threads(worker)?;
        ensure!(!names.iter().any(|name| name.starts_with("notif")), "{names:?}");
    }
    let checked = scene.run(&[
        "config",
        "check",
        "--config-file",
        &scene.path("cinder.conf").to_string_lossy(),
    ])?;
    ensure!(checked.all().contains("over a bus without a broker"), "{checked:?}");
    ensure!(checked.all().contains("nothing is published"), "{checked:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_broker_that_is_away_delays_no_operation_and_no_stop(scene: &Scene) -> Result<()> {
    let broker = broker()?; // which does not run
    let daemon = scene.start(&telling(scene, &broker))?;
    daemon.wait_up(1)?;
    for number in 1..=5 {
        let name = format!("v{number}");
        volume(scene, &["create", "--size", "1", "--name", &name, "--wait"])?;
        ensure!(run(scene, &["delete", &name, "--wait"])?.code == Some(0));
    }
    // Nothing is said of them while they may still be sent.
    ensure!(daemon.count("notifications were dropped") == 0, "{}", daemon.log());
    daemon.end_with(Signal::SIGTERM, 0)?;
    let lost = "20 notifications are dropped at the end";
    ensure!(daemon.count(lost) == 1, "{}", daemon.log());
    ensure!(daemon.count("is left behind") == 0, "{}", daemon.log());
    Ok(())
}
