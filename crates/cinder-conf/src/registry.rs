//! Which options exist: groups in the order they were declared, options by name.
//!
//! Must not hold values. Tables are shared between groups, so fifty back ends cost one table.

use std::{collections::HashMap, sync::Arc};

use crate::{
    error::DeclareError,
    kind::Kind,
    option::{Fallback, Opt},
    source::fold,
};

/// Names that the library's own attributes take in `[DEFAULT]`.
const RESERVED: [&str; 6] =
    ["project", "prog", "version", "usage", "default_config_files", "default_config_dirs"];

/// Options by name, in the order declared.
#[derive(Debug, Clone, std::default::Default)]
pub(crate) struct Table<'a> {
    order: Vec<&'a Opt<'a>>,
    index: HashMap<&'a str, usize>,
}

impl<'a> Table<'a> {
    /// A table of options known to be right: our own constants, checked by a test.
    pub fn of(options: impl IntoIterator<Item = &'a Opt<'a>>) -> Self {
        let mut table = Self::default();
        for option in options {
            table.add(option);
        }
        table
    }

    pub fn add(&mut self, option: &'a Opt<'a>) {
        if !self.index.contains_key(option.dest) {
            self.index.insert(option.dest, self.order.len());
            self.order.push(option);
        }
    }

    pub fn get(&self, dest: &str) -> Option<&'a Opt<'a>> {
        self.index.get(dest).and_then(|&at| self.order.get(at)).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = &'a Opt<'a>> + '_ {
        self.order.iter().copied()
    }
}

/// One group of options.
#[derive(Debug, Clone)]
pub(crate) struct Group<'a> {
    /// Name as declared.
    pub name: String,
    /// Name as compared.
    pub folded: String,
    pub table: Arc<Table<'a>>,
}

/// All groups.
#[derive(Debug, Clone, std::default::Default)]
pub(crate) struct Registry<'a> {
    groups: Vec<Group<'a>>,
    index: HashMap<String, usize>,
}

impl<'a> Registry<'a> {
    pub fn group(&self, name: &str) -> Option<&Group<'a>> {
        let at = self.index.get(name).or_else(|| self.index.get(&fold(name)))?;
        self.groups.get(*at)
    }

    /// The group whose declared name is exactly `name`: what a `$group.name` reference looks for.
    pub fn exact_group(&self, name: &str) -> Option<&Group<'a>> {
        self.group(name).filter(|group| group.name == name)
    }

    pub fn groups(&self) -> &[Group<'a>] {
        &self.groups
    }

    /// Group by name, created when it is new.
    pub fn open(&mut self, name: &str) -> &mut Group<'a> {
        let folded = fold(name);
        let at = *self.index.entry(folded.clone()).or_insert_with(|| {
            self.groups.push(Group { name: name.to_owned(), folded, table: Arc::default() });
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }

    /// Declares one option after checking it; `false` when the same declaration is there already.
    pub fn declare(&mut self, group: &str, option: &'a Opt<'a>) -> Result<bool, DeclareError> {
        if option.dest.starts_with('_') {
            return Err(DeclareError::Underscore(option.name.to_owned()));
        }
        if group == "DEFAULT" && RESERVED.contains(&option.dest) {
            return Err(DeclareError::Reserved(option.name.to_owned()));
        }
        check_default(option)?;
        let group = self.open(group);
        match group.table.get(option.dest) {
            Some(known) if known == option => Ok(false),
            Some(_) => Err(DeclareError::Duplicate(option.name.to_owned())),
            None => {
                Arc::make_mut(&mut group.table).add(option);
                Ok(true)
            }
        }
    }
}

/// A default must be a value of its own type, unless it refers to another option.
pub(crate) fn check_default(option: &Opt<'_>) -> Result<(), DeclareError> {
    let refused = |text: &str| DeclareError::BadDefault {
        value: text.to_owned(),
        kind: option.kind.type_name(),
    };
    let check = |kind: &Kind<'_>, text: &str| match text.contains('$') {
        true => Ok(()),
        false => kind.parse(text).map(drop).map_err(|_| refused(text)),
    };
    match (option.default, &option.kind) {
        (Fallback::Text(text), kind) => check(kind, text),
        (Fallback::Int(number), kind @ (Kind::Integer { .. } | Kind::Port { .. })) => {
            check(kind, &number.to_string())
        }
        (Fallback::Int(number), kind @ Kind::Float { .. }) => check(kind, &number.to_string()),
        (Fallback::Float(number), kind @ Kind::Float { .. }) => check(kind, &number.to_string()),
        (Fallback::List(items), kind) if option.multi => {
            items.iter().try_for_each(|text| check(kind, text))
        }
        (Fallback::List(items), Kind::List { item, .. }) => {
            items.iter().try_for_each(|text| check(item, text))
        }
        (Fallback::Dict(pairs), Kind::Dict { value, .. }) => {
            pairs.iter().try_for_each(|(_, text)| check(value, text))
        }
        (Fallback::Unset, _) | (Fallback::Bool(_), Kind::Boolean) => Ok(()),
        (Fallback::Bool(value), _) => Err(refused(&value.to_string())),
        (Fallback::Int(number), _) => Err(refused(&number.to_string())),
        (Fallback::Float(number), _) => Err(refused(&number.to_string())),
        (Fallback::List(items), _) => Err(refused(&items.join(","))),
        (Fallback::Dict(_), _) => Err(refused("a dictionary")),
    }
}
