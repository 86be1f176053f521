//! A service's life in a worker, from start to end, and the exit status that follows from it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::StartError;
use crate::line;
use crate::service::{Service, WorkerHandle};

/// Exit statuses of a worker, `spec/launcher.md` §4.
const DONE: i32 = 0;
/// The service did not start, or the parent is gone, or SIGINT came.
pub(crate) const FAILED: i32 = 1;
/// Something panicked.
pub(crate) const UNHANDLED: i32 = 2;

/// A service's whole life; returns the worker's exit status.
pub(crate) fn live(service: &dyn Service, handle: &WorkerHandle) -> i32 {
    let life = catch_unwind(AssertUnwindSafe(|| {
        match service.start(handle) {
            Ok(()) if handle.is_stopping() => {}
            Ok(()) => {
                if !handle.reported() {
                    handle.up();
                }
            }
            Err(StartError::Stopped) => {}
            Err(StartError::Exit(status)) => return status,
            Err(StartError::Failed(cause)) => {
                line::start_failed(&*cause);
                return FAILED;
            }
        }
        service.wait();
        DONE
    }));
    life.unwrap_or_else(|_| {
        line::unhandled(service.name());
        UNHANDLED
    })
}
