//! One case: its back end, a connected driver, and the words in which cases are written.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cinder_types::{SnapshotId, VolumeId};

use crate::conformance::Backend;
use crate::context::OpContext;
use crate::driver::Driver;
use crate::error::DriverError;
use crate::lock::ProcessLocks;
use crate::view::{SnapshotView, VolumeView};

/// What begins the arguments of a child.
pub(super) const CHILD: &str = "--child";
/// No call of a case may take longer.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// How a case has ended, if it has not panicked.
pub(super) enum Verdict {
    Passed,
    /// It makes no sense for this driver, or for this back end of it.
    Skipped(String),
    /// It could be tried on another machine; why not on this one.
    Prevented(String),
}

pub(super) struct Case<'a> {
    pub(super) backend: &'a dyn Backend,
    pub(super) driver: Box<dyn Driver>,
    locks: ProcessLocks,
    next: AtomicU32,
}

impl<'a> Case<'a> {
    pub(super) fn new(backend: &'a dyn Backend) -> Self {
        let case = Self {
            backend,
            driver: backend.driver(),
            locks: ProcessLocks::default(),
            next: AtomicU32::new(1),
        };
        case.driver.connect(&case.context()).expect("a new back end can be connected");
        case
    }

    /// The context of the next call.
    pub(super) fn context(&self) -> OpContext {
        context(&self.locks)
    }

    fn number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A volume that is not there yet.
    pub(super) fn volume(&self) -> VolumeView {
        volume(self.number())
    }

    /// A snapshot that is not there yet.
    pub(super) fn snapshot(&self, of: &VolumeView) -> SnapshotView {
        snapshot(self.number(), of)
    }

    /// A volume that is there.
    pub(super) fn created(&self) -> VolumeView {
        let volume = self.volume();
        self.create(&volume);
        volume
    }

    pub(super) fn create(&self, volume: &VolumeView) {
        self.driver.create_volume(volume, &self.context()).expect("a volume is created");
    }

    pub(super) fn delete(&self, volume: &VolumeView) {
        self.driver.delete_volume(volume, &self.context()).expect("a volume is deleted");
    }

    pub(super) fn snap(&self, volume: &VolumeView) -> SnapshotView {
        let snapshot = self.snapshot(volume);
        self.driver.create_snapshot(&snapshot, &self.context()).expect("a snapshot is created");
        snapshot
    }

    pub(super) fn unsnap(&self, snapshot: &SnapshotView) {
        self.driver.delete_snapshot(snapshot, &self.context()).expect("a snapshot is deleted");
    }

    pub(super) fn restored(&self, snapshot: &SnapshotView, size_gib: u64) -> VolumeView {
        let mut volume = self.volume();
        volume.size_gib = size_gib;
        let result = self.driver.create_volume_from_snapshot(&volume, snapshot, &self.context());
        result.expect("a volume is created from a snapshot");
        volume
    }

    pub(super) fn clone_of(&self, source: &VolumeView, size_gib: u64) -> VolumeView {
        let mut volume = self.volume();
        volume.size_gib = size_gib;
        let result = self.driver.create_cloned_volume(&volume, source, &self.context());
        result.expect("a volume is cloned");
        volume
    }

    /// Whether a volume can be opened.
    pub(super) fn exists(&self, volume: &VolumeView) -> bool {
        let mode = crate::io::OpenMode::Read;
        match self.driver.open_local(volume, mode, &self.context()) {
            Ok(_) => true,
            Err(DriverError::NotFound { .. }) => false,
            Err(error) => panic!("a volume can be opened, or is not there: {error:?}"),
        }
    }
}

pub(super) fn context(locks: &ProcessLocks) -> OpContext {
    let locks = std::sync::Arc::new(locks.clone());
    OpContext::new("req-conformance").locking(locks).within(LIMIT)
}

/// The ids are those of no real volume, and the same in each process.
pub(super) fn volume(number: u32) -> VolumeView {
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let name = format!("volume-{id}");
    VolumeView::new(VolumeId::new(id), name, 1)
}

pub(super) fn snapshot(number: u32, of: &VolumeView) -> SnapshotView {
    let id = format!("00000000-0000-4000-9000-{number:012}");
    let name = format!("snapshot-{id}");
    SnapshotView::new(SnapshotId::new(id), name, of.clone())
}

/// The class of an answer that should have been an error.
pub(super) fn class<T>(result: Result<T, DriverError>) -> &'static str {
    result.err().map_or("a success", |error| error.class())
}
