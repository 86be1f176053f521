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
const UNHANDLED: i32 = 2;

/// A service's whole life; returns the worker's exit status.
pub(crate) fn live(service: &dyn Service, handle: &WorkerHandle) -> i32 {
    begin(service, handle).err().unwrap_or_else(|| finish(service))
}

/// Starts the service.
///
/// # Errors
///
/// The worker's exit status if the service does not serve.
pub(crate) fn begin(service: &dyn Service, handle: &WorkerHandle) -> Result<(), i32> {
    let started = catch_unwind(AssertUnwindSafe(|| service.start(handle)));
    match started.map_err(|_| unhandled(service))? {
        // The flag has a lock, and a forked worker copies the page of a lock that it takes.
        Ok(()) if handle.has_told() || handle.is_stopping() => Ok(()),
        Ok(()) => {
            handle.up();
            Ok(())
        }
        Err(StartError::Stopped) => Ok(()),
        Err(StartError::Exit(status)) => Err(status),
        Err(StartError::Failed(cause)) => {
            line::start_failed(&*cause);
            Err(FAILED)
        }
    }
}

/// Waits until everything that the service has begun is over; returns the worker's exit status.
pub(crate) fn finish(service: &dyn Service) -> i32 {
    let ended = catch_unwind(AssertUnwindSafe(|| service.wait()));
    ended.map_or_else(|_| unhandled(service), |()| DONE)
}

fn unhandled(service: &dyn Service) -> i32 {
    line::unhandled(service.name());
    UNHANDLED
}
