//! `cargo xtask ci`: everything a change has to pass, each step with its time.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::budget::{Part, Times};
use crate::wait::{millis, secs, wait_with_pause};
use crate::{cargo, suite, tidy};

type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 7] = [
    ("fmt", formatting),
    ("clippy", clippy),
    ("tidy", house_rules),
    ("deny", dependencies),
    ("doc", documentation),
    ("generated files", generated_files),
    ("oldest compiler", oldest_compiler),
];

/// Runs the steps until one fails, then the tests, whose counts are the closing line.
///
/// # Errors
///
/// The first step that failed.
pub(crate) fn run() -> Result<ExitCode> {
    let before = changes()?;
    let mut times = Times::default();
    for (name, step) in STEPS {
        times.of(Part::Base, name, || step().with_context(|| format!("step {name} failed")))?;
    }
    let tally = suite::run(&mut times)?;
    ensure!(changes()? == before, "the tests changed files that git tracks");
    print!("{times}");
    print!("{}", tally.unsteadiness());
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

/// What `rust-version` promises is built with exactly that compiler: by this run, if that is the one
/// that runs it, else beside it.
fn oldest_compiler() -> Result<()> {
    let promised = cargo::rust_version()?;
    let ours = cargo::compiler_version()?;
    if ours == promised || ours.starts_with(&format!("{promised}.")) {
        println!("rust-version {promised} is what this run builds with");
        return Ok(());
    }
    let advice = || {
        format!(
            "rust-version in Cargo.toml promises {promised}, which cannot be tried here: this is \
             {ours}. Install it (rustup toolchain install {promised}), or promise no more than {ours}"
        )
    };
    let mut install = Command::new("rustup");
    install.args(["toolchain", "install", &promised, "--profile", "minimal"]);
    cargo::run(&mut install).with_context(advice)?;
    let mut check = Command::new("rustup");
    check.current_dir(cargo::root()).args(["run", &promised, "cargo", "check", "--quiet"]);
    check.args(["--workspace", "--all-targets", "--locked"]);
    // Beside the other artefacts: two compilers that share a directory throw each other's away.
    check.env("CARGO_TARGET_DIR", cargo::target_directory()?.join("oldest-compiler"));
    cargo::run(cargo::with_databases(&mut check))
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
