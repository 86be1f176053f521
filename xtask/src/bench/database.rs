//! `cargo xtask bench database`: what talking to a database costs, beside raw SQL and a peer.
//!
//! Raw SQL is what the server's own log shows of our registrations, values and all, sent again by
//! the server's command-line client one statement after the other; the server's clock says how
//! long that took. Everything runs on throwaway servers on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::figures::median;
use super::ms;
use super::setup::{Setup, Subject, limit};
use crate::cargo;
use crate::e2e::Daemon;
use crate::servers::{Database, Kind, Server};
use crate::wait::{millis, wait_for, wait_with_pause};

/// Registered over one connection.
const REGISTERED: usize = 200;
/// How often; a round takes less than a second, and the machine may be busy during some.
const ROUNDS: usize = 11;
/// Services that beat at once.
const HEARTS: usize = 50;
/// Back ends of the daemons.
const BACKENDS: usize = 50;
/// Seconds between heartbeats unless an operator changes it (spec/startup.md §3).
const DEFAULT_INTERVAL: u32 = 10;

/// What the command line asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) binary: Option<PathBuf>,
    pub(crate) peer: Option<String>,
    pub(crate) runs: u64,
}

/// Measures everything and prints the table line by line, as it comes.
///
/// # Errors
///
/// When a server or a program cannot be started.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    let features = cargo::database_features();
    let kinds: Vec<_> = Kind::ALL.into_iter().filter(|kind| kind.missing().is_none()).collect();
    ensure!(kinds.contains(&Kind::MariaDb), "{}", Kind::MariaDb.missing().unwrap_or_default());
    let example = cargo::build_example_with("cinder-db", "ratios", &features)?;
    println!("| figure | measured | target |\n|---|---:|---:|");
    for kind in kinds {
        let server = Server::start(kind)?;
        let name = kind.name();
        let database = server.create("bench_ratios")?;
        for way in Way::ALL {
            registering(&example, &database, way)?;
            let [rate, cost] = ask(&example, "beat", &database, HEARTS, way)?[..] else {
                anyhow::bail!("{} printed something else", example.display());
            };
            let name = way.of(name);
            println!("| heartbeats/s on one core, {name} | {rate:.0} | ≥ 1000 |");
            println!("| processor time per heartbeat, {name} | {cost:.0} µs | |");
        }
        if kind == Kind::MariaDb {
            daemons(plan, &server, &features)?;
        }
    }
    Ok(())
}

/// Whether the server keeps statements prepared, `[database_client] statement_cache`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Default,
    Cached,
}

impl Way {
    const ALL: [Self; 2] = [Self::Default, Self::Cached];

    /// The server's name with what is peculiar.
    fn of(self, name: &str) -> String {
        match self {
            Self::Default => name.to_owned(),
            Self::Cached => format!("{name}, statement_cache"),
        }
    }
}

/// Runs one round of the example and reads the numbers that it prints.
fn ask(
    example: &Path,
    what: &str,
    database: &Database,
    number: usize,
    way: Way,
) -> Result<Vec<f64>> {
    let mut command = Command::new(example);
    command.args([what, &database.url(), &number.to_string()]);
    command.args((way == Way::Cached).then_some("cached"));
    let output = command.output().with_context(|| format!("cannot run {}", example.display()))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {}", example.display(), complaint.trim());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace()
        .map(|word| word.parse().with_context(|| format!("{text:?} is no number")))
        .collect()
}

/// Ours and raw in turn, so that both meet the same machine in the same minutes.
fn registering(example: &Path, database: &Database, way: Way) -> Result<()> {
    let name = way.of(database.server().kind().name());
    for (what, reset) in [("new", "DELETE FROM services"), ("known", "")] {
        let raw = match database.server().kind() {
            Kind::MariaDb => Some(logged(example, database, reset, way)?),
            Kind::Postgres => None, // its log is a file, and shows values apart
        };
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            database.ask(reset)?;
            let took = ask(example, "register", database, REGISTERED, way)?;
            ours.extend(took.first().map(|us| us / 1e3));
            if let Some(raw) = &raw {
                database.ask(reset)?;
                floor.push(replayed(database, raw)?);
            }
        }
        let ours = median(ours).context("no figure")?;
        println!("| register {REGISTERED} {what} back ends, {name} | {ours:.1} ms | |");
        if let (Some(floor), Some(raw)) = (median(floor), raw) {
            let each = raw.len() as f64 / REGISTERED as f64;
            println!("| the same statements raw, {each:.1} per back end | {floor:.1} ms | |");
            // Preparing is a round trip more for each.
            let target = if way == Way::Cached { "≤ 1.3" } else { "≤ 2.6" };
            println!("| ratio, {what} back ends, {name} | {:.2} | {target} |", ours / floor);
        }
    }
    Ok(())
}

/// The statements of our registrations as MariaDB logs them.
fn logged(example: &Path, database: &Database, reset: &str, way: Way) -> Result<Vec<String>> {
    database.ask(reset)?;
    // Values are shown only of what is prepared while the log is on.
    database.ask(
        "SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = 1",
    )?;
    let registered = ask(example, "register", database, REGISTERED, way);
    database.ask("SET GLOBAL general_log = 0")?;
    registered?;
    // The client escapes line ends and backslashes; our statements have neither.
    let lines = database.ask(
        "SELECT CAST(argument AS CHAR) FROM mysql.general_log WHERE user_host LIKE 'cinder[%' \
         AND command_type IN ('Query', 'Execute')",
    )?;
    let mut statements: Vec<_> = lines.into_iter().flatten().collect();
    // Opening, checking and warming up come first, one registration of which is a known row's.
    let first = statements.iter().position(|sql| sql.contains("'node1@b0'"));
    statements.drain(..first.context("the log shows no registration")?);
    Ok(statements)
}

/// Milliseconds between the first statement and the last, by the server's clock.
fn replayed(database: &Database, statements: &[String]) -> Result<f64> {
    const NOW: &str = "SELECT CONCAT('at ', UNIX_TIMESTAMP(SYSDATE(6)))";
    let text = format!("{NOW};\n{};\n{NOW};\n", statements.join(";\n"));
    let answers = database.ask(&text)?;
    let times = answers.iter().filter_map(|row| row.first()?.strip_prefix("at ")?.parse().ok());
    let times: Vec<f64> = times.collect();
    match times[..] {
        [start, end] => Ok((end - start) * 1e3),
        _ => anyhow::bail!("{} times instead of two", times.len()),
    }
}

/// Time to the rows of all back ends, and connections per idle worker.
fn daemons(plan: &Plan, server: &Arc<Server>, features: &[&str]) -> Result<()> {
    let binary = match &plan.binary {
        Some(given) => given.canonicalize()?,
        None => cargo::build_daemon(features)?,
    };
    let mut subjects = vec![Subject::ours(&binary)];
    if let Some(line) = &plan.peer {
        subjects.push(Subject::peer(line)?);
    }
    let mut samples = vec![(Vec::new(), Vec::new()); subjects.len()];
    for turn in 0..plan.runs {
        for (at, (subject, (times, connections))) in subjects.iter().zip(&mut samples).enumerate() {
            eprintln!(
                "{}: {BACKENDS} back ends, start {} of {}",
                subject.name,
                turn + 1,
                plan.runs
            );
            let database = server.create(&format!("bench_{at}_{turn}"))?;
            let (time, idle) = start(&binary, subject, database)
                .with_context(|| format!("start {} of {}", turn + 1, subject.name))?;
            times.push(time);
            connections.push(idle);
        }
    }
    for (subject, (times, connections)) in subjects.iter().zip(samples) {
        let name = &subject.name;
        let of = |samples| median(samples).context("no figure");
        println!("| exec to {BACKENDS} rows on MariaDB, {name} | {:.0} ms | |", of(times)?);
        let target = if name == "ours" { "≤ 2" } else { "" };
        let idle = of(connections)?;
        println!("| connections per idle worker, {name} | {idle:.1} | {target} |");
    }
    Ok(())
}

/// One start on an empty database: milliseconds to the rows, and connections per worker.
fn start(binary: &Path, subject: &Subject, database: Database) -> Result<(f64, f64)> {
    let root = tempfile::Builder::new().prefix("cinder-bench-").tempdir()?;
    let setup = Setup::on(binary, root.path(), BACKENDS, DEFAULT_INTERVAL, database.clone())?;
    let waiting = {
        let database = database.clone();
        thread::spawn(move || database.ask(&until_there_are_rows()))
    };
    let sees = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'root' \
                AND db = DATABASE() AND info LIKE '%SLEEP%' AND id <> CONNECTION_ID()";
    wait_for("somebody to look at the table", limit(1), || {
        ensure!(database.ask(sees)?.concat() == ["1"]);
        Ok(())
    })?;
    let begun = Instant::now();
    let daemon = setup.scene.start_command(&mut setup.command(subject))?;
    let rows = waiting.join().expect("a question does not panic");
    let time = ms(begun);
    rows?;
    let idle = connections_per_worker(&daemon, &database)?;
    daemon.signal(Signal::SIGTERM)?;
    daemon.wait_exit(limit(BACKENDS))?;
    Ok((time, idle))
}

/// Lets the server look itself, every 2 ms: a client that asks so often would be in the way.
fn until_there_are_rows() -> String {
    let patience = limit(BACKENDS).as_secs();
    format!(
        "DELIMITER //\nBEGIN NOT ATOMIC\n\
         DECLARE begun DATETIME DEFAULT SYSDATE();\n\
         WHILE (SELECT COUNT(*) FROM services WHERE NOT deleted) < {BACKENDS} DO\n\
         IF TIMESTAMPDIFF(SECOND, begun, SYSDATE()) > {patience} THEN\n\
         SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the rows did not come';\nEND IF;\n\
         DO SLEEP(0.002);\nEND WHILE;\nEND //\n"
    )
}

/// Once every service has beaten, or could have, and so nothing more is to be started.
fn connections_per_worker(daemon: &Daemon, database: &Database) -> Result<f64> {
    let beaten = "SELECT COUNT(*) FROM services WHERE report_count > 0";
    let all = wait_with_pause("a heartbeat of each", limit(BACKENDS), millis(500), || {
        let answer = database.ask(beaten)?.concat();
        ensure!(answer == [BACKENDS.to_string()], "{answer:?}");
        Ok(())
    });
    if let Err(reason) = all {
        eprintln!("  connections of those that beat: {reason:#}");
    }
    let open = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'cinder' \
                AND db = DATABASE()";
    let open: f64 = database.ask(open)?.concat().concat().parse()?;
    Ok(open / daemon.workers().len() as f64)
}
