//! Finds the text an option reads, puts references in, converts.
//!
//! It is over 500 lines because the search, the references and the conversion of one value pass the same
//! place, its origin and its excerpt along; apart they would hand each other six arguments.

use std::fmt::Write;

use super::{OsloConfig, Settings};
use crate::{
    error::{Origin, ReadError, ReferenceError, ReferenceFault, ValueError},
    excerpt::excerpt,
    kind::{Kind, Reason},
    option::{Fallback, Opt},
    registry::Group,
    source::{LayerName, Occurrence, Store},
    substitute::{self, Piece},
    value::Value,
};

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The converted value.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
    /// Where later occurrences of a multi-valued option stand.
    pub more: Vec<Origin>,
    /// Whether it must not be shown: the option is secret, or a `$name` in its text leads to a
    /// secret one, over whatever steps.
    pub secret: bool,
}

/// References followed for one value. Upstream's limit is Python's recursion depth; ours also ends
/// chains that double at every step (`a = $b$b`, `b = $c$c`, …).
const MOST_REFERENCES: usize = 10_000;
/// Longest chain of references; upstream manages about two hundred.
const DEEPEST: usize = 128;
/// Longest text that references may unfold to.
const LONGEST: usize = 1 << 20;

/// What is going on during one read.
struct Reading<'s> {
    /// Options being read, outermost first: folded group and name.
    stack: Vec<(&'s str, &'s str)>,
    followed: usize,
    /// Whether a secret option was among those read.
    secret: bool,
    /// Layers that mutable options are read from: for an immutable option the frozen ones, so that
    /// its value stays what it was even where it refers to a mutable one.
    live: &'s Store,
}

/// The raw text or texts of an option.
enum Raw {
    Texts(Vec<(String, Origin)>),
    Given(Value, Origin),
}

impl<'a> OsloConfig<'a> {
    /// Reads a declared option.
    pub(crate) fn find<'s>(
        &'s self,
        group: &'s Group<'a>,
        option: &'s Opt<'a>,
    ) -> Result<Found, ReadError> {
        let live = if option.mutable { &self.live } else { &self.frozen };
        self.find_with(group, option, live)
    }

    /// As [`find`](Self::find), with mutable options read from these layers.
    pub(super) fn find_with<'s>(
        &'s self,
        group: &'s Group<'a>,
        option: &'s Opt<'a>,
        live: &'s Store,
    ) -> Result<Found, ReadError> {
        let mut reading = Reading { stack: Vec::new(), followed: 0, secret: false, live };
        self.evaluate(group, option, &mut reading)
    }

    fn evaluate<'s>(
        &'s self,
        group: &'s Group<'a>,
        option: &'s Opt<'a>,
        reading: &mut Reading<'s>,
    ) -> Result<Found, ReadError> {
        reading.stack.push((&group.folded, option.dest));
        reading.secret |= option.secret;
        let found = match self.raw_of(group, option, reading) {
            Raw::Given(value, origin) => {
                let value = self.given(group, option, value, &origin, reading)?;
                Found { value, origin, more: Vec::new(), secret: reading.secret }
            }
            Raw::Texts(texts) => self.converted(group, option, texts, reading)?,
        };
        reading.stack.pop();
        Ok(found)
    }

    fn converted<'s>(
        &'s self,
        group: &Group<'a>,
        option: &Opt<'a>,
        texts: Vec<(String, Origin)>,
        reading: &mut Reading<'s>,
    ) -> Result<Found, ReadError> {
        let mut values = Vec::with_capacity(texts.len());
        let mut origins = Vec::with_capacity(texts.len());
        for (text, origin) in texts {
            let text = self.put_in(group, option, text, &origin, reading)?;
            values.push(parse(group, option, &option.kind, &text, &origin, reading.secret)?);
            origins.push(origin);
        }
        let secret = reading.secret;
        if option.multi {
            let mut origins = origins.into_iter();
            let origin = origins.next().unwrap_or(Origin::Default);
            return Ok(Found {
                value: Value::List(values),
                origin,
                more: origins.collect(),
                secret,
            });
        }
        let origin = origins.pop().unwrap_or(Origin::Default);
        Ok(Found { value: values.pop().unwrap_or(Value::None), origin, more: Vec::new(), secret })
    }

    /// A value given by the program or the declaration; texts in it are treated like file texts.
    fn given<'s>(
        &'s self,
        group: &Group<'a>,
        option: &Opt<'a>,
        value: Value,
        origin: &Origin,
        reading: &mut Reading<'s>,
    ) -> Result<Value, ReadError> {
        let mut one = |text: String, kind: &Kind<'a>| {
            let text = self.put_in(group, option, text, origin, reading)?;
            parse(group, option, kind, &text, origin, reading.secret)
        };
        match (value, &option.kind) {
            (Value::Text(text), kind) => {
                let value = one(text, kind)?;
                Ok(if option.multi { Value::List(vec![value]) } else { value })
            }
            (Value::List(items), kind) => {
                let kind = match kind {
                    Kind::List { item, .. } if !option.multi => *item,
                    kind => kind,
                };
                let item = |item| match item {
                    Value::Text(text) => one(text, kind),
                    other => Ok(other),
                };
                items.into_iter().map(item).collect::<Result<_, _>>().map(Value::List)
            }
            (Value::Dict(pairs), Kind::Dict { value: kind, .. }) => {
                let pair = |(key, value)| match value {
                    Value::Text(text) => Ok((key, one(text, kind)?)),
                    other => Ok((key, other)),
                };
                pairs.into_iter().map(pair).collect::<Result<_, _>>().map(Value::Dict)
            }
            (other, _) => Ok(other),
        }
    }

    /// Override, command line, environment, files, program default, declared default.
    fn raw_of(&self, group: &Group<'a>, option: &Opt<'a>, reading: &Reading<'_>) -> Raw {
        // What the program insists on comes before all that people wrote (oslo.config: `set_override`).
        if let Some(value) = set(&self.overrides, group, option) {
            return Raw::Given(value.clone(), Origin::Override);
        }
        if group.folded == "DEFAULT"
            && let Some(value) = self.built_in(option.dest)
        {
            return Raw::Given(value, Origin::ProgramDefault);
        }
        // Command line and files are layers of one store and are searched together; the environment stands
        // between the two, so it is asked as soon as the winner is known not to be an argument. It cannot
        // be a layer of its own: the names in it are those of options, never former ones.
        let store = if option.mutable { reading.live } else { &self.frozen };
        let in_layers = self.in_layers(store, group, option);
        let by_argument = in_layers.iter().any(|(_, origin)| *origin == Origin::CommandLine);
        if !by_argument && let Some(found) = self.in_environment(group, option) {
            return Raw::Texts(vec![found]);
        }
        if !in_layers.is_empty() {
            return Raw::Texts(in_layers);
        }
        if let Some(value) = set(&self.defaults, group, option) {
            return Raw::Given(value.clone(), Origin::ProgramDefault);
        }
        Raw::Given(plain_default(option), Origin::Default)
    }

    /// Only the command line sets these two, to any effect.
    fn built_in(&self, dest: &str) -> Option<Value> {
        let list = |all: &[String]| Value::List(all.iter().cloned().map(Value::Text).collect());
        match (dest, &self.config_dir) {
            ("config_file", _) => Some(list(&self.config_file)),
            ("config_dir", crate::files::ConfigDir::Defaults(all)) => Some(list(all)),
            ("config_dir", crate::files::ConfigDir::Explicit(one)) => {
                Some(Value::Text(one.clone()))
            }
            _ => None,
        }
    }

    pub(super) fn in_environment(
        &self,
        group: &Group<'a>,
        option: &Opt<'a>,
    ) -> Option<(String, Origin)> {
        if self.environment.is_empty() {
            return None;
        }
        let (group, dest) = (group.name.to_uppercase(), option.dest.to_uppercase());
        let name = format!("OS_{group}__{dest}");
        let text = self.environment.get(&name)?.clone();
        Some((text, Origin::Environment(name)))
    }

    /// The winning text in the layers, or for a multi-valued option all of them.
    pub(super) fn in_layers(
        &self,
        store: &Store,
        group: &Group<'a>,
        option: &Opt<'a>,
    ) -> Vec<(String, Origin)> {
        let names = former_names(group, option);
        let former = names.iter().map(|name| store.occurrences(&name.section, &name.key));
        let own = store.occurrences(&group.folded, option.dest);
        // Place 0 is the option's own name.
        let mut hits: Vec<(usize, &Occurrence)> = std::iter::once(own)
            .chain(former)
            .enumerate()
            .flat_map(|(place, found)| found.iter().map(move |one| (place, one)))
            .collect();
        if option.multi {
            // Within a layer former names come first, the option's own last.
            hits.sort_by_key(|(place, one)| (one.rank, *place == 0, *place, one.line));
        } else {
            // The last layer wins; in it the first name in order; of that the last line. Layer before
            // name: a former name in a later file beats the present one in an earlier file, as it would
            // if the operator had written both files with today's names.
            let best =
                |(place, one): &(usize, &Occurrence)| (one.rank, usize::MAX - *place, one.line);
            hits = hits.into_iter().max_by_key(best).into_iter().collect();
        }
        for (place, _) in &hits {
            self.report_deprecation(
                group,
                option,
                place.checked_sub(1).and_then(|at| names.get(at)),
            );
        }
        let text = |(_, one): (usize, &Occurrence)| (one.text.clone(), origin(store, one));
        hits.into_iter().map(text).collect()
    }

    fn report_deprecation(&self, group: &Group<'a>, option: &Opt<'a>, former: Option<&Name>) {
        let new_group = &group.name;
        if let Some(name) = former {
            self.notices.once(format!(
                "Deprecated: Option \"{}\" from group \"{}\" is deprecated. Use option \"{}\" from \
                 group \"{new_group}\".",
                name.key, name.shown_group, option.name
            ));
        }
        if let Some(removal) = option.removal {
            let reason = removal.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            self.notices.once(format!(
                "Deprecated: Option \"{}\" from group \"{new_group}\" is deprecated for \
                 removal{reason}.  Its value may be silently ignored in the future.",
                option.name
            ));
        }
    }

    /// Replaces `$name` by what it stands for.
    fn put_in<'s>(
        &'s self,
        group: &Group<'a>,
        option: &Opt<'a>,
        text: String,
        origin: &Origin,
        reading: &mut Reading<'s>,
    ) -> Result<String, ReadError> {
        if !text.contains('$') {
            return Ok(text);
        }
        let mut out = String::with_capacity(text.len());
        for piece in substitute::pieces(&text) {
            match piece {
                Piece::Literal(literal) => out.push_str(literal),
                Piece::Reference(name) => {
                    let at = At { group, option, origin, text: &text };
                    let value = self.referenced(&at, name, reading)?;
                    if !value.is_none() {
                        write!(out, "{}", value.to_text()).expect("a String takes any text");
                    }
                }
            }
            if out.len() > LONGEST {
                let fault = ReferenceFault::TooMuch("1 MiB of text");
                return Err(At { group, option, origin, text: &text }.fault("", fault));
            }
        }
        Ok(out)
    }

    fn referenced<'s>(
        &'s self,
        at: &At<'_, 'a>,
        name: &str,
        reading: &mut Reading<'s>,
    ) -> Result<Value, ReadError> {
        // Counted before it is looked for, so that a text of names that lead nowhere ends, too; the loop is
        // looked for before the step is taken, while the stack still fits.
        reading.followed += 1;
        if reading.followed > MOST_REFERENCES {
            return Err(at.fault(name, ReferenceFault::TooMuch("10000 references")));
        }
        let (group, option) = self.target(at.group, name).map_err(|fault| at.fault(name, fault))?;
        let step = (group.folded.as_str(), option.dest);
        if reading.stack.contains(&step) || reading.stack.len() >= DEEPEST {
            return Err(at.fault(name, ReferenceFault::Loop));
        }
        match self.evaluate(group, option, reading) {
            Ok(found) => Ok(found.value),
            Err(ReadError::Value(error)) => Err(at.because_of(error)),
            Err(error) => Err(error),
        }
    }

    /// What `$name` means inside `group`: an option there, in DEFAULT, or `$group.name`.
    fn target(
        &self,
        group: &Group<'a>,
        name: &str,
    ) -> Result<(&Group<'a>, &'a Opt<'a>), ReferenceFault> {
        let default = self.registry.group("DEFAULT");
        let own = self.registry.group(&group.name);
        // Present names of both groups before former names of either, and a dotted name last: a name that
        // an option carries today never changes its meaning because another one used to carry it.
        for place in [own, default].into_iter().flatten() {
            if let Some(option) = place.table.get(name) {
                return Ok((place, option));
            }
        }
        for place in [own, default].into_iter().flatten() {
            if let Ok(option) = self.by_former_name(place, name) {
                return Ok((place, option));
            }
        }
        if let Some((group, option)) = name.split_once('.') {
            let named = self.registry.exact_group(group).filter(|found| found.name != "DEFAULT");
            let found = named.ok_or_else(|| ReferenceFault::NoSuchGroup(group.to_owned()))?;
            return match found.table.get(option) {
                Some(option) => Ok((found, option)),
                None => Err(ReferenceFault::NoSuchOption(name.to_owned())),
            };
        }
        match self.registry.exact_group(name) {
            Some(group) if group.name != "DEFAULT" => Err(ReferenceFault::IsGroup(name.to_owned())),
            _ => Err(ReferenceFault::NoSuchOption(name.to_owned())),
        }
    }

    /// A program that still asks for a former name gets the option, and is told.
    pub(super) fn by_former_name(
        &self,
        group: &Group<'a>,
        name: &str,
    ) -> Result<&'a Opt<'a>, ReadError> {
        let same_group = |former: Option<&str>| former.is_none_or(|former| former == group.name);
        let former = group.table.iter().find(|option| {
            let hit = |alias: &crate::option::Alias<'_>| {
                alias.name.is_some_and(|former| former == name) && same_group(alias.group)
            };
            option.aliases.iter().any(hit)
        });
        let Some(option) = former else {
            let (group, name) = (group.name.clone(), name.to_owned());
            return Err(ReadError::NoSuchOption { group, name });
        };
        // Upstream prints the absent group as Python's None, and two blanks.
        let shown = if group.name == "DEFAULT" { "None" } else { &group.name };
        self.notices.once(format!(
            "Config option {shown}.{name}  is deprecated. Use option {}.{} instead.",
            group.name, option.name
        ));
        Ok(option)
    }
}

/// The spot a reference stands at.
struct At<'r, 'a> {
    group: &'r Group<'a>,
    option: &'r Opt<'a>,
    origin: &'r Origin,
    text: &'r str,
}

impl At<'_, '_> {
    /// A `$name` in a secret may be part of a password that lacks a second dollar sign.
    fn fault(&self, reference: &str, fault: ReferenceFault) -> ReadError {
        let hidden = || crate::shown::MASK.to_owned();
        let (reference, fault) = match fault {
            fault if !self.option.secret => (excerpt(reference).into_owned(), fault),
            ReferenceFault::NoSuchOption(_) => (hidden(), ReferenceFault::NoSuchOption(hidden())),
            ReferenceFault::NoSuchGroup(_) => (hidden(), ReferenceFault::NoSuchGroup(hidden())),
            ReferenceFault::IsGroup(_) => (hidden(), ReferenceFault::IsGroup(hidden())),
            other => (hidden(), other),
        };
        ReadError::Reference(Box::new(ReferenceError {
            group: self.group.name.clone(),
            option: self.option.name.to_owned(),
            origin: self.origin.clone(),
            reference,
            fault,
        }))
    }

    fn because_of(&self, inner: Box<ValueError>) -> ReadError {
        ReadError::Value(Box::new(ValueError {
            group: self.group.name.clone(),
            option: self.option.name.to_owned(),
            origin: self.origin.clone(),
            text: excerpt(self.text).into_owned(),
            reason: Reason(excerpt(&inner.to_string()).into_owned()),
            referenced: Some(inner),
        }))
    }
}

/// A former name under which an option may stand in a file.
struct Name {
    section: String,
    key: String,
    /// Group as the deprecation message names it.
    shown_group: String,
}

/// Former names in the order they are tried; a dashed one also with underscores.
fn former_names(group: &Group<'_>, option: &Opt<'_>) -> Vec<Name> {
    let mut names = Vec::new();
    for alias in option.aliases {
        let shown_group = alias.group.unwrap_or(&group.name).to_owned();
        let section = crate::source::fold(&shown_group);
        let key = alias.name.unwrap_or(option.dest).to_owned();
        if key.contains('-') {
            let (section, shown_group) = (section.clone(), shown_group.clone());
            names.push(Name { section, key: key.replace('-', "_"), shown_group });
        }
        names.push(Name { section, key, shown_group });
    }
    names
}

/// Folded section and key of every name that an option can stand under, its own first.
pub(super) fn names(
    group: &Group<'_>,
    option: &Opt<'_>,
) -> impl Iterator<Item = (String, String)> + use<> {
    let own = (group.folded.clone(), option.dest.to_owned());
    let former = former_names(group, option).into_iter().map(|name| (name.section, name.key));
    std::iter::once(own).chain(former)
}

/// A value that the program set for an option.
pub(super) fn set<'v>(
    values: &'v Settings,
    group: &Group<'_>,
    option: &Opt<'_>,
) -> Option<&'v Value> {
    values.get(&group.folded)?.get(option.dest)
}

pub(super) fn origin(store: &Store, one: &Occurrence) -> Origin {
    match store.layers.get(one.rank) {
        Some(LayerName::File(path)) => Origin::File { path: path.clone(), line: one.line },
        _ => Origin::CommandLine,
    }
}

fn parse(
    group: &Group<'_>,
    option: &Opt<'_>,
    kind: &Kind<'_>,
    text: &str,
    origin: &Origin,
    secret: bool,
) -> Result<Value, ReadError> {
    kind.parse(text).map_err(|reason| {
        let error = ValueError {
            group: group.name.clone(),
            option: option.name.to_owned(),
            origin: origin.clone(),
            text: excerpt(text).into_owned(),
            reason: Reason(excerpt(&reason.0).into_owned()),
            referenced: None,
        };
        let error = if secret { crate::dump::masked(error) } else { error };
        ReadError::Value(Box::new(error))
    })
}

/// The declared default, not converted.
pub(crate) fn plain_default(option: &Opt<'_>) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    match option.default {
        Fallback::Unset => Value::None,
        Fallback::Text(value) => text(value),
        Fallback::Bool(value) => Value::Bool(value),
        Fallback::Int(number) => Value::Int(number.into()),
        Fallback::Float(number) => Value::Float(number),
        Fallback::List(items) => Value::List(items.iter().map(|item| text(item)).collect()),
        Fallback::Dict(pairs) => {
            Value::Dict(pairs.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect())
        }
    }
}
