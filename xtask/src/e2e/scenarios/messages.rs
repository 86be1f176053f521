//! The bus of one machine: calls, casts, and what a stop or a KILL does.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use nix::unistd::Uid;
use serde_json::{Value, json};

use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::http::Place;
use crate::e2e::props::scene::{Outcome, Scene};
use crate::e2e::props::skip::Skip;
use crate::process;
use crate::wait::{secs, wait_for};

/// Exit codes of `call` that docs/operating.md promises.
pub(super) const ANSWERED: i32 = 0;
pub(super) const FAILED: i32 = 3;
pub(super) const NOBODY: i32 = 4;

/// `call` with the scene's configuration and these words.
pub(super) fn call(scene: &Scene, words: &[&str]) -> Result<Outcome> {
    let file = scene.path("cinder.conf");
    let file = file.to_string_lossy();
    let mut command = scene.cinder_volume(&["--config-file", &file, "call"]);
    // Whoever calls at the same time has files of his own.
    scene.finish(command.args(words), secs(60))
}

/// What a call came to, and that it came to this status.
pub(super) fn told(scene: &Scene, words: &[&str], status: i32) -> Result<Value> {
    let outcome = call(scene, words)?;
    ensure!(outcome.code == Some(status), "{words:?}: {outcome:?}");
    serde_json::from_str(&outcome.out).with_context(|| format!("{words:?}: {outcome:?}"))
}

/// The class of a failure.
pub(super) fn class(scene: &Scene, words: &[&str]) -> Result<String> {
    let told = told(scene, words, FAILED)?;
    let class = told["failure"]["class"].as_str().context("no class")?;
    ensure!(told["failure"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{told}");
    Ok(class.to_owned())
}

/// Waits until a back end of this daemon answers.
pub(super) fn wait_answer(scene: &Scene, backend: &str) -> Result<()> {
    wait_for(&format!("{backend} to answer"), SOON, || {
        told(scene, &["publish_service_capabilities", "--backend", backend], ANSWERED).map(drop)
    })
}

/// Without `transport_url`: an SQLite database is a bus of one machine.
fn by_default(scene: &Scene, backends: &[&str]) -> Config {
    scene.config(backends).without("DEFAULT", "transport_url")
}

pub(crate) fn a_call_is_answered_as_the_original_answers_it(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&by_default(scene, &["a", "b"]))?;
    daemon.wait_up(2)?;
    wait_answer(scene, "a")?;
    let gone = "9a2d3c2e-8a3b-4d3e-9d3f-0a4ec0a1b001";
    let terminate =
        ["terminate_connection", "--arg", &format!("volume_id={gone}"), "--arg", "connector={}"];
    let of_cinder = told(scene, &[&terminate[..], &["--backend", "a"]].concat(), FAILED)?;
    let failure = json!({
        "class": "VolumeNotFound",
        "module": "cinder.exception",
        "message": format!("Volume {gone} could not be found."),
    });
    ensure!(of_cinder["failure"] == failure, "{of_cinder}");
    for (expected, words) in [
        // A service by the name in its row, on whatever node.
        ("VolumeDriverException", vec!["freeze_host", "--backend", "e2e@b"]),
        ("NoSuchMethod", vec!["explode", "--backend", "a"]),
        ("NoSuchMethod", vec!["__init__", "--backend", "a"]),
        ("UnsupportedVersion", vec!["freeze_host", "--backend", "a", "--rpc-version", "4.0"]),
        ("UnsupportedVersion", vec!["freeze_host", "--backend", "a", "--rpc-version", "3.21"]),
        ("TypeError", vec!["create_volume", "--backend", "a"]),
        ("TypeError", vec!["freeze_host", "--json", "{\"x\": 1}", "--backend", "a"]),
    ] {
        let found = class(scene, &words)?;
        ensure!(found == expected, "{words:?} failed with {found}");
    }
    let published = told(scene, &["publish_service_capabilities", "--backend", "a"], ANSWERED)?;
    ensure!(published == json!({"result": null}), "{published}");
    let cast = told(scene, &["freeze_host", "--cast", "--backend", "a"], ANSWERED)?;
    ensure!(cast == json!({"taken": true}), "{cast}");
    let nobody = ["freeze_host", "--backend", "e2e@gone", "--timeout", "1"];
    let nobody = told(scene, &nobody, NOBODY)?;
    ensure!(
        nobody["error"].as_str().is_some_and(|text| text.contains("nobody serves")),
        "{nobody}"
    );
    for (words, code) in [
        (&["freeze_host", "--backend", "c"][..], 1),
        (&["freeze_host", "--backend", "a", "--json", "[]"][..], 1),
        (&["freeze_host"][..], 2),
        (&["freeze_host", "--backend", "a", "--arg", "x"][..], 2),
    ] {
        let outcome = call(scene, words)?;
        ensure!(outcome.code == Some(code) && outcome.out.is_empty(), "{words:?}: {outcome:?}");
    }
    daemon.end_with(Signal::SIGTERM, 0)?;
    let left: Vec<_> =
        fs::read_dir(scene.path("rpc"))?.flatten().map(|one| one.file_name()).collect();
    ensure!(left == [".lock"], "sockets were left: {left:?}");
    Ok(())
}

pub(crate) fn who_asks_whether_somebody_is_there_is_told_if_that_is_wanted(
    scene: &Scene,
) -> Result<()> {
    let ping = ["oslo_rpc_server_ping", "--backend", "a", "--rpc-version", "1.0"];
    let config = scene.config(&["a"]);
    let daemon = scene.start(&config)?;
    wait_answer(scene, "a")?;
    let refused = class(scene, &ping)?;
    ensure!(refused == "UnsupportedVersion", "{refused}");
    daemon.end_with(Signal::SIGTERM, 0)?;
    let daemon = scene.start(&config.set("DEFAULT", "rpc_ping_enabled", "true"))?;
    wait_answer(scene, "a")?;
    let pong = told(scene, &ping, ANSWERED)?;
    ensure!(pong == json!({"result": "pong"}), "{pong}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_stop_amid_calls_leaves_none_without_an_answer(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a"]))?;
    wait_answer(scene, "a")?;
    let call = |number: usize| -> Result<std::process::Child> {
        let mut command = scene.cinder_volume(&["--config-file"]);
        command.arg(scene.path("cinder.conf"));
        command.args(["call", "freeze_host", "--timeout", "3", "--backend", "a"]);
        let out = fs::File::create(scene.path(&format!("call{number}.out")))?;
        Ok(command.stdout(out).stderr(std::process::Stdio::null()).spawn()?)
    };
    let mut calls = Vec::new();
    for number in 0..20 {
        calls.push(call(number)?);
        if number == 10 {
            daemon.signal(Signal::SIGTERM)?;
        }
    }
    daemon.wait_exit(secs(10))?;
    daemon.expect_exit(0)?;
    for (number, mut call) in calls.into_iter().enumerate() {
        let status = wait_for("a call to end", secs(30), || call.try_wait()?.context("it waits"))?;
        let text = fs::read_to_string(scene.path(&format!("call{number}.out")))?;
        let told: Value =
            serde_json::from_str(&text).with_context(|| format!("{number}: {text}"))?;
        match status.code() {
            Some(FAILED) => ensure!(told["failure"]["class"] == "VolumeDriverException", "{told}"),
            Some(NOBODY) => ensure!(told["error"].is_string(), "{told}"),
            _ => anyhow::bail!("call {number} ended with {status}: {told}"),
        }
    }
    Ok(())
}

/// What was begun, by request, as often as it was.
pub(super) fn begun(daemon: &Daemon, method: &str) -> Vec<String> {
    let line = format!("Carrying out {method} ");
    let request = |line: &str| {
        let (_, rest) = line.split_once("[None req-")?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    daemon.log().lines().filter(|one| one.contains(&line)).filter_map(request).collect()
}

pub(crate) fn casts_survive_a_worker_that_is_killed_again_and_again(scene: &Scene) -> Result<()> {
    const CASTS: usize = 40;
    let daemon = scene.start(&scene.config(&["a"]).set("DEFAULT", "debug", "true"))?;
    wait_answer(scene, "a")?;
    for number in 0..CASTS {
        if number % 13 == 6 {
            let worker = *daemon.workers().first().context("no worker")?;
            process::signal(worker, Signal::SIGKILL)?;
        }
        let volume = format!("volume={number}");
        // Kept until the method has ended; and until it begins.
        told(scene, &["delete_volume", "--cast", "--arg", &volume, "--backend", "a"], ANSWERED)?;
        told(
            scene,
            &["failover_completed", "--cast", "--arg", "updates=1", "--backend", "a"],
            ANSWERED,
        )?;
    }
    wait_for("every cast to be carried out", SOON, || {
        let deleted: BTreeSet<_> = begun(&daemon, "delete_volume").into_iter().collect();
        ensure!(deleted.len() == CASTS, "{} of {CASTS}", deleted.len());
        Ok(())
    })?;
    let taken = begun(&daemon, "failover_completed");
    let different: BTreeSet<_> = taken.iter().collect();
    ensure!(different.len() == taken.len(), "one was carried out twice: {taken:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_hup_says_that_another_bus_needs_a_restart(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]);
    let daemon = scene.start(&config)?;
    wait_answer(scene, "a")?;
    let secret = "hunter2";
    let other = format!("rabbit://cinder:{secret}@127.0.0.1/");
    scene.write("cinder.conf", &config.clone().set("DEFAULT", "transport_url", &other).text())?;
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_log(
        "WARNING oslo_config.cfg [-] The message bus stays what it was: DEFAULT.transport_url \
         needs a restart",
        1,
    )?;
    // What cannot be used is told as at a start, and nothing of the rest is done.
    let workers = daemon.workers();
    let bad = [
        ("DEFAULT", "transport_url", format!("amqp://cinder:{secret}@127.0.0.1/"), "amqp"),
        ("DEFAULT", "transport_url", format!("rabbit://cinder:{secret}@h:0x/"), "port"),
        ("database", "connection", format!("nosql://cinder:{secret}@h/"), "nosql"),
    ];
    for (section, option, url, word) in bad {
        let bad = config.clone().set(section, option, &url).set("DEFAULT", "debug", "true");
        let file = scene.write("cinder.conf", &bad.text())?;
        let told = daemon.count("has 1 errors; the old one stays in force");
        daemon.signal(Signal::SIGHUP)?;
        daemon.wait_log("has 1 errors; the old one stays in force", told + 1)?;
        let place = format!("{}:{}", file.display(), bad.line_of(section, option));
        let log = daemon.log();
        let line = log.lines().rfind(|line| line.contains(&place));
        let line = line.with_context(|| format!("{place} is not named in {log}"))?;
        ensure!(line.contains(option) && line.contains(word), "{line}");
    }
    ensure!(daemon.count("Option DEFAULT.debug changed") == 0, "half of a file was applied");
    ensure!(daemon.count(secret) == 0, "{}", daemon.log());
    daemon.expect_workers(&workers)?;
    scene.write("cinder.conf", &config.text())?;
    wait_answer(scene, "a")?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_socket_in_use_is_left_to_its_owner_until_it_ends(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a"]);
    let first = scene.start(&config)?;
    wait_answer(scene, "a")?;
    // Another back end of the same node is served beside it.
    let beside = scene.start_beside("beside", &scene.config(&["b"]))?;
    wait_for("the other daemon to answer", SOON, || {
        let words = ["publish_service_capabilities", "--backend", "e2e@b"];
        told(scene, &words, ANSWERED).map(drop)
    })?;
    // Somebody took away the file by which daemons know of each other.
    fs::remove_file(scene.path("cinder-volume.lock"))?;
    let second = scene.start_beside("second", &config)?;
    second.wait_log("No messages are taken: another process listens on", 1)?;
    wait_answer(scene, "a")?;
    let before = first.workers();
    first.expect_workers(&before)?;
    first.end_with(Signal::SIGTERM, 0)?;
    wait_answer(scene, "a")?;
    for daemon in [beside, second] {
        daemon.end_with(Signal::SIGTERM, 0)?;
    }
    Ok(())
}

pub(crate) fn another_user_is_turned_away(scene: &Scene) -> Result<()> {
    if !Uid::effective().is_root() {
        return Err(Skip("only root can be somebody else".to_owned()).into());
    }
    let daemon = scene.start(&scene.config(&["a"]))?;
    wait_answer(scene, "a")?;
    // Opened as no operator would: what is left is the look at who is at the other end.
    scene.open_to_all()?;
    for path in ["", "rpc", "rpc/cinder-volume.e2e@a,e2e", "rpc/cinder-volume,e2e@a"] {
        fs::set_permissions(scene.path(path), fs::Permissions::from_mode(0o777))?;
    }
    let binary = scene.path("cinder-volume");
    fs::copy(scene.binary(), &binary)?;
    let mut command = scene.command("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(&binary);
    command.arg("--config-file").arg(scene.path("cinder.conf"));
    command.args(["call", "freeze_host", "--timeout", "2", "--backend", "a"]);
    let outcome = scene.finish(&mut command, secs(30))?;
    ensure!(outcome.code == Some(NOBODY), "{outcome:?}");
    daemon.wait_log("of uid 65534 turned away", 1)?;
    let log = daemon.log();
    ensure!(!log.contains("Carrying out freeze_host"), "{log}");
    wait_answer(scene, "a")?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_bus_that_is_not_there_stops_no_heartbeat(scene: &Scene) -> Result<()> {
    let config =
        scene.config(&["a"]).set("DEFAULT", "transport_url", "rabbit://u:hunter2@127.0.0.1:1/");
    let server = Place::socket(scene);
    let daemon = scene.start(&config.set("health", "bind", &server.bind()))?;
    daemon.wait_beats(2)?;
    let reason = || -> Result<String> {
        let health = server.health()?;
        let reason = health["back_ends"][0]["reason"].as_str().context("no reason")?;
        Ok(reason.to_owned())
    };
    wait_for("the reason to be told", SOON, || {
        let reason = reason()?;
        ensure!(reason.starts_with("messaging: ") && reason.contains("127.0.0.1:1"), "{reason}");
        Ok(())
    })?;
    ensure!(daemon.count("The message broker 127.0.0.1:1 is away") == 1, "{}", daemon.log());
    ensure!(daemon.count("hunter2") == 0, "{}", daemon.log());
    daemon.wait_beats(2)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_transport_url_that_is_none_is_refused_with_file_and_line(
    scene: &Scene,
) -> Result<()> {
    let config = scene.config(&["a"]).set("DEFAULT", "transport_url", "amqp://u:hunter2@h/");
    let place = format!("cinder.conf:{}", config.line_of("DEFAULT", "transport_url"));
    let outcome = scene.run_config(&config)?;
    let file = scene.path("cinder.conf");
    let check = scene.run(&["--config-file", &file.to_string_lossy(), "config", "check"])?;
    let words = ["--config-file", &file.to_string_lossy(), "call", "freeze_host", "--backend", "a"];
    for outcome in [outcome, check, scene.run(&words)?] {
        let all = outcome.all();
        ensure!(outcome.code == Some(1), "{outcome:?}");
        ensure!(all.contains(&place) && all.contains("transport_url"), "{all}");
        ensure!(!all.contains("hunter2"), "{all}");
    }
    Ok(())
}

pub(crate) fn messages_are_counted_and_reported(scene: &Scene) -> Result<()> {
    let server = Place::socket(scene);
    let daemon = scene.start(&scene.config(&["a"]).set("health", "bind", &server.bind()))?;
    wait_answer(scene, "a")?;
    class(scene, &["freeze_host", "--backend", "a"])?;
    class(scene, &["explode", "--backend", "a"])?;
    let metric = |name: &str| server.metric(&format!("cinder_volume_{name}"));
    wait_for("calls to be counted", SOON, || {
        let received = metric("messages_total{backend=\"a\",event=\"received\"}")?;
        ensure!(received >= 3.0, "{received} received");
        Ok(())
    })?;
    let failed = metric(
        "message_duration_seconds_count{backend=\"a\",method=\"freeze_host\",result=\"failure\"}",
    )?;
    ensure!(failed == 1.0, "{failed} failed");
    ensure!(metric("message_consumers{backend=\"a\"}")? == 2.0);
    ensure!(metric("message_connections{backend=\"a\"}")? == 2.0);
    ensure!(metric("message_handlers_running{backend=\"a\"}")? == 0.0);
    ensure!(metric("messages_total{backend=\"a\",event=\"answered\"}")? >= 2.0);
    let messages = &server.health()?["back_ends"][0]["messages"];
    ensure!(messages["connections"] == json!([]), "{messages}");
    let servers = messages["servers"].as_array().context("no servers")?;
    let served = servers.iter().filter(|one| one["is_served"] == true).count();
    ensure!((served, servers.len()) == (2, 2), "{messages}");
    let file = scene.path("cinder.conf");
    let report =
        scene.run(&["--config-file", &file.to_string_lossy(), "report", "--worker", "a"])?;
    for text in [
        "messages: local:, sockets in ",
        "server: cinder-volume, cinder-volume.e2e@a, cinder-volume_fanout",
        "server: cinder-volume.e2e@a, cinder-volume.e2e@a.e2e, cinder-volume.e2e@a_fanout",
        "messaging: up for ",
        "of at most 64 run",
    ] {
        ensure!(report.out.contains(text), "{text:?} is not in {}", report.out);
    }
    daemon.end_with(Signal::SIGTERM, 0)
}
