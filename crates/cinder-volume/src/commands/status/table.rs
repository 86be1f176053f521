//! The lines of `status` as a table or as JSON.
//!
//! The first six columns are always there and always mean the same; those behind them come with a
//! health server's answer.

use cinder_health::{BackEnd, Connection};
use oslo_log::printable;
use serde_json::json;

use super::Style;
use super::join::Line;
use crate::exit::Failure;

const HEAD: [&str; 11] = [
    "Binary",
    "Host",
    "Zone",
    "Status",
    "State",
    "Updated At",
    "Pid",
    "Uptime",
    "Restarts",
    "Beat",
    "Reason",
];
/// Columns that need no health server.
const ROWS_ONLY: usize = 6;
const STATE: usize = 4;

/// One JSON array, on one line per service where people read it.
pub(crate) fn json(lines: &[Line]) -> Result<String, Failure> {
    let services: Vec<_> = lines
        .iter()
        .map(|line| {
            let row = line.row.as_ref();
            json!({
                "binary": line.binary,
                "host": line.host,
                "zone": row.map(|row| &row.zone),
                "cluster": row.and_then(|row| row.cluster.as_ref()),
                "status": row.map(|row| row.status),
                "disabled_reason": row.and_then(|row| row.disabled_reason.as_ref()),
                "state": line.state(),
                "updated_at": row.map(|row| &row.updated_at),
                "report_count": row.map(|row| row.report_count),
                "live": line.live,
            })
        })
        .collect();
    Ok(format!("{}\n", serde_json::to_string_pretty(&services)?))
}

/// A table that lines up.
pub(crate) fn text(lines: &[Line], style: Style) -> String {
    let live = lines.iter().any(|line| line.live.is_some());
    let count = if live { HEAD.len() } else { ROWS_ONLY };
    let head = HEAD.map(str::to_owned);
    let rows: Vec<[String; HEAD.len()]> = lines.iter().map(cells).collect();
    let mut widths = HEAD.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let ups = std::iter::once(None).chain(lines.iter().map(Line::is_up));
    for (row, up) in std::iter::once(&head).chain(&rows).zip(ups) {
        let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let mut cells: Vec<String> = padded.take(count).collect();
        if let (true, Some(up), Some(state)) = (style.colour, up, cells.get_mut(STATE)) {
            *state = format!("\x1b[{}m{state}\x1b[0m", if up { 32 } else { 31 });
        }
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text + &messages(lines) + &notes(lines) + &operations(lines) + &waiting(lines) + &ended(lines)
}

/// What operators have to know besides.
fn notes(lines: &[Line]) -> String {
    let of = |line: &Line| {
        let live = line.live.iter().flat_map(|live| &live.notes);
        let text = |note: &String| format!("{} {}\n", printable(&line.host), printable(note));
        live.map(text).collect::<String>()
    };
    headed("Notes", lines.iter().map(of).collect())
}

/// How many requests wait for each lane, where some do.
pub(in crate::commands) fn waiting(lines: &[Line]) -> String {
    let of = |line: &Line| {
        let of = line.live.iter().flat_map(|live| &live.waiting);
        let parts: Vec<_> = of.map(|one| format!("{} for {}", one.count, one.lane)).collect();
        let words = parts.join(", ");
        if parts.is_empty() {
            words
        } else {
            format!("{} {}\n", printable(&line.host), printable(&words))
        }
    };
    headed("Waiting", lines.iter().map(of).collect())
}

/// What has ended, as far as it was asked for.
pub(in crate::commands) fn ended(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        for one in line.live.iter().flat_map(|live| &live.ended) {
            let why = if one.why.is_empty() { String::new() } else { format!(" ({})", one.why) };
            let words = [&line.host, &one.kind, &one.id, &one.request].map(|word| printable(word));
            let words: Vec<&str> =
                words.iter().map(|word| &**word).filter(|word| !word.is_empty()).collect();
            let (ago, took) = (age(Some(one.age_seconds)), one.took_seconds);
            let (result, why) = (printable(&one.result), printable(&why));
            text.push_str(&format!("{} {result}{why} in {took:.1}s, {ago} ago\n", words.join(" ")));
        }
    }
    headed("Ended", text)
}

fn headed(head: &str, text: String) -> String {
    if text.is_empty() { text } else { format!("\n{head}:\n{text}") }
}

/// Connections to a broker, one line per back end, and what is not served; all queues are in the
/// JSON. Nothing on the bus of one machine as long as it serves.
fn messages(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let Some(of) = line.live.as_ref().map(|live| &live.messages) else { continue };
        let connection = |one: &Connection| {
            let mut words =
                format!("{} {} {} {}", one.purpose, one.host, one.state, age(one.since_seconds));
            if !one.blocked.is_empty() {
                words.push_str(&format!(" (it takes nothing: {})", one.blocked));
            }
            words
        };
        let mut parts: Vec<String> = of.connections.iter().map(connection).collect();
        if !parts.is_empty() {
            let served = of.servers.iter().filter(|one| one.is_served).count();
            parts.push(format!("{served} of {} servers", of.servers.len()));
            parts.push(format!("{} replies wait", of.waiting_replies));
            parts.push(format!("{} reply queues given up", of.dead_reply_queues));
        }
        for one in of.servers.iter().filter(|one| !one.is_served) {
            parts.push(format!("not served {}: {}", age(one.since_seconds), one.queues.join(" ")));
        }
        if !parts.is_empty() {
            let words = parts.join(", ");
            text.push_str(&format!("{} {}\n", printable(&line.host), printable(&words)));
        }
    }
    if text.is_empty() { text } else { format!("\nMessages:\n{text}") }
}

/// What runs right now, one line each; nothing where nothing does.
pub(in crate::commands) fn operations(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        for one in line.live.iter().flat_map(|live| &live.operations) {
            let (age, at) = (age(Some(one.age_seconds)), age(Some(one.step_age_seconds)));
            let step =
                if one.step.is_empty() { String::new() } else { format!(": {} {at}", one.step) };
            let words = [&line.host, &one.kind, &one.id, &one.request].map(|word| printable(word));
            let words: Vec<&str> =
                words.iter().map(|word| &**word).filter(|word| !word.is_empty()).collect();
            text.push_str(&format!("{} {age}{}\n", words.join(" "), printable(&step)));
        }
    }
    headed("Running", text)
}

fn cells(line: &Line) -> [String; HEAD.len()] {
    let (row, live) = (line.row.as_ref(), line.live.as_ref());
    let of_row = |text: fn(&super::join::Row) -> String| row.map_or("-".to_owned(), text);
    let of_live = |text: fn(&BackEnd) -> String| live.map(text).unwrap_or_default();
    let cells = [
        line.binary.clone(),
        line.host.clone(),
        of_row(|row| row.zone.clone()),
        of_row(|row| row.status.to_owned()),
        line.state().to_owned(),
        of_row(|row| row.updated_at.clone()),
        of_live(|live| if live.pid == 0 { "-".to_owned() } else { live.pid.to_string() }),
        of_live(|live| age(live.uptime_seconds)),
        of_live(|live| live.restarts.total().to_string()),
        of_live(|live| age(live.heartbeat_age_seconds)),
        of_live(|live| live.reason.clone()),
    ];
    // One line per service, whatever stands in a row or a driver writes.
    cells.map(|cell| printable(&cell).into_owned())
}

fn age(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "-".to_owned() };
    let seconds = seconds.max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use cinder_health::{Ended, Operation, Restarts, State, Waiting};

    use super::super::join::Row;
    use super::*;

    fn line(host: &str, up: bool) -> Line {
        let row = Row {
            zone: "nova".into(),
            status: "enabled",
            up,
            updated_at: "2026-11-22 17:22:25.000123".into(),
            report_count: 3,
            ..Row::default()
        };
        Line { binary: "cinder-volume".into(), host: host.into(), row: Some(row), live: None }
    }

    fn alive(line: Line, state: State, reason: &str) -> Line {
        let live = BackEnd {
            state,
            reason: reason.into(),
            pid: 4711,
            uptime_seconds: Some(7_325.0),
            heartbeat_age_seconds: Some(3.9),
            restarts: Restarts { signal: 2, ..Restarts::default() },
            ..BackEnd::default()
        };
        Line { live: Some(live), ..line }
    }

    #[test]
    fn the_table_lines_up() {
        let text =
            text(&[line("node1@lvm", true), line("node1@a-long-name", false)], Style::default());
        assert_eq!(
            text,
            "Binary         Host               Zone  Status   State  Updated At\n\
             cinder-volume  node1@lvm          nova  enabled  up     2026-11-22 17:22:25.000123\n\
             cinder-volume  node1@a-long-name  nova  enabled  down   2026-11-22 17:22:25.000123\n"
        );
    }

    #[test]
    fn what_a_health_server_knows_stands_behind_the_row() {
        let silent = alive(line("n@b", true), State::Silent, "no heartbeat\nfor 73 s");
        let lines = [alive(line("n@a", true), State::Up, ""), silent, line("old@c", false)];
        let table = text(&lines, Style::default());
        let rows: Vec<Vec<&str>> =
            table.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
        let of = |row: usize| -> Vec<&str> {
            rows[row].iter().copied().filter(|cell| !cell.is_empty()).skip(4).collect()
        };
        let at = "2026-11-22 17:22:25.000123";
        assert_eq!(of(0), ["State", "Updated At", "Pid", "Uptime", "Restarts", "Beat", "Reason"]);
        assert_eq!(of(1), ["up", at, "4711", "2h02m", "2", "3s"]);
        assert_eq!(of(2), ["silent", at, "4711", "2h02m", "2", "3s", "no heartbeat\\nfor 73 s"]);
        assert_eq!(of(3), ["down", at]);
        assert!(!table.contains('\x1b'));
        let coloured = text(&lines, Style { colour: true, ..Style::default() });
        assert!(coloured.contains("\x1b[32mup    \x1b[0m") && coloured.contains("\x1b[31mdown"));
    }

    #[test]
    fn running_operations_stand_below_the_table() {
        let mut busy = alive(line("n@a", true), State::Up, "");
        let one = Operation {
            kind: "create_volume".into(),
            id: "4f1".into(),
            request: "req-1".into(),
            step: "step 3 of 5:\ndriver".into(),
            age_seconds: 61.0,
            step_age_seconds: 12.0,
        };
        busy.live.as_mut().unwrap().operations = vec![one];
        let table = text(&[busy, line("old@c", false)], Style::default());
        let running = "n@a create_volume 4f1 req-1 1m01s: step 3 of 5:\\ndriver 12s\n";
        assert!(table.ends_with(&format!("\n\nRunning:\n{running}")), "{table}");
    }

    #[test]
    fn what_waits_what_has_ended_and_what_is_to_be_known_stand_below_the_table() {
        let mut busy = alive(line("n@a", true), State::Up, "");
        let one = Ended {
            kind: "create_volume".into(),
            id: "4f1".into(),
            request: "req-1".into(),
            result: "failed".into(),
            why: "No\nRoom".into(),
            took_seconds: 1.25,
            age_seconds: 61.0,
        };
        let live = busy.live.as_mut().unwrap();
        live.waiting = vec![Waiting { lane: "work".into(), count: 7 }];
        live.notes = vec!["3 volumes\nare lost".into()];
        live.ended = vec![one];
        let table = text(&[busy, line("old@c", false)], Style::default());
        let below = "\n\nNotes:\nn@a 3 volumes\\nare lost\n\nWaiting:\nn@a 7 for work\n\nEnded:\n\
                     n@a create_volume 4f1 req-1 failed (No\\nRoom) in 1.2s, 1m01s ago\n";
        assert!(table.ends_with(below), "{table}");
    }

    #[test]
    fn json_says_what_is_unknown() {
        let text = json(&[line("node1@lvm", true)]).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value[0]["host"], "node1@lvm");
        assert_eq!(value[0]["cluster"], serde_json::Value::Null);
        assert_eq!(value[0]["live"], serde_json::Value::Null);
        let live = Line { row: None, ..alive(line("n@a", true), State::Down, "why") };
        let value: serde_json::Value = serde_json::from_str(&json(&[live]).unwrap()).unwrap();
        assert_eq!(value[0]["updated_at"], serde_json::Value::Null);
        assert_eq!(
            (&value[0]["live"]["pid"], &value[0]["live"]["reason"]),
            (&4711.into(), &"why".into())
        );
    }
}
