//! How PostgreSQL is installed into a directory, started and asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::find;

/// The user that stands in for root, as whom the server refuses to run.
const NOBODY: &str = "65534";

/// Debian keeps the server's programs out of the search path, in one directory per version.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    versions.sort();
    let search = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<_> = std::env::split_paths(&search).collect();
    find(name, versions.into_iter().rev().chain(path))
}

/// Makes a cluster whose administrator `root` is trusted on this machine.
pub(super) fn install(data: &Path) -> Command {
    let mut command = unprivileged("initdb");
    command
        .arg("--pgdata")
        .arg(data)
        .args(["--username=root", "--auth-local=trust", "--auth-host=scram-sha-256"])
        .args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
    command
}

/// The server itself, as small and as careless about power failures as it can be.
pub(super) fn serve(data: &Path, port: u16) -> Command {
    let mut command = unprivileged("postgres");
    command.arg("-D").arg(data).arg("-p").arg(port.to_string());
    let socket = format!("unix_socket_directories={}", data.display());
    for setting in [
        "listen_addresses=127.0.0.1",
        &socket,
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "shared_buffers=32MB",
        "max_connections=400",
    ] {
        command.args(["-c", setting]);
    }
    command
}

/// A server program, run as a user who is not root.
fn unprivileged(name: &str) -> Command {
    let path = program(name).unwrap_or_else(|| name.into());
    if !nix::unistd::geteuid().is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(path);
    command
}

/// Gives the directory to the user that [`install`] and [`serve`] run as.
pub(super) fn hand_over(data: &Path) -> anyhow::Result<()> {
    if nix::unistd::geteuid().is_root() {
        let nobody = NOBODY.parse()?;
        std::os::unix::fs::chown(data, Some(nobody), Some(nobody))?;
    }
    Ok(())
}

/// A client that reads statements from its input and prints one row per line, columns separated
/// by tabs. The administrator comes in by the socket.
pub(super) fn client(data: &Path, port: u16, database: Option<&str>) -> Command {
    let mut command = Command::new(program("psql").unwrap_or_else(|| "psql".into()));
    command
        .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--pset=null=NULL"])
        .args(["--field-separator=\t", "--set=ON_ERROR_STOP=1", "--username=root", "--file=-"])
        .arg(format!("--host={}", data.display()))
        .arg(format!("--port={port}"))
        .arg(format!("--dbname={}", database.unwrap_or("postgres")));
    command
}
