//! `status`, `status --check`: the service rows as a scheduler would judge them, joined with what
//! the health server of this node knows, when there is one.

pub(super) mod join;
pub(super) mod table;

use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::time::Duration;

use anyhow::Context;
use cinder_db::{
    Connection, DatabaseOptions, Protection, Timestamp, list_services, services::Service,
};
use cinder_health::{Address, Snapshot, probe, probe_operations};
use cinder_types::BINARY;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use self::join::{Line, Verdict, join, verdict};
use crate::cli::Wanted;
use crate::exit::{self, Failure};
use crate::surroundings::Surroundings;

/// How long the health server may take; it answers within milliseconds or not at all.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a database may take to connect, or to give up its lock: a probe is not patient.
const ROWS_PATIENCE: Duration = Duration::from_secs(3);
/// Between two tables of `--watch`.
const PAUSE: Duration = Duration::from_secs(2);
/// How many ended operations of a back end stand below the table.
const ENDED: usize = 5;

/// Where to look, and at whom.
#[derive(Debug)]
pub(crate) struct Look {
    /// Name of this program, in front of complaints.
    pub program: String,
    /// Where the rows are. Never created or changed here.
    pub database: DatabaseOptions,
    /// How long a service may be silent.
    pub service_down_time: Duration,
    /// The back ends of this configuration, on which the exit status depends; `None` for all.
    pub hosts: Option<Vec<String>>,
    /// Where the health server is asked.
    pub health: Option<Address>,
}

/// How to print.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Style {
    /// JSON instead of a table.
    pub json: bool,
    /// Somebody looks at it: no scrolling, and colours unless they are unwelcome.
    pub terminal: bool,
    /// Colours.
    pub colour: bool,
}

impl Style {
    /// As fits the standard output of this process.
    pub(crate) fn of(surroundings: &Surroundings) -> Self {
        let terminal = surroundings.stdout_is_terminal && !surroundings.is_dumb();
        // https://no-color.org
        let colour = terminal && surroundings.variable("NO_COLOR").is_none();
        Self { json: false, terminal, colour }
    }
}

/// What was seen.
struct Sight {
    rows: anyhow::Result<(Vec<Service>, Protection)>,
    live: Option<Snapshot>,
}

impl Look {
    fn at_all(&self) -> Sight {
        let live = self.health.as_ref().and_then(|address| ask(address).ok());
        Sight { rows: rows(&self.database), live }
    }

    /// Prints what is seen now; the exit status that follows.
    fn once(&self, style: Style, out: &mut dyn Write) -> Result<i32, Failure> {
        let sight = self.at_all();
        if let Err(cause) = &sight.rows {
            // Standard error: what follows on the other one is for programs.
            Failure::Error(anyhow::anyhow!("{cause:#}")).print(&self.program);
        }
        let (rows, way) =
            sight.rows.as_ref().ok().map(|(rows, way)| (rows.as_slice(), way)).unzip();
        let lines = join(rows, sight.live.as_ref(), Timestamp::now(), self.service_down_time);
        let known = rows.is_some() || sight.live.is_some();
        if known {
            let mut text = if style.json {
                table::json(&lines)?
            } else {
                table::text(&shortened(lines.clone()), style)
            };
            // Only where people read it: the JSON is an array of services.
            if let (Some(way), false) = (way, style.json) {
                text.push_str(&format!("\nDatabase {}: {way}\n", self.database.url));
            }
            out.write_all(text.as_bytes()).context("cannot write the table")?;
        }
        Ok(match verdict(&lines, self.hosts.as_deref(), known) {
            Verdict::Up => exit::OK,
            Verdict::Down => exit::SOME_DOWN,
            Verdict::Unknown => exit::UNKNOWN,
        })
    }
}

/// What the health server knows; one of an earlier release knows nothing of what has ended.
pub(super) fn ask(address: &Address) -> Result<Snapshot, cinder_health::ProbeError> {
    probe_operations(address, PATIENCE).or_else(|_| probe(address, PATIENCE))
}

/// With the newest few that have ended: `operations` and the JSON have them all.
fn shortened(mut lines: Vec<Line>) -> Vec<Line> {
    lines.iter_mut().flat_map(|line| &mut line.live).for_each(|live| live.ended.truncate(ENDED));
    lines
}

/// The rows, and how the way to them is protected.
fn rows(database: &DatabaseOptions) -> anyhow::Result<(Vec<Service>, Protection)> {
    let mut database = database.clone();
    database.busy_timeout = database.busy_timeout.min(ROWS_PATIENCE);
    database.connect_timeout = database.connect_timeout.min(ROWS_PATIENCE);
    let mut connection = Connection::open(&database)?;
    connection.check_schema()?;
    let way = connection.protection()?;
    Ok((list_services(&mut connection)?, way))
}

/// Prints every live service: host, binary, zone, status, state, last update; of this node's
/// back ends also what their worker is at.
///
/// # Errors
///
/// Only when the output cannot be written: a source that cannot be read is told, and its absence
/// is in the exit status.
pub(crate) fn print(look: &Look, style: Style, out: &mut dyn Write) -> Result<i32, Failure> {
    look.once(style, out)
}

/// As [`print`], for ever. On a terminal each table takes the place of the one before, line by
/// line, so that nothing flickers.
///
/// # Errors
///
/// When the output cannot be written any more.
pub(crate) fn watch(look: &Look, style: Style, out: &mut dyn Write) -> Result<i32, Failure> {
    repeat(style, out, |text| look.once(style, text).map(drop))
}

/// Prints again and again what `once` prints, until nobody reads it.
///
/// # Errors
///
/// What it fails with, or the output that cannot be written any more.
pub(super) fn repeat(
    style: Style,
    out: &mut dyn Write,
    mut once: impl FnMut(&mut Vec<u8>) -> Result<(), Failure>,
) -> Result<i32, Failure> {
    let repaint = style.terminal && !style.json;
    let mut start = if repaint { "\x1b[2J" } else { "" };
    loop {
        let mut text = Vec::new();
        once(&mut text)?;
        let shown = if repaint {
            let text = String::from_utf8_lossy(&text).replace('\n', "\x1b[K\n");
            format!("{start}\x1b[H{text}\x1b[J").into_bytes()
        } else {
            text
        };
        start = "";
        match out.write_all(&shown).and_then(|()| out.flush()) {
            Ok(()) if has_reader_for(PAUSE) => {}
            Ok(()) => return Ok(exit::OK),
            Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => return Ok(exit::OK),
            Err(cause) => return Err(cause.into()),
        }
    }
}

/// Waits so long; at once over, and false, when nobody can read the standard output any more: a pipe without a
/// reader, a terminal that is gone. To write would say the same, but not while there is nothing to write.
fn has_reader_for(pause: Duration) -> bool {
    let stdout = io::stdout();
    let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    let time = PollTimeout::try_from(pause).unwrap_or(PollTimeout::MAX);
    match poll(&mut watched, time) {
        // Nothing was asked for, so whatever there is is an end.
        Ok(ends) => ends == 0,
        Err(_) => true,
    }
}

/// Prints whether each of `hosts` is up, and answers whether as many are as are wanted.
///
/// # Errors
///
/// When the database cannot be read: then nobody knows.
pub(crate) fn check(
    database: &DatabaseOptions,
    service_down_time: Duration,
    hosts: &[String],
    wanted: Wanted,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let (rows, _) = rows(database)?;
    let now = Timestamp::now();
    let mut up = 0;
    for host in hosts {
        let ours = |row: &&Service| {
            row.binary.as_deref() == Some(BINARY) && row.host.as_deref() == Some(host)
        };
        let state = match rows.iter().find(ours) {
            Some(row) if row.is_up(now, service_down_time) => {
                up += 1;
                "up"
            }
            Some(_) => "down",
            None => "not registered",
        };
        writeln!(out, "{host} {state}").context("cannot write the answer")?;
    }
    let good = match wanted {
        Wanted::All => up == hosts.len(),
        Wanted::Any => up > 0,
    };
    Ok(if good { exit::OK } else { exit::NOT_UP })
}
