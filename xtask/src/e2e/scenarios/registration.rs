//! A database that does not answer while the rows are written: who supervises does not wait for it.

use std::os::unix::process::ExitStatusExt;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::phases::start_with_a_locked_database;
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::proxy::Proxy;
use crate::wait::{secs, wait_for};

/// A proxy whose server has stopped to answer, and a configuration that names it.
pub(crate) fn mute(scene: &Scene) -> Result<(Proxy, Config)> {
    let database = scene.on_server()?;
    let proxy = Proxy::start(database.server().port())?;
    proxy.swallow();
    let config = scene.config(&["a", "b"]);
    let config = config.set("database", "connection", &database.url_by(proxy.port()));
    Ok((proxy, config))
}

/// The process that writes the rows.
pub(crate) fn wait_registrar(parent: i32) -> Result<i32> {
    wait_for("the process that registers", SOON, || {
        let mut children = process::living_children(parent);
        children.retain(|&pid| process::name(pid) == "register");
        children.first().copied().context("no such child")
    })
}

pub(crate) fn a_stop_does_not_wait_for_a_server_that_never_answers(scene: &Scene) -> Result<()> {
    for launcher in ["fork", "spawn"] {
        for (signal, code) in [(Signal::SIGTERM, 0), (Signal::SIGINT, 1)] {
            let (_proxy, config) = mute(scene)?;
            let daemon = scene.start(&config.set("supervisor", "launcher", launcher))?;
            wait_registrar(daemon.pid())?;
            daemon.signal(signal)?;
            let status = daemon.wait_exit(secs(1))?;
            ensure!(status.code() == Some(code), "{launcher}, {signal}: {status}");
            scene.wait_empty(secs(1))?;
        }
    }
    Ok(())
}

pub(crate) fn a_stop_of_a_back_end_alone_does_not_wait_for_a_mute_server_either(
    scene: &Scene,
) -> Result<()> {
    let (_proxy, config) = mute(scene)?;
    let file = scene.write("cinder.conf", &config.text())?;
    let words = ["--config-file", &file.to_string_lossy(), "--backend_name", "a"];
    let daemon = scene.start_command(&mut scene.cinder_volume(&words))?;
    wait_registrar(daemon.pid())?;
    daemon.signal(Signal::SIGTERM)?;
    let status = daemon.wait_exit(secs(1))?;
    ensure!(status.code() == Some(0), "{status}");
    scene.wait_empty(secs(1))
}

pub(crate) fn a_parent_killed_while_a_server_is_mute_leaves_nothing(scene: &Scene) -> Result<()> {
    let (_proxy, config) = mute(scene)?;
    let daemon = scene.start(&config)?;
    wait_registrar(daemon.pid())?;
    daemon.signal(Signal::SIGKILL)?;
    let status = daemon.wait_exit(secs(1))?;
    ensure!(status.signal() == Some(Signal::SIGKILL as i32), "{status}");
    scene.wait_empty(secs(1))
}

pub(crate) fn who_supervises_reports_and_reloads_while_the_database_is_locked(
    scene: &Scene,
) -> Result<()> {
    let (daemon, lock) = start_with_a_locked_database(scene)?;
    let open = process::descriptors(daemon.pid())?;
    let database = scene.database();
    let opened = open.values().any(|target| target.starts_with(&*database.to_string_lossy()));
    ensure!(!opened, "the parent has opened the database: {open:?}");
    ensure!(process::threads(daemon.pid()) == 1, "the parent has more than one thread");
    daemon.signal(Signal::SIGUSR2)?;
    daemon.wait_log("Guru Meditation", 1)?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log("Caught SIGHUP, reloading configuration", 1)?;
    drop(lock);
    daemon.wait_up(4)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_registration_that_is_killed_is_an_error_and_ends_the_start(
    scene: &Scene,
) -> Result<()> {
    let (daemon, lock) = start_with_a_locked_database(scene)?;
    process::signal(wait_registrar(daemon.pid())?, Signal::SIGKILL)?;
    daemon.expect_exit(1)?;
    told_of_the_end(&daemon)?;
    drop(lock);
    ensure!(daemon.rows()?.is_empty(), "rows {:?}", daemon.rows()?);
    scene.wait_empty(secs(5))
}

fn told_of_the_end(daemon: &Daemon) -> Result<()> {
    let line =
        "The process that registers the back ends was killed by signal 9; nothing is started";
    ensure!(daemon.count(line) == 1, "{}", daemon.log());
    Ok(())
}
