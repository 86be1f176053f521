//! A client of the health server: whole answers over a socket or a port, with a limit.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::daemon::SOON;
use super::scene::Scene;
use crate::servers::ports::ReservedPort;
use crate::wait::{secs, wait_for};

/// An answer that takes longer counts as none. The server needs a millisecond; this is for a
/// machine that is busy with other things.
const ANSWER: Duration = secs(5);

/// Where a scenario's server listens.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Socket(PathBuf),
    /// Of somebody else.
    Port(u16),
    Own(Arc<ReservedPort>),
}

impl Place {
    pub(crate) fn socket(scene: &Scene) -> Self {
        Self::Socket(scene.path("health.sock"))
    }

    /// A port that nobody else gets.
    pub(crate) fn port() -> Result<Self> {
        Ok(Self::Own(Arc::new(ReservedPort::new()?)))
    }

    pub(crate) fn bind(&self) -> String {
        match self {
            Self::Socket(path) => format!("unix:{}", path.display()),
            Self::Port(port) => format!("127.0.0.1:{port}"),
            Self::Own(port) => format!("127.0.0.1:{}", port.port()),
        }
    }

    pub(crate) fn connect(&self) -> Result<Line> {
        Ok(match self {
            Self::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(ANSWER))?;
                Line::Unix(stream)
            }
            Self::Port(port) => Line::tcp(*port)?,
            Self::Own(port) => Line::tcp(port.port())?,
        })
    }

    /// Status and body.
    pub(crate) fn get(&self, path: &str) -> Result<(u16, String)> {
        let mut line = self.connect()?;
        line.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        line.read_to_string(&mut answer).with_context(|| format!("no answer to {path}"))?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no head")?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, body.to_owned()))
    }

    pub(crate) fn status(&self, path: &str) -> Result<u16> {
        Ok(self.get(path)?.0)
    }

    /// Everything that `/healthz` tells.
    pub(crate) fn health(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.get("/healthz")?.1)?)
    }

    /// The process that answers.
    pub(crate) fn pid(&self) -> Result<i32> {
        let pid = self.health()?["health"]["pid"].as_i64().context("no pid")?;
        Ok(i32::try_from(pid)?)
    }

    /// The value of one series.
    pub(crate) fn metric(&self, series: &str) -> Result<f64> {
        let text = self.get("/metrics")?.1;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("no {series}"))?.parse()?)
    }

    pub(crate) fn wait_status(&self, path: &str, expected: u16) -> Result<()> {
        wait_for(&format!("{path} to answer {expected}"), SOON, || {
            let (status, body) = self.get(path)?;
            ensure!(status == expected, "{status}: {body}");
            Ok(())
        })
    }
}

pub(crate) enum Line {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Line {
    fn tcp(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(ANSWER))?;
        Ok(Self::Tcp(stream))
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(buffer),
            Self::Tcp(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
