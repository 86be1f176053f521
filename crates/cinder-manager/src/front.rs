//! What an API writes before a volume service is asked: rows, statuses, and the objects that go into messages.
//!
//! For one machine without OpenStack (design of the standalone use): no quotas, no policies, one project. Each status changes by
//! compare-and-swap as the API's do, and goes back if the message cannot be sent. Must not: send anything.

mod revert;
mod sent;

use cinder_db::attachments::{self, Attachment};
use cinder_db::cas::Swap;
use cinder_db::snapshots::{self, Snapshot};
use cinder_db::volume_types;
use cinder_db::volumes::{self, Volume};
use cinder_db::workers::{self, Cleanable, Kind};
use cinder_db::{Connection, DbError, Timestamp, changes};
use cinder_objects as objects;
use cinder_objects::Field;
use cinder_types::{
    AttachStatus, ProjectId, SnapshotId, SnapshotStatus, UserId, VolumeId, VolumeStatus,
};

use sent::snapshot_object;
pub use sent::volume_object;

/// The type of a volume that has no other.
const DEFAULT_TYPE: &str = "__DEFAULT__";

/// Why an API would refuse something.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// There is none.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `volume`, `snapshot`.
        what: &'static str,
        /// As it was asked for.
        id: String,
    },
    /// There are several of that name.
    #[error("{count} {what}s are called {name}; use an id")]
    Ambiguous {
        /// `volume`, `snapshot`.
        what: &'static str,
        /// The name.
        name: String,
        /// How many.
        count: usize,
    },
    /// It is not in a state in which that can be done.
    #[error("{what} {id} is {status}, and has to be {wanted}")]
    Status {
        /// `volume`, `snapshot`.
        what: &'static str,
        /// Which.
        id: String,
        /// What it is.
        status: String,
        /// What it may be.
        wanted: &'static str,
    },
    /// Something else is in the way.
    #[error("{0}")]
    Refused(String),
    /// The database.
    #[error("the database")]
    Database(#[from] DbError),
    /// An object cannot be made of a row.
    #[error("a row of the database cannot be sent: {0}")]
    Object(String),
}

/// A volume to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolume {
    /// The owner's name for it.
    pub name: Option<String>,
    /// GiB; the source's if there is one and this is not said.
    pub size_gib: Option<i32>,
    /// `host@backend#pool`.
    pub host: String,
    /// The snapshot that it gets its data from.
    pub from_snapshot: Option<SnapshotId>,
    /// The volume that it gets its data from.
    pub from_volume: Option<VolumeId>,
}

/// The writes of an API, on behalf of one project.
#[derive(Debug)]
pub struct Front<'a> {
    connection: &'a mut Connection,
    project: ProjectId,
    user: UserId,
}

impl<'a> Front<'a> {
    /// On behalf of a project.
    pub fn new(connection: &'a mut Connection, project: ProjectId, user: UserId) -> Self {
        Self { connection, project, user }
    }

    /// The live volume of that id or name.
    ///
    /// # Errors
    ///
    /// [`FrontError::NotFound`], [`FrontError::Ambiguous`].
    pub fn volume(&mut self, wanted: &str, host: &str) -> Result<Volume, FrontError> {
        if let Some(volume) = volumes::get(self.connection, &VolumeId::new(wanted))? {
            return Ok(volume);
        }
        let all = volumes::list(self.connection, volumes::Of::Host(host))?;
        let named = |one: &Volume| one.row.display_name.as_deref() == Some(wanted);
        one("volume", wanted, all.into_iter().filter(named).collect())
    }

    /// The live snapshot of that id or name.
    ///
    /// # Errors
    ///
    /// [`FrontError::NotFound`], [`FrontError::Ambiguous`].
    pub fn snapshot(&mut self, wanted: &str, host: &str) -> Result<Snapshot, FrontError> {
        if let Some(snapshot) = snapshots::get(self.connection, &SnapshotId::new(wanted))? {
            return Ok(snapshot);
        }
        let all = snapshots::list(self.connection, snapshots::Of::Host(host))?;
        let named = |one: &Snapshot| one.row.display_name.as_deref() == Some(wanted);
        one("snapshot", wanted, all.into_iter().filter(named).collect())
    }

    /// Writes the row of a volume that is to be made, with its entry; what the service is asked then.
    ///
    /// # Errors
    ///
    /// [`FrontError`]; no row is left.
    pub fn create_volume(&mut self, new: &NewVolume) -> Result<objects::CreateVolume, FrontError> {
        let id = VolumeId::new(uuid::Uuid::new_v4().to_string());
        let (mut least, mut kind, mut bootable) = (1, None, false);
        if let Some(snapshot) = &new.from_snapshot {
            let of = snapshots::get(self.connection, snapshot)?
                .ok_or_else(|| not_found("snapshot", snapshot.as_str()))?;
            check_snapshot(&of, &[SnapshotStatus::AVAILABLE], "available")?;
            (least, kind) = (of.row.volume_size.unwrap_or(1), Some(of.row.volume_type_id));
        }
        if let Some(source) = &new.from_volume {
            let of = volumes::get(self.connection, source)?
                .ok_or_else(|| not_found("volume", source.as_str()))?;
            check_volume(&of, &["available", "in-use"], "available or in-use")?;
            bootable = of.row.bootable.unwrap_or(false);
            (least, kind) = (of.row.size.unwrap_or(1), Some(of.row.volume_type_id));
        }
        let size = new.size_gib.unwrap_or(least);
        if size < least {
            return Err(FrontError::Refused(format!(
                "a size of {size} GiB is too small: it takes at least {least}"
            )));
        }
        let kind = match kind {
            Some(kind) => kind,
            None => {
                let found = volume_types::get_by_name(self.connection, DEFAULT_TYPE)?;
                found.ok_or_else(|| not_found("volume type", DEFAULT_TYPE))?.row.id
            }
        };
        let columns = volumes::Change {
            user_id: changes::to(self.user.clone()),
            project_id: changes::to(self.project.clone()),
            host: changes::to(new.host.clone()),
            size: changes::to(size),
            status: changes::to(VolumeStatus::CREATING),
            attach_status: changes::to(AttachStatus::DETACHED),
            availability_zone: changes::to("nova".to_owned()),
            scheduled_at: changes::to(Timestamp::now()),
            display_name: Some(new.name.clone()),
            snapshot_id: Some(new.from_snapshot.clone()),
            source_volid: Some(new.from_volume.clone()),
            bootable: changes::to(bootable),
            use_quota: Some(false),
            ..volumes::Change::default()
        };
        let row = volumes::New {
            id: id.clone(),
            volume_type_id: kind,
            columns,
            metadata: Default::default(),
            admin_metadata: Default::default(),
        };
        volumes::create(self.connection, &row)?;
        self.announce(Kind::Volume, id.as_str(), "creating")?;
        let volume = self.sent_volume(&id)?;
        Ok(objects::CreateVolume {
            volume,
            request_spec: None,
            filter_properties: None,
            allow_reschedule: false,
        })
    }

    /// Marks a volume as one that is being deleted; what the service is asked then.
    ///
    /// # Errors
    ///
    /// [`FrontError`]; nothing has changed.
    pub fn delete_volume(&mut self, volume: &Volume) -> Result<objects::DeleteVolume, FrontError> {
        use volumes::columns::{ATTACH_STATUS, PREVIOUS_STATUS, STATUS};
        const MAY: [&str; 6] = [
            "available",
            "error",
            "error_deleting",
            "error_extending",
            "error_restoring",
            "error_managing",
        ];
        let id = &volume.row.id;
        let of = snapshots::ids(self.connection, snapshots::Of::Volume(id))?;
        if !of.is_empty() {
            let count = of.len();
            return Err(FrontError::Refused(format!(
                "volume {id} has {count} snapshots; delete them first"
            )));
        }
        let swapped = Swap::<volumes::Row>::of(id.as_str())
            .only_if(STATUS.is_in(MAY))
            .only_if(ATTACH_STATUS.is_not("attached"))
            .set(PREVIOUS_STATUS.to_value_of(STATUS))
            .set(STATUS.to("deleting"))
            .run(self.connection)?;
        if !swapped {
            return Err(status_of(volume, "available or error, and detached"));
        }
        self.announce(Kind::Volume, id.as_str(), "deleting")?;
        let volume = self.sent_volume(id)?;
        Ok(objects::DeleteVolume { volume, unmanage_only: false, cascade: false })
    }

    /// Marks a volume as one that is being extended; what the service is asked then.
    ///
    /// # Errors
    ///
    /// [`FrontError`]; nothing has changed.
    pub fn extend_volume(
        &mut self,
        volume: &Volume,
        size_gib: i32,
    ) -> Result<objects::ExtendVolume, FrontError> {
        use volumes::columns::{PREVIOUS_STATUS, STATUS};
        let (id, before) = (&volume.row.id, volume.row.size.unwrap_or(0));
        if size_gib <= before {
            return Err(FrontError::Refused(format!(
                "volume {id} has {before} GiB already; a new size has to be larger"
            )));
        }
        let swapped = Swap::<volumes::Row>::of(id.as_str())
            .only_if(STATUS.is_in(["available"]))
            .set(PREVIOUS_STATUS.to_value_of(STATUS))
            .set(STATUS.to("extending"))
            .run(self.connection)?;
        if !swapped {
            return Err(status_of(volume, "available"));
        }
        let volume = self.sent_volume(id)?;
        Ok(objects::ExtendVolume {
            volume,
            new_size: i64::from(size_gib),
            reservations: Some(Vec::new()),
        })
    }

    /// Writes the row of a snapshot that is to be made, with its entry; what the service is asked then.
    ///
    /// # Errors
    ///
    /// [`FrontError`]; no row is left.
    pub fn create_snapshot(
        &mut self,
        volume: &Volume,
        name: Option<&str>,
    ) -> Result<objects::CreateSnapshot, FrontError> {
        check_volume(volume, &["available", "in-use"], "available or in-use")?;
        let id = SnapshotId::new(uuid::Uuid::new_v4().to_string());
        let columns = snapshots::Change {
            user_id: changes::to(self.user.clone()),
            project_id: changes::to(self.project.clone()),
            status: changes::to(SnapshotStatus::CREATING),
            progress: changes::to("0%".to_owned()),
            volume_size: Some(volume.row.size),
            display_name: Some(name.map(str::to_owned)),
            use_quota: Some(false),
            ..snapshots::Change::default()
        };
        let row = snapshots::New {
            id: id.clone(),
            volume_id: volume.row.id.clone(),
            volume_type_id: volume.row.volume_type_id.clone(),
            columns,
            metadata: Default::default(),
        };
        snapshots::create(self.connection, &row)?;
        self.announce(Kind::Snapshot, id.as_str(), "creating")?;
        Ok(objects::CreateSnapshot { snapshot: self.sent_snapshot(&id)? })
    }

    /// Marks a snapshot as one that is being deleted; what the service is asked then.
    ///
    /// # Errors
    ///
    /// [`FrontError`]; nothing has changed.
    pub fn delete_snapshot(
        &mut self,
        snapshot: &Snapshot,
    ) -> Result<objects::DeleteSnapshot, FrontError> {
        use snapshots::columns::STATUS;
        let id = &snapshot.row.id;
        let swapped = Swap::<snapshots::Row>::of(id.as_str())
            .only_if(STATUS.is_in(["available", "error", "error_deleting"]))
            .set(STATUS.to("deleting"))
            .run(self.connection)?;
        if !swapped {
            let status = snapshot.row.status.as_ref().map_or("", SnapshotStatus::as_str);
            return Err(FrontError::Status {
                what: "snapshot",
                id: id.to_string(),
                status: status.to_owned(),
                wanted: "available or error",
            });
        }
        let snapshot = self.sent_snapshot(id)?;
        Ok(objects::DeleteSnapshot { snapshot, unmanage_only: false })
    }

    /// Takes back what was written for a message that could not be sent: what was to be made is `error`, everything
    /// else has the status that it had.
    ///
    /// # Errors
    ///
    /// [`FrontError`].
    pub fn not_sent(&mut self, request: &objects::Request) -> Result<(), FrontError> {
        use volumes::columns::{PREVIOUS_STATUS, STATUS};
        match request {
            objects::Request::CreateVolume(one) => {
                let id = key(&one.volume.id)?;
                Swap::<volumes::Row>::of(id).set(STATUS.to("error")).run(self.connection)?;
            }
            objects::Request::DeleteVolume(one) => {
                let swap = Swap::<volumes::Row>::of(key(&one.volume.id)?);
                swap.set(STATUS.to_value_of(PREVIOUS_STATUS)).run(self.connection)?;
            }
            objects::Request::ExtendVolume(one) => {
                let swap = Swap::<volumes::Row>::of(key(&one.volume.id)?);
                swap.set(STATUS.to_value_of(PREVIOUS_STATUS)).run(self.connection)?;
            }
            objects::Request::CreateSnapshot(one) => {
                let swap = Swap::<snapshots::Row>::of(key(&one.snapshot.id)?);
                swap.set(snapshots::columns::STATUS.to("error")).run(self.connection)?;
            }
            objects::Request::DeleteSnapshot(one) => {
                let swap = Swap::<snapshots::Row>::of(key(&one.snapshot.id)?);
                swap.set(snapshots::columns::STATUS.to("available")).run(self.connection)?;
            }
            objects::Request::RevertToSnapshot(one) => self.not_reverted(one)?,
            _ => {}
        }
        Ok(())
    }

    fn announce(&mut self, kind: Kind, id: &str, status: &str) -> Result<(), FrontError> {
        Ok(workers::announce(self.connection, &Cleanable { kind, id, status })?)
    }

    fn sent_volume(&mut self, id: &VolumeId) -> Result<objects::Volume, FrontError> {
        let volume = volumes::get(self.connection, id)?;
        Ok(volume_object(&volume.ok_or_else(|| not_found("volume", id.as_str()))?))
    }

    fn sent_snapshot(&mut self, id: &SnapshotId) -> Result<objects::Snapshot, FrontError> {
        let snapshot = snapshots::get(self.connection, id)?;
        Ok(snapshot_object(&snapshot.ok_or_else(|| not_found("snapshot", id.as_str()))?))
    }

    /// The attachments of a volume.
    ///
    /// # Errors
    ///
    /// [`FrontError::Database`].
    pub fn attachments(&mut self, id: &VolumeId) -> Result<Vec<Attachment>, FrontError> {
        Ok(attachments::list(self.connection, attachments::Of::Volume(id))?)
    }
}

fn key(id: &Field<String>) -> Result<&str, FrontError> {
    id.as_deref().ok_or_else(|| FrontError::Object("it has no id".to_owned()))
}

fn one<T>(what: &'static str, name: &str, mut found: Vec<T>) -> Result<T, FrontError> {
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err(not_found(what, name)),
        (Some(_), more) => {
            Err(FrontError::Ambiguous { what, name: name.to_owned(), count: more + 1 })
        }
    }
}

fn not_found(what: &'static str, id: &str) -> FrontError {
    FrontError::NotFound { what, id: id.to_owned() }
}

fn status_of(volume: &Volume, wanted: &'static str) -> FrontError {
    let status = volume.row.status.as_ref().map_or("", VolumeStatus::as_str).to_owned();
    FrontError::Status { what: "volume", id: volume.row.id.to_string(), status, wanted }
}

fn check_volume(volume: &Volume, may: &[&str], wanted: &'static str) -> Result<(), FrontError> {
    let is_so = volume.row.status.as_ref().is_some_and(|one| may.contains(&one.as_str()));
    if is_so { Ok(()) } else { Err(status_of(volume, wanted)) }
}

fn check_snapshot(
    snapshot: &Snapshot,
    may: &[SnapshotStatus],
    wanted: &'static str,
) -> Result<(), FrontError> {
    if snapshot.row.status.as_ref().is_some_and(|one| may.contains(one)) {
        return Ok(());
    }
    let status = snapshot.row.status.as_ref().map_or("", SnapshotStatus::as_str).to_owned();
    Err(FrontError::Status { what: "snapshot", id: snapshot.row.id.to_string(), status, wanted })
}
