//! The command line of `cargo xtask`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::tally::Tally;
use crate::{bench, cargo, ci, e2e, suite, tidy};

/// Parses the command line and runs what it asks for.
///
/// # Errors
///
/// Whatever stops a command before it could count its results.
pub(crate) fn run() -> Result<ExitCode> {
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("e2e", chosen)) => end_to_end(chosen),
        Some(("bench", chosen)) => bench::run(&bench_plan(chosen)).map(|()| ExitCode::SUCCESS),
        Some(("test", _)) => suite::run().map(closing_line),
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
        .subcommand(Command::new("test").about("All tests of the workspace, then e2e"))
        .subcommand(Command::new("tidy").about("House rules that a program can check"))
        .subcommand(Command::new("ci").about("Everything a change has to pass"))
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

fn bench_command() -> Command {
    Command::new("bench")
        .about("Measure any cinder-volume command line from outside")
        .arg(
            Arg::new("peer").long("peer").value_name("CMD").help(
                "Measure this command line too, in turn with ours, on the same configuration",
            ),
        )
        .arg(
            Arg::new("n")
                .long("n")
                .value_name("N,…")
                .value_delimiter(',')
                .value_parser(value_parser!(usize))
                .default_value("1,3,50,200")
                .help("Numbers of back ends"),
        )
        .arg(number("runs", "NUMBER", "Starts per figure; the median counts").default_value("5"))
        .arg(number("kills", "NUMBER", "Workers killed per start").default_value("5"))
        .arg(number("idle", "SECONDS", "Length of the idle window").default_value("30"))
        .arg(path("json", "FILE", "Write the figures here as well"))
        .arg(path("bin", "PATH", "Use this binary instead of building one"))
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
        None => cargo::build_daemon(),
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
        None => e2e::run(&binary, &filters)?,
    };
    Ok(closing_line(tally))
}

fn closing_line(tally: Tally) -> ExitCode {
    println!("{tally}");
    tally.exit_code()
}

fn bench_plan(matches: &ArgMatches) -> bench::Plan {
    let count = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or(1);
    bench::Plan {
        binary: matches.get_one("bin").cloned(),
        peer: matches.get_one("peer").cloned(),
        sizes: matches.get_many("n").map(|all| all.copied().collect()).unwrap_or_default(),
        runs: count("runs").max(1),
        kills: count("kills").max(1),
        idle: Duration::from_secs(count("idle").max(1)),
        json: matches.get_one("json").cloned(),
    }
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
        assert_eq!(plan.runs, 5);
    }
}
