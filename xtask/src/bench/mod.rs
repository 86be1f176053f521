//! `cargo xtask bench`: measures any `cinder-volume` command line from outside.
//!
//! Nothing here knows what the program is written in. What is measured are the rows it writes,
//! the processes it has, what the kernel counts for them, and two lines of its log. With
//! `--peer` a second command line is measured on the same configuration, start by start in turn
//! with ours, so that both meet the same machine in the same minutes.

mod figures;
mod measure;
mod setup;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use self::figures::{Figures, Sample, table};
use self::setup::Subject;
use crate::cargo;

/// What the command line asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) binary: Option<PathBuf>,
    pub(crate) peer: Option<String>,
    pub(crate) sizes: Vec<usize>,
    pub(crate) runs: u64,
    pub(crate) kills: u64,
    pub(crate) idle: Duration,
    pub(crate) json: Option<PathBuf>,
}

/// Measures everything, prints the table, writes the JSON.
///
/// # Errors
///
/// When a program cannot be started or the figures cannot be written.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    let binary = match &plan.binary {
        Some(given) => given.canonicalize()?,
        None => cargo::build_daemon()?,
    };
    let mut subjects = vec![Subject::ours(&binary)];
    if let Some(line) = &plan.peer {
        subjects.push(Subject::peer(line)?);
    }
    let mut all = Vec::new();
    for &size in &plan.sizes {
        ensure!(size > 0, "a daemon without back ends does not start");
        let mut samples: Vec<Vec<Sample>> = subjects.iter().map(|_| Vec::new()).collect();
        for turn in 0..plan.runs {
            for (subject, samples) in subjects.iter().zip(&mut samples) {
                eprintln!(
                    "{}: {size} back ends, start {} of {}",
                    subject.name,
                    turn + 1,
                    plan.runs
                );
                let sample = measure::one(plan, &binary, subject, size, turn == 0);
                samples.push(sample.with_context(|| format!("{} with {size}", subject.name))?);
            }
        }
        for (subject, samples) in subjects.iter().zip(&samples) {
            all.push(Figures::of(&subject.name, size, samples));
        }
    }
    println!("{}", table(&all));
    if let Some(path) = &plan.json {
        let figures: Vec<_> = all.iter().map(Figures::json).collect();
        let idle = plan.idle.as_secs();
        let document = json!({ "runs": plan.runs, "idle_seconds": idle, "figures": figures });
        std::fs::write(path, format!("{document:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
