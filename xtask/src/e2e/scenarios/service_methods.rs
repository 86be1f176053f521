//! What every service of Cinder does beside its resources: schedulers are told of it, and its log's levels follow the API.

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::messages::{ANSWERED, FAILED, told, wait_answer};
use super::volumes::{config, id, run, volume};
use crate::e2e::props::daemon::SOON;
use crate::e2e::props::scene::Scene;
use crate::e2e::props::scheduler::Scheduler;
use crate::wait::wait_for;

pub(crate) fn levels_of_the_log_are_changed_and_asked_for_while_a_worker_runs(
    scene: &Scene,
) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    for backend in ["a", "b"] {
        wait_answer(scene, backend)?;
    }
    let words = |method: &str, prefix: Value, level: Value| {
        let object = json!({
            "versioned_object.name": "LogLevel",
            "versioned_object.namespace": "cinder",
            "versioned_object.version": "1.0",
            "versioned_object.data": {"prefix": prefix, "level": level},
        });
        let arguments = json!({"log_request": object}).to_string();
        [method, "--backend", "a", "--json", &arguments].map(str::to_owned)
    };
    let ask =
        |words: [String; 5], status| told(scene, &words.each_ref().map(String::as_str), status);
    let levels = |prefix: &str| -> Result<Value> {
        let list = ask(words("get_log_levels", json!(prefix), Value::Null), ANSWERED)?;
        ensure!(list["result"]["versioned_object.name"] == "LogLevelList", "{list}");
        let objects = list["result"]["versioned_object.data"]["objects"].as_array().cloned();
        let one = |one: &Value| {
            let data = &one["versioned_object.data"];
            (data["prefix"].as_str().unwrap_or_default().to_owned(), data["level"].clone())
        };
        Ok(Value::Object(objects.context("no list")?.iter().map(one).collect()))
    };
    ensure!(levels("cinder.rpc")? == json!({"cinder.rpc": "INFO"}), "{}", levels("")?);
    ensure!(levels("")?["cinder.service"] == "INFO", "{}", levels("")?);
    ensure!(daemon.count("Carrying out") == 0, "DEBUG before it was asked for");
    // As the API sends it, in the middle of a word.
    let mut cast = words("set_log_levels", json!("cinder.rp"), json!("debug")).to_vec();
    cast.push("--cast".to_owned());
    told(scene, &cast.iter().map(String::as_str).collect::<Vec<_>>(), ANSWERED)?;
    wait_for("the level to be followed", SOON, || {
        wait_answer(scene, "a")?;
        ensure!(daemon.count("Carrying out publish_service_capabilities") > 0);
        Ok(())
    })?;
    ensure!(levels("cinder.")?["cinder.rpc"] == "DEBUG", "{}", levels("cinder.")?);
    ensure!(levels("cinder.")?["cinder.service"] == "INFO", "{}", levels("cinder.")?);
    // The other worker is another process.
    wait_answer(scene, "b")?;
    let workers = daemon.workers().len();
    ensure!(workers == 2 && daemon.count("have the level DEBUG from now on") == 1);
    let wrong = ask(words("set_log_levels", json!("cinder"), json!("LOUD")), FAILED)?;
    let failure = json!({
        "class": "InvalidInput",
        "module": "cinder.exception",
        "message": "Invalid input received: LOUD is not a valid log level.",
    });
    ensure!(wrong["failure"] == failure, "{wrong}");
    ask(words("set_log_levels", Value::Null, json!("ERROR")), ANSWERED)?;
    ensure!(levels("cinder.rpc")? == json!({"cinder.rpc": "ERROR"}), "{}", levels("")?);
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn schedulers_are_told_at_the_start_now_and_then_and_when_they_ask(
    scene: &Scene,
) -> Result<()> {
    let scheduler = Scheduler::listen(scene)?;
    let config = scene.config(&["a"]).set("DEFAULT", "backend_stats_polling_interval", "3");
    let config = config.set("a", "volume_backend_name", "gold");
    let daemon = scene.start(&config)?;
    let first = scheduler.next()?;
    ensure!(first["method"] == "update_service_capabilities" && first["version"] == "3.3");
    let args = &first["args"];
    ensure!(args["host"] == "e2e@a" && args["cluster_name"].is_null(), "{args}");
    ensure!(args["service_name"] == "volume" && args["timestamp"].is_string(), "{args}");
    let capabilities = &args["capabilities"];
    ensure!(capabilities["volume_backend_name"] == "gold", "{capabilities}");
    let total = capabilities["total_capacity_gb"].as_f64().context("no number")?;
    ensure!(total > 0.0 && capabilities["allocated_capacity_gb"] == 0, "{capabilities}");
    ensure!(first["_context_is_admin"] == true && first["_unique_id"].is_string(), "{first}");
    // Once more for the one of them that passes it on.
    let notice = scheduler.next()?;
    ensure!(notice["method"] == "notify_service_capabilities" && notice["version"] == "3.5");
    ensure!(notice["args"]["backend"] == "e2e@a", "{notice}");
    ensure!(notice["args"]["capabilities"] == *capabilities, "{notice}");
    ensure!(notice["_context_request_id"] == first["_context_request_id"], "{notice}");
    let both = || -> Result<()> {
        for method in ["update_service_capabilities", "notify_service_capabilities"] {
            let next = scheduler.next()?;
            ensure!(next["method"] == method, "{next}");
        }
        Ok(())
    };
    // By itself, after three seconds.
    both()?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    // And at once when asked, long before the next time.
    let daemon = scene
        .start_beside("cinder", &config.set("DEFAULT", "backend_stats_polling_interval", "3600"))?;
    both()?;
    told(scene, &["publish_service_capabilities", "--cast", "--backend", "a"], ANSWERED)?;
    both()?;
    daemon.end_with(Signal::SIGTERM, 0)
}

/// The oldest of them counts, as it stands in the table at the start and at each HUP.
pub(crate) fn schedulers_are_told_in_the_words_of_the_oldest_and_a_hup_looks_again(
    scene: &Scene,
) -> Result<()> {
    let file = scene.write("cinder.conf", &scene.config(&["a"]).text())?;
    let made = scene.run(&["--config-file", &file.to_string_lossy(), "db", "init"])?;
    ensure!(made.code == Some(0), "{made:?}");
    let store = scene.store();
    for (host, rpc) in [("new", "3.12"), ("old", "3.2")] {
        store.write(&format!(
            "INSERT INTO services (created_at, updated_at, deleted, host, \"binary\", topic, report_count, \
             disabled, rpc_current_version, object_current_version) VALUES ('2026-01-01', '2026-01-01', 0, \
             '{host}', 'cinder-scheduler', 'cinder-scheduler', 1, 0, '{rpc}', '1.39')"
        ))?;
    }
    let scheduler = Scheduler::listen(scene)?;
    let config = scene.config(&["a"]).set("DEFAULT", "backend_stats_polling_interval", "3600");
    let daemon = scene.start(&config)?;
    let hears = |versions: [&str; 2], part: &str| -> Result<()> {
        for version in versions {
            let next = scheduler.next()?;
            ensure!(next["version"] == version, "{next}");
            ensure!(next["args"].get(part).is_some() || version == "3.0", "{next}");
            ensure!(version != "3.0" || next["args"].get("timestamp").is_none(), "{next}");
        }
        Ok(())
    };
    hears(["3.0", "3.1"], "host")?;
    let report = |part: &str| {
        wait_for(&format!("the report to say {part:?}"), SOON, || {
            let report = scene.run(&[
                "--config-file",
                &file.to_string_lossy(),
                "report",
                "--worker",
                "a",
            ])?;
            ensure!(report.out.contains(part), "{report:?}");
            Ok(())
        })
    };
    report("understood by: cinder-scheduler 3.2, objects 1.39; cinder-backup 2.4, objects 1.39")?;
    let ask =
        || told(scene, &["publish_service_capabilities", "--cast", "--backend", "a"], ANSWERED);
    store.write("UPDATE services SET rpc_current_version = '3.12' WHERE host = 'old'")?;
    daemon.signal(Signal::SIGHUP)?;
    report("understood by: cinder-scheduler 3.12,")?;
    ask()?;
    hears(["3.3", "3.5"], "timestamp")?;
    // Too old, and with no version at all: nothing is said, and that is told.
    for (version, part) in [
        ("'2.0'", "RPCVersionCapError: cinder-scheduler understands 2.0"),
        ("NULL", "announces no"),
    ] {
        store.write(&format!(
            "UPDATE services SET rpc_current_version = {version} WHERE host = 'old'"
        ))?;
        daemon.signal(Signal::SIGHUP)?;
        report(if version == "NULL" {
            "cinder-scheduler unknown"
        } else {
            "cinder-scheduler 2.0,"
        })?;
        ask()?;
        wait_for(&format!("{part:?} to be told"), SOON, || {
            let log = daemon.log();
            let line = log.lines().rfind(|line| line.contains("Schedulers cannot be told"));
            ensure!(
                line.is_some_and(|line| line.contains(part) && line.contains(" WARNING ")),
                "{line:?}"
            );
            Ok(())
        })?;
    }
    daemon.end_with(Signal::SIGTERM, 0)
}

/// Who chooses among back ends must not wait for the next time that it is told anyway.
pub(crate) fn schedulers_hear_at_once_that_a_deleted_volume_has_made_room(
    scene: &Scene,
) -> Result<()> {
    let scheduler = Scheduler::listen(scene)?;
    let daemon =
        scene.start(&config(scene).set("DEFAULT", "backend_stats_polling_interval", "3600"))?;
    daemon.wait_up(1)?;
    let hears = || -> Result<Value> {
        let (all, one) = (scheduler.next()?, scheduler.next()?);
        ensure!(all["method"] == "update_service_capabilities", "{all}");
        ensure!(one["method"] == "notify_service_capabilities", "{one}");
        Ok(all["args"]["capabilities"]["allocated_capacity_gb"].clone())
    };
    ensure!(hears()? == 0);
    let made = volume(scene, &["create", "--size", "2", "--wait"])?;
    wait_answer(scene, "disk")?;
    // A start may tell them twice: when the bus is open, and when the driver is ready.
    let told = hears()?;
    ensure!(told == 2 || (told == 0 && hears()? == 2), "{told}");
    ensure!(run(scene, &["delete", &id(&made)?, "--wait"])?.code == Some(0));
    ensure!(hears()? == 0);
    daemon.end_with(Signal::SIGTERM, 0)
}
