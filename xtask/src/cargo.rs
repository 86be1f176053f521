//! Running cargo: where the workspace is, building the daemon, reading the package graph.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The root of the workspace, found from where this program was compiled.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the manifest of xtask lies one folder below the root")
}

/// A cargo command in the root of the workspace, with the cargo that runs us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    command
}

/// Runs a command to its end, its output going where ours goes.
///
/// # Errors
///
/// When it cannot be started or ends with anything but 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("cannot run {shown}"))?;
    ensure!(status.success(), "{shown}: {status}");
    Ok(())
}

/// The command line as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The oldest compiler that `Cargo.toml` promises to build with.
///
/// # Errors
///
/// When cargo cannot be asked, or nothing is promised.
pub(crate) fn rust_version() -> Result<String> {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--locked"];
    let output = cargo(&arguments).output().context("cannot run cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let version = metadata["packages"][0]["rust_version"].as_str();
    Ok(version.context("no rust-version in Cargo.toml")?.to_owned())
}

/// The version of the compiler that this cargo uses, such as `1.95.0`.
///
/// # Errors
///
/// When it cannot be asked.
pub(crate) fn compiler_version() -> Result<String> {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler).current_dir(root()).arg("--version").output();
    let output = output.context("cannot run rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split_whitespace().nth(1).context("rustc --version says nothing")?.to_owned())
}

/// Adds the features of [`database_features`] to a command for the whole workspace, and the fail points that
/// scenarios set; no release is built with those.
pub(crate) fn with_databases(command: &mut Command) -> &mut Command {
    command.args(["--features", "cinder-volume/failpoints"]);
    for feature in database_features() {
        command.args(["--features", &format!("cinder-volume/{feature}")]);
    }
    command
}

/// Builds the release binary of the daemon with these Cargo features and says where it is.
///
/// # Errors
///
/// When the build fails.
pub(crate) fn build_daemon(features: &[&str]) -> Result<PathBuf> {
    build(&["-p", "cinder-volume", "--features", &features.join(",")], "cinder-volume")
}

/// Builds the daemon as the tests of the workspace have built it: next to nothing is left to do.
///
/// # Errors
///
/// When the build fails.
pub(crate) fn build_tested_daemon() -> Result<PathBuf> {
    run(with_databases(&mut cargo(&[
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "cinder-volume",
    ])))?;
    built("debug", "cinder-volume")
}

/// Builds an example as the tests of the workspace have built it, and says where it is.
///
/// # Errors
///
/// When the build fails.
pub(crate) fn build_tested_example(name: &str) -> Result<PathBuf> {
    // With the features of the whole workspace; with those of its package alone all would be built anew.
    run(with_databases(&mut cargo(&["build", "--quiet", "--workspace", "--example", name])))?;
    built("debug", &format!("examples/{name}"))
}

/// Builds an example in release and says where it is.
///
/// # Errors
///
/// When the build fails.
pub(crate) fn build_example(package: &str, name: &str) -> Result<PathBuf> {
    build_example_with(package, name, &[])
}

/// The same with Cargo features of that package.
///
/// # Errors
///
/// When the build fails.
pub(crate) fn build_example_with(package: &str, name: &str, features: &[&str]) -> Result<PathBuf> {
    let features = features.join(",");
    let arguments = ["-p", package, "--example", name, "--features", &features];
    build(&arguments, &format!("examples/{name}"))
}

fn build(what: &[&str], product: &str) -> Result<PathBuf> {
    run(cargo(&["build", "--quiet", "--release"]).args(what))?;
    built("release", product)
}

fn built(profile: &str, product: &str) -> Result<PathBuf> {
    let binary = target_directory()?.join(profile).join(product);
    ensure!(binary.is_file(), "the build left no {}", binary.display());
    Ok(binary)
}

/// The daemon's features for database servers whose client library this machine can build with.
pub(crate) fn database_features() -> Vec<&'static str> {
    let libraries = [("mysql", "libmariadb"), ("postgres", "libpq")];
    let found = |library: &str| {
        let asked = Command::new("pkg-config").args(["--exists", library]).status();
        asked.is_ok_and(|status| status.success())
    };
    libraries.iter().filter(|(_, library)| found(library)).map(|(feature, _)| *feature).collect()
}

/// The package graph of the workspace's own packages.
///
/// # Errors
///
/// When `Cargo.lock` does not fit the manifests, or a manifest is wrong.
pub(crate) fn metadata() -> Result<Value> {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--locked"];
    let output = cargo(&arguments).output().context("cannot run cargo metadata")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata: {}", complaint.trim());
    serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")
}

/// Where cargo puts what it builds.
///
/// # Errors
///
/// As [`metadata`].
pub(crate) fn target_directory() -> Result<PathBuf> {
    let graph = metadata()?;
    let path = graph["target_directory"].as_str().context("metadata names no target directory")?;
    Ok(PathBuf::from(path))
}
