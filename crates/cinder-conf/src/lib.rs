//! oslo.config's dialect for Rust: layered INI files, typed options, every mistake at once.
//!
//! Two layers. [`OsloConfig`] reads any OpenStack service's files under options that the program
//! declares itself. With the feature `cinder` (on by default) `cinder::load` adds Cinder's option
//! tables, typed sections, back ends and the checks behind `config check`.
//!
//! Nothing here reads the environment, prints or exits: [`Request`] brings in what the program knows.
//!
//! ```
//! use cinder_conf::{Opt, OsloConfig, Request, Value};
//!
//! static OPTIONS: [Opt<'static>; 2] = [
//!     Opt::integer("workers").min(1).default_int(2).help("Processes that answer requests."),
//!     Opt::string("log_dir").help("Directory of the log files."),
//! ];
//! let mut config = OsloConfig::new();
//! config.declare_all("api", &OPTIONS)?;
//! let mut request = Request::new("demo", "demo-api", "/");
//! request.environment = vec![("OS_API__WORKERS".to_owned(), "4".to_owned())];
//! config.load(request).map_err(|errors| config.describe(&errors))?;
//! assert_eq!(config.get("api", "workers")?, Value::Int(4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod cli;
mod dump;
mod error;
mod excerpt;
mod files;
pub mod ini;
mod kind;
mod notice;
mod option;
mod oslo;
mod problem;
mod problems;
mod python;
mod reader;
mod registry;
mod request;
mod sample;
mod secret;
mod section;
mod shown;
mod source;
mod substitute;
mod suggest;
mod value;

#[cfg(feature = "cinder")]
pub mod cinder;
#[cfg(feature = "cinder")]
pub mod options;

pub use dump::Entry;
pub use error::{
    DeclareError, FileError, LoadError, Origin, ReadError, ReferenceError, ReferenceFault, Unseen,
    ValueError,
};
pub use ini::{Fault, Malformed, Parsed};
pub use kind::{Kind, Reason, Text};
pub use notice::{LOGGER, Notice, NoticeLevel};
pub use option::{Alias, Cli, Fallback, Opt, Removal};
pub use oslo::{Change, Found, Mutation, OsloConfig, Renewal, SectionError};
pub use problem::{Level, Problem, Scope};
pub use problems::Problems;
pub use reader::{TextFile, read_text};
pub use request::{Item, Request};
pub use sample::{SampleSection, sample};
pub use secret::Secret;
pub use section::Section;
pub use value::Value;

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
