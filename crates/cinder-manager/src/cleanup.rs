//! What a crash has left: operations that are taken up again, or get upstream's status (`spec/manager.md` §4, design of
//! operations).
//!
//! Entries in table `workers` tell of creates and deletions, records of the rest. Each entry is claimed before it is
//! looked at, so of two that clean up one does. An operation that has killed its worker twice is not tried a
//! third time: how often is counted in its record, which the first resume makes where there was none.
//! Must not: touch what belongs to another service, unless a `do_cleanup` names it.

use cinder_db::workers::{self, Cleanup, Kind, Scope};
use cinder_db::{Connection, DbError, changes, services, snapshots, volumes};
use cinder_driver::fail;
use cinder_objects::DoCleanup;
use cinder_types::{RequestContext, ServiceId, SnapshotId, SnapshotStatus, VolumeId, status};
use serde_json::{Map, Value};
use tracing::{error, info, warn};

use crate::course::Course;
use crate::entry::Claimed;
use crate::error::Failure;
use crate::manager::{LOG, Manager};
use crate::points;
use crate::records::Record;
use crate::snapshot;
use crate::volume::delete::How;
use crate::volume::extend::{self, Extension};
use crate::volume::revert::{self, Reversion};

/// How often an operation is taken up again.
const RESUMES: u32 = 2;

impl Manager {
    /// Reads what has to be known before the driver counts as ready: who this service is, and how much it has
    /// promised already. Can be done again.
    ///
    /// # Errors
    ///
    /// When there is no database.
    pub fn prepare(&self) -> Result<(), Failure> {
        let mut connection = self.connection()?;
        let row = self.own_row(&mut connection)?;
        if let Some(uuid) = row.and_then(|row| row.uuid()) {
            self.service_uuid.get_or_init(|| uuid);
        }
        let of = match &self.options.cluster {
            Some(cluster) => volumes::Of::Cluster(cluster.as_str()),
            None => volumes::Of::Host(self.options.host.as_str()),
        };
        let sums = volumes::gigabytes(&mut connection, of)?;
        self.allocated
            .set(sums.into_iter().map(|(host, sum)| (self.pool_of(host.as_deref()), sum)));
        Ok(())
    }

    /// The row of this service; nothing while it is gone, also where its number is another's by now.
    pub(crate) fn own_row(
        &self,
        connection: &mut Connection,
    ) -> Result<Option<services::Service>, DbError> {
        let host = self.options.host.as_str();
        let row = services::get(connection, self.options.service)?;
        Ok(row.filter(|row| row.host.as_deref() == Some(host)))
    }

    /// Takes up what this service has left; `request` stands for nobody in particular.
    ///
    /// Goes on where one operation fails; returns how many were looked at.
    ///
    /// # Errors
    ///
    /// When what is left cannot even be listed.
    pub fn clean_up(
        &self,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<usize, Failure> {
        let own = Scope {
            service: Some(self.options.service),
            until: Some(self.began),
            ..Scope::default()
        };
        let mut looked_at = self.clean_up_entries(&own, request, course)?;
        looked_at += self.take_up_records(request, course)?;
        Ok(looked_at)
    }

    pub(crate) fn do_cleanup(
        &self,
        args: DoCleanup,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let wanted = args.cleanup_request;
        let kind = match wanted.resource_type.as_deref() {
            None => None,
            Some("Volume") => Some(Kind::Volume),
            Some("Snapshot") => Some(Kind::Snapshot),
            Some(other) => {
                let text = format!("Invalid input received: there are no entries of {other}");
                return Err(Failure::new("InvalidInput", text));
            }
        };
        let until = wanted.until.get().map(|date| {
            let text = date.to_string();
            cinder_db::Timestamp::parse(text.trim_end_matches('Z'))
        });
        let until = until.transpose().map_err(|error| {
            Failure::new("InvalidInput", format!("Invalid input received: {error}"))
        })?;
        let scope = Scope {
            kind,
            resource_id: wanted.resource_id.as_deref().map(str::to_owned),
            service: wanted
                .service_id
                .get()
                .and_then(|id| i32::try_from(*id).ok())
                .map(ServiceId::new),
            until,
        };
        self.clean_up_entries(&scope, request, course)?;
        Ok(Value::Null)
    }

    fn clean_up_entries(
        &self,
        scope: &Scope,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<usize, Failure> {
        let left = workers::list_unfinished(&mut *self.connection()?, scope)?;
        let mut looked_at = 0;
        for entry in left {
            if self.is_stopping() {
                break;
            }
            let Some(kind) = entry.kind() else { continue };
            let Some(_at_work) = self.busy.begin(entry.resource_id()) else { continue };
            let claimed =
                workers::claim_cleanup(&mut *self.connection()?, &entry, self.options.service)?;
            let Some(cleanup) = claimed else { continue };
            fail::point(points::CLEANUP_CLAIMED)?;
            looked_at += 1;
            let id = cleanup.entry.resource_id().to_owned();
            course.begins(interrupted(kind, cleanup.entry.status()), &id);
            course.step("clean up");
            let cleaned = match kind {
                Kind::Volume => self.clean_up_volume(cleanup, request, course),
                Kind::Snapshot => self.clean_up_snapshot(cleanup, request, course),
            };
            course.ended(cleaned.as_ref().copied());
            if let Err(failure) = cleaned {
                error!(target: LOG, "Could not clean up {} {id}: {failure}", kind.as_str());
            }
        }
        Ok(looked_at)
    }

    fn clean_up_volume(
        &self,
        cleanup: Cleanup,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let id = VolumeId::new(cleanup.entry.resource_id());
        let mut connection = self.connection()?;
        let volume = volumes::get(&mut connection, &id)?;
        let status = volume.as_ref().and_then(|volume| volume.row.status.clone());
        let (Some(volume), Some(status)) = (volume, status) else {
            self.forget_entry(id.as_str());
            cleanup.done(&mut connection)?;
            return Ok(());
        };
        if status.as_str() != cleanup.entry.status() {
            // Somebody has ended it another way.
            self.forget_entry(id.as_str());
            cleanup.done(&mut connection)?;
            return Ok(());
        }
        drop(connection);
        let entry = Claimed::of_cleanup(cleanup.entry.clone());
        match status.as_str() {
            // On its way to a scheduler, which was not told: no host would ever be asked for it.
            "creating" if volume.row.host.is_none() => {
                self.give_up_volume(&id, cleanup, "creating", "error")
            }
            "creating" if self.may_resume("create_volume", id.as_str(), "creating")? => {
                info!(target: LOG, "Volume {id} was being created; going on");
                let made = self.create_again(&volume, &entry, request, course);
                self.forget("create_volume", id.as_str());
                made
            }
            "deleting" if self.may_resume("delete_volume", id.as_str(), "deleting")? => {
                info!(target: LOG, "Volume {id} was being deleted; going on");
                let held = self.lock(&[&format!("{id}-delete_volume")])?;
                // As upstream does it: whatever snapshots were to go with it are marked.
                let how = How { unmanage: false, cascade: true };
                let gone = self.delete(&volume, &entry, how, request, course);
                self.forget("delete_volume", id.as_str());
                gone?;
                held.remove_files();
                Ok(())
            }
            "deleting" => self.give_up_volume(&id, cleanup, "deleting", "error_deleting"),
            "creating" => self.give_up_volume(&id, cleanup, "creating", "error"),
            "downloading" => self.give_up_volume(&id, cleanup, "downloading", "error"),
            "uploading" => {
                let settled = status::settled(!volume.attachments.is_empty());
                self.give_up_volume(&id, cleanup, "uploading", settled.as_str())
            }
            _ => {
                cleanup.done(&mut *self.connection()?)?;
                Ok(())
            }
        }
    }

    pub(crate) fn give_up_volume(
        &self,
        id: &VolumeId,
        cleanup: Cleanup,
        from: &str,
        to: &str,
    ) -> Result<(), Failure> {
        use volumes::columns::STATUS;
        warn!(target: LOG, "Volume {id} was {from} when its service went; it is {to} now");
        let mut connection = self.connection()?;
        cinder_db::cas::Swap::<volumes::Row>::of(id.as_str())
            .only_if(STATUS.is(from))
            .set(STATUS.to(to))
            .run(&mut connection)?;
        self.forget_entry(id.as_str());
        cleanup.done(&mut connection)?;
        Ok(())
    }

    fn clean_up_snapshot(
        &self,
        cleanup: Cleanup,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let id = SnapshotId::new(cleanup.entry.resource_id());
        let mut connection = self.connection()?;
        let found = snapshots::get(&mut connection, &id)?;
        let is_stuck = |one: &snapshots::Snapshot| {
            one.row.status.as_ref().is_some_and(|one| one.as_str() == cleanup.entry.status())
        };
        let Some(found) = found.filter(is_stuck) else {
            self.forget_entry(id.as_str());
            cleanup.done(&mut connection)?;
            return Ok(());
        };
        drop(connection);
        if self.may_resume("create_snapshot", id.as_str(), SnapshotStatus::CREATING.as_str())? {
            info!(target: LOG, "Snapshot {id} was being created; going on");
            let entry = Claimed::of_cleanup(cleanup.entry.clone());
            let made = self.take_snapshot(&found, &entry, request, course);
            self.forget("create_snapshot", id.as_str());
            return made;
        }
        warn!(target: LOG, "Snapshot {id} was creating when its service went; it is error now");
        self.set_snapshot(&id, SnapshotStatus::ERROR)?;
        self.forget_entry(id.as_str());
        cleanup.done(&mut *self.connection()?)?;
        Ok(())
    }

    pub(crate) fn set_snapshot(
        &self,
        id: &SnapshotId,
        status: SnapshotStatus,
    ) -> Result<(), Failure> {
        let change =
            snapshots::Change { status: changes::to(status), ..snapshots::Change::default() };
        Ok(snapshots::update(&mut *self.connection()?, id, &change)?)
    }

    /// Whether an operation is to be tried again, which is written down first: if it kills this process, too, its
    /// next one knows.
    fn may_resume(&self, method: &str, resource: &str, status: &str) -> Result<bool, Failure> {
        if !self.options.resume {
            return Ok(false);
        }
        // Without a directory nothing can be counted; then it is tried once, as upstream tries deletions.
        let Some(records) = &self.records else { return Ok(true) };
        let known = records.find(method, resource).unwrap_or_else(|cause| {
            warn!(target: LOG, "{}", cinder_db::chain(&cause));
            None
        });
        let mut record = known.unwrap_or_else(|| Record {
            method: method.to_owned(),
            resource: resource.to_owned(),
            status: status.to_owned(),
            request_id: None,
            resumed: 0,
            details: Map::new(),
        });
        if record.resumed >= RESUMES {
            error!(
                target: LOG,
                "{method} of {resource} was interrupted {} times; it is not tried again", record.resumed + 1
            );
            return Ok(false);
        }
        record.resumed += 1;
        if let Err(cause) = records.write(&record) {
            // What cannot be counted might be tried for ever.
            warn!(
                target: LOG,
                "{method} of {resource} is not tried again, as that cannot be written down: {}",
                cinder_db::chain(&cause)
            );
            return Ok(false);
        }
        Ok(true)
    }

    /// Removes what was counted of operations that have entries.
    pub(crate) fn forget_entry(&self, resource: &str) {
        for method in ["create_volume", "delete_volume", "create_snapshot"] {
            self.forget(method, resource);
        }
    }

    /// Operations that are only on record.
    fn take_up_records(
        &self,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<usize, Failure> {
        let Some(records) = &self.records else { return Ok(0) };
        let (left, odd) = records.list()?;
        for one in odd {
            warn!(target: LOG, "{}", cinder_db::chain(&one));
        }
        let mut looked_at = 0;
        for record in left {
            if self.is_stopping() {
                break;
            }
            let request = RequestContext {
                request_id: record.request_id.clone().unwrap_or_else(|| request.request_id.clone()),
                ..request.clone()
            };
            // What is at work has written its own record.
            let Some(_at_work) = self.busy.begin(&record.resource) else { continue };
            course.begins(&record.method, &record.resource);
            course.step("clean up");
            looked_at += 1;
            let taken_up = match record.method.as_str() {
                extend::METHOD => self.take_up_extension(&record, &request, course),
                snapshot::DELETE => self.take_up_snapshot_deletion(&record, &request, course),
                revert::METHOD => self.take_up_reversion(&record, &request, course),
                // Counted for an entry, which has been looked at before.
                _ => Ok(()),
            };
            course.ended(taken_up.as_ref().copied());
            if let Err(failure) = taken_up {
                error!(target: LOG, "{} of {}: {failure}", record.method, record.resource);
            }
        }
        Ok(looked_at)
    }

    fn take_up_extension(
        &self,
        record: &Record,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let Some(extension) = Extension::of(record) else {
            error!(target: LOG, "The record of an extension of {} says too little", record.resource);
            return Ok(());
        };
        if !self.may_resume(&record.method, &record.resource, &record.status)? {
            let text = "Error extending volume: its service was interrupted.";
            let failure = Failure::new("ExtendVolumeError", text);
            self.not_extended(&extension, request, &failure)?;
            self.forget(&record.method, &record.resource);
            return Ok(());
        }
        info!(target: LOG, "Volume {} was being extended; going on", record.resource);
        self.extend(&extension, request, course)
    }

    fn take_up_reversion(
        &self,
        record: &Record,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let Some(reversion) = Reversion::of(record) else {
            error!(target: LOG, "The record of a revert of {} says too little", record.resource);
            return Ok(());
        };
        if !self.may_resume(&record.method, &record.resource, &record.status)? {
            let text = "its service was interrupted";
            self.not_reverted(&reversion, &Failure::new("VolumeDriverException", text))?;
            self.forget(&record.method, &record.resource);
            return Ok(());
        }
        info!(target: LOG, "Volume {} was being reverted; going on", record.resource);
        self.revert(&reversion, request, course)
    }

    fn take_up_snapshot_deletion(
        &self,
        record: &Record,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let id = SnapshotId::new(&*record.resource);
        let found = snapshots::get(&mut *self.connection()?, &id)?;
        let is_stuck = |one: &snapshots::Snapshot| {
            one.row.status.as_ref().is_some_and(|one| one.as_str() == record.status)
        };
        let Some(found) = found.filter(is_stuck) else {
            self.forget(&record.method, &record.resource);
            return Ok(());
        };
        if !self.may_resume(&record.method, &record.resource, &record.status)? {
            self.set_snapshot(&id, SnapshotStatus::ERROR_DELETING)?;
            self.forget(&record.method, &record.resource);
            return Ok(());
        }
        info!(target: LOG, "Snapshot {id} was being deleted; going on");
        let held = self.lock(&[&format!("{id}-delete_snapshot")])?;
        let unmanage = record.details.get("unmanage").and_then(Value::as_bool).unwrap_or(false);
        let deleted = self.delete_known_snapshot(&found, unmanage, request, course);
        self.forget(&record.method, &record.resource);
        deleted?;
        held.remove_files();
        Ok(())
    }
}

/// The method that gave a resource of this kind this status.
fn interrupted(kind: Kind, status: &str) -> &'static str {
    match (kind, status) {
        (Kind::Volume, "deleting") => "delete_volume",
        (Kind::Volume, "uploading") => "copy_volume_to_image",
        (Kind::Volume, _) => "create_volume",
        (Kind::Snapshot, _) => "create_snapshot",
    }
}
