//! The calls of every driver, on files.
//!
//! Each call opens the directory, takes the locks of the names that it changes or reads, and does
//! its work; the order of steps in a file's making is in `making`. Must not: remember anything of
//! a volume between two calls.

use std::any::Any;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cinder_driver::ability::{Inventory, Manage, Revert, SnapshotIo};
use cinder_driver::{
    About, AttachmentView, Call, ConnectionInfo, Connector, Driver, DriverError, Extended, Lane,
    Map, OpContext, OpenMode, Reconfigured, RecordedOp, Refusal, Settled, SnapshotUpdate,
    SnapshotView, Stats, Terminated, VolumeIo, VolumeUpdate, VolumeView, bytes_of, fail,
};
use rustix::fs::ioctl_ficlone;
use tracing::info;

use crate::directory::{Directory, Identity};
use crate::making::{self, Plan, Source, in_use, make};
use crate::name::Name;
use crate::options::LocalOptions;
use crate::points;
use crate::sum::Sum;

/// Volumes as files below one directory.
#[derive(Debug)]
pub struct LocalDriver {
    options: Mutex<LocalOptions>,
    connected: Mutex<Option<Identity>>,
    /// Whether the file system can share blocks between files, as it was at the last connect.
    shares: AtomicBool,
    pub(crate) sum: Mutex<Option<Sum>>,
}

impl LocalDriver {
    /// A driver that touches nothing until it is connected.
    #[must_use]
    pub fn new(options: LocalOptions) -> Self {
        Self {
            options: Mutex::new(options),
            connected: Mutex::new(None),
            shares: AtomicBool::new(false),
            sum: Mutex::new(None),
        }
    }

    pub(crate) fn options(&self) -> LocalOptions {
        lock(&self.options).clone()
    }

    pub(crate) fn shares_blocks(&self) -> bool {
        self.shares.load(Ordering::Relaxed)
    }

    /// The directory, if it is the one that was connected.
    pub(crate) fn directory(&self) -> Result<Directory, DriverError> {
        let expected = *lock(&self.connected);
        let expected =
            expected.ok_or_else(|| DriverError::down("it has not been connected yet"))?;
        Directory::reopen(&lock(&self.options).directory.clone(), expected)
    }

    fn begin(&self, context: &OpContext) -> Result<Directory, DriverError> {
        context.check()?;
        self.directory()
    }

    /// Makes a file with the data of another one.
    fn make_from(
        &self,
        name: &Name,
        bytes: u64,
        source: Source<'_>,
        steps: points::Steps,
        context: &OpContext,
    ) -> Result<(), DriverError> {
        let directory = self.begin(context)?;
        let _held = context.lock(&[&name.lock(), &source.name.lock()])?;
        if source.is_in_use && !self.shares_blocks() && directory.find(name)?.is_none() {
            return Err(in_use(source.name));
        }
        let found = directory.get(source.name);
        if let Ok(entry) = &found
            && entry.bytes > bytes
        {
            let gib = bytes >> 30;
            let reason = format!("{} is larger", source.name);
            return Err(Refusal::Size { gib, reason }.into());
        }
        let preallocate = self.options().preallocate;
        let plan = Plan { name, bytes, preallocate, source: Some(source), replaces: false, steps };
        make(&directory, &plan, context)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of a size that makes sense.
pub(crate) fn checked_bytes(gib: u64) -> Result<u64, DriverError> {
    let reason = "no file has it".to_owned();
    bytes_of(gib).ok_or_else(|| Refusal::Size { gib, reason }.into())
}

/// Whether two files of the directory can share blocks. A file system that can share them knows
/// files without names, so nothing of the attempt can be left behind.
fn probe_sharing(directory: &Directory) -> Result<bool, DriverError> {
    let (Some(source), Some(target)) = (directory.create_unnamed()?, directory.create_unnamed()?)
    else {
        return Ok(false);
    };
    Ok(source.set_len(1 << 20).is_ok() && ioctl_ficlone(&target, &source).is_ok())
}

impl Driver for LocalDriver {
    fn about(&self) -> About {
        About {
            name: "local",
            vendor: "Open Source",
            version: env!("CARGO_PKG_VERSION"),
            storage_protocol: "local",
            active_active: false,
            supported: true,
        }
    }

    fn connect(&self, context: &OpContext) -> Result<(), DriverError> {
        fail::point(points::CONNECT)?;
        context.check()?;
        let path = self.options().directory;
        // Only at first: one that has vanished since is not to be replaced by an empty one.
        if lock(&self.connected).is_none() {
            make_directory(&path)?;
        }
        let path = std::fs::canonicalize(&path).map_err(|error| DriverError::BackendDown {
            reason: format!("{} does not exist", path.display()),
            source: Some(error.into()),
        })?;
        let directory = Directory::open(&path)?;
        let shares = probe_sharing(&directory)?;
        self.shares.store(shares, Ordering::Relaxed);
        info!(
            target: "cinder.volume.drivers.local",
            "Volumes are files below {}; {}", path.display(),
            if shares { "copies share blocks" } else { "this file system cannot share blocks, so copies are copied" }
        );
        lock(&self.options).directory = path;
        *lock(&self.sum) = None;
        *lock(&self.connected) = Some(directory.identity()?);
        Ok(())
    }

    fn reconfigure(&self, options: &dyn Any) -> Result<Reconfigured, DriverError> {
        let Some(new) = options.downcast_ref::<LocalOptions>() else {
            return Err(DriverError::bug("options of another driver"));
        };
        let mut options = lock(&self.options);
        let is_same = std::fs::canonicalize(&new.directory).unwrap_or(new.directory.clone())
            == options.directory;
        let directory = std::mem::take(&mut options.directory);
        *options = LocalOptions { directory, ..new.clone() };
        Ok(if is_same { Reconfigured::Applied } else { Reconfigured::NeedsRestart })
    }

    fn lane(&self, call: Call, _volume: Option<&VolumeView>) -> Lane {
        match call {
            Call::CreateVolumeFromSnapshot
            | Call::CreateClonedVolume
            | Call::CreateSnapshot
            | Call::RevertToSnapshot => match self.shares_blocks() {
                true => Lane::Work,
                false => Lane::Bulk,
            },
            other => other.usual_lane(),
        }
    }

    fn fail_points(&self) -> &'static [&'static str] {
        points::ALL
    }

    fn stats(&self, context: &OpContext) -> Result<Stats, DriverError> {
        fail::point(points::STATS)?;
        context.check()?;
        Ok(self.look())
    }

    fn settle(&self, operation: &RecordedOp, context: &OpContext) -> Result<Settled, DriverError> {
        let directory = self.begin(context)?;
        self.settle_in(&directory, &operation.operation, context)
    }

    fn create_volume(
        &self,
        volume: &VolumeView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        let (name, bytes) = (Name::new(&volume.name)?, checked_bytes(volume.size_gib)?);
        let directory = self.begin(context)?;
        let _held = context.lock(&[&name.lock()])?;
        let preallocate = self.options().preallocate;
        let steps = points::CREATING;
        let plan = Plan { name: &name, bytes, preallocate, source: None, replaces: false, steps };
        make(&directory, &plan, context)?;
        Ok(VolumeUpdate::default())
    }

    fn create_volume_from_snapshot(
        &self,
        volume: &VolumeView,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        let (name, bytes) = (Name::new(&volume.name)?, checked_bytes(volume.size_gib)?);
        let source = Source { name: &Name::new(&snapshot.name)?, is_in_use: false };
        self.make_from(&name, bytes, source, points::RESTORING, context)?;
        Ok(VolumeUpdate::default())
    }

    fn create_cloned_volume(
        &self,
        volume: &VolumeView,
        source: &VolumeView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        let (name, bytes) = (Name::new(&volume.name)?, checked_bytes(volume.size_gib)?);
        let is_in_use = source.is_attached();
        let source = Source { name: &Name::new(&source.name)?, is_in_use };
        self.make_from(&name, bytes, source, points::CLONING, context)?;
        Ok(VolumeUpdate::default())
    }

    fn delete_volume(&self, volume: &VolumeView, context: &OpContext) -> Result<(), DriverError> {
        let name = Name::new(&volume.name)?;
        let directory = self.begin(context)?;
        let _held = context.lock(&[&name.lock()])?;
        let (begun, removed) = (points::DELETE_VOLUME_BEGUN, points::DELETE_VOLUME_REMOVED);
        making::remove(&directory, &name, begun, removed)
    }

    fn create_snapshot(
        &self,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<SnapshotUpdate, DriverError> {
        let (name, volume) = (Name::new(&snapshot.name)?, Name::new(&snapshot.volume.name)?);
        let bytes = checked_bytes(snapshot.volume_size_gib)?;
        let source = Source { name: &volume, is_in_use: snapshot.volume.is_attached() };
        self.make_from(&name, bytes, source, points::SNAPPING, context)?;
        Ok(SnapshotUpdate::default())
    }

    fn delete_snapshot(
        &self,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<(), DriverError> {
        let name = Name::new(&snapshot.name)?;
        let directory = self.begin(context)?;
        let _held = context.lock(&[&name.lock()])?;
        let (begun, removed) = (points::DELETE_SNAPSHOT_BEGUN, points::DELETE_SNAPSHOT_REMOVED);
        making::remove(&directory, &name, begun, removed)
    }

    fn extend_volume(
        &self,
        volume: &VolumeView,
        new_size_gib: u64,
        context: &OpContext,
    ) -> Result<Extended, DriverError> {
        let (name, bytes) = (Name::new(&volume.name)?, checked_bytes(new_size_gib)?);
        let directory = self.begin(context)?;
        let _held = context.lock(&[&name.lock()])?;
        if directory.get(&name)?.bytes > bytes {
            let reason = format!("{name} is larger");
            return Err(Refusal::Size { gib: new_size_gib, reason }.into());
        }
        making::grow(&directory, &name, bytes, self.options().preallocate)?;
        Ok(Extended::default())
    }

    fn create_export(
        &self,
        volume: &VolumeView,
        _connector: Option<&Connector>,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        self.ensure_export(volume, context)?;
        Ok(VolumeUpdate::default())
    }

    /// A file needs no target; but it has to be there.
    fn ensure_export(&self, volume: &VolumeView, context: &OpContext) -> Result<(), DriverError> {
        let name = Name::new(&volume.name)?;
        self.begin(context)?.get(&name).map(|_| ())
    }

    fn remove_export(&self, _volume: &VolumeView, _context: &OpContext) -> Result<(), DriverError> {
        Ok(())
    }

    fn initialize_connection(
        &self,
        volume: &VolumeView,
        _connector: &Connector,
        _others: &[AttachmentView],
        context: &OpContext,
    ) -> Result<ConnectionInfo, DriverError> {
        fail::point(points::INITIALIZE_CONNECTION)?;
        let name = Name::new(&volume.name)?;
        let directory = self.begin(context)?;
        directory.get(&name)?;
        let path = directory.path_of(&name).into_os_string().into_string().map_err(|path| {
            let text = path.to_string_lossy().into_owned();
            DriverError::not_supported(text, "the path is no UTF-8, and messages are")
        })?;
        let data = Map::new().with("path", path).with("format", "raw");
        Ok(ConnectionInfo::new("local", data))
    }

    fn terminate_connection(
        &self,
        _volume: &VolumeView,
        _connector: Option<&Connector>,
        _force: bool,
        others: &[AttachmentView],
        _context: &OpContext,
    ) -> Result<Terminated, DriverError> {
        Ok(if others.is_empty() { Terminated::Closed } else { Terminated::StillShared })
    }

    fn open_local(
        &self,
        volume: &VolumeView,
        mode: OpenMode,
        context: &OpContext,
    ) -> Result<Box<dyn VolumeIo>, DriverError> {
        fail::point(points::OPEN)?;
        let name = Name::new(&volume.name)?;
        Ok(Box::new(self.begin(context)?.open_file(&name, mode)?))
    }

    fn lock_names(&self, name: &str) -> Vec<String> {
        Name::new(name).map(|name| vec![name.lock()]).unwrap_or_default()
    }

    fn as_snapshot_io(&self) -> Option<&dyn SnapshotIo> {
        Some(self)
    }

    fn as_inventory(&self) -> Option<&dyn Inventory> {
        Some(self)
    }

    fn as_manage(&self) -> Option<&dyn Manage> {
        Some(self)
    }

    fn as_revert(&self) -> Option<&dyn Revert> {
        Some(self)
    }
}

impl SnapshotIo for LocalDriver {
    fn open_snapshot(
        &self,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<Box<dyn VolumeIo>, DriverError> {
        let name = Name::new(&snapshot.name)?;
        Ok(Box::new(self.begin(context)?.open_file(&name, OpenMode::Read)?))
    }
}

/// Makes the directory and the one it is in, and no more: what is above is the machine's, and where it is missing a file
/// system may not be mounted.
fn make_directory(path: &Path) -> Result<(), DriverError> {
    for one in path.parent().into_iter().chain([path]) {
        match std::fs::create_dir(one) {
            // What is there may be in a place where nothing can be made.
            Err(_) if one.is_dir() => {}
            Err(error) => {
                let reason = format!("cannot make {}", one.display());
                return Err(DriverError::BackendDown { reason, source: Some(error.into()) });
            }
            Ok(()) => {}
        }
    }
    Ok(())
}

impl Revert for LocalDriver {
    fn revert_to_snapshot(
        &self,
        volume: &VolumeView,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        let (name, source) = (Name::new(&volume.name)?, Name::new(&snapshot.name)?);
        let directory = self.begin(context)?;
        if volume.is_attached() {
            // They would go on with the file that is replaced.
            let by = vec!["those who have it attached".to_owned()];
            return Err(DriverError::Busy { what: name.to_string(), by });
        }
        self.revert(&directory, &name, &source, context)?;
        Ok(VolumeUpdate::default())
    }

    /// The old data are there until the new ones are whole.
    fn needs_temporary_snapshot(&self) -> bool {
        false
    }
}

impl LocalDriver {
    /// Replaces a volume by a copy of a snapshot; can be done again.
    pub(crate) fn revert(
        &self,
        directory: &Directory,
        name: &Name,
        source: &Name,
        context: &OpContext,
    ) -> Result<(), DriverError> {
        let _held = context.lock(&[&name.lock(), &source.lock()])?;
        let bytes = directory.get(name)?.bytes.max(directory.get(source)?.bytes);
        let plan = Plan {
            name,
            bytes,
            preallocate: self.options().preallocate,
            source: Some(Source { name: source, is_in_use: false }),
            replaces: true,
            steps: points::REVERTING,
        };
        make(directory, &plan, context)
    }
}
