//! A throwaway RabbitMQ for the tests of oslo-messaging.
//!
//! How it is started stands in a script beside those tests, which start nodes of their own with it.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::ports::ReservedPort;
use crate::wait::{secs, wait_for};
use crate::{cargo, guard, process};

/// Where the tests look for the directory of a node.
pub(crate) const VARIABLE: &str = "OSLO_MESSAGING_TEST_RABBITMQ";

/// A node in a directory of its own. Dropping it ends it.
pub(crate) struct RabbitMq {
    /// Of the script, while the node runs.
    child: Option<Child>,
    /// Of AMQP, of the node, of its epmd.
    ports: [ReservedPort; 3],
    dir: TempDir,
}

/// Why there can be none on this machine, if so.
pub(crate) fn missing() -> Option<String> {
    let versions = fs::read_dir("/usr/lib/rabbitmq/lib").into_iter().flatten().flatten();
    let is_there = versions.into_iter().any(|one| one.path().join("sbin/rabbitmq-server").exists());
    (!is_there).then(|| "RabbitMQ is not installed (Debian: rabbitmq-server)".to_owned())
}

fn script() -> PathBuf {
    cargo::root().join("crates/oslo-messaging/tests/broker/node.sh")
}

impl RabbitMq {
    /// Starts a node in a fresh directory.
    ///
    /// # Errors
    ///
    /// When it does not come up; with the end of what it said.
    pub(crate) fn start() -> Result<Self> {
        let mut node = Self::new()?;
        node.serve()?;
        Ok(node)
    }

    /// A node that does not run yet, on ports that were free just now.
    ///
    /// # Errors
    ///
    /// When there is no directory for it.
    pub(crate) fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("cinder-rabbitmq-").tempdir()?;
        let ports = [ReservedPort::new()?, ReservedPort::new()?, ReservedPort::new()?];
        let lines = ports.each_ref().map(|one| format!("{}\n", one.port()));
        fs::write(dir.path().join("ports"), lines.concat())?;
        Ok(Self { child: None, ports, dir })
    }

    /// A node that runs beside this one, which runs, and in one cluster with it.
    ///
    /// # Errors
    ///
    /// When it does not come up, or is not taken in.
    pub(crate) fn beside(&self) -> Result<Self> {
        const COOKIE: &str = ".erlang.cookie";
        let mut other = Self::new()?;
        // Nodes find each other by one epmd, and know each other by one secret.
        let [amqp, dist, _] = &other.ports;
        let epmd = self.ports[2].port();
        let lines = format!("{}\n{}\n{epmd}\n", amqp.port(), dist.port());
        fs::write(other.directory().join("ports"), lines)?;
        fs::copy(self.directory().join(COOKIE), other.directory().join(COOKIE))?;
        other.serve()?;
        let ours = self.node();
        for words in [&["stop_app"][..], &["reset"], &["join_cluster", &ours], &["start_app"]] {
            other.ctl(words)?;
        }
        Ok(other)
    }

    /// Starts it, for the first time or again with what it had kept on disk.
    ///
    /// # Errors
    ///
    /// As [`RabbitMq::start`].
    pub(crate) fn serve(&mut self) -> Result<()> {
        let mut command = Command::new("sh");
        command.arg(script()).arg(self.dir.path()).arg("serve");
        guard::start()?;
        let child = guard::protect(&mut command)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", cargo::shown(&command)))?;
        self.child = Some(child);
        let port = self.port();
        wait_for("RabbitMQ to answer", secs(120), || answers(port))
            .with_context(|| process::text_of(&self.directory().join("out")))
    }

    /// Ends it and waits until it has ended.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // The script ends the node when its input ends.
        drop(child.stdin.take());
        let _ = child.wait();
    }

    /// Its name among nodes, as the script makes it.
    pub(crate) fn node(&self) -> String {
        format!("node{}@localhost", self.port())
    }

    pub(crate) fn port(&self) -> u16 {
        let [amqp, ..] = &self.ports;
        amqp.port()
    }

    /// A `transport_url` with its administrator.
    pub(crate) fn url(&self) -> String {
        Self::url_by(self.port())
    }

    /// The same through whatever passes on from this port.
    pub(crate) fn url_by(port: u16) -> String {
        format!("rabbit://guest:guest@127.0.0.1:{port}/")
    }

    /// What `rabbitmqctl` answers to these words.
    ///
    /// # Errors
    ///
    /// When it refuses; with what it said.
    pub(crate) fn ctl(&self, words: &[&str]) -> Result<String> {
        self.script("ctl", words)
    }

    /// What Erlang's `code` gives on the node; a hundred times faster than rabbitmqctl.
    ///
    /// # Errors
    ///
    /// As [`RabbitMq::ctl`].
    pub(crate) fn eval(&self, code: &str) -> Result<String> {
        self.script("eval", &[code])
    }

    fn script(&self, verb: &str, words: &[&str]) -> Result<String> {
        let mut command = Command::new("sh");
        command.arg(script()).arg(self.dir.path()).arg(verb).args(words);
        let output = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{}: {said}", cargo::shown(&command));
        Ok(said)
    }

    /// What the tests are told.
    pub(crate) fn directory(&self) -> &Path {
        self.dir.path()
    }
}

/// Whether a node speaks AMQP: the first byte of its first frame.
fn answers(port: u16) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(secs(5)))?;
    stream.write_all(b"AMQP\0\0\x09\x01")?;
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    ensure!(byte == [1], "it says {byte:?}");
    Ok(())
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.stop();
    }
}
