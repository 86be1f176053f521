//! One back end: its names, and its options by the rule section → `[backend_defaults]` → default;
//! for six of them `[DEFAULT]` comes before the default.

use std::collections::BTreeMap;

use super::{
    of_read, shape,
    tables::{self, InDefault},
};
use crate::{
    error::{Origin, ReadError},
    option::Opt,
    options::backend::Backend,
    oslo::{Found, OsloConfig},
    problem::{Level, Problem},
    problems::Problems,
    section::Section,
    source::fold,
    value::Value,
};

/// A back end's configuration.
#[derive(Clone)]
pub struct BackendConf {
    /// Name in `enabled_backends`.
    pub name: String,
    /// Name of the node in front of `@name`: `backend_host` when the section sets it, else `host`.
    pub node: String,
    /// Options that every back end has.
    pub options: Backend,
    values: BTreeMap<&'static str, Value>,
}

/// Leaves the untyped values out: some of them are secret.
impl std::fmt::Debug for BackendConf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackendConf")
            .field("name", &self.name)
            .field("node", &self.node)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl BackendConf {
    pub(super) fn read(oslo: &OsloConfig<'static>, name: &str) -> Result<Self, Problems> {
        let mut values = BTreeMap::new();
        for option in tables::BACKEND.iter().flat_map(|table| table.iter()) {
            let found = lookup(oslo, name, option).map_err(|error| of_read(&error, option))?;
            values.insert(option.dest, oslo.field(found.value, option));
        }
        let node = node(oslo, name)?;
        let options = pick(&values)?;
        Ok(Self { name: name.to_owned(), node, options, values })
    }

    /// A driver's options, typed.
    ///
    /// # Errors
    ///
    /// A problem only if the section's declarations are not among the back-end tables.
    pub fn section<T: Section>(&self) -> Result<T, Problems> {
        pick(&self.values)
    }

    /// One option by name, for tools and tests that look at any; nothing when no table declares it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }
}

fn pick<T: Section>(values: &BTreeMap<&'static str, Value>) -> Result<T, Problems> {
    let wanted = T::OPTIONS.iter().filter_map(|o| Some((o.dest, values.get(o.dest)?.clone())));
    shape(T::GROUP, wanted.collect())
}

/// Reads one option of a back end (`spec/config.md` §6).
pub(super) fn lookup(
    oslo: &OsloConfig<'static>,
    name: &str,
    option: &Opt<'static>,
) -> Result<Found, ReadError> {
    let found = in_sections(oslo, name, option)?;
    if tables::in_default(option.dest) == InDefault::ForAllBackends
        && leaves_open(&found)
        && oslo.is_set("DEFAULT", option)
    {
        let common = oslo.read("DEFAULT", option.dest)?;
        if !common.value.is_none() && common.origin != Origin::Default {
            return Ok(common);
        }
    }
    Ok(found)
}

fn in_sections(
    oslo: &OsloConfig<'static>,
    name: &str,
    option: &Opt<'static>,
) -> Result<Found, ReadError> {
    if oslo.is_set(&fold(name), option) {
        let own = oslo.read(name, option.dest)?;
        if !own.value.is_none() {
            return Ok(own);
        }
    }
    oslo.read("backend_defaults", option.dest)
}

/// Whether a back end says nothing, or says what upstream takes for nothing: no limit, no name.
fn leaves_open(found: &Found) -> bool {
    match &found.value {
        Value::None | Value::Int(0) => true,
        Value::Text(text) if text.is_empty() => true,
        _ => found.origin == Origin::Default,
    }
}

/// The node that a back end belongs to; its section need not be good for that.
pub(super) fn node(oslo: &OsloConfig<'static>, name: &str) -> Result<String, Problems> {
    let own = oslo.read(name, "backend_host");
    let own = own.map_err(|error| of_read(&error, &tables::BACKEND_HOST))?;
    let host = match (own.value, oslo.get("DEFAULT", "host")) {
        (Value::Text(host), _) if !host.is_empty() => host,
        (_, Ok(Value::Text(host))) => host,
        _ => String::new(),
    };
    if host.is_empty() {
        let text = "is empty, so this node has no name in the service table";
        return Err(Problem::new(Level::Error, text).of("DEFAULT", "host").into());
    }
    Ok(host)
}
