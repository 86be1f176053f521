//! `extend_volume` and its end (`spec/manager.md` §5.4).
//!
//! Order: write the record, acknowledge, have the driver do it, commit what was reserved together with the new size,
//! remove the record. The message is gone once the record is there, so the record says all that it said.

use cinder_db::{messages, quota, volumes};
use cinder_driver::{Call, Extended, Operation, RecordedOp, Update, fail};
use cinder_objects::{ExtendVolume, ExtendVolumeCompletion};
use cinder_types::{RequestContext, VolumeId, VolumeStatus, status};
use serde_json::{Map, Value};
use tracing::{error, info, warn};

use crate::convert;
use crate::course::Course;
use crate::error::Failure;
use crate::manager::{LOG, Manager};
use crate::notify::OfVolume;
use crate::points;
use crate::records::Record;

/// What is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Extension {
    pub(crate) id: VolumeId,
    pub(crate) new_size: i64,
    pub(crate) reservations: Vec<String>,
}

/// The name of the method.
pub(crate) const METHOD: &str = "extend_volume";

impl Extension {
    /// As a request says it.
    fn wanted(
        volume: &cinder_objects::Volume,
        new_size: i64,
        reservations: Option<Vec<String>>,
    ) -> Result<Self, Failure> {
        Ok(Self { id: volume.id()?, new_size, reservations: reservations.unwrap_or_default() })
    }

    fn record(&self, request: &RequestContext) -> Record {
        let details = Map::from_iter([
            ("new_size".to_owned(), self.new_size.into()),
            ("reservations".to_owned(), self.reservations.clone().into()),
            ("project_id".to_owned(), request.project_id.as_ref().map(|id| id.as_str()).into()),
        ]);
        Record {
            method: METHOD.to_owned(),
            resource: self.id.as_str().to_owned(),
            status: VolumeStatus::EXTENDING.as_str().to_owned(),
            request_id: Some(request.request_id.clone()),
            resumed: 0,
            details,
        }
    }

    /// From a record; nothing if it does not say enough.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        let reservations = record.details.get("reservations")?.as_array()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Self {
            id: VolumeId::new(&*record.resource),
            new_size: record.details.get("new_size")?.as_i64()?,
            reservations: reservations.iter().map(text).collect::<Option<_>>()?,
        })
    }
}

impl Manager {
    pub(crate) fn extend_volume(
        &self,
        args: ExtendVolume,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let extension = Extension::wanted(&args.volume, args.new_size, args.reservations)?;
        course.about(extension.id.as_str());
        let Some(_at_work) = self.begin(extension.id.as_str(), course) else {
            return Ok(Value::Null);
        };
        self.put_on_record(&extension.record(request), course);
        fail::point(points::EXTEND_RECORDED)?;
        self.extend(&extension, request, course)?;
        Ok(Value::Null)
    }

    /// From the record to the end, also after a crash.
    pub(crate) fn extend(
        &self,
        extension: &Extension,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let id = &extension.id;
        let mut connection = self.connection()?;
        let volume = self.find_volume(&mut connection, id);
        let volume = match volume {
            Ok(volume) => volume,
            Err(failure) => {
                self.forget(METHOD, id.as_str());
                return Err(failure);
            }
        };
        let status = volume.row.status.clone().unwrap_or(VolumeStatus::ERROR);
        if status != VolumeStatus::EXTENDING {
            warn!(target: LOG, "Volume {id} is {}, there is nothing to extend", status.as_str());
            self.forget(METHOD, id.as_str());
            return Ok(());
        }
        let view = self.view(&mut connection, &volume)?;
        drop(connection);
        let context = self.context(Call::ExtendVolume, request);
        let size = u64::try_from(extension.new_size).unwrap_or(0);
        let extended = self.ready_driver().and_then(|_| {
            self.tell_of_volume(request, &volume, OfVolume::ResizeStart);
            let operation = || {
                let volume = (&view).into();
                RecordedOp::from(Operation::ExtendVolume { volume, new_size_gib: size })
            };
            let call =
                |driver: &dyn cinder_driver::Driver| driver.extend_volume(&view, size, &context);
            let answer = |update| match update {
                Update::Volume(update) => Extended { update, target_not_told: None },
                Update::None | Update::Snapshot(_) => Extended::default(),
            };
            Ok(self.drive(operation, &context, course, call, answer)?)
        });
        fail::point(points::EXTEND_MADE)?;
        course.step("finish");
        let failure = match extended {
            Ok(extended) => {
                if let Some(reason) = &extended.target_not_told {
                    warn!(target: LOG, "Volume {id} is extended, but those that have it attached do not see that: {reason}");
                }
                match self.extended(extension, extended) {
                    Ok(()) => {
                        self.tell_of_volume_now(request, id, OfVolume::ResizeEnd);
                        fail::point(points::EXTEND_WRITTEN)?;
                        self.forget(METHOD, id.as_str());
                        return Ok(());
                    }
                    Err(failure) => self.not_written(&format!("volume {id}"), failure)?,
                }
            }
            Err(failure) => failure,
        };
        self.not_extended(extension, request, &failure)?;
        self.forget(METHOD, id.as_str());
        Err(failure)
    }

    pub(crate) fn extend_volume_completion(
        &self,
        args: ExtendVolumeCompletion,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let extension = Extension::wanted(&args.volume, args.new_size, args.reservations)?;
        course.about(extension.id.as_str());
        if args.error {
            let failure =
                Failure::new("ExtendVolumeError", "Error extending volume: it was given up.");
            self.not_extended(&extension, request, &failure)?;
        } else {
            self.extended(&extension, Extended::default())?;
            self.tell_of_volume_now(request, &extension.id, OfVolume::ResizeEnd);
        }
        Ok(Value::Null)
    }

    /// Size, status and quota become what they are now, all or none.
    fn extended(&self, extension: &Extension, extended: Extended) -> Result<(), Failure> {
        let (id, size) = (&extension.id, extension.new_size);
        let columns = convert::volume_change(extended.update);
        let mut grown = None;
        self.patiently(|connection| {
            let done = volumes::change_and_commit(
                connection,
                id,
                &extension.reservations,
                |row, attachments| {
                    let is_ours = row.status == Some(VolumeStatus::EXTENDING);
                    let before = i64::from(row.size.unwrap_or(0));
                    grown = Some((self.pool_of(row.host.as_deref()), size - before));
                    volumes::Change {
                        size: i32::try_from(size).ok().map(Some),
                        status: is_ours.then(|| Some(status::settled(!attachments.is_empty()))),
                        ..columns.clone()
                    }
                },
            );
            match done {
                Ok(_) => Ok(()),
                Err(cinder_db::DbError::NotFound { .. }) => {
                    error!(target: LOG, "Volume {id} is gone from the database while it was extended");
                    Ok(())
                }
                Err(cause) => Err(cause.into()),
            }
        })?;
        if let Some((pool, grown)) = grown {
            self.allocated.add(&pool, grown);
        }
        info!(target: LOG, "Extended volume {id} to {size} GB successfully.");
        Ok(())
    }

    pub(crate) fn not_extended(
        &self,
        extension: &Extension,
        request: &RequestContext,
        failure: &Failure,
    ) -> Result<(), Failure> {
        let id = &extension.id;
        error!(target: LOG, "Failed to extend volume {id}: {failure}");
        self.patiently(|connection| {
            let (resource, action) = (messages::Resource::Volume, messages::Action::ExtendVolume);
            let told = (failure, messages::Detail::DriverFailedExtend);
            self.tell_user(connection, request, (resource, id.as_str()), action, told);
            let error = VolumeStatus::new("error_extending".to_owned());
            let change = volumes::change_locked(connection, id, |row, _| volumes::Change {
                status: (row.status == Some(VolumeStatus::EXTENDING)).then(|| Some(error.clone())),
                ..volumes::Change::default()
            });
            match change {
                Ok(_) | Err(cinder_db::DbError::NotFound { .. }) => {}
                Err(cause) => return Err(cause.into()),
            }
            Ok(quota::roll_back(connection, &extension.reservations)?)
        })
    }

    /// Writes the record of an operation, whose message may go then. Without a place for it the message is kept until
    /// the operation has ended.
    pub(crate) fn put_on_record(&self, record: &Record, course: &mut dyn Course) {
        let Some(records) = &self.records else { return };
        match records.write(record) {
            Ok(()) => course.recorded(),
            Err(cause) => warn!(
                target: LOG,
                "{} of {} is not on record, and not taken up after a crash: {}",
                record.method, record.resource, cinder_db::chain(&cause)
            ),
        }
    }

    /// Removes the record of an operation that has ended. One that stays is found to be over when it is looked at.
    pub(crate) fn forget(&self, method: &str, resource: &str) {
        let removed = self.records.as_ref().map(|records| records.remove(method, resource));
        if let Some(Err(cause)) = removed {
            warn!(target: LOG, "{}", cinder_db::chain(&cause));
        }
    }
}
