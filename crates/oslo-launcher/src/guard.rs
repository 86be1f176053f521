//! A guard around code of the program that runs in a process which must survive its bugs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::line;

/// Runs code that may panic: workers of other services depend on this process. `None` if it did.
pub(crate) fn guarded<T>(what: &str, code: impl FnOnce() -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(code));
    result.map_err(|_| line::panicked(what)).ok()
}
