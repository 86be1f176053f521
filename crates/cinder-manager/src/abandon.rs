//! Giving up an operation that an operator does not want to be taken up again.
//!
//! Its resource gets the status that the original gives when a service died over it; entry and record are removed. What
//! this process works on is left alone, and so is what belongs to another service. Must not: touch storage.

use cinder_db::workers::{self, Cleanup, Kind, Scope};
use cinder_db::{snapshots, volumes};
use cinder_types::{RequestContext, SnapshotId, SnapshotStatus, VolumeId, VolumeStatus, status};
use serde_json::{Value, json};
use tracing::warn;

use crate::error::Failure;
use crate::manager::{LOG, Manager};
use crate::records::Record;
use crate::snapshot;
use crate::volume::extend::{self, Extension};
use crate::volume::revert::{self, Reversion};

impl Manager {
    /// Gives up what is left of an operation on this volume or snapshot; tells the status that it has now.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it is running; `NotFound` if nothing is left of any.
    pub fn abandon(&self, id: &str, request: &RequestContext) -> Result<Value, Failure> {
        let Some(_at_work) = self.busy.begin(id) else {
            let text = format!("Invalid input received: {id} is being worked on right now");
            return Err(Failure::new("InvalidInput", text));
        };
        let scope = Scope {
            service: Some(self.options.service),
            resource_id: Some(id.to_owned()),
            ..Scope::default()
        };
        let mut found = false;
        let left = workers::list_unfinished(&mut *self.connection()?, &scope)?;
        for entry in left {
            let Some(kind) = entry.kind() else { continue };
            let claimed =
                workers::claim_cleanup(&mut *self.connection()?, &entry, self.options.service)?;
            let Some(cleanup) = claimed else { continue };
            found = true;
            match kind {
                Kind::Volume => self.abandon_volume(cleanup)?,
                Kind::Snapshot => self.abandon_snapshot(cleanup)?,
            }
        }
        let records = match &self.records {
            Some(records) => records.list()?.0,
            None => Vec::new(),
        };
        for record in records.iter().filter(|record| record.resource == id) {
            found = true;
            self.abandon_record(record, request)?;
            self.forget(&record.method, id);
        }
        if !found {
            let text = format!("No operation on {id} is left to be given up.");
            return Err(Failure::new("NotFound", text));
        }
        let mut connection = self.connection()?;
        let volume = volumes::get(&mut connection, &VolumeId::new(id.to_owned()))?;
        let status = match volume {
            Some(volume) => volume.row.status.map(|status| status.as_str().to_owned()),
            None => snapshots::get(&mut connection, &SnapshotId::new(id.to_owned()))?
                .and_then(|one| one.row.status)
                .map(|status| status.as_str().to_owned()),
        };
        let told = status.as_deref().unwrap_or("gone");
        warn!(target: LOG, "The operation on {id} was given up by an operator; it is {told} now");
        Ok(json!({"id": id, "status": status}))
    }

    fn abandon_volume(&self, cleanup: Cleanup) -> Result<(), Failure> {
        let id = VolumeId::new(cleanup.entry.resource_id().to_owned());
        let mut connection = self.connection()?;
        let volume = volumes::get(&mut connection, &id)?;
        let is_attached = volume.as_ref().is_some_and(|one| !one.attachments.is_empty());
        let status = volume.and_then(|volume| volume.row.status);
        let to = match status.as_ref().map(VolumeStatus::as_str) {
            Some(now) if now != cleanup.entry.status() => None, // it is over
            Some("creating" | "downloading") => Some(VolumeStatus::ERROR),
            Some("deleting") => Some(VolumeStatus::ERROR_DELETING),
            Some("uploading") => Some(status::settled(is_attached)),
            _ => None,
        };
        match (status, to) {
            (Some(from), Some(to)) => {
                drop(connection);
                self.give_up_volume(&id, cleanup, from.as_str(), to.as_str())
            }
            _ => {
                self.forget_entry(id.as_str());
                cleanup.done(&mut connection)?;
                Ok(())
            }
        }
    }

    fn abandon_snapshot(&self, cleanup: Cleanup) -> Result<(), Failure> {
        let id = SnapshotId::new(cleanup.entry.resource_id().to_owned());
        let found = snapshots::get(&mut *self.connection()?, &id)?;
        let is_stuck = found.and_then(|one| one.row.status) == Some(SnapshotStatus::CREATING);
        if is_stuck && cleanup.entry.status() == SnapshotStatus::CREATING.as_str() {
            self.set_snapshot(&id, SnapshotStatus::ERROR)?;
        }
        self.forget_entry(id.as_str());
        cleanup.done(&mut *self.connection()?)?;
        Ok(())
    }

    fn abandon_record(&self, record: &Record, request: &RequestContext) -> Result<(), Failure> {
        match record.method.as_str() {
            extend::METHOD => {
                let Some(extension) = Extension::of(record) else { return Ok(()) };
                let text = "Error extending volume: it was given up by an operator.";
                let failure = Failure::new("ExtendVolumeError", text);
                self.not_extended(&extension, request, &failure)
            }
            revert::METHOD => {
                let Some(reversion) = Reversion::of(record) else { return Ok(()) };
                let text = "it was given up by an operator";
                self.not_reverted(&reversion, &Failure::new("VolumeDriverException", text))
            }
            snapshot::DELETE => {
                let id = SnapshotId::new(record.resource.clone());
                let found = snapshots::get(&mut *self.connection()?, &id)?;
                let status = found.and_then(|one| one.row.status);
                if status.is_some_and(|status| status.as_str() == record.status) {
                    self.set_snapshot(&id, SnapshotStatus::ERROR_DELETING)?;
                }
                Ok(())
            }
            // Counted for an entry, which has been looked at.
            _ => Ok(()),
        }
    }
}
