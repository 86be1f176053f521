//! A daemon at a real RabbitMQ: what it declares, a broker that comes, goes and comes back, and a stop
//! with and without one. What messages go through is tested in `oslo-messaging`.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::json;

use super::messages::{ANSWERED, begun, class, told, wait_answer};
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::http::Place;
use crate::e2e::props::scene::Scene;
use crate::e2e::props::skip::Skip;
use crate::proxy::Proxy;
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

/// The URL with this user.
fn url_of(broker: &RabbitMq, user: &str, password: &str) -> String {
    broker.url().replace("guest:guest", &format!("{user}:{password}"))
}

/// Some that cast at the same time as others do something else.
fn casts(scene: &Scene) -> Result<Vec<Child>> {
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let words = ["call", "delete_volume", "--cast", "--arg", "volume=1", "--backend", "a"];
    let start = |_| {
        let mut command = scene.cinder_volume(&["--config-file", &file]);
        let command = command.args(words).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().context("cannot cast")
    };
    (0..4).map(start).collect()
}

/// What has been cast, and taken, is carried out once each.
fn expect_each_once(daemon: &Daemon, casting: Vec<Child>) -> Result<()> {
    let mut taken = 0;
    for mut one in casting {
        taken += usize::from(one.wait()?.code() == Some(ANSWERED));
    }
    ensure!(taken >= 8, "{taken} casts were taken");
    let done = wait_for("every cast to be carried out", SOON, || {
        let done = begun(daemon, "delete_volume");
        ensure!(done.len() >= taken, "{} of {taken}", done.len());
        Ok(done)
    })?;
    ensure!(done.iter().collect::<BTreeSet<_>>().len() == done.len(), "one ran twice: {done:?}");
    Ok(())
}

/// A change of the user, and one of a password; casts go on meanwhile.
fn change_users(
    scene: &Scene,
    broker: &RabbitMq,
    server: &Place,
    daemon: &Daemon,
    with: &dyn Fn(&str) -> Config,
    served_as: &dyn Fn(&str) -> Result<()>,
) -> Result<Vec<Child>> {
    let told = |count: usize| {
        daemon.wait_log(
            "INFO oslo_config.cfg [-] The message broker is reached as DEFAULT.transport_url says",
            count,
        )
    };
    let mut casting = casts(scene)?;
    // Another user: said, and used as soon as there is a new connection.
    scene.write("cinder.conf", &with(&url_of(broker, "second", "hunter3")).text())?;
    daemon.signal(Signal::SIGHUP)?;
    told(1)?;
    served_as("first")?;
    casting.extend(casts(scene)?);
    broker.ctl(&["delete_user", "first"])?;
    broker.ctl(&["close_all_connections", "--vhost", "/", "as a test wants it"])?;
    served_as("second")?;
    casting.extend(casts(scene)?);
    // Another password that the broker knows first: waited for, and used at once when it is told.
    broker.ctl(&["change_password", "second", "hunter4"])?;
    broker.ctl(&["close_all_connections", "--vhost", "/", "as a test wants it"])?;
    wait_for("the refusal to be told", SOON, || {
        let health = server.health()?;
        let reason = health["back_ends"][0]["reason"].as_str().unwrap_or_default();
        ensure!(reason.contains("ACCESS_REFUSED"), "{reason:?}");
        Ok(())
    })?;
    scene.write("cinder.conf", &with(&url_of(broker, "second", "hunter4")).text())?;
    casting.extend(casts(scene)?);
    daemon.signal(Signal::SIGHUP)?;
    told(2)?;
    served_as("second")?;
    // Nothing has changed this time, and nothing is told.
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("Resetting cached RPC version pins", 3)?;
    told(2)?;
    Ok(casting)
}

pub(crate) fn a_hup_has_the_broker_reached_as_another_user_and_no_message_is_lost(
    scene: &Scene,
) -> Result<()> {
    let mut broker = broker()?;
    broker.serve()?;
    for (user, password) in [("first", "hunter2"), ("second", "hunter3")] {
        broker.ctl(&["add_user", user, password])?;
        broker.ctl(&["set_permissions", user, ".*", ".*", ".*"])?;
    }
    let server = Place::socket(scene);
    let config = scene.config(&["a"]).set("DEFAULT", "debug", "true");
    let config = config.set("oslo_messaging_rabbit", "amqp_durable_queues", "true");
    let config = config.set("health", "bind", &server.bind());
    let with = |url: &str| config.clone().set("DEFAULT", "transport_url", url);
    let daemon = scene.start(&with(&url_of(&broker, "first", "hunter2")))?;
    wait_answer(scene, "a")?;
    let workers = daemon.workers();
    let users = || -> Result<BTreeSet<String>> {
        let list =
            broker.ctl(&["list_connections", "--no-table-headers", "user", "client_properties"])?;
        let of_daemon = list
            .lines()
            .filter(|line| workers.iter().any(|pid| line.contains(&format!(":{pid}:"))));
        Ok(of_daemon.filter_map(|line| Some(line.split_once('\t')?.0.to_owned())).collect())
    };
    let served_as = |user: &str| {
        wait_for(&format!("to be served as {user}"), SOON, || {
            let found = users()?;
            ensure!(found == BTreeSet::from([user.to_owned()]), "{found:?}");
            wait_reason(&server, "")
        })
    };
    served_as("first")?;
    let casting = change_users(scene, &broker, &server, &daemon, &with, &served_as)?;
    expect_each_once(&daemon, casting)?;
    ensure!(daemon.count("needs a restart") == 0, "{}", daemon.log());
    ensure!(daemon.count("Ignoring change to immutable option") == 0, "{}", daemon.log());
    ensure!(daemon.count("hunter") == 0, "{}", daemon.log());
    // A worker that is replaced begins with what holds now.
    let worker = *daemon.workers().first().context("no worker")?;
    crate::process::signal(worker, Signal::SIGKILL)?;
    wait_answer(scene, "a")?;
    // Another virtual host is another bus.
    scene.write("cinder.conf", &with(&format!("{}other", broker.url())).text())?;
    daemon.signal(Signal::SIGHUP)?;
    daemon
        .wait_log("The message bus stays what it was: DEFAULT.transport_url needs a restart", 1)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_hup_has_the_broker_reached_at_another_address_and_no_message_is_lost(
    scene: &Scene,
) -> Result<()> {
    let mut broker = broker()?;
    broker.serve()?;
    let old = Proxy::start(broker.port())?;
    let (at_old, at_new) =
        (broker.url().replace(&broker.port().to_string(), &old.port().to_string()), broker.url());
    let server = Place::socket(scene);
    let config = scene.config(&["a"]).set("DEFAULT", "debug", "true");
    let config = config.set("oslo_messaging_rabbit", "amqp_durable_queues", "true");
    let config = config.set("health", "bind", &server.bind());
    let with = |url: &str| config.clone().set("DEFAULT", "transport_url", url);
    let daemon = scene.start(&with(&at_old))?;
    let reached_at = |place: &str| {
        wait_for(&format!("it to be reached at {place}"), SOON, || {
            let messages = &server.health()?["back_ends"][0]["messages"];
            let connections = messages["connections"].as_array().context("no connections")?;
            let are_there =
                connections.iter().all(|one| one["host"] == *place && one["state"] == "up");
            ensure!(connections.len() == 2 && are_there, "{messages}");
            Ok(())
        })
    };
    reached_at(&format!("127.0.0.1:{}", old.port()))?;
    let workers = daemon.workers();
    let mut casting = casts(scene)?;
    scene.write("cinder.conf", &with(&at_new).text())?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("The message broker is reached as DEFAULT.transport_url says", 1)?;
    // What works stays, until there has to be a new connection.
    reached_at("where it was before")?;
    casting.extend(casts(scene)?);
    drop(old);
    reached_at(&format!("127.0.0.1:{}", broker.port()))?;
    casting.extend(casts(scene)?);
    expect_each_once(&daemon, casting)?;
    daemon.expect_workers(&workers)?;
    ensure!(daemon.count("needs a restart") == 0, "{}", daemon.log());
    daemon.end_with(Signal::SIGTERM, 0)
}
