//! `volume orphans`: what is stored without a row, and rows whose data are gone, as the service finds it. Must not: change
//! anything.

use std::io::Write;

use oslo_log::printable;
use serde_json::{Value, json};

use super::operators::{ask, failed};
use crate::bus::BusPlan;
use crate::exit::{self, Failure};
use crate::worker::bus::operators;

/// Asks the service and prints what it says.
///
/// # Errors
///
/// When nobody can be asked.
pub(super) fn run(
    bus: &BusPlan,
    host: &str,
    json: bool,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let found = match ask(bus, host, (operators::ORPHANS, &json!({})), bus.response_timeout)? {
        Ok(found) => found,
        Err(error) => return failed(&error, json, out),
    };
    if json {
        writeln!(out, "{found}")?;
    } else {
        out.write_all(text(&found).as_bytes())?;
    }
    let count = |key: &str| found[key].as_u64().unwrap_or(0);
    let is_clean = count("unknown_count") + count("missing_count") == 0;
    Ok(if is_clean { exit::OK } else { exit::METHOD_FAILED })
}

fn text(found: &Value) -> String {
    let list = |key: &str| found[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let word = |one: &Value, key: &str| {
        let word = one[key].as_str().unwrap_or_default();
        printable(word).into_owned()
    };
    let mut text = String::new();
    for one in list("unknown") {
        let (name, kind, bytes) = (word(one, "name"), word(one, "kind"), &one["bytes"]);
        text.push_str(&format!("stored without a row: {name} ({kind}, {bytes} bytes)\n"));
    }
    for one in list("missing") {
        let (kind, id, status) = (word(one, "kind"), word(one, "id"), word(one, "status"));
        text.push_str(&format!("not stored: {kind} {id} ({status})\n"));
    }
    for (key, all) in [("unknown", "unknown_count"), ("missing", "missing_count")] {
        let more = found[all].as_u64().unwrap_or(0).saturating_sub(list(key).len() as u64);
        if more > 0 {
            text.push_str(&format!("and {more} more of {key}\n"));
        }
    }
    if text.is_empty() {
        "Everything that is stored has a row, and every row its data.\n".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_told_and_how_many_more_there_are() {
        let found = json!({
            "unknown": [{"name": "x\ny", "kind": "data", "bytes": 7}],
            "unknown_count": 3,
            "missing": [{"name": "volume-1", "kind": "volume", "id": "1", "status": "available"}],
            "missing_count": 1,
        });
        assert_eq!(
            text(&found),
            "stored without a row: x\\ny (data, 7 bytes)\nnot stored: volume 1 (available)\n\
             and 2 more of unknown\n"
        );
        assert!(text(&json!({})).starts_with("Everything"));
    }
}
