//! What is on the storage that no row knows, and rows whose storage is gone. Must not: change anything.

use std::collections::BTreeMap;

use cinder_db::survey;
use cinder_driver::Call;
use cinder_driver::ability::StoredKind;
use cinder_types::RequestContext;
use serde_json::{Value, json};

use crate::convert;
use crate::error::Failure;
use crate::manager::Manager;

/// How many of each kind are told; the counts are of all.
const MOST: usize = 1000;

/// Rows of these statuses need not be on the storage: they are on their way, or failed on it.
fn may_be_missing(status: &str) -> bool {
    status.starts_with("error") || matches!(status, "creating" | "deleting" | "downloading")
}

/// A row that has to be somewhere.
struct Known {
    what: &'static str,
    id: String,
    status: String,
}

impl Manager {
    /// Compares rows and storage.
    ///
    /// What is made or deleted meanwhile may be told: both lists are not of one moment, so whatever is found missing in
    /// one is looked for once more.
    ///
    /// # Errors
    ///
    /// `DriverNotInitialized`; `VolumeDriverException` if the driver cannot say what there is; the driver's.
    pub fn orphans(&self, request: &RequestContext) -> Result<Value, Failure> {
        let first = self.compare(request)?;
        if first.is_empty() {
            return Ok(first.told());
        }
        let second = self.compare(request)?;
        Ok(first.and(second).told())
    }

    fn compare(&self, request: &RequestContext) -> Result<Found, Failure> {
        let driver = self.ready_driver()?;
        let Some(inventory) = driver.as_inventory() else {
            let text = format!("the driver {} cannot say what is stored", driver.about().name);
            return Err(Failure::new("VolumeDriverException", text.clone()).with("message", text));
        };
        let mut rows = self.known_names()?;
        let mut found = Found::default();
        for stored in inventory.stored(&self.context(Call::ListManageable, request))? {
            if rows.remove(&stored.name).is_none() {
                let kind = match stored.kind {
                    StoredKind::Data => "data",
                    StoredKind::Temporary => "temporary",
                };
                let one = json!({"name": stored.name, "kind": kind, "bytes": stored.bytes});
                found.unknown.insert(stored.name, one);
            }
        }
        for (name, known) in rows {
            if !may_be_missing(&known.status) && !self.busy.has(&known.id) {
                let Known { what, id, status } = known;
                let one = json!({"name": name, "kind": what, "id": id, "status": status});
                found.missing.insert(name, one);
            }
        }
        Ok(found)
    }

    /// The names that our rows have on the storage.
    fn known_names(&self) -> Result<BTreeMap<String, Known>, Failure> {
        let mut connection = self.connection()?;
        let mut all = BTreeMap::new();
        for volume in survey::volume_names(&mut connection, self.ours())? {
            let named = volume.name_id.as_ref().unwrap_or(&volume.id);
            let name = convert::named(&self.options.volume_name_template, named.as_str());
            let (id, status) = (volume.id.to_string(), volume.status.unwrap_or_default());
            all.insert(name, Known { what: "volume", id, status });
        }
        for (id, status) in survey::snapshot_names(&mut connection, self.ours())? {
            let name = convert::named(&self.options.snapshot_name_template, id.as_str());
            let (id, status) = (id.to_string(), status.unwrap_or_default());
            all.insert(name, Known { what: "snapshot", id, status });
        }
        Ok(all)
    }
}

/// What was found, by name.
#[derive(Default)]
struct Found {
    unknown: BTreeMap<String, Value>,
    missing: BTreeMap<String, Value>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.unknown.is_empty() && self.missing.is_empty()
    }

    /// What was found both times.
    fn and(mut self, other: Self) -> Self {
        self.unknown.retain(|name, _| other.unknown.contains_key(name));
        self.missing.retain(|name, _| other.missing.contains_key(name));
        self
    }

    fn told(self) -> Value {
        let counts = (self.unknown.len(), self.missing.len());
        let first = |all: BTreeMap<String, Value>| all.into_values().take(MOST).collect::<Vec<_>>();
        json!({
            "unknown": first(self.unknown),
            "unknown_count": counts.0,
            "missing": first(self.missing),
            "missing_count": counts.1,
        })
    }
}
