//! What the logging options make of the daemon's log (spec/logging.md §1, §2.6, §4).

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::e2e::props::daemon::SOON;
use crate::e2e::props::scene::Scene;
use crate::process::text_of;
use crate::wait::wait_for;

/// Keys of every record, in their order.
const KEYS: &str = "message asctime name msg args levelname levelno pathname filename module lineno \
                    funcname created msecs relative_created thread thread_name process_name process \
                    traceback hostname error_summary context extra";

pub(crate) fn with_use_json_every_line_is_an_object_with_the_originals_keys(
    scene: &Scene,
) -> Result<()> {
    let config = scene.config(&["a", "b"]).set("DEFAULT", "use_json", "true");
    let daemon = scene.start(&config.set("b", "extra_capabilities", "{not json"))?;
    daemon.wait_up(1)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    let text = daemon.log();
    let mut failed = None;
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let mut rest = line;
        for key in KEYS.split_whitespace() {
            let name = format!("\"{key}\": ");
            rest = rest.split_once(&name).with_context(|| format!("no {key} in {line}"))?.1;
        }
        let message = record["message"].as_str().unwrap_or_default();
        if message.ends_with("failed to start.") {
            failed = Some(record);
        }
    }
    let failed = failed.context("nobody says that b failed")?;
    ensure!(failed["levelname"] == "ERROR" && failed["traceback"].is_string(), "{failed}");
    Ok(())
}

/// A file of handlers that writes `name` in the scene's directory.
fn handlers(scene: &Scene, name: &str, level: &str) -> Result<String> {
    let path = scene.path(name);
    scene.write(
        "logging.ini",
        &format!(
            "[loggers]\nkeys = root\n[handlers]\nkeys = file\n[formatters]\nkeys = short\n\
             [logger_root]\nlevel = {level}\nhandlers = file\n\
             [handler_file]\nclass = handlers.WatchedFileHandler\nargs = ('{}',)\nformatter = short\n\
             [formatter_short]\nformat = %(process)d|%(levelname)s|%(name)s|%(message)s\n",
            path.display()
        ),
    )?;
    Ok(scene.path("logging.ini").to_string_lossy().into_owned())
}

pub(crate) fn a_file_of_handlers_takes_the_place_of_the_options_and_a_hup_reads_it_again(
    scene: &Scene,
) -> Result<()> {
    let file = handlers(scene, "one.log", "INFO")?;
    let config = scene.config(&["a"]).set("DEFAULT", "log_config_append", &file).set(
        "DEFAULT",
        "log_file",
        &scene.path("unused.log").to_string_lossy(),
    );
    let daemon = scene.start(&config)?;
    let workers = daemon.wait_up(1)?;
    let log = |name: &str| text_of(&scene.path(name));
    let has = |name: &str, text: &str, count: usize| {
        wait_for(&format!("{count} lines with {text} in {name}"), SOON, || {
            let found = log(name).lines().filter(|line| line.contains(text)).count();
            ensure!(found >= count, "{found}");
            Ok(())
        })
    };
    has("one.log", "|INFO|oslo_service", 1)?;
    ensure!(!scene.path("unused.log").exists() && daemon.log().is_empty(), "{}", daemon.log());

    // A bad file changes nothing, and the parent, which has read it, says so.
    scene.write("logging.ini", "[loggers]\nkeys = root\n")?;
    daemon.signal(Signal::SIGHUP)?;
    has("one.log", "|ERROR|cinder.cmd.volume|The log goes on as it was", 1)?;
    has("one.log", "Error loading logging config", 1)?;

    handlers(scene, "two.log", "DEBUG")?;
    daemon.signal(Signal::SIGHUP)?;
    has("two.log", "|DEBUG|", 1)?;
    for worker in &workers {
        has("two.log", &format!("{worker}|"), 1)?;
    }
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn logging_that_cannot_be_set_up_ends_the_start_with_its_reason(
    scene: &Scene,
) -> Result<()> {
    let broken = scene.write("broken.ini", "[loggers]\n")?.to_string_lossy().into_owned();
    let expected = format!("Error loading logging config {broken}: ");
    for (options, expected) in [
        (vec![("log_config_append", broken.as_str())], expected.as_str()),
        (
            vec![("log_config_append", "/no/such/file")],
            "Error loading logging config /no/such/file: ",
        ),
        (
            vec![("use_syslog", "true"), ("syslog_log_facility", "LOG_FOO")],
            "syslog facility must be one of: 'LOG_USER', ",
        ),
        (
            vec![("log_dir", "."), ("log_rotation_type", "interval"), ("log_rotate_interval", "0")],
            "log_rotate_interval: 0 is not a number of units above 0",
        ),
        (
            vec![
                ("rate_limit_interval", "1"),
                ("rate_limit_burst", "1"),
                ("rate_limit_except_level", ""),
            ],
            "invalid log level name: ''",
        ),
    ] {
        let mut config = scene.config(&["a"]);
        for (name, value) in options {
            config = config.set("DEFAULT", name, value);
        }
        let ended = scene.run_config(&config)?;
        ensure!(ended.code == Some(1) && ended.err.contains(expected), "{ended:?}");
        ensure!(!scene.database().exists(), "the start went on");
    }
    Ok(())
}
