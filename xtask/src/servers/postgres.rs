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
    let mut command = unprivileged(program_or("initdb"));
    command
        .arg("--pgdata")
        .arg(data)
        .args(["--username=root", "--auth-local=trust", "--auth-host=scram-sha-256"])
        .args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
    command
}

/// The server itself, as small and as careless about power failures as it can be.
pub(super) fn serve(data: &Path, port: u16) -> Command {
    let mut command = unprivileged(program_or("postgres"));
    command.env("LOCPATH", languages(data));
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

fn program_or(name: &str) -> PathBuf {
    program(name).unwrap_or_else(|| name.into())
}

/// Where the server of this data directory looks for languages besides C.
fn languages(data: &Path) -> PathBuf {
    data.with_file_name("languages")
}

/// What PostgreSQL calls German once [`learn_german`] has run.
pub(super) const GERMAN: &str = "de_DE.UTF-8";

/// Makes the language known to the server of this data directory. The server's translations come with
/// it, those of the system are a package of their own.
pub(super) fn learn_german(data: &Path) -> Command {
    let mut command = Command::new("localedef");
    command.args(["--no-archive", "--inputfile=de_DE", "--charmap=UTF-8"]);
    command.arg(languages(data).join(GERMAN));
    command
}

/// A server program, run as a user who is not root.
pub(super) fn unprivileged(path: PathBuf) -> Command {
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
    client_of("root", data, port, database.unwrap_or("postgres"))
}

/// The same for an account that needs no password there.
pub(super) fn client_of(user: &str, host: &Path, port: u16, database: &str) -> Command {
    let mut command = Command::new(program_or("psql"));
    command
        .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--pset=null=NULL"])
        .args(["--field-separator=\t", "--set=ON_ERROR_STOP=1", "--file=-"])
        .arg(format!("--username={user}"))
        .arg(format!("--host={}", host.display()))
        .arg(format!("--port={port}"))
        .arg(format!("--dbname={database}"));
    command
}
