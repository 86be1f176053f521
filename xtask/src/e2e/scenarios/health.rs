//! The health server: it answers whatever happens around it, and counts as nothing.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::database_servers::own_server;
use crate::database::Lock;
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::http::Place;
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{secs, wait_for};

fn config(scene: &Scene, back_ends: &[&str], place: &Place) -> Config {
    scene.config(back_ends).set("DEFAULT", "service_down_time", "3").set(
        "health",
        "bind",
        &place.bind(),
    )
}

/// Starts the daemon; its workers without the one that answers.
fn start(scene: &Scene, config: &Config, place: &Place) -> Result<(Daemon, Vec<i32>)> {
    let daemon = scene.start(config)?;
    place.wait_status("/healthz", 200)?;
    let workers = back_ends(&daemon, place)?;
    Ok((daemon, workers))
}

fn back_ends(daemon: &Daemon, place: &Place) -> Result<Vec<i32>> {
    let own = place.pid()?;
    Ok(daemon.workers().into_iter().filter(|pid| *pid != own).collect())
}

/// What is known of a back end.
fn back_end(place: &Place, name: &str) -> Result<Value> {
    let health = place.health()?;
    let all = health["back_ends"].as_array().context("no back ends")?;
    all.iter().find(|one| one["name"] == name).cloned().context("no such back end")
}

/// The process of a back end, if it has one.
fn pid_of(place: &Place, name: &str) -> Result<Option<i32>> {
    let pid = back_end(place, name)?["pid"].as_i64().context("no pid")?;
    Ok(Some(i32::try_from(pid)?).filter(|pid| *pid > 0))
}

/// State and reason of a back end.
fn state(place: &Place, name: &str) -> Result<(String, String)> {
    let one = back_end(place, name)?;
    let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
    Ok((text("state"), text("reason")))
}

/// Waits until the heartbeats of these are too old; one is before the other.
fn wait_silent(place: &Place, names: &[&str]) -> Result<()> {
    wait_for("back ends to be silent", SOON, || {
        for name in names {
            let (word, reason) = state(place, name)?;
            ensure!(word == "silent", "{name}: {word}");
            ensure!(reason.starts_with("no heartbeat for "), "{name}: {reason}");
        }
        Ok(())
    })
}

pub(crate) fn health_is_told_while_the_database_is_locked_and_workers_stand_still(
    scene: &Scene,
) -> Result<()> {
    let place = Place::socket(scene);
    let (daemon, workers) = start(scene, &config(scene, &["a", "b"], &place), &place)?;
    ensure!(workers.len() == 2, "{workers:?}");
    ensure!(place.metric("cinder_volume_heartbeat_failures_total{backend=\"a\"}")? == 0.0);
    let lock = Lock::take(&scene.database())?;
    wait_for("a failed heartbeat to be counted", SOON, || {
        for series in ["heartbeat_failures", "database_errors"] {
            let value = place.metric(&format!("cinder_volume_{series}_total{{backend=\"a\"}}"))?;
            ensure!(value > 0.0, "{series}: {value}");
        }
        Ok(())
    })?;
    for worker in &workers {
        process::signal(*worker, Signal::SIGSTOP)?;
    }
    place.wait_status("/healthz", 503)?;
    wait_silent(&place, &["a", "b"])?;
    for (path, status) in [("/livez", 200), ("/metrics", 200), ("/", 200), ("/readyz", 503)] {
        place.wait_status(path, status)?;
    }
    for worker in &workers {
        process::signal(*worker, Signal::SIGCONT)?;
    }
    drop(lock);
    place.wait_status("/healthz", 200)?;
    ensure!(back_ends(&daemon, &place)? == workers, "a worker was replaced");
    daemon.end_with(Signal::SIGTERM, 0)?;
    ensure!(!scene.path("health.sock").exists(), "the socket was left behind");
    Ok(())
}

pub(crate) fn health_and_status_are_told_while_a_server_is_away(scene: &Scene) -> Result<()> {
    let server = own_server(scene)?;
    let place = Place::socket(scene);
    let (daemon, workers) = start(scene, &config(scene, &["a", "b"], &place), &place)?;
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let status = || scene.run(&["--config-file", &file, "status"]);
    ensure!(status()?.code == Some(0));
    server.stop()?;
    place.wait_status("/healthz", 503)?;
    wait_silent(&place, &["a", "b"])?;
    ensure!(place.status("/livez")? == 200 && place.status("/metrics")? == 200);
    let away = status()?;
    ensure!(away.code == Some(1) && away.out.contains("silent"), "{away:?}");
    server.resume()?;
    place.wait_status("/healthz", 200)?;
    ensure!(back_ends(&daemon, &place)? == workers, "a worker was replaced");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn liveness_is_that_of_the_supervisor(scene: &Scene) -> Result<()> {
    let place = Place::socket(scene);
    let (daemon, _) = start(scene, &config(scene, &["a"], &place), &place)?;
    place.wait_status("/livez", 200)?;
    daemon.signal(Signal::SIGSTOP)?;
    place.wait_status("/livez", 503)?;
    ensure!(place.status("/healthz")? == 200, "the back end is none the worse");
    ensure!(place.metric("cinder_volume_supervisor_up")? == 0.0);
    daemon.signal(Signal::SIGCONT)?;
    place.wait_status("/livez", 200)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_thousand_idle_and_slow_clients_of_the_health_server_harm_nobody(
    scene: &Scene,
) -> Result<()> {
    const CLIENTS: usize = 1_000;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(4_096)), hard)?;
    let place = Place::port()?;
    let (daemon, workers) = start(scene, &config(scene, &["a"], &place), &place)?;
    let pid = place.pid()?;
    let memory = || process::memory(pid).context("it is gone");
    place.status("/metrics")?;
    let before = memory()?;
    ensure!(before.pss_kib <= 3 * 1_024, "{before:?}");
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut client = place.connect()?;
        match number % 4 {
            0 => client.write_all(b"GET / HTTP/1.1\r\nX-Slow: ")?,
            1 => client.write_all(b"\x16\x03\x01 no HTTP at all")?,
            _ => {}
        }
        clients.push(client);
        if number % 100 == 0 {
            ensure!(place.status("/healthz")? == 200, "after {number} clients");
        }
    }
    for client in clients.iter_mut().step_by(4) {
        let _ = client.write_all(b"x"); // it may be closed by now
    }
    ensure!(place.status("/livez")? == 200 && place.status("/metrics")? == 200);
    let grown = memory()?.anonymous_kib.saturating_sub(before.anonymous_kib);
    ensure!(grown < 2_048, "{CLIENTS} clients cost {grown} KiB");
    ensure!(place.pid()? == pid, "the health server was replaced");
    daemon.wait_beats(2)?;
    drop(clients);
    ensure!(back_ends(&daemon, &place)? == workers, "a worker was replaced");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_health_server_that_is_killed_comes_back_and_counts_as_nothing(
    scene: &Scene,
) -> Result<()> {
    let place = Place::socket(scene);
    let (daemon, workers) = start(scene, &config(scene, &["a", "b"], &place), &place)?;
    let old = place.pid()?;
    process::signal(old, Signal::SIGKILL)?;
    let new = wait_for("another health server", SOON, || {
        let pid = place.pid()?;
        ensure!(pid != old, "still {old}");
        Ok(pid)
    })?;
    ensure!(back_ends(&daemon, &place)? == workers, "a worker was replaced");
    ensure!(place.metric("cinder_volume_health_restarts_total{cause=\"signal\"}")? == 1.0);
    ensure!(place.get("/readyz")?.1.starts_with("2 of 2 back ends up"), "it counts itself");
    // A worker's death is told with its cause, and so is a roll, which passes the server by.
    let victim = pid_of(&place, "a")?.context("no worker")?;
    process::signal(victim, Signal::SIGKILL)?;
    let restarts = |cause: &str| {
        place.metric(&format!(
            "cinder_volume_worker_restarts_total{{backend=\"a\",cause=\"{cause}\"}}"
        ))
    };
    wait_for("the replacement to be counted", SOON, || {
        ensure!(restarts("signal")? == 1.0);
        Ok(())
    })?;
    place.wait_status("/healthz", 200)?;
    daemon.signal(Signal::SIGUSR1)?;
    wait_for("the roll to be counted", SOON, || {
        ensure!(restarts("roll")? == 1.0 && state(&place, "b")?.0 == "up");
        Ok(())
    })?;
    place.wait_status("/healthz", 200)?;
    ensure!(place.pid()? == new, "the roll took the health server, too");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_health_server_has_no_database_and_its_parent_no_socket(
    scene: &Scene,
) -> Result<()> {
    let place = Place::port()?;
    let (daemon, _) = start(scene, &config(scene, &["a"], &place), &place)?;
    let own = process::descriptors(place.pid()?)?;
    let database = scene.database().to_string_lossy().into_owned();
    ensure!(!own.values().any(|target| target.starts_with(&database)), "{own:?}");
    ensure!(own.values().any(|target| target.starts_with("socket:")), "{own:?}");
    let parents = process::descriptors(daemon.pid())?;
    ensure!(!parents.values().any(|target| target.starts_with("socket:")), "{parents:?}");
    ensure!(process::threads(daemon.pid()) == 1, "the parent has more than one thread");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn without_forked_workers_there_is_a_warning_and_no_health_server(
    scene: &Scene,
) -> Result<()> {
    let place = Place::socket(scene);
    let daemon =
        scene.start(&config(scene, &["a"], &place).set("supervisor", "launcher", "spawn"))?;
    daemon.wait_up(1)?;
    ensure!(daemon.count("[health] bind has no effect without forked workers") > 0);
    ensure!(place.connect().is_err(), "somebody answers");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_health_server_without_its_port_harms_nobody_and_gets_it_later(
    scene: &Scene,
) -> Result<()> {
    let theirs = TcpListener::bind("127.0.0.1:0")?;
    let place = Place::Port(theirs.local_addr()?.port());
    let daemon = scene.start(&config(scene, &["a"], &place))?;
    let line = format!("cannot listen on {}: another process does", place.bind());
    daemon.wait_log(&line, 1)?;
    daemon.wait_beats(2)?;
    ensure!(daemon.workers().len() == 2, "{:?}", daemon.workers());
    drop(theirs);
    place.wait_status("/healthz", 200)?;
    ensure!(daemon.count(&line) == 1, "the line is repeated");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_health_server_stays_to_tell_of_a_drain(scene: &Scene) -> Result<()> {
    let place = Place::socket(scene);
    let config = config(scene, &["a", "b"], &place).set("DEFAULT", "service_down_time", "60");
    let (daemon, _) = start(scene, &config, &place)?;
    let slow = pid_of(&place, "b")?.context("no worker")?;
    process::signal(slow, Signal::SIGSTOP)?;
    daemon.signal(Signal::SIGTERM)?;
    wait_for("the other back end to be gone", SOON, || {
        ensure!(state(&place, "a")?.0 == "gone", "{:?}", state(&place, "a")?);
        Ok(())
    })?;
    ensure!(place.status("/livez")? == 200);
    process::signal(slow, Signal::SIGCONT)?;
    daemon.expect_exit(0)?;
    scene.wait_empty(SOON)
}

pub(crate) fn status_joins_the_rows_with_what_the_health_server_knows(scene: &Scene) -> Result<()> {
    let place = Place::socket(scene);
    let config = config(scene, &["a", "b"], &place).set("DEFAULT", "service_down_time", "60");
    let (daemon, workers) = start(scene, &config, &place)?;
    daemon.wait_beats(1)?;
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let status = |words: &[&str]| scene.run(&[&["--config-file", &file, "status"], words].concat());
    let all = status(&[])?;
    ensure!(all.code == Some(0) && !all.out.contains('\x1b'), "{all:?}");
    for worker in &workers {
        ensure!(all.out.contains(&format!("  {worker}  ")), "{worker} is missing: {all:?}");
    }
    let json = status(&["--json"])?;
    let lines: Value = serde_json::from_str(&json.out).with_context(|| format!("{json:?}"))?;
    ensure!(lines[0]["live"]["state"] == "up" && lines[0]["report_count"].is_number(), "{lines}");

    // The row stays fresh for a minute; the health server knows better at once.
    wait_for("status to tell of a dead worker", SOON, || {
        // Every death makes the next pause longer.
        if let Some(pid) = pid_of(&place, "a")? {
            process::signal(pid, Signal::SIGKILL)?;
        }
        let seen = status(&[])?;
        ensure!(seen.code == Some(1) && seen.out.contains("gone"), "{seen:?}");
        Ok(())
    })?;
    place.wait_status("/healthz", 200)?;

    // Nobody can read the rows; the health server still tells.
    let (database, aside) = (scene.database(), scene.path("aside"));
    fs::rename(&database, &aside)?;
    let live_only = status(&[])?;
    ensure!(live_only.code == Some(0) && live_only.out.contains("e2e@a"), "{live_only:?}");
    ensure!(live_only.err.contains("cannot open database"), "{live_only:?}");
    fs::rename(&aside, &database)?;
    daemon.end_with(Signal::SIGTERM, 0)?;

    // The rows alone, fresh and old; then nothing at all.
    let fresh = status(&[])?;
    ensure!(fresh.code == Some(0) && !fresh.out.contains("Pid"), "{fresh:?}");
    crate::database::write(&database, "UPDATE services SET updated_at = '2020-01-01 00:00:00.0'")?;
    ensure!(status(&[])?.code == Some(1));
    fs::rename(&database, &aside)?;
    let nothing = status(&[])?;
    ensure!(nothing.code == Some(2) && nothing.out.is_empty(), "{nothing:?}");
    scene.write("cinder.conf", "[DEFAULT]\nreport_interval = soon\n")?;
    ensure!(status(&[])?.code == Some(2), "a configuration that cannot be read tells nothing");
    Ok(())
}

pub(crate) fn the_overview_fits_a_phone(scene: &Scene) -> Result<()> {
    let program = chromium()?;
    let place = Place::port()?;
    let config = config(scene, &["lvm", "nfs-with-a-rather-long-name", "ceph"], &place).set(
        "ceph",
        "reserved_percentage",
        "lots",
    );
    let daemon = scene.start(&config)?;
    wait_for("two back ends to be up", SOON, || {
        let told = place.get("/readyz")?.1;
        ensure!(told.starts_with("2 of 3"), "{told}");
        Ok(())
    })?;
    let url = format!("http://{}/", place.bind());
    let picture = scene.path("overview.png");
    let shot = format!("--screenshot={}", picture.display());
    browse(scene, &program, &["--window-size=390,844", &shot, &url])?;
    let bytes = fs::read(&picture)?;
    ensure!(bytes.starts_with(b"\x89PNG") && bytes.len() > 8_000, "{} bytes", bytes.len());
    let size =
        |at: usize| bytes.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    ensure!(size(16) == Some(390) && size(20) == Some(844), "{:?} × {:?}", size(16), size(20));
    keep(&picture)?;
    // The script has run by then and put a fresh overview in the place of the first one.
    let page = browse(scene, &program, &["--virtual-time-budget=5000", "--dump-dom", &url])?;
    // What is not up is in the title, which is all that a tab shows.
    let title = "<title>2 of 3 back ends up: ceph is failed – cinder-volume on ";
    for text in [title, "nfs-with-a-rather-long-name", "\"lots\" is not", "Own memory"] {
        ensure!(page.contains(text), "{text} is missing: {page}");
    }
    ensure!(page.contains("data-refreshed"), "the script has not run: {page}");
    daemon.end_with(Signal::SIGTERM, 0)
}

/// The browser, wherever the machine has it.
fn chromium() -> Result<PathBuf> {
    let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let found = places.iter().map(Path::new).find(|path| path.exists());
    let skip = || crate::e2e::props::Skip("no Chromium on this machine".to_owned());
    Ok(found.map(Path::to_owned).ok_or_else(skip)?)
}

/// Runs the browser on a page; what it prints.
fn browse(scene: &Scene, program: &Path, words: &[&str]) -> Result<String> {
    let profile = format!("--user-data-dir={}", scene.path("chromium").display());
    let mut command = scene.command(program);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        &profile,
    ]);
    let outcome = scene.finish(command.args(words), secs(60))?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    Ok(outcome.out)
}

/// Keeps the picture where somebody can look at it.
fn keep(picture: &Path) -> Result<()> {
    let folder = crate::cargo::target_directory()?.join("e2e");
    fs::create_dir_all(&folder)?;
    fs::copy(picture, folder.join("overview.png"))?;
    Ok(())
}
