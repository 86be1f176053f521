//! The end of everything that xtask has started, even when a signal ends xtask itself.
//!
//! A shell in a process group of its own waits at a pipe whose other end only xtask holds. However
//! xtask goes, by Ctrl-C, TERM or `kill -9`, the pipe ends; the shell then kills what carries this
//! run's mark in its environment, and ends. Daemons, their workers and whatever else inherited the
//! mark are found wherever they hang in the process tree. Scratch directories are left to look at.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

const VARIABLE: &str = "XTASK_RUN";

/// Deaf to signals, because it has work to do just when those come. A few rounds: what is killed
/// may have been about to fork. The dead have no environment and are not found again.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
cat >/dev/null
for round in 1 2 3 4 5 6 7 8 9 10; do
    found=$(grep -lzxF -e "$1" /proc/[0-9]*/environ 2>/dev/null)
    [ -n "$found" ] || exit 0
    for file in $found; do
        pid=${file#/proc/}
        kill -KILL "${pid%/environ}" 2>/dev/null
    done
done
"#;

/// Starts the guard of this run, once.
///
/// # Errors
///
/// When there is no shell.
pub(crate) fn start() -> Result<()> {
    static GUARD: OnceLock<Result<Guard, String>> = OnceLock::new();
    let started = GUARD.get_or_init(|| Guard::start(&run()).map_err(|cause| format!("{cause:#}")));
    started.as_ref().map(drop).map_err(|cause| anyhow!("{cause}"))
}

/// Marks a program, and with it all that it starts, as something to end with xtask.
pub(crate) fn protect(command: &mut Command) -> &mut Command {
    command.env(VARIABLE, run())
}

/// What tells this run from others on the machine.
fn run() -> String {
    std::process::id().to_string()
}

/// The waiting shell. Its standard input is the pipe, which ends at the latest with this process.
struct Guard {
    _shell: Child,
}

impl Guard {
    fn start(mark: &str) -> Result<Self> {
        Command::new("sh")
            .args(["-c", SCRIPT, "guard", &format!("{VARIABLE}={mark}")])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(|shell| Self { _shell: shell })
            .context("cannot start a shell to guard what is started")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;
    use crate::wait::{secs, wait_for};

    #[test]
    fn when_the_pipe_ends_what_carries_the_mark_is_killed_and_nothing_else() {
        let mark = format!("test-{}", std::process::id());
        let guard = Guard::start(&mark).unwrap();
        let sleeper = |mark: &str| {
            let mut shell = Command::new("sh");
            // The outer shell ends at once: its child has lost its parent and is found all the same.
            shell.args(["-c", "sleep 300 >/dev/null & echo $!"]).env(VARIABLE, mark);
            let output = shell.stderr(Stdio::null()).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse::<i32>().unwrap()
        };
        let (ours, other) = (sleeper(&mark), sleeper(&format!("{mark}0")));
        assert!(process::lives(ours) && process::lives(other));
        let Guard { _shell: mut shell } = guard;
        drop(shell.stdin.take());
        let killed = wait_for("the marked process to end", secs(10), || {
            anyhow::ensure!(!process::lives(ours));
            Ok(())
        });
        shell.wait().unwrap();
        let spared = process::lives(other);
        process::signal(other, nix::sys::signal::Signal::SIGKILL).unwrap();
        killed.unwrap();
        assert!(spared, "the guard killed what does not carry its mark");
    }
}
