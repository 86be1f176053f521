//! What a process holds, to see that it does not become more.

use anyhow::{Context, Result, ensure};

use super::daemon::{Daemon, SOON};
use crate::process::{self, Memory};
use crate::wait::wait_for;

/// What a process holds that must not become more.
#[derive(Debug)]
pub(crate) struct Holdings {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) memory: Memory,
}

impl Holdings {
    /// What the process holds now.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub(crate) fn of(pid: i32) -> Result<Self> {
        Ok(Self {
            descriptors: process::descriptors(pid)?.len(),
            threads: process::threads(pid),
            memory: process::memory(pid).with_context(|| format!("{pid} is gone"))?,
        })
    }

    /// Waits until the process holds no more than these, give or take `slack` KiB of memory.
    ///
    /// # Errors
    ///
    /// With what it held at the limit.
    pub(crate) fn wait_back(&self, pid: i32, slack: u64) -> Result<()> {
        wait_for("no more to be held than before", SOON, || {
            let now = Self::of(pid)?;
            let kept = now.descriptors <= self.descriptors && now.threads <= self.threads;
            let small = now.memory.anonymous_kib <= self.memory.anonymous_kib + slack;
            ensure!(kept && small, "{self:?} became {now:?}");
            Ok(())
        })
    }
}

/// Waits until the parent has no dead child left to reap.
///
/// # Errors
///
/// With its children at the limit.
pub(crate) fn no_zombie(daemon: &Daemon) -> Result<()> {
    wait_for("every dead child to be reaped", SOON, || {
        let children = process::children(daemon.pid());
        ensure!(!children.iter().any(process::Entry::is_zombie), "{children:?}");
        Ok(())
    })
}
