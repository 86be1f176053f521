//! `cargo xtask bench`: measures any `cinder-volume` command line from outside.
//!
//! Nothing here knows what the program is written in. What is measured are the rows it writes,
//! the processes it has, what the kernel counts for them, and two lines of its log. With
//! `--peer` a second command line is measured on the same configuration, start by start in turn
//! with ours, so that both meet the same machine in the same minutes. `bench launcher` measures
//! the supervisor alone, `bench database` what talking to a server costs, `bench operations` what volumes cost, `bench rpc` what a call over a broker costs;
//! `bench draw` makes the picture of what either has written.

pub(crate) mod database;
mod figures;
pub(crate) mod launcher;
mod measure;
pub(crate) mod operations;
mod perf;
mod picture;
pub(crate) mod rpc;
mod setup;
mod svg;
mod watch;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::figures::{Figures, Sample, document, table};
use self::setup::Subject;
use crate::cargo;

/// What the command line asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) binary: Option<PathBuf>,
    pub(crate) peer: Option<String>,
    /// Sizes above this are ours alone.
    pub(crate) peer_up_to: usize,
    pub(crate) sizes: Vec<usize>,
    pub(crate) runs: u64,
    pub(crate) kills: u64,
    pub(crate) idle: Duration,
    pub(crate) outputs: Outputs,
}

/// Where figures go besides the table on standard output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outputs {
    pub(crate) json: Option<PathBuf>,
    pub(crate) svg: Option<PathBuf>,
}

impl Outputs {
    fn write(&self, all: &[Figures], runs: u64, idle: Duration) -> Result<()> {
        println!("{}", table(all));
        let document = document(all, runs, idle);
        if let Some(path) = &self.json {
            write(path, &format!("{document:#}\n"))?;
        }
        if let Some(path) = &self.svg {
            write(path, &picture::draw(&[document])?)?;
        }
        Ok(())
    }
}

/// Measures everything, prints the table, writes the JSON.
///
/// # Errors
///
/// When a program cannot be started or the figures cannot be written.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    let binary = match &plan.binary {
        Some(given) => given.canonicalize()?,
        None => cargo::build_daemon(&[])?,
    };
    let mut subjects = vec![Subject::ours(&binary)];
    if let Some(line) = &plan.peer {
        subjects.push(Subject::peer(line)?);
    }
    let mut all = Vec::new();
    for &size in &plan.sizes {
        ensure!(size > 0, "a daemon without back ends does not start");
        let count = if size > plan.peer_up_to { 1 } else { subjects.len() };
        let subjects = subjects.get(..count).unwrap_or_default();
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
    plan.outputs.write(&all, plan.runs, plan.idle)
}

/// Draws the picture of figures that were written before.
///
/// # Errors
///
/// When a file cannot be read or written, or holds no figures of ours.
pub(crate) fn draw(files: &[PathBuf], picture: &Path) -> Result<()> {
    write(picture, &drawn(files)?)
}

fn drawn(files: &[PathBuf]) -> Result<String> {
    let read = |path: &PathBuf| -> Result<Value> {
        let text =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))
    };
    let documents = files.iter().map(read).collect::<Result<Vec<_>>>()?;
    picture::draw(&documents)
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo;

    #[test]
    fn the_picture_in_the_documentation_is_drawn_from_the_figures_beside_it() {
        let docs = cargo::root().join("docs");
        let files = ["performance-daemon.json", "performance-launcher.json"];
        let text = drawn(&files.map(|name| docs.join(name))).unwrap();
        let picture = std::fs::read_to_string(docs.join("performance.svg")).unwrap();
        assert!(text == picture, "draw it again: cargo xtask bench draw, see docs/performance.md");
    }
}
