//! Children that this process did not start: its starter had them before it became this program.
//!
//! They are ours to reap, because nobody else can; every other child that is no worker keeps its
//! status for whoever started it (`spec/launcher.md` §12, defect 16). Must not: take a status of
//! a process that was started later.

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, waitid};

use super::wait::reap_known;

/// Children of whoever became this program by exec.
#[derive(Debug, Default)]
pub struct Inherited {
    /// Those whose status has not been taken. A pid stays theirs until it is.
    pids: Vec<i32>,
    /// There are some, and the kernel does not say which: `/proc` is hidden.
    unnamed: bool,
}

impl Inherited {
    /// Notes the children of this process, which has not started any itself.
    pub(super) fn note() -> Self {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        if waitid(Id::All, flags) == Err(Errno::ECHILD) {
            return Self::default();
        }
        match std::fs::read_to_string("/proc/thread-self/children") {
            Ok(list) => Self {
                pids: list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect(),
                unnamed: false,
            },
            Err(_) => Self { pids: Vec::new(), unnamed: true },
        }
    }

    /// Takes the statuses of all of them that have ended, and tells each.
    pub(crate) fn bury(&mut self, tell: impl Fn(i32)) {
        self.pids.retain(|pid| {
            let ended = reap_known(*pid).is_some();
            if ended {
                tell(*pid);
            }
            !ended
        });
    }

    /// Whether any child that is not known to be somebody else's may be one of them.
    pub(crate) fn may_be_anybody(&self) -> bool {
        self.unnamed
    }

    /// Whether somebody may have ended already.
    pub(crate) fn is_empty(&self) -> bool {
        self.pids.is_empty() && !self.unnamed
    }
}
