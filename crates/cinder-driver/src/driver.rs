//! What every driver can do, and how it says what else it can.
//!
//! All calls may block, from several threads at once, and may come again: names come from ids, so
//! a call finds what an earlier one has left and goes on from there. Order of a driver's life:
//! made from its options, [`connect`](Driver::connect) until that succeeds, calls, drop. Must not:
//! read configuration, start a thread per call, keep global state, write rows.

use std::any::Any;
use std::time::Duration;

use crate::ability::{
    BackupDevice, CloneImage, Groups, Inventory, Manage, ManageSnapshots, Migrate, ProviderInfo,
    Replication, Retype, Revert, SnapshotExport, SnapshotIo, Transfer,
};
use crate::connection::{ConnectionInfo, Connector, Terminated};
use crate::context::OpContext;
use crate::error::DriverError;
use crate::io::{OpenMode, VolumeIo};
use crate::operation::{Call, Lane};
use crate::record::{RecordedOp, Settled};
use crate::stats::Stats;
use crate::update::{SnapshotUpdate, VolumeUpdate};
use crate::view::{AttachmentView, SnapshotView, VolumeView};

/// A driver, connected or not.
///
/// A panic in a call fails that call; the driver has to be usable afterwards.
pub trait Driver: Send + Sync {
    /// What it is; the same for its whole life.
    fn about(&self) -> About;

    /// Finds the back end and makes sure that it can be worked with. Called until it succeeds, and
    /// again when the back end was down.
    ///
    /// # Errors
    ///
    /// [`BackendDown`](DriverError::BackendDown) with a reason for operators; mostly it is tried
    /// again, so what it leaves must not be in its own way.
    fn connect(&self, context: &OpContext) -> Result<(), DriverError>;

    /// Takes new options: the driver's own struct, which it knows by its type.
    ///
    /// # Errors
    ///
    /// What is wrong with them; the old ones stay.
    fn reconfigure(&self, options: &dyn Any) -> Result<Reconfigured, DriverError> {
        let _ = options;
        Ok(Reconfigured::NeedsRestart)
    }

    /// Which lane a call on a volume needs: a clone that shares blocks is short, one that copies
    /// is not. Must answer at once, without a look at the back end.
    fn lane(&self, call: Call, volume: Option<&VolumeView>) -> Lane {
        let _ = volume;
        call.usual_lane()
    }

    /// What it wants to be called for by itself, from time to time.
    fn background(&self) -> Vec<BackgroundTask> {
        Vec::new()
    }

    /// Does one of these. It is drained like any other operation, so it looks at its limits.
    ///
    /// # Errors
    ///
    /// Logged; it comes again at its time.
    fn run_background(&self, task: &'static str, context: &OpContext) -> Result<(), DriverError> {
        let _ = context;
        Err(DriverError::bug(format!("there is no task {task}")))
    }

    /// The names of its fail points, `driver::<call>::<step>`.
    fn fail_points(&self) -> &'static [&'static str] {
        &[]
    }

    /// The state and the size of the back end, looked at now.
    ///
    /// # Errors
    ///
    /// When nothing can be said; a part that is down is part of the answer.
    fn stats(&self, context: &OpContext) -> Result<Stats, DriverError>;

    /// Says what has become of an operation that ended in unknown, cancelled or a crash, and brings
    /// it to an end if it can: what can be finished is, what cannot leaves nothing behind.
    ///
    /// # Errors
    ///
    /// As [`Settled::Later`]: it is asked again.
    fn settle(&self, operation: &RecordedOp, context: &OpContext) -> Result<Settled, DriverError>;

    /// Makes an empty volume. One that is there already, whole and of that size, is a success.
    ///
    /// # Errors
    ///
    /// [`Exists`](DriverError::Exists) if the name is taken by something else.
    fn create_volume(
        &self,
        volume: &VolumeView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError>;

    /// Makes a volume with the data of a snapshot, which may be smaller than the volume.
    ///
    /// # Errors
    ///
    /// [`NotFound`](DriverError::NotFound) if the snapshot is gone.
    fn create_volume_from_snapshot(
        &self,
        volume: &VolumeView,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError>;

    /// Makes a volume with the data that another one has now; that may be smaller.
    ///
    /// # Errors
    ///
    /// [`NotFound`](DriverError::NotFound) if the source is gone.
    fn create_cloned_volume(
        &self,
        volume: &VolumeView,
        source: &VolumeView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError>;

    /// Removes a volume; none is a success. Its data must not be seen by a later one.
    ///
    /// # Errors
    ///
    /// [`Busy`](DriverError::Busy) if something depends on it.
    fn delete_volume(&self, volume: &VolumeView, context: &OpContext) -> Result<(), DriverError>;

    /// Makes a snapshot. One that is there already is a success.
    ///
    /// # Errors
    ///
    /// [`NotFound`](DriverError::NotFound) if the volume is gone.
    fn create_snapshot(
        &self,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<SnapshotUpdate, DriverError>;

    /// Removes a snapshot; none is a success.
    ///
    /// # Errors
    ///
    /// [`Busy`](DriverError::Busy) if something depends on it.
    fn delete_snapshot(
        &self,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<(), DriverError>;

    /// Makes a volume larger; `volume` has the old size. One that is as large already is a success.
    ///
    /// # Errors
    ///
    /// The volume then has its old size.
    fn extend_volume(
        &self,
        volume: &VolumeView,
        new_size_gib: u64,
        context: &OpContext,
    ) -> Result<Extended, DriverError>;

    /// Makes a volume reachable; comes before every connection, and again.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn create_export(
        &self,
        volume: &VolumeView,
        connector: Option<&Connector>,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError>;

    /// Makes a volume that is in use reachable again, after the machine was started.
    ///
    /// # Errors
    ///
    /// The volume then counts as broken.
    fn ensure_export(&self, volume: &VolumeView, context: &OpContext) -> Result<(), DriverError>;

    /// The opposite of [`create_export`](Self::create_export); none is a success.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn remove_export(&self, volume: &VolumeView, context: &OpContext) -> Result<(), DriverError>;

    /// Whether a host says enough about itself to be connected.
    ///
    /// # Errors
    ///
    /// [`Refusal::Connector`](crate::Refusal::Connector) with what is missing.
    fn validate_connector(&self, connector: &Connector) -> Result<(), DriverError> {
        let _ = connector;
        Ok(())
    }

    /// Lets a host reach an exported volume; may come again. `others` are the volume's other
    /// attachments.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn initialize_connection(
        &self,
        volume: &VolumeView,
        connector: &Connector,
        others: &[AttachmentView],
        context: &OpContext,
    ) -> Result<ConnectionInfo, DriverError>;

    /// The opposite; without a connector for all hosts. With `force` also if the host cannot be
    /// asked. `others` are the attachments that stay.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn terminate_connection(
        &self,
        volume: &VolumeView,
        connector: Option<&Connector>,
        force: bool,
        others: &[AttachmentView],
        context: &OpContext,
    ) -> Result<Terminated, DriverError>;

    /// Opens the data of a volume where this process runs.
    ///
    /// # Errors
    ///
    /// [`NotFound`](DriverError::NotFound) if there is none.
    fn open_local(
        &self,
        volume: &VolumeView,
        mode: OpenMode,
        context: &OpContext,
    ) -> Result<Box<dyn VolumeIo>, DriverError>;

    /// Names of the locks that it takes for one volume or snapshot alone, by its name on the back
    /// end: what the locks are made of can go when that is deleted.
    fn lock_names(&self, name: &str) -> Vec<String> {
        let _ = name;
        Vec::new()
    }

    /// The pool that a volume is in, if it is in one and its host does not say so.
    fn pool_of(&self, volume: &VolumeView) -> Option<String> {
        let _ = volume;
        None
    }

    /// How the driver would have a scheduler filter hosts, if the operator says nothing.
    fn filter_function(&self) -> Option<String> {
        None
    }

    /// How the driver would have a scheduler weigh hosts, if the operator says nothing.
    fn goodness_function(&self) -> Option<String> {
        None
    }

    /// Snapshots can be opened where this process runs.
    fn as_snapshot_io(&self) -> Option<&dyn SnapshotIo> {
        None
    }

    /// It can say what is on the storage.
    fn as_inventory(&self) -> Option<&dyn Inventory> {
        None
    }

    /// Existing volumes can be managed.
    fn as_manage(&self) -> Option<&dyn Manage> {
        None
    }

    /// Existing snapshots can be managed.
    fn as_manage_snapshots(&self) -> Option<&dyn ManageSnapshots> {
        None
    }

    /// A volume can become what a snapshot of it is.
    fn as_revert(&self) -> Option<&dyn Revert> {
        None
    }

    /// An image can become a volume without being copied by us.
    fn as_clone_image(&self) -> Option<&dyn CloneImage> {
        None
    }

    /// A volume can get another type where it is.
    fn as_retype(&self) -> Option<&dyn Retype> {
        None
    }

    /// A volume can be moved by the back end.
    fn as_migrate(&self) -> Option<&dyn Migrate> {
        None
    }

    /// Groups are more to it than their members.
    fn as_groups(&self) -> Option<&dyn Groups> {
        None
    }

    /// It replicates.
    fn as_replication(&self) -> Option<&dyn Replication> {
        None
    }

    /// Backups are read from something else than a temporary clone.
    fn as_backup_device(&self) -> Option<&dyn BackupDevice> {
        None
    }

    /// Snapshots can be attached.
    fn as_snapshot_export(&self) -> Option<&dyn SnapshotExport> {
        None
    }

    /// It has to know whose a volume is.
    fn as_transfer(&self) -> Option<&dyn Transfer> {
        None
    }

    /// It keeps keys of its own that rows have to know.
    fn as_provider_info(&self) -> Option<&dyn ProviderInfo> {
        None
    }
}

/// What a driver is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Our name of it: `local`, `rbd` …
    pub name: &'static str,
    /// As statistics tell it.
    pub vendor: &'static str,
    /// As statistics tell it.
    pub version: &'static str,
    /// As statistics tell it.
    pub storage_protocol: &'static str,
    /// Whether several hosts may serve one back end at once.
    pub active_active: bool,
    /// False for a driver that nobody looks after, which operators have to ask for.
    pub supported: bool,
}

/// What became of new options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconfigured {
    /// They hold from now on.
    Applied,
    /// They hold for the next process.
    NeedsRestart,
}

/// What an extension has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extended {
    /// What changes of the volume.
    pub update: VolumeUpdate,
    /// Why those that have the volume attached do not see its new size yet.
    pub target_not_told: Option<String>,
}

/// Something that a driver wants done from time to time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackgroundTask {
    /// Its name, shown to operators.
    pub name: &'static str,
    /// The pause between two runs; the first comes at once.
    pub every: Duration,
    /// Which threads do it.
    pub lane: Lane,
}
