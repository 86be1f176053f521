//! Compares rendered records with lines that oslo.log printed for the same records.

use serde_json::Value;

use super::*;
use crate::clock::StampCache;
use crate::form::{Form, Style};
use crate::json::Json;

const SAMPLES: &str = include_str!("../../tests/data/log_samples.jsonl");
/// As JSON, in colour, and with errors of all shapes.
const FORMS: &str = include_str!("../../tests/data/form_samples.jsonl");
/// Formats that the original starts with, however odd, and what it printed for a record at INFO and
/// one at DEBUG; `lost` where it loses the record, or prints all that it knows instead; `no_debug`
/// where it prints its suffix without the message, which we do not.
const ODD: &str = include_str!("../../tests/data/odd_formats.jsonl");
const CREATED: Duration = Duration::from_micros(1_763_832_145_185_250);

fn options_of(sample: &Value) -> LogOptions {
    let mut options = LogOptions { version: "29.0.0".into(), ..LogOptions::default() };
    for (name, value) in sample["options"].as_object().into_iter().flatten() {
        let field = match name.as_str() {
            "logging_default_format_string" => &mut options.logging_default_format_string,
            "logging_context_format_string" => &mut options.logging_context_format_string,
            "logging_user_identity_format" => &mut options.logging_user_identity_format,
            "logging_debug_format_suffix" => &mut options.logging_debug_format_suffix,
            "logging_exception_prefix" => &mut options.logging_exception_prefix,
            "instance_format" => &mut options.instance_format,
            "log_date_format" => &mut options.log_date_format,
            "instance_uuid_format" => &mut options.instance_uuid_format,
            other => panic!("sample uses an option this test does not know: {other}"),
        };
        *field = value.as_str().unwrap().to_owned();
    }
    options
}

fn fields_of(sample: &Value) -> Captured {
    let mut fields = Captured::default();
    fields.clear(true);
    for name in ["message", "instance", "error_class", "error", "traceback"] {
        fields.store(name, format_args!("{}", sample[name].as_str().unwrap_or_default()));
    }
    // The names of fields are constants of the program that logs.
    for name in ["zone", "count", "ratio", "done", "apple"] {
        match &sample["extras"][name] {
            Value::Null => {}
            Value::String(text) => fields.store(name, format_args!("{text}")),
            literal => fields.store_literal(name, format_args!("{literal}")),
        }
    }
    fields
}

fn context_of(sample: &Value) -> SpanContext {
    let mut span = SpanContext::default();
    for (name, value) in sample["context"].as_object().unwrap() {
        match value {
            Value::Bool(value) => span.set(name, crate::event::python_bool(*value)),
            value => span.set(name, value.as_str().unwrap()),
        }
    }
    span
}

fn form_of(sample: &Value) -> Form {
    let options = options_of(sample);
    let layout = Layout::new(&options, &mut Vec::new());
    match sample["form"].as_str() {
        Some("json") => {
            let json = Json::new(layout.date, Some("node1".into()), 1_763_832_143.5);
            Form { style: Style::Json(json), color: false }
        }
        form => Form { style: Style::Text(Box::new(layout)), color: form == Some("color") },
    }
}

fn render(sample: &Value) -> String {
    let form = form_of(sample);
    let (fields, span) = (fields_of(sample), context_of(sample));
    let mut cache = StampCache::default();
    let level = i32::try_from(sample["level"].as_i64().unwrap()).unwrap();
    let record = Record {
        level: Level::from_number(level).unwrap(),
        target: "cinder::x",
        file: "/src/cinder/x.py",
        line: 11,
        module: "cinder::f",
        pid: 19228,
        stamp: cache.stamp(&chrono::Utc, UNIX_EPOCH + CREATED, form.date()),
        fields: &fields,
        color: "",
        span: sample["has_context"].as_bool().unwrap().then_some(&span),
    };
    let mut out = String::new();
    form.render(&record, &mut out);
    // The thread is the test's own.
    let thread = std::thread::current();
    let own = format!("{}, \"thread_name\": {:?}", thread_id(), thread.name().unwrap());
    out.replace(&own, "1, \"thread_name\": \"T\"")
}

#[test]
fn records_look_as_oslo_log_prints_them() {
    let mut count = 0;
    let mut differences = String::new();
    for line in SAMPLES.lines().chain(FORMS.lines()) {
        let sample: Value = serde_json::from_str(line).unwrap();
        let mut expected = format!("{}\n", sample["expected"].as_str().unwrap());
        // The one thing that we print otherwise on purpose; lines of an error have a prefix each.
        let field = |name: &str| sample[name].as_str().unwrap_or_default();
        for field in [field("message"), field("error").trim_end()] {
            if field.contains('\n') && sample["form"] != "json" {
                expected = expected.replace(field, &crate::printable(field));
            }
        }
        let found = render(&sample);
        count += 1;
        if found != expected {
            differences += &format!("{line}\n oslo {expected:?}\n ours {found:?}\n\n");
        }
    }
    assert!(count > 400, "only {count} samples");
    assert!(differences.is_empty(), "{differences}");
}

/// No start ends over a format; what the original prints, we print, and what it loses, we print with
/// the place-holder as it stands, and remark upon.
#[test]
fn odd_formats_end_no_start_and_lose_no_record() {
    let mut span = SpanContext::default();
    for (name, value) in [("request_id", "req-1"), ("user", "u1"), ("project", "p1")] {
        span.set(name, value);
    }
    span.set("read_only", "False");
    let mut differences = String::new();
    for line in ODD.lines() {
        let sample: Value = serde_json::from_str(line).unwrap();
        let mut remarks = Vec::new();
        let layout = Layout::new(&options_of(&sample), &mut remarks);
        let render = |level, millis| {
            let mut cache = StampCache::default();
            let fields = Captured::of_message(format_args!("hello"));
            let record = Record {
                level,
                target: "cinder::x",
                file: "/src/cinder/x.py",
                line: 11,
                module: "cinder::f",
                pid: 19228,
                stamp: cache.stamp(&chrono::Utc, UNIX_EPOCH + millis, &layout.date),
                fields: &fields,
                color: "",
                span: Some(&span),
            };
            let mut out = String::new();
            layout.render(&record, &mut out);
            out.strip_suffix('\n').unwrap().to_owned()
        };
        for (name, level) in [("info", Level::Info), ("debug", Level::Debug)] {
            let found = render(level, CREATED);
            if let Some(expected) = sample[name].as_str()
                && found != expected
            {
                differences += &format!("{line}\n original {expected:?}\n ours     {found:?}\n\n");
            }
        }
        let lost =
            sample["lost"] == true || (sample["debug"].is_null() && sample["no_debug"] != true);
        if remarks.is_empty() == lost {
            differences += &format!("{line}\n remarks {remarks:?}\n\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// The line of a record made by this thread at [`CREATED`], in a process that began 1.5 s before.
fn line(format: &str) -> String {
    let options =
        LogOptions { logging_default_format_string: format.into(), ..LogOptions::default() };
    let mut layout = Layout::new(&options, &mut Vec::new());
    layout.started = CREATED - Duration::from_millis(1500);
    let mut cache = StampCache::default();
    let fields = Captured::of_message(format_args!("hello"));
    let record = Record {
        level: Level::Info,
        target: "cinder::x",
        file: "/src/cinder/x.py",
        line: 11,
        module: "cinder::f",
        pid: 19228,
        stamp: cache.stamp(&chrono::Utc, UNIX_EPOCH + CREATED, &layout.date),
        fields: &fields,
        color: "",
        span: None,
    };
    let mut out = String::new();
    layout.render(&record, &mut out);
    out.trim_end().to_owned()
}

#[test]
fn the_time_since_the_start_is_in_milliseconds_and_the_start_is_this_process() {
    assert_eq!(line("%(relativeCreated)d"), "1500");
    let layout = Layout::new(&LogOptions::default(), &mut Vec::new());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(now - layout.started < Duration::from_secs(600), "{:?}", layout.started);
}

#[test]
fn numbers_are_those_of_the_record_in_whatever_way_they_are_asked_for() {
    assert_eq!(line("%(lineno)d %(lineno)s %(lineno).1f %(lineno)f"), "11 11 11.0 11.000000");
    assert_eq!(line("%(thread)d"), nix::unistd::gettid().to_string());
}
