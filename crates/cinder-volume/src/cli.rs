//! The command line: upstream's options, and our subcommands.
//!
//! No option has a default here: a default would hide the value of a file.

mod layout;
pub(crate) mod operators;
#[cfg(test)]
mod papers;
pub(crate) mod volume;

use std::ffi::OsString;

use cinder_conf::cli::{Arguments, Refusal};
use cinder_conf::{Item, cinder};
use cinder_types::UPSTREAM_VERSION;
use clap::{Arg, ArgAction, ArgMatches, Command};
use clap_complete::{Shell, generate};

use crate::exit::{self, Failure};
use crate::surroundings::Surroundings;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Run the daemon; with a name, only that back end.
    Run {
        /// `--backend_name`.
        only: Option<String>,
    },
    /// `config check`.
    Check {
        /// Warnings fail, too.
        strict: bool,
        /// One JSON object instead of lines.
        json: bool,
        /// `--backend_name`: as if this one were to run alone.
        only: Option<String>,
    },
    /// `config dump`.
    Dump,
    /// `config sample`.
    Sample,
    /// `config explain`.
    Explain {
        /// The option's name, with or without its group.
        option: String,
    },
    /// `db init`.
    InitDatabase,
    /// `status`.
    Status {
        /// JSON instead of a table.
        json: bool,
        /// Again and again, until somebody interrupts.
        watch: bool,
    },
    /// `status --check`.
    CheckUp {
        /// How many of the back ends have to be up.
        wanted: Wanted,
        /// `--backend_name`: look at this one only.
        only: Option<String>,
    },
    /// `report`.
    Report(Wish),
    /// `call`.
    Call(Call),
    /// `volume`.
    Volume(volume::VolumeWish),
    /// `operations`.
    Operations(operators::Shown),
    /// `operation abandon`.
    Abandon(operators::AbandonWish),
    /// `drain`.
    Drain(operators::DrainWish),
    /// `status --alive`.
    Alive {
        /// The daemon's parent process.
        pid: i32,
    },
}

/// Which reports are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// `--pid`: this daemon, or this worker alone.
    pub pid: Option<i32>,
    /// `--worker`: only these back ends.
    pub workers: Vec<String>,
    /// `--json`.
    pub json: bool,
}

/// What is to be said over the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// Name of the method.
    pub method: String,
    /// `--arg`: names and values, in the order given.
    pub arguments: Vec<(String, String)>,
    /// `--json`: all arguments as one text.
    pub json: Option<String>,
    /// `--backend`.
    pub backend: String,
    /// `--cast`.
    pub cast: bool,
    /// `--timeout`, in seconds.
    pub timeout: Option<u64>,
    /// `--rpc-version`.
    pub version: Option<String>,
}

/// How many back ends have to be up for a check to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Every one of them.
    All,
    /// One is enough.
    Any,
}

/// A command line that was understood.
#[derive(Debug)]
pub(crate) struct CommandLine {
    /// What is to be done.
    pub task: Task,
    /// Files, directories and options in the order given.
    pub items: Vec<Item>,
}

/// Parses the command line.
///
/// # Errors
///
/// [`Failure::Told`] after help and version have been printed, or the refusal with status 2.
pub(crate) fn parse(surroundings: &Surroundings) -> Result<CommandLine, Failure> {
    let arguments = cinder::arguments();
    let mut command = command(&arguments, &surroundings.name);
    if let Some(shell) = completion_wanted(&surroundings.arguments) {
        return Err(completion(shell, &mut command));
    }
    let words: Vec<OsString> = surroundings.arguments.iter().map(OsString::from).collect();
    let matches = arguments.parse(command, &words).map_err(refused)?;
    let (task, items) = understand(&arguments, &matches);
    Ok(CommandLine { task, items })
}

fn refused(refusal: Refusal) -> Failure {
    Failure::Refused { stdout: refusal.stdout, stderr: refusal.stderr, status: refusal.code.into() }
}

/// The shell to write a completion script for. Only the very first word may ask for it
/// (`spec/config.md` §7).
fn completion_wanted(words: &[String]) -> Option<Shell> {
    let option = words.first()?.strip_prefix("--shell_completion")?;
    let name = match option.strip_prefix('=') {
        Some(name) => name,
        None if option.is_empty() => words.get(1)?,
        None => return None,
    };
    match name {
        "bash" => Some(Shell::Bash),
        "zsh" => Some(Shell::Zsh),
        _ => None, // refused with the other mistakes
    }
}

fn completion(shell: Shell, command: &mut Command) -> Failure {
    Failure::Refused { stdout: script(shell, command), stderr: String::new(), status: exit::OK }
}

/// A script that completes command lines.
///
/// `clap_complete` 4.6 gives bash names of subcommands that do not match each other if there is a dash in the
/// program's, so that nothing is completed behind one; it gets a name without.
fn script(shell: Shell, command: &mut Command) -> String {
    let name = command.get_name().to_owned();
    let plain = if shell == Shell::Bash { name.replace('-', "_") } else { name.clone() };
    let mut command = command.clone().name(plain.clone()).bin_name(plain.clone());
    let mut script = Vec::new();
    generate(shell, &mut command, plain.clone(), &mut script);
    let script = String::from_utf8_lossy(&script);
    // Where it says which program it is for, at the end of a line.
    script.replace(&format!(" {plain}\n"), &format!(" {name}\n"))
}

fn command(arguments: &Arguments<'_>, name: &str) -> Command {
    let with_options = |command: Command| command.args(arguments.args());
    let json = || flag("json", "Print JSON");
    let config = Command::new("config")
        .about("Look at the configuration; touches neither network nor state")
        .subcommand_required(true)
        .subcommand(
            with_options(Command::new("check").about("Report every problem, with file and line"))
                .arg(flag("strict", "Fail on warnings, too"))
                .arg(
                    Arg::new("format")
                        .long("format")
                        .value_parser(["text", "json"])
                        .help("How to print the problems"),
                ),
        )
        .subcommand(with_options(
            Command::new("dump").about("Print every option in force and where it comes from"),
        ))
        .subcommand(Command::new("sample").about("Print an annotated sample file"))
        .subcommand(
            with_options(Command::new("explain").about("Print all that is known of one option"))
                .arg(Arg::new("option").required(true).value_name("OPTION")),
        );
    let db =
        Command::new("db").about("The embedded database").subcommand_required(true).subcommand(
            with_options(Command::new("init").about("Create the SQLite file if it does not exist")),
        );
    let status = with_options(Command::new("status").about(
        "Print the service table, with what the health server of this node knows. Exit 0 if this \
         configuration's back ends are up, 1 if not all are, 2 if nobody can tell",
    ))
    .arg(json())
    .arg(flag("watch", "Print it again every two seconds"))
    .arg(
        Arg::new("check")
            .long("check")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("all")
            .value_parser(["all", "any"])
            .value_name("HOW_MANY")
            .conflicts_with_all(["json", "alive", "watch"])
            .help(
                "Exit 0 if all (or any) of this configuration's back ends, or the one of \
                     --backend_name, are up by their heartbeat; 3 if not",
            ),
    )
    .arg(
        Arg::new("alive")
            .long("alive")
            .value_name("PID")
            .value_parser(whole::<i32>(1, i32::MAX.into()))
            .allow_negative_numbers(true)
            .conflicts_with_all(["json", "watch"])
            .help("Exit 0 if the daemon with this process id still reacts; 3 if not"),
    );
    let command = arguments
        .command(name, UPSTREAM_VERSION)
        .disable_help_subcommand(false)
        .about("OpenStack Block Storage volume service")
        .after_help(format!(
            "This is cinder-volume in Rust {}, compatible with Cinder {UPSTREAM_VERSION}.",
            env!("CARGO_PKG_VERSION")
        ))
        .subcommands([
            config,
            db,
            status,
            with_options(report_command()),
            with_options(call_command()),
            volume::command(&with_options),
        ])
        .subcommands(operators::commands(&with_options));
    layout::of(command)
}

/// Reads a whole number within these bounds, and says what is wanted where that fails.
fn whole<T>(
    from: i64,
    to: i64,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: TryFrom<i64> + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse().ok().filter(|number| (from..=to).contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| format!("it has to be a whole number from {from} to {to}"))
    }
}

fn report_command() -> Command {
    Command::new("report")
        .about("Print what a running daemon and its workers are doing")
        .arg(flag("json", "Print JSON"))
        .arg(
            Arg::new("pid")
                .long("pid")
                .value_name("PID")
                .value_parser(whole::<i32>(1, i32::MAX.into()))
                .allow_negative_numbers(true)
                .help("The daemon, or one worker of it; without, the daemon of this configuration"),
        )
        .arg(
            Arg::new("worker")
                .long("worker")
                .value_name("BACKEND")
                .action(ArgAction::Append)
                .help("Only the worker of this back end; may be given more than once"),
        )
}

fn call_command() -> Command {
    Command::new("call")
        .about(
            "Call a method of a volume service over the message bus and print what comes of it as \
             JSON. Exit 0 with a result, 3 if the method failed, 4 if nobody answered, 1 if it \
             could not be asked",
        )
        .arg(Arg::new("method").required(true).value_name("METHOD"))
        .arg(
            Arg::new("backend")
                .long("backend")
                .required(true)
                .value_name("NAME")
                .help("The back end to ask, as in enabled_backends, or a service as in its row"),
        )
        .arg(
            Arg::new("arg")
                .long("arg")
                .action(ArgAction::Append)
                .value_name("NAME=VALUE")
                .value_parser(argument)
                .help("One argument; its value is JSON if it can be read so, and text if not"),
        )
        .arg(
            Arg::new("arguments")
                .long("json")
                .value_name("TEXT")
                .conflicts_with("arg")
                .help("All arguments as one JSON object"),
        )
        .arg(flag("cast", "Ask without waiting for an answer"))
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECONDS")
                .value_parser(whole::<u64>(1, 86_400))
                .allow_negative_numbers(true)
                .conflicts_with("cast")
                .help("Wait so long for an answer instead of rpc_response_timeout"),
        )
        .arg(
            Arg::new("rpc-version")
                .long("rpc-version")
                .value_name("VERSION")
                .help("The version of the interface that is asked for; 3.20 by default"),
        )
}

/// A name and a value.
fn argument(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("not of the form NAME=VALUE".to_owned()),
    }
}

fn call(matches: &ArgMatches) -> Task {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let arguments = matches.get_many::<(String, String)>("arg").into_iter().flatten();
    Task::Call(Call {
        method: text("method").unwrap_or_default(),
        arguments: arguments.cloned().collect(),
        json: text("arguments"),
        backend: text("backend").unwrap_or_default(),
        cast: matches.get_flag("cast"),
        timeout: matches.get_one("timeout").copied(),
        version: text("rpc-version"),
    })
}

fn report(matches: &ArgMatches) -> Task {
    let workers = matches.get_many::<String>("worker").into_iter().flatten();
    Task::Report(Wish {
        pid: matches.get_one("pid").copied(),
        workers: workers.cloned().collect(),
        json: matches.get_flag("json"),
    })
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn understand(arguments: &Arguments<'_>, matches: &ArgMatches) -> (Task, Vec<Item>) {
    let mut items = arguments.items(matches);
    let mut path = Vec::new();
    let mut inner = matches;
    while let Some((name, matches)) = inner.subcommand() {
        path.push(name);
        inner = matches;
    }
    if !path.is_empty() {
        items.extend(arguments.items(inner));
    }
    let set = |name: &str| inner.try_get_one::<bool>(name).ok().flatten() == Some(&true);
    let format = inner.try_get_one::<String>("format").ok().flatten();
    let task = match path.as_slice() {
        ["config", "check"] => {
            let json = format.is_some_and(|format| format == "json");
            Task::Check { strict: set("strict"), json, only: backend_name(&items) }
        }
        ["config", "dump"] => Task::Dump,
        ["config", "sample"] => Task::Sample,
        ["config", "explain"] => {
            let option = inner.get_one::<String>("option").cloned().unwrap_or_default();
            Task::Explain { option }
        }
        ["db", "init"] => Task::InitDatabase,
        ["report"] => report(inner),
        ["call"] => call(inner),
        ["volume", rest @ ..] => volume::task(rest, inner),
        ["operations" | "operation" | "drain", ..] => operators::task(&path, inner),
        ["status"] => status(inner, backend_name(&items)),
        _ => Task::Run { only: backend_name(&items) },
    };
    (task, items)
}

fn status(matches: &ArgMatches, only: Option<String>) -> Task {
    if let Some(&pid) = matches.get_one("alive") {
        return Task::Alive { pid };
    }
    match matches.get_one::<String>("check").map(String::as_str) {
        None => Task::Status { json: matches.get_flag("json"), watch: matches.get_flag("watch") },
        Some("any") => Task::CheckUp { wanted: Wanted::Any, only },
        Some(_) => Task::CheckUp { wanted: Wanted::All, only },
    }
}

/// The last `--backend_name`, which is meant for this process and not for the configuration.
fn backend_name(items: &[Item]) -> Option<String> {
    items.iter().rev().find_map(|item| match item {
        Item::Value { dest, text, .. } if dest == "backend_name" => Some(text.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<CommandLine, Failure> {
        let arguments = words.iter().map(|word| (*word).to_owned()).collect();
        parse(&Surroundings { name: "cinder-volume".into(), arguments, ..Default::default() })
    }

    fn task(words: &[&str]) -> Task {
        parsed(words).unwrap().task
    }

    #[test]
    fn without_a_subcommand_the_daemon_runs() {
        assert_eq!(task(&["--config-file", "x"]), Task::Run { only: None });
        assert_eq!(task(&["--backend_name=b1"]), Task::Run { only: Some("b1".into()) });
    }

    #[test]
    fn subcommands_take_options_before_and_behind() {
        let line = parsed(&["--debug", "config", "check", "--strict", "--config-file=x"]).unwrap();
        assert_eq!(line.task, Task::Check { strict: true, json: false, only: None });
        assert_eq!(line.items.len(), 2);
        assert_eq!(
            task(&["config", "check", "--format", "json"]),
            Task::Check { strict: false, json: true, only: None }
        );
        assert_eq!(task(&["config", "dump"]), Task::Dump);
        assert_eq!(task(&["config", "sample"]), Task::Sample);
        let explain = Task::Explain { option: "report_interval".into() };
        assert_eq!(task(&["config", "explain", "report_interval"]), explain);
        assert_eq!(task(&["db", "init"]), Task::InitDatabase);
        assert_eq!(task(&["status", "--json"]), Task::Status { json: true, watch: false });
        assert_eq!(task(&["status", "--watch"]), Task::Status { json: false, watch: true });
    }

    #[test]
    fn the_probes_are_modes_of_status() {
        let check = |wanted, only: Option<&str>| {
            let only = only.map(str::to_owned);
            Task::CheckUp { wanted, only }
        };
        assert_eq!(task(&["status", "--check"]), check(Wanted::All, None));
        assert_eq!(task(&["status", "--check=any"]), check(Wanted::Any, None));
        let one = ["--backend_name", "b", "status", "--check"];
        assert_eq!(task(&one), check(Wanted::All, Some("b")));
        assert_eq!(task(&["status", "--alive", "1"]), Task::Alive { pid: 1 });
        for wrong in [
            ["--alive", "0"],
            ["--check=some", "--debug"],
            ["--check", "--json"],
            ["--check", "--watch"],
        ] {
            let words = [&["status"][..], &wrong].concat();
            assert!(matches!(parsed(&words), Err(Failure::Refused { status: 2, .. })), "{wrong:?}");
        }
    }

    #[test]
    fn a_report_is_of_everybody_or_of_some() {
        let wish = |pid, workers: &[&str], json| {
            let workers = workers.iter().map(|name| (*name).to_owned()).collect();
            Task::Report(Wish { pid, workers, json })
        };
        assert_eq!(task(&["report"]), wish(None, &[], false));
        let words = ["report", "--worker", "a", "--json", "--worker=b", "--config-file=x"];
        assert_eq!(task(&words), wish(None, &["a", "b"], true));
        assert_eq!(task(&["report", "--pid", "7"]), wish(Some(7), &[], false));
    }

    #[test]
    fn a_mistake_behind_a_subcommand_is_answered_with_what_that_takes() {
        for (words, usage, said) in [
            (
                &["status", "--chek"][..],
                "cinder-volume status [OPTIONS]",
                &["'--chek'", "'--check'"][..],
            ),
            (&["status", "--check=al"], "cinder-volume status [OPTIONS]", &["'al'", "all, any"]),
            (&["config", "chek"], "cinder-volume config <COMMAND>", &["'chek'", "'check'"]),
            (&["config"], "cinder-volume config <COMMAND>", &["check, dump, sample, explain"]),
            (
                &["config", "check", "--format", "xml"],
                "cinder-volume config check [OPTIONS]",
                &["text, json"],
            ),
            (
                &["config", "explain"],
                "cinder-volume config explain [OPTIONS] <OPTION>",
                &["<OPTION>"],
            ),
            (&["volume", "show"], "cinder-volume volume show [OPTIONS] <VOLUME>", &["<VOLUME>"]),
            // `--backend` is the subcommand's, and abbreviates nothing there.
            (
                &["call", "x", "--backend", "a", "--timeout", "soon"],
                "cinder-volume call [OPTIONS] --backend <NAME> <METHOD>",
                &["'soon'", "--timeout", "whole number from 1 to 86400"],
            ),
            (
                &["volume", "create", "--backend", "a", "--size", "-1"],
                "cinder-volume volume create [OPTIONS]",
                &["'-1'", "--size", "whole number from 1 to 2147483647"],
            ),
        ] {
            let Err(Failure::Refused { stderr, status: 2, .. }) = parsed(words) else {
                panic!("{words:?}")
            };
            assert!(stderr.starts_with(&format!("usage: {usage}")), "{words:?}: {stderr}");
            assert!(said.iter().all(|text| stderr.contains(text)), "{words:?}: {stderr}");
            assert!(stderr.contains("\ncinder-volume: error: "), "{words:?}: {stderr}");
        }
    }

    #[test]
    fn help_is_a_word_too_and_short_or_long_within_eighty_columns() {
        let help = |words: &[&str]| match parsed(words) {
            Err(Failure::Refused { stdout, status: 0, .. }) => stdout,
            other => panic!("{words:?}: {other:?}"),
        };
        assert_eq!(help(&["help"]), help(&["--help"]));
        assert_eq!(help(&["help", "config", "check"]), help(&["config", "check", "--help"]));
        for words in [&["status"][..], &["config", "check"], &["volume", "create"], &[]] {
            let (short, long) =
                (help(&[words, &["-h"]].concat()), help(&[words, &["--help"]].concat()));
            assert!(short.lines().count() < long.lines().count(), "{words:?}: {short}");
            assert!(long.lines().all(|line| line.chars().count() <= 80), "{words:?}: {long}");
            assert!(long.contains("Configuration:"), "{words:?}: {long}");
        }
    }

    #[test]
    fn a_completion_script_is_printed_when_the_first_word_asks_for_it() {
        for words in [vec!["--shell_completion", "bash"], vec!["--shell_completion=zsh"]] {
            match parsed(&words) {
                Err(Failure::Refused { stdout, status: 0, .. }) => {
                    assert!(stdout.contains("config-file"), "{stdout}");
                }
                other => panic!("{words:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn version_and_mistakes_are_refusals_with_upstreams_status() {
        for (words, status, text) in [
            (["--version"], 0, "29.0.0\n"),
            (["--nope"], 2, "unrecognized arguments: --nope"),
            (["config"], 2, "cinder-volume: error: "),
            (["statsu"], 2, "unrecognized arguments: statsu\n  did you mean status?\n"),
            (
                ["--confg-file"],
                2,
                "unrecognized arguments: --confg-file\n  did you mean --config-file?\n",
            ),
        ] {
            match parsed(&words) {
                Err(Failure::Refused { stdout, stderr, status: got }) => {
                    assert_eq!(got, status, "{words:?}");
                    assert!(format!("{stdout}{stderr}").contains(text), "{stdout}{stderr}");
                }
                other => panic!("{words:?}: {other:?}"),
            }
        }
    }
}
