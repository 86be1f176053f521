//! Many back ends.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::secs;

pub(crate) fn fifty_back_ends_come_up_survive_kills_and_stop(scene: &Scene) -> Result<()> {
    let names: Vec<_> = (1..=50).map(|n| format!("b{n:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let daemon = scene.start(&scene.config(&names))?;
    let workers = daemon.wait_up(50)?;
    let rows = daemon.rows()?;
    let hosts: std::collections::BTreeSet<_> = rows.iter().map(|row| row.host.clone()).collect();
    ensure!(hosts.len() == 50 && rows.len() == 50, "{} hosts, {} rows", hosts.len(), rows.len());
    daemon.wait_beats(2)?;
    let victims: Vec<_> = workers.iter().copied().step_by(5).collect();
    for &pid in &victims {
        process::signal(pid, Signal::SIGKILL)?;
    }
    let after = daemon.wait_replaced(&victims, 50)?;
    let kept = workers.iter().filter(|pid| after.contains(pid)).count();
    ensure!(kept == 40, "{kept} of the 40 untouched workers kept their pid");
    daemon.wait_beats(2)?;
    ensure!(daemon.rows()?.len() == 50, "the restarts left extra rows");
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(1))
}
