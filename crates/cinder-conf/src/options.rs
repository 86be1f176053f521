//! Cinder's options, one table per topic, written as data: declaration, help and struct in one.
//!
//! Must not contain logic. Names, types, defaults and limits are those of cinder 29.0.0 (a test
//! compares them with the inventory); the help texts are this project's own.

use crate::kind::{Kind, Text};

pub mod backend;
pub mod cache;
pub mod database;
pub mod images;
pub mod keys;
pub mod keystone;
pub mod limits;
pub mod local;
pub mod logging;
pub mod lvm;
pub mod messaging;
pub mod names;
pub mod nfs;
pub mod policy;
pub mod privilege;
pub mod process;
pub mod profiler;
pub mod rbd;
pub mod service;
mod shadows;
pub mod target;

pub use shadows::{FOR_ALL_BACKENDS, FOR_OTHERS, SHADOWS};

/// Options that other services or other vendors' drivers know: `GROUP NAME TYPE` per line, sorted, with `multi` if
/// every occurrence counts and `secret` if it is. They are accepted in files without a word.
pub const FOREIGN: &str = include_str!("options/foreign.txt");

/// Choices compared without regard to case.
const fn any_case(choices: &'static [&'static str]) -> Kind<'static> {
    Kind::String(Text { choices, ignore_case: true, regex: None, max_length: None, quotes: false })
}

/// Text in which a pattern must be found.
const fn matching(regex: &'static str) -> Kind<'static> {
    let regex = Some(regex);
    Kind::String(Text { choices: &[], ignore_case: false, regex, max_length: None, quotes: false })
}
