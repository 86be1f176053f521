//! `status`, `status --check`: the service rows as a scheduler would judge them.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use cinder_db::{Connection, DatabaseOptions, ServiceRow, Timestamp, list_services};
use cinder_types::BINARY;
use serde_json::json;

use crate::cli::Wanted;
use crate::exit::{self, Failure};

/// Prints every live service: host, binary, zone, status, state, last update.
///
/// # Errors
///
/// When the database cannot be read. It is never created or changed here.
pub fn print(
    database: &DatabaseOptions,
    service_down_time: Duration,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let mut connection = Connection::open(database)?;
    connection.check_schema()?;
    let rows = list_services(&mut connection)?;
    let now = Timestamp::now();
    let lines: Vec<Line> =
        rows.iter().map(|row| Line::of(row, row.is_up(now, service_down_time))).collect();
    let text = if as_json { json_of(&lines)? } else { table(&lines) };
    out.write_all(text.as_bytes()).context("cannot write the table")?;
    Ok(exit::OK)
}

/// Prints whether each of `hosts` is up, and answers whether as many are as are wanted.
///
/// # Errors
///
/// When the database cannot be read: then nobody knows.
pub fn check(
    database: &DatabaseOptions,
    service_down_time: Duration,
    hosts: &[String],
    wanted: Wanted,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let mut connection = Connection::open(database)?;
    connection.check_schema()?;
    let rows = list_services(&mut connection)?;
    let now = Timestamp::now();
    let mut up = 0;
    for host in hosts {
        let ours = |row: &&ServiceRow| {
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

/// One row of the table, in the words of upstream's `cinder-manage service list`.
struct Line {
    binary: String,
    host: String,
    zone: String,
    status: &'static str,
    state: &'static str,
    updated_at: String,
    report_count: i32,
    cluster: Option<String>,
    disabled_reason: Option<String>,
}

impl Line {
    fn of(row: &ServiceRow, up: bool) -> Self {
        Self {
            binary: row.binary.clone().unwrap_or_default(),
            host: row.host.clone().unwrap_or_default(),
            zone: row.availability_zone.clone().unwrap_or_default(),
            status: if row.disabled == Some(true) { "disabled" } else { "enabled" },
            state: if up { "up" } else { "down" },
            updated_at: row.updated_at.map(|at| at.to_string()).unwrap_or_default(),
            report_count: row.report_count,
            cluster: row.cluster_name.clone(),
            disabled_reason: row.disabled_reason.clone(),
        }
    }
}

fn json_of(lines: &[Line]) -> Result<String, Failure> {
    let services: Vec<_> = lines
        .iter()
        .map(|line| {
            json!({
                "binary": line.binary,
                "host": line.host,
                "zone": line.zone,
                "cluster": line.cluster,
                "status": line.status,
                "disabled_reason": line.disabled_reason,
                "state": line.state,
                "updated_at": line.updated_at,
                "report_count": line.report_count,
            })
        })
        .collect();
    Ok(format!("{}\n", serde_json::to_string_pretty(&services)?))
}

fn table(lines: &[Line]) -> String {
    let head = ["Binary", "Host", "Zone", "Status", "State", "Updated At"];
    let rows: Vec<[&str; 6]> = lines
        .iter()
        .map(|line| {
            [
                &line.binary,
                &line.host,
                &line.zone,
                line.status,
                line.state,
                line.updated_at.as_str(),
            ]
        })
        .collect();
    let mut widths = head.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in std::iter::once(&head).chain(&rows) {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line: Vec<String> = cells.collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(host: &str, state: &'static str) -> Line {
        Line {
            binary: "cinder-volume".into(),
            host: host.into(),
            zone: "nova".into(),
            status: "enabled",
            state,
            updated_at: "2026-11-22 17:22:25.000123".into(),
            report_count: 3,
            cluster: None,
            disabled_reason: None,
        }
    }

    #[test]
    fn the_table_lines_up() {
        let text = table(&[line("node1@lvm", "up"), line("node1@a-long-name", "down")]);
        assert_eq!(
            text,
            "Binary         Host               Zone  Status   State  Updated At\n\
             cinder-volume  node1@lvm          nova  enabled  up     2026-11-22 17:22:25.000123\n\
             cinder-volume  node1@a-long-name  nova  enabled  down   2026-11-22 17:22:25.000123\n"
        );
    }

    #[test]
    fn json_says_what_is_unknown() {
        let text = json_of(&[line("node1@lvm", "up")]).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value[0]["host"], "node1@lvm");
        assert_eq!(value[0]["cluster"], serde_json::Value::Null);
    }
}
