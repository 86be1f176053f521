//! `revert_to_snapshot` (`spec/manager.md` §5.5), where the driver can.
//!
//! Order: write the record, acknowledge, have the driver do it, change both statuses, remove the record. A revert can be
//! done again from its beginning, so a crash at any step leads back to the first.

use cinder_db::snapshots::{self, Snapshot};
use cinder_db::volumes::{self, Volume};
use cinder_db::{Connection, DbError, cas::Swap};
use cinder_driver::{Call, DriverError, Operation, RecordedOp, Update, VolumeUpdate, fail};
use cinder_objects::RevertToSnapshot;
use cinder_types::{RequestContext, SnapshotId, SnapshotStatus, VolumeId, VolumeStatus};
use serde_json::{Map, Value};
use tracing::{error, info, warn};

use crate::convert;
use crate::course::Course;
use crate::error::Failure;
use crate::manager::{LOG, Manager};
use crate::notify::{OfSnapshot, OfVolume};
use crate::points;
use crate::records::Record;

/// The name of the method.
pub(crate) const METHOD: &str = "revert_to_snapshot";

/// What is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Reversion {
    id: VolumeId,
    snapshot: SnapshotId,
}

impl Reversion {
    fn record(&self, request: &RequestContext) -> Record {
        Record {
            method: METHOD.to_owned(),
            resource: self.id.as_str().to_owned(),
            status: VolumeStatus::REVERTING.as_str().to_owned(),
            request_id: Some(request.request_id.clone()),
            resumed: 0,
            details: Map::from_iter([("snapshot_id".to_owned(), self.snapshot.as_str().into())]),
        }
    }

    /// From a record; nothing if it does not say enough.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        let snapshot = SnapshotId::new(record.details.get("snapshot_id")?.as_str()?);
        Some(Self { id: VolumeId::new(&*record.resource), snapshot })
    }
}

impl Manager {
    pub(crate) fn revert_to_snapshot(
        &self,
        args: RevertToSnapshot,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let reversion = Reversion { id: args.volume.id()?, snapshot: args.snapshot.id()? };
        course.about(reversion.id.as_str());
        let Some(_at_work) = self.begin(reversion.id.as_str(), course) else {
            return Ok(Value::Null);
        };
        self.put_on_record(&reversion.record(request), course);
        fail::point(points::REVERT_RECORDED)?;
        self.revert(&reversion, request, course)?;
        Ok(Value::Null)
    }

    /// From the record to the end, also after a crash.
    pub(crate) fn revert(
        &self,
        reversion: &Reversion,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        let id = &reversion.id;
        let mut connection = self.connection()?;
        let found = volumes::get(&mut connection, id)?;
        let is_ours = |one: &Volume| one.row.status == Some(VolumeStatus::REVERTING);
        let Some(volume) = found.filter(is_ours) else {
            warn!(target: LOG, "Volume {id} is not being reverted, there is nothing to do");
            self.forget(METHOD, id.as_str());
            return Ok(());
        };
        let snapshot = snapshots::get(&mut connection, &reversion.snapshot)?;
        drop(connection);
        let snapshot =
            snapshot.ok_or_else(|| Failure::snapshot_not_found(reversion.snapshot.as_str()));
        // The API sees to that; but a volume's data are not to be replaced by another's.
        let snapshot = snapshot.and_then(|one| {
            let is_its = one.row.volume_id == *id;
            let text = "Invalid snapshot: it is of another volume";
            is_its.then_some(one).ok_or_else(|| Failure::new("InvalidSnapshot", text))
        });
        let tell = |snapshot: &Snapshot, of_volume, of_snapshot| {
            let zone = volume.row.availability_zone.as_deref();
            self.tell_of_volume(request, &volume, of_volume);
            self.tell_of_snapshot(request, snapshot, zone, of_snapshot);
        };
        let reverted = snapshot.and_then(|snapshot| {
            tell(&snapshot, OfVolume::RevertStart, OfSnapshot::RevertStart);
            // Where it fails both are told before their statuses change, else afterwards.
            self.have_reverted(&volume, &snapshot, request, course).inspect_err(|_| {
                tell(&snapshot, OfVolume::RevertEnd, OfSnapshot::RevertEnd);
            })
        });
        fail::point(points::REVERT_MADE)?;
        course.step("finish");
        match reverted {
            Ok(update) => {
                self.reverted(reversion, update)?;
                self.tell_of_reverted(reversion, request);
                fail::point(points::REVERT_WRITTEN)?;
                self.forget(METHOD, id.as_str());
                Ok(())
            }
            Err(failure) => {
                self.not_reverted(reversion, &failure)?;
                self.forget(METHOD, id.as_str());
                Err(failure)
            }
        }
    }

    fn have_reverted(
        &self,
        volume: &Volume,
        snapshot: &Snapshot,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<VolumeUpdate, Failure> {
        let driver = self.ready_driver()?;
        let name = driver.about().name;
        let refused = |why: &str| {
            let text = format!("the driver {name} cannot revert a volume to a snapshot{why}");
            Failure::new("VolumeDriverException", text.clone()).with("message", text)
        };
        let revert = driver.as_revert().ok_or_else(|| refused(""))?;
        if revert.needs_temporary_snapshot() {
            // Its old data would be gone where it fails.
            return Err(refused(" without a temporary one, which this program does not take yet"));
        }
        let mut connection = self.connection()?;
        let view = self.view(&mut connection, volume)?;
        let source = self.snapshot_view(&mut connection, snapshot)?;
        drop(connection);
        let context = self.context(Call::RevertToSnapshot, request);
        let operation = || {
            let (volume, snapshot) = ((&view).into(), (&source).into());
            RecordedOp::from(Operation::RevertToSnapshot { volume, snapshot })
        };
        let call = |driver: &dyn cinder_driver::Driver| match driver.as_revert() {
            Some(revert) => revert.revert_to_snapshot(&view, &source, &context),
            None => Err(DriverError::bug("it could revert a moment ago")),
        };
        let answer = |update| match update {
            Update::Volume(update) => update,
            Update::None | Update::Snapshot(_) => VolumeUpdate::default(),
        };
        Ok(self.drive(operation, &context, course, call, answer)?)
    }

    /// Tells of both as they are by now.
    fn tell_of_reverted(&self, reversion: &Reversion, request: &RequestContext) {
        if !self.is_heard() {
            return;
        }
        let both = self.connection().and_then(|mut connection| {
            let volume = self.find_volume(&mut connection, &reversion.id)?;
            Ok((volume, snapshots::get(&mut connection, &reversion.snapshot)?))
        });
        match both {
            Ok((volume, snapshot)) => {
                self.tell_of_volume(request, &volume, OfVolume::RevertEnd);
                let zone = volume.row.availability_zone.as_deref();
                if let Some(snapshot) = snapshot {
                    self.tell_of_snapshot(request, &snapshot, zone, OfSnapshot::RevertEnd);
                }
            }
            Err(failure) => {
                warn!(target: LOG, "The revert of {} cannot be told: {failure}", reversion.id);
            }
        }
    }

    /// Volume and snapshot can be used again.
    fn reverted(&self, reversion: &Reversion, update: VolumeUpdate) -> Result<(), Failure> {
        let Reversion { id, snapshot } = reversion;
        let columns = convert::volume_change(update);
        let reset = self.patiently(|connection| {
            match volumes::update(connection, id, &columns.clone().into()) {
                Ok(()) | Err(DbError::NotFound { .. }) => {}
                Err(cause) => return Err(cause.into()),
            }
            end(connection, reversion, &VolumeStatus::AVAILABLE)
        })?;
        if let Some(what) = reset.left() {
            let text =
                format!("Revert finished, but the status of {what} was not as expected and stays.");
            let failure = Failure::new("BadResetResourceStatus", text.clone());
            error!(target: LOG, "{text}");
            return Err(failure.with("reason", text));
        }
        info!(target: LOG, "Volume {id} reverted to snapshot {snapshot} successfully.");
        Ok(())
    }

    /// The data are one or the other; which is for an operator to see.
    pub(crate) fn not_reverted(
        &self,
        reversion: &Reversion,
        failure: &Failure,
    ) -> Result<(), Failure> {
        let Reversion { id, snapshot } = reversion;
        error!(target: LOG, "Volume {id} cannot be reverted to snapshot {snapshot}: {failure}");
        self.patiently(|connection| end(connection, reversion, &VolumeStatus::ERROR)).map(drop)
    }
}

/// Which of both had the status that was to be taken back.
struct Reset {
    volume: bool,
    snapshot: bool,
}

impl Reset {
    /// What keeps the status that somebody else has given it.
    fn left(&self) -> Option<&'static str> {
        match (self.volume, self.snapshot) {
            (true, true) => None,
            (false, _) => Some("the volume"),
            (true, false) => Some("the snapshot"),
        }
    }
}

/// Takes both transitional statuses back. Whoever does it twice finds the first time's.
fn end(
    connection: &mut Connection,
    reversion: &Reversion,
    becomes: &VolumeStatus,
) -> Result<Reset, Failure> {
    let status = volumes::columns::STATUS;
    let volume = Swap::<volumes::Row>::of(reversion.id.as_str())
        .only_if(status.is(VolumeStatus::REVERTING.as_str()))
        .set(status.to(becomes.as_str()))
        .run(connection)?;
    let status = snapshots::columns::STATUS;
    let snapshot = Swap::<snapshots::Row>::of(reversion.snapshot.as_str())
        .only_if(status.is(SnapshotStatus::RESTORING.as_str()))
        .set(status.to(SnapshotStatus::AVAILABLE.as_str()))
        .run(connection)?;
    Ok(Reset { volume, snapshot })
}
