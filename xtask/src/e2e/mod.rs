//! End-to-end scenarios: the real release binary in fresh directories, looked at from outside.
//!
//! What the scenarios need of the machine: Linux with `/proc`, GNU coreutils and grep, the tools of
//! util-linux (`prlimit`, `setsid`, `setpriv`, `unshare`, `nsenter`), logrotate, no network, no root. Some need
//! namespaces; they are skipped with a reason where these are granted neither to root nor to the
//! root of a user namespace. With `CINDER_PYTHON` naming a virtual environment that holds the
//! Python cinder 29.0.0, its tools are run on our database as well.

mod account;
mod chaos;
mod claims;
mod clocks;
mod command_line;
mod config;
mod container;
mod daemon;
mod database_faults;
mod database_servers;
mod descriptors;
mod dice;
mod faults;
mod first_moments;
mod health;
mod holdings;
mod http;
mod inheritance;
mod languages;
mod layers;
mod limits;
mod log_options;
mod log_reader;
mod namespace;
mod panics;
mod peer;
mod phases;
mod progress;
mod refusals;
mod registration;
mod reload;
mod report;
mod rotation;
mod runner;
mod samples;
mod scale;
mod scene;
mod shared_sessions;
mod signals;
mod spawn;
mod stage;
mod startup;
mod storms;
mod stray_memory;
mod supervision;
mod systemd;
mod table;
mod tls;

pub(crate) use chaos::{any_seed, chaos, check, closing_checks};
pub(crate) use config::Config;
pub(crate) use daemon::Daemon;
pub(crate) use faults::{MILD, Storm};
pub(crate) use runner::{list, run};
pub(crate) use scene::Scene;
pub(crate) use stage::Stage;
