//! All options with the values in force: for the log at start-up, for `config dump`, for reports.
//!
//! Must never fail because of one bad option, and must never show a secret.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::{
    error::{Origin, ReadError, ValueError},
    option::Opt,
    oslo::{Found, OsloConfig},
    python,
    registry::Group,
    shown::{MASK, printable, without_secrets},
};

/// One option in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Group as declared.
    pub group: String,
    /// Name as files spell it.
    pub option: String,
    /// The value as one would write it, masked if secret; or what is wrong with it.
    pub value: Result<String, String>,
    /// Where it comes from.
    pub origin: Option<Origin>,
    /// Whether the value is masked.
    pub secret: bool,
}

impl Entry {
    pub(crate) fn new(group: &str, option: &Opt<'_>, found: Result<Found, ReadError>) -> Self {
        let origin = found.as_ref().ok().map(|found| found.origin.clone());
        let secret = option.secret || found.as_ref().is_ok_and(|found| found.secret);
        let value = match found {
            Ok(_) if secret => Ok(MASK.to_owned()),
            Ok(found) => Ok(without_secrets(&found.value.to_ini()).into_owned()),
            Err(error) => Err(without_secrets(&error.to_string()).into_owned()),
        };
        let (group, name) = (group.to_owned(), option.dest.to_owned());
        Self { group, option: name, value, origin, secret }
    }

    /// Whether nobody set it and no default applies.
    pub fn is_unset(&self) -> bool {
        self.origin == Some(Origin::Default) && self.value.as_deref() == Ok("<None>")
    }
}

/// `group`, `option`, `value` or `error`, and `origin`.
impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Entry", 5)?;
        out.serialize_field("group", &self.group)?;
        out.serialize_field("option", &self.option)?;
        out.serialize_field("value", &self.value.as_ref().ok())?;
        out.serialize_field("error", &self.value.as_ref().err())?;
        out.serialize_field("origin", &self.origin.as_ref().map(ToString::to_string))?;
        out.end()
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let group = without_secrets(&self.group);
        let group = printable(&group);
        match &self.value {
            Ok(value) => write!(f, "[{group}] {} = {}", self.option, printable(value))?,
            Err(problem) => write!(f, "[{group}] {}: {}", self.option, printable(problem))?,
        }
        match &self.origin {
            Some(origin) => write!(f, "  # {origin}"),
            None => Ok(()),
        }
    }
}

impl<'a> OsloConfig<'a> {
    /// Every declared option with its value in force: DEFAULT first, then groups as declared,
    /// options by name.
    pub fn effective(&self) -> Vec<Entry> {
        self.in_order().into_iter().map(|(group, option)| self.entry_of(group, option)).collect()
    }

    /// One option with its value in force; nothing if nobody declared it.
    pub fn entry(&self, group: &str, name: &str) -> Option<Entry> {
        let group = self.group(group)?;
        Some(self.entry_of(group, group.table.get(name)?))
    }

    fn entry_of(&self, group: &Group<'a>, option: &Opt<'a>) -> Entry {
        Entry::new(&group.name, option, self.find(group, option))
    }

    /// The lines of upstream's option dump, for the log at DEBUG (`spec/config.md` §8).
    ///
    /// An option that cannot be read has its error in place of a value; upstream dies of it.
    pub fn log_lines(&self) -> Vec<String> {
        let quoted = |all: &[String]| {
            let all = all.iter().map(|word| python::repr(&without_secrets(word)));
            format!("[{}]", all.collect::<Vec<_>>().join(", "))
        };
        let mut lines = vec![
            "*".repeat(80),
            "Configuration options gathered from:".to_owned(),
            format!("command line args: {}", quoted(&self.request().arguments)),
            format!("config files: {}", quoted(self.config_files())),
            "=".repeat(80),
        ];
        for (group, option) in self.in_order() {
            let name = match group.name.as_str() {
                "DEFAULT" => option.dest.to_owned(),
                group => format!("{}.{}", without_secrets(group), option.dest),
            };
            lines.push(format!("{name:<30} = {}", self.shown(group, option)));
        }
        lines.push("*".repeat(80));
        lines
    }

    fn shown(&self, group: &Group<'a>, option: &Opt<'a>) -> String {
        if option.secret {
            return MASK.to_owned();
        }
        match self.find(group, option) {
            Ok(found) if found.secret => MASK.to_owned(),
            Ok(found) => without_secrets(&found.value.to_text()).into_owned(),
            Err(error) => format!("<{}>", without_secrets(&error.to_string())),
        }
    }

    fn in_order(&self) -> Vec<(&Group<'a>, &'a Opt<'a>)> {
        let mut out = Vec::new();
        for group in self.groups() {
            let mut options: Vec<_> = group.table.iter().collect();
            options.sort_by_key(|option| option.dest);
            out.extend(options.into_iter().map(|option| (group, option)));
        }
        out
    }
}

/// Hides what a message about a secret would show.
pub(crate) fn masked(error: ValueError) -> ValueError {
    let reason = crate::kind::Reason("the value does not fit its type".to_owned());
    ValueError { text: MASK.to_owned(), reason, referenced: None, ..error }
}
