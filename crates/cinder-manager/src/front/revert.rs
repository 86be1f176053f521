//! A revert as an API asks for it: both statuses, or none.

use cinder_db::cas::Swap;
use cinder_db::snapshots::{self, Snapshot};
use cinder_db::volumes;
use cinder_objects as objects;
use cinder_types::SnapshotStatus;

use super::{Front, FrontError, check_snapshot, not_found, status_of};

impl Front<'_> {
    /// Marks a volume and its latest snapshot for a revert; what the service is asked then.
    ///
    /// # Errors
    ///
    /// [`FrontError`]; nothing has changed.
    pub fn revert_to_snapshot(
        &mut self,
        snapshot: &Snapshot,
    ) -> Result<objects::RevertToSnapshot, FrontError> {
        let (id, of) = (&snapshot.row.id, &snapshot.row.volume_id);
        let volume = volumes::get(self.connection, of)?;
        let volume = volume.ok_or_else(|| not_found("volume", of.as_str()))?;
        let all = snapshots::list(self.connection, snapshots::Of::Volume(of))?;
        let latest = all.iter().max_by_key(|one| one.row.created_at);
        if latest.is_none_or(|one| one.row.id != *id) {
            return Err(FrontError::Refused(format!(
                "snapshot {id} is not the latest one of volume {of}; those after it would be of data that are gone"
            )));
        }
        if snapshot.row.volume_size != volume.row.size {
            let (then, now) = (snapshot.row.volume_size.unwrap_or(0), volume.row.size.unwrap_or(0));
            return Err(FrontError::Refused(format!(
                "volume {of} has {now} GiB and had {then} when snapshot {id} was made; it cannot be reverted"
            )));
        }
        let status = volumes::columns::STATUS;
        let swap = Swap::<volumes::Row>::of(of.as_str()).only_if(status.is("available"));
        if !swap.set(status.to("reverting")).run(self.connection)? {
            return Err(status_of(&volume, "available"));
        }
        let marked = snapshots::columns::STATUS;
        let swap = Swap::<snapshots::Row>::of(id.as_str()).only_if(marked.is("available"));
        if !swap.set(marked.to("restoring")).run(self.connection)? {
            Swap::<volumes::Row>::of(of.as_str())
                .only_if(status.is("reverting"))
                .set(status.to("available"))
                .run(self.connection)?;
            check_snapshot(snapshot, &[SnapshotStatus::AVAILABLE], "available")?;
            return Err(FrontError::Refused(format!("snapshot {id} is being worked on")));
        }
        Ok(objects::RevertToSnapshot {
            volume: self.sent_volume(of)?,
            snapshot: self.sent_snapshot(id)?,
        })
    }

    /// Takes that back.
    pub(super) fn not_reverted(
        &mut self,
        asked: &objects::RevertToSnapshot,
    ) -> Result<(), FrontError> {
        let status = volumes::columns::STATUS;
        Swap::<volumes::Row>::of(super::key(&asked.volume.id)?)
            .only_if(status.is("reverting"))
            .set(status.to("available"))
            .run(self.connection)?;
        let status = snapshots::columns::STATUS;
        Swap::<snapshots::Row>::of(super::key(&asked.snapshot.id)?)
            .only_if(status.is("restoring"))
            .set(status.to("available"))
            .run(self.connection)?;
        Ok(())
    }
}
