//! `config dump`: every option with the value in force and where it comes from.

use std::collections::HashSet;

use super::{Conf, backend, check, known::Known, tables};
use crate::{
    dump::Entry,
    shown::{MASK, names_a_secret, without_secrets},
    source::fold,
};

impl Conf {
    /// Every option of the service and of its back ends with its value in force, secrets masked.
    ///
    /// A back end's options are shown as the back end reads them: what its section does not say
    /// comes from `[backend_defaults]` or the declaration.
    pub fn dump(&self) -> Vec<Entry> {
        let backends = check::enabled(&self.oslo);
        let is_backend = |entry: &Entry| backends.iter().any(|b| fold(b) == fold(&entry.group));
        let mut entries = self.oslo.effective();
        entries.retain(|entry| !is_backend(entry));
        for name in &backends {
            entries.extend(self.oslo.entry(name, "backend_host"));
            for option in tables::BACKEND.iter().flat_map(|table| table.iter()) {
                let found = backend::lookup(&self.oslo, name, option);
                entries.push(Entry::new(name, option, found));
            }
        }
        entries.extend(self.of_others());
        entries
    }

    /// What files say under names that only other services or other vendors' drivers read, as it stands there.
    pub(super) fn of_others(&self) -> Vec<Entry> {
        let known = Known::new(&self.oslo, &check::enabled(&self.oslo));
        let mut seen = HashSet::new();
        let mut entries = Vec::new();
        for header in self.oslo.headers() {
            let folded = fold(&header.name);
            if !seen.insert(folded.clone()) {
                continue;
            }
            let own = self.oslo.group(&folded);
            let is_own = |key: &str| own.is_some_and(|group| group.table.get(key).is_some());
            let mut keys: Vec<_> = self
                .oslo
                .raw_keys(&folded)
                .filter(|(key, _)| !is_own(key) && known.former(&folded, key).is_none())
                .filter(|(key, _)| known.accepted(&folded, key))
                .collect();
            keys.sort_by_key(|(key, _)| *key);
            for (key, found) in keys {
                let foreign = known.foreign(&folded, key);
                let secret = foreign.is_some_and(|one| one.secret) || names_a_secret(key);
                let counting = if foreign.is_some_and(|one| one.multi) { found.len() } else { 1 };
                for one in found.iter().skip(found.len().saturating_sub(counting)) {
                    let value = if secret { MASK.into() } else { without_secrets(&one.text) };
                    entries.push(Entry {
                        group: header.name.clone(),
                        option: key.to_owned(),
                        value: Ok(value.into_owned()),
                        origin: Some(self.oslo.place(one)),
                        secret,
                    });
                }
            }
        }
        entries
    }

    /// The lines of upstream's option dump, for the log at DEBUG.
    pub fn log_lines(&self) -> Vec<String> {
        self.oslo.log_lines()
    }
}
