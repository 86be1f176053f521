//! `status --alive`: whether a running daemon's parent still reacts, by the rule of `liveness.rs`.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use nix::errno::Errno;
use nix::unistd::Pid;

use crate::exit::{self, Failure};
use crate::surroundings::Surroundings;
use crate::{liveness, report};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Answers whether the process takes a signal within a few seconds.
///
/// # Errors
///
/// When there is no such process, or it is none of ours: no other is sent a signal.
pub(crate) fn check(
    pid: i32,
    surroundings: &Surroundings,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    if !Path::new(&format!("/proc/{pid}")).exists() {
        return Err(anyhow!("no process {pid}").into());
    }
    if report::look_at(pid, surroundings).is_none() {
        return Err(anyhow!("process {pid} is no {} that we may look at", surroundings.name).into());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_process_but_a_daemon_of_ours_is_asked() {
        let surroundings = Surroundings::of_this_process();
        // It runs our program, and does not read its signals as a daemon does.
        let own = i32::try_from(std::process::id()).unwrap();
        for (pid, said) in [(own, "is no "), (1, "is no "), (i32::MAX, "no process 2147483647")] {
            let Err(Failure::Error(problem)) = check(pid, &surroundings, &mut Vec::new()) else {
                panic!("{pid}")
            };
            assert!(problem.to_string().contains(said), "{problem}");
        }
    }
}
