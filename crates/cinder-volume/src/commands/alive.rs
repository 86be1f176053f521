//! `status --alive`: whether a running daemon's parent still reacts, by the rule of `liveness.rs`.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use nix::errno::Errno;
use nix::unistd::Pid;

use crate::exit::{self, Failure};
use crate::liveness;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Answers whether the process takes a signal within a few seconds.
///
/// # Errors
///
/// When there is no such process, or it is somebody else's.
pub fn check(pid: i32, out: &mut dyn Write) -> Result<i32, Failure> {
    match liveness::ask(Pid::from_raw(pid)) {
        Ok(()) => {}
        Err(Errno::ESRCH) => return Err(anyhow!("no process {pid}").into()),
        Err(errno) => return Err(anyhow!(errno).context(format!("process {pid}")).into()),
    }
    let start = Instant::now();
    let path = format!("/proc/{pid}/status");
    loop {
        let status =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        if liveness::has_reacted(&status) {
            writeln!(out, "{pid} reacts")?;
            return Ok(exit::OK);
        }
        if start.elapsed() > liveness::LIMIT {
            writeln!(out, "{pid} does not react")?;
            return Ok(exit::NOT_UP);
        }
        std::thread::sleep(PAUSE);
    }
}
