//! The Python cinder 29.0.0 looks at our database. Only with `CINDER_PYTHON`.
//!
//! Not a skip when the variable is missing: the Python package with its 150 dependencies is
//! nothing that a checkout of this project needs, so these checks are an addition for those who
//! have it. The run says that they were left out, outside of the counts.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::scene::Scene;
use crate::wait::secs;

/// The virtual environment that holds the Python cinder.
fn environment() -> Option<PathBuf> {
    env::var_os("CINDER_PYTHON").map(PathBuf::from)
}

pub(crate) fn is_wanted() -> bool {
    environment().is_some()
}

/// Why the scenarios of this file are not in the table.
pub(crate) fn not_run() -> Option<&'static str> {
    const REASON: &str = "the checks with the Python cinder-manage; set CINDER_PYTHON to a \
                          virtual environment with cinder 29.0.0";
    (!is_wanted()).then_some(REASON)
}

pub(crate) fn the_python_cinder_manage_accepts_our_database(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    daemon.wait_up(2)?;
    let manage = environment().unwrap_or_default().join("bin/cinder-manage");
    let ask = |words: &[&str]| {
        let mut command = scene.command(&manage);
        command.arg("--config-file").arg(scene.path("cinder.conf")).args(words);
        scene.finish(&mut command, secs(60))
    };
    let version = ask(&["db", "version"])?;
    ensure!(version.code == Some(0) && version.out.ends_with("9c74c1c6971f\n"), "{version:?}");
    let list = ask(&["service", "list"])?;
    for host in ["e2e@a", "e2e@b"] {
        let line = list.out.lines().find(|line| line.contains(host)).unwrap_or_default();
        ensure!(line.contains(":-)") && line.contains("enabled"), "{host}: {list:?}");
    }
    let sync = ask(&["db", "sync"])?;
    ensure!(sync.code == Some(0), "a sync of our schema fails: {sync:?}");
    daemon.wait_beats(2)?;
    daemon.end_with(Signal::SIGTERM, 0)
}
