//! Volumes as files below one directory: the driver of a single machine.
//!
//! A volume is a raw file, sparse or preallocated; so is a snapshot, which shares its blocks with
//! the volume where the file system can do that, and is a copy elsewhere. What is new is written
//! aside, synced, and then renamed into place, so that a power cut leaves all of it or nothing.
//! This crate is also the example of how to write a driver: `docs/drivers.md` walks through it.
//!
//! ```
//! use cinder_driver::{Driver, OpContext, VolumeView};
//! use cinder_driver_local::{LocalDriver, LocalOptions};
//! use cinder_types::VolumeId;
//!
//! # let directory = tempfile::tempdir().unwrap();
//! let driver = LocalDriver::new(LocalOptions::new("local", directory.path()));
//! let context = OpContext::new("req-1");
//! driver.connect(&context)?;
//! let volume = VolumeView::new(VolumeId::new("1"), "volume-1", 5);
//! driver.create_volume(&volume, &context)?;
//! assert_eq!(directory.path().join("volume-1").metadata().unwrap().len(), 5 << 30);
//! driver.delete_volume(&volume, &context)?;
//! # Ok::<(), cinder_driver::DriverError>(())
//! ```

#![forbid(unsafe_code)]

mod directory;
mod driver;
mod making;
mod manage;
mod name;
mod options;
pub mod points;
mod settle;
mod stats;
mod sum;

use cinder_driver::registry::Names;

/// The names of this driver in a configuration.
pub const NAMES: Names =
    Names { ours: "local", classes: &["cinder.volume.drivers.local.LocalVolumeDriver"] };

pub use driver::LocalDriver;
pub use options::LocalOptions;
