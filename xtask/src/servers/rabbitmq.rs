//! A throwaway RabbitMQ for the tests of oslo-messaging.
//!
//! How it is started stands in a script beside those tests, which start nodes of their own with it.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::wait::{secs, wait_for};
use crate::{cargo, guard, process};

/// Where the tests look for the directory of a node.
pub(crate) const VARIABLE: &str = "OSLO_MESSAGING_TEST_RABBITMQ";
/// Set where they must not do without.
pub(crate) const REQUIRED: &str = "OSLO_MESSAGING_TEST_REQUIRED";

/// A running node. Dropping it ends it.
pub(crate) struct RabbitMq {
    child: Child,
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
        let dir = tempfile::Builder::new().prefix("cinder-rabbitmq-").tempdir()?;
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let ports = [bind()?, bind()?, bind()?].map(|one| one.local_addr().map(|at| at.port()));
        let [port, dist, epmd] = ports;
        let port = port?;
        fs::write(dir.path().join("ports"), format!("{port}\n{}\n{}\n", dist?, epmd?))?;
        let mut command = Command::new("sh");
        command.arg(script()).arg(dir.path()).arg("serve");
        guard::start()?;
        let child = guard::protect(&mut command)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", cargo::shown(&command)))?;
        let node = Self { child, dir };
        wait_for("RabbitMQ to answer", secs(120), || answers(port))
            .with_context(|| process::text_of(&node.directory().join("out")))?;
        Ok(node)
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
        // The script ends the node when its input ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
