//! One running server, and the databases on it.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::ports::ReservedPort;
use super::{Certificates, Kind, mariadb, postgres};
use crate::wait::{secs, wait_for};
use crate::{cargo, guard, process};

/// The account that daemons use. Its password has to be percent-encoded in a URL.
const USER: &str = "cinder";
const PASSWORD: &str = "p@ss/w:rd #1";
const ENCODED: &str = "p%40ss%2Fw%3Ard%20%231";

/// An account that may do anything, for the tests of cinder-db, which make their own databases.
const TESTER: &str = "tester";

/// The accounts with their passwords, as pgbouncer reads them.
pub(super) fn accounts() -> String {
    [USER, TESTER].map(|user| format!("\"{user}\" \"{PASSWORD}\"\n")).concat()
}

/// Databases are copied from this one where the server can copy.
const TEMPLATE: &str = "cinder_template";

/// A server of ours. Dropping it ends it and removes its directory.
pub(crate) struct Server {
    kind: Kind,
    dir: TempDir,
    port: ReservedPort,
    /// Where the administrator of a MariaDB comes in.
    admin_port: ReservedPort,
    /// `None` while it is stopped.
    child: Mutex<Option<Child>>,
    /// Words of its command line that this server has and others have not.
    own_options: Mutex<Vec<String>>,
}

impl Server {
    /// Installs a server into a fresh directory and starts it.
    ///
    /// # Errors
    ///
    /// When a program is missing or the server does not come up; with the end of its log.
    pub(crate) fn start(kind: Kind) -> Result<Arc<Self>> {
        let dir = tempfile::Builder::new().prefix("cinder-server-").tempdir()?;
        // Another user must be able to reach the data.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        let data = dir.path().join("data");
        fs::create_dir(&data)?;
        let mut install = match kind {
            Kind::MariaDb => mariadb::install(&data),
            Kind::Postgres => {
                postgres::hand_over(&data)?;
                postgres::install(&data)
            }
        };
        run(&mut install, "")?;
        let (port, admin_port) = (ReservedPort::new()?, ReservedPort::new()?);
        let server = Self {
            kind,
            port,
            admin_port,
            child: Mutex::new(None),
            own_options: Mutex::default(),
            dir,
        };
        server.resume()?;
        server.prepare()?;
        Ok(Arc::new(server))
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.port()
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Starts the server again after [`Self::stop`] or [`Self::kill`], on the same port.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub(crate) fn resume(&self) -> Result<()> {
        let log_path = self.dir.path().join("server.log");
        let log = File::options().create(true).append(true).open(&log_path)?;
        let mut command = match self.kind {
            Kind::MariaDb => mariadb::serve(&self.data(), self.port(), self.admin_port.port()),
            Kind::Postgres => postgres::serve(&self.data(), self.port()),
        };
        command.args(&*self.own_options());
        guard::start()?;
        let child = guard::protect(&mut command)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", cargo::shown(&command)))?;
        *self.child() = Some(child);
        wait_for(&format!("{} to answer", self.kind.name()), secs(60), || {
            if let Some(status) = self.child().as_mut().and_then(|one| one.try_wait().ok()?) {
                bail!("it ended with {status}");
            }
            self.ask("SELECT 1").map(drop)
        })
        .with_context(|| process::text_of(&log_path))
    }

    /// Stops it as an operator would; connections are cut.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub(crate) fn stop(&self) -> Result<()> {
        // A fast shutdown, which does not wait for clients: SIGINT to PostgreSQL.
        self.end(match self.kind {
            Kind::MariaDb => Signal::SIGTERM,
            Kind::Postgres => Signal::SIGINT,
        })
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub(crate) fn kill(&self) -> Result<()> {
        self.end(match self.kind {
            Kind::MariaDb => Signal::SIGKILL,
            // Its own word for a crash; SIGKILL would leave the children of the server behind.
            Kind::Postgres => Signal::SIGQUIT,
        })
    }

    fn end(&self, signal: Signal) -> Result<()> {
        let Some(mut child) = self.child().take() else { return Ok(()) };
        let pid = i32::try_from(child.id())?;
        process::signal(pid, signal)?;
        wait_for(&format!("{} to end", self.kind.name()), secs(60), || {
            child.try_wait()?.context("it still runs")
        })?;
        Ok(())
    }

    /// Starts it anew with TLS and this certificate, or without TLS.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub(crate) fn show_certificate(
        &self,
        certificates: &Certificates,
        name: Option<&str>,
    ) -> Result<()> {
        let file = |name: String| certificates.path(&name);
        let options = match (self.kind, name) {
            (Kind::MariaDb, None) => vec!["--skip-ssl".to_owned()],
            (Kind::MariaDb, Some(name)) => vec![
                format!("--ssl-ca={}", file("ca.pem".to_owned()).display()),
                format!("--ssl-cert={}", file(format!("{name}.pem")).display()),
                format!("--ssl-key={}", file(format!("{name}.key")).display()),
            ],
            (Kind::Postgres, None) => Vec::new(),
            (Kind::Postgres, Some(name)) => {
                let mut options = vec!["-c".to_owned(), "ssl=on".to_owned()];
                for (setting, ending) in [("ssl_cert_file", "pem"), ("ssl_key_file", "key")] {
                    // Only a file of its own that nobody else reads is good enough for the server.
                    let own = self.data().join(format!("{name}.{ending}"));
                    fs::copy(file(format!("{name}.{ending}")), &own)?;
                    fs::set_permissions(&own, fs::Permissions::from_mode(0o600))?;
                    postgres::hand_over(&own)?;
                    options.extend(["-c".to_owned(), format!("{setting}={}", own.display())]);
                }
                options
            }
        };
        *self.own_options() = options;
        self.stop()?;
        self.resume()
    }

    fn own_options(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.own_options.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Asks as the administrator, outside of any of our databases.
    ///
    /// # Errors
    ///
    /// With what the client said.
    pub(crate) fn ask(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        self.query(None, sql)
    }

    fn query(&self, database: Option<&str>, sql: &str) -> Result<Vec<Vec<String>>> {
        let mut client = match self.kind {
            Kind::MariaDb => mariadb::client(self.admin_port.port(), database),
            Kind::Postgres => postgres::client(&self.data(), self.port(), database),
        };
        let text = run(&mut client, sql)?;
        let row = |line: &str| line.split('\t').map(str::to_owned).collect();
        Ok(text.lines().map(row).collect())
    }

    /// Makes the daemons' account, and the template where databases can be copied.
    fn prepare(&self) -> Result<()> {
        match self.kind {
            Kind::MariaDb => {
                self.ask(&format!("CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'"))?;
                self.ask(&format!(
                    "GRANT ALL ON *.* TO {TESTER}@'%' IDENTIFIED BY '{PASSWORD}' WITH GRANT OPTION"
                ))?;
            }
            Kind::Postgres => {
                self.ask(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'"))?;
                self.ask(&format!("CREATE ROLE {TESTER} LOGIN SUPERUSER PASSWORD '{PASSWORD}'"))?;
                self.ask(&format!("CREATE DATABASE {TEMPLATE} OWNER {USER}"))?;
                self.load(TEMPLATE)?;
            }
        }
        Ok(())
    }

    /// The URL of an account that may make databases, in upstream's form.
    pub(crate) fn tester_url(&self) -> String {
        self.tester_url_by(self.port())
    }

    /// The same by another port, where a pooler stands.
    pub(super) fn tester_url_by(&self, port: u16) -> String {
        let (scheme, database) = match self.kind {
            Kind::MariaDb => ("mysql", "mysql"),
            Kind::Postgres => ("postgresql", "postgres"),
        };
        format!("{scheme}://{TESTER}:{ENCODED}@127.0.0.1:{port}/{database}")
    }

    /// Makes German known to the server; nobody hears it yet.
    ///
    /// # Errors
    ///
    /// When this machine does not know the language either (Debian: locales).
    pub(crate) fn learn_german(&self) -> Result<()> {
        if self.kind == Kind::Postgres {
            let languages = self.dir.path().join("languages");
            fs::create_dir_all(&languages)?;
            fs::set_permissions(&languages, fs::Permissions::from_mode(0o755))?;
            run(&mut postgres::learn_german(&self.data()), "")?;
        }
        Ok(())
    }

    /// From now on new sessions are spoken to in German.
    ///
    /// # Errors
    ///
    /// As [`Self::learn_german`].
    pub(crate) fn speak_german(&self) -> Result<()> {
        self.learn_german()?;
        match self.kind {
            Kind::MariaDb => self.ask("SET GLOBAL lc_messages = 'de_DE'")?,
            Kind::Postgres => {
                self.ask(&format!("ALTER SYSTEM SET lc_messages = '{}'", postgres::GERMAN))?;
                self.ask("SELECT pg_reload_conf()")?
            }
        };
        Ok(())
    }

    /// Makes an empty database.
    ///
    /// # Errors
    ///
    /// With what the client said.
    pub(crate) fn empty(self: &Arc<Self>, name: &str) -> Result<Database> {
        match self.kind {
            Kind::MariaDb => {
                self.ask(&format!("CREATE DATABASE {name}"))?;
                self.ask(&format!("GRANT ALL ON {name}.* TO {USER}@'%'"))?;
            }
            Kind::Postgres => {
                self.ask(&format!("CREATE DATABASE {name} OWNER {USER} TEMPLATE template0"))?;
            }
        }
        Ok(Database { server: Arc::clone(self), name: name.to_owned() })
    }

    /// Makes a database with the tables of 29.0.0.
    ///
    /// # Errors
    ///
    /// With what the client said.
    pub(crate) fn create(self: &Arc<Self>, name: &str) -> Result<Database> {
        if self.kind == Kind::Postgres {
            self.ask(&format!("CREATE DATABASE {name} OWNER {USER} TEMPLATE {TEMPLATE}"))?;
            return Ok(Database { server: Arc::clone(self), name: name.to_owned() });
        }
        let database = self.empty(name)?;
        self.load(name)?;
        Ok(database)
    }

    /// Runs the schema file of this kind of server, and the one with the first rows.
    fn load(&self, database: &str) -> Result<()> {
        let (schema, prologue) = match self.kind {
            Kind::MariaDb => ("mysql.sql", String::new()),
            Kind::Postgres => ("postgresql.sql", format!("SET ROLE {USER};\n")),
        };
        let mut text = prologue;
        for name in [schema, "seed.sql"] {
            let path = cargo::root().join("crates/cinder-db/schema").join(name);
            let read = fs::read_to_string(&path);
            text += &read.with_context(|| format!("cannot read {}", path.display()))?;
        }
        self.query(Some(database), &text).map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody needs the data any more.
        let _ = self.kill();
    }
}

/// One database on a server.
#[derive(Clone)]
pub(crate) struct Database {
    server: Arc<Server>,
    name: String,
}

impl Database {
    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.server
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The `[database] connection` of a daemon, in upstream's form.
    pub(crate) fn url(&self) -> String {
        self.url_by(self.server.port())
    }

    /// The same by another port, where a proxy stands.
    pub(crate) fn url_by(&self, port: u16) -> String {
        let scheme = match self.server.kind {
            Kind::MariaDb => "mysql+pymysql",
            Kind::Postgres => "postgresql+psycopg2",
        };
        format!("{scheme}://{USER}:{ENCODED}@127.0.0.1:{port}/{}", self.name)
    }

    /// Asks as the administrator; each row with its columns as text, `NULL` for nothing.
    ///
    /// # Errors
    ///
    /// With what the client said.
    pub(crate) fn ask(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        self.server.query(Some(&self.name), sql)
    }
}

/// Runs a program to its end with this input and returns its output.
pub(super) fn run(command: &mut Command, input: &str) -> Result<String> {
    let shown = cargo::shown(command);
    let mut child = command
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {shown}"))?;
    let pipe = child.stdin.take();
    let output = thread::scope(|scope| {
        // Beside reading: a program may answer before it has heard everything.
        scope.spawn(move || {
            // An early end of the program shows in its status below.
            let _ = pipe.map(|mut pipe| pipe.write_all(input.as_bytes()));
        });
        child.wait_with_output()
    })?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{shown}: {}: {}", output.status, complaint.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
