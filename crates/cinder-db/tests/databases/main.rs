//! The crate as its users see it, on real databases.
//!
//! `sqlite` holds what is peculiar to files, `every` what must be the same on each database; its
//! tests exist once per database that is built in. One program for all of it, because each test
//! program links a whole SQLite.

#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

#[macro_use]
mod every;

mod captured_log;
mod cloud;
mod database;
mod patient;
mod raw;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod server;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod servers;
mod sqlite;
