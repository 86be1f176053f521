//! The metrics, as a parser and the rules of the format see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::{BTreeMap, BTreeSet};

use cinder_health::{
    BOUNDS, BackEnd, Counters, Duration, Health, Operation, Restarts, Snapshot, State, Supervisor,
    exposition,
};
use prometheus_parse::{Sample, Scrape, Value};

/// Every number in it is another one.
fn snapshot() -> Snapshot {
    let mut buckets = [0; BOUNDS.len() + 1];
    for (bucket, count) in buckets.iter_mut().zip(1..) {
        *bucket = count;
    }
    let durations = |sum_seconds| Duration { sum_seconds, buckets };
    let operation = |age_seconds| Operation { age_seconds, ..Operation::default() };
    let lvm = BackEnd {
        name: "lvm".into(),
        host: "node@lvm".into(),
        state: State::Up,
        uptime_seconds: Some(100.5),
        startup_seconds: Some(0.25),
        heartbeat_age_seconds: Some(3.5),
        processes: 1 + 201 + 202 + 203 + 204,
        restarts: Restarts { exit: 201, signal: 202, watchdog: 203, roll: 204 },
        rss_bytes: Some(205),
        operations: vec![operation(206.5), operation(1.0)],
        counters: Counters {
            heartbeats: 301,
            heartbeat_failures: 302,
            heartbeat_duration: durations(303.5),
            pool_open: 304,
            pool_lent: 305,
            pool_waiting: 306,
            database_errors: 307,
            message_reconnects: 308,
            log_lines_dropped: 309,
            queue_depth: 310,
            operations_succeeded: 311,
            operations_failed: 312,
            operation_duration: durations(313.5),
        },
        ..BackEnd::default()
    };
    let odd = BackEnd { name: "a \"b\"\\c\nd".into(), state: State::Failed, ..BackEnd::default() };
    Snapshot {
        host: "node".into(),
        version: "1.2.3".into(),
        release: "29.0.0".into(),
        supervisor: Supervisor { pid: 1, rss_bytes: Some(401) },
        health: Health {
            pid: 2,
            uptime_seconds: Some(402.5),
            restarts: Restarts { exit: 403, signal: 404, watchdog: 405, roll: 406 },
            rss_bytes: Some(407),
        },
        back_ends: vec![lvm, odd],
    }
}

fn parsed(text: &str) -> Scrape {
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap()
}

/// Samples of the back end `lvm` and of the whole, by what stands in front of their value.
fn values(scrape: &Scrape) -> BTreeMap<String, f64> {
    let mut values = BTreeMap::new();
    for Sample { metric, value, labels, .. } in &scrape.samples {
        let (Value::Counter(number) | Value::Gauge(number) | Value::Untyped(number)) = value else {
            continue;
        };
        if labels.get("backend").is_some_and(|name| name != "lvm") {
            continue;
        }
        let mut key = metric.strip_prefix("cinder_volume_").unwrap().to_owned();
        for label in ["state", "cause", "result"] {
            if let Some(value) = labels.get(label) {
                key += &format!(" {value}");
            }
        }
        assert!(values.insert(key.clone(), *number).is_none(), "{key} is there twice");
    }
    values
}

#[test]
fn every_number_is_under_its_name() {
    let values = values(&parsed(&exposition(snapshot(), true)));
    for (name, value) in [
        ("build_info", 1.0),
        ("supervisor_up", 1.0),
        ("supervisor_resident_memory_bytes", 401.0),
        ("health_resident_memory_bytes", 407.0),
        ("health_uptime_seconds", 402.5),
        ("health_restarts_total exit", 403.0),
        ("health_restarts_total signal", 404.0),
        ("health_restarts_total watchdog", 405.0),
        ("health_restarts_total roll", 406.0),
        ("back_ends up", 1.0),
        ("back_ends failed", 1.0),
        ("back_ends gone", 0.0),
        ("back_end_up", 1.0),
        ("worker_state up", 1.0),
        ("worker_state silent", 0.0),
        ("worker_restarts_total exit", 201.0),
        ("worker_restarts_total signal", 202.0),
        ("worker_restarts_total watchdog", 203.0),
        ("worker_restarts_total roll", 204.0),
        ("worker_processes_total", 811.0),
        ("worker_uptime_seconds", 100.5),
        ("worker_startup_seconds", 0.25),
        ("worker_resident_memory_bytes", 205.0),
        ("log_lines_dropped_total", 309.0),
        ("heartbeat_age_seconds", 3.5),
        ("heartbeats_total", 301.0),
        ("heartbeat_failures_total", 302.0),
        ("database_connections_open", 304.0),
        ("database_connections_in_use", 305.0),
        ("database_waiting", 306.0),
        ("database_errors_total", 307.0),
        ("message_queue_reconnects_total", 308.0),
        ("operation_queue_depth", 310.0),
        ("operations_running", 2.0),
        ("operation_oldest_seconds", 206.5),
        ("operations_total success", 311.0),
        ("operations_total failure", 312.0),
    ] {
        assert_eq!(values.get(name), Some(&value), "{name} of {values:#?}");
    }
}

#[test]
fn a_histogram_counts_up_to_its_total() {
    let scrape = parsed(&exposition(snapshot(), true));
    for name in ["heartbeat_duration_seconds", "operation_duration_seconds"] {
        let metric = format!("cinder_volume_{name}");
        let mine = |sample: &&Sample| {
            sample.metric == metric && sample.labels.get("backend") == Some("lvm")
        };
        let Value::Histogram(buckets) = &scrape.samples.iter().find(mine).unwrap().value else {
            panic!("{name} is no histogram")
        };
        let bounds: Vec<f64> = buckets.iter().map(|bucket| bucket.less_than).collect();
        assert_eq!(bounds[..BOUNDS.len()], BOUNDS);
        assert_eq!(bounds[BOUNDS.len()..], [f64::INFINITY]);
        let counts: Vec<f64> = buckets.iter().map(|bucket| bucket.count).collect();
        assert!(counts.is_sorted());
        assert_eq!(counts.last(), Some(&91.0)); // 1 + 2 + … + 13
    }
}

#[test]
fn what_is_unknown_has_no_sample() {
    let one = BackEnd { name: "lvm".into(), ..BackEnd::default() };
    let empty = Snapshot { back_ends: vec![one], ..Snapshot::default() };
    let values = values(&parsed(&exposition(empty, false)));
    for name in ["worker_uptime_seconds", "heartbeat_age_seconds", "worker_resident_memory_bytes"] {
        assert_eq!(values.get(name), None, "{name}");
    }
    assert_eq!(values["supervisor_up"], 0.0);
    assert_eq!(values["heartbeats_total"], 0.0);
}

/// What `promtool check metrics` complains of, and some more.
#[test]
fn the_text_keeps_the_rules_of_the_format() {
    let text = exposition(snapshot(), true);
    assert!(text.ends_with('\n') && !text.contains("\n\n"));
    let mut families: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    let (mut current, mut series) = ("", BTreeSet::new());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(
                words.ends_with('.')
                    && words.starts_with(|c: char| c.is_ascii_uppercase() || c == '1'),
                "{line}"
            );
            let kind = lines.next().unwrap().strip_prefix("# TYPE ").unwrap();
            let (same, kind) = kind.split_once(' ').unwrap();
            assert_eq!(same, name);
            assert!(families.insert(name, (kind, 0)).is_none(), "{name} comes twice");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            let snake = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(name.starts_with("cinder_volume_") && name.chars().all(snake), "{name}");
            for wrong in ["_ms", "_minutes", "_kib", "_count", "_sum", "_bucket", "_gauge"] {
                assert!(!name.ends_with(wrong), "{name}");
            }
            current = name;
            continue;
        }
        let (key, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok_and(|number| number >= 0.0), "{line}");
        assert!(series.insert(key), "{key} is there twice");
        let name = key.split('{').next().unwrap();
        let (kind, samples) = families.get_mut(current).unwrap();
        let suffix = name.strip_prefix(current).unwrap_or_else(|| panic!("{name} in {current}"));
        let parts: &[&str] =
            if *kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(parts.contains(&suffix), "{name} in {current}");
        *samples += 1;
    }
    assert!(families.len() >= 25, "{}", families.len());
    assert!(families.values().all(|(_, samples)| *samples > 0), "{families:?}");
    assert!(text.contains(r#"cinder_volume_back_end_up{backend="a \"b\"\\c\nd"} 0"#), "{text}");
}
