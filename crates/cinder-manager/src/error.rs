//! Why an operation failed, as those who asked for it are told, and as operators read it.
//!
//! Callers know exceptions by class (`spec/rpc.md` §5); the class says what an API does next, so it is chosen
//! here once for each way to fail. Must not: know how an exception travels.

use std::collections::BTreeMap;

use cinder_db::DbError;
use cinder_driver::{DriverError, Refusal};
use cinder_objects::{DecodeError, NotLoaded};

use crate::locks::LockError;
use crate::records::RecordError;

/// A failure of an operation.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The module of the exception, as in `cinder.exception`.
    pub module: String,
    /// The exception's class.
    pub class: String,
    /// What is said about it, with what lies beneath: a caller on another machine sees nothing else.
    pub message: String,
    /// What the exception was made of, by name.
    pub kwargs: BTreeMap<&'static str, String>,
    /// Whether it is that there is no database just now.
    pub(crate) is_unavailable: bool,
}

/// The module of Cinder's own exceptions.
const CINDER: &str = "cinder.exception";

impl Failure {
    /// An exception of Cinder's.
    #[must_use]
    pub fn new(class: &str, message: impl Into<String>) -> Self {
        Self {
            module: CINDER.to_owned(),
            class: class.to_owned(),
            message: message.into(),
            kwargs: BTreeMap::new(),
            is_unavailable: false,
        }
    }

    /// With something that it was made of.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.kwargs.insert(name, value.into());
        self
    }

    /// The driver is not ready.
    #[must_use]
    pub fn not_initialized() -> Self {
        Self::new("DriverNotInitialized", "Volume driver not ready.")
    }

    /// There is no such volume.
    #[must_use]
    pub fn volume_not_found(id: &str) -> Self {
        Self::new("VolumeNotFound", format!("Volume {id} could not be found."))
            .with("volume_id", id)
    }

    /// There is no such snapshot.
    #[must_use]
    pub fn snapshot_not_found(id: &str) -> Self {
        Self::new("SnapshotNotFound", format!("Snapshot {id} could not be found."))
            .with("snapshot_id", id)
    }

    /// A method that this program does not carry out yet.
    #[must_use]
    pub fn not_here(method: &str) -> Self {
        Self::new(
            "VolumeDriverException",
            format!("{method} is not supported by this service yet."),
        )
        .with("message", format!("{method} is not supported by this service yet."))
    }

    /// Whether it is of this class of Cinder's.
    #[must_use]
    pub fn is(&self, class: &str) -> bool {
        self.module == CINDER && self.class == class
    }
}

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        let class = match &error {
            DriverError::Busy { .. } => "VolumeIsBusy",
            DriverError::NotFound { .. } => "VolumeDriverException",
            DriverError::Refused(Refusal::Connector { .. }) => "InvalidInput",
            DriverError::Refused(Refusal::Reference { .. }) => "ManageExistingInvalidReference",
            DriverError::Refused(Refusal::AlreadyManaged { .. }) => "ManageExistingAlreadyManaged",
            DriverError::Refused(Refusal::TypeMismatch { .. }) => {
                "ManageExistingVolumeTypeMismatch"
            }
            DriverError::Refused(Refusal::ReplicationTarget { .. }) => "InvalidReplicationTarget",
            DriverError::Refused(Refusal::SnapshotLimit { .. }) => "SnapshotLimitReached",
            DriverError::Refused(_) => "InvalidInput",
            _ => "VolumeBackendAPIException",
        };
        Self::new(class, cinder_db::chain(&error))
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        let is_unavailable = error.is_unavailable() || error.is_connection_lost();
        let message = cinder_db::chain(&error);
        let module = "oslo_db.exception".to_owned();
        Self { module, is_unavailable, ..Self::new("DBError", message) }
    }
}

macro_rules! failures {
    ($($error:ty => $module:literal $class:literal;)+) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let message = cinder_db::chain(&error);
                Self { module: $module.to_owned(), ..Self::new($class, message) }
            }
        }
    )+};
}

failures! {
    LockError => "cinder.exception" "LockCreationFailed";
    RecordError => "cinder.exception" "CinderException";
    NotLoaded => "oslo_versionedobjects.exception" "ObjectActionError";
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        let this = Self::new(error.class(), error.to_string());
        Self { module: error.module().to_owned(), ..this }
    }
}
