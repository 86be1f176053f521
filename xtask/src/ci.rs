//! `cargo xtask ci`: everything a change has to pass, each step with its time.

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::wait::{millis, secs, wait_with_pause};
use crate::{cargo, suite, tidy};

type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 6] = [
    ("fmt", formatting),
    ("clippy", clippy),
    ("tidy", house_rules),
    ("deny", dependencies),
    ("doc", documentation),
    ("generated files", generated_files),
];

/// Runs the steps until one fails, then the tests, whose counts are the closing line.
///
/// # Errors
///
/// The first step that failed.
pub(crate) fn run() -> Result<ExitCode> {
    let before = changes()?;
    let mut times = Vec::new();
    for (name, step) in STEPS {
        println!("--- {name}");
        let start = Instant::now();
        step().with_context(|| format!("step {name} failed"))?;
        times.push((name, start.elapsed()));
    }
    println!("--- test");
    let start = Instant::now();
    let tally = suite::run()?;
    times.push(("test", start.elapsed()));
    ensure!(changes()? == before, "the tests changed files that git tracks");
    for (name, time) in &times {
        println!("{:>8.1} s  {name}", time.as_secs_f64());
    }
    println!("{tally}");
    Ok(tally.exit_code())
}

fn formatting() -> Result<()> {
    cargo::run(&mut cargo::cargo(&["fmt", "--all", "--", "--check"]))
}

fn clippy() -> Result<()> {
    let mut command = cargo::cargo(&["clippy", "--quiet", "--workspace", "--all-targets"]);
    cargo::run(cargo::with_databases(&mut command).args(["--locked", "--", "-D", "warnings"]))
}

fn house_rules() -> Result<()> {
    if tidy::run(cargo::root())? != ExitCode::SUCCESS {
        bail!("see the findings above");
    }
    Ok(())
}

fn documentation() -> Result<()> {
    let mut command = cargo::cargo(&["doc", "--quiet", "--workspace", "--no-deps", "--locked"]);
    cargo::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// `Cargo.lock` fits the manifests. Other generated texts (the table in docs/supervision.md, the
/// schema) are compared with their source by tests beside that source.
fn generated_files() -> Result<()> {
    let mut command = cargo::cargo(&["metadata", "--format-version", "1", "--locked"]);
    cargo::run(command.stdout(Stdio::null()))
}

fn dependencies() -> Result<()> {
    let check = ["deny", "--all-features", "check", "bans", "licenses", "sources"];
    cargo::run(&mut cargo::cargo(&check)).context("is cargo-deny installed? see .ci/run")?;
    match fetch_advisories() {
        Ok(()) => {
            cargo::run(&mut cargo::cargo(&["deny", "check", "--disable-fetch", "advisories"]))
        }
        Err(reason) => {
            println!("advisories: not checked, the database cannot be reached ({reason:#})");
            Ok(())
        }
    }
}

/// Without a network this must not cost more than the limit below.
fn fetch_advisories() -> Result<()> {
    let mut child = cargo::cargo(&["deny", "fetch", "db"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run cargo deny fetch")?;
    let ended = wait_with_pause("the advisory database", secs(60), millis(100), || {
        child.try_wait()?.context("still fetching")
    });
    if ended.is_err() {
        child.kill()?;
        child.wait()?;
    }
    let status = ended?;
    ensure!(status.success(), "cargo deny fetch db: {status}");
    Ok(())
}

/// Tracked files that differ from the commit.
fn changes() -> Result<String> {
    let arguments = ["status", "--porcelain", "--untracked-files=no"];
    let output = Command::new("git").current_dir(cargo::root()).args(arguments).output();
    Ok(String::from_utf8_lossy(&output.context("cannot run git")?.stdout).into_owned())
}
