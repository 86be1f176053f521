//! `drain`, `operation abandon`: what operators want of back ends that run.
//!
//! That a back end is drained is a file below `state_path`, which it looks at itself; the bus only makes it look at once.
//! Must not: change rows of volumes; that is the service's.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use cinder_db::changes::to;
use cinder_db::{Connection, DatabaseOptions, services};
use cinder_types::{BINARY, RequestContext};
use oslo_messaging::{CallError, Context, Request};
use serde_json::{Value, json};

use crate::bus::BusPlan;
use crate::cli::operators::{AbandonWish, DrainWish};
use crate::exit::{self, Failure};
use crate::worker::bus::operators;
use crate::worker::{fresh_request_id, message_time};

/// How long a back end may take to look at its file.
const PATIENCE: Duration = Duration::from_secs(2);
/// What stands in the row of a service that was disabled by draining it.
const REASON: &str = "drained";

/// Asks a service over its bus.
///
/// # Errors
///
/// When it cannot even be asked.
pub(super) fn ask(
    bus: &BusPlan,
    host: &str,
    (method, arguments): (&str, &Value),
    limit: Duration,
) -> Result<Result<Value, CallError>, Failure> {
    let context = RequestContext::own(fresh_request_id(), message_time());
    let context = Context::new(context.forward());
    let request = Request::new(method, operators::SENT_AS, arguments, context)?;
    let answer = bus.open()?.client().call(&bus.to(host), request, limit);
    Ok(match answer {
        Ok(result) => Ok(serde_json::from_str(result.get())?),
        Err(error) => Err(error),
    })
}

/// Prints why there is no result; the exit status that follows.
pub(super) fn failed(error: &CallError, json: bool, out: &mut dyn Write) -> Result<i32, Failure> {
    let (text, status) = match error {
        CallError::Failed(failure) => {
            (format!("{}: {}", failure.class, failure.message), exit::METHOD_FAILED)
        }
        error => (cinder_db::chain(error), exit::NO_ANSWER),
    };
    if json {
        writeln!(out, "{}", json!({"error": text}))?;
    } else {
        writeln!(out, "failed: {}", oslo_log::printable(&text))?;
    }
    Ok(status)
}

/// Has an operation given up.
///
/// # Errors
///
/// When nobody can be asked.
pub(super) fn abandon(
    bus: &BusPlan,
    host: &str,
    wish: &AbandonWish,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let arguments = json!({"id": wish.id});
    match ask(bus, host, (operators::ABANDON, &arguments), bus.response_timeout)? {
        Ok(told) => {
            if wish.json {
                writeln!(out, "{told}")?;
            } else {
                let status = told["status"].as_str().unwrap_or("gone");
                writeln!(out, "{} is given up; it is {status} now", wish.id)?;
            }
            Ok(exit::OK)
        }
        Err(error) => failed(&error, wish.json, out),
    }
}

/// Has back ends take no work, or take it again.
///
/// # Errors
///
/// When that cannot be written down.
pub(super) fn drain(
    program: &str,
    bus: &BusPlan,
    services: &[(String, String)],
    database: &DatabaseOptions,
    wish: &DrainWish,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let mut status = exit::OK;
    let mut all = Vec::new();
    for (name, host) in services {
        write_down(&bus.drain_of(name), !wish.undo)?;
        if let Err(cause) = mark(database, host, !wish.undo) {
            let text = cause.context(format!("schedulers are not told about {host}"));
            Failure::Error(text).print(program);
        }
        let told = ask(bus, host, (operators::LOOK, &json!({})), PATIENCE)?;
        let running = told.as_ref().map(|told| told["running"].clone()).unwrap_or_default();
        if told.is_err() {
            status = exit::NO_ANSWER;
        }
        if wish.json {
            all.push(json!({
                "backend": name,
                "host": host,
                "drained": !wish.undo,
                "told": told.is_ok(),
                "running": running,
            }));
        } else {
            out.write_all(text(name, wish.undo, told.is_ok(), &running).as_bytes())?;
        }
    }
    if wish.json {
        writeln!(out, "{}", json!(all))?;
    }
    Ok(status)
}

fn text(name: &str, undo: bool, told: bool, running: &Value) -> String {
    let what = if undo { "takes work again" } else { "takes no new work" };
    if !told {
        return format!("{name} {what} as soon as it looks; its service does not answer\n");
    }
    let running = running.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = match running.len() {
        0 => format!("{name} {what}; nothing runs\n"),
        count => format!("{name} {what}; {count} still run:\n"),
    };
    for one in running {
        let word = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let age = one["age_seconds"].as_f64().unwrap_or_default();
        let words = [word("kind"), word("id"), word("request"), word("step")].join(" ");
        text.push_str(&format!("  {} {age:.0}s\n", oslo_log::printable(words.trim_end())));
    }
    text
}

/// Makes the file, or removes it.
fn write_down(path: &Path, drained: bool) -> anyhow::Result<()> {
    let done = if drained {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::File::create(path)?.sync_all())
    } else {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    };
    done.with_context(|| path.display().to_string())
}

/// Has schedulers pass by, or come again; what others have disabled stays.
fn mark(database: &DatabaseOptions, host: &str, drained: bool) -> anyhow::Result<()> {
    let mut connection = Connection::open(database)?;
    connection.check_schema()?;
    let Some(row) = services::find(&mut connection, host, BINARY)? else { return Ok(()) };
    let is_ours = row.disabled_reason.as_deref() == Some(REASON);
    let is_disabled = row.disabled == Some(true);
    let change = match drained {
        true if !is_disabled => services::Change {
            disabled: to(true),
            disabled_reason: to(REASON.to_owned()),
            ..services::Change::default()
        },
        false if is_disabled && is_ours => services::Change {
            disabled: to(false),
            disabled_reason: Some(None),
            ..services::Change::default()
        },
        _ => return Ok(()),
    };
    Ok(services::update(&mut connection, row.id(), &change)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_still_runs_is_told_and_who_could_not_be_told() {
        let one = json!({"kind": "create_volume", "id": "4f1", "request": "req-1", "step": "driver",
            "age_seconds": 61.4});
        let told = text("disk", false, true, &json!([one]));
        let line = "  create_volume 4f1 req-1 driver 61s\n";
        assert_eq!(told, format!("disk takes no new work; 1 still run:\n{line}"));
        assert_eq!(text("disk", true, true, &json!([])), "disk takes work again; nothing runs\n");
        assert!(text("disk", false, false, &Value::Null).contains("does not answer"));
    }

    #[test]
    fn a_drain_is_a_file_and_can_be_said_twice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("drained/disk");
        for drained in [true, true, false, false] {
            write_down(&path, drained).unwrap();
            assert_eq!(path.exists(), drained);
        }
    }
}
