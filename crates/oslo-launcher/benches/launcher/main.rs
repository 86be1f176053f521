//! The launcher beside the least that could do its job, and beside s6 and runit.
//!
//! `cargo bench -p oslo-launcher` measures twice: Criterion follows each of our own figures over
//! time (`--save-baseline`, `--baseline`), and a comparison prints medians and their ratio.
//! Criterion finishes with one subject before it turns to the next, and a shared machine is a
//! different one a minute later; so the comparison measures all subjects in turn, round by round.
//! Arguments, such as a filter, leave the comparison out. Nothing here judges a time.

#![allow(clippy::print_stdout, reason = "a benchmark is a program of its own")]
#![allow(clippy::disallowed_methods, reason = "a program reads its own arguments")]

mod compare;
mod floor;
mod running;
mod subject;

use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};

use self::running::Running;
use self::subject::{Announce, Kind};

/// Workers of one start.
const STARTED: usize = 1000;
/// Workers that wait to be killed. Each is killed once only, because a supervisor answers repeated
/// deaths with a pause.
const VICTIMS: usize = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    if words.first().is_some_and(|program| Path::new(program).ends_with("run")) {
        subject::executed();
    }
    if words.get(1).is_some_and(|word| word == "--subject") {
        return subject::run(&words[2..]);
    }
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    start(&mut criterion);
    kill(&mut criterion);
    criterion.final_summary();
    if words[1..].iter().all(|word| word == "--bench") {
        compare::run()?;
    }
    Ok(())
}

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(10));
    group
}

fn start(criterion: &mut Criterion) {
    let mut group = group(criterion, &format!("start and ready {STARTED} workers"));
    for kind in [Kind::Ours, Kind::Floor] {
        group.bench_function(kind.name(), |bencher| {
            bencher.iter_custom(|times| {
                let one = || Running::new(kind, STARTED, Announce::Nothing)?.start();
                (0..times).map(|_| one().expect("the subject starts")).sum()
            });
        });
    }
}

fn kill(criterion: &mut Criterion) {
    let mut group = group(criterion, "SIGKILL to successor ready");
    // No more kills than a pool has victims, so that none waits for new ones.
    group.warm_up_time(Duration::from_millis(30)).measurement_time(Duration::from_millis(60));
    for kind in [Kind::Ours, Kind::Floor] {
        let mut pool = compare::Pool::new(kind);
        pool.fill().expect("the subject starts");
        group.bench_function(kind.name(), |bencher| {
            bencher.iter_custom(|times| {
                (0..times).map(|_| pool.kill_one().expect("the subject runs")).sum()
            });
        });
    }
}
