//! What makes a driver one: a program of tests that every driver crate runs.
//!
//! A driver crate has one test without the usual harness, whose `main` calls [`main`] with a
//! [`Bench`]: how to get a back end of one's own, and how to make it fail. Each case gets a new back
//! end and leaves nothing behind on it. For crashes the program starts itself again, with the point
//! at which it is to be killed. Must not: know what a back end is made of, or read the environment.

mod abilities;
mod basics;
mod case;
mod concurrency;
mod content;
mod crash;
mod faults;
mod program;
mod troubles;

use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::driver::Driver;

pub use program::main;

/// How to get back ends.
pub trait Bench: Sync {
    /// A back end for one case, new and empty, gone when this is dropped.
    ///
    /// # Errors
    ///
    /// Why there can be none here; the cases are then skipped with this reason.
    fn prepare(&self) -> Result<Box<dyn Backend>, String>;

    /// A driver for the back end with this token, in another process.
    fn reopen(&self, token: &OsStr) -> Box<dyn Driver>;
}

/// A back end of one case.
pub trait Backend: Sync {
    /// What another process finds it by.
    fn token(&self) -> OsString;

    /// A driver for it, not connected.
    fn driver(&self) -> Box<dyn Driver>;

    /// Names of everything on it.
    fn leftovers(&self) -> Vec<String>;

    /// Puts something of this name on it that is none of ours; why that cannot be, if it cannot.
    ///
    /// # Errors
    ///
    /// The reason.
    fn stranger(&self, name: &str) -> Result<(), String>;

    /// Takes that away again.
    fn remove_stranger(&self, name: &str);

    /// Makes it suffer, until the answer is dropped; why that cannot be, if it cannot.
    ///
    /// # Errors
    ///
    /// The reason.
    fn suffer(&self, trouble: Trouble) -> Result<Box<dyn Relief>, String>;
}

/// What may happen to a back end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It takes everything and answers nothing.
    Silent,
    /// It has no room left.
    Full,
    /// It is not there.
    Gone,
}

/// The end of a trouble, when it is dropped.
pub trait Relief {}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "silent",
            Self::Full => "full",
            Self::Gone => "gone",
        })
    }
}
