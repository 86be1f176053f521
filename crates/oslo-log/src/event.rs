//! What an event carries, gathered into one reused buffer: no allocation per line.
//!
//! Must not know the formats.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::ops::Range;

use tracing::field::{Field, Visit};

use crate::context::ContextKey;

/// A text that an event may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Message,
    /// Text of the outermost error.
    Error,
    ErrorClass,
    /// The error's causes, one per line (more if a text has several), each once.
    Causes,
    Traceback,
    Instance,
    Resource,
    Logger,
    /// The `log` crate's target, module path and file: its records all share one callsite.
    LogTarget,
    LogModule,
    LogFile,
}

const SLOTS: usize = Slot::LogFile as usize + 1;

/// More causes than this are a cycle, or of no use to anybody.
const MAX_CAUSES: usize = 32;

impl Slot {
    fn of(field: &str) -> Option<Self> {
        Some(match field {
            "message" => Self::Message,
            "error" => Self::Error,
            "error_class" => Self::ErrorClass,
            "traceback" => Self::Traceback,
            "instance" => Self::Instance,
            "resource" => Self::Resource,
            "logger" => Self::Logger,
            "log.target" => Self::LogTarget,
            "log.module_path" => Self::LogModule,
            "log.file" => Self::LogFile,
            _ => return None,
        })
    }
}

/// A field that no text format knows; structured formats print it.
#[derive(Debug, Clone)]
struct Extra {
    name: &'static str,
    /// A number or truth value, spelled as JSON has it; everything else is text.
    literal: bool,
    value: Range<usize>,
}

/// The fields of one event.
#[derive(Debug, Default)]
pub(crate) struct Captured {
    text: String,
    slots: [Range<usize>; SLOTS],
    context: Vec<(ContextKey, Range<usize>)>,
    /// Kept only if somebody is going to print them.
    extras: Vec<Extra>,
    keep_extras: bool,
    critical: Option<bool>,
    log_line: Option<u32>,
}

impl Captured {
    /// The fields of an event that has a message only.
    pub(crate) fn of_message(text: fmt::Arguments<'_>) -> Self {
        let mut fields = Self::default();
        fields.store("message", text);
        fields
    }

    /// Forgets everything; the next event's unknown fields are kept if `keep_extras`.
    pub(crate) fn clear(&mut self, keep_extras: bool) {
        self.text.clear();
        self.slots = Default::default();
        self.context.clear();
        self.extras.clear();
        self.keep_extras = keep_extras;
        self.critical = None;
        self.log_line = None;
    }

    /// Bytes of memory kept for the next event.
    pub(crate) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// The text in `slot`, empty if the event has none.
    pub(crate) fn get(&self, slot: Slot) -> &str {
        &self.text[self.slots[slot as usize].clone()]
    }

    /// A context value given with the event itself; it wins over the span's.
    pub(crate) fn context(&self, key: ContextKey) -> Option<&str> {
        let (_, range) = self.context.iter().find(|(known, _)| *known == key)?;
        Some(&self.text[range.clone()])
    }

    pub(crate) fn has_context(&self) -> bool {
        !self.context.is_empty()
    }

    /// Fields that no text format knows: name, value, and whether that is a JSON literal.
    pub(crate) fn extras(&self) -> impl Iterator<Item = (&'static str, &str, bool)> {
        self.extras.iter().map(|one| (one.name, &self.text[one.value.clone()], one.literal))
    }

    /// The value of the event's `critical` field, if it has one.
    pub(crate) fn critical(&self) -> Option<bool> {
        self.critical
    }

    pub(crate) fn log_line(&self) -> Option<u32> {
        self.log_line
    }

    fn append(&mut self, value: fmt::Arguments<'_>) -> Range<usize> {
        let start = self.text.len();
        // A Display that fails leaves what it wrote so far, which is better than no line.
        let _ = self.text.write_fmt(value);
        start..self.text.len()
    }

    /// Keeps a field's text, of an unknown field only if extras are asked for.
    pub(crate) fn store(&mut self, name: &'static str, value: fmt::Arguments<'_>) {
        self.keep(name, value, false);
    }

    /// As [`store`](Self::store), for a number or truth value in JSON's spelling.
    pub(crate) fn store_literal(&mut self, name: &'static str, value: fmt::Arguments<'_>) {
        self.keep(name, value, true);
    }

    fn keep(&mut self, name: &'static str, value: fmt::Arguments<'_>, literal: bool) {
        if let Some(slot) = Slot::of(name) {
            self.slots[slot as usize] = self.append(value);
        } else if let Some(key) = ContextKey::named(name) {
            let range =
                if key.is_secret() { self.append(format_args!("***")) } else { self.append(value) };
            self.context.push((key, range));
        } else if self.keep_extras {
            let value = self.append(value);
            self.extras.push(Extra { name, literal, value });
        }
    }

    /// Stores the error's own text and, apart from it, the texts of its causes.
    ///
    /// Many errors repeat their source at the end of their own text; such a cause is left
    /// out, so that the reader meets every cause once.
    fn store_error(&mut self, error: &(dyn Error + 'static)) {
        let summary = self.append(format_args!("{error}"));
        let mut printed = summary.clone();
        let start = self.text.len();
        let mut next = error.source();
        for _ in 0..MAX_CAUSES {
            let Some(cause) = next else { break };
            next = cause.source();
            let line = self.text.len();
            self.text.push_str("caused by: ");
            let range = self.append(format_args!("{cause}"));
            let text = self.text[range.clone()].trim_end();
            if text.is_empty() || self.text[printed.clone()].trim_end().ends_with(text) {
                self.text.truncate(line);
            } else {
                self.text.push('\n');
                printed = range;
            }
        }
        self.slots[Slot::Error as usize] = summary;
        self.slots[Slot::Causes as usize] = start..self.text.len();
    }
}

/// A truth value of a request context, as Python prints it.
pub(crate) fn python_bool(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

impl Visit for Captured {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.store(field.name(), format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "critical" => self.critical = Some(value),
            name if ContextKey::named(name).is_some() => {
                self.store(name, format_args!("{}", python_bool(value)));
            }
            name => self.store_literal(name, format_args!("{value}")),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.store_literal(field.name(), format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.log_line = u32::try_from(value).ok();
        } else {
            self.store_literal(field.name(), format_args!("{value}"));
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for infinity.
        self.keep(field.name(), format_args!("{value:?}"), value.is_finite());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if field.name() == "error" {
            self.store_error(value);
        } else {
            self.store(field.name(), format_args!("{value}"));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.store(field.name(), format_args!("{value:?}"));
    }
}
