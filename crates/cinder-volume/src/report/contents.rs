//! The Guru Meditation Report of this daemon: what stands in it, and who gets it.
//!
//! [`Job::perform`] runs beside the process that it reports on, see [`oslo_launcher::Hooks`]. Must
//! not: change anything, or ask a database or an array.

use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cinder_conf::cinder::Conf;
use cinder_types::UPSTREAM_VERSION;
use oslo_launcher::{ENDED, ReportRequest, Scoreboard, WorkerStatus};
use oslo_log::guru::{ConfigValue, Destination, Frame, Report, Section, Stack};
use oslo_log::printable;
use tracing::{debug, error, warn};

use super::asking;
use crate::metrics::{LANES, Meters};
use crate::wire;

/// How long threads have to say where they are. One that runs needs microseconds; on a loaded
/// machine it has to get a processor first.
const PATIENCE: Duration = Duration::from_secs(1);

/// A report that is to be made.
pub(crate) struct Job {
    /// The configuration in force.
    pub conf: Arc<RwLock<Conf>>,
    /// Name of the program, in front of report files.
    pub program: String,
    /// What is wanted.
    pub request: ReportRequest,
}

impl Job {
    /// Makes the report and gives it to everybody who wants it.
    pub(crate) fn perform(self, scoreboard: &Scoreboard) {
        let report = Report {
            process: Some(self.request.process),
            stacks: self.stacks(),
            product: Some("OpenStack Cinder".into()),
            vendor: Some("OpenStack Foundation".into()),
            version: Some(format!("{UPSTREAM_VERSION} (Rust {})", env!("CARGO_PKG_VERSION"))),
            tasks: Vec::new(),
            configuration: self.configuration(),
            sections: self.sections(scoreboard),
        };
        if self.request.usual {
            self.deliver(&report);
        }
        for number in &self.request.answers {
            self.answer(*number, &report, scoreboard);
        }
    }

    fn stacks(&self) -> Vec<Stack> {
        let own = std::process::id();
        let all = thread_stacks::all(PATIENCE).unwrap_or_else(|cause| {
            warn!(target: "cinder.cmd.volume", "No stacks for the Guru Meditation Report: {cause}");
            Vec::new()
        });
        let frame = |frame: thread_stacks::StackFrame| Frame {
            function: frame.function,
            file: frame.file,
            line: frame.line,
        };
        let stacks = all.into_iter().map(|stack| Stack {
            // A copy of the process stands for it: its one thread is where the original was.
            thread: if stack.id == own { self.request.process } else { stack.id },
            frames: stack.frames.into_iter().map(frame).collect(),
            problem: stack.problem.map(str::to_owned),
        });
        stacks.collect()
    }

    fn sections(&self, scoreboard: &Scoreboard) -> Vec<Section> {
        let mut sections = vec![
            Section { title: "Workers".into(), text: workers(scoreboard) },
            Section {
                title: "Running operations".into(),
                text: operations(&scoreboard.snapshot()),
            },
            Section { title: "Ended operations".into(), text: ended(scoreboard) },
        ];
        let told = notes(scoreboard);
        if !told.is_empty() {
            sections.push(Section { title: "Notes".into(), text: told });
        }
        sections.push(Section { title: "Database".into(), text: self.database() });
        if !self.request.service.is_empty() {
            sections.push(Section { title: "Pools".into(), text: self.request.service.clone() });
        }
        sections
    }

    /// What is asked for; what a worker found it says itself, among its pools.
    fn database(&self) -> String {
        let conf = self.conf.read().unwrap_or_else(PoisonError::into_inner);
        let told = wire::database_url(&conf).map_err(|problem| problem.statement());
        let told = told.and_then(|url| {
            let wanted = url.wanted_protection().map_err(|error| error.to_string())?;
            Ok(format!("{url}: {wanted}\n"))
        });
        told.unwrap_or_else(|problem| format!("{problem}\n"))
    }

    fn configuration(&self) -> Vec<ConfigValue> {
        let entries = self.conf.read().unwrap_or_else(PoisonError::into_inner).dump();
        let value = |entry: cinder_conf::Entry| ConfigValue {
            group: entry.group,
            option: entry.option,
            secret: entry.secret,
            value: printable(&entry.value.unwrap_or_else(|problem| format!("<{problem}>")))
                .into_owned(),
            origin: entry.origin.map(|origin| origin.to_string()),
        };
        entries.into_iter().map(value).collect()
    }

    /// To the file or the standard error, as configured.
    fn deliver(&self, report: &Report) {
        let directory = {
            let conf = self.conf.read().unwrap_or_else(PoisonError::into_inner);
            conf.reports.log_dir.clone()
        };
        let destination = match directory {
            Some(directory) => Destination::Directory(directory.into()),
            None => Destination::Stderr,
        };
        let delivered = destination.deliver(&self.program, self.request.process, &report.render());
        if let Err(cause) = delivered {
            error!(
                target: "cinder.cmd.volume",
                error = &cause as &(dyn std::error::Error + 'static),
                "Unable to run Guru Meditation Report!"
            );
        }
    }

    /// To the command that waits for it. One that has gone away is nothing to complain of.
    fn answer(&self, number: u64, report: &Report, scoreboard: &Scoreboard) {
        let workers = scoreboard.snapshot();
        let ours = |pid: i32| u32::try_from(pid) == Ok(self.request.process);
        let workers: Vec<_> = workers.into_iter().map(|worker| (worker.name, worker.pid)).collect();
        let backend = workers.iter().find(|(_, pid)| ours(*pid)).map(|(name, _)| name.clone());
        let body = if asking::wants_json(number) { report.render_json() } else { report.render() };
        let answer = asking::Answer { process: self.request.process, backend, workers, body };
        if let Err(cause) = asking::answer(number, &answer) {
            debug!(target: "cinder.cmd.volume", "Nobody takes the report that was asked for: {cause}");
        }
    }
}

/// The scoreboard as a table.
fn workers(scoreboard: &Scoreboard) -> String {
    let seconds = |age: Option<Duration>| match age {
        Some(age) => format!("{:.1} s", age.as_secs_f64()),
        None => "-".to_owned(),
    };
    let mut text = String::from(
        "back end          state     pid      restarts  uptime      last beat   beats  reason\n",
    );
    for worker in scoreboard.snapshot() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<17} {:<9} {:<8} {:<9} {:<11} {:<11} {:<6} {}",
            worker.name,
            worker.state.as_str(),
            worker.pid,
            worker.generation.saturating_sub(1),
            seconds(worker.uptime),
            seconds(worker.beat_age),
            worker.beats,
            printable(&worker.reason)
        );
    }
    text
}

/// What the workers are doing, as they say on the scoreboard.
fn operations(workers: &[WorkerStatus]) -> String {
    let mut text = String::new();
    for worker in workers {
        for operation in &worker.operations {
            let (age, at) = (operation.age.as_secs_f64(), operation.step_age.as_secs_f64());
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{:<17} {:<32} {:<40} {age:<9.1} {:<40} {:<40} {at:.1}",
                worker.name,
                printable(&operation.kind),
                printable(&operation.id),
                printable(&operation.request),
                printable(&operation.step),
            );
        }
    }
    if text.is_empty() {
        return "No operation is running.\n".to_owned();
    }
    let [back_end, operation, id, request] = ["back end", "operation", "id", "request"];
    format!(
        "{back_end:<17} {operation:<32} {id:<40} seconds   {request:<40} {:<40} seconds\n{text}",
        "step"
    )
}

/// What each worker did last, the newest first.
fn ended(scoreboard: &Scoreboard) -> String {
    let mut text = String::new();
    for (slot, worker) in scoreboard.snapshot().iter().enumerate() {
        for one in scoreboard.ended(slot, ENDED) {
            let (took, age) = (one.took.as_secs_f64(), one.age.as_secs_f64());
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{:<17} {:<32} {:<40} {:<40} {:<11} {:<40} {took:<9.1} {age:.1}",
                worker.name,
                printable(&one.kind),
                printable(&one.id),
                printable(&one.request),
                one.ending.as_str(),
                printable(&one.why),
            );
        }
    }
    if text.is_empty() {
        return "No operation has ended.\n".to_owned();
    }
    let [back_end, operation, id, request] = ["back end", "operation", "id", "request"];
    format!(
        "{back_end:<17} {operation:<32} {id:<40} {request:<40} {:<11} {:<40} seconds   ago\n{text}",
        "result", "why"
    )
}

/// What operators have to know besides, and what waits.
fn notes(scoreboard: &Scoreboard) -> String {
    let mut text = String::new();
    for (slot, worker) in scoreboard.snapshot().iter().enumerate() {
        let waiting = Meters::new(scoreboard.program_words(slot)).waiting();
        let waiting = LANES.iter().zip(waiting).filter(|(_, count)| *count > 0);
        let waiting = waiting.map(|(lane, count)| format!("{count} requests wait for {lane}"));
        for note in waiting.chain(scoreboard.notes(slot)) {
            let _ = writeln!(text, "{:<17} {}", worker.name, printable(&note));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use oslo_launcher::Operation;

    use super::*;

    #[test]
    fn running_operations_come_with_their_age() {
        let idle = WorkerStatus { name: "nfs".into(), ..WorkerStatus::default() };
        assert_eq!(operations(std::slice::from_ref(&idle)), "No operation is running.\n");
        let running = Operation {
            kind: "create_volume".into(),
            id: "6f1c".into(),
            request: "req-1".into(),
            step: "step 3 of 5: driver".into(),
            age: Duration::from_millis(61_250),
            step_age: Duration::from_millis(12_000),
        };
        let busy = WorkerStatus { name: "lvm".into(), operations: vec![running], ..idle.clone() };
        let text = operations(&[idle, busy]);
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines[0],
            ["back", "end", "operation", "id", "seconds", "request", "step", "seconds"]
        );
        let step = ["step", "3", "of", "5:", "driver", "12.0"];
        assert_eq!(lines[1][..5], ["lvm", "create_volume", "6f1c", "61.2", "req-1"]);
        assert_eq!(lines[1][5..], step);
        assert_eq!(lines.len(), 2);
    }

    /// A worker's words are its own, or what a stray write has made of them.
    #[test]
    fn what_workers_say_forges_no_line_of_a_report() {
        let operation = || Operation {
            kind: "copy\x1b[2J".into(),
            id: "1\n2".into(),
            request: "req\n3".into(),
            step: "a\nb".into(),
            ..Operation::default()
        };
        let busy = WorkerStatus {
            name: "lvm".into(),
            operations: vec![operation()],
            ..Default::default()
        };
        let text = operations(&[busy]);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("copy\\x1b[2J") && text.contains("1\\n2"), "{text}");
    }
}
