//! What the service manager is told over `NOTIFY_SOCKET` (sd_notify(3); docs/supervision.md).

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::registration::{mute, wait_registrar};
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::wait::{millis, secs, wait_for};

/// The service manager's end of the socket; keeps everything it was told.
struct Manager {
    socket: UnixDatagram,
    told: Vec<String>,
}

impl Manager {
    fn bind(path: &Path) -> Result<Self> {
        let socket = UnixDatagram::bind(path)?;
        socket.set_read_timeout(Some(millis(10)))?;
        Ok(Self { socket, told: Vec::new() })
    }

    /// Waits for a message with a line that starts with `prefix`; gives the line.
    fn wait_line(&mut self, prefix: &str) -> Result<String> {
        wait_for(&format!("a notification {prefix:?}"), SOON, || {
            let mut buffer = [0; 4096];
            while let Ok(length) = self.socket.recv(&mut buffer) {
                let bytes = buffer.get(..length).unwrap_or_default();
                self.told.push(String::from_utf8_lossy(bytes).into_owned());
            }
            let mut lines = self.told.iter().flat_map(|message| message.lines());
            let found = lines.find(|line| line.starts_with(prefix)).map(str::to_owned);
            found.with_context(|| format!("told {:?}", self.told))
        })
    }

    fn forget(&mut self) {
        self.told.clear();
    }
}

fn start(scene: &Scene, config: &Config) -> Result<(Manager, Daemon)> {
    let path = scene.path("notify");
    let manager = Manager::bind(&path)?;
    let file = scene.write("cinder.conf", &config.text())?;
    let mut command = scene.cinder_volume(&["--config-file", &file.to_string_lossy()]);
    let daemon = scene.start_command(command.env("NOTIFY_SOCKET", &path))?;
    Ok((manager, daemon))
}

pub(crate) fn the_service_manager_hears_of_start_reload_and_stop(scene: &Scene) -> Result<()> {
    let (mut manager, daemon) = start(scene, &scene.config(&["a", "b", "c"]))?;
    manager.wait_line("READY=1")?;
    let ready = manager.told.iter().position(|text| text.contains("READY=1")).unwrap_or(0);
    ensure!(daemon.workers().len() == 3, "READY before every worker ran");
    ensure!(ready < manager.told.len());
    manager.wait_line("STATUS=3 of 3 back ends up")?;
    daemon.wait_up(3)?;
    manager.forget();
    daemon.signal(Signal::SIGHUP)?;
    manager.wait_line("RELOADING=1")?;
    let stamp = manager.wait_line("MONOTONIC_USEC=")?;
    ensure!(stamp.len() > "MONOTONIC_USEC=".len(), "{stamp}");
    manager.wait_line("READY=1")?;
    manager.forget();
    daemon.signal(Signal::SIGTERM)?;
    manager.wait_line("STOPPING=1")?;
    daemon.expect_exit(0)
}

pub(crate) fn a_start_that_fails_is_never_called_ready(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]).set("a", "extra_capabilities", "{not json");
    let (mut manager, daemon) = start(scene, &config)?;
    daemon.expect_exit(1)?;
    let mut buffer = [0; 4096];
    while let Ok(length) = manager.socket.recv(&mut buffer) {
        let bytes = buffer.get(..length).unwrap_or_default();
        manager.told.push(String::from_utf8_lossy(bytes).into_owned());
    }
    ensure!(!manager.told.iter().any(|text| text.contains("READY=1")), "told {:?}", manager.told);
    Ok(())
}

pub(crate) fn the_watchdog_is_fed_when_asked_for(scene: &Scene) -> Result<()> {
    let path = scene.path("notify");
    let mut manager = Manager::bind(&path)?;
    let file = scene.write("cinder.conf", &scene.config(&["a"]).text())?;
    // The pid is not known before the start; without WATCHDOG_PID the request is for whoever
    // reads it (sd_watchdog_enabled(3)).
    let mut command = scene.cinder_volume(&["--config-file", &file.to_string_lossy()]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "500000");
    let daemon = scene.start_command(&mut command)?;
    for _ in 0..3 {
        manager.wait_line("WATCHDOG=1")?;
        manager.forget();
    }
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn the_watchdog_is_fed_while_a_server_is_mute(scene: &Scene) -> Result<()> {
    const LIMIT: Duration = secs(2);
    let (_proxy, config) = mute(scene)?;
    let path = scene.path("notify");
    let mut manager = Manager::bind(&path)?;
    let file = scene.write("cinder.conf", &config.text())?;
    let mut command = scene.cinder_volume(&["--config-file", &file.to_string_lossy()]);
    let limit = LIMIT.as_micros().to_string();
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", limit);
    let daemon = scene.start_command(&mut command)?;
    wait_registrar(daemon.pid())?;
    let (begin, mut last) = (Instant::now(), Instant::now());
    while begin.elapsed() < secs(10) {
        manager.wait_line("WATCHDOG=1")?;
        ensure!(last.elapsed() < LIMIT, "the daemon would have been killed: {:?}", last.elapsed());
        last = Instant::now();
        ensure!(!manager.told.iter().any(|text| text.contains("READY=1")), "{:?}", manager.told);
        manager.forget();
    }
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(1))
}
