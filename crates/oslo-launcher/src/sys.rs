//! Everything here that talks to the kernel about processes, signals and shared pages.
//!
//! Must not: log, decide, know what a worker does. All `unsafe` of this crate is below this module.

#[cfg(unix)]
pub(crate) mod child;
#[cfg(not(unix))]
#[path = "sys/child_portable.rs"]
pub(crate) mod child;
#[cfg(unix)]
mod first_steps;
#[cfg(not(unix))]
#[path = "sys/first_steps_portable.rs"]
mod first_steps;
#[cfg(unix)]
mod fork;
#[cfg(unix)]
mod inherited;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod wait;

// The condition is that of `stacks` in lib.rs.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) mod file_map;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) mod thread_states;

#[cfg(unix)]
mod pages;
#[cfg(not(unix))]
#[path = "sys/pages_portable.rs"]
mod pages;

#[cfg(not(unix))]
pub(crate) use child::{Waker, look_for_requests};
pub use first_steps::FirstSteps;
#[cfg(not(unix))]
pub use first_steps::Inherited;
#[cfg(unix)]
pub(crate) use fork::{NotForked, ParentWatch, fork_worker, rename_process};
#[cfg(unix)]
pub use inherited::Inherited;
pub(crate) use pages::{OwnedWords, SharedWords, monotonic};
#[cfg(unix)]
pub use signals::ask_report;
#[cfg(unix)]
pub(crate) use signals::{Signal, Signals, is_daemon, look_for_requests, send};
#[cfg(unix)]
pub(crate) use wait::{
    Pipe, Reaped, Waker, Whose, line_to_parent, poll, reap_known, reap_next, wait_for_end,
};
