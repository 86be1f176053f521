//! The crate as its users see it, on real SQLite files.
//!
//! One program for all of it, because each test program links a whole SQLite.

#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

mod captured_log;
mod connect;
mod database;
mod embedded;
mod heartbeat;
mod pool;
mod registry;
mod schema;
