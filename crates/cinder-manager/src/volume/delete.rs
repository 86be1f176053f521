//! `delete_volume`, also of what is only to be forgotten (`spec/manager.md` §5.1).
//!
//! Order: lock, claim, acknowledge, read the row, take it off the storage, reserve what is freed, remove the row and give
//! that back in one transaction, remove the entry. The storage first: a row without storage can be deleted again, storage
//! without a row is found by nobody.

use cinder_db::quota::Counted;
use cinder_db::snapshots::{self, Of};
use cinder_db::volumes::{self, Volume};
use cinder_db::{changes, workers};
use cinder_driver::{Call, Operation, RecordedOp, fail};
use cinder_objects::DeleteVolume;
use cinder_types::{AttachStatus, RequestContext, SnapshotStatus, VolumeId, VolumeStatus};
use serde_json::Value;
use tracing::{error, info, warn};

use crate::course::Course;
use crate::entry::Claimed;
use crate::error::Failure;
use crate::manager::{LOG, Manager};
use crate::notify::OfVolume;
use crate::points;

/// What is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct How {
    /// The storage keeps it.
    pub unmanage: bool,
    /// Its snapshots go with it.
    pub cascade: bool,
}

impl Manager {
    pub(crate) fn delete_volume(
        &self,
        args: DeleteVolume,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let id = args.volume.id()?;
        course.about(id.as_str());
        let Some(_at_work) = self.begin(id.as_str(), course) else { return Ok(Value::Null) };
        course.step("lock");
        let held = self.lock(&[&format!("{id}-delete_volume")])?;
        let mut connection = self.connection()?;
        let status = args.volume.status().unwrap_or(VolumeStatus::DELETING);
        let kind = workers::Kind::Volume;
        let entry = self.claim(&mut connection, kind, id.as_str(), status.as_str())?;
        fail::point(points::DELETE_CLAIMED)?;
        course.recorded();
        fail::point(points::DELETE_RECORDED)?;
        let found = volumes::get(&mut connection, &id)?;
        drop(connection);
        let Some(volume) = found else {
            info!(target: LOG, "Volume {id} is deleted already");
            entry.finish(&mut *self.connection()?, None)?;
            return Ok(Value::Null);
        };
        let how = How { unmanage: args.unmanage_only, cascade: args.cascade };
        self.delete(&volume, &entry, how, request, course)?;
        // Nobody asks for these names again.
        held.remove_files();
        Ok(Value::Null)
    }

    /// From the row to the end, also after a crash; whoever calls holds the lock.
    pub(crate) fn delete(
        &self,
        volume: &Volume,
        entry: &Claimed,
        how: How,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let id = &volume.row.id;
        self.may_be_deleted(volume, how)?;
        let view = self.view(&mut *self.connection()?, volume)?;
        if self.counts(volume) {
            let event = OfVolume::DeleteStart { unmanage: how.unmanage };
            self.tell_of_volume(request, volume, event);
        }
        let gone = self.ready_driver().and_then(|_| {
            if how.cascade {
                self.delete_snapshots_of(id, request, course)?;
            }
            let context = self.context(Call::DeleteVolume, request);
            let operation = || {
                let volume = (&view).into();
                let operation = match how.unmanage {
                    true => Operation::Unmanage { volume },
                    false => Operation::DeleteVolume { volume },
                };
                RecordedOp::from(operation)
            };
            let call = |driver: &dyn cinder_driver::Driver| {
                driver.remove_export(&view, &context)?;
                match (how.unmanage, driver.as_manage()) {
                    (false, _) => driver.delete_volume(&view, &context),
                    (true, Some(manage)) => manage.unmanage(&view, &context),
                    // One that knows no names but ours has nothing to forget.
                    (true, None) => Ok(()),
                }
            };
            Ok(self.drive(operation, &context, course, call, |_| ())?)
        });
        if let Err(failure) = gone {
            return self.not_deleted(volume, entry, how, failure);
        }
        fail::point(points::DELETE_GONE)?;
        course.step("finish");
        self.patiently(|connection| {
            let (row, size) = (&volume.row, volume.row.size.unwrap_or(0));
            let counts = row.use_quota
                && row.status.as_ref().is_none_or(|one| one.as_str() != "error_managing_deleting");
            let project = row.project_id.as_ref().filter(|_| counts).map(|one| one.as_str());
            let freed = self.reserve_deletion(
                connection,
                project,
                &row.volume_type_id,
                Counted::Volumes,
                size,
            );
            fail::point(points::DELETE_RESERVED)?;
            volumes::delete(connection, id, &freed)?;
            fail::point(points::DELETE_WRITTEN)?;
            Ok(entry.finish(connection, None)?)
        })?;
        if self.counts(volume) && self.is_heard() {
            let mut gone = volume.clone();
            gone.row.status = Some(VolumeStatus::new("deleted".to_owned()));
            gone.attachments.clear(); // they go with it
            let event = OfVolume::DeleteEnd { unmanage: how.unmanage };
            self.tell_of_volume(request, &gone, event);
        }
        let size = i64::from(volume.row.size.unwrap_or(0));
        self.allocated.add(&self.pool_of(volume.row.host.as_deref()), -size);
        (self.freed)();
        info!(target: LOG, "Deleted volume {id} successfully.");
        Ok(())
    }

    /// What upstream refuses before it touches anything; status and entry stay as they are.
    fn may_be_deleted(&self, volume: &Volume, how: How) -> Result<(), Failure> {
        let (row, id) = (&volume.row, &volume.row.id);
        if row.attach_status == Some(AttachStatus::ATTACHED) {
            let text = format!("Volume {id} is still attached, detach volume first.");
            return Err(Failure::new("VolumeAttached", text).with("volume_id", id.as_str()));
        }
        let service = row.cluster_name.as_deref().or(row.host.as_deref());
        if !self.is_ours(service) {
            return Err(invalid("Volume is not local to this node"));
        }
        if how.unmanage && how.cascade {
            return Err(invalid("Unmanage and cascade delete options are mutually exclusive."));
        }
        if how.unmanage && row.encryption_key_id.is_some() {
            return Err(invalid("Unmanaging encrypted volumes is not supported."));
        }
        Ok(())
    }

    /// The snapshots that were to go with it, one by one.
    fn delete_snapshots_of(
        &self,
        id: &VolumeId,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let all = snapshots::list(&mut *self.connection()?, Of::Volume(id))?;
        let kept = all.iter().find(|one| one.row.status != Some(SnapshotStatus::DELETING));
        if let Some(kept) = kept {
            let status = kept.row.status.as_ref().map_or("", SnapshotStatus::as_str);
            let text = format!(
                "Snapshot {} was found in state {status} rather than 'deleting' during cascade delete.",
                kept.row.id
            );
            return Err(Failure::new("InvalidSnapshot", format!("Invalid snapshot: {text}"))
                .with("reason", text));
        }
        for one in &all {
            self.delete_known_snapshot(one, false, request, course)?;
        }
        Ok(())
    }

    /// What a volume becomes that is still there.
    fn not_deleted(
        &self,
        volume: &Volume,
        entry: &Claimed,
        how: How,
        failure: Failure,
    ) -> Result<(), Failure> {
        let id = &volume.row.id;
        let is_target = volume
            .row
            .migration_status
            .as_ref()
            .is_some_and(|status| status.as_str().starts_with("target:"));
        if is_target {
            // Nobody sees it, so nobody could delete it again.
            error!(target: LOG, "Volume {id}, a target of a migration, is not deleted: {failure}");
            self.patiently(|connection| {
                volumes::delete(connection, id, &[])?;
                Ok(entry.finish(connection, None)?)
            })?;
            return Err(failure);
        }
        let is_busy = failure.is("VolumeIsBusy");
        let status = match (is_busy, how.unmanage) {
            (true, _) => VolumeStatus::AVAILABLE,
            (false, true) => VolumeStatus::new("error_unmanaging".to_owned()),
            (false, false) => VolumeStatus::ERROR_DELETING,
        };
        self.patiently(|connection| {
            let change =
                volumes::Change { status: changes::to(status.clone()), ..Default::default() };
            match volumes::update(connection, id, &change.into()) {
                Ok(()) | Err(cinder_db::DbError::NotFound { .. }) => {}
                Err(cause) => return Err(cause.into()),
            }
            Ok(entry.finish(connection, Some(status.as_str()))?)
        })?;
        if is_busy {
            warn!(target: LOG, "Unable to delete busy volume {id}: {failure}");
            return Ok(());
        }
        error!(target: LOG, "Failed to delete volume {id}: {failure}");
        Err(failure)
    }
}

fn invalid(reason: &str) -> Failure {
    Failure::new("InvalidVolume", format!("Invalid volume: {reason}")).with("reason", reason)
}
