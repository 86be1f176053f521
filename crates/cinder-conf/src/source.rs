//! Layers of raw text on top of the `config` crate: one [`config::Source`] per file or run of
//! command-line values, merged by `config`, read back into a [`Store`].
//!
//! Must not open files, convert values or decide precedence beyond "a later layer is later".
//!
//! Three habits of `config` would lose information here, and each is answered in this file
//! (`docs/adr/0001-config-crate.md`): root keys are path expressions, so all our data hangs below
//! one plain key; a merge replaces arrays, so [`Layer::collect_to`] appends; a value's origin is free
//! text, so ours says layer and line in a fixed form.

use std::collections::HashMap;

use config::{ConfigError, Map, Source, Value, ValueKind};

use crate::ini::{Ini, SectionHeader};

/// The one root key; a plain word, because `config` parses root keys as path expressions.
const ROOT: &str = "oslo";

/// Where a layer of values comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerName {
    /// A file, by the path shown in messages.
    File(String),
    /// Options on the command line between two files.
    CommandLine,
}

/// One file, or one run of command-line values, as a source for `config`.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    /// Position in the order of reading; higher wins.
    pub rank: usize,
    pub content: Ini,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut root = Value::new(None, Map::<String, Value>::new());
        self.collect_to(&mut root)?;
        root.into_table()
    }

    /// Appends to what earlier layers left, where the default would replace it.
    fn collect_to(&self, cache: &mut Value) -> Result<(), ConfigError> {
        let rank = self.rank;
        let sections = table(table(cache).entry(ROOT.to_owned()).or_default());
        for assignment in &self.content.assignments {
            let Some(section) = self.content.sections.get(assignment.section) else { continue };
            let keys = table(sections.entry(section.name.clone()).or_default());
            let found = keys.entry(assignment.key.clone()).or_default();
            array(found).push(occurrence(rank, assignment.line, assignment.value.clone()));
        }
        Ok(())
    }
}

/// A text whose origin, `config`'s own field for such things, says rank and line.
fn occurrence(rank: usize, line: u32, text: String) -> Value {
    Value::new(Some(&format!("{rank}:{line}")), text)
}

fn table(value: &mut Value) -> &mut Map<String, Value> {
    if !matches!(value.kind, ValueKind::Table(_)) {
        value.kind = ValueKind::Table(Map::new());
    }
    match &mut value.kind {
        ValueKind::Table(table) => table,
        _ => unreachable!("set to a table just above"),
    }
}

fn array(value: &mut Value) -> &mut Vec<Value> {
    if !matches!(value.kind, ValueKind::Array(_)) {
        value.kind = ValueKind::Array(Vec::new());
    }
    match &mut value.kind {
        ValueKind::Array(array) => array,
        _ => unreachable!("set to an array just above"),
    }
}

/// One raw value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Position of the layer in the order of reading.
    pub rank: usize,
    /// Line in the file, from 1; on the command line, the position of the value.
    pub line: u32,
    /// The text, unquoted, not substituted.
    pub text: String,
}

/// All raw values of all layers: folded section name → key → occurrences in reading order.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub layers: Vec<LayerName>,
    sections: HashMap<String, HashMap<String, Vec<Occurrence>>>,
    headers: Vec<Header>,
}

/// A section header somewhere in the layers.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    /// As written.
    #[cfg_attr(not(feature = "cinder"), expect(dead_code, reason = "Cinder's checks read it"))]
    pub name: String,
    pub rank: usize,
    pub line: u32,
}

/// Section names are equal when their lower-case forms are, except `DEFAULT`, which is upper case.
pub(crate) fn fold(section: &str) -> String {
    if section == "DEFAULT" { section.to_owned() } else { section.to_lowercase() }
}

/// The way back from [`occurrence`].
fn taken(value: Value) -> Result<Occurrence, ConfigError> {
    let (rank, line) = value.origin().and_then(|origin| origin.split_once(':')).unwrap_or_default();
    let (rank, line) = (rank.parse().unwrap_or_default(), line.parse().unwrap_or_default());
    Ok(Occurrence { rank, line, text: value.into_string()? })
}

impl Store {
    /// Merges the layers by way of `config` and takes the result apart.
    pub fn build(layers: Vec<(LayerName, Ini)>) -> Result<Self, ConfigError> {
        let mut names = Vec::with_capacity(layers.len());
        let mut sources = Vec::with_capacity(layers.len());
        let mut headers = Vec::new();
        for (rank, (name, content)) in layers.into_iter().enumerate() {
            names.push(name);
            // A header counts even when nothing follows it: it makes the section exist.
            let header =
                |one: &SectionHeader| Header { name: one.name.clone(), rank, line: one.line };
            headers.extend(content.sections.iter().map(header));
            sources.push(Layer { rank, content });
        }
        // What `Config::builder().build()` does, less its last step, a copy of the whole tree.
        let mut root = sources.collect()?;
        let sections = match root.remove(ROOT) {
            Some(sections) => sections.into_table()?,
            None => Map::new(),
        };
        let mut store = Self { layers: names, headers, ..Self::default() };
        for (name, keys) in sections {
            store.take_section(&name, keys.into_table()?)?;
        }
        for occurrences in store.sections.values_mut().flat_map(HashMap::values_mut) {
            occurrences.sort_by_key(|found| (found.rank, found.line));
        }
        Ok(store)
    }

    /// A store of a few texts, in their order; section names must be folded.
    pub fn of_few(
        layers: Vec<LayerName>,
        texts: impl Iterator<Item = (String, String, Occurrence)>,
    ) -> Self {
        let mut store = Self { layers, ..Self::default() };
        for (section, key, found) in texts {
            store.sections.entry(section).or_default().entry(key).or_default().push(found);
        }
        store
    }

    fn take_section(&mut self, name: &str, keys: Map<String, Value>) -> Result<(), ConfigError> {
        for (key, found) in keys {
            let found: Vec<Occurrence> =
                found.into_array()?.into_iter().map(taken).collect::<Result<_, _>>()?;
            let section = self.sections.entry(fold(name)).or_default();
            section.entry(key).or_default().extend(found);
        }
        Ok(())
    }

    /// Every occurrence of a key, earliest first. `section` must be folded.
    pub fn occurrences(&self, section: &str, key: &str) -> &[Occurrence] {
        self.sections.get(section).and_then(|keys| keys.get(key)).map_or(&[], Vec::as_slice)
    }

    /// Section headers in reading order.
    #[cfg(feature = "cinder")]
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// All keys of a section (folded name), in no particular order.
    #[cfg(feature = "cinder")]
    pub fn keys(&self, section: &str) -> impl Iterator<Item = (&str, &[Occurrence])> {
        let keys = self.sections.get(section).into_iter().flatten();
        keys.map(|(key, found)| (key.as_str(), found.as_slice()))
    }
}
