//! The end of a create: what is known of its data, then columns and status in one statement, then the entry goes.
//!
//! Must not: touch storage. All of it may come again, after a crash or because the database was away.

use cinder_db::image_metadata::{self, Keeper};
use cinder_db::volumes::{self, Volume};
use cinder_db::{Timestamp, changes, snapshots};
use cinder_driver::{VolumeUpdate, fail};
use cinder_types::{VolumeId, VolumeStatus};
use tracing::warn;

use crate::convert;
use crate::entry::Claimed;
use crate::error::Failure;
use crate::manager::{LOG, Manager};
use crate::points;

impl Manager {
    /// Writes that it is made, and removes the entry; the volume as it is then, if its row is still there.
    pub(super) fn finish_creation(
        &self,
        volume: &Volume,
        update: VolumeUpdate,
        entry: &Claimed,
    ) -> Result<Option<Volume>, Failure> {
        let columns = convert::volume_change(update.clone());
        self.patiently(|connection| {
            let made = self.write_creation(connection, volume, &update, &columns)?;
            fail::point(points::CREATE_WRITTEN)?;
            entry.finish(connection, Some(VolumeStatus::AVAILABLE.as_str()))?;
            Ok(made.map(|made| as_made(volume, &update, made)))
        })
    }

    /// Notes and what comes with the data before the status: until that is written, all of it can be done again.
    fn write_creation(
        &self,
        connection: &mut cinder_db::Connection,
        volume: &Volume,
        update: &VolumeUpdate,
        columns: &volumes::Change,
    ) -> Result<Option<volumes::Change>, Failure> {
        let (row, id) = (&volume.row, &volume.row.id);
        let has_source = row.snapshot_id.is_some() || row.source_volid.is_some();
        let has_notes = !update.metadata.is_empty() || !update.admin_metadata.is_empty();
        // An empty volume without notes has one write, which says itself whether the row is there.
        if (has_source || has_notes) && volumes::get(connection, id)?.is_none() {
            return Ok(None);
        }
        self.write_notes(connection, id, update)?;
        let mut columns = columns.clone();
        if self.inherits_image(connection, volume)? {
            columns.bootable = changes::to(true);
        }
        self.volume_is_made(connection, id, &columns)
    }

    /// Whether an instance can start from it because one could from its source; then it has what is known of that
    /// one's image, too (`spec/manager.md` §3).
    fn inherits_image(
        &self,
        connection: &mut cinder_db::Connection,
        volume: &Volume,
    ) -> Result<bool, Failure> {
        let (source, keeper) = match (&volume.row.snapshot_id, &volume.row.source_volid) {
            (Some(id), _) => {
                let snapshot = snapshots::get(connection, id)?;
                (snapshot.map(|one| one.row.volume_id), Keeper::Snapshot(id))
            }
            (None, Some(id)) => (Some(id.clone()), Keeper::Volume(id)),
            (None, None) => return Ok(false),
        };
        let source = match source {
            Some(id) => volumes::get(connection, &id)?,
            None => None,
        };
        if !source.is_some_and(|source| source.row.bootable.unwrap_or(false)) {
            return Ok(false);
        }
        let own = Keeper::Volume(&volume.row.id);
        // The second time it is all there.
        if image_metadata::get(connection, own)?.is_empty() {
            image_metadata::copy(connection, keeper, own)?;
        }
        Ok(true)
    }

    /// The last status, unless an operator has given it another one meanwhile, which is in the answer then. None if
    /// the row is gone.
    fn volume_is_made(
        &self,
        connection: &mut cinder_db::Connection,
        id: &VolumeId,
        columns: &volumes::Change,
    ) -> Result<Option<volumes::Change>, Failure> {
        let made = |status: VolumeStatus| volumes::Change {
            status: changes::to(status),
            launched_at: changes::to(Timestamp::now()),
            shared_targets: Some(self.shared_targets()),
            service_uuid: self.service_uuid.get().map(|uuid| Some(uuid.as_str().to_owned())),
            ..columns.clone()
        };
        let usual = made(VolumeStatus::AVAILABLE);
        if volumes::update_if(connection, id, &["creating", "downloading"], &usual)? {
            return Ok(Some(usual));
        }
        let mut kept = None;
        let change = volumes::change_locked(connection, id, |row, _| {
            kept = Some(row.status.clone());
            match row.status.as_ref().map(VolumeStatus::as_str) {
                Some("migration_target_creating") => {
                    made(VolumeStatus::new("migration_target".to_owned()))
                }
                Some("creating" | "downloading") => usual.clone(),
                // Another status is an operator's by now: it stays, and what the driver remembers is kept.
                _ => columns.clone(),
            }
        });
        match change {
            Ok(change) if change.status.is_none() => {
                warn!(target: LOG, "Volume {id} has got another status meanwhile, which it keeps");
                Ok(Some(volumes::Change { status: kept, ..change }))
            }
            Ok(change) => Ok(Some(change)),
            Err(cinder_db::DbError::NotFound { .. }) => Ok(None),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Whether initiators have to take turns at a target (`spec/manager.md` §3).
    fn shared_targets(&self) -> Option<bool> {
        let protocol = self.driver.about().storage_protocol.to_ascii_lowercase();
        match protocol.as_str() {
            protocol if protocol.starts_with("nvme") => None,
            "iscsi" => Some(true),
            _ => Some(false),
        }
    }
}

/// A volume as it is when this has been written, as far as others are told of it.
fn as_made(volume: &Volume, update: &VolumeUpdate, change: volumes::Change) -> Volume {
    let mut made = volume.clone();
    let row = &mut made.row;
    row.status = change.status.unwrap_or_else(|| row.status.take());
    row.launched_at = change.launched_at.unwrap_or(row.launched_at);
    if let Some(status) = change.replication_status {
        row.replication_status = status;
    }
    if let Some(words) = change.replication_extended_status {
        row.replication_extended_status = words;
    }
    if let Some(data) = change.replication_driver_data {
        row.replication_driver_data = data;
    }
    let notes = update.metadata.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
    made.metadata.extend(notes);
    made
}
