//! oslo.log's line formats as a `tracing` subscriber, password masking and the Guru Meditation Report.
//!
//! A line that an operator greps for in the Python daemon's log looks the same here, byte for byte:
//!
//! ```text
//! 2026-11-22 17:22:25.186 19228 INFO cinder.service [-] Starting cinder-volume node (version 29.0.0)
//! ```
//!
//! What an event may carry besides its message (every other field is kept for structured
//! formats and not printed as text):
//!
//! | field | effect |
//! |---|---|
//! | `error = &dyn Error` | summary behind the message from WARNING up, then one line per cause |
//! | `error_class = "…"` | class name in front of the summary, as in `Class: text` |
//! | `traceback = "…"` | block of further lines, each behind the exception prefix |
//! | `critical = true` | at ERROR: the line says CRITICAL, a level that `tracing` lacks |
//! | `instance = "…"` | `[instance: …] ` in front of the message |
//! | `resource = "…"` | the value of `%(resource)s` in a format that names it |
//! | `logger = "…"` | replaces the target as the printed logger name |
//!
//! A span with a field `request_id` is a request context: lines written inside it use the
//! context format and show its ids. Such a span is never filtered out by a logger's level, but
//! make it at ERROR level (`error_span!`) so that the global maximum cannot remove it either.
//!
//! This crate must not install anything: no global subscriber, no logger, no hook. It builds
//! them, the binary installs them. It knows no other crate of this workspace.
//!
//! ```
//! use oslo_log::LogOptions;
//!
//! let options = LogOptions { use_stderr: true, ..LogOptions::default() };
//! let (subscriber, log) = oslo_log::subscriber(&options)?;
//! tracing::subscriber::with_default(subscriber, || {
//!     tracing::info!(target: "cinder.service", "Starting 3 workers");
//! });
//! assert_eq!(log.dropped_lines(), 0);
//! # Ok::<(), oslo_log::LogError>(())
//! ```

#![forbid(unsafe_code)]

mod append;
mod clock;
mod context;
mod error;
mod event;
mod form;
pub mod guru;
mod handle;
mod json;
mod layer;
mod layout;
mod level;
mod limit;
pub mod mask;
mod options;
mod panic;
mod plan;
mod printable;
mod sink;
mod template;

pub use error::LogError;
pub use handle::LogHandle;
pub use layer::{OsloLayer, OsloSubscriber, subscriber};
pub use options::{HandlersFile, LogOptions};
pub use panic::panic_hook;
pub use plan::check;
pub use printable::printable;
pub use tracing_log::{LogTracer, log};

/// Compiles the README's example with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
