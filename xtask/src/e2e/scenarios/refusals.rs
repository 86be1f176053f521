//! Starts that must fail, or fail for one back end only (spec/startup.md §1, §9).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use nix::unistd::Uid;

use super::reload::{Place, files_that_are_none};
use crate::database::{self, Lock};
use crate::e2e::props::config::Config;
use crate::e2e::props::scene::{Outcome, Scene};
use crate::process;
use crate::wait::secs;

const NOTHING_ENABLED: &str = "Configuration for cinder-volume does not specify \
    \"enabled_backends\". Using DEFAULT section to configure drivers is not supported since Ocata.";
pub(crate) const NOTHING_STARTED: &str = "No volume service(s) started successfully, terminating.";
/// User and group `nobody` on every Linux distribution.
const NOBODY: &str = "65534";

/// The lines of one level in oslo.log's format: date, time, pid, level.
fn lines_at<'t>(text: &'t str, level: &str) -> Vec<&'t str> {
    text.lines().filter(|line| line.split_whitespace().nth(3) == Some(level)).collect()
}

fn expect_failure(outcome: &Outcome) -> Result<()> {
    ensure!(
        outcome.code == Some(1),
        "exit code {:?} instead of 1: {}",
        outcome.code,
        outcome.all()
    );
    ensure!(!outcome.all().contains("panicked"), "{}", outcome.all());
    Ok(())
}

fn one_back_end_is_lost(scene: &Scene, config: &Config) -> Result<()> {
    let daemon = scene.start(config)?;
    let workers = daemon.wait_up(2)?;
    ensure!(daemon.count("Volume service e2e@bad failed to start.") == 1);
    let hosts: Vec<_> = daemon.rows()?.into_iter().map(|row| row.host).collect();
    ensure!(hosts == ["e2e@a", "e2e@b"], "rows of {hosts:?}");
    daemon.wait_beats(2)?;
    daemon.expect_workers(&workers)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_back_end_with_invalid_capabilities_is_left_out_and_the_others_run(
    scene: &Scene,
) -> Result<()> {
    let config = scene.config(&["a", "bad", "b"]);
    one_back_end_is_lost(scene, &config.set("bad", "extra_capabilities", "{not json"))
}

pub(crate) fn a_back_end_with_a_value_of_the_wrong_type_is_left_out_and_the_others_run(
    scene: &Scene,
) -> Result<()> {
    let config = scene.config(&["a", "bad", "b"]);
    one_back_end_is_lost(scene, &config.set("bad", "reserved_percentage", "lots"))
}

pub(crate) fn nothing_runs_when_every_back_end_is_bad(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]).set("a", "extra_capabilities", "{not json").set(
        "b",
        "extra_capabilities",
        "[1,",
    );
    let outcome = scene.run_config(&config)?;
    expect_failure(&outcome)?;
    let text = outcome.all();
    let errors = lines_at(&text, "ERROR");
    for host in ["e2e@a", "e2e@b"] {
        let line = format!("Volume service {host} failed to start.");
        ensure!(errors.iter().any(|error| error.contains(&line)), "no {line:?}: {errors:?}");
    }
    ensure!(errors.iter().any(|error| error.ends_with(NOTHING_STARTED)), "{errors:?}");
    scene.wait_empty(secs(1))
}

pub(crate) fn no_enabled_back_end_is_an_error_with_upstreams_words(scene: &Scene) -> Result<()> {
    for value in [None, Some(""), Some(","), Some(" , ,")] {
        let config = scene.config(&["a"]).without("DEFAULT", "enabled_backends");
        let config = match value {
            Some(text) => config.set("DEFAULT", "enabled_backends", text),
            None => config,
        };
        let outcome = scene.run_config(&config)?;
        expect_failure(&outcome)?;
        let text = outcome.all();
        let errors = lines_at(&text, "ERROR");
        ensure!(errors.len() == 1 && errors[0].ends_with(NOTHING_ENABLED), "{value:?}: {text}");
        ensure!(!scene.database().exists(), "{value:?}: the database was touched");
    }
    Ok(())
}

pub(crate) fn a_missing_file_is_named(scene: &Scene) -> Result<()> {
    let missing = scene.path("absent.conf");
    let outcome = scene.run(&["--config-file", &missing.to_string_lossy()])?;
    expect_failure(&outcome)?;
    let expected = format!("Failed to find some config files: {}", missing.display());
    ensure!(outcome.err.contains(&expected), "{outcome:?}");
    Ok(())
}

pub(crate) fn an_unreadable_file_is_named(scene: &Scene) -> Result<()> {
    let file = scene.write("cinder.conf", &scene.config(&["a"]).text())?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000))?;
    let mut command = bound_by_permissions(scene)?;
    let outcome = scene.finish(command.arg("--config-file").arg(&file), secs(15))?;
    expect_failure(&outcome)?;
    let expected = format!("Failed to open some config files: {}", file.display());
    ensure!(outcome.err.contains(&expected), "{outcome:?}");
    Ok(())
}

/// The daemon as somebody whom permissions keep out.
fn bound_by_permissions(scene: &Scene) -> Result<Command> {
    if !Uid::effective().is_root() {
        return Ok(scene.command(scene.binary()));
    }
    // Root reads everything, so the daemon runs as nobody, from a copy that nobody can reach.
    scene.open_to_all()?;
    let copy = scene.path("cinder-volume");
    if !copy.exists() {
        fs::copy(scene.binary(), &copy)?;
    }
    let mut command = scene.command("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(copy);
    Ok(command)
}

pub(crate) fn what_is_no_file_is_named_with_its_kind(scene: &Scene) -> Result<()> {
    for (kind, path, place) in files_that_are_none(scene)? {
        let shown = path.display();
        let (outcome, expected) = match place {
            Place::Configuration => {
                let outcome = scene.run(&["--config-file", &path.to_string_lossy()])?;
                (outcome, format!("{shown} is {kind}, not a regular file"))
            }
            Place::Handlers => {
                let config = scene.config(&["a"]);
                let value = path.to_string_lossy();
                let outcome =
                    scene.run_config(&config.set("DEFAULT", "log_config_append", &value))?;
                let expected = format!("Error loading logging config {shown}: it is {kind}");
                (outcome, expected)
            }
        };
        expect_failure(&outcome)?;
        let lines: Vec<_> = outcome.err.lines().collect();
        ensure!(lines.len() == 1 && lines[0].contains(&expected), "no {expected}: {outcome:?}");
        ensure!(!scene.database().exists(), "the start went on");
    }
    Ok(())
}

pub(crate) fn a_directory_that_cannot_be_read_is_named_with_the_reason(
    scene: &Scene,
) -> Result<()> {
    let file = scene.write("cinder.conf", &scene.config(&["a"]).text())?;
    let parts = scene.path("parts");
    fs::create_dir(&parts)?;
    scene.write("parts/more.conf", "[DEFAULT]\nhost = elsewhere\n")?;
    fs::set_permissions(&parts, fs::Permissions::from_mode(0o000))?;
    let named = [("--config-file", file.as_path()), ("--config-dir", parts.as_path())];
    for words in [&[][..], &["config", "check"], &["config", "dump"], &["status"]] {
        let mut command = bound_by_permissions(scene)?;
        for (option, path) in named {
            command.arg(option).arg(path);
        }
        let outcome = scene.finish(command.args(words), secs(15))?;
        let expected = format!(
            "Failed to read config file directory: {}: Permission denied (os error 13)",
            parts.display()
        );
        ensure!(outcome.code != Some(0) && outcome.all().contains(&expected), "{outcome:?}");
        ensure!(!scene.database().exists(), "the start went on");
    }
    fs::set_permissions(&parts, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Every command that reads the configuration.
const COMMANDS: [&[&str]; 6] = [
    &[],
    &["config", "check"],
    &["config", "dump"],
    &["config", "explain", "host"],
    &["status"],
    &["report"],
];

pub(crate) fn an_unreadable_search_path_is_a_warning_or_an_error_in_every_command(
    scene: &Scene,
) -> Result<()> {
    // The scene's directory is the home directory. A link to itself keeps out root as well.
    let (own, later) =
        (scene.path(".cinder/cinder.conf"), scene.path("snap/etc/cinder/cinder.conf"));
    for file in [&own, &later] {
        fs::create_dir_all(file.parent().context("a file has a directory")?)?;
    }
    std::os::unix::fs::symlink(&own, &own)?;
    let nothing = "no configuration file found; looked for ";
    let reason = format!("{} (Too many levels of symbolic links (os error 40))", own.display());
    for words in COMMANDS {
        let outcome = scene.run(words)?;
        let text = outcome.all();
        ensure!(outcome.code != Some(0) && text.contains(nothing), "{words:?}: {outcome:?}");
        ensure!(text.contains(&format!(", of which {reason} could not be read")), "{text}");
        ensure!(!scene.database().exists(), "the start went on");
    }
    // A closed directory is the same to whom permissions keep out.
    fs::remove_file(&own)?;
    fs::set_permissions(scene.path(".cinder"), fs::Permissions::from_mode(0o000))?;
    for words in COMMANDS {
        let outcome = scene.finish(bound_by_permissions(scene)?.args(words), secs(15))?;
        let text = outcome.all();
        ensure!(outcome.code != Some(0) && text.contains(nothing), "{words:?}: {outcome:?}");
        let reason = format!("{} (Permission denied (os error 13))", own.display());
        ensure!(text.contains(&reason), "{text}");
    }
    fs::set_permissions(scene.path(".cinder"), fs::Permissions::from_mode(0o755))?;

    std::os::unix::fs::symlink(&own, &own)?;
    fs::write(&later, scene.config(&["a"]).text())?;
    let at_snap = |words: &[&str]| {
        let mut command = scene.cinder_volume(words);
        command.env("SNAP", scene.path("snap"));
        command
    };
    let check = scene.finish(&mut at_snap(&["config", "check"]), secs(15))?;
    ensure!(check.code == Some(0) && check.out.contains("1 warning"), "{check:?}");
    let dump = scene.finish(&mut at_snap(&["config", "dump"]), secs(15))?;
    ensure!(dump.code == Some(0) && dump.err.contains(&reason), "{dump:?}");
    let daemon = scene.start_command(&mut at_snap(&[]))?;
    daemon.wait_up(1)?;
    let warnings = lines_at(&daemon.log(), "WARNING").join("\n");
    ensure!(warnings.contains("could not be read: Too many levels"), "{warnings}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_malformed_file_is_named_with_its_line(scene: &Scene) -> Result<()> {
    let file = scene.write("cinder.conf", "[DEFAULT]\nhost = x\nthis is no assignment\n")?;
    let outcome = scene.run(&["--config-file", &file.to_string_lossy()])?;
    expect_failure(&outcome)?;
    let path = file.display();
    // Behind the first word there may be a secret that lacks its equals sign.
    let expected = format!(
        "Failed to parse {path}: at {path}:3, No ':' or '=' found in assignment: 'this ****'"
    );
    ensure!(outcome.err.contains(&expected), "expected {expected:?}, got {outcome:?}");
    Ok(())
}

pub(crate) fn defect_08_a_bad_value_in_default_stops_the_start_with_its_line(
    scene: &Scene,
) -> Result<()> {
    for (key, value) in [("report_interval", "soon"), ("enable_new_services", "perhaps")] {
        let config = scene.config(&["a"]).set("DEFAULT", key, value);
        let outcome = scene.run_config(&config)?;
        expect_failure(&outcome)?;
        let at = format!("cinder.conf:{}", config.line_of("DEFAULT", key));
        let text = outcome.all();
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        ensure!(
            lines.len() == 1 && lines[0].contains(&at) && lines[0].contains(value),
            "not one line that names {at}: {text}"
        );
        ensure!(!scene.database().exists(), "the database was touched");
    }
    Ok(())
}

pub(crate) fn every_bad_value_is_reported_at_once(scene: &Scene) -> Result<()> {
    let config = scene
        .config(&["a"])
        .set("DEFAULT", "report_interval", "soon")
        .set("DEFAULT", "debug", "maybe");
    let outcome = scene.run_config(&config)?;
    expect_failure(&outcome)?;
    for key in ["report_interval", "debug"] {
        let at = format!("cinder.conf:{}", config.line_of("DEFAULT", key));
        ensure!(outcome.all().contains(&at), "{at} is missing: {}", outcome.all());
    }
    Ok(())
}

/// The start fails and the database file is the same, byte for byte.
fn is_refused_untouched(scene: &Scene) -> Result<Outcome> {
    let before = fs::read(scene.database())?;
    let outcome = scene.run_config(&scene.config(&["a", "b"]))?;
    expect_failure(&outcome)?;
    ensure!(fs::read(scene.database())? == before, "the database was written to");
    let text = outcome.all();
    let errors = lines_at(&text, "ERROR");
    let clear = errors.iter().filter(|error| error.contains("schema 9c74c1c6971f")).count();
    ensure!(clear == 1, "{clear} errors say which schema is needed: {text}");
    scene.wait_empty(secs(1))?;
    Ok(outcome)
}

pub(crate) fn a_database_without_cinders_tables_is_refused_untouched(scene: &Scene) -> Result<()> {
    database::write(&scene.database(), "CREATE TABLE other (a INTEGER)")?;
    is_refused_untouched(scene)?;
    Ok(())
}

/// A complete database that says it is of a release that we do not know.
fn of_an_unknown_version(scene: &Scene, change: &str) -> Result<()> {
    let file = scene.write("cinder.conf", &scene.config(&["a", "b"]).text())?;
    let made = scene.run(&["--config-file", &file.to_string_lossy(), "db", "init"])?;
    ensure!(made.code == Some(0), "{made:?}");
    let sql = "UPDATE alembic_version SET version_num = 'deadbeef0000'";
    database::write(&scene.database(), &format!("{sql}; {change}"))
}

pub(crate) fn a_database_of_an_unknown_version_that_lacks_something_is_refused_untouched(
    scene: &Scene,
) -> Result<()> {
    of_an_unknown_version(scene, "ALTER TABLE volumes DROP COLUMN display_name")?;
    let outcome = is_refused_untouched(scene)?;
    for name in ["deadbeef0000", "volumes.display_name"] {
        ensure!(outcome.all().contains(name), "does not name {name}: {outcome:?}");
    }
    Ok(())
}

pub(crate) fn a_database_of_a_later_version_is_used_with_one_warning(scene: &Scene) -> Result<()> {
    of_an_unknown_version(
        scene,
        "ALTER TABLE services ADD COLUMN flag INTEGER NOT NULL DEFAULT 7",
    )?;
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    daemon.wait_up(2)?;
    let log = daemon.log();
    let warnings = lines_at(&log, "WARNING");
    let named = warnings.iter().filter(|line| line.contains("deadbeef0000")).count();
    ensure!(named == 1 && daemon.count("deadbeef0000") == 1, "{log}");
    daemon.end_with(Signal::SIGTERM, 0)
}

/// A database that is there but answers nobody: without a write-ahead log, an exclusive lock
/// keeps readers out as well.
pub(crate) fn unreachable(scene: &Scene) -> Result<(Config, Lock)> {
    let config = scene.config(&["a"]);
    let file = scene.write("cinder.conf", &config.text())?;
    let made = scene.run(&["--config-file", &file.to_string_lossy(), "db", "init"])?;
    ensure!(made.code == Some(0), "{made:?}");
    database::write(&scene.database(), "PRAGMA journal_mode = DELETE")?;
    Ok((config, Lock::take(&scene.database())?))
}

pub(crate) fn a_database_that_cannot_be_reached_is_tried_as_often_as_configured(
    scene: &Scene,
) -> Result<()> {
    let (config, lock) = unreachable(scene)?;
    let config = config.set("database", "max_retries", "1").set("database", "retry_interval", "1");
    let daemon = scene.start(&config)?;
    let status = daemon.wait_exit(secs(60))?;
    ensure!(status.code() == Some(1), "{status}");
    ensure!(daemon.count("SQL connection failed. 1 attempts left.") == 1);
    ensure!(daemon.count("SQL connection failed.") == 1);
    ensure!(daemon.count("Volume service e2e@a failed to start.") == 1);
    ensure!(daemon.count(NOTHING_STARTED) == 1);
    drop(lock);
    ensure!(database::services(&scene.database())?.is_empty(), "a row was written");
    Ok(())
}

pub(crate) fn a_database_that_comes_back_in_time_lets_the_start_go_on(scene: &Scene) -> Result<()> {
    let (config, lock) = unreachable(scene)?;
    let config = config.set("database", "max_retries", "-1").set("database", "retry_interval", "1");
    let daemon = scene.start(&config)?;
    daemon.wait_log("SQL connection failed.", 1)?;
    drop(lock);
    daemon.wait_up(1)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_term_during_the_wait_for_the_database_ends_the_start(scene: &Scene) -> Result<()> {
    let (config, lock) = unreachable(scene)?;
    let config = config.set("database", "max_retries", "-1");
    let daemon = scene.start(&config.set("database", "retry_interval", "60"))?;
    daemon.wait_log("SQL connection failed.", 1)?;
    ensure!(process::lives(daemon.pid()));
    daemon.signal(Signal::SIGTERM)?;
    daemon.wait_exit(secs(2))?;
    drop(lock);
    scene.wait_empty(secs(1))
}
