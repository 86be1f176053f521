//! The launcher of forked workers while a job runs beside it. Must not: decide anything.

use std::os::fd::BorrowedFd;
use std::time::Instant;

use super::ProcessLauncher;
use crate::aside::Attendant;
use crate::service::Hooks;

impl Attendant for ProcessLauncher {
    fn attend(&mut self) -> Option<i32> {
        Self::attend(self);
        self.bridge.exit()
    }

    fn rest(&mut self, job: Option<BorrowedFd<'_>>, until: Option<Instant>) {
        Self::rest(self, job, until);
    }

    fn set_aside(&mut self, pid: Option<i32>) {
        self.aside = pid;
    }

    fn in_copy(&mut self) {
        self.give_up();
    }

    fn hooks(&mut self) -> &mut dyn Hooks {
        &mut *self.bridge.hooks
    }
}
