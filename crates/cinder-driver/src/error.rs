//! What may become of a call, apart from its success: one closed list for all drivers.
//!
//! A variant stands for something that a caller does differently; the words for operators are in
//! its fields. [`Unknown`](DriverError::Unknown) and [`Cancelled`](DriverError::Cancelled) are no
//! failures: whoever gets them asks the driver to settle the operation. Must not: know statuses of
//! volumes, or the names of exceptions that other services expect.

use std::time::Duration;

/// What lies beneath an error: of the system, of a library, of a child process.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a call did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// Nothing has changed, and the same call may succeed in a moment.
    #[error("{reason}; may be tried again")]
    Retry {
        /// What was in the way.
        reason: String,
        /// How long to wait, if the driver knows.
        after: Option<Duration>,
        /// What lies beneath.
        #[source]
        source: Option<Cause>,
    },

    /// Somebody uses it, so it stays as it is.
    #[error("{what} is in use by {}", .by.join(", "))]
    Busy {
        /// The name of the volume or snapshot on the back end.
        what: String,
        /// Who uses it: names of snapshots, clones, hosts.
        by: Vec<String>,
    },

    /// What the call is about, or needs, is not there.
    #[error("{what} is not there")]
    NotFound {
        /// Its name on the back end.
        what: String,
    },

    /// Something else stands where this belongs, and was left alone.
    #[error("{what} is taken: {reason}")]
    Exists {
        /// The name on the back end.
        what: String,
        /// What stands there.
        reason: String,
    },

    /// The back end has no room for it.
    #[error("no space for {what}")]
    NoSpace {
        /// What was to be written.
        what: String,
        /// Bytes that were needed, if that is known.
        needed: Option<u64>,
        /// Bytes that were free, if that is known.
        free: Option<u64>,
        /// What lies beneath.
        #[source]
        source: Option<Cause>,
    },

    /// The back end can never do this, as it is configured.
    #[error("{what} is not supported: {reason}")]
    NotSupported {
        /// What was asked for.
        what: String,
        /// Why not.
        reason: String,
    },

    /// The request makes no sense for this back end; whoever sent it has to change it.
    #[error("refused: {0}")]
    Refused(Refusal),

    /// The back end is not there, or not as it was when it was connected.
    #[error("the back end is down: {reason}")]
    BackendDown {
        /// Why, for operators.
        reason: String,
        /// What lies beneath.
        #[source]
        source: Option<Cause>,
    },

    /// It was given up because somebody asked for that, or its time was over. What it had begun may
    /// or may not be there.
    #[error("given up: {0}")]
    Cancelled(GivenUp),

    /// The driver, or what it relies on, did something that cannot happen.
    #[error("a fault of the driver: {reason}")]
    Bug {
        /// What was seen.
        reason: String,
        /// What lies beneath.
        #[source]
        source: Option<Cause>,
    },

    /// Nobody can say yet whether it was done.
    #[error("not known whether it was done: {reason}")]
    Unknown {
        /// What was seen last.
        reason: String,
        /// When it may be known.
        again: Again,
        /// What lies beneath.
        #[source]
        source: Option<Cause>,
    },
}

/// Why an operation was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GivenUp {
    /// Its time was over.
    #[error("its deadline has passed")]
    Deadline,
    /// Somebody asked for it.
    #[error("it was cancelled")]
    Asked,
}

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The connector lacks something that this protocol needs.
    #[error("the connector has no {missing}")]
    Connector {
        /// The key that is missing.
        missing: String,
    },
    /// A reference to something existing names nothing that can be managed.
    #[error("the reference {reference} is no good: {reason}")]
    Reference {
        /// As it was given.
        reference: String,
        /// Why not.
        reason: String,
    },
    /// What is to be managed is managed already.
    #[error("{what} is managed already")]
    AlreadyManaged {
        /// Its name on the back end.
        what: String,
    },
    /// What is to be managed does not fit the volume's type.
    #[error("it does not fit the type of the volume: {reason}")]
    TypeMismatch {
        /// What does not fit.
        reason: String,
    },
    /// There is no such place to fail over to.
    #[error("{target:?} is no target of replication")]
    ReplicationTarget {
        /// As it was given.
        target: String,
    },
    /// A volume has as many snapshots or clones as it can have.
    #[error("{what} has as many snapshots as it can have")]
    SnapshotLimit {
        /// The name of the volume on the back end.
        what: String,
    },
    /// A name that cannot be used on this back end.
    #[error("the name {shown:?} cannot be used: {reason}")]
    Name {
        /// The beginning of the name.
        shown: String,
        /// Why not.
        reason: String,
    },
    /// A size that makes no sense, for this volume or for any.
    #[error("a size of {gib} GiB: {reason}")]
    Size {
        /// As it was given.
        gib: u64,
        /// Why not.
        reason: String,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// When to ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// After this time. No thread waits meanwhile.
    After(Duration),
    /// When the compute service has answered about this snapshot; see
    /// [`Compute`](crate::Compute).
    Compute {
        /// Whose progress is waited for.
        snapshot: String,
        /// Or after this time.
        at_latest: Duration,
    },
}

impl DriverError {
    /// A bug, in words.
    #[must_use]
    pub fn bug(reason: impl Into<String>) -> Self {
        Self::Bug { reason: reason.into(), source: None }
    }

    /// The back end is down, in words.
    #[must_use]
    pub fn down(reason: impl Into<String>) -> Self {
        Self::BackendDown { reason: reason.into(), source: None }
    }

    /// Not there.
    #[must_use]
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    /// Not supported.
    #[must_use]
    pub fn not_supported(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::NotSupported { what: what.into(), reason: reason.into() }
    }

    /// The error of a system call on `what`, in the class that fits it on any back end.
    ///
    /// A missing file is [`NotFound`](Self::NotFound); a driver for which that means a directory
    /// that has vanished looks for itself.
    #[must_use]
    pub fn from_io(what: impl Into<String>, error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let what = what.into();
        match error.kind() {
            Kind::NotFound => Self::NotFound { what },
            Kind::AlreadyExists => {
                Self::Exists { what, reason: "something of that name exists".to_owned() }
            }
            Kind::StorageFull | Kind::QuotaExceeded => {
                Self::NoSpace { what, needed: None, free: None, source: Some(error.into()) }
            }
            Kind::ResourceBusy | Kind::ExecutableFileBusy => {
                Self::Busy { what, by: vec!["somebody on this host".to_owned()] }
            }
            Kind::FileTooLarge => Self::NotSupported {
                what,
                reason: "the file system, or a limit of this process, takes no file of this size"
                    .to_owned(),
            },
            Kind::Unsupported => {
                Self::NotSupported { what, reason: "the file system cannot do it".to_owned() }
            }
            Kind::Interrupted | Kind::WouldBlock | Kind::OutOfMemory => {
                Self::Retry { reason: what, after: None, source: Some(error.into()) }
            }
            Kind::InvalidInput | Kind::InvalidData => {
                Self::Bug { reason: what, source: Some(error.into()) }
            }
            // What is left is a disk, a mount or an owner that is not as it should be: a matter
            // for an operator, and of the whole back end.
            _ => Self::BackendDown { reason: what, source: Some(error.into()) },
        }
    }

    /// The class of it in one word, for logs and tables.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Busy { .. } => "busy",
            Self::NotFound { .. } => "not found",
            Self::Exists { .. } => "exists",
            Self::NoSpace { .. } => "no space",
            Self::NotSupported { .. } => "not supported",
            Self::Refused(_) => "refused",
            Self::BackendDown { .. } => "back end down",
            Self::Cancelled(_) => "cancelled",
            Self::Bug { .. } => "bug",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Whether only [`settle`](crate::Driver::settle) can say what has become of the operation.
    #[must_use]
    pub fn needs_settling(&self) -> bool {
        matches!(self, Self::Cancelled(_) | Self::Unknown { .. })
    }
}

impl From<Refusal> for DriverError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<GivenUp> for DriverError {
    fn from(given_up: GivenUp) -> Self {
        Self::Cancelled(given_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    #[test]
    fn an_error_of_the_system_gets_the_class_that_its_caller_needs() {
        let class = |kind| DriverError::from_io("volume-1", Error::from(kind)).class();
        for (kind, expected) in [
            (ErrorKind::NotFound, "not found"),
            (ErrorKind::AlreadyExists, "exists"),
            (ErrorKind::StorageFull, "no space"),
            (ErrorKind::QuotaExceeded, "no space"),
            (ErrorKind::FileTooLarge, "not supported"),
            (ErrorKind::PermissionDenied, "back end down"),
            (ErrorKind::ReadOnlyFilesystem, "back end down"),
            (ErrorKind::StaleNetworkFileHandle, "back end down"),
            (ErrorKind::InvalidInput, "bug"),
            (ErrorKind::Interrupted, "retry"),
        ] {
            assert_eq!(class(kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn the_cause_is_beneath_and_not_in_the_text() {
        let error = DriverError::from_io("volume-1", Error::from_raw_os_error(5));
        assert_eq!(error.to_string(), "the back end is down: volume-1");
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("Input/output error (os error 5)"));
    }
}
