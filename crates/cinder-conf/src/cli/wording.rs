//! Usage block and refusal messages in the wording that scripts around OpenStack services know.
//!
//! `clap` has already refused the line when this looks at it; only the wording is decided here.

use std::ffi::OsString;

use clap::Command;

use super::{Argument, Arguments, Role};
use crate::suggest::nearest;

/// Width of a terminal without `COLUMNS`, less the margin upstream leaves.
const WIDTH: usize = 78;

/// What upstream says to a command line that `clap` refuses.
pub(super) enum Said {
    /// An error message.
    Wrong(String),
    /// Words that mean nothing.
    Strangers(Vec<String>),
    /// The version, which is printed while parsing, before strangers are reported.
    Version,
}

impl Arguments<'_> {
    /// The `usage:` block, wrapped.
    pub fn usage(&self, program: &str) -> String {
        let mut parts = vec![(false, String::new(), "[-h]".to_owned())];
        let mut positionals = Vec::new();
        for argument in &self.arguments {
            let name = argument.spellings.first().cloned().unwrap_or_default();
            let grouped = argument.group != "DEFAULT";
            match argument.role {
                Role::Positional => positionals.push(format!("[{}]", argument.option.dest)),
                Role::Value => {
                    let part = format!("[--{name} {}]", argument.metavar());
                    parts.push((grouped, format!("--{name}"), part));
                }
                Role::Yes | Role::No => {
                    parts.push((grouped, format!("--{name}"), format!("[--{name}]")));
                }
            }
        }
        parts.push((false, "--version".to_owned(), "[--version]".to_owned()));
        // By name, options of groups after those of DEFAULT.
        parts.sort();
        let parts: Vec<String> = parts.into_iter().map(|(_, _, part)| part).collect();
        wrap(&format!("usage: {program}"), &parts, &positionals)
    }

    /// What upstream says to the words, if it is about these arguments.
    ///
    /// Strangers are reported last: a `--version` behind them still prints the version.
    pub(super) fn diagnose(&self, words: &[OsString], subcommands: &[String]) -> Option<Said> {
        let words: Vec<String> = words.iter().map(|w| w.to_string_lossy().into_owned()).collect();
        if let Some(message) = self.ambiguous(&words, subcommands) {
            return Some(Said::Wrong(message));
        }
        let mut positionals = self.arguments.iter().filter(|a| a.role == Role::Positional).count();
        let mut strangers = Vec::new();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                // Whatever follows is taken by position, and there are no positions.
                strangers.push(word.clone());
                strangers.extend(rest.by_ref().cloned());
                break;
            }
            if !word.starts_with('-') || word == "-" {
                if subcommands.contains(word) {
                    // What follows belongs to the subcommand.
                    break;
                }
                match positionals.checked_sub(1) {
                    Some(left) => positionals = left,
                    None => strangers.push(word.clone()),
                }
                continue;
            }
            let (name, explicit) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word.as_str(), None),
            };
            if name == "--version" {
                return Some(Said::Version);
            }
            let Ok(Some(argument)) = self.named(name) else {
                strangers.push(word.clone());
                continue;
            };
            if argument.role == Role::Value {
                let missing = explicit.is_none() && !rest.next().is_some_and(|v| is_value(v));
                if missing {
                    let label = argument.label();
                    return Some(Said::Wrong(format!("argument {label}: expected one argument")));
                }
            } else if let Some(value) = explicit {
                let value = crate::python::repr(value);
                let label = argument.label();
                let message = format!("argument {label}: ignored explicit argument {value}");
                return Some(Said::Wrong(message));
            }
        }
        (!strangers.is_empty()).then_some(Said::Strangers(strangers))
    }

    /// The argument or subcommand that a stranger was meant to be.
    pub(super) fn meant(&self, word: &str, subcommands: &[String]) -> Option<String> {
        let word = word.split_once('=').map_or(word, |(name, _)| name);
        let Some(name) = word.strip_prefix("--") else {
            return nearest(word, subcommands.iter().map(String::as_str)).map(str::to_owned);
        };
        // Compared with underscores, as names of options are, whatever was typed.
        let spellings = self.arguments.iter().flat_map(|argument| &argument.spellings);
        let alike: Vec<(String, &String)> =
            spellings.map(|spelling| (spelling.replace('-', "_"), spelling)).collect();
        let near = nearest(name, alike.iter().map(|(folded, _)| folded.as_str()))?;
        let (_, spelling) = alike.iter().find(|(folded, _)| folded == near)?;
        Some(format!("--{spelling}"))
    }

    /// Upstream looks at every word before it takes any, so an ambiguous one is reported first. It has no subcommands: what
    /// follows one is the subcommand's, whose `--backend` is no abbreviation.
    fn ambiguous(&self, words: &[String], subcommands: &[String]) -> Option<String> {
        let ours = |word: &&String| *word != "--" && !subcommands.contains(word);
        let names = words.iter().take_while(ours);
        let names = names.map(|word| word.split_once('=').map_or(word.as_str(), |(name, _)| name));
        names.filter(|name| name.starts_with("--")).find_map(|name| self.named(name).err())
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

/// The usage of the subcommand that the words lead to.
pub(super) fn usage_of_subcommand(command: &mut Command, words: &[OsString]) -> String {
    let mut command = command;
    for word in words {
        // Else it is an option, or a value of one.
        if command.find_subcommand(word).is_some_and(|sub| sub.get_name() != "help") {
            command = command.find_subcommand_mut(word).expect("it was found just above");
        }
    }
    let usage = command.render_usage().to_string();
    format!("usage: {}\n", usage.trim().trim_start_matches("Usage: "))
}

/// What `clap` says about a subcommand's own arguments: the mistake, and what could have been meant.
pub(super) fn own_words(error: &clap::Error) -> String {
    let text = error.to_string();
    let mut lines = text.lines().take_while(|line| !line.starts_with("Usage: "));
    let first = lines.next().unwrap_or_default();
    let mut out = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    let is_said = |line: &&str| !line.is_empty() && !line.starts_with("For more information");
    for line in lines.filter(is_said) {
        out.push('\n');
        out.push_str(line);
    }
    out
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
