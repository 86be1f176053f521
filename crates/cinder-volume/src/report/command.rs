//! `report`: makes a running daemon tell what it is doing, and prints that.
//!
//! The parent is asked first, because it knows its workers, then each of them. One that does not
//! answer is named and costs its time limit, not the other reports.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};

use super::asking::{Answer, Question};
use super::processes::{self, Process};
use crate::cli::{CommandLine, Wish};
use crate::exit::{self, Failure};
use crate::surroundings::Surroundings;

/// A process that reacts answers within two seconds, most of them for threads that do not.
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks and prints.
///
/// # Errors
///
/// When there is no such daemon, it is somebody else's, or it does not answer.
pub(crate) fn run(
    surroundings: &Surroundings,
    line: &CommandLine,
    wish: &Wish,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let daemon = match wish.pid {
        Some(pid) => processes::look_at(pid, surroundings).ok_or_else(|| {
            anyhow!("process {pid} is no {} that we may look at", surroundings.name)
        })?,
        None => find(surroundings, line)?,
    };
    let first = ask(&daemon, wish.json)?;
    let selected = select(&first, wish)?;
    let mut printer = Printer { out, json: wish.json, all: Vec::new() };
    if wish.workers.is_empty() {
        printer.print(&first)?;
    }
    let mut silent = Vec::new();
    for (name, pid) in selected {
        if u32::try_from(pid) == Ok(first.process) {
            // The daemon that runs a single back end in its own process.
            if !wish.workers.is_empty() {
                printer.print(&first)?;
            }
            continue;
        }
        let worker = daemon.worker(pid).with_context(|| format!("process {pid} is gone"));
        match worker.and_then(|worker| ask(&worker, wish.json)) {
            Ok(answer) => printer.print(&answer)?,
            Err(cause) => silent.push(format!("{}: back end {name}: {cause:#}", surroundings.name)),
        }
    }
    printer.finish()?;
    if silent.is_empty() { Ok(exit::OK) } else { Err(Failure::Lines(silent, exit::FAILURE)) }
}

/// The daemon of our own configuration.
fn find(surroundings: &Surroundings, line: &CommandLine) -> Result<Process, Failure> {
    let ours = processes::files(surroundings, line).map_err(|failure| {
        failure.and_say(format!(
            "{}: without a configuration, name the daemon by --pid",
            surroundings.name
        ))
    })?;
    Ok(find_by_files(surroundings, &ours)?)
}

fn find_by_files(surroundings: &Surroundings, ours: &[PathBuf]) -> anyhow::Result<Process> {
    let all = processes::parents(surroundings).context("cannot look for processes in /proc")?;
    let (mut same, mut unknown) = (Vec::new(), Vec::new());
    for one in &all {
        match processes::files_of(one) {
            Some(theirs) if theirs == ours => same.push(one.clone()),
            Some(_) => {}
            None => unknown.push(one.clone()),
        }
    }
    let list = |some: &[Process]| {
        some.iter().map(|one| one.pid.to_string()).collect::<Vec<_>>().join(", ")
    };
    match (same.len(), all.is_empty()) {
        (1, _) => Ok(same.remove(0)),
        (0, true) => bail!("no {} runs here that we may look at", surroundings.name),
        (0, false) => bail!(
            "none of the running daemons has read the files of this configuration: process {}{}; \
             name one by --pid",
            list(&all),
            match unknown.as_slice() {
                [] => String::new(),
                some => format!(" (not known of process {})", list(some)),
            }
        ),
        _ => bail!(
            "several daemons have read these files: process {}; name one by --pid",
            list(&same)
        ),
    }
}

fn ask(process: &Process, json: bool) -> anyhow::Result<Answer> {
    let pid = process.pid;
    if !process.is_within_reach() {
        bail!(
            "process {pid} is in another network namespace, from which no answer comes here; ask within it, for \
             example with nsenter --target {pid} --all"
        );
    }
    let question = Question::new(json).context("cannot listen for an answer")?;
    let answer = question.ask(process, PATIENCE);
    let answer = answer.with_context(|| format!("process {pid} cannot be asked"))?;
    answer.ok_or_else(|| anyhow!("process {pid}: no answer within {} s", PATIENCE.as_secs()))
}

/// The workers to ask, by name and process id.
fn select(first: &Answer, wish: &Wish) -> anyhow::Result<Vec<(String, i32)>> {
    if let Some(name) = &first.backend
        && wish.workers.iter().all(|wanted| wanted == name)
    {
        // It is a worker itself, and its siblings were not meant.
        return Ok(vec![(name.clone(), i32::try_from(first.process)?)]);
    }
    let known = |name: &String| first.workers.iter().any(|(known, _)| known == name);
    if let Some(unknown) = wish.workers.iter().find(|name| !known(name)) {
        let names: Vec<&str> = first.workers.iter().map(|(name, _)| name.as_str()).collect();
        bail!("--worker {unknown}: not one of the daemon's back ends ({})", names.join(", "));
    }
    let wanted = |name: &String| wish.workers.is_empty() || wish.workers.contains(name);
    let all = first.workers.iter().filter(|(name, _)| wanted(name));
    // A worker without a process waits for its next start; the parent's report says why.
    let (running, gone): (Vec<_>, Vec<_>) = all.cloned().partition(|(_, pid)| *pid != 0);
    if let (true, Some((name, _))) = (!wish.workers.is_empty(), gone.first()) {
        bail!("back end {name} has no process at the moment");
    }
    Ok(running)
}

/// Writes reports one after the other, or as one JSON array at the end.
struct Printer<'a> {
    out: &'a mut dyn Write,
    json: bool,
    all: Vec<Value>,
}

impl Printer<'_> {
    fn print(&mut self, answer: &Answer) -> anyhow::Result<()> {
        let backend = answer.backend.as_deref();
        if self.json {
            let report: Value =
                serde_json::from_str(&answer.body).context("the answer is no JSON")?;
            self.all.push(json!({"backend": backend, "report": report}));
            return Ok(());
        }
        let whose = backend.map_or("parent".to_owned(), |name| format!("back end {name}"));
        write!(self.out, "# process {}: {whose}\n\n{}\n", answer.process, answer.body)
            .context("cannot write the report")
    }

    fn finish(self) -> anyhow::Result<()> {
        if self.json {
            writeln!(self.out, "{:#}", Value::Array(self.all))
                .context("cannot write the report")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(backend: Option<&str>) -> Answer {
        let workers = vec![("a".to_owned(), 11), ("b".to_owned(), 12), ("c".to_owned(), 0)];
        let backend = backend.map(str::to_owned);
        Answer { process: 11, backend, workers, body: "{}".into() }
    }

    fn selected(from: &Answer, workers: &[&str]) -> Result<Vec<i32>, String> {
        let workers = workers.iter().map(|name| (*name).to_owned()).collect();
        let found = select(from, &Wish { workers, ..Wish::default() });
        found.map(|all| all.into_iter().map(|(_, pid)| pid).collect()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_parent_leads_to_its_workers() {
        let parent = answer(None);
        assert_eq!(selected(&parent, &[]), Ok(vec![11, 12]));
        assert_eq!(selected(&parent, &["b"]), Ok(vec![12]));
        let unknown = "--worker x: not one of the daemon's back ends (a, b, c)";
        assert_eq!(selected(&parent, &["b", "x"]), Err(unknown.to_owned()));
        let gone = "back end c has no process at the moment";
        assert_eq!(selected(&parent, &["c"]), Err(gone.to_owned()));
    }

    #[test]
    fn a_worker_that_was_named_speaks_for_itself() {
        assert_eq!(selected(&answer(Some("a")), &[]), Ok(vec![11]));
        assert_eq!(selected(&answer(Some("a")), &["a"]), Ok(vec![11]));
    }

    #[test]
    fn json_is_one_array_and_text_says_whose_it_is() {
        for (json, expected) in [
            (true, "[\n  {\n    \"backend\": \"a\",\n    \"report\": {}\n  }\n]\n"),
            (false, "# process 11: back end a\n\n{}\n"),
        ] {
            let mut out = Vec::new();
            let mut printer = Printer { out: &mut out, json, all: Vec::new() };
            printer.print(&answer(Some("a"))).unwrap();
            printer.finish().unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
