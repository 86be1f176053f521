//! The command line of `cargo xtask`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::budget::Times;
use crate::tally::Tally;
use crate::{bench, cargo, ci, e2e, mutants, scheduled, soak, suite, tidy};

/// Parses the command line and runs what it asks for.
///
/// # Errors
///
/// Whatever stops a command before it could count its results.
pub(crate) fn run() -> Result<ExitCode> {
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("e2e", chosen)) => end_to_end(chosen),
        Some(("bench", chosen)) => benchmark(chosen).map(|()| ExitCode::SUCCESS),
        Some(("soak", chosen)) => soak::run(&soak_plan(chosen)?).map(closing_line),
        Some(("mutants", chosen)) => mutants::run(&mutants_plan(chosen)).map(closing_line),
        Some(("scheduled", chosen)) => scheduled_steps(chosen),
        Some(("test", _)) => suite::run(&mut Times::default()).map(closing_line),
        Some(("tidy", _)) => tidy::run(cargo::root()),
        Some(("ci", _)) => ci::run(),
        _ => unreachable!("clap insists on one of the subcommands above"),
    }
}

fn command() -> Command {
    Command::new("cargo xtask")
        .about("End-to-end scenarios, benchmarks, house rules and CI")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(e2e_command())
        .subcommand(bench_command())
        .subcommand(soak_command())
        .subcommand(mutants_command())
        .subcommand(scheduled_command())
        .subcommand(Command::new("test").about("All tests of the workspace, then e2e"))
        .subcommand(Command::new("tidy").about("House rules that a program can check"))
        .subcommand(Command::new("ci").about("Everything a change has to pass"))
}

fn scheduled_command() -> Command {
    Command::new("scheduled")
        .about("Checks that take too long for every change: memory, fuzzing, mutants, chaos, soak")
        .arg(
            Arg::new("filter")
                .num_args(0..)
                .value_name("STEP")
                .help("Only steps whose name contains one of these"),
        )
        .arg(number("minutes", "NUMBER", "For each open-ended step").default_value("10"))
        .arg(path("bin", "PATH", "Use this binary for chaos and soak instead of building one"))
}

fn mutants_command() -> Command {
    Command::new("mutants")
        .about("Change the code in one place at a time and see whether a test notices")
        .arg(
            Arg::new("filter")
                .num_args(0..)
                .value_name("CRATE")
                .help("Only crates whose name contains one of these"),
        )
        .arg(
            Arg::new("shard")
                .long("shard")
                .value_name("N/M")
                .help("Only part N, from 0 on, of M parts of the changes"),
        )
}

fn e2e_command() -> Command {
    Command::new("e2e")
        .about("Run the real daemon in fresh directories and look at it from outside")
        .arg(
            Arg::new("filter")
                .num_args(0..)
                .value_name("FILTER")
                .help("Only scenarios whose name contains one of these"),
        )
        .arg(number("chaos", "SECONDS", "Break things at random for so long, instead"))
        .arg(number("seed", "NUMBER", "Repeat the chaos that printed this seed"))
        .arg(path("bin", "PATH", "Use this binary instead of building one"))
        .arg(
            Arg::new("list")
                .long("list")
                .action(ArgAction::SetTrue)
                .help("Print the names of the scenarios"),
        )
}

fn soak_command() -> Command {
    Command::new("soak")
        .about("Run the daemon for long under mild faults and look for what slowly becomes more")
        .arg(number("minutes", "NUMBER", "How long").default_value("30"))
        .arg(number("n", "BACKENDS", "How many back ends").default_value("6"))
        .arg(number("seed", "NUMBER", "Repeat the run that printed this seed"))
        .arg(path("bin", "PATH", "Use this binary instead of building one"))
}

fn bench_command() -> Command {
    Command::new("bench")
        .about("Measure any cinder-volume command line from outside")
        .args_conflicts_with_subcommands(true)
        .arg(
            Arg::new("peer").long("peer").value_name("CMD").help(
                "Measure this command line too, in turn with ours, on the same configuration",
            ),
        )
        .arg(number("peer-up-to", "N", "Measure the peer with at most so many back ends"))
        .args(measuring("1,3,50,200", "Numbers of back ends", "30"))
        .arg(number("kills", "NUMBER", "Workers killed per start").default_value("5"))
        .subcommand(
            Command::new("launcher")
                .about("Measure what supervising costs when the workers do nothing")
                .args(measuring("1,10,100,500,1000,2000", "Numbers of workers", "60")),
        )
        .subcommand(
            Command::new("database")
                .about("Measure what talking to a database server costs, beside raw SQL")
                .arg(Arg::new("peer").long("peer").value_name("CMD").help(
                    "Start this command line too, in turn with ours, on the same configuration",
                ))
                .arg(
                    number("runs", "NUMBER", "Starts of daemons; the median counts")
                        .default_value("5"),
                )
                .arg(path("bin", "PATH", "Use this binary instead of building one")),
        )
        .subcommand(
            Command::new("operations")
                .about("Measure what volumes cost, beside the same statements and file calls alone")
                .arg(number("count", "NUMBER", "Creates per turn").default_value("200"))
                .arg(
                    number("many", "NUMBER", "Operations over which memory is looked at")
                        .default_value("10000"),
                )
                .arg(
                    number("volumes", "NUMBER", "Volumes that a daemon finds at its start")
                        .default_value("100000"),
                )
                .arg(path("bin", "PATH", "Use this binary instead of building one")),
        )
        .subcommand(
            Command::new("rpc")
                .about("Measure calls over RabbitMQ, beside a bare echo by the same library")
                .arg(
                    Arg::new("peer")
                        .long("peer")
                        .action(ArgAction::SetTrue)
                        .help("Measure the original's server, too, from CINDER_PYTHON"),
                )
                .arg(number("runs", "NUMBER", "Turns; the median counts").default_value("5"))
                .arg(number("load", "SECONDS", "How long each load lasts").default_value("10"))
                .arg(number("idle", "SECONDS", "Length of the idle window").default_value("60"))
                .arg(
                    number("workers", "NUMBER", "Workers that wait for a broker")
                        .default_value("50"),
                )
                .arg(path("bin", "PATH", "Use this example `figures` instead of building one")),
        )
        .subcommand(
            Command::new("draw")
                .about("Draw the picture of figures written with --json")
                .arg(
                    Arg::new("figures")
                        .num_args(1..)
                        .required(true)
                        .value_name("JSON")
                        .value_parser(value_parser!(PathBuf))
                        .help("Files with figures; one subject may be spread over several"),
                )
                .arg(path("svg", "FILE", "Write the picture here").required(true)),
        )
}

/// What both measuring commands take.
fn measuring(sizes: &'static str, of_what: &'static str, idle: &'static str) -> [Arg; 6] {
    [
        Arg::new("n")
            .long("n")
            .value_name("N,…")
            .value_delimiter(',')
            .value_parser(value_parser!(usize))
            .default_value(sizes)
            .help(of_what),
        number("runs", "NUMBER", "Starts per figure; the median counts").default_value("5"),
        number("idle", "SECONDS", "Length of the idle window").default_value(idle),
        path("json", "FILE", "Write the figures here as well"),
        path("svg", "FILE", "Draw the picture of these figures here"),
        path("bin", "PATH", "Use this binary instead of building one"),
    ]
}

fn number(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(u64)).help(help)
}

fn path(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf)).help(help)
}

fn binary(matches: &ArgMatches) -> Result<PathBuf> {
    match matches.get_one::<PathBuf>("bin") {
        Some(given) => Ok(given.canonicalize()?),
        None => cargo::build_daemon(&cargo::database_features()),
    }
}

fn end_to_end(matches: &ArgMatches) -> Result<ExitCode> {
    let filters: Vec<String> =
        matches.get_many("filter").map(|all| all.cloned().collect()).unwrap_or_default();
    if matches.get_flag("list") {
        e2e::list(&filters);
        return Ok(ExitCode::SUCCESS);
    }
    let binary = binary(matches)?;
    let tally = match matches.get_one::<u64>("chaos") {
        Some(&length) => {
            let seed = matches.get_one("seed").copied();
            e2e::chaos(&binary, Duration::from_secs(length), seed)?
        }
        None => e2e::run(&binary, &filters, e2e::OnFailure::Count)?,
    };
    Ok(closing_line(tally))
}

fn scheduled_steps(matches: &ArgMatches) -> Result<ExitCode> {
    let given = matches.get_one::<PathBuf>("bin").map(|path| path.canonicalize()).transpose()?;
    let plan = scheduled::Plan {
        filters: matches.get_many("filter").map(|all| all.cloned().collect()).unwrap_or_default(),
        length: Duration::from_secs(60 * count(matches, "minutes")),
        binary: given,
    };
    Ok(closing_line(scheduled::run(&plan)))
}

fn mutants_plan(matches: &ArgMatches) -> mutants::Plan {
    mutants::Plan {
        shard: matches.get_one("shard").cloned(),
        filters: matches.get_many("filter").map(|all| all.cloned().collect()).unwrap_or_default(),
    }
}

fn soak_plan(matches: &ArgMatches) -> Result<soak::Plan> {
    Ok(soak::Plan {
        binary: binary(matches)?,
        length: Duration::from_secs(60 * count(matches, "minutes")),
        backends: usize::try_from(count(matches, "n"))?,
        seed: matches.get_one("seed").copied(),
    })
}

fn closing_line(tally: Tally) -> ExitCode {
    print!("{}", tally.unsteadiness());
    println!("{tally}");
    tally.exit_code()
}

fn benchmark(matches: &ArgMatches) -> Result<()> {
    match matches.subcommand() {
        Some(("launcher", chosen)) => bench::launcher::run(&launcher_plan(chosen)),
        Some(("database", chosen)) => bench::database::run(&bench::database::Plan {
            binary: chosen.get_one("bin").cloned(),
            peer: chosen.get_one("peer").cloned(),
            runs: count(chosen, "runs"),
        }),
        Some(("operations", chosen)) => {
            let number = |name| usize::try_from(count(chosen, name)).unwrap_or(usize::MAX);
            bench::operations::run(&bench::operations::Plan {
                binary: chosen.get_one("bin").cloned(),
                count: number("count"),
                many: number("many"),
                volumes: number("volumes"),
            })
        }
        Some(("rpc", chosen)) => bench::rpc::run(&rpc_plan(chosen)),
        Some(("draw", chosen)) => {
            let files: Vec<PathBuf> =
                chosen.get_many("figures").map(|all| all.cloned().collect()).unwrap_or_default();
            let picture: &PathBuf = chosen.get_one("svg").expect("clap insists on it");
            bench::draw(&files, picture)
        }
        _ => bench::run(&bench_plan(matches)),
    }
}

fn bench_plan(matches: &ArgMatches) -> bench::Plan {
    bench::Plan {
        binary: matches.get_one("bin").cloned(),
        peer: matches.get_one("peer").cloned(),
        peer_up_to: matches
            .get_one::<u64>("peer-up-to")
            .map_or(usize::MAX, |&most| usize::try_from(most).unwrap_or(usize::MAX)),
        sizes: sizes(matches),
        runs: count(matches, "runs"),
        kills: count(matches, "kills"),
        idle: Duration::from_secs(count(matches, "idle")),
        outputs: outputs(matches),
    }
}

fn rpc_plan(matches: &ArgMatches) -> bench::rpc::Plan {
    bench::rpc::Plan {
        binary: matches.get_one("bin").cloned(),
        peer: matches.get_flag("peer"),
        runs: count(matches, "runs"),
        load: Duration::from_secs(count(matches, "load")),
        idle: Duration::from_secs(count(matches, "idle")),
        workers: usize::try_from(count(matches, "workers")).unwrap_or(usize::MAX),
    }
}

fn launcher_plan(matches: &ArgMatches) -> bench::launcher::Plan {
    bench::launcher::Plan {
        binary: matches.get_one("bin").cloned(),
        sizes: sizes(matches),
        runs: count(matches, "runs"),
        idle: Duration::from_secs(count(matches, "idle")),
        outputs: outputs(matches),
    }
}

fn sizes(matches: &ArgMatches) -> Vec<usize> {
    matches.get_many("n").map(|all| all.copied().collect()).unwrap_or_default()
}

fn outputs(matches: &ArgMatches) -> bench::Outputs {
    bench::Outputs { json: matches.get_one("json").cloned(), svg: matches.get_one("svg").cloned() }
}

/// At least one: nothing was ever measured in no time or no turns.
fn count(matches: &ArgMatches, name: &str) -> u64 {
    matches.get_one::<u64>(name).copied().unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn bench_takes_a_list_of_sizes() {
        let words = ["x", "bench", "--n", "1,3", "--peer", "python cinder-volume"];
        let matches = command().get_matches_from(words);
        let plan = bench_plan(matches.subcommand_matches("bench").unwrap());
        assert_eq!(plan.sizes, [1, 3]);
        assert_eq!(plan.peer.as_deref(), Some("python cinder-volume"));
        assert_eq!((plan.runs, plan.peer_up_to), (5, usize::MAX));
    }

    #[test]
    fn bench_rpc_measures_the_peer_only_if_it_is_told() {
        for (words, peer) in [(&["--peer"][..], true), (&[], false)] {
            let words = [&["x", "bench", "rpc", "--load", "3"], words].concat();
            let matches = command().get_matches_from(words);
            let (_, chosen) = matches.subcommand_matches("bench").unwrap().subcommand().unwrap();
            let plan = rpc_plan(chosen);
            assert_eq!((plan.peer, plan.load, plan.workers), (peer, Duration::from_secs(3), 50));
        }
    }

    #[test]
    fn bench_launcher_has_sizes_of_its_own() {
        let matches = command().get_matches_from(["x", "bench", "launcher", "--svg", "a.svg"]);
        let (_, chosen) = matches.subcommand_matches("bench").unwrap().subcommand().unwrap();
        let plan = launcher_plan(chosen);
        assert_eq!(plan.sizes, [1, 10, 100, 500, 1000, 2000]);
        assert_eq!(plan.idle, Duration::from_secs(60));
        assert_eq!(plan.outputs.svg.unwrap().to_str(), Some("a.svg"));
    }
}
