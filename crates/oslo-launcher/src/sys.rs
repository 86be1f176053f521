//! Everything here that talks to the kernel about processes, signals and shared pages.
//!
//! Must not: log, decide, know what a worker does. All `unsafe` of this crate is below this module.

pub(crate) mod child;
mod first_steps;
mod fork;
mod inherited;
mod signals;
mod wait;

mod pages;

pub use first_steps::FirstSteps;
pub(crate) use fork::{NotForked, ParentWatch, fork_worker, rename_process};
pub use inherited::Inherited;
pub(crate) use pages::{OwnedWords, SharedWords, monotonic};
pub use signals::ask_report;
pub(crate) use signals::{Signal, Signals, is_daemon, look_for_requests, send};
pub(crate) use wait::{
    Pipe, Reaped, Waker, Whose, line_to_parent, poll, reap_known, reap_next, wait_for_end,
};
