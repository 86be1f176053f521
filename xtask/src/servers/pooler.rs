//! pgbouncer in front of a PostgreSQL server: every transaction gets whichever session is free.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::ports::ReservedPort;
use super::server::{accounts, run};
use super::{Database, Server, find, postgres};
use crate::wait::{secs, wait_for};
use crate::{cargo, guard, process};

/// A running pooler. Dropping it ends it, and with it its sessions.
pub(crate) struct Pooler {
    server: Arc<Server>,
    port: ReservedPort,
    child: Child,
    _dir: TempDir,
}

fn program() -> Option<PathBuf> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<_> = std::env::split_paths(&search).collect();
    find("pgbouncer", path.into_iter().chain([PathBuf::from("/usr/sbin")]))
}

/// Why there can be none on this machine, if so.
pub(crate) fn missing() -> Option<String> {
    program().is_none().then(|| "pgbouncer is not installed (Debian: pgbouncer)".to_owned())
}

impl Pooler {
    /// Starts one that has so many sessions per account and database, and uses them in turn.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not come up; with the end of its log.
    pub(crate) fn start(server: &Arc<Server>, sessions: usize) -> Result<Self> {
        let program = program().context("pgbouncer is not installed")?;
        let dir = tempfile::Builder::new().prefix("cinder-pooler-").tempdir()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        let port = ReservedPort::new()?;
        let (settings, users) = (dir.path().join("pool.ini"), dir.path().join("users"));
        fs::write(&users, accounts())?;
        fs::write(
            &settings,
            format!(
                "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\n\
                 listen_addr = 127.0.0.1\nlisten_port = {}\nunix_socket_dir =\n\
                 auth_type = trust\nauth_file = {}\npool_mode = transaction\n\
                 default_pool_size = {sessions}\nserver_round_robin = 1\nmax_client_conn = 500\n",
                server.port(),
                port.port(),
                users.display()
            ),
        )?;
        let log_path = dir.path().join("pool.log");
        let log = File::create(&log_path)?;
        let mut command = postgres::unprivileged(program);
        command.arg(&settings).current_dir("/");
        guard::start()?;
        let child = guard::protect(&mut command)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", cargo::shown(&command)))?;
        let pooler = Self { server: Arc::clone(server), port, child, _dir: dir };
        wait_for("pgbouncer to answer", secs(30), || {
            run(&mut pooler.client("postgres"), "SELECT 1").map(drop)
        })
        .with_context(|| process::text_of(&log_path))?;
        Ok(pooler)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.port()
    }

    /// The URL of the testers' account, see [`Server::tester_url`].
    pub(crate) fn tester_url(&self) -> String {
        self.server.tester_url_by(self.port())
    }

    /// Asks through the pooler, as a daemon's account; each row as a line.
    ///
    /// # Errors
    ///
    /// With what the client said.
    pub(crate) fn ask(&self, database: &Database, sql: &str) -> Result<Vec<String>> {
        let text = run(&mut self.client(database.name()), sql)?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn client(&self, database: &str) -> Command {
        postgres::client_of("cinder", "127.0.0.1".as_ref(), self.port(), database)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // At once: nobody's transaction has to be finished.
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = process::signal(pid, Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}
