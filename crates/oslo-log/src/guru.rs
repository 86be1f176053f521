//! The Guru Meditation Report: what this process is, does and was told, as one text.
//!
//! The layout is the original's (spec/logging.md §8): title boxes of 72 columns, sections
//! Package, Threads, Processes, Configuration, then those of the application. Its Green
//! Threads become Tasks.
//!
//! Must not stop the service: making a report takes no lock, reads nothing but `/proc` and
//! `/etc/passwd`, is bounded in size, and is delivered with a time limit. Stacks come from the
//! application: how to get one from a thread that hangs is not known here.

mod deliver;
mod json;
mod process;
mod thread;

pub use deliver::{Destination, ReportError};

use std::fmt::{self, Write};

/// A section of the application's own, for example its table of workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Shown in the title box; at most 64 columns look well.
    pub title: String,
    /// The body, printed as it is.
    pub text: String,
}

/// One option of the running configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigValue {
    /// Group name; `DEFAULT` is printed as `default`.
    pub group: String,
    /// Option name.
    pub option: String,
    /// Printable value; ignored if `secret`.
    pub value: String,
    /// Whether `***` is printed instead of the value.
    pub secret: bool,
    /// Where the value comes from: a file and its line, the environment, a default.
    pub origin: Option<String>,
}

/// One function that a thread is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its name.
    pub function: String,
    /// Source file, if known.
    pub file: Option<String>,
    /// Line in that file, if known.
    pub line: Option<u32>,
}

/// What one thread was doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// The kernel's id of the thread.
    pub thread: u32,
    /// From the innermost function outwards.
    pub frames: Vec<Frame>,
    /// Why the list is empty or not complete.
    pub problem: Option<String>,
}

/// Everything a report needs that it cannot find out itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The process to report on; the calling one by default. A report may be made by a copy of
    /// the process, which is then left out of the list of processes.
    pub process: Option<u32>,
    /// Stacks of its threads, as far as there are any.
    pub stacks: Vec<Stack>,
    /// Product name; the original prints `None` when it knows none.
    pub product: Option<String>,
    /// Vendor name.
    pub vendor: Option<String>,
    /// Version of the package.
    pub version: Option<String>,
    /// Names of the asynchronous tasks alive in this process.
    pub tasks: Vec<String>,
    /// Effective options, in any order.
    pub configuration: Vec<ConfigValue>,
    /// Sections printed behind all others.
    pub sections: Vec<Section>,
}

/// A report is cut off here; the largest useful one is some 100 KiB of options.
const MAX_BYTES: usize = 1024 * 1024;

impl Report {
    /// Renders the report as text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = Bounded { text: String::with_capacity(16 * 1024), full: false };
        // The only possible error is "full", and the text then says so.
        let _ = self.write(&mut text);
        text.finish()
    }

    /// Renders the report as one JSON object.
    ///
    /// Its keys are those of the fields of [`Report`], with `threads` (stacks included) and
    /// `processes`. A section is a list of lines.
    #[must_use]
    pub fn render_json(&self) -> String {
        json::render(self)
    }

    fn subject(&self) -> u32 {
        self.process.unwrap_or_else(std::process::id)
    }

    fn write(&self, out: &mut Bounded) -> fmt::Result {
        title(out, "Guru Meditation")?;
        writeln!(out, "{:|<72}\n\n", "")?;
        title(out, "Package")?;
        for (name, value) in
            [("product", &self.product), ("vendor", &self.vendor), ("version", &self.version)]
        {
            writeln!(out, "{name} = {}", value.as_deref().unwrap_or("None"))?;
        }
        title(out, "Threads")?;
        thread::write_all(out, self.subject(), &self.stacks)?;
        title(out, "Tasks")?;
        writeln!(out, "count = {}", self.tasks.len())?;
        self.tasks.iter().try_for_each(|task| writeln!(out, "{task}"))?;
        writeln!(out)?;
        title(out, "Processes")?;
        process::write_tree(out, self.subject())?;
        writeln!(out)?;
        title(out, "Configuration")?;
        self.write_configuration(out)?;
        for section in &self.sections {
            title(out, &section.title)?;
            writeln!(out, "{}", section.text.trim_end_matches('\n'))?;
        }
        Ok(())
    }

    fn write_configuration(&self, out: &mut Bounded) -> fmt::Result {
        let group_name = |value: &ConfigValue| match value.group.as_str() {
            "DEFAULT" => "default".to_owned(),
            other => other.to_owned(),
        };
        let mut values: Vec<(String, &ConfigValue)> =
            self.configuration.iter().map(|value| (group_name(value), value)).collect();
        values.sort_by(|(a, x), (b, y)| (a, &x.option).cmp(&(b, &y.option)));
        let mut current = None;
        for (group, value) in values {
            if current.as_ref() != Some(&group) {
                writeln!(out, "\n{group}: ")?;
                current = Some(group);
            }
            let shown = value.shown();
            let origin = value.origin.as_ref().map(|origin| format!("  # {origin}"));
            let origin = origin.unwrap_or_default();
            if shown.contains('\n') {
                writeln!(out, "  {}: {origin}", value.option)?;
                shown.lines().try_for_each(|line| writeln!(out, "    {line}"))?;
            } else {
                writeln!(out, "  {} = {shown}{origin}", value.option)?;
            }
        }
        Ok(())
    }
}

impl ConfigValue {
    fn shown(&self) -> &str {
        if self.secret { crate::mask::MASK } else { &self.value }
    }
}

fn title(out: &mut Bounded, title: &str) -> fmt::Result {
    writeln!(out, "{0:=<72}\n===={title:^64}====\n{0:=<72}", "")
}

/// Text that stops growing at [`MAX_BYTES`] and says so at its end.
struct Bounded {
    text: String,
    full: bool,
}

impl Bounded {
    fn finish(mut self) -> String {
        if self.full {
            self.text.push_str("\n(report cut off here: it is too long)\n");
        }
        self.text
    }
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.full || self.text.len() + text.len() > MAX_BYTES {
            self.full = true;
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(group: &str, option: &str, value: &str, secret: bool) -> ConfigValue {
        let (group, option, value) = (group.into(), option.into(), value.into());
        ConfigValue { group, option, value, secret, origin: None }
    }

    fn report() -> Report {
        Report {
            product: Some("P".into()),
            version: Some("1".into()),
            tasks: vec!["amqp consumer".into()],
            configuration: vec![
                value("zed", "z", "1", false),
                value("DEFAULT", "ml", "a\nb", false),
                value("DEFAULT", "b", "visible", true),
                ConfigValue {
                    origin: Some("/etc/x.conf:7".into()),
                    ..value("DEFAULT", "a", "3", false)
                },
                value("back", "z", "", false),
            ],
            sections: vec![Section { title: "Workers".into(), text: "lvm up\n".into() }],
            ..Report::default()
        }
    }

    #[test]
    fn the_layout_is_the_originals() {
        let text = report().render();
        let (head, rest) = text.split_once("====                            Threads").unwrap();
        assert_eq!(
            head,
            "\
========================================================================
====                        Guru Meditation                         ====
========================================================================
||||||||||||||||||||||||||||||||||||||||||||||||||||||||||||||||||||||||


========================================================================
====                            Package                             ====
========================================================================
product = P
vendor = None
version = 1
========================================================================
"
        );
        let (_, tail) = rest.split_once("====                         Configuration").unwrap();
        assert_eq!(
            tail,
            "                          ====
========================================================================

back: 
  z = 

default: 
  a = 3  # /etc/x.conf:7
  b = ***
  ml: 
    a
    b

zed: 
  z = 1
========================================================================
====                            Workers                             ====
========================================================================
lvm up
"
        );
    }

    #[test]
    fn threads_and_processes_of_this_process_are_in_the_report() {
        let text = report().render();
        let me = std::process::id();
        assert!(text.contains(&format!("\nProcess {me} (under ")), "{text}");
        assert!(text.contains("No Traceback!\n"), "{text}");
        assert!(text.contains("\ncount = 1\namqp consumer\n\n"), "{text}");
        assert!(!text.contains("visible"));
    }

    #[test]
    fn an_endless_section_does_not_make_an_endless_report() {
        let mut report = report();
        report.sections[0].text = "x".repeat(2 * MAX_BYTES);
        let text = report.render();
        assert!(text.len() < MAX_BYTES + 100);
        assert!(text.ends_with("\n(report cut off here: it is too long)\n"));
    }
}
