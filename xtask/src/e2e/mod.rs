//! End-to-end scenarios: the real program in fresh directories, looked at from outside.
//!
//! What the scenarios need of the machine: Linux with `/proc`, GNU coreutils and grep, the tools of
//! util-linux (`prlimit`, `setsid`, `setpriv`, `unshare`, `nsenter`), logrotate, no network, no root. Some need
//! namespaces; they are skipped with a reason where these are granted neither to root nor to the
//! root of a user namespace. With `CINDER_PYTHON` naming a virtual environment that holds the
//! Python cinder 29.0.0, its tools are run on our database as well.

mod chaos;
mod faults;
mod props;
mod runner;
mod scenarios;
mod table;

pub(crate) use chaos::{any_seed, chaos, check, closing_checks};
pub(crate) use faults::{MILD, Storm};
pub(crate) use props::{Config, Daemon, Scene, Stage};
pub(crate) use runner::{OnFailure, list, run, run_crash, run_long, run_long_broker};
