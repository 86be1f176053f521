//! Abilities about snapshots, and small ones about rows.

use crate::connection::{ConnectionInfo, Connector, Terminated};
use crate::context::OpContext;
use crate::error::DriverError;
use crate::io::VolumeIo;
use crate::update::{ModelUpdate, SnapshotUpdate, VolumeUpdate};
use crate::view::{SnapshotView, VolumeView};

/// Snapshots can be read where this process runs.
pub trait SnapshotIo {
    /// Opens the data of a snapshot for reading.
    ///
    /// # Errors
    ///
    /// [`NotFound`](DriverError::NotFound) if there is none.
    fn open_snapshot(
        &self,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<Box<dyn VolumeIo>, DriverError>;
}

/// A volume can become what a snapshot of it is, faster than by copying.
pub trait Revert {
    /// Makes the data of a volume those of its snapshot. The volume keeps its size; what is beyond
    /// the snapshot's reads as zeroes.
    ///
    /// # Errors
    ///
    /// [`Busy`](DriverError::Busy) if somebody has the volume.
    fn revert_to_snapshot(
        &self,
        volume: &VolumeView,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError>;

    /// Whether a snapshot has to be taken first, because a revert that fails may leave neither the
    /// old data nor the new.
    fn needs_temporary_snapshot(&self) -> bool {
        true
    }
}

/// Snapshots can be attached, for backups.
pub trait SnapshotExport {
    /// Makes a snapshot reachable.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn create_export_snapshot(
        &self,
        snapshot: &SnapshotView,
        connector: Option<&Connector>,
        context: &OpContext,
    ) -> Result<SnapshotUpdate, DriverError>;

    /// The opposite; none is a success.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn remove_export_snapshot(
        &self,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<(), DriverError>;

    /// Lets a host reach it.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn initialize_connection_snapshot(
        &self,
        snapshot: &SnapshotView,
        connector: &Connector,
        context: &OpContext,
    ) -> Result<ConnectionInfo, DriverError>;

    /// The opposite.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn terminate_connection_snapshot(
        &self,
        snapshot: &SnapshotView,
        connector: Option<&Connector>,
        force: bool,
        context: &OpContext,
    ) -> Result<Terminated, DriverError>;
}

/// Backups are read from something that the driver chooses.
pub trait BackupDevice {
    /// Whether a temporary snapshot will do, where others need a temporary clone.
    fn backup_use_temp_snapshot(&self) -> bool;

    /// Whether files of a volume belong to the service's user rather than to root.
    fn secure_file_operations_enabled(&self, volume: &VolumeView) -> bool {
        let _ = volume;
        false
    }
}

/// The driver has keys of its own for volumes and snapshots, which rows have to know.
pub trait ProviderInfo {
    /// What changes of these, looked at once after a connect.
    ///
    /// # Errors
    ///
    /// The connect then counts as failed.
    fn update_provider_info(
        &self,
        volumes: &[VolumeView],
        snapshots: &[SnapshotView],
        context: &OpContext,
    ) -> Result<Vec<ModelUpdate>, DriverError>;
}
