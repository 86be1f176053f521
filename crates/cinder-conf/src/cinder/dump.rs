//! `config dump`: every option with the value in force and where it comes from.

use super::{Conf, backend, check, tables};
use crate::{dump::Entry, source::fold};

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
        entries
    }

    /// The lines of upstream's option dump, for the log at DEBUG.
    pub fn log_lines(&self) -> Vec<String> {
        self.oslo.log_lines()
    }
}
