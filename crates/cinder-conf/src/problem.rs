//! What an operator should know about a configuration: one line per problem, with its place.
//!
//! Must not find problems, only hold and show them; and must not show a secret.

use crate::{
    error::{FileError, LoadError, Origin, ReadError, ReferenceError, ReferenceFault, ValueError},
    kind::Kind,
    option::Opt,
};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not start.
    Error,
    /// Something has no effect, or not the one expected.
    Warning,
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
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

/// The known name most like a misspelled one, if any is like it at all.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let folded = name.to_lowercase().replace('-', "_");
    let score = |known: &str| strsim::jaro_winkler(&folded, known);
    let scored = known.into_iter().map(|known| (score(known), known));
    // Below this, suggestions are about other things than what was meant.
    let close = scored.filter(|(score, _)| *score >= 0.88);
    close.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
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

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// All problems of a configuration, in the order of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.level == Level::Error)
    }

    /// Number of errors.
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|problem| problem.level == Level::Error).count()
    }

    /// Number of warnings.
    pub fn warnings(&self) -> usize {
        self.0.len() - self.errors()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    #[cfg(feature = "cinder")]
    pub(crate) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// By file in the order read, then by line; what has no line comes first.
    #[cfg(feature = "cinder")]
    pub(crate) fn sort(&mut self, files: &[String]) {
        self.0.sort_by_key(|problem| match &problem.origin {
            Some(Origin::File { path, line }) => {
                let file = files.iter().position(|file| file == path).unwrap_or(files.len());
                (1, file, *line)
            }
            Some(_) => (2, 0, 0),
            None => (0, 0, 0),
        });
        self.0.dedup();
    }
}

impl<'p> IntoIterator for &'p Problems {
    type Item = &'p Problem;
    type IntoIter = std::slice::Iter<'p, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One line per problem.
impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
