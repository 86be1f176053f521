//! `cargo xtask test`: unit, crate and doc tests of the workspace, then the scenarios.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::budget::{Part, Times};
use crate::e2e::OnFailure;
use crate::servers::rabbitmq::{self, RabbitMq};
use crate::servers::{Kind, Pooler, Servers};
use crate::tally::Tally;
use crate::wait::{millis, wait_with_pause};
use crate::{cargo, e2e, second, servers};

/// A whole test run is given this long before we call it hung.
const LIMIT: Duration = Duration::from_secs(45 * 60);

/// So long nothing need be said; a linker and a few tests are silent for minutes, which looks as if all were hung.
const SILENCE: Duration = Duration::from_secs(30);

/// Runs everything; the caller prints the closing line.
///
/// # Errors
///
/// When something could not be run at all; a failing test is counted, not an error.
pub(crate) fn run(times: &mut Times) -> Result<Tally> {
    let (mut tally, output) = times.of(Part::Base, "tests of the crates", workspace_tests)?;
    times.part(Part::Messaging, "tests of messages", time_of(&output, "oslo_messaging"));
    let crates = ["cinder_objects", "cinder_driver", "cinder_driver_local", "cinder_manager"];
    let operations = crates.iter().map(|one| time_of(&output, one)).sum();
    times.part_of(Part::Operations, "tests of operations", "tests of the crates", operations);
    println!("\nworkspace: {} passed, {} failed; now end to end\n", tally.passed, tally.failed);
    // Of the release it is in the schedule and in `cargo xtask e2e`: to build it takes a quarter of all.
    let daemon = times.of(Part::Base, "build for the scenarios", cargo::build_tested_daemon)?;
    tally +=
        times.of(Part::Base, "scenarios", || e2e::run(&daemon, &[], OnFailure::TryOnceMore))?;
    Ok(tally)
}

/// Runs `cargo test --workspace` with the servers that this machine has, showing its output as it comes;
/// also returns that output.
fn workspace_tests() -> Result<(Tally, String)> {
    let arguments = ["test", "--workspace", "--no-fail-fast"];
    println!("starting the servers that this machine has, which takes a few seconds");
    let servers = Servers::start(Kind::ALL.into_iter().filter(|kind| kind.missing().is_none()));
    let mut command = cargo::cargo(&arguments);
    for kind in Kind::ALL {
        match (kind.missing(), servers.get(kind)) {
            (None, server) => _ = command.env(kind.test_variable(), server?.tester_url()),
            (Some(reason), _) => println!("tests of cinder-db on {}: {reason}", kind.name()),
        }
    }
    let _pooler = pooled(&servers, &mut command)?;
    let _broker = with_broker(&mut command)?;
    let (tally, text) = tests_of(cargo::with_databases(&mut command))?;
    let tally = with_second_attempt(tally, &text, &command)?;
    Ok((tally, text))
}

/// Notices when a program has said nothing for long.
struct Silence {
    start: Instant,
    /// Bytes that it had said when it was last heard, or spoken for.
    said: usize,
    heard: Instant,
}

impl Silence {
    fn since(start: Instant) -> Self {
        Self { start, said: 0, heard: start }
    }

    /// What to tell in its place, each time that [`SILENCE`] has passed, if `text` is all that it has said.
    fn told(&mut self, text: &[u8], now: Instant) -> Option<String> {
        if text.len() > self.said {
            (self.said, self.heard) = (text.len(), now);
        }
        if now.saturating_duration_since(self.heard) < SILENCE {
            return None;
        }
        self.heard = now;
        let text = String::from_utf8_lossy(text);
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        let minutes = now.saturating_duration_since(self.start).as_secs() / 60;
        let last = last.unwrap_or("nothing yet").trim();
        Some(format!("... cargo test runs for {minutes} min; the last it said: {last}"))
    }
}

/// Runs `cargo test` so; also returns what it printed.
///
/// The output goes through a file: a test that leaves a process behind would keep a pipe open
/// and make the run look hung.
fn tests_of(command: &mut Command) -> Result<(Tally, String)> {
    let file = tempfile::NamedTempFile::new()?;
    let mut follow = File::open(file.path())?;
    let output = File::options().append(true).open(file.path())?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .context("cannot run cargo test")?;
    let mut text = Vec::new();
    let mut silence = Silence::since(Instant::now());
    let status = wait_with_pause("cargo test to end", LIMIT, millis(100), || {
        let ended = child.try_wait()?;
        show_rest(&mut follow, &mut text)?;
        if ended.is_none()
            && let Some(told) = silence.told(&text, Instant::now())
        {
            println!("{told}");
        }
        ended.context("it still runs")
    })?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut tally = count(&text);
    if !status.success() && tally.failed == 0 {
        println!("cargo test: {status}");
        tally.failed = 1; // it did not build, or a test binary was killed
    }
    Ok((tally, text))
}

/// Tries what failed in a run of `first` once more, and counts what passes then as unsteady.
fn with_second_attempt(mut tally: Tally, text: &str, first: &Command) -> Result<Tally> {
    if tally.failed == 0 {
        return Ok(tally);
    }
    for failed in second::failed(text) {
        let mut command = cargo::cargo(&["test", "--workspace"]);
        for (name, value) in first.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        cargo::with_databases(&mut command).args(&failed.target);
        if !failed.names.is_empty() {
            command.args(["--", "--exact"]).args(&failed.names);
        }
        println!("\n--- once more: {} {}", failed.target.join(" "), failed.names.join(" "));
        let again = tests_of(&mut command)?.0;
        if again.failed == 0 && again.passed > 0 {
            let of = u32::try_from(failed.names.len())?.max(1);
            println!("UNSTEADY {}: {}", failed.target.join(" "), failed.names.join(" "));
            tally.failed = tally.failed.saturating_sub(of);
            tally.passed += of;
            tally.unsteady += of;
        }
    }
    Ok(tally)
}

/// A node of RabbitMQ, of which `command` is told.
fn with_broker(command: &mut Command) -> Result<Option<RabbitMq>> {
    if let Some(reason) = rabbitmq::missing() {
        println!("tests of oslo-messaging over RabbitMQ: {reason}");
        return Ok(None);
    }
    let broker = RabbitMq::start()?;
    command.env(rabbitmq::VARIABLE, broker.directory());
    Ok(Some(broker))
}

/// A pooler before the PostgreSQL server, of which `command` is told; and what else its tests need of
/// the server.
fn pooled(servers: &Servers, command: &mut Command) -> Result<Option<Pooler>> {
    if Kind::Postgres.missing().is_some() {
        return Ok(None);
    }
    let server = servers.get(Kind::Postgres)?;
    if let Err(reason) = server.learn_german() {
        println!("tests of cinder-db in German: {reason:#}");
    }
    if let Some(reason) = servers::pooler_missing() {
        println!("tests of cinder-db behind a pooler: {reason}");
        return Ok(None);
    }
    let pooler = Pooler::start(server, 10)?;
    command.env("CINDER_DB_TEST_PGBOUNCER", pooler.tester_url());
    Ok(Some(pooler))
}

/// Prints what has been written since the last call, and keeps it.
fn show_rest(follow: &mut File, text: &mut Vec<u8>) -> Result<()> {
    let before = text.len();
    follow.read_to_end(text)?;
    let mut out = std::io::stdout().lock();
    out.write_all(text.get(before..).unwrap_or_default())?;
    Ok(out.flush()?)
}

/// What a test says in place of its deeds (crate `test-conditions`); to the harness it has passed.
const SKIPPED: &str = "skipped: ";

/// Adds up the `test result:` lines of cargo test, with the tests that have told why they did nothing.
fn count(output: &str) -> Tally {
    let mut sum = Tally::default();
    let mut did_nothing = 0;
    for line in output.lines() {
        let Some((_, counts)) =
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            did_nothing += u32::from(line.starts_with(SKIPPED));
            continue;
        };
        for part in counts.split("; ") {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => sum.passed += number,
                Some("failed") => sum.failed += number,
                Some("ignored") => sum.skipped += number,
                _ => {}
            }
        }
    }
    sum.passed = sum.passed.saturating_sub(did_nothing);
    sum.skipped += did_nothing;
    sum
}

/// How long the tests of one crate took: those of its library, and all until the next library.
fn time_of(output: &str, library: &str) -> Duration {
    let mut sum = Duration::ZERO;
    let mut is_its = false;
    for line in output.lines().map(str::trim_start) {
        if let Some(rest) = line.strip_prefix("Running unittests ") {
            is_its = rest.contains(&format!("/{library}-"));
        } else if line.starts_with("Doc-tests ") {
            is_its = false;
        }
        let time = line.strip_prefix("test result: ").and_then(|rest| rest.rsplit_once(' '));
        let time = time.and_then(|(_, last)| last.strip_suffix('s')?.parse().ok());
        if is_its && let Some(seconds) = time {
            sum += Duration::try_from_secs_f64(seconds).unwrap_or_default();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::secs;

    #[test]
    fn silence_is_filled_every_half_minute_and_speech_is_not_interrupted() {
        let start = Instant::now();
        let mut silence = Silence::since(start);
        let mut told = |said: &str, after| silence.told(said.as_bytes(), start + secs(after));
        assert_eq!(told("", 29), None);
        let nothing = "... cargo test runs for 0 min; the last it said: nothing yet";
        assert_eq!(told("", 30).as_deref(), Some(nothing));
        assert_eq!(told("", 59), None, "told twice");
        assert_eq!(told("   Compiling nix v0.31.0\n\n", 61), None, "it speaks");
        let last = "... cargo test runs for 1 min; the last it said: Compiling nix v0.31.0";
        assert_eq!(told("   Compiling nix v0.31.0\n\n", 91).as_deref(), Some(last));
    }

    #[test]
    fn the_time_of_a_crate_is_that_of_its_library_and_its_own_tests() {
        let output = "\
     Running unittests src/lib.rs (target/debug/deps/oslo_log-1f)
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
     Running unittests src/lib.rs (target/debug/deps/oslo_messaging-2e)
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2.50s
     Running tests/rabbit.rs (target/debug/deps/rabbit-3d)
test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 4.00s
     Running unittests src/lib.rs (target/debug/deps/thread_stacks-4c)
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 8.00s
   Doc-tests oslo_messaging
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 16.00s
";
        assert_eq!(time_of(output, "oslo_messaging"), Duration::from_millis(6_500));
    }

    #[test]
    fn result_lines_of_several_test_programs_are_added_up_but_for_tests_that_did_nothing() {
        let output = "\
running 3 tests
test a ... ok
skipped: CINDER_PYTHON names no virtual environment
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

test result: FAILED. 4 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 1.2s
";
        let expected = Tally { passed: 6, failed: 1, skipped: 3, ..Tally::default() };
        assert_eq!(count(output), expected);
    }

    #[test]
    fn output_without_results_counts_nothing() {
        assert_eq!(count("error: could not compile\n"), Tally::default());
    }
}
