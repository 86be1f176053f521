//! `operations` and its like: the words with which operators look at what back ends do, and steer it. Must not: do
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

fn backend() -> Arg {
    Arg::new("backend")
        .long("backend")
        .value_name("NAME")
        .help("Only this back end, as in enabled_backends")
}

/// The subcommands.
pub(super) fn commands(with_options: &dyn Fn(Command) -> Command) -> Vec<Command> {
    vec![
        with_options(Command::new("operations").about(
            "Print what the back ends of the running daemon are doing, what waits, and the last 50 \
             operations that have ended, by its health server. Exit 0, or 2 if that does not answer",
        ))
        .arg(backend())
        .arg(flag("json", "Print JSON"))
        .arg(flag("watch", "Print it again every two seconds")),
    ]
}

/// What one of them wants.
pub(super) fn task(name: &str, matches: &ArgMatches) -> Task {
    let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
    let set = |name: &str| matches.try_get_one::<bool>(name).ok().flatten() == Some(&true);
    let _ = name;
    Task::Operations(Shown { backend: text("backend"), json: set("json"), watch: set("watch") })
}
