//! `create_snapshot`, `delete_snapshot` (`spec/manager.md` §5.2, §5.3), in the order of the same operations on volumes.

use cinder_db::image_metadata::{self, Keeper};
use cinder_db::quota::Counted;
use cinder_db::snapshots::{self, Snapshot};
use cinder_db::{Connection, changes, messages, workers};
use cinder_driver::{Call, Operation, RecordedOp, SnapshotUpdate, SnapshotView, Update, fail};
use cinder_objects::{CreateSnapshot, DeleteSnapshot};
use cinder_types::{RequestContext, SnapshotId, SnapshotStatus};
use serde_json::{Map, Value, json};
use tracing::{error, info, warn};

use crate::convert;
use crate::course::Course;
use crate::entry::Claimed;
use crate::error::Failure;
use crate::manager::{LOG, Manager};
use crate::notify::OfSnapshot;
use crate::points;
use crate::records::Record;

/// The method that is put on record.
pub(crate) const DELETE: &str = "delete_snapshot";

impl Manager {
    pub(crate) fn create_snapshot(
        &self,
        args: CreateSnapshot,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let id = args.snapshot.id()?;
        course.about(id.as_str());
        let Some(_at_work) = self.begin(id.as_str(), course) else { return Ok(json!(id.as_str())) };
        let mut connection = self.connection()?;
        let status = args.snapshot.status().unwrap_or(SnapshotStatus::CREATING);
        let kind = workers::Kind::Snapshot;
        let entry = self.claim(&mut connection, kind, id.as_str(), status.as_str())?;
        fail::point(points::SNAPSHOT_CLAIMED)?;
        course.recorded();
        fail::point(points::SNAPSHOT_RECORDED)?;
        let Some(snapshot) = snapshots::get(&mut connection, &id)? else {
            entry.finish(&mut connection, None)?;
            return Err(Failure::snapshot_not_found(id.as_str()));
        };
        if snapshot.row.status != Some(SnapshotStatus::CREATING) {
            let status = snapshot.row.status.as_ref().map_or("", SnapshotStatus::as_str);
            warn!(target: LOG, "Snapshot {id} is {status}, there is nothing to create");
            entry.finish(&mut connection, Some(status))?;
            return Ok(json!(id.as_str()));
        }
        drop(connection);
        self.take_snapshot(&snapshot, &entry, request, course)?;
        Ok(json!(id.as_str()))
    }

    /// From the row to the end, also after a crash.
    pub(crate) fn take_snapshot(
        &self,
        snapshot: &Snapshot,
        entry: &Claimed,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let id = &snapshot.row.id;
        let failure = match self.have_snapshot_made(snapshot, request, course) {
            Ok((update, zone)) => {
                fail::point(points::SNAPSHOT_MADE)?;
                course.step("finish");
                let columns = convert::snapshot_change(update);
                let written = self.patiently(|connection| {
                    let is_there = self.snapshot_is_made(connection, snapshot, &columns)?;
                    fail::point(points::SNAPSHOT_WRITTEN)?;
                    entry.finish(connection, Some(SnapshotStatus::AVAILABLE.as_str()))?;
                    Ok(is_there)
                });
                match written {
                    Ok(is_there) => {
                        if is_there {
                            let (end, status) = (OfSnapshot::CreateEnd, SnapshotStatus::AVAILABLE);
                            self.tell_of_changed(request, snapshot, zone.as_deref(), end, status);
                        }
                        info!(target: LOG, "Created snapshot {id} successfully.");
                        return Ok(());
                    }
                    Err(failure) => self.not_written(&format!("snapshot {id}"), failure)?,
                }
            }
            Err(failure) => failure,
        };
        error!(target: LOG, "Snapshot {id}: create failed: {failure}");
        self.patiently(|connection| {
            let (resource, action) =
                (messages::Resource::Snapshot, messages::Action::SnapshotCreate);
            let told = (&failure, messages::Detail::SnapshotCreateError);
            self.tell_user(connection, request, (resource, id.as_str()), action, told);
            self.swap(connection, id, SnapshotStatus::CREATING, SnapshotStatus::ERROR)?;
            Ok(entry.finish(connection, Some(SnapshotStatus::ERROR.as_str()))?)
        })?;
        Err(failure)
    }

    fn have_snapshot_made(
        &self,
        snapshot: &Snapshot,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(SnapshotUpdate, Option<String>), Failure> {
        let (view, zone) = self.view_and_zone(&mut *self.connection()?, snapshot)?;
        self.tell_of_snapshot(request, snapshot, zone.as_deref(), OfSnapshot::CreateStart);
        self.ready_driver()?;
        let context = self.context(Call::CreateSnapshot, request);
        let operation = || {
            let snapshot = (&view).into();
            RecordedOp::from(Operation::CreateSnapshot { snapshot })
        };
        let call = |driver: &dyn cinder_driver::Driver| driver.create_snapshot(&view, &context);
        let answer = |update| match update {
            Update::Snapshot(update) => update,
            Update::None | Update::Volume(_) => SnapshotUpdate::default(),
        };
        Ok((self.drive(operation, &context, course, call, answer)?, zone))
    }

    /// Tells of a snapshot that has another status by now than in this row of it.
    fn tell_of_changed(
        &self,
        request: &RequestContext,
        snapshot: &Snapshot,
        zone: Option<&str>,
        event: OfSnapshot,
        status: SnapshotStatus,
    ) {
        if self.is_heard() {
            let mut changed = snapshot.clone();
            changed.row.deleted = Some(event == OfSnapshot::DeleteEnd);
            changed.row.status = Some(status);
            self.tell_of_snapshot(request, &changed, zone, event);
        }
    }

    /// Whether its row is still there.
    fn snapshot_is_made(
        &self,
        connection: &mut Connection,
        snapshot: &Snapshot,
        columns: &snapshots::Change,
    ) -> Result<bool, Failure> {
        let row = &snapshot.row;
        let volume = cinder_db::volumes::get(connection, &row.volume_id)?;
        let own = Keeper::Snapshot(&row.id);
        let is_bootable = volume.as_ref().and_then(|volume| volume.row.bootable).unwrap_or(false);
        // The second time it is all there.
        if is_bootable && image_metadata::get(connection, own)?.is_empty() {
            image_metadata::copy(connection, Keeper::Volume(&row.volume_id), own)?;
        }
        let change = snapshots::Change {
            progress: changes::to("100%"),
            encryption_key_id: Some(volume.and_then(|volume| volume.row.encryption_key_id)),
            ..columns.clone()
        };
        match snapshots::update(connection, &row.id, &change) {
            Ok(()) => {}
            Err(cinder_db::DbError::NotFound { .. }) => {
                error!(target: LOG, "Snapshot {} is gone from the database while it was created", row.id);
                return Ok(false);
            }
            Err(cause) => return Err(cause.into()),
        }
        self.swap(connection, &row.id, SnapshotStatus::CREATING, SnapshotStatus::AVAILABLE)?;
        Ok(true)
    }

    /// Gives a snapshot its next status, unless an operator has given it another one meanwhile.
    fn swap(
        &self,
        connection: &mut Connection,
        id: &SnapshotId,
        from: SnapshotStatus,
        to: SnapshotStatus,
    ) -> Result<(), Failure> {
        use snapshots::columns::STATUS;
        let swapped = cinder_db::cas::Swap::<snapshots::Row>::of(id.as_str())
            .only_if(STATUS.is(from.as_str()))
            .set(STATUS.to(to.as_str()))
            .run(connection)?;
        if !swapped {
            warn!(target: LOG, "Snapshot {id} has got another status meanwhile, which it keeps");
        }
        Ok(())
    }

    /// As a driver sees it.
    pub(crate) fn snapshot_view(
        &self,
        connection: &mut Connection,
        snapshot: &Snapshot,
    ) -> Result<SnapshotView, Failure> {
        self.view_and_zone(connection, snapshot).map(|(view, _)| view)
    }

    /// The same, and where its volume is.
    fn view_and_zone(
        &self,
        connection: &mut Connection,
        snapshot: &Snapshot,
    ) -> Result<(SnapshotView, Option<String>), Failure> {
        let volume = self.find_volume(connection, &snapshot.row.volume_id)?;
        let view = self.view(connection, &volume)?;
        let view = convert::snapshot(snapshot, view, &self.options);
        Ok((view, volume.row.availability_zone))
    }

    pub(crate) fn delete_snapshot(
        &self,
        args: DeleteSnapshot,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let id = args.snapshot.id()?;
        course.about(id.as_str());
        let Some(_at_work) = self.begin(id.as_str(), course) else { return Ok(Value::Null) };
        let status = args.snapshot.status();
        let record = Record {
            method: DELETE.to_owned(),
            resource: id.as_str().to_owned(),
            status: status.map_or_else(String::new, |one| one.as_str().to_owned()),
            request_id: Some(request.request_id.clone()),
            resumed: 0,
            details: Map::from_iter([("unmanage".to_owned(), args.unmanage_only.into())]),
        };
        self.put_on_record(&record, course);
        fail::point(points::UNSNAPSHOT_RECORDED)?;
        course.step("lock");
        let held = self.lock(&[&format!("{id}-delete_snapshot")])?;
        let deleted = self.delete_snapshot_of(&id, args.unmanage_only, request, course);
        // However it went, its last status is written.
        self.forget(DELETE, id.as_str());
        deleted?;
        held.remove_files();
        Ok(Value::Null)
    }

    /// From the row to the end, also after a crash; whoever calls holds the lock.
    pub(crate) fn delete_snapshot_of(
        &self,
        id: &SnapshotId,
        unmanage: bool,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let Some(snapshot) = snapshots::get(&mut *self.connection()?, id)? else {
            info!(target: LOG, "Snapshot {id} is deleted already");
            return Ok(());
        };
        self.delete_known_snapshot(&snapshot, unmanage, request, course)
    }

    pub(crate) fn delete_known_snapshot(
        &self,
        snapshot: &Snapshot,
        unmanage: bool,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let (row, id) = (&snapshot.row, &snapshot.row.id);
        let view = self.view_and_zone(&mut *self.connection()?, snapshot);
        let (view, zone) = match view {
            // Its last status all the same: nobody else would give it one.
            Err(failure) if failure.is("VolumeNotFound") => {
                return self.snapshot_stays(snapshot, request, failure);
            }
            view => view?,
        };
        self.tell_of_snapshot(request, snapshot, zone.as_deref(), OfSnapshot::DeleteStart);
        let context = self.context(Call::DeleteSnapshot, request);
        let gone = self.ready_driver().and_then(|_| {
            let operation = || {
                let snapshot = (&view).into();
                RecordedOp::from(match unmanage {
                    true => Operation::UnmanageSnapshot { snapshot },
                    false => Operation::DeleteSnapshot { snapshot },
                })
            };
            let call =
                |driver: &dyn cinder_driver::Driver| match (unmanage, driver.as_manage_snapshots())
                {
                    (false, _) => driver.delete_snapshot(&view, &context),
                    (true, Some(manage)) => manage.unmanage_snapshot(&view, &context),
                    (true, None) => Ok(()),
                };
            let gone = self.drive(operation, &context, course, call, |_| ());
            gone.map_err(|error| match error {
                cinder_driver::DriverError::Busy { .. } => {
                    let text =
                        format!("deleting snapshot {} that has dependent volumes", view.name);
                    Failure::new("SnapshotIsBusy", text).with("snapshot_name", view.name.clone())
                }
                other => other.into(),
            })
        });
        if let Err(failure) = gone {
            return self.snapshot_stays(snapshot, request, failure);
        }
        fail::point(points::UNSNAPSHOT_GONE)?;
        course.step("finish");
        self.patiently(|connection| {
            let project = row.project_id.as_ref().filter(|_| row.use_quota);
            let freed = self.reserve_deletion(
                connection,
                project.map(|one| one.as_str()),
                &row.volume_type_id,
                Counted::Snapshots,
                row.volume_size.unwrap_or(0),
            );
            image_metadata::delete(connection, Keeper::Snapshot(id))?;
            snapshots::delete(connection, id, &freed)?;
            Ok(())
        })?;
        let deleted = SnapshotStatus::new("deleted".to_owned());
        let end = OfSnapshot::DeleteEnd;
        self.tell_of_changed(request, snapshot, zone.as_deref(), end, deleted);
        fail::point(points::UNSNAPSHOT_WRITTEN)?;
        info!(target: LOG, "Deleted snapshot {id} successfully.");
        Ok(())
    }

    fn snapshot_stays(
        &self,
        snapshot: &Snapshot,
        request: &RequestContext,
        failure: Failure,
    ) -> Result<(), Failure> {
        let id = &snapshot.row.id;
        let is_busy = failure.is("SnapshotIsBusy");
        let status =
            if is_busy { SnapshotStatus::AVAILABLE } else { SnapshotStatus::ERROR_DELETING };
        error!(target: LOG, "Delete of snapshot {id} failed: {failure}");
        self.patiently(|connection| {
            let (resource, action) =
                (messages::Resource::Snapshot, messages::Action::SnapshotDelete);
            let told = (&failure, messages::Detail::SnapshotDeleteError);
            self.tell_user(connection, request, (resource, id.as_str()), action, told);
            let change =
                snapshots::Change { status: changes::to(status.clone()), ..Default::default() };
            match snapshots::update(connection, id, &change) {
                Ok(()) | Err(cinder_db::DbError::NotFound { .. }) => Ok(()),
                Err(cause) => Err(cause.into()),
            }
        })?;
        if is_busy { Ok(()) } else { Err(failure) }
    }
}
