//! Why something could not be read, as the exception that the original's caller would see.
//!
//! Texts say what the original's say, so that an operator finds them; what they quote of a message is
//! short. Must not: know a bus.

/// Why a request, or an object in it, could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There is no such method.
    #[error("Endpoint does not support RPC method {method}")]
    NoSuchMethod {
        /// As it was asked for.
        method: String,
    },
    /// The sender speaks another version of the interface.
    #[error("Endpoint does not support RPC version {version}. Attempted method: {method}")]
    UnsupportedVersion {
        /// What it speaks.
        version: String,
        /// What it wanted.
        method: String,
    },
    /// An object of a kind, or a namespace, that is not Cinder's.
    #[error("Unsupported object type {name}")]
    UnsupportedObject {
        /// The kind, behind a foreign namespace.
        name: String,
    },
    /// An object that is newer than ours, or of another major version.
    #[error("Version {version} of {name} is not supported, supported version is {supported}")]
    IncompatibleVersion {
        /// The kind.
        name: &'static str,
        /// Of the object.
        version: String,
        /// Ours.
        supported: &'static str,
    },
    /// A version of an object that is none.
    #[error("Invalid version: '{version}'")]
    InvalidVersion {
        /// The text.
        version: String,
    },
    /// An envelope lacks a key.
    #[error("'{key}'")]
    MissingKey {
        /// Its name.
        key: &'static str,
    },
    /// A value that its field cannot have.
    #[error("{reason}")]
    Value {
        /// What is wrong.
        reason: String,
    },
    /// A value of another type, or arguments that the method does not take.
    #[error("{reason}")]
    Type {
        /// What is wrong.
        reason: String,
    },
    /// Something else where an object has to be.
    #[error("'{found}' object has no attribute '{attribute}'")]
    Attribute {
        /// What stands there, as Python names its type.
        found: String,
        /// What would be asked of it.
        attribute: &'static str,
    },
    /// Values within values within values.
    #[error("maximum recursion depth exceeded")]
    TooDeep,
    /// A field that has to be there is not.
    #[error(transparent)]
    NotLoaded(#[from] NotLoaded),
}

impl DecodeError {
    /// The module of the exception.
    #[must_use]
    pub fn module(&self) -> &'static str {
        match self {
            Self::NoSuchMethod { .. } | Self::UnsupportedVersion { .. } => {
                "oslo_messaging.rpc.dispatcher"
            }
            Self::UnsupportedObject { .. }
            | Self::IncompatibleVersion { .. }
            | Self::NotLoaded(_) => "oslo_versionedobjects.exception",
            Self::InvalidVersion { .. } => "packaging.version",
            Self::MissingKey { .. }
            | Self::Value { .. }
            | Self::Type { .. }
            | Self::Attribute { .. }
            | Self::TooDeep => "builtins",
        }
    }

    /// The class of the exception; its text is what this displays.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::NoSuchMethod { .. } => "NoSuchMethod",
            Self::UnsupportedVersion { .. } => "UnsupportedVersion",
            Self::UnsupportedObject { .. } => "UnsupportedObjectError",
            Self::IncompatibleVersion { .. } => "IncompatibleObjectVersion",
            Self::InvalidVersion { .. } => "InvalidVersion",
            Self::MissingKey { .. } => "KeyError",
            Self::Value { .. } => "ValueError",
            Self::Type { .. } => "TypeError",
            Self::Attribute { .. } => "AttributeError",
            Self::TooDeep => "RecursionError",
            Self::NotLoaded(_) => "ObjectActionError",
        }
    }

    pub(crate) fn value(reason: impl Into<String>) -> Self {
        Self::Value { reason: reason.into() }
    }

    pub(crate) fn of_type(reason: impl Into<String>) -> Self {
        Self::Type { reason: reason.into() }
    }
}

/// A field was asked for that the sender has not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Object action obj_load_attr failed because: attribute {field} of {object} not lazy-loadable"
)]
pub struct NotLoaded {
    /// The kind of the object.
    pub object: &'static str,
    /// The field.
    pub field: &'static str,
}
