//! All subjects in turn, round by round; medians and ratios.

use std::io::Result;
use std::thread::sleep;
use std::time::Duration;

use crate::running::Running;
use crate::subject::{Announce, Kind};
use crate::{STARTED, VICTIMS};

const STARTS: usize = 11;
const KILLS: usize = 201;
/// The supervisors of others take seconds where ours take milliseconds: fewer workers for all, and
/// fewer rounds for them.
const STARTED_BESIDE_OTHERS: usize = 200;
const ROUNDS_OF_OTHERS: usize = 3;
/// s6-supervise and runsv leave a second between two starts of one worker (their manuals say so),
/// and ours between the second and the third. That is not what is compared here.
const SETTLED: Duration = Duration::from_millis(1100);

/// Workers to be killed, each once; new ones when all are used up.
pub(crate) struct Pool {
    kind: Kind,
    running: Option<Running>,
}

impl Pool {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, running: None }
    }

    /// Starts workers to be killed; otherwise the first kill does.
    pub(crate) fn fill(&mut self) -> Result<&mut Running> {
        self.running = None; // the old ones end before the new ones start
        let running = Running::up(self.kind, VICTIMS)?;
        sleep(SETTLED);
        Ok(self.running.insert(running))
    }

    pub(crate) fn kill_one(&mut self) -> Result<Duration> {
        if let Some(running) = &mut self.running
            && let Some(time) = running.kill_one()?
        {
            return Ok(time);
        }
        Ok(self.fill()?.kill_one()?.expect("new workers are there to be killed"))
    }
}

/// Measures and prints everything that is installed.
pub(crate) fn run() -> Result<()> {
    let all: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kind.is_installed()).collect();
    let forking: Vec<Kind> = all.iter().copied().filter(|kind| !kind.executes()).collect();
    starts(&forking, STARTED)?;
    if all.len() > forking.len() {
        starts(&all, STARTED_BESIDE_OTHERS)?;
    }
    let replacing: Vec<Kind> = all.into_iter().filter(|kind| *kind != Kind::OursInOne).collect();
    let mut pools: Vec<Pool> = replacing.iter().map(|kind| Pool::new(*kind)).collect();
    let kills = in_turn(&replacing, KILLS, |at| pools[at].kill_one())?;
    table("SIGKILL to successor ready", &replacing, &kills);
    Ok(())
}

fn starts(kinds: &[Kind], workers: usize) -> Result<()> {
    let one = |at: usize| Running::new(kinds[at], workers, Announce::Nothing)?.start();
    let times = in_turn(kinds, STARTS, one)?;
    table(&format!("start and ready {workers} workers"), kinds, &times);
    Ok(())
}

/// One measurement of each subject per round; `measure` gets the number of the subject.
fn in_turn(
    kinds: &[Kind],
    rounds: usize,
    mut measure: impl FnMut(usize) -> Result<Duration>,
) -> Result<Vec<Vec<Duration>>> {
    let mut times = vec![Vec::new(); kinds.len()];
    for round in 0..rounds {
        for (at, (kind, times)) in kinds.iter().zip(&mut times).enumerate() {
            if round < ROUNDS_OF_OTHERS || !kind.executes() {
                times.push(measure(at)?);
            }
        }
    }
    Ok(times)
}

fn table(what: &str, kinds: &[Kind], times: &[Vec<Duration>]) {
    println!("\n| {what} | rounds | median, ms | fastest | slowest | median ÷ its floor |");
    println!("|---|---:|---:|---:|---:|---:|");
    let ms = |times: &[Duration], part: f64| {
        let mut times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let last = times.len().saturating_sub(1);
        times.get((last as f64 * part) as usize).copied().unwrap_or(f64::NAN)
    };
    let median_of = |wanted: Kind| {
        let found = kinds.iter().zip(times).find(|(kind, _)| **kind == wanted);
        found.map_or(f64::NAN, |(_, times)| ms(times, 0.5))
    };
    for (kind, times) in kinds.iter().zip(times) {
        let floor = median_of(kind.floor());
        let (median, ratio) = (ms(times, 0.5), ms(times, 0.5) / floor);
        let (fastest, slowest) = (ms(times, 0.0), ms(times, 1.0));
        println!(
            "| {} | {} | {median:.2} | {fastest:.2} | {slowest:.2} | {ratio:.2} |",
            kind.name(),
            times.len()
        );
    }
}
