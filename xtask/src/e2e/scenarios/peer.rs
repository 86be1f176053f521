//! The Python cinder 29.0.0 and our daemon on one database. Only with `CINDER_PYTHON`.
//!
//! The virtual environment needs `cinder==29.0.0`, `pymysql` and `psycopg2-binary`.
//!
//! Not a skip when the variable is missing: the Python package with its 150 dependencies is
//! nothing that a checkout of this project needs, so these checks are an addition for those who
//! have it. The run says that they were left out, outside of the counts.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::original;
use crate::e2e::props::scene::{Outcome, Scene};
use crate::wait::secs;

/// Why the scenarios with the Python cinder are not in the table.
pub(crate) fn not_run() -> Option<&'static str> {
    const REASON: &str = "the checks with the Python cinder; set CINDER_PYTHON to a \
                          virtual environment with cinder 29.0.0";
    (!original::is_wanted()).then_some(REASON)
}

/// Runs `cinder-manage` with the scenario's configuration file.
fn manage(scene: &Scene, words: &[&str]) -> Result<Outcome> {
    let mut command = scene.command(original::program("cinder-manage"));
    command.arg("--config-file").arg(scene.path("cinder.conf")).args(words);
    let outcome = scene.finish(&mut command, secs(120))?;
    ensure!(outcome.code == Some(0), "cinder-manage {words:?}: {outcome:?}");
    Ok(outcome)
}

/// Its list shows both back ends as up.
fn lists_both_as_up(scene: &Scene) -> Result<()> {
    let list = manage(scene, &["service", "list"])?;
    for host in ["e2e@a", "e2e@b"] {
        let line = list.out.lines().find(|line| line.contains(host)).unwrap_or_default();
        ensure!(line.contains(":-)") && line.contains("enabled"), "{host}: {list:?}");
    }
    Ok(())
}

/// On a database server: the Python tool makes the tables, our daemon uses them.
pub(crate) fn we_start_on_a_database_that_the_python_cinder_manage_made(
    scene: &Scene,
) -> Result<()> {
    let given = scene.on_server()?;
    scene.use_database(given.server().empty(&format!("{}_peer", given.name()))?);
    let config = scene.config(&["a", "b"]);
    scene.write("cinder.conf", &config.text())?;
    manage(scene, &["db", "sync"])?;
    let daemon = scene.start(&config)?;
    daemon.wait_up(2)?;
    lists_both_as_up(scene)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn the_python_cinder_manage_accepts_our_database(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    daemon.wait_up(2)?;
    let version = manage(scene, &["db", "version"])?;
    ensure!(version.out.ends_with("9c74c1c6971f\n"), "{version:?}");
    lists_both_as_up(scene)?;
    manage(scene, &["db", "sync"])?;
    daemon.wait_beats(2)?;
    daemon.end_with(Signal::SIGTERM, 0)
}
