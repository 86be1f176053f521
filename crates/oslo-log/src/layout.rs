//! From a record to the bytes of its line or lines.
//!
//! Must not write anywhere, and must not look at the clock or the process: a record brings
//! its time and pid along, so that a test can compare with lines the original printed.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::LogOptions;
use crate::clock::{DateFormat, Stamp};
use crate::context::{ContextKey, SpanContext};
use crate::event::{Captured, Slot};
use crate::level::Level;
use crate::printable::make_printable;
use crate::template::{Conversion, Key, Template, Vocabulary};

#[cfg(test)]
mod samples;

/// Whose rules a line follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// oslo.log's: summary, debug suffix, and a prefix on every line of an error.
    Oslo,
    /// Those of Python's plain formatter.
    Plain,
}

/// The parsed formats and the constants they may name.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) date: DateFormat,
    rules: Rules,
    /// A comma and milliseconds behind the date, which has no format of its own then.
    millis: bool,
    context: Template,
    default: Template,
    debug_suffix: Template,
    exception: Template,
    identity: Template,
    instance: Template,
    /// For an instance that the context names.
    context_instance: Template,
    project: String,
    version: String,
    started: Duration,
}

/// One event with everything that a format may name.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) level: Level,
    /// Target of the event; module paths are printed with dots.
    pub(crate) target: &'a str,
    pub(crate) file: &'a str,
    pub(crate) line: u32,
    pub(crate) module: &'a str,
    pub(crate) pid: u32,
    pub(crate) stamp: Stamp<'a>,
    pub(crate) fields: &'a Captured,
    /// What `%(color)s` prints.
    pub(crate) color: &'static str,
    /// The nearest enclosing request context.
    pub(crate) span: Option<&'a SpanContext>,
}

impl Record<'_> {
    pub(crate) fn context(&self, key: ContextKey) -> Option<&str> {
        self.fields.context(key).or_else(|| self.span.and_then(|span| span.get(key)))
    }

    pub(crate) fn has_context(&self) -> bool {
        self.span.is_some() || self.fields.has_context()
    }

    /// The summary that stands behind the message: from WARNING up, as in the original.
    fn has_summary(&self) -> bool {
        self.level >= Level::Warning
            && !(self.fields.get(Slot::Error).is_empty()
                && self.fields.get(Slot::ErrorClass).is_empty())
    }

    pub(crate) fn write_summary(&self, out: &mut String) {
        let class = self.fields.get(Slot::ErrorClass);
        let text = self.fields.get(Slot::Error).trim_end();
        out.push_str(class);
        if !class.is_empty() && !text.is_empty() {
            out.push_str(": ");
        }
        out.push_str(text);
    }
}

impl Layout {
    /// Reads every format string of `options`; what they ask for in vain goes to `remarks`.
    pub(crate) fn new(options: &LogOptions, remarks: &mut Vec<String>) -> Self {
        let mut read = |option: &str, format: &str, vocabulary| {
            // As in the original, where an empty format means none.
            let is_line = option.ends_with("_format_string");
            let format = if is_line && format.is_empty() { "%(message)s" } else { format };
            Template::parse(option, format, vocabulary, remarks)
        };
        let (record, instance) = (Vocabulary::Record, Vocabulary::Instance);
        Self {
            context: read(
                "logging_context_format_string",
                &options.logging_context_format_string,
                record,
            ),
            default: read(
                "logging_default_format_string",
                &options.logging_default_format_string,
                record,
            ),
            debug_suffix: read(
                "logging_debug_format_suffix",
                &options.logging_debug_format_suffix,
                record,
            ),
            exception: read("logging_exception_prefix", &options.logging_exception_prefix, record),
            identity: read(
                "logging_user_identity_format",
                &options.logging_user_identity_format,
                Vocabulary::Context,
            ),
            instance: read("instance_format", &options.instance_format, instance),
            context_instance: read("instance_uuid_format", &options.instance_uuid_format, instance),
            date: DateFormat::or_default(Some(&options.log_date_format)),
            rules: Rules::Oslo,
            millis: options.log_date_format.is_empty(),
            project: options.project.clone(),
            version: options.version.clone(),
            started: started(),
        }
    }

    /// The layout of Python's plain `logging.Formatter`, from a file of `log_config_append`.
    ///
    /// # Errors
    ///
    /// What is wrong with a format that names nothing: Python's formatter takes that for a mistake,
    /// and looks at no more than that.
    pub(crate) fn plain(
        format: &str,
        date: Option<&str>,
        remarks: &mut Vec<String>,
    ) -> Result<Self, String> {
        let template = Template::parse("format", format, Vocabulary::Record, remarks);
        if template.is_constant() && remarks.is_empty() {
            return Err("format: it names no value of a record, as %(message)s".into());
        }
        let mut none = || Template::parse("format", "", Vocabulary::Record, remarks);
        Ok(Self {
            debug_suffix: none(),
            exception: none(),
            identity: none(),
            instance: none(),
            context_instance: none(),
            date: DateFormat::or_default(date),
            rules: Rules::Plain,
            millis: date.is_none_or(str::is_empty),
            context: template.clone(),
            default: template,
            project: "unknown".into(),
            version: "unknown".into(),
            started: started(),
        })
    }

    /// Appends the record's lines, newline included; returns where the lines about an error
    /// begin, or the end if there are none.
    pub(crate) fn render(&self, record: &Record<'_>, out: &mut String) -> usize {
        let in_request = record.context(ContextKey::REQUEST_ID).is_some_and(|id| !id.is_empty());
        let template = if in_request { &self.context } else { &self.default };
        self.fill(template, record, out);
        let named = template.names(Key::ErrorSummary);
        if self.rules == Rules::Oslo && !named && record.has_summary() {
            out.push_str(": ");
            let start = out.len();
            record.write_summary(out);
            make_printable(out, start);
        }
        if record.level == Level::Debug && !self.debug_suffix.is_empty() {
            out.push(' ');
            self.fill(&self.debug_suffix, record, out);
        }
        let block = self.render_block(record, out);
        out.push('\n');
        block.unwrap_or(out.len())
    }

    /// Appends what the summary did not say: causes and traceback, each line behind the prefix.
    ///
    /// These texts have lines of their own: each gets the prefix, so none can pass for a record.
    ///
    /// The last line of the original's block is empty but for the prefix.
    fn render_block(&self, record: &Record<'_>, out: &mut String) -> Option<usize> {
        let mut summary = String::new();
        let said = self.rules == Rules::Oslo && record.level >= Level::Warning;
        if !said && record.fields.get(Slot::Traceback).is_empty() {
            record.write_summary(&mut summary);
        }
        let parts = [&summary, record.fields.get(Slot::Causes), record.fields.get(Slot::Traceback)];
        if parts.iter().all(|part| part.is_empty()) {
            return None;
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
        let block = out.len();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            for line in part.strip_suffix('\n').unwrap_or(part).split('\n') {
                self.fill(&self.exception, record, out);
                let start = out.len();
                out.push_str(line);
                make_printable(out, start);
                out.push('\n');
            }
        }
        match self.rules {
            Rules::Oslo => self.fill(&self.exception, record, out),
            Rules::Plain => out.truncate(out.len() - 1),
        }
        Some(block)
    }

    fn fill(&self, template: &Template, record: &Record<'_>, out: &mut String) {
        template.fill(out, |key, conversion, out| self.write(key, conversion, record, out));
    }

    fn write(&self, key: Key, conversion: Conversion, record: &Record<'_>, out: &mut String) {
        let epoch = record.stamp.since_epoch;
        match key {
            Key::Name => write_logger_name(record.target, out),
            Key::LevelNumber => write_integer(i64::from(record.level.number()), conversion, out),
            Key::LevelName => out.push_str(record.level.name()),
            Key::PathName => out.push_str(record.file),
            Key::FileName => out.push_str(file_name(record.file)),
            Key::Module => out.push_str(module_name(record.file)),
            Key::LineNumber => write_integer(i64::from(record.line), conversion, out),
            Key::FunctionName => out.push_str(last_segment(record.module)),
            Key::Created => write_number(epoch.as_secs_f64(), conversion, out),
            Key::AscTime => {
                out.push_str(record.stamp.asctime);
                if self.millis {
                    let _ = write!(out, ",{:03}", epoch.subsec_millis());
                }
            }
            Key::Millis => write_millis(epoch.subsec_millis(), conversion, out),
            Key::RelativeCreated => {
                let elapsed = epoch.as_secs_f64() - self.started.as_secs_f64();
                write_number(elapsed * 1e3, conversion, out);
            }
            Key::Thread => write_integer(thread_id(), conversion, out),
            Key::ThreadName => {
                out.push_str(std::thread::current().name().unwrap_or("unnamed"));
            }
            Key::Process => write_integer(i64::from(record.pid), conversion, out),
            // Python's name for a process that its multiprocessing module did not start.
            Key::ProcessName => out.push_str("MainProcess"),
            Key::Message => out.push_str(record.fields.get(Slot::Message)),
            Key::IsoTime => record.stamp.write_iso(out),
            Key::Version => out.push_str(&self.version),
            Key::Color => out.push_str(record.color),
            Key::Instance => self.write_instance(record, out),
            Key::Resource => match record.fields.get(Slot::Resource) {
                "" => {}
                resource => _ = write!(out, "[{resource}] "),
            },
            Key::UserIdentity => self.write_identity(record, out),
            Key::ErrorSummary if record.has_summary() => record.write_summary(out),
            Key::ErrorSummary => out.push('-'),
            Key::Uuid => {}
            Key::Fixed(text) => out.push_str(text),
            Key::Unknown => out.push('-'),
            Key::Context(key) => self.write_context(key, record, out),
        }
    }

    /// A context value outside the identity: `None` if the context lacks it.
    ///
    /// Without a context, `project` is the product's name.
    fn write_context(&self, key: ContextKey, record: &Record<'_>, out: &mut String) {
        match record.context(key) {
            Some(value) => out.push_str(value),
            None if record.has_context() => out.push_str("None"),
            None if key == ContextKey::PROJECT => out.push_str(&self.project),
            None => {}
        }
    }

    fn write_identity(&self, record: &Record<'_>, out: &mut String) {
        if !record.has_context() {
            return;
        }
        self.identity.fill(out, |key, _, out| {
            let value = match key {
                Key::Context(key) => record.context(key),
                _ => None,
            };
            out.push_str(value.filter(|value| !value.is_empty()).unwrap_or("-"));
        });
    }

    fn write_instance(&self, record: &Record<'_>, out: &mut String) {
        let (template, uuid) = match record.fields.get(Slot::Instance) {
            "" => {
                let uuid = record.context(ContextKey::RESOURCE_UUID).unwrap_or_default();
                (&self.context_instance, uuid)
            }
            given => (&self.instance, given),
        };
        if !uuid.is_empty() {
            template.fill(out, |_, _, out| out.push_str(uuid));
        }
    }
}

/// Now, for `%(relativeCreated)d`.
pub(crate) fn started() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Prints a target as a logger name: as it is, or with dots if it is a module path.
pub(crate) fn write_logger_name(target: &str, out: &mut String) {
    let mut parts = target.split("::");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push('.');
        out.push_str(part);
    }
}

pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Python's module name of a file: its name without the extension.
pub(crate) fn module_name(path: &str) -> &str {
    let name = file_name(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Rust records no function name with an event; the innermost module is the nearest thing.
pub(crate) fn last_segment(module: &str) -> &str {
    module.rsplit("::").next().unwrap_or(module)
}

// Writing to a String cannot fail. What no arm of these spells, `Shape::spell` does.
fn write_integer(number: i64, conversion: Conversion, out: &mut String) {
    let _ = match conversion {
        Conversion::Float => write!(out, "{number}.0"),
        _ => write!(out, "{number}"),
    };
}

/// Milliseconds are a float in Python, always with an integral value.
fn write_millis(millis: u32, conversion: Conversion, out: &mut String) {
    let _ = match conversion {
        Conversion::Text | Conversion::Quoted | Conversion::Float => write!(out, "{millis}.0"),
        _ => write!(out, "{millis}"),
    };
}

fn write_number(number: f64, conversion: Conversion, out: &mut String) {
    let _ = match conversion {
        Conversion::Integer | Conversion::Hexadecimal { .. } | Conversion::Octal => {
            write!(out, "{:.0}", number.trunc())
        }
        _ => write!(out, "{number:?}"),
    };
}

pub(crate) fn thread_id() -> i64 {
    i64::from(nix::unistd::gettid().as_raw())
}
