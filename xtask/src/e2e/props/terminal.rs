//! A terminal (pty(7)) of which this process alone has the other end: dropping it is how a terminal goes away.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use anyhow::Result;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::openpty;

/// A terminal, and what has been written to it so far.
pub(crate) struct Terminal {
    master: File,
    slave: OwnedFd,
    seen: String,
}

impl Terminal {
    /// Opens a new one.
    ///
    /// # Errors
    ///
    /// When the system has none.
    pub(crate) fn open() -> Result<Self> {
        let pair = openpty(None, None)?;
        // What a program inherits by itself would keep the terminal there for as long as that program.
        for end in [&pair.master, &pair.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        fcntl(&pair.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Self { master: pair.master.into(), slave: pair.slave, seen: String::new() })
    }

    /// The end for a program.
    ///
    /// # Errors
    ///
    /// When there are no more descriptors.
    pub(crate) fn slave(&self) -> Result<File> {
        Ok(self.slave.try_clone()?.into())
    }

    /// All that has been written to it.
    pub(crate) fn text(&mut self) -> &str {
        let mut chunk = [0; 4_096];
        while let Ok(count @ 1..) = self.master.read(&mut chunk) {
            self.seen += &String::from_utf8_lossy(&chunk[..count]);
        }
        &self.seen
    }

    /// Types a line.
    ///
    /// # Errors
    ///
    /// When nobody has it any more.
    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        Ok(writeln!(self.master, "{text}")?)
    }
}
