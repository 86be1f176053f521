//! How MariaDB is installed into a directory, started and asked.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::find;

/// Where Debian and others put the server; it is not always on a user's search path.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let directories: Vec<_> = std::env::split_paths(&search).collect();
    find(name, directories.into_iter().chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from)))
}

/// Makes the system tables; the administrator `root` has no password.
pub(super) fn install(data: &Path) -> Command {
    let mut command = Command::new("mariadb-install-db");
    command
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data.display()))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"])
        .env("TMPDIR", scratch(data))
        .args(as_root());
    command
}

/// Where the server of this data directory puts its temporary tables. A server that starts deletes
/// all that it finds there, also another server's, so no two may share a directory.
fn scratch(data: &Path) -> &Path {
    data.parent().unwrap_or(data)
}

/// The server itself, as small and as careless about power failures as it can be; a crash of the
/// server alone must lose nothing. The administrator has a port of his own, which stays open when
/// all connections are taken.
pub(super) fn serve(data: &Path, port: u16, admin_port: u16) -> Command {
    let mut command = Command::new(program("mariadbd").unwrap_or_else(|| "mariadbd".into()));
    command
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--socket={}", data.join("socket").display()))
        .arg(format!("--pid-file={}", data.join("pid").display()))
        .arg(format!("--tmpdir={}", scratch(data).display()))
        .arg(format!("--port={port}"))
        .arg(format!("--extra-port={admin_port}"))
        .args(["--extra-max-connections=20"])
        .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"])
        .args(["--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M"])
        .args(["--innodb-flush-log-at-trx-commit=2", "--performance-schema=OFF"])
        .args(["--max-connections=600", "--character-set-server=utf8mb3"])
        .args(as_root());
    command
}

/// The server refuses to run as root unless it is told so.
fn as_root() -> Option<&'static str> {
    nix::unistd::geteuid().is_root().then_some("--user=root")
}

/// A client that reads statements from its input and prints one row per line, columns separated
/// by tabs.
pub(super) fn client(admin_port: u16, database: Option<&str>) -> Command {
    let mut command = Command::new("mariadb");
    command
        .args(["--no-defaults", "--host=127.0.0.1", "--user=root", "--batch"])
        .args(["--skip-column-names", "--connect-timeout=5"])
        // Scenarios write column names as the standard says; one text serves both servers.
        .arg("--init-command=SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')")
        .arg(format!("--port={admin_port}"))
        .args(database);
    command
}
