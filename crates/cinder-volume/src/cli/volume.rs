//! `volume`: the words of the standalone use. Must not: do anything.

use clap::{Arg, ArgMatches, Command};

use super::{Task, flag};

/// What is wanted of volumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VolumeWish {
    /// What to do.
    pub act: Act,
    /// `--backend`; without it the only one there is.
    pub backend: Option<String>,
    /// `--json`.
    pub json: bool,
    /// `--wait`.
    pub wait: bool,
    /// `--force`: also where a scheduler is alive.
    pub force: bool,
}

/// What to do with volumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Make one, empty or from something.
    Create {
        name: Option<String>,
        size: Option<i32>,
        from_volume: Option<String>,
        from_snapshot: Option<String>,
    },
    /// Show all.
    List,
    /// Show one.
    Show { volume: String },
    /// Make one larger.
    Extend { volume: String, size: i32 },
    /// Delete one.
    Delete { volume: String },
    /// Make a snapshot of one.
    CreateSnapshot { volume: String, name: Option<String> },
    /// Show all snapshots.
    ListSnapshots,
    /// Delete a snapshot.
    DeleteSnapshot { snapshot: String },
    /// Give a volume the data back that its latest snapshot has.
    Revert { snapshot: String },
    /// Make one reachable, and say how.
    Connect { volume: String },
    /// Take that back.
    Disconnect { volume: String },
    /// Compare rows and storage.
    Orphans,
}

/// Makes subcommands with the options that all of them have.
struct Commands<'a>(&'a dyn Fn(Command) -> Command);

impl Commands<'_> {
    fn looking(&self, name: &'static str, about: &'static str) -> Command {
        (self.0)(Command::new(name).about(about))
            .arg(
                Arg::new("backend")
                    .long("backend")
                    .value_name("NAME")
                    .help("The back end, as in enabled_backends; not needed if there is one only"),
            )
            .arg(flag("json", "Print JSON"))
    }

    fn changing(&self, name: &'static str, about: &'static str) -> Command {
        self.looking(name, about)
            .arg(flag("wait", "Wait until it is done"))
            .arg(flag("force", "Also where a scheduler is alive, which does not count this volume"))
    }

    fn create(&self) -> Command {
        self.changing("create", "Make a volume")
            .arg(size())
            .arg(name())
            .arg(
                Arg::new("from-volume")
                    .long("from-volume")
                    .value_name("VOLUME")
                    .conflicts_with("from-snapshot")
                    .help("With the data of this volume"),
            )
            .arg(
                Arg::new("from-snapshot")
                    .long("from-snapshot")
                    .value_name("SNAPSHOT")
                    .help("With the data of this snapshot"),
            )
    }

    fn snapshots(&self) -> Command {
        Command::new("snapshot")
            .about("Snapshots of volumes")
            .subcommand_required(true)
            .subcommand(self.changing("create", "Make a snapshot").arg(volume()).arg(name()))
            .subcommand(self.looking("list", "Show all snapshots"))
            .subcommand(self.changing("delete", "Delete a snapshot").arg(snapshot()))
    }
}

fn volume() -> Arg {
    Arg::new("volume").required(true).value_name("VOLUME")
}

fn snapshot() -> Arg {
    Arg::new("snapshot").required(true).value_name("SNAPSHOT")
}

fn name() -> Arg {
    Arg::new("name").long("name").value_name("NAME").help("A name for it")
}

fn size() -> Arg {
    Arg::new("size")
        .long("size")
        .value_name("GIB")
        .value_parser(super::whole::<i32>(1, i32::MAX.into()))
        .allow_negative_numbers(true)
        .help("Its size in GiB")
}

pub(super) fn command(with_options: &dyn Fn(Command) -> Command) -> Command {
    let all = Commands(with_options);
    Command::new("volume")
        .about(
            "Volumes on one machine without OpenStack: writes the rows that its API would write and asks the \
             service over the message bus. Exit 0 if it is done or under way, 3 if it failed, 4 if \
             nobody answered, 1 if it could not be asked",
        )
        .subcommand_required(true)
        .subcommands([
            all.create(),
            all.changing("clone", "Make a volume with the data of another")
                .arg(volume())
                .arg(size())
                .arg(name()),
            all.looking("list", "Show all volumes"),
            all.looking("show", "Show a volume").arg(volume()),
            all.changing("extend", "Make a volume larger").arg(volume()).arg(size().required(true)),
            all.changing("delete", "Delete a volume").arg(volume()),
            all.snapshots(),
            all.changing("revert", "Give a volume the data back that its latest snapshot has")
                .arg(snapshot()),
            all.looking("connect", "Make a volume reachable and print how; may hold secrets")
                .arg(volume()),
            all.looking("disconnect", "Take that back").arg(volume()),
            all.looking(
                "orphans",
                "Print what is stored without a row, and rows whose data are gone; changes nothing. Exit 0 if \
                 there is neither, 3 if there is or the driver cannot say, 4 if nobody answered",
            ),
        ])
}

/// What `volume` with these words wants.
pub(super) fn task(path: &[&str], matches: &ArgMatches) -> Task {
    let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
    let set = |name: &str| matches.try_get_one::<bool>(name).ok().flatten() == Some(&true);
    let size = matches.try_get_one::<i32>("size").ok().flatten().copied();
    let volume = text("volume").unwrap_or_default();
    let act = match path {
        ["create"] => Act::Create {
            name: text("name"),
            size,
            from_volume: text("from-volume"),
            from_snapshot: text("from-snapshot"),
        },
        ["clone"] => {
            Act::Create { name: text("name"), size, from_volume: Some(volume), from_snapshot: None }
        }
        ["show"] => Act::Show { volume },
        ["extend"] => Act::Extend { volume, size: size.unwrap_or(0) },
        ["delete"] => Act::Delete { volume },
        ["snapshot", "create"] => Act::CreateSnapshot { volume, name: text("name") },
        ["snapshot", "list"] => Act::ListSnapshots,
        ["snapshot", "delete"] => {
            Act::DeleteSnapshot { snapshot: text("snapshot").unwrap_or_default() }
        }
        ["revert"] => Act::Revert { snapshot: text("snapshot").unwrap_or_default() },
        ["connect"] => Act::Connect { volume },
        ["orphans"] => Act::Orphans,
        ["disconnect"] => Act::Disconnect { volume },
        _ => Act::List,
    };
    Task::Volume(VolumeWish {
        act,
        backend: text("backend"),
        json: set("json"),
        wait: set("wait"),
        force: set("force"),
    })
}
