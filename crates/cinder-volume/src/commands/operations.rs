//! `operations`: what the back ends of a running daemon are doing, what waits, and what has ended.
//!
//! The health server is asked, as by `status`; no database. Must not: change anything.

use std::io::Write;

use anyhow::{Context as _, anyhow};
use cinder_health::{Address, BackEnd};
use cinder_types::BINARY;
use serde_json::json;

use super::status::join::Line;
use super::status::{self, Style, table};
use crate::cli::operators::Shown;
use crate::exit::{self, Failure};

/// Prints it, once or for ever.
///
/// # Errors
///
/// When nobody can be asked, or the output cannot be written.
pub(crate) fn run(
    health: Option<&Address>,
    wish: &Shown,
    style: Style,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let Some(address) = health else {
        let problem = anyhow!(
            "no [health] bind is set, so there is nobody to ask; `cinder-volume report` shows the same"
        );
        return Err(Failure::from(problem).with_status(exit::UNKNOWN));
    };
    if !wish.watch {
        let seen = look(address, wish, style);
        let seen = seen.map_err(|problem| Failure::from(problem).with_status(exit::UNKNOWN))?;
        out.write_all(&seen).context("cannot write the list")?;
        return Ok(exit::OK);
    }
    // A daemon that restarts is waited for.
    status::repeat(style, out, |text| {
        match look(address, wish, style) {
            Ok(seen) => text.extend(seen),
            Err(problem) => writeln!(text, "{problem:#}")?,
        }
        Ok(())
    })
}

fn look(address: &Address, wish: &Shown, style: Style) -> anyhow::Result<Vec<u8>> {
    let snapshot = status::ask(address)?;
    let is_wanted = |one: &BackEnd| wish.backend.as_ref().is_none_or(|name| one.name == *name);
    let back_ends = snapshot.back_ends.into_iter().filter(is_wanted);
    let text = if style.json {
        let all = back_ends.map(|one| {
            json!({
                "backend": one.name,
                "host": one.host,
                "state": one.state.as_str(),
                "reason": one.reason,
                "running": one.operations,
                "waiting": one.waiting,
                "ended": one.ended,
                "notes": one.notes,
            })
        });
        let all: Vec<_> = all.collect();
        if wish.watch { json!(all).to_string() } else { serde_json::to_string_pretty(&all)? }
    } else {
        let lines = back_ends.map(|one| Line {
            binary: BINARY.to_owned(),
            host: one.host.clone(),
            row: None,
            live: Some(one),
        });
        text(&lines.collect::<Vec<_>>())
    };
    Ok(format!("{}\n", text.trim_matches('\n')).into_bytes())
}

fn text(lines: &[Line]) -> String {
    let (runs, waits) = (table::operations(lines), table::waiting(lines));
    let idle = "\nNothing is running.\n".to_owned();
    let runs = if runs.is_empty() { idle } else { runs };
    runs + &waits + &table::ended(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_health_server_it_says_what_else_to_do() {
        let failed = run(None, &Shown::default(), Style::default(), &mut Vec::new()).unwrap_err();
        let Failure::Final(problem, exit::UNKNOWN) = failed else { panic!("{failed:?}") };
        assert!(problem.to_string().contains("cinder-volume report"), "{problem}");
    }

    #[test]
    fn an_idle_back_end_runs_nothing() {
        assert_eq!(text(&[Line::default()]), "\nNothing is running.\n");
    }
}
