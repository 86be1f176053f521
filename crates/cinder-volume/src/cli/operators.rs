//! `operations`, `operation`, `drain`: the words with which operators look at what back ends do, and steer it. Must not: do
//! anything.

use clap::{Arg, ArgMatches, Command};

use super::{Task, flag};

/// What of the operations is to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// `--backend`: only this one's.
    pub backend: Option<String>,
    /// `--json`.
    pub json: bool,
    /// `--watch`.
    pub watch: bool,
}

/// Whether back ends are to take work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DrainWish {
    /// `--backend`: only this one.
    pub backend: Option<String>,
    /// `--json`.
    pub json: bool,
    /// `--undo`.
    pub undo: bool,
}

/// What is to be given up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AbandonWish {
    /// The key of the volume or snapshot.
    pub id: String,
    /// `--backend`; without it the only one there is.
    pub backend: Option<String>,
    /// `--json`.
    pub json: bool,
}

fn backend(help: &'static str) -> Arg {
    Arg::new("backend").long("backend").value_name("NAME").help(help)
}

fn json() -> Arg {
    flag("json", "Print JSON")
}

/// The subcommands.
pub(super) fn commands(with_options: &dyn Fn(Command) -> Command) -> Vec<Command> {
    let only = "Only this back end, as in enabled_backends";
    vec![
        with_options(Command::new("operations").about(
            "Print what the back ends of the running daemon are doing, what waits, and the last 50 \
             operations that have ended, by its health server. Exit 0, or 2 if that does not answer",
        ))
        .arg(backend(only))
        .arg(json())
        .arg(flag("watch", "Print it again every two seconds")),
        Command::new("operation")
            .about("One operation of a back end")
            .subcommand_required(true)
            .subcommand(
                with_options(Command::new("abandon").about(
                    "Give up an operation that a crash has interrupted and that is not running: its \
                     volume or snapshot gets the status that the original gives. Exit 0 if that is \
                     done, 3 if it is running or there is none, 4 if nobody answered",
                ))
                .arg(Arg::new("id").required(true).value_name("ID").help("Of the volume or snapshot"))
                .arg(backend("Its back end; not needed if there is one only"))
                .arg(json()),
            ),
        with_options(Command::new("drain").about(
            "Have back ends of this configuration take no new work, also after a restart, and print \
             what still runs. Exit 0 if they know, 4 if one could not be told and will find out by itself",
        ))
        .arg(backend(only))
        .arg(flag("undo", "Have them take work again"))
        .arg(json()),
    ]
}

/// What one of them wants.
pub(super) fn task(path: &[&str], matches: &ArgMatches) -> Task {
    let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
    let set = |name: &str| matches.try_get_one::<bool>(name).ok().flatten() == Some(&true);
    let (backend, json) = (text("backend"), set("json"));
    match path {
        ["drain"] => Task::Drain(DrainWish { backend, json, undo: set("undo") }),
        ["operation", ..] => {
            Task::Abandon(AbandonWish { id: text("id").unwrap_or_default(), backend, json })
        }
        _ => Task::Operations(Shown { backend, json, watch: set("watch") }),
    }
}
