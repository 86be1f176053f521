//! The form of a line for one kind of destination: text or JSON, with colour or without.
//!
//! Must not write anywhere.

use crate::clock::DateFormat;
use crate::json::Json;
use crate::layout::{Layout, Record};
use crate::level::Level;

/// How records look.
#[derive(Debug)]
pub(crate) enum Style {
    Text(Box<Layout>),
    Json(Json),
}

/// How records look at one destination.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) style: Style,
    /// `%(color)s` has a value, and every record ends in a reset.
    pub(crate) color: bool,
}

const RESET: &str = "\x1b[00m";

/// A level's colour (spec/logging.md §3.1).
fn color(level: Level) -> &'static str {
    match level {
        Level::Trace => "\x1b[00;35m",
        Level::Debug => "\x1b[00;32m",
        Level::Info => "\x1b[00;36m",
        Level::Warning => "\x1b[01;33m",
        Level::Error | Level::Critical => "\x1b[01;31m",
    }
}

impl Form {
    /// The format of `%(asctime)s`.
    pub(crate) fn date(&self) -> &DateFormat {
        match &self.style {
            Style::Text(layout) => &layout.date,
            Style::Json(json) => &json.date,
        }
    }

    /// Appends the record's lines, newline included; returns where those about an error begin.
    pub(crate) fn render(&self, record: &Record<'_>, out: &mut String) -> usize {
        let color = if self.color { color(record.level) } else { "" };
        let record = Record { color, ..*record };
        let error = match &self.style {
            Style::Text(layout) => layout.render(&record, out),
            Style::Json(json) => {
                json.render(&record, out);
                out.len()
            }
        };
        if self.color && out.ends_with('\n') {
            out.truncate(out.len() - 1);
            out.push_str(RESET);
            out.push('\n');
        }
        error.min(out.len())
    }
}
