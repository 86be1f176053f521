//! Cinder's options, one table per topic, written as data: declaration, help and struct in one.
//!
//! Must not contain logic. Names, types, defaults and limits are those of cinder 29.0.0 (a test
//! compares them with the inventory); the help texts are this project's own.

pub mod backend;
pub mod database;
pub mod logging;
pub mod messaging;
pub mod process;
pub mod service;
