//! Runs scenarios, several at a time where that is safe, and counts the results.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use std::{env, panic, thread};

use anyhow::{Context, Result};

use super::props::{Scene, Skip};
use super::scenarios::peer;
use super::table::{crash_scenarios, long_broker_scenarios, long_scenarios, scenarios};
use crate::servers::{Kind, Servers};
use crate::tally::Tally;

/// Twice the cores of the smallest machine we test on: a scenario waits more than it works.
const AT_ONCE: usize = 4;

/// One registered scenario.
pub(crate) struct Scenario {
    /// The sentence that it proves.
    pub(crate) name: String,
    /// Measures time or fills the machine, so nothing else may run beside it.
    pub(crate) alone: bool,
    /// Runs on a database of its own on such a server instead of an SQLite file.
    pub(crate) on: Option<Kind>,
    pub(crate) run: fn(&Scene) -> Result<()>,
}

/// Prints the names that the filters choose.
pub(crate) fn list(filters: &[String]) {
    for scenario in chosen(filters) {
        println!("{}", scenario.name);
    }
}

fn chosen(filters: &[String]) -> Vec<Scenario> {
    let mut all = scenarios();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|part| name.contains(part));
    all.retain(|scenario| wanted(&scenario.name));
    all
}

/// What to do about a scenario that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// That is it.
    Count,
    /// Try it once more when all others have ended, see [`crate::second`].
    TryOnceMore,
}

/// Runs the chosen scenarios on this binary.
///
/// # Errors
///
/// When no scratch directory can be made; a failing scenario is counted, not an error.
pub(crate) fn run(binary: &Path, filters: &[String], on_failure: OnFailure) -> Result<Tally> {
    run_all(binary, chosen(filters), on_failure)
}

/// Runs those that take too long for every change.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn run_long(binary: &Path) -> Result<Tally> {
    run_all(binary, long_scenarios(), OnFailure::Count)
}

/// Runs those that crash each operation at each of its steps.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn run_crash(binary: &Path) -> Result<Tally> {
    run_all(binary, crash_scenarios(), OnFailure::Count)
}

/// Runs those that try a broker at length.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn run_long_broker(binary: &Path) -> Result<Tally> {
    run_all(binary, long_broker_scenarios(), OnFailure::Count)
}

fn run_all(binary: &Path, chosen: Vec<Scenario>, on_failure: OnFailure) -> Result<Tally> {
    let root = tempfile::Builder::new().prefix("cinder-e2e-").tempdir()?;
    let (alone, together): (Vec<_>, Vec<_>) =
        chosen.into_iter().partition(|scenario| scenario.alone);
    let in_ci = env::var_os("CI").is_some();
    let servers = Servers::start(kinds(alone.iter().chain(&together)));
    let tally = Mutex::new(Tally::default());
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let place = Place { binary, root: root.path(), servers: &servers };
    let record = |scenario: &Scenario, number: usize| {
        let result = run_one(scenario, &place, number, in_ci);
        if result.failed > 0 && on_failure == OnFailure::TryOnceMore {
            failed.lock().unwrap_or_else(PoisonError::into_inner).push(number);
            return;
        }
        *tally.lock().unwrap_or_else(PoisonError::into_inner) += result;
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((number, scenario)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    together.get(number).map(|scenario| (number, scenario))
                } {
                    record(scenario, number);
                }
            });
        }
    });
    for (number, scenario) in alone.iter().enumerate() {
        record(scenario, together.len() + number);
    }
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let all = together.len() + alone.len();
    for number in failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if let Some(scenario) = together.iter().chain(&alone).nth(number) {
            tally += second_attempt(scenario, &place, all + number, in_ci);
        }
    }
    if tally.failed + tally.unsteady > 0 {
        println!("the directories of this run are kept in {}", root.keep().display());
    }
    if let Some(reason) = peer::not_run() {
        println!("not run: {reason}");
    }
    Ok(tally)
}

/// Tries one that failed once more.
fn second_attempt(scenario: &Scenario, place: &Place<'_>, number: usize, in_ci: bool) -> Tally {
    println!("once more: {}", scenario.name);
    let result = run_one(scenario, place, number, in_ci);
    if result.passed == 0 {
        return result;
    }
    println!("UNSTEADY {}", scenario.name);
    Tally::unsteady()
}

/// The kinds of server that these scenarios need and this machine has.
fn kinds<'a>(scenarios: impl Iterator<Item = &'a Scenario>) -> BTreeSet<Kind> {
    scenarios.filter_map(|scenario| scenario.on).filter(|kind| kind.missing().is_none()).collect()
}

/// What every scenario of one run has in common.
struct Place<'a> {
    binary: &'a Path,
    root: &'a Path,
    servers: &'a Servers,
}

impl Place<'_> {
    /// A fresh scene, with its database.
    fn scene(&self, number: usize, on: Option<Kind>) -> Result<Scene> {
        let scene = Scene::new(self.binary, self.root, &format!("{number:02}"))?;
        let Some(kind) = on else { return Ok(scene) };
        if let Some(reason) = kind.missing() {
            return Err(Skip(reason).into());
        }
        scene.use_database(self.servers.get(kind)?.create(&format!("scene{number}"))?);
        Ok(scene)
    }
}

/// Runs one scenario to its verdict; a skip is a failure where `in_ci`.
fn run_one(scenario: &Scenario, place: &Place<'_>, number: usize, in_ci: bool) -> Tally {
    let start = Instant::now();
    let mut tails = String::new();
    let result = place.scene(number, scenario.on).and_then(|scene| {
        // A scene keeps nothing that a panic could leave half done; its drop ends the processes.
        let attempt = panic::catch_unwind(panic::AssertUnwindSafe(|| (scenario.run)(&scene)));
        let result = attempt.unwrap_or_else(|_| Err(anyhow::anyhow!("panicked")));
        // A scenario that sees what it waits for may not see that something broke on the way.
        let result = result.and_then(|()| scene.check_for_panics());
        if result.is_err() {
            tails = scene.log_tails();
        }
        result.with_context(|| format!("in {}", scene.path("").display()))
    });
    let seconds = start.elapsed().as_secs_f64();
    let name = &scenario.name;
    match result {
        Ok(()) => {
            println!("ok      {name} ({seconds:.1} s)");
            Tally::passed()
        }
        Err(failure) if failure.is::<Skip>() => {
            let reason = failure.root_cause();
            if in_ci {
                println!("FAILED  {name}: skipped in CI, where nothing may be: {reason}");
                return Tally::failed();
            }
            println!("skipped {name}: {reason}");
            Tally::skipped()
        }
        Err(failure) => {
            // The cause first: on the way to it there may be whole logs.
            let cause = failure.root_cause();
            println!("FAILED  {name} ({seconds:.1} s): {cause}\n  {failure:#}\n{tails}");
            Tally::failed()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;
    use anyhow::bail;

    fn verdict(run: fn(&Scene) -> Result<()>, in_ci: bool) -> (Tally, Vec<i32>) {
        let root = tempfile::tempdir().unwrap();
        let name = "made up for a test".to_owned();
        let scenario = Scenario { name, alone: false, on: None, run };
        let servers = Servers::default();
        let place = Place { binary: "/bin/true".as_ref(), root: root.path(), servers: &servers };
        let tally = run_one(&scenario, &place, 0, in_ci);
        let mark = format!("XTASK_SCENE={}", root.path().join("00").display());
        (tally, process::marked(&mark))
    }

    #[test]
    fn what_a_panicking_scenario_started_is_ended() {
        let (tally, left) = verdict(
            |scene| {
                let mut command = scene.command("sh");
                command.args(["-c", "sleep 300 & sleep 300"]);
                let daemon = scene.start_command(&mut command)?;
                crate::wait::wait_for("the grandchild", crate::wait::secs(10), || {
                    anyhow::ensure!(scene.processes().len() == 3);
                    Ok(())
                })?;
                panic!("on purpose, above {}", daemon.pid());
            },
            false,
        );
        assert_eq!((tally, left), (Tally::failed(), Vec::new()));
    }

    /// Fails the first time in each process that runs it.
    fn unsteady(_: &Scene) -> Result<()> {
        static TRIED: AtomicUsize = AtomicUsize::new(0);
        anyhow::ensure!(TRIED.fetch_add(1, Ordering::Relaxed) > 0);
        Ok(())
    }

    #[test]
    fn a_scenario_that_failed_has_one_more_attempt_and_is_told_as_unsteady() {
        let of = |name: &str, run| Scenario { name: name.to_owned(), alone: false, on: None, run };
        let bad: fn(&Scene) -> Result<()> = |_| bail!("always");
        let chosen = vec![of("a", |_| Ok(())), of("b", unsteady), of("c", bad)];
        let tally = run_all("/bin/true".as_ref(), chosen, OnFailure::TryOnceMore).unwrap();
        assert_eq!(tally, Tally { passed: 2, failed: 1, skipped: 0, unsteady: 1 });
        let tally = run_all("/bin/true".as_ref(), vec![of("c", bad)], OnFailure::Count).unwrap();
        assert_eq!(tally, Tally::failed());
    }

    #[test]
    fn a_skip_is_a_failure_in_ci() {
        let skip: fn(&Scene) -> Result<()> = |_| Err(Skip("no such machine".to_owned()).into());
        assert_eq!(verdict(skip, false).0, Tally::skipped());
        assert_eq!(verdict(skip, true).0, Tally::failed());
    }

    /// A process of the scenario that has this in its log.
    fn log(scene: &Scene, line: &str) -> Result<()> {
        let mut command = scene.command("echo");
        scene.start_command(command.arg(line))?.expect_exit(0)
    }

    #[test]
    fn a_panic_in_a_log_is_a_failure_whatever_the_scenario_saw() {
        const PANIC: &str = "CRITICAL cinder [-] Unhandled error: panic: a bug";
        assert_eq!(verdict(|scene| log(scene, PANIC), false).0, Tally::failed());
        assert_eq!(verdict(|scene| log(scene, "no cause for panic"), false).0, Tally::passed());
    }

    #[test]
    fn an_error_is_a_failure_and_nothing_is_a_success() {
        assert_eq!(verdict(|_| bail!("no"), false).0, Tally::failed());
        assert_eq!(verdict(|_| Ok(()), true).0, Tally::passed());
    }
}
