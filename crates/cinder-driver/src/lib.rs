//! What a volume driver is: the [`Driver`] trait, what its calls get and answer, and the suite of
//! tests that every driver has to pass.
//!
//! A driver sees owned views of volumes and snapshots and an [`OpContext`]; it answers updates, or
//! an error of a closed list. It reads no configuration, knows no database and no message, and is
//! asked to [`settle`](Driver::settle) what was begun and not seen to end. How to write one is in
//! `docs/drivers.md`; the local driver is the example.
//!
//! ```
//! use cinder_driver::{ConnectionInfo, DriverError, Map, Revealed};
//! use cinder_types::Secret;
//!
//! let data = Map::new().with("auth_password", Secret::new("hidden")).with("target_lun", 1_u64);
//! let info = ConnectionInfo::new("iscsi", data);
//! assert!(!format!("{info:?}").contains("hidden"));
//! assert!(serde_json::to_string(&Revealed(&info)).unwrap().contains("hidden"));
//! assert!(DriverError::down("the array does not answer").to_string().starts_with("the back end"));
//! ```

#![forbid(unsafe_code)]

pub mod ability;
mod cancel;
mod capability;
#[cfg(feature = "conformance")]
pub mod conformance;
mod connection;
mod context;
pub mod copy;
mod driver;
mod error;
pub mod fail;
mod file_io;
mod io;
mod lock;
mod operation;
mod originals;
mod record;
pub mod registry;
pub mod run;
mod seams;
mod stats;
mod throttle;
mod update;
mod value;
mod view;

pub use cancel::{CancelFlag, Limit};
pub use capability::{Ability, abilities, capabilities, published};
pub use connection::{ConnectionInfo, Connector, Terminated};
pub use context::OpContext;
pub use driver::{About, BackgroundTask, Driver, Extended, Reconfigured};
pub use error::{Again, Cause, DriverError, GivenUp, Refusal};
pub use file_io::FileIo;
pub use io::{OpenMode, VolumeIo};
pub use lock::ProcessLocks;
pub use operation::{Call, Lane};
pub use record::{
    GroupRef, GroupSnapshotRef, Operation, RecordedOp, Settled, SnapshotRef, Update, VolumeRef,
};
pub use seams::{
    Assisted, Compute, Deed, Held, ImageSink, ImageSource, ImageView, Keys, Locks, Persist,
    Privileged, Progress, Tool,
};
pub use stats::{Amount, Capacity, Health, PartHealth, Pool, State, Stats};
pub use throttle::Throttle;
pub use update::{Change, GroupUpdate, ModelUpdate, SnapshotUpdate, VolumeUpdate};
pub use value::{Map, Revealed, Value};
pub use view::{
    AttachmentView, EncryptionView, GIB, GroupSnapshotView, GroupView, QosConsumer, QosView,
    SnapshotView, Texts, TypeView, VolumeView, bytes_of,
};
