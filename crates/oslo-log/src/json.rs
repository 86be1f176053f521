//! One JSON object per record, with the original's keys in the original's order (`use_json`).
//!
//! Must not write anywhere. Text is escaped as Python does it, to ASCII, so that a line stays one
//! line whatever a message contains.

use std::fmt::Write as _;

use crate::clock::DateFormat;
use crate::context::ContextKey;
use crate::event::Slot;
use crate::layout::{Record, file_name, last_segment, module_name, thread_id, write_logger_name};
use crate::level::Level;

/// Values of a request context in the original's order (spec/logging.md §4).
const CONTEXT_ORDER: &[&str] = &[
    "user_name",
    "project_name",
    "domain_name",
    "user_domain_name",
    "project_domain_name",
    "user",
    "project_id",
    "system_scope",
    "project",
    "domain",
    "user_domain",
    "project_domain",
    "is_admin",
    "read_only",
    "show_deleted",
    "auth_token",
    "request_id",
    "global_request_id",
    "resource_uuid",
    "roles",
    "user_identity",
    "is_admin_project",
    "user_id",
    "domain_id",
    "read_deleted",
    "remote_address",
    "timestamp",
    "quota_class",
    "service_catalog",
    "message_resource_id",
    "message_resource_type",
    "message_action",
];

/// The parts of the deprecated `user_identity`.
const IDENTITY: [&str; 5] = ["user", "project", "domain", "user_domain", "project_domain"];

/// What the original prints for a logger that was asked for without a project.
const UNKNOWN: &str = "unknown";

/// The JSON form of a record.
#[derive(Debug)]
pub(crate) struct Json {
    pub(crate) date: DateFormat,
    host_name: Option<String>,
    /// When this program began to log, in seconds since the epoch.
    started: f64,
}

impl Json {
    pub(crate) fn new(date: DateFormat, host_name: Option<String>, started: f64) -> Self {
        Self { date, host_name, started }
    }

    /// Appends the record's line, newline included.
    pub(crate) fn render(&self, record: &Record<'_>, out: &mut String) {
        let fields = record.fields;
        let since_epoch = record.stamp.since_epoch;
        let created = since_epoch.as_secs_f64();
        let mut name = String::new();
        write_logger_name(record.target, &mut name);
        let message = fields.get(Slot::Message);
        let mut object = Object::begin(out);
        object.text("message", message);
        object.text("asctime", record.stamp.asctime);
        object.text("name", &name);
        object.text("msg", message); // `tracing` has filled in the arguments
        object.literal("args", "[]");
        object.text("levelname", record.level.name());
        object.literal("levelno", record.level.number());
        object.text("pathname", record.file);
        object.text("filename", file_name(record.file));
        object.text("module", module_name(record.file));
        object.literal("lineno", record.line);
        object.text("funcname", last_segment(record.module));
        object.literal("created", format_args!("{created:?}"));
        object.literal("msecs", format_args!("{}.0", since_epoch.subsec_millis()));
        object.literal("relative_created", format_args!("{:?}", (created - self.started) * 1e3));
        object.literal("thread", thread_id());
        object.text("thread_name", std::thread::current().name().unwrap_or("unnamed"));
        object.text("process_name", "MainProcess");
        object.literal("process", record.pid);
        object.text_or_null("traceback", traceback(record).as_deref());
        object.text_or_null("hostname", self.host_name.as_deref());
        object.text("error_summary", &summary(record));
        object.object("context", |object| write_context(record, object));
        object.object("extra", |object| write_extra(record, object));
        object.end();
        out.push('\n');
    }
}

/// The error's text and causes, or the traceback: what the text format prints below the line.
fn traceback(record: &Record<'_>) -> Option<String> {
    let mut text = String::new();
    let traceback = record.fields.get(Slot::Traceback);
    if traceback.is_empty() {
        record.write_summary(&mut text);
    }
    let parts = [text.as_str(), record.fields.get(Slot::Causes), traceback];
    let lines =
        parts.iter().flat_map(|part| part.trim_end().lines()).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn summary(record: &Record<'_>) -> String {
    let mut text = String::new();
    if record.level >= Level::Warning {
        record.write_summary(&mut text);
    }
    text
}

fn write_context(record: &Record<'_>, object: &mut Object<'_>) {
    if !record.has_context() {
        return;
    }
    let get = |name: &str| record.context(ContextKey::named(name)?);
    for &name in CONTEXT_ORDER {
        match (name, get(name)) {
            ("user_identity", _) => {
                let part = |name| get(name).filter(|part| !part.is_empty()).unwrap_or("-");
                object.text(name, &IDENTITY.map(part).join(" "));
            }
            ("roles" | "service_catalog", None) => object.literal(name, "[]"),
            (_, None) => object.literal(name, "null"),
            ("is_admin" | "is_admin_project" | "read_only" | "show_deleted", Some("True")) => {
                object.literal(name, true);
            }
            ("is_admin" | "is_admin_project" | "read_only" | "show_deleted", Some("False")) => {
                object.literal(name, false);
            }
            ("roles", Some(roles)) => object.list(name, roles),
            (_, Some(value)) => object.text(name, value),
        }
    }
}

/// Everything else that came with the event, by name, and the two that the original always has.
fn write_extra(record: &Record<'_>, object: &mut Object<'_>) {
    let mut extras: Vec<(&str, &str, bool)> = record.fields.extras().collect();
    let project = record.context(ContextKey::PROJECT);
    match project {
        None if record.has_context() => extras.push(("project", "null", true)),
        project => extras.push(("project", project.unwrap_or(UNKNOWN), false)),
    }
    if extras.iter().all(|(name, ..)| *name != "version") {
        extras.push(("version", UNKNOWN, false));
    }
    let resource = format!("[{}] ", record.fields.get(Slot::Resource));
    if resource != "[] " {
        extras.push(("resource", &resource, false));
    }
    match record.fields.get(Slot::Instance) {
        "" => {}
        instance => extras.push(("instance", instance, false)),
    }
    extras.sort_by_key(|(name, ..)| *name);
    for (name, value, literal) in extras {
        if literal { object.literal(name, value) } else { object.text(name, value) }
    }
}

/// An object in the making, with Python's separators.
struct Object<'o> {
    out: &'o mut String,
    first: bool,
}

impl<'o> Object<'o> {
    fn begin(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, first: true }
    }

    fn end(self) {
        self.out.push('}');
    }

    fn key(&mut self, name: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push_str(", ");
        }
        write_string(name, self.out);
        self.out.push_str(": ");
    }

    fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        write_string(value, self.out);
    }

    fn text_or_null(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.literal(name, "null"),
        }
    }

    fn literal(&mut self, name: &str, value: impl std::fmt::Display) {
        self.key(name);
        let _ = write!(self.out, "{value}"); // writing to a String cannot fail
    }

    /// A list that came as one text, its items divided by commas.
    fn list(&mut self, name: &str, items: &str) {
        self.key(name);
        self.out.push('[');
        for (at, item) in items.split(',').map(str::trim).filter(|i| !i.is_empty()).enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            write_string(item, self.out);
        }
        self.out.push(']');
    }

    fn object(&mut self, name: &str, body: impl FnOnce(&mut Object<'_>)) {
        self.key(name);
        let mut object = Object::begin(self.out);
        body(&mut object);
        object.end();
    }
}

/// Appends a string as `json.dumps` prints it.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| !matches!(c, ' '..='~') || c == '"' || c == '\\') {
        out.push_str(&rest[..at]);
        let mut chars = rest[at..].chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some(other) => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_to_ascii_as_python_does() {
        let mut out = String::new();
        write_string("a\"b\\c\n\r\t\u{8}\u{c}\u{1}\u{7f}é\u{1f600}~ ", &mut out);
        // Printed by json.dumps of Python 3.11 for the same text.
        assert_eq!(out, r#""a\"b\\c\n\r\t\b\f\u0001\u007f\u00e9\ud83d\ude00~ ""#);
    }

    #[test]
    fn every_value_of_a_context_is_one_that_a_span_can_carry() {
        for name in CONTEXT_ORDER {
            assert!(*name == "user_identity" || ContextKey::named(name).is_some(), "{name}");
        }
    }
}
