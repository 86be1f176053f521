//! `create_volume`: an empty volume, one from a snapshot, a clone (`spec/manager.md` §3).
//!
//! Order: claim the entry, acknowledge the message, read the row, take the source's lock, have the driver make
//! it, write columns and status in one statement, remove the entry. Wherever a crash comes, the entry is
//! there and the names follow from ids, so that all of it can be done again.

mod finish;

use cinder_db::volumes::{self, Volume};
use cinder_db::{Timestamp, changes, messages, snapshots, workers};
use cinder_driver::{
    Call, DriverError, OpContext, Operation, RecordedOp, Update, VolumeUpdate, VolumeView, fail,
};
use cinder_objects::{CreateVolume, Dict, PlaceVolume, RequestSpec};
use cinder_types::{RequestContext, VolumeId, VolumeStatus};
use serde_json::{Value, json};
use tracing::{error, info, warn};

use crate::busy::AtWork;
use crate::convert;
use crate::course::Course;
use crate::entry::Claimed;
use crate::error::Failure;
use crate::manager::{LOG, Manager};
use crate::notify::OfVolume;
use crate::points;

/// Failures that would be the same on every other back end, or of which a part is done already (`spec/manager.md` §3).
const STAY: [&str; 11] = [
    "ImageCopyFailure",
    "MetadataCopyFailure",
    "MetadataUpdateFailure",
    "VolumeNotFound",
    "SnapshotNotFound",
    "VolumeTypeNotFound",
    "ImageConversionNotAllowed",
    "ImageUnacceptable",
    "ImageTooBig",
    "InvalidSignatureImage",
    "ImageSignatureVerificationException",
];

/// Where the data of a new volume comes from.
enum Source {
    Nothing,
    Snapshot(Box<cinder_driver::SnapshotView>),
    Volume(Box<VolumeView>),
}

impl Source {
    fn call(&self) -> Call {
        match self {
            Self::Nothing => Call::CreateVolume,
            Self::Snapshot(_) => Call::CreateVolumeFromSnapshot,
            Self::Volume(_) => Call::CreateClonedVolume,
        }
    }
}

/// What could send a create to another back end, or to this one again.
struct Retry<'a> {
    spec: RequestSpec,
    filter_properties: Dict,
    /// Held until it is sent: the message may be back before anything else is done here.
    at_work: &'a mut Option<AtWork>,
}

impl Manager {
    pub(crate) fn create_volume(
        &self,
        args: CreateVolume,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let id = args.volume.id()?;
        course.about(id.as_str());
        let mut at_work = self.begin(id.as_str(), course);
        if at_work.is_none() {
            return Ok(json!(id.as_str()));
        }
        let mut connection = self.connection()?;
        if let Some(what) = source_not_here(args.request_spec.as_ref()) {
            return Err(self.refuse_creation(&mut connection, &id, what, request)?);
        }
        let creating = VolumeStatus::CREATING;
        let entry = self.claim(
            &mut connection,
            workers::Kind::Volume,
            id.as_str(),
            args.volume.status().unwrap_or(creating).as_str(),
        )?;
        fail::point(points::CREATE_CLAIMED)?;
        course.recorded();
        fail::point(points::CREATE_RECORDED)?;
        let Some(volume) = volumes::get(&mut connection, &id)? else {
            entry.finish(&mut connection, None)?;
            return Err(Failure::volume_not_found(id.as_str()));
        };
        if !is_being_created(volume.row.status.as_ref()) {
            // A message that came again, after its work was done.
            let status = volume.row.status.as_ref().map_or("", VolumeStatus::as_str);
            warn!(target: LOG, "Volume {id} is {status}, there is nothing to create");
            entry.finish(&mut connection, Some(status))?;
            return Ok(json!(id.as_str()));
        }
        drop(connection); // not kept while storage works
        let retry = retry_of(args, &mut at_work);
        self.create(&volume, &entry, retry, request, course)
    }

    /// From the row to the end, also after a crash: then nothing is known that could send it elsewhere.
    pub(crate) fn create_again(
        &self,
        volume: &Volume,
        entry: &Claimed,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        // It was counted with all others when this process began.
        let size = i64::from(volume.row.size.unwrap_or(0));
        self.allocated.add(&self.pool_of(volume.row.host.as_deref()), -size);
        self.create(volume, entry, None, request, course).map(drop)
    }

    fn create(
        &self,
        volume: &Volume,
        entry: &Claimed,
        retry: Option<Retry<'_>>,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let (id, size) = (&volume.row.id, i64::from(volume.row.size.unwrap_or(0)));
        let pool = self.pool_of(volume.row.host.as_deref());
        self.allocated.add(&pool, size);
        let made = self.make(volume, request, course);
        let (failure, retry) = match made {
            Ok(update) => {
                fail::point(points::CREATE_MADE)?;
                course.step("finish");
                match self.finish_creation(volume, update, entry) {
                    Ok(Some(made)) => {
                        if self.counts(volume) {
                            self.tell_of_volume(request, &made, OfVolume::CreateEnd);
                        }
                        info!(target: LOG, "Created volume {id} successfully.");
                        return Ok(json!(id.as_str()));
                    }
                    Ok(None) => {
                        self.allocated.add(&pool, -size);
                        self.remove_unowned(volume, request)?;
                        return Ok(json!(id.as_str()));
                    }
                    // It is made here, so it goes nowhere else.
                    Err(failure) => (self.not_written(&format!("volume {id}"), failure)?, None),
                }
            }
            Err(failure) => (failure, retry),
        };
        self.allocated.add(&pool, -size);
        let mut connection = self.connection()?;
        let retry = retry.filter(|_| !STAY.contains(&failure.class.as_str()));
        let kept;
        let entry = match (retry, &self.scheduler) {
            (Some(retry), Some(scheduler)) => {
                course.step("reschedule");
                let back = self.send_back(
                    volume,
                    retry,
                    &failure,
                    &**scheduler,
                    request,
                    &mut connection,
                )?;
                let Some(back) = back else { return Err(failure) };
                kept = back;
                &kept
            }
            _ => entry,
        };
        drop(connection);
        self.patiently(|connection| {
            self.mark_failed(connection, id, &failure, request)?;
            Ok(entry.finish(connection, Some(VolumeStatus::ERROR.as_str()))?)
        })?;
        Err(failure)
    }

    /// Gives a volume that cannot be made its last status, and tells its user.
    fn mark_failed(
        &self,
        connection: &mut cinder_db::Connection,
        id: &VolumeId,
        failure: &Failure,
        request: &RequestContext,
    ) -> Result<(), Failure> {
        let failed = volumes::change_locked(connection, id, |row, _| volumes::Change {
            status: is_being_created(row.status.as_ref()).then_some(Some(VolumeStatus::ERROR)),
            ..volumes::Change::default()
        });
        match failed {
            Ok(_) | Err(cinder_db::DbError::NotFound { .. }) => {}
            Err(cause) => return Err(cause.into()),
        }
        error!(target: LOG, "Volume {id}: create failed: {failure}");
        let (resource, action) =
            (messages::Resource::Volume, messages::Action::CreateVolumeFromBackend);
        let told = (failure, messages::Detail::DriverFailedCreate);
        self.tell_user(connection, request, (resource, id.as_str()), action, told);
        Ok(())
    }

    /// Refuses what this program cannot make, before anything says that it might: a clean-up would take it for an
    /// empty volume.
    fn refuse_creation(
        &self,
        connection: &mut cinder_db::Connection,
        id: &VolumeId,
        what: &str,
        request: &RequestContext,
    ) -> Result<Failure, Failure> {
        let failure = Failure::not_here(what);
        self.mark_failed(connection, id, &failure, request)?;
        let (kind, creating) = (workers::Kind::Volume, VolumeStatus::CREATING);
        let entry = self.claim(connection, kind, id.as_str(), creating.as_str())?;
        entry.finish(connection, Some(VolumeStatus::ERROR.as_str()))?;
        Ok(failure)
    }

    /// Takes away what was made for a row that somebody has deleted by force: nobody would ever find it.
    fn remove_unowned(&self, volume: &Volume, request: &RequestContext) -> Result<(), Failure> {
        let id = &volume.row.id;
        error!(target: LOG, "Volume {id} is gone from the database while it was created; what was made is removed");
        let view = self.view(&mut *self.connection()?, volume)?;
        Ok(self.driver.delete_volume(&view, &self.context(Call::DeleteVolume, request))?)
    }

    /// The storage's part.
    fn make(
        &self,
        volume: &Volume,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<VolumeUpdate, Failure> {
        // The source must not go while its data is taken: its deletion takes the same lock.
        let lock = match (&volume.row.snapshot_id, &volume.row.source_volid) {
            (Some(snapshot), _) => Some(format!("{snapshot}-delete_snapshot")),
            (None, Some(source)) => Some(format!("{source}-delete_volume")),
            (None, None) => None,
        };
        course.step("lock");
        let _held = lock.map(|name| self.lock(&[&name])).transpose()?;
        let (view, source) = self.what_to_make(volume)?;
        // Whether the driver is ready or not, as the original does it.
        if self.counts(volume) {
            self.tell_of_volume(request, volume, OfVolume::CreateStart);
        }
        self.ready_driver()?;
        let operation = || operation(&view, &source);
        let context = self.context(source.call(), request);
        let call = |driver: &dyn cinder_driver::Driver| call(driver, &view, &source, &context);
        let answer = |update| match update {
            Update::Volume(update) => update,
            Update::None | Update::Snapshot(_) => VolumeUpdate::default(),
        };
        Ok(self.drive(operation, &context, course, call, answer)?)
    }

    /// The volume and its source as a driver sees them; an empty one without a key and limits is known from its row
    /// alone.
    fn what_to_make(&self, volume: &Volume) -> Result<(VolumeView, Source), Failure> {
        let row = &volume.row;
        let kind = volume.volume_type.as_ref();
        if row.snapshot_id.is_none()
            && row.source_volid.is_none()
            && row.encryption_key_id.is_none()
            && kind.is_none_or(|kind| kind.row.qos_specs_id.is_none())
        {
            return Ok((convert::volume(volume, None, None, &self.options), Source::Nothing));
        }
        let mut connection = self.connection()?;
        Ok((self.view(&mut connection, volume)?, self.source(&mut connection, volume)?))
    }

    fn source(
        &self,
        connection: &mut cinder_db::Connection,
        volume: &Volume,
    ) -> Result<Source, Failure> {
        if let Some(id) = &volume.row.snapshot_id {
            let snapshot = snapshots::get(connection, id)?
                .ok_or_else(|| Failure::snapshot_not_found(id.as_str()))?;
            let of = self.find_volume(connection, &snapshot.row.volume_id)?;
            let of = self.view(connection, &of)?;
            return Ok(Source::Snapshot(Box::new(convert::snapshot(&snapshot, of, &self.options))));
        }
        if let Some(id) = &volume.row.source_volid {
            let source = self.find_volume(connection, id)?;
            // Its data have the key of their volume, and the clone has another.
            if volume.row.encryption_key_id.is_some() {
                return Err(Failure::not_here("create_volume from an encrypted volume"));
            }
            return Ok(Source::Volume(Box::new(self.view(connection, &source)?)));
        }
        Ok(Source::Nothing)
    }

    /// Sends a create back to the scheduler; its entry if it could not be sent.
    ///
    /// Nothing of it is touched once it is sent: the scheduler may choose this back end again.
    fn send_back(
        &self,
        volume: &Volume,
        retry: Retry<'_>,
        failure: &Failure,
        scheduler: &dyn crate::Scheduler,
        request: &RequestContext,
        connection: &mut cinder_db::Connection,
    ) -> Result<Option<Claimed>, Failure> {
        let id = &volume.row.id;
        let Retry { mut spec, mut filter_properties, at_work } = retry;
        error!(target: LOG, "Volume {id}: rescheduling after: {failure}");
        // What may be left here would never be looked for again.
        let view = self.view(connection, volume)?;
        if let Err(cause) =
            self.driver.delete_volume(&view, &self.context(Call::DeleteVolume, request))
        {
            warn!(
                target: LOG,
                "What a failed create of volume {id} has left cannot be removed: {}",
                cinder_db::chain(&cause)
            );
        }
        let change = volumes::Change {
            scheduled_at: changes::to(Timestamp::now()),
            host: changes::null(),
            ..volumes::Change::default()
        };
        volumes::update(connection, id, &change.into())?;
        fail::point(points::CREATE_UNPLACED)?;
        spec.volume_id = id.as_str().into();
        if let Some(Value::Object(retry)) = filter_properties.0.get_mut("retry") {
            let told = json!([format!("{}: {failure}\n", failure.class)]);
            retry.insert("exc".to_owned(), told);
        }
        // Before it is sent: whoever takes it claims the entry.
        let (kind, creating) = (workers::Kind::Volume, VolumeStatus::CREATING);
        let cleanable = workers::Cleanable { kind, id: id.as_str(), status: creating.as_str() };
        workers::announce(connection, &cleanable)?;
        let wanted = PlaceVolume {
            volume: crate::front::volume_object(&self.find_volume(connection, id)?),
            snapshot_id: None,
            image_id: None,
            request_spec: Some(spec),
            filter_properties: Some(filter_properties),
            backup_id: None,
        };
        *at_work = None;
        let Err(reason) = scheduler.create_volume(request, &wanted) else { return Ok(None) };
        error!(target: LOG, "Volume {id} cannot be sent back to a scheduler: {reason}");
        self.claim(connection, kind, id.as_str(), creating.as_str()).map(Some)
    }
}

/// What a request wants a volume to be made from that this program cannot make one from.
fn source_not_here(spec: Option<&RequestSpec>) -> Option<&'static str> {
    let spec = spec?;
    match (spec.image_id.get(), spec.backup_id.get()) {
        (Some(_), _) => Some("create_volume from an image"),
        (None, Some(_)) => Some("create_volume from a backup"),
        (None, None) => None,
    }
}

/// Where a create has not come to an end.
fn is_being_created(status: Option<&VolumeStatus>) -> bool {
    status.is_some_and(|status| {
        matches!(status.as_str(), "creating" | "downloading" | "migration_target_creating")
    })
}

/// What a create can be sent back with, if it may.
fn retry_of(args: CreateVolume, at_work: &mut Option<AtWork>) -> Option<Retry<'_>> {
    let (spec, filter_properties) = (args.request_spec?, args.filter_properties?);
    let retry = filter_properties.0.get("retry").and_then(Value::as_object);
    let may = args.allow_reschedule && retry.is_some_and(|retry| !retry.is_empty());
    may.then_some(Retry { spec, filter_properties, at_work })
}

fn operation(view: &VolumeView, source: &Source) -> RecordedOp {
    let volume = view.into();
    let operation = match source {
        Source::Nothing => Operation::CreateVolume { volume },
        Source::Snapshot(snapshot) => {
            Operation::CreateVolumeFromSnapshot { volume, snapshot: (&**snapshot).into() }
        }
        Source::Volume(source) => {
            Operation::CreateClonedVolume { volume, source: (&**source).into() }
        }
    };
    operation.into()
}

fn call(
    driver: &dyn cinder_driver::Driver,
    view: &VolumeView,
    source: &Source,
    context: &OpContext,
) -> Result<VolumeUpdate, DriverError> {
    match source {
        Source::Nothing => driver.create_volume(view, context),
        Source::Snapshot(snapshot) => driver.create_volume_from_snapshot(view, snapshot, context),
        Source::Volume(source) => driver.create_cloned_volume(view, source, context),
    }
}
