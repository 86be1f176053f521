//! Whether a daemon's parent still reacts: the rule of `status --alive` and of `/livez`.
//!
//! It gets a SIGCHLD. For the daemon that is a reason to look for ended workers, of which it finds
//! none; for any other process it is nothing by default. The supervisor has all its signals
//! blocked and reads them, so a signal that stays pending (proc(5)) means a loop that has stopped
//! turning. Nothing else is asked: a database that is away is no reason to restart anybody.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long the loop may take for one turn. Less than what probes allow as a rule (10 s in our
/// examples), more than the longest thing it does: a report to a slow reader (2 s).
pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// Asks for a sign of life.
///
/// # Errors
///
/// When there is no such process, or it is somebody else's.
pub(crate) fn ask(process: Pid) -> nix::Result<()> {
    kill(process, Signal::SIGCHLD)
}

/// Whether the process lives and SIGCHLD does not wait for it any more.
pub(crate) fn has_reacted(status: &str) -> bool {
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let pending = field("ShdPnd:").and_then(|mask| u64::from_str_radix(mask, 16).ok());
    let dead = field("State:").is_none_or(|state| state.starts_with(['Z', 'X']));
    !dead && pending.is_some_and(|mask| mask & 1 << (Signal::SIGCHLD as u32 - 1) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_reacted_when_it_lives_and_the_signal_is_not_pending() {
        let status = |state, mask| {
            format!("Name:\tx\nState:\t{state}\nSigPnd:\t0000000000010000\nShdPnd:\t{mask}\n")
        };
        assert!(has_reacted(&status("S (sleeping)", "0000000000000000")));
        assert!(has_reacted(&status("R (running)", "0000000000008000")));
        assert!(!has_reacted(&status("S (sleeping)", "0000000000010000")));
        assert!(!has_reacted(&status("Z (zombie)", "0000000000000000")));
        assert!(!has_reacted(""));
    }
}
