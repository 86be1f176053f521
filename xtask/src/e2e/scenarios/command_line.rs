//! What the command line answers (spec/config.md §7, and our own subcommands).

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::database;
use crate::e2e::props::scene::Scene;

pub(crate) fn version_prints_upstreams_number(scene: &Scene) -> Result<()> {
    let outcome = scene.run(&["--version"])?;
    ensure!(outcome.code == Some(0) && outcome.out == "29.0.0\n", "{outcome:?}");
    Ok(())
}

pub(crate) fn help_lists_every_option_of_upstream(scene: &Scene) -> Result<()> {
    let outcome = scene.run(&["--help"])?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    let options = [
        "--version",
        "--config-dir",
        "--config-file",
        "--debug",
        "--nodebug",
        "--log-config-append",
        "--log-date-format",
        "--log-dir",
        "--log-file",
        "--use-journal",
        "--use-json",
        "--use-syslog",
        "--syslog-log-facility",
        "--state_path",
        "--backend_host",
        "--backend_name",
    ];
    for option in options {
        ensure!(outcome.out.contains(option), "{option} is missing: {}", outcome.out);
    }
    Ok(())
}

pub(crate) fn a_wrong_command_line_exits_2_and_says_why(scene: &Scene) -> Result<()> {
    let wrong: [(&[&str], &str); 4] = [
        (&["--nope"], "unrecognized arguments: --nope"),
        (&["--config-file"], "argument --config-file: expected one argument"),
        (&["--debug=1"], "argument --debug/-d: ignored explicit argument '1'"),
        (&["--lo"], "ambiguous option: --lo could match "),
    ];
    // Like every program of its kind it calls itself by the name it was started with.
    let program = scene.binary().file_name().unwrap_or_default().to_string_lossy();
    for (arguments, reason) in wrong {
        let outcome = scene.run(arguments)?;
        ensure!(outcome.code == Some(2), "{arguments:?}: {outcome:?}");
        let usage = format!("usage: {program} [-h] ");
        ensure!(outcome.err.starts_with(&usage), "{arguments:?}: {outcome:?}");
        let line = format!("{program}: error: {reason}");
        ensure!(outcome.err.lines().any(|text| text.starts_with(&line)), "{outcome:?}");
        ensure!(outcome.out.is_empty(), "{arguments:?}: {outcome:?}");
    }
    Ok(())
}

pub(crate) fn config_check_reports_problems_and_touches_nothing(scene: &Scene) -> Result<()> {
    let good = scene.config(&["a"]);
    let file = scene.write("cinder.conf", &good.text())?;
    let file = file.to_string_lossy();
    let outcome = scene.run(&["--config-file", &file, "config", "check"])?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    let bad = good.set("DEFAULT", "report_interval", "soon").set("a", "volume_grup", "vg0");
    scene.write("cinder.conf", &bad.text())?;
    let outcome = scene.run(&["--config-file", &file, "config", "check"])?;
    ensure!(outcome.code == Some(1), "{outcome:?}");
    for (section, key) in [("DEFAULT", "report_interval"), ("a", "volume_grup")] {
        let at = format!("cinder.conf:{}", bad.line_of(section, key));
        ensure!(outcome.all().contains(&at), "{at} is missing: {outcome:?}");
    }
    ensure!(
        !scene.database().exists() && !scene.path("cinder-volume.lock").exists(),
        "something was written"
    );
    Ok(())
}

pub(crate) fn config_dump_masks_secrets(scene: &Scene) -> Result<()> {
    let secret = "hunter2";
    let config = scene
        .config(&["a"])
        .set("database", "connection", &format!("mysql://cinder:{secret}@db/cinder"))
        .set("DEFAULT", "transport_url", &format!("rabbit://cinder:{secret}@mq/"))
        .set("a", "san_password", secret);
    let file = scene.write("cinder.conf", &config.text())?;
    let outcome = scene.run(&["--config-file", &file.to_string_lossy(), "config", "dump"])?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    ensure!(!outcome.all().contains(secret), "a secret is shown: {}", outcome.all());
    ensure!(outcome.out.contains("****"), "{}", outcome.out);
    ensure!(outcome.out.contains("enabled_backends"), "{}", outcome.out);
    Ok(())
}

pub(crate) fn db_init_makes_the_database_once(scene: &Scene) -> Result<()> {
    let file = scene.write("cinder.conf", &scene.config(&["a"]).text())?;
    let arguments = ["--config-file", &file.to_string_lossy(), "db", "init"].map(str::to_owned);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = scene.run(&arguments)?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    let sql = "SELECT version_num FROM alembic_version";
    ensure!(database::lines(&scene.database(), sql)? == ["9c74c1c6971f"]);
    let tables = "SELECT count(*) FROM sqlite_master WHERE type = 'table' \
                  AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'";
    ensure!(database::lines(&scene.database(), tables)? == ["36"], "not 35 tables and alembic");
    let before = std::fs::read(scene.database())?;
    scene.run(&arguments)?;
    ensure!(std::fs::read(scene.database())? == before, "a second run changed the file");
    Ok(())
}

pub(crate) fn status_tells_who_is_up_and_who_is_down(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]);
    let daemon = scene.start(&config)?;
    daemon.wait_up(2)?;
    let sql = "UPDATE services SET updated_at = '2020-01-01 00:00:00.000000' WHERE host = 'x@old'; \
               INSERT INTO services (created_at, updated_at, deleted, host, \"binary\", topic, \
               report_count, disabled, availability_zone) VALUES ('2020-01-01 00:00:00.000000', \
               '2020-01-01 00:00:00.000000', 0, 'x@old', 'cinder-volume', 'cinder-volume', 7, 0, \
               'nova')";
    database::write(&scene.database(), sql)?;
    let file = scene.path("cinder.conf");
    let file = file.to_string_lossy();
    let table = scene.run(&["--config-file", &file, "status"])?;
    ensure!(table.code == Some(0), "{table:?}");
    for (host, state) in [("e2e@a", "up"), ("e2e@b", "up"), ("x@old", "down")] {
        let line = table.out.lines().find(|line| line.contains(host)).unwrap_or_default();
        ensure!(line.contains(state) && line.contains("nova"), "{host}: {}", table.out);
    }
    let json = scene.run(&["--config-file", &file, "status", "--json"])?;
    let parsed: Value = serde_json::from_str(&json.out).with_context(|| format!("{json:?}"))?;
    let rows =
        parsed.as_array().or(parsed["services"].as_array()).context("no list of services")?;
    let state = |host: &str| {
        let row = rows.iter().find(|row| row["host"] == host);
        row.and_then(|row| row["state"].as_str().map(str::to_owned))
    };
    ensure!(state("e2e@a").as_deref() == Some("up"), "{parsed}");
    ensure!(state("x@old").as_deref() == Some("down"), "{parsed}");
    daemon.end_with(Signal::SIGTERM, 0)
}
