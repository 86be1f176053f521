//! The daemons of the Python cinder 29.0.0 and ours on one broker. Only with `CINDER_PYTHON`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::broker::broker;
use super::messages::wait_answer;
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::SOON;
use crate::e2e::props::original::{self, Clients};
use crate::e2e::props::scene::Scene;
use crate::servers::rabbitmq::RabbitMq;
use crate::wait::wait_for;

/// Our back ends of these names, which publish nothing by themselves but at their start.
fn config(scene: &Scene, broker: &RabbitMq, backends: &[&str]) -> Result<Config> {
    let config = scene.config(backends).set("DEFAULT", "transport_url", &broker.url());
    let config = config.set("DEFAULT", "backend_stats_polling_interval", "3600");
    original::configured(scene, config)
}

/// What the scheduler says that there is; it is asked until it says so.
fn wait_pools(clients: &Clients, expected: &[&str]) -> Result<()> {
    wait_for(&format!("the scheduler to list {expected:?}"), SOON, || {
        let pools = clients.answer(clients.ask(&json!(["pools"]))?)?;
        let pools = pools.as_array().context("no list")?;
        let names: BTreeSet<_> = pools.iter().filter_map(|pool| pool["name"].as_str()).collect();
        ensure!(names == expected.iter().copied().collect(), "{names:?}");
        let is_ours = |pool: &Value| pool["capabilities"]["storage_protocol"] == "local";
        ensure!(pools.iter().all(is_ours), "{pools:?}");
        Ok(())
    })
}

pub(crate) fn the_originals_scheduler_lists_our_pools_whoever_comes_first(
    scene: &Scene,
) -> Result<()> {
    let mut broker = broker()?;
    broker.serve()?;
    let daemon = scene.start(&config(scene, &broker, &["a", "b"])?)?;
    for backend in ["a", "b"] {
        wait_answer(scene, backend)?;
    }
    let clients = original::clients(scene)?;
    // It comes later than we do, and asks.
    let scheduler = original::start(scene, "cinder-scheduler")?;
    clients.wait_queue("cinder-scheduler", 0, 1)?;
    wait_pools(&clients, &["e2e@a#a", "e2e@b#b"])?;
    // And now we come later than it does, with one that it does not know.
    daemon.end_with(Signal::SIGTERM, 0)?;
    let daemon = scene.start(&config(scene, &broker, &["a", "b", "c"])?)?;
    wait_pools(&clients, &["e2e@a#a", "e2e@b#b", "e2e@c#c"])?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    drop(scheduler);
    Ok(())
}

/// The queue of back end `a`, and how many messages wait in it when its owner changes.
const QUEUE: &str = "cinder-volume.e2e@a.e2e";
const WAITING: usize = 100;

pub(crate) fn a_back_end_goes_from_the_original_to_us_and_back_with_messages_waiting(
    scene: &Scene,
) -> Result<()> {
    let mut broker = broker()?;
    broker.serve()?;
    // The same but for the driver, which each has its own of.
    let config = config(scene, &broker, &["a"])?;
    let file = scene.write("cinder.conf", &original::with_driver(config.clone(), "a").text())?;
    let made = scene.run(&["--config-file", &file.to_string_lossy(), "db", "init"])?;
    ensure!(made.code == Some(0), "{made:?}");
    let theirs = original::start(scene, "cinder-volume")?;
    let clients = original::clients(scene)?;
    clients.wait_queue(QUEUE, 0, 1)?;
    theirs.end_with(Signal::SIGTERM, 0)?;

    let wait = || -> Result<usize> {
        let question = clients.ask(&json!(["calls", "e2e@a", WAITING]))?;
        clients.wait_queue(QUEUE, WAITING, 0)?;
        Ok(question)
    };
    let question = wait()?;
    let ours = scene.start_beside("ours", &config)?;
    let answers = clients.answer(question)?;
    ensure!(answers == json!(vec!["Open Source"; WAITING]), "{answers}");
    ensure!(ours.rows()?.len() == 1, "{:?}", ours.rows());
    ours.end_with(Signal::SIGTERM, 0)?;

    let question = wait()?;
    let theirs = original::start(scene, "cinder-volume")?;
    let answers = clients.answer(question)?;
    ensure!(answers == json!(vec!["the original"; WAITING]), "{answers}");
    ensure!(theirs.rows()?.len() == 1, "{:?}", theirs.rows());
    theirs.end_with(Signal::SIGTERM, 0)
}
