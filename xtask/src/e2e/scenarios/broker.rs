//! A daemon at a real RabbitMQ: what it declares, a broker that comes, goes and comes back, and a stop
//! with and without one. What messages go through is tested in `oslo-messaging`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::json;

use super::messages::{ANSWERED, class, told, wait_answer};
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::http::Place;
use crate::e2e::props::scene::Scene;
use crate::e2e::props::skip::Skip;
use crate::servers::rabbitmq::{self, RabbitMq};
use crate::wait::wait_for;

/// A node that does not run yet.
pub(super) fn broker() -> Result<RabbitMq> {
    if let Some(reason) = rabbitmq::missing() {
        return Err(Skip(reason).into());
    }
    RabbitMq::new()
}

/// The queues that are there, those of fan-outs without what makes them unique.
fn queues(broker: &RabbitMq) -> Result<BTreeSet<String>> {
    let list = broker.ctl(&["list_queues", "--no-table-headers", "name"])?;
    let named = |line: &str| {
        let fanout = line.find("_fanout_").map(|at| line[..at + "_fanout_".len()].to_owned());
        fanout.unwrap_or_else(|| line.to_owned())
    };
    Ok(list.lines().map(named).filter(|name| !name.starts_with("reply_")).collect())
}

/// Waits until the health server tells a reason that begins so; of no reason, the empty one.
fn wait_reason(server: &Place, start: &str) -> Result<()> {
    wait_for(&format!("a reason that begins {start:?}"), SOON, || {
        let health = server.health()?;
        let reason = health["back_ends"][0]["reason"].as_str().context("no reason")?;
        ensure!(reason.starts_with(start) && reason.is_empty() == start.is_empty(), "{reason:?}");
        Ok(())
    })
}

/// Waits until the health server shows both connections, and both servers of `a`, in this state.
fn wait_shown(server: &Place, state: &str, are_served: bool) -> Result<()> {
    wait_for(&format!("connections to be shown {state}"), SOON, || {
        let messages = &server.health()?["back_ends"][0]["messages"];
        let connections = messages["connections"].as_array().context("no connections")?;
        let purposes: Vec<_> = connections.iter().map(|one| &one["purpose"]).collect();
        ensure!(purposes == ["consuming", "publishing"], "{messages}");
        for one in connections {
            let host = one["host"].as_str().unwrap_or_default();
            ensure!(host.starts_with("127.0.0.1:") && one["blocked"] == "", "{messages}");
            ensure!(one["state"] == state && one["since_seconds"].is_number(), "{messages}");
        }
        let servers = messages["servers"].as_array().context("no servers")?;
        let queues: Vec<_> = servers.iter().map(|one| &one["queues"][1]).collect();
        let expected = ["cinder-volume.e2e@a", "cinder-volume.e2e@a.e2e"];
        ensure!(queues == expected, "{messages}");
        ensure!(servers.iter().all(|one| one["is_served"] == are_served), "{messages}");
        Ok(())
    })
}

/// The same in the words of `status` and of the page.
fn looks_well(scene: &Scene, server: &Place) -> Result<()> {
    let file = scene.path("cinder.conf");
    let status = scene.run(&["--config-file", &file.to_string_lossy(), "status"])?;
    let (_, page) = server.get("/")?;
    for (text, all) in [
        ("e2e@a consuming 127.0.0.1:", &status.out),
        (", 2 of 2 servers, 0 replies wait, 0 reply queues given up", &status.out),
        ("<li>publishing <b>127.0.0.1:", &page),
        (
            "<li>cinder-volume.e2e@a, cinder-volume.e2e@a.e2e, cinder-volume.e2e@a_fanout <b>served</b>",
            &page,
        ),
    ] {
        ensure!(all.contains(text), "{text:?} is not in {all}");
    }
    Ok(())
}

fn start(scene: &Scene, broker: &RabbitMq, server: &Place) -> Result<Daemon> {
    let config = scene.config(&["a"]).set("DEFAULT", "transport_url", &broker.url());
    scene.start(&config.set("health", "bind", &server.bind()))
}

pub(crate) fn a_back_end_serves_over_a_broker_that_comes_and_goes(scene: &Scene) -> Result<()> {
    let mut broker = broker()?;
    let server = Place::socket(scene);
    let daemon = start(scene, &broker, &server)?;
    // There is none yet: down with the reason, and known to be alive.
    wait_reason(&server, "messaging: 127.0.0.1:")?;
    daemon.wait_beats(2)?;
    broker.serve()?;
    wait_answer(scene, "a")?;
    wait_reason(&server, "")?;
    let expected = [
        "cinder-volume",
        "cinder-volume.e2e@a",
        "cinder-volume.e2e@a.e2e",
        "cinder-volume_fanout_",
        "cinder-volume.e2e@a_fanout_",
    ];
    let found = queues(&broker)?;
    let missing = expected.iter().find(|name| !found.contains(**name));
    ensure!(missing.is_none(), "{missing:?} is missing among {found:?}");
    wait_shown(&server, "up", true)?;
    looks_well(scene, &server)?;
    let failed = class(scene, &["freeze_host", "--backend", "a"])?;
    ensure!(failed == "VolumeDriverException", "{failed}");
    broker.stop();
    wait_reason(&server, "messaging: 127.0.0.1:")?;
    wait_shown(&server, "waiting", false)?;
    daemon.wait_beats(2)?;
    broker.serve()?;
    wait_answer(scene, "a")?;
    wait_reason(&server, "")?;
    for line in ["The message broker", "is there again after"] {
        let count = daemon.count(line);
        ensure!((1..=8).contains(&count), "{count} lines {line:?}\n{}", daemon.log());
    }
    ensure!(daemon.count("guest:guest") == 0, "{}", daemon.log());
    daemon.end_with(Signal::SIGTERM, 0)?;
    let left = queues(&broker)?;
    ensure!(!left.iter().any(|name| name.contains("_fanout_")), "{left:?}");
    Ok(())
}

pub(crate) fn a_stop_needs_no_broker_and_a_call_says_that_there_is_none(
    scene: &Scene,
) -> Result<()> {
    let mut broker = broker()?;
    broker.serve()?;
    let server = Place::socket(scene);
    let daemon = start(scene, &broker, &server)?;
    wait_answer(scene, "a")?;
    let published = told(scene, &["publish_service_capabilities", "--backend", "a"], ANSWERED)?;
    ensure!(published == json!({"result": null}), "{published}");
    broker.stop();
    wait_reason(&server, "messaging: 127.0.0.1:")?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    ensure!(daemon.count("is left behind") == 0, "{}", daemon.log());
    let nobody =
        super::messages::call(scene, &["freeze_host", "--backend", "a", "--timeout", "2"])?;
    ensure!(nobody.code == Some(4) && nobody.out.contains("error"), "{nobody:?}");
    scene.wait_empty(SOON)
}
