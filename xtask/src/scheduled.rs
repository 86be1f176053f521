//! `cargo xtask scheduled`: checks that take too long for every change.
//!
//! Each step says what it needs; on a machine without that it is skipped with the reason. Unstable
//! compiler flags are taken by the stable compiler under `RUSTC_BOOTSTRAP`: what is built with them
//! is looked at and thrown away, never shipped. Must not write outside of cargo's target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::servers::rabbitmq::{self, RabbitMq};
use crate::tally::Tally;
use crate::{cargo, e2e, mutants, soak};

/// What the command line asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Steps whose name contains one of these; all, if empty.
    pub(crate) filters: Vec<String>,
    /// For each step that could go on for ever.
    pub(crate) length: Duration,
    /// The daemon for scenarios, chaos and soak; built if not given.
    pub(crate) binary: Option<PathBuf>,
}

/// How a step ended, apart from failing.
enum Verdict {
    Done(Tally),
    Skipped(&'static str),
}

type Step = (&'static str, fn(&Plan) -> Result<Verdict>);

const STEPS: [Step; 12] = [
    ("memcheck", memcheck),
    ("address sanitizer", sanitizer),
    ("miri", miri),
    ("fuzz", fuzz),
    ("mutants", mutated),
    ("scenarios of the release", release_scenarios),
    ("long scenarios", long_scenarios),
    ("crash", crash),
    ("broker backlog", broker),
    ("broker at length", broker_at_length),
    ("chaos", chaos),
    ("soak", soak),
];

/// Crates that read what anybody may write.
const FUZZED: [&str; 3] = ["cinder-conf", "cinder-objects", "oslo-messaging"];

/// Runs the chosen steps, all of them whatever the others say.
pub(crate) fn run(plan: &Plan) -> Tally {
    let mut tally = Tally::default();
    let wanted =
        |name: &str| plan.filters.is_empty() || plan.filters.iter().any(|part| name.contains(part));
    for (name, step) in STEPS.into_iter().filter(|(name, _)| wanted(name)) {
        println!("--- {name}");
        let start = Instant::now();
        let outcome = step(plan);
        let seconds = start.elapsed().as_secs_f64();
        tally += match outcome {
            Ok(Verdict::Done(result)) if result.failed == 0 => {
                println!("ok      {name}: {result} ({seconds:.0} s)");
                result
            }
            Ok(Verdict::Done(result)) => {
                println!("FAILED  {name}: {result} ({seconds:.0} s)");
                result
            }
            Ok(Verdict::Skipped(reason)) => {
                println!("skipped {name}: {reason}");
                Tally::skipped()
            }
            Err(failure) => {
                println!("FAILED  {name} ({seconds:.0} s)\n  {failure:#}");
                Tally::failed()
            }
        };
    }
    tally
}

/// Whether a command runs and succeeds, its output going nowhere.
fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|ended| ended.success())
}

/// A new, empty directory for a step's reports.
fn reports(step: &str) -> Result<PathBuf> {
    let path = cargo::target_directory()?.join("scheduled").join(step);
    if path.exists() {
        fs::remove_dir_all(&path).with_context(|| format!("cannot empty {}", path.display()))?;
    }
    fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}

/// Fails with the beginning of what a tool has reported, if it has.
fn expect_no_reports(folder: &Path) -> Result<()> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let text = String::from_utf8_lossy(&fs::read(entry?.path())?).into_owned();
        if !text.trim().is_empty() {
            texts.push(text);
        }
    }
    let Some(first) = texts.first() else { return Ok(()) };
    let shown: Vec<&str> = first.lines().take(40).collect();
    bail!("{} reports in {}; one is:\n{}", texts.len(), folder.display(), shown.join("\n"))
}

/// Valgrind looks at every process that the launcher's process tests start, over fork and exec.
///
/// The tests speak about memory only if their daemons get as far as they do otherwise, so they
/// have to pass, too; on a machine that does much else they miss their limits. There is no suppression file because there is nothing to suppress.
fn memcheck(_: &Plan) -> Result<Verdict> {
    /// A second is too short for a process that starts fifty times slower.
    const TOO_SLOW: [&str; 2] = ["defect_20_", "workers_that_were_frozen_"];
    if !works(Command::new("valgrind").arg("--version")) {
        return Ok(Verdict::Skipped("valgrind is not installed (package valgrind)"));
    }
    let folder = reports("memcheck")?;
    let programs = launcher_test_programs()?;
    let count = programs.len();
    for program in programs {
        let mut command = Command::new("valgrind");
        command.current_dir(cargo::root().join("crates/oslo-launcher"));
        command.args(["--quiet", "--trace-children=yes", "--child-silent-after-fork=no"]);
        command.args(["--leak-check=full", "--show-leak-kinds=definite"]);
        command.args(["--errors-for-leak-kinds=definite", "--error-exitcode=99"]);
        command.arg(format!("--log-file={}/%p", folder.display()));
        command.arg(program).arg("--test-threads=1");
        command.args(TOO_SLOW.iter().flat_map(|name| ["--skip", name]));
        cargo::run(&mut command)?;
    }
    expect_no_reports(&folder)?;
    Ok(Verdict::Done(Tally { passed: u32::try_from(count)?, ..Tally::default() }))
}

/// The process tests of `crates/oslo-launcher/tests`, built, with the example that they start.
fn launcher_test_programs() -> Result<Vec<PathBuf>> {
    cargo::run(&mut cargo::cargo(&["build", "--quiet", "-p", "oslo-launcher", "--examples"]))?;
    let arguments = ["test", "--quiet", "-p", "oslo-launcher", "--no-run", "--message-format=json"];
    let output = cargo::cargo(&arguments).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the tests of oslo-launcher cannot be built");
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut programs: Vec<_> = messages.lines().filter_map(test_program).collect();
    // The tests of the service manager count seconds, and are about messages.
    programs.retain(|path| path.to_string_lossy().contains("/processes-"));
    ensure!(!programs.is_empty(), "cargo names no test programs");
    Ok(programs)
}

/// The program that a message of cargo's is about, if it is an integration test.
fn test_program(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_test = message["target"]["kind"].as_array()?.iter().any(|kind| kind == "test");
    is_test.then(|| message["executable"].as_str().map(PathBuf::from))?
}

/// The machine that this compiler builds for, if its address sanitizer is there.
fn sanitized_target() -> Result<Option<String>> {
    let ask = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("rustc").args(arguments).output().context("cannot run rustc")?;
        Ok(String::from_utf8(output.stdout)?)
    };
    let version = ask(&["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc names no host")?.to_owned();
    let library = PathBuf::from(ask(&["--print", "target-libdir"])?.trim());
    let found = fs::read_dir(&library)?
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().ends_with("_rt.asan.a"));
    Ok(found.then_some(host))
}

const NO_SANITIZER: &str = "this compiler comes without the address sanitizer's library";

/// Cargo with the address sanitizer and a target directory of its own.
fn sanitized(arguments: &[&str], flags: &str, kind: &str) -> Result<Command> {
    let mut command = cargo::cargo(arguments);
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env("RUSTFLAGS", format!("-Zsanitizer=address {flags}"));
    command.env("CARGO_TARGET_DIR", cargo::target_directory()?.join("scheduled").join(kind));
    Ok(command)
}

/// All tests of the crates with `unsafe` in them, with the address sanitizer: state machine,
/// scoreboard, processes, stacks.
fn sanitizer(_: &Plan) -> Result<Verdict> {
    let Some(host) = sanitized_target()? else { return Ok(Verdict::Skipped(NO_SANITIZER)) };
    let folder = reports("sanitizer-reports")?;
    let package = ["--quiet", "-p", "oslo-launcher", "-p", "thread-stacks", "--target", &host];
    let command = |what: &[&str]| {
        sanitized(&[what, &package].concat(), "-Cforce-frame-pointers=yes", "sanitizer")
    };
    // The daemons that the tests start are examples.
    cargo::run(&mut command(&["build", "--examples"])?)?;
    let mut command = command(&["test", "--no-fail-fast", "--lib", "--tests"])?;
    // These are about memory as the system sees it, and the sanitizer's allocator, which keeps back 256 MiB that were
    // freed, has more of it than the tests.
    let of_memory = [
        "a_worker_copies_few_pages",
        "large_pieces_of_memory_go_back_although_small_ones_lie_between_them",
        "many_reports_from_many_threads_take_turns_and_leave_no_memory_behind",
    ];
    command.arg("--").args(of_memory.iter().flat_map(|name| ["--skip", name]));
    // To files: a daemon under test has its own idea of where standard error goes.
    command.env("ASAN_OPTIONS", format!("log_path={}/log", folder.display()));
    cargo::run(&mut command)?;
    expect_no_reports(&folder)?;
    Ok(Verdict::Done(Tally::passed()))
}

/// Miri on the launcher's modules that make no system call.
fn miri(_: &Plan) -> Result<Verdict> {
    let nightly = || {
        let mut command = Command::new("rustup");
        command.current_dir(cargo::root()).args(["run", "nightly", "cargo", "miri"]);
        command
    };
    if !works(nightly().arg("--version")) {
        return Ok(Verdict::Skipped(
            "no nightly compiler with it (rustup component add miri rust-src --toolchain nightly)",
        ));
    }
    let pure = ["test", "-p", "oslo-launcher", "--lib", "--", "state::tests", "throttle"];
    // Beside the other artefacts: two compilers that share a directory throw each other's away.
    let target = cargo::target_directory()?.join("miri");
    let mut command = nightly();
    command.args(pure).env("MIRIFLAGS", "-Zmiri-disable-isolation").env("CARGO_TARGET_DIR", target);
    // A step takes some hundred times longer than natively; 256 cases are for the native run.
    command.env("PROPTEST_CASES", "4");
    cargo::run(&mut command)?;
    Ok(Verdict::Done(Tally::passed()))
}

/// The flags that cargo-fuzz gives to the compiler.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1";

/// The fuzz targets of `cinder-conf`, each for a while, on inputs kept from the run before.
fn fuzz(plan: &Plan) -> Result<Verdict> {
    let Some(host) = sanitized_target()? else { return Ok(Verdict::Skipped(NO_SANITIZER)) };
    let mut tally = Tally::default();
    for package in FUZZED {
        tally += fuzz_package(package, &host, plan.length)?;
    }
    Ok(Verdict::Done(tally))
}

fn fuzz_package(name: &str, host: &str, length: Duration) -> Result<Tally> {
    let package = cargo::root().join("crates").join(name).join("fuzz");
    let place = format!("fuzz-{name}");
    let mut build =
        sanitized(&["build", "--quiet", "--release", "--target", host], COVERAGE, &place)?;
    cargo::run(build.current_dir(&package))?;
    let folder = cargo::target_directory()?.join("scheduled").join(&place);
    let mut tally = Tally::default();
    for target in fuzz_targets(&package)? {
        let corpus = folder.join("corpus").join(&target);
        fs::create_dir_all(&corpus)?;
        let mut command = Command::new(folder.join(host).join("release").join(&target));
        command.arg(format!("-max_total_time={}", length.as_secs()));
        command.arg(format!("-artifact_prefix={}/{target}-", folder.display()));
        cargo::run(command.args(["-verbosity=0", "-timeout=10"]).arg(corpus))?;
        println!("        {name}, {target}: nothing found in {} s", length.as_secs());
        tally += Tally::passed();
    }
    ensure!(tally.passed > 0, "there are no fuzz targets in {}", package.display());
    Ok(tally)
}

fn fuzz_targets(package: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(package.join("fuzz_targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// All changes of the code would take a night; each day has its part of them.
const PARTS_OF_MUTANTS: u64 = 14;

/// As `cargo xtask mutants`, the part that is due today.
fn mutated(_: &Plan) -> Result<Verdict> {
    if !mutants::is_installed() {
        return Ok(Verdict::Skipped("cargo-mutants is not installed (cargo install --locked)"));
    }
    let today = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / (24 * 60 * 60);
    let shard = mutants::shard_of_day(today, PARTS_OF_MUTANTS);
    println!("        part {shard}");
    mutants::run(&mutants::Plan { shard: Some(shard), ..Default::default() }).map(Verdict::Done)
}

fn daemon(plan: &Plan) -> Result<PathBuf> {
    match &plan.binary {
        Some(given) => Ok(given.clone()),
        None => cargo::build_daemon(&cargo::database_features()),
    }
}

/// All scenarios, which every change has to pass as its tests are built, on what is delivered.
fn release_scenarios(plan: &Plan) -> Result<Verdict> {
    e2e::run(&daemon(plan)?, &[], e2e::OnFailure::Count).map(Verdict::Done)
}

/// Scenarios that take minutes.
fn long_scenarios(plan: &Plan) -> Result<Verdict> {
    e2e::run_long(&daemon(plan)?).map(Verdict::Done)
}

/// Every operation with a worker killed at each of its steps, over both buses; what is delivered has no such points,
/// so it is the daemon of the tests.
fn crash(plan: &Plan) -> Result<Verdict> {
    let binary = match &plan.binary {
        Some(given) => given.clone(),
        None => cargo::build_tested_daemon()?,
    };
    e2e::run_crash(&binary).map(Verdict::Done)
}

/// What a broker does to a daemon that restarts, or refuses something, again and again.
fn broker_at_length(plan: &Plan) -> Result<Verdict> {
    if rabbitmq::missing().is_some() {
        return Ok(Verdict::Skipped("RabbitMQ is not installed (Debian: rabbitmq-server)"));
    }
    e2e::run_long_broker(&daemon(plan)?).map(Verdict::Done)
}

/// What much at once costs over RabbitMQ; fails over its bounds.
fn broker(_: &Plan) -> Result<Verdict> {
    if rabbitmq::missing().is_some() {
        return Ok(Verdict::Skipped("RabbitMQ is not installed (Debian: rabbitmq-server)"));
    }
    let node = RabbitMq::start()?;
    let mut bench =
        cargo::cargo(&["bench", "--quiet", "-p", "oslo-messaging", "--bench", "backlog"]);
    cargo::run(bench.env(rabbitmq::VARIABLE, node.directory()))?;
    Ok(Verdict::Done(Tally::passed()))
}

/// As `cargo xtask e2e --chaos`.
fn chaos(plan: &Plan) -> Result<Verdict> {
    e2e::chaos(&daemon(plan)?, plan.length, None).map(Verdict::Done)
}

/// As many as `cargo xtask soak` takes without being told.
const BACKENDS: usize = 6;

/// As `cargo xtask soak`.
fn soak(plan: &Plan) -> Result<Verdict> {
    let plan =
        soak::Plan { binary: daemon(plan)?, length: plan.length, backends: BACKENDS, seed: None };
    soak::run(&plan).map(Verdict::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_names_the_programs_of_integration_tests() {
        let message = |kind: &str| {
            format!(r#"{{"target":{{"kind":["{kind}"]}},"executable":"/t/deps/processes-1"}}"#)
        };
        assert_eq!(test_program(&message("test")), Some("/t/deps/processes-1".into()));
        assert_eq!(test_program(&message("lib")), None);
        assert_eq!(test_program("{\"reason\":\"build-finished\"}"), None);
    }

    #[test]
    fn a_report_that_is_not_empty_is_a_failure_that_shows_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1"), "").unwrap();
        assert!(expect_no_reports(folder.path()).is_ok());
        fs::write(folder.path().join("2"), "Invalid read of size 8\n").unwrap();
        let failure = expect_no_reports(folder.path()).unwrap_err().to_string();
        assert!(failure.contains("1 reports") && failure.contains("Invalid read"), "{failure}");
    }

    #[test]
    fn the_fuzz_targets_are_found() {
        let package = cargo::root().join("crates/cinder-conf/fuzz");
        assert_eq!(fuzz_targets(&package).unwrap(), ["file", "value"]);
    }
}
