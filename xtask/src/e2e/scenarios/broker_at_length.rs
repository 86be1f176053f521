//! What a broker does to a daemon in the long run; minutes each, so not for every change.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::broker::broker;
use super::messages::{ANSWERED, FAILED, NOBODY, begun, wait_answer};
use crate::e2e::props::http::Place;
use crate::e2e::props::scene::{Outcome, Scene};
use crate::servers::rabbitmq::RabbitMq;
use crate::wait::{secs, wait_for};

/// A node on a busy machine may take a minute to start, and what waited for it as long again.
const LONG: Duration = secs(300);

/// `call` with the scene's configuration, for as long as the tool itself goes on trying.
fn call(scene: &Scene, words: &[&str]) -> Result<Outcome> {
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let mut command = scene.cinder_volume(&["--config-file", &file, "call"]);
    scene.finish(command.args(words), LONG)
}

/// Casts and calls, one after the other, until `over`; how many casts were taken and calls answered.
fn traffic(scene: &Scene, over: &AtomicBool) -> Result<(usize, usize)> {
    let (mut taken, mut answered) = (0, 0);
    while !over.load(Ordering::Acquire) {
        let cast = ["delete_volume", "--cast", "--arg", "volume=1", "--backend", "a"];
        taken += usize::from(call(scene, &cast)?.code == Some(ANSWERED));
        let asked = ["freeze_host", "--backend", "a", "--timeout", "20"];
        let outcome = call(scene, &asked)?;
        // Answered, or its time was over: nothing else.
        let code = outcome.code;
        ensure!(code == Some(FAILED) || code == Some(NOBODY), "{outcome:?}");
        answered += usize::from(code == Some(FAILED));
    }
    Ok((taken, answered))
}

pub(crate) fn twenty_restarts_of_a_broker_lose_no_cast_and_carry_none_out_twice(
    scene: &Scene,
) -> Result<()> {
    let mut broker = broker()?;
    broker.serve()?;
    let server = Place::socket(scene);
    let config = scene.config(&["a"]).set("DEFAULT", "transport_url", &broker.url());
    let config = config.set("DEFAULT", "debug", "true").set("health", "bind", &server.bind());
    // What is on the broker outlives it.
    let config = config.set("oslo_messaging_rabbit", "amqp_durable_queues", "true");
    let daemon = scene.start(&config)?;
    wait_answer(scene, "a")?;
    let workers = daemon.workers();
    let over = AtomicBool::new(false);
    let (taken, answered) = thread::scope(|scope| {
        let restarts = scope.spawn(|| {
            // Each time it is used again first: twenty stops in a row would be one long one.
            let all = (0..20).try_for_each(|_| {
                broker.stop();
                broker.serve()?;
                wait_served(&server, 2)
            });
            over.store(true, Ordering::Release);
            all
        });
        let sent = traffic(scene, &over);
        restarts.join().map_err(|_| anyhow!("who restarts it has panicked"))??;
        sent
    })?;
    ensure!(taken > 0 && answered > 0, "{taken} casts taken, {answered} calls answered");
    let carried_out = wait_for("every cast to be carried out", LONG, || {
        let deleted = begun(&daemon, "delete_volume");
        // More may have been: who could not be told that a cast was taken has counted none.
        ensure!(deleted.len() >= taken, "{} of {taken}", deleted.len());
        Ok(deleted)
    })?;
    let different: BTreeSet<_> = carried_out.iter().collect();
    ensure!(different.len() == carried_out.len(), "one was carried out twice: {carried_out:?}");
    println!("        20 restarts: {taken} casts taken, {answered} calls answered");
    daemon.expect_workers(&workers)?;
    daemon.wait_beats(2)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

/// It takes the broker a minute to say so.
pub(crate) fn a_queue_that_the_broker_has_given_up_is_made_anew(scene: &Scene) -> Result<()> {
    const QUEUE: &str = "cinder-volume.e2e@a.e2e";
    let mut broker = broker()?;
    broker.serve()?;
    let config = scene.config(&["a"]).set("DEFAULT", "transport_url", &broker.url());
    let config = config.set("oslo_messaging_rabbit", "amqp_durable_queues", "true");
    let daemon = scene.start(&config)?;
    wait_answer(scene, "a")?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    // A queue whose process has ended so often in a row is not started again.
    broker.eval(&format!(
        "N = rabbit_misc:r(<<\"/\">>, queue, <<\"{QUEUE}\">>), \
         lists:foreach(fun(_) -> {{ok, Q}} = rabbit_amqqueue:lookup(N), \
         exit(amqqueue:get_pid(Q), kill), timer:sleep(150) end, lists:seq(1, 12))."
    ))?;
    let daemon = scene.start(&config)?;
    wait_for("the queue to be made anew", LONG, || {
        let told = daemon.count(&format!("{QUEUE} could not be brought back by the broker"));
        ensure!(told == 1, "{told} times: {}", daemon.log());
        Ok(())
    })?;
    wait_answer(scene, "a")?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn fifty_back_ends_are_all_back_after_their_broker(scene: &Scene) -> Result<()> {
    let mut broker = broker()?;
    broker.serve()?;
    let names: Vec<_> = (1..=50).map(|number| format!("b{number:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let server = Place::socket(scene);
    let config = scene.config(&names).set("DEFAULT", "transport_url", &broker.url());
    let daemon = scene.start(&config.set("health", "bind", &server.bind()))?;
    wait_served(&server, 100)?;
    let workers = daemon.workers();
    ensure!(workers.len() == 51, "and one for health: {workers:?}");
    broker.stop();
    wait_served(&server, 0)?;
    broker.serve()?;
    let began = Instant::now();
    wait_served(&server, 100)?;
    let took = began.elapsed().as_secs_f64();
    println!("        all consumers of 50 back ends are back {took:.1} s after the port answers");
    daemon.expect_workers(&workers)?;
    daemon.wait_beats(1)?;
    for backend in ["b01", "b50"] {
        wait_answer(scene, backend)?;
    }
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_right_that_is_refused_on_one_queue_keeps_that_server_alone_from_serving(
    scene: &Scene,
) -> Result<()> {
    const REFUSED: &str = "cinder-volume.e2e@a.e2e";
    let mut broker = broker()?;
    broker.serve()?;
    let rights = |configure: &str| {
        broker.ctl(&["set_permissions", "-p", "/", "guest", configure, ".*", ".*"])
    };
    rights(&format!("^(?!{}$).*$", REFUSED.replace('.', "\\.")))?;
    let server = Place::socket(scene);
    let config = scene.config(&["a", "b"]).set("DEFAULT", "transport_url", &broker.url());
    let daemon = scene.start(&config.set("health", "bind", &server.bind()))?;
    let first = |health: &Value| health["back_ends"][0].clone();
    let refused = wait_for("the refusal to be told", LONG, || {
        let one = first(&server.health()?);
        let reason = one["reason"].as_str().context("no reason")?;
        ensure!(reason.contains("ACCESS_REFUSED") && reason.contains(REFUSED), "{reason:?}");
        Ok(one)
    })?;
    let served = |one: &Value| -> Vec<bool> {
        let servers = one["messages"]["servers"].as_array().into_iter().flatten();
        servers.map(|one| one["is_served"] == true).collect()
    };
    ensure!(refused["state"] == "down", "{refused}");
    // The others of the same back end, and the other back end, take messages; all beat.
    wait_for("all others to serve", LONG, || {
        let health = server.health()?;
        let (a, b) = (served(&health["back_ends"][0]), served(&health["back_ends"][1]));
        ensure!(a == [true, false] && b == [true, true], "{a:?}, {b:?}");
        Ok(())
    })?;
    wait_answer(scene, "b")?;
    // It is tried again every 10 s, and said once.
    let errors = || daemon.log().lines().filter(|one| one.contains(" ERROR ")).count();
    wait_for("it to be tried again", LONG, || {
        let log = fs::read_to_string(broker.directory().join("log/node.log"))?;
        let refusals =
            log.matches("ACCESS_REFUSED").count().max(log.matches("access to queue").count());
        ensure!(refusals >= 3, "{refusals} refusals");
        Ok(())
    })?;
    ensure!(errors() == 1, "{} errors\n{}", errors(), daemon.log());
    daemon.wait_beats(1)?;
    rights(".*")?;
    wait_served(&server, 4)?;
    wait_answer(scene, "a")?;
    daemon.end_with(Signal::SIGTERM, 0)
}

/// A queue is away with its node; the broker keeps its name for it until an operator says that it is gone.
pub(crate) fn a_queue_whose_node_is_away_is_told_and_served_anew_once_the_node_is_given_up(
    scene: &Scene,
) -> Result<()> {
    let mut first = broker()?;
    first.serve()?;
    let mut second = first.beside()?;
    let server = Place::socket(scene);
    let config = |broker: &RabbitMq| {
        let config = scene.config(&["a"]).set("DEFAULT", "transport_url", &broker.url());
        let config = config.set("oslo_messaging_rabbit", "amqp_durable_queues", "true");
        config.set("health", "bind", &server.bind())
    };
    let daemon = scene.start(&config(&second))?;
    wait_served(&server, 2)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    second.stop();
    let daemon = scene.start_beside("cinder", &config(&first))?;
    let home = second.node();
    wait_for("the reason to be told", LONG, || {
        let health = server.health()?;
        let reason = health["back_ends"][0]["reason"].as_str().context("no reason")?;
        ensure!(reason.contains("home node") && reason.contains(&home), "{reason:?}");
        Ok(())
    })?;
    daemon.wait_beats(2)?;
    ensure!(daemon.count("made anew") == 0, "nothing is\n{}", daemon.log());
    first.ctl(&["forget_cluster_node", &home])?;
    wait_served(&server, 2)?;
    wait_answer(scene, "a")?;
    daemon.end_with(Signal::SIGTERM, 0)
}

/// Waits until so many servers of all back ends together take messages.
fn wait_served(server: &Place, expected: usize) -> Result<()> {
    wait_for(&format!("{expected} servers to take messages"), LONG, || {
        let health = server.health()?;
        let back_ends = health["back_ends"].as_array().context("no back ends")?;
        let all = back_ends.iter().flat_map(|one| one["messages"]["servers"].as_array());
        let served = all.flatten().filter(|one| one["is_served"] == true).count();
        ensure!(served == expected, "{served} do");
        Ok(())
    })
}
