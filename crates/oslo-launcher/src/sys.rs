//! Everything here that talks to the kernel about processes, signals and shared pages.
//!
//! Must not: log, know what a worker does or what is told between processes. Of decisions it makes
//! those that the kernel lets nobody make later: whether a fork is safe, whether a child that nobody
//! knows is ours to reap, and that a signal ends a program which has no launcher yet. All `unsafe`
//! of this crate is below this module.

mod child;
mod first_steps;
mod fork;
mod inherited;
mod pages;
mod signals;
mod wait;

pub(crate) use child::{kill_and_wait, start_program, wait_for};
pub use first_steps::FirstSteps;
pub(crate) use fork::{NotForked, ParentWatch, fork_worker, rename_process};
pub use inherited::Inherited;
pub(crate) use pages::{OwnedWords, SharedWords, monotonic};
#[cfg(test)]
pub(crate) use signals::READ;
pub(crate) use signals::{Along, Arrived, Signal, Signals, is_daemon, send, send_along};
pub(crate) use wait::{
    Pipe, Reaped, Waker, Whose, pipe_to_parent, poll, reap_known, reap_next, reap_orphan,
    wait_for_end,
};
