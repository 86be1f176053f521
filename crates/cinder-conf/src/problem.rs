//! What an operator should know about a configuration: one line per problem, with its place.
//!
//! Must not find problems, only hold and show them; and must not show a secret. However bad the
//! files are, what is kept and shown stays small: the rest is counted (`problems.rs`).

use crate::{
    error::{FileError, LoadError, Origin, ReadError, ReferenceError, ReferenceFault, ValueError},
    excerpt::{at_most, excerpt},
    kind::Kind,
    option::Opt,
    shown::{printable, without_secrets},
    suggest::nearest,
};

/// Characters of a sentence that are kept. The values in it are shorter, see [`excerpt`]; what is
/// longest is a list of all choices.
const LONGEST: usize = 1000;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not start.
    Error,
    /// Something has no effect, or not the one expected.
    Warning,
    /// Something that may be right, and that nobody here can judge.
    Note,
}

impl Level {
    /// All of them, the worst first.
    pub(crate) const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// What does not start because of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The whole program.
    Program,
    /// This back end only.
    Backend(String),
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub level: Level,
    /// What it concerns.
    pub scope: Scope,
    /// Where the text stands, if it stands anywhere.
    pub origin: Option<Origin>,
    /// Group, as written in the file or declared.
    pub group: Option<String>,
    /// Option, as written in the file or declared.
    pub option: Option<String>,
    /// What is wrong.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem with nothing but a text; the `with` methods add the rest.
    pub(crate) fn new(level: Level, text: impl Into<String>) -> Self {
        Self {
            level,
            scope: Scope::Program,
            origin: None,
            group: None,
            option: None,
            text: text.into(),
            hint: None,
        }
    }

    pub(crate) fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    pub(crate) fn of(mut self, group: &str, option: &str) -> Self {
        self.group = Some(group.to_owned());
        self.option = Some(option.to_owned()).filter(|option| !option.is_empty());
        self
    }

    /// The same, with no text of it longer than somebody would read, nor a secret in it, nor a
    /// character that would forge a line.
    pub(crate) fn presentable(self) -> Self {
        let name = |name: Option<String>| name.map(|name| printable(&excerpt(&name)).into_owned());
        let long = |text: &str| at_most(&printable(&without_secrets(text)), LONGEST).into_owned();
        Self {
            group: name(self.group),
            option: name(self.option),
            text: long(&self.text),
            hint: self.hint.map(|hint| long(&hint)),
            ..self
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[cfg(feature = "cinder")]
    pub(crate) fn backend(mut self, name: &str) -> Self {
        self.scope = Scope::Backend(name.to_owned());
        self
    }

    /// What is wrong with an option's value, in words for an operator.
    pub(crate) fn of_read(error: &ReadError, option: Option<&Opt<'_>>) -> Self {
        match error {
            ReadError::Value(error) => Self::of_value(error, option),
            ReadError::Reference(error) => Self::of_reference(error),
            other => Self::new(Level::Error, other.to_string()),
        }
    }

    fn of_value(error: &ValueError, option: Option<&Opt<'_>>) -> Self {
        let ValueError { group, option: name, origin, text, reason, referenced } = error;
        let said = match (referenced, option) {
            (Some(inner), _) => format!("a referenced option is wrong: {inner}"),
            (None, Some(option)) => refused(option, text, &reason.0),
            (None, None) => format!("\"{text}\" is not valid: {reason}"),
        };
        Self::new(Level::Error, said).at(origin.clone()).of(group, name)
    }

    fn of_reference(error: &ReferenceError) -> Self {
        let reference = &error.reference;
        let unknown = || format!("${reference} refers to an option that does not exist");
        let (said, hint) = match &error.fault {
            ReferenceFault::NoSuchOption(_) | ReferenceFault::NoSuchGroup(_) => {
                (unknown(), Some("write $$ for a dollar sign"))
            }
            ReferenceFault::IsGroup(_) => {
                (format!("${reference} refers to a group, not to an option"), None)
            }
            ReferenceFault::Loop => {
                (format!("${reference} leads back to this option, or too far"), None)
            }
            ReferenceFault::TooMuch(what) => {
                (format!("references unfold to more than {what}"), None)
            }
        };
        let problem = Self::new(Level::Error, said).at(error.origin.clone());
        let problem = problem.of(&error.group, &error.option);
        match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }

    /// What kept a configuration from being loaded.
    pub(crate) fn of_load(error: &LoadError, option: Option<&Opt<'_>>) -> Self {
        match error {
            LoadError::File(error) => Self::of_file(error),
            LoadError::Read(error) => Self::of_read(error, option),
            LoadError::Argument { detail, .. } => Self::of_value(detail, option),
            LoadError::Required { group, option } => {
                Self::new(Level::Error, "a value is required").of(group, option)
            }
            LoadError::Merge(source) => Self::new(Level::Error, format!("{error}: {source}")),
        }
    }

    fn of_file(error: &FileError) -> Self {
        let (path, line) = match error {
            FileError::Malformed { path, malformed } => (path, malformed.line),
            FileError::NotUtf8 { path, line, .. } => (path, *line),
            FileError::Io { source, .. } => {
                return Self::new(Level::Error, format!("{error}: {source}"));
            }
            _ => return Self::new(Level::Error, error.to_string()),
        };
        let origin = Origin::File { path: path.clone(), line };
        Self::new(Level::Error, error.to_string()).at(origin)
    }
}

/// `"soon" is not a whole number`, and its like.
fn refused(option: &Opt<'_>, text: &str, reason: &str) -> String {
    let shown = if option.secret { "the value".to_owned() } else { format!("{text:?}") };
    let kind = option.kind;
    if reason.starts_with("Should be ") {
        let limit = reason.trim_start_matches("Should be ");
        return format!("{shown} is out of range: it must be {limit}");
    }
    match kind {
        Kind::String(limits) if !limits.choices.is_empty() => {
            let near = nearest(text, limits.choices.iter().copied());
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            format!("{shown} is not one of {}{near}", limits.choices.join(", "))
        }
        Kind::Integer { choices, .. } if !choices.is_empty() => {
            let all: Vec<String> = choices.iter().map(ToString::to_string).collect();
            format!("{shown} is not one of {}", all.join(", "))
        }
        Kind::String(_) | Kind::List { .. } | Kind::Dict { .. } if option.secret => {
            format!("{shown} is not {}", kind.expects())
        }
        Kind::String(_) | Kind::List { .. } | Kind::Dict { .. } => {
            format!("{shown} is not {}: {reason}", kind.expects())
        }
        _ => format!("{shown} is not {}", kind.expects()),
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<7} {}", self.level, self.statement())
    }
}

impl Problem {
    /// The problem without its level, for a log that has levels of its own.
    pub fn statement(&self) -> String {
        let origin = self.origin.as_ref().map(|origin| format!("{origin}  "));
        let place = match (&self.group, &self.option) {
            (Some(group), Some(option)) => format!("[{group}] {option}: "),
            (Some(group), None) => format!("[{group}]: "),
            (None, Some(option)) => format!("{option}: "),
            (None, None) => String::new(),
        };
        let hint = self.hint.as_ref().map(|hint| format!("; {hint}"));
        let (origin, hint) = (origin.unwrap_or_default(), hint.unwrap_or_default());
        format!("{origin}{place}{}{hint}", self.text)
    }
}
