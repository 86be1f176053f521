//! Usage block and refusal messages in the wording that scripts around OpenStack services know.
//!
//! `clap` has already refused the line when this looks at it; only the wording is decided here.

use std::ffi::OsString;

use super::{Argument, Arguments, Role};

/// Width of a terminal without `COLUMNS`, less the margin upstream leaves.
const WIDTH: usize = 78;

impl Arguments<'_> {
    /// The `usage:` block, wrapped.
    pub fn usage(&self, program: &str) -> String {
        let mut parts = vec![("-h".to_owned(), "[-h]".to_owned())];
        let mut positionals = Vec::new();
        for argument in &self.arguments {
            let name = argument.spellings.first().cloned().unwrap_or_default();
            match argument.role {
                Role::Positional => positionals.push(format!("[{}]", argument.option.dest)),
                Role::Value => {
                    let part = format!("[--{name} {}]", argument.metavar());
                    parts.push((format!("--{name}"), part));
                }
                Role::Yes | Role::No => parts.push((format!("--{name}"), format!("[--{name}]"))),
            }
        }
        parts.push(("--version".to_owned(), "[--version]".to_owned()));
        let rank = |name: &str| (name != "-h", name.to_owned());
        parts.sort_by_key(|(name, _)| rank(name));
        let parts: Vec<String> = parts.into_iter().map(|(_, part)| part).collect();
        wrap(&format!("usage: {program}"), &parts, &positionals)
    }

    /// The message for the first thing wrong with the words, if it is about these arguments.
    pub(super) fn diagnose(&self, words: &[OsString], subcommands: &[String]) -> Option<String> {
        let words: Vec<String> = words.iter().map(|w| w.to_string_lossy().into_owned()).collect();
        let mut positionals = self.arguments.iter().filter(|a| a.role == Role::Positional).count();
        let mut strangers = Vec::new();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if !word.starts_with('-') || word == "-" || word == "--" {
                if word != "--" && subcommands.contains(word) {
                    // What follows belongs to the subcommand.
                    break;
                }
                match positionals.checked_sub(1) {
                    Some(left) if word != "--" => positionals = left,
                    _ => strangers.push(word.clone()),
                }
                continue;
            }
            let (name, explicit) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word.as_str(), None),
            };
            let Some(argument) = (match self.named(name) {
                Ok(argument) => argument,
                Err(message) => return Some(message),
            }) else {
                strangers.push(word.clone());
                continue;
            };
            if argument.role == Role::Value {
                let missing = explicit.is_none() && !rest.next().is_some_and(|v| is_value(v));
                if missing {
                    return Some(format!("argument {}: expected one argument", argument.label()));
                }
            } else if let Some(value) = explicit {
                let value = crate::python::repr(value);
                let label = argument.label();
                return Some(format!("argument {label}: ignored explicit argument {value}"));
            }
        }
        let unknown = || format!("unrecognized arguments: {}", strangers.join(" "));
        (!strangers.is_empty()).then(unknown)
    }

    /// The argument a word names, in full or abbreviated; nothing for a stranger.
    fn named(&self, word: &str) -> Result<Option<&Argument<'_>>, String> {
        let Some(name) = word.strip_prefix("--") else {
            let short = word.strip_prefix('-').and_then(|rest| rest.chars().next());
            return Ok(self.arguments.iter().find(|a| a.short().is_some() && a.short() == short));
        };
        let spelled = |exact: bool| {
            let fits = move |s: &&String| if exact { *s == name } else { s.starts_with(name) };
            self.arguments
                .iter()
                .flat_map(move |a| a.spellings.iter().filter(fits).map(move |s| (a, s)))
                .collect::<Vec<_>>()
        };
        if let [(argument, _), ..] = spelled(true).as_slice() {
            return Ok(Some(argument));
        }
        match spelled(false).as_slice() {
            [] => Ok(None),
            [(argument, _)] => Ok(Some(argument)),
            several => {
                let all: Vec<String> = several.iter().map(|(_, s)| format!("--{s}")).collect();
                Err(format!("ambiguous option: {word} could match {}", all.join(", ")))
            }
        }
    }
}

impl Argument<'_> {
    /// All spellings, as error messages name an argument.
    fn label(&self) -> String {
        let mut all: Vec<String> = self.spellings.iter().map(|s| format!("--{s}")).collect();
        if let Some(short) = self.short() {
            all.insert(1.min(all.len()), format!("-{short}"));
        }
        all.join("/")
    }
}

/// A word that can be a value: no option, or a negative number.
fn is_value(word: &str) -> bool {
    !word.starts_with('-') || word == "-" || word.parse::<f64>().is_ok()
}

fn wrap(head: &str, parts: &[String], positionals: &[String]) -> String {
    let all: Vec<&str> = parts.iter().chain(positionals).map(String::as_str).collect();
    let line = format!("{head} {}", all.join(" "));
    if line.len() <= WIDTH {
        return line + "\n";
    }
    let indent = " ".repeat(head.len() + 1);
    let mut out = String::from(head);
    let mut length = head.len();
    for (block, start_anew) in [(parts, false), (positionals, true)] {
        let mut fresh = start_anew && !block.is_empty();
        for part in block {
            if fresh || length + 1 + part.len() > WIDTH {
                out.push('\n');
                out.push_str(&indent);
                length = indent.len() - 1;
                fresh = false;
            } else {
                out.push(' ');
            }
            out.push_str(part);
            length += 1 + part.len();
        }
    }
    out + "\n"
}
