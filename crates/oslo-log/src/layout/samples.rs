//! Compares rendered records with lines that oslo.log printed for the same records.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::clock::StampCache;

const SAMPLES: &str = include_str!("../../tests/data/log_samples.jsonl");
const CREATED: Duration = Duration::from_micros(1_763_832_145_185_250);

fn options_of(sample: &serde_json::Value) -> LogOptions {
    let mut options = LogOptions { version: "29.0.0".into(), ..LogOptions::default() };
    for (name, value) in sample["options"].as_object().unwrap() {
        let field = match name.as_str() {
            "logging_default_format_string" => &mut options.logging_default_format_string,
            "logging_context_format_string" => &mut options.logging_context_format_string,
            "logging_user_identity_format" => &mut options.logging_user_identity_format,
            "logging_debug_format_suffix" => &mut options.logging_debug_format_suffix,
            "logging_exception_prefix" => &mut options.logging_exception_prefix,
            "instance_format" => &mut options.instance_format,
            "log_date_format" => &mut options.log_date_format,
            "instance_uuid_format" => continue, // the same text as instance_format
            other => panic!("sample uses an option this test does not know: {other}"),
        };
        *field = value.as_str().unwrap().to_owned();
    }
    options
}

fn level_of(sample: &serde_json::Value) -> Level {
    match sample["level"].as_i64().unwrap() {
        5 => Level::Trace,
        10 => Level::Debug,
        20 => Level::Info,
        30 => Level::Warning,
        40 => Level::Error,
        50 => Level::Critical,
        other => panic!("unknown level {other}"),
    }
}

fn render(sample: &serde_json::Value) -> String {
    let layout = Layout::new(&options_of(sample)).unwrap();
    let mut fields = Captured::default();
    for name in ["message", "instance", "error_class", "error", "traceback"] {
        fields.store(name, format_args!("{}", sample[name].as_str().unwrap()));
    }
    let mut span = SpanContext::default();
    for (name, value) in sample["context"].as_object().unwrap() {
        span.set(name, value.as_str().unwrap());
    }
    let mut cache = StampCache::default();
    let record = Record {
        level: level_of(sample),
        target: "cinder::x",
        file: "/src/cinder/x.py",
        line: 11,
        module: "cinder::f",
        pid: 19228,
        stamp: cache.stamp(&chrono::Utc, UNIX_EPOCH + CREATED, &layout.date),
        fields: &fields,
        span: sample["has_context"].as_bool().unwrap().then_some(&span),
    };
    let mut out = String::new();
    layout.render(&record, &mut out);
    out
}

#[test]
fn records_look_as_oslo_log_prints_them() {
    let mut count = 0;
    let mut differences = String::new();
    for line in SAMPLES.lines() {
        let sample: serde_json::Value = serde_json::from_str(line).unwrap();
        let expected = format!("{}\n", sample["expected"].as_str().unwrap());
        let found = render(&sample);
        count += 1;
        if found != expected {
            differences += &format!("{line}\n oslo {expected:?}\n ours {found:?}\n\n");
        }
    }
    assert!(count > 300, "only {count} samples");
    assert!(differences.is_empty(), "{differences}");
}
