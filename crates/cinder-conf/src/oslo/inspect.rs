//! A look at the raw layers, for checks that judge what files say rather than what options read.

use std::sync::Arc;

use super::{OsloConfig, lookup};
use crate::{
    error::Origin,
    option::Opt,
    registry::Table,
    source::{Header, Occurrence, Store},
};

impl<'a> OsloConfig<'a> {
    /// Puts a prepared table under a group; only for tables that a test has checked.
    pub(crate) fn share_table(&mut self, group: &str, table: &Arc<Table<'a>>) {
        let group = self.registry.open(group);
        if group.table.iter().next().is_none() {
            group.table = Arc::clone(table);
            return;
        }
        let own = Arc::make_mut(&mut group.table);
        table.iter().for_each(|option| own.add(option));
    }

    /// The layers as first loaded.
    pub(crate) fn layers(&self) -> &Store {
        &self.frozen
    }

    /// Section headers of all files in reading order.
    pub(crate) fn headers(&self) -> &[Header] {
        self.frozen.headers()
    }

    /// Raw keys of a section (folded name) with all their occurrences, in no particular order.
    pub(crate) fn raw_keys(&self, folded: &str) -> impl Iterator<Item = (&str, &[Occurrence])> {
        self.frozen.keys(folded)
    }

    /// All occurrences of one key of a section (folded name).
    pub(crate) fn raw(&self, folded: &str, key: &str) -> &[Occurrence] {
        self.frozen.occurrences(folded, key)
    }

    /// Where an occurrence stands.
    pub(crate) fn place(&self, found: &Occurrence) -> Origin {
        lookup::origin(&self.frozen, found)
    }

    /// Where a section header stands.
    pub(crate) fn header_place(&self, header: &Header) -> Origin {
        let found = Occurrence { rank: header.rank, line: header.line, text: String::new() };
        self.place(&found)
    }

    /// Whether anybody, under any of its names, sets an option; cheaper than reading it.
    pub(crate) fn is_set(&self, folded: &str, option: &Opt<'_>) -> bool {
        let layers = if option.mutable { &self.live } else { &self.frozen };
        !self.environment.is_empty()
            || !option.aliases.is_empty()
            || !layers.occurrences(folded, option.dest).is_empty()
    }
}
