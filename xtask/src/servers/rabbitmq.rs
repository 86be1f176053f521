//! A throwaway RabbitMQ for the tests of oslo-messaging.
//!
//! How it is started stands in a script beside those tests, which start nodes of their own with it.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::wait::{secs, wait_for};
use crate::{cargo, guard, process};

/// Where the tests look for the directory of a node.
pub(crate) const VARIABLE: &str = "OSLO_MESSAGING_TEST_RABBITMQ";
/// Set where they must not do without.
pub(crate) const REQUIRED: &str = "OSLO_MESSAGING_TEST_REQUIRED";

/// A node in a directory of its own. Dropping it ends it.
pub(crate) struct RabbitMq {
    /// Of the script, while the node runs.
    child: Option<Child>,
    port: u16,
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
        let (port, dist, epmd) = (free_port()?, free_port()?, free_port()?);
        fs::write(dir.path().join("ports"), format!("{port}\n{dist}\n{epmd}\n"))?;
        Ok(Self { child: None, port, dir })
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
        let port = self.port;
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

    /// A `transport_url` with its administrator.
    pub(crate) fn url(&self) -> String {
        format!("rabbit://guest:guest@127.0.0.1:{}/", self.port)
    }

    /// What `rabbitmqctl` answers to these words.
    ///
    /// # Errors
    ///
    /// When it refuses; with what it said.
    pub(crate) fn ctl(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new("sh");
        command.arg(script()).arg(self.dir.path()).arg("ctl").args(words);
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

/// A port that was free just now, below those that the kernel gives to clients: a client that tries
/// one of these again and again while nobody listens ends up connected to itself, and in the way.
fn free_port() -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(97);
    let free = (0..10_000).find_map(|_| {
        let number = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(20_000 + number % 12_000).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|_| port)
    });
    free.context("no free port")
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
