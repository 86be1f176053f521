//! What the driver is told; who tells it knows where that stands.

use std::path::PathBuf;

/// The options of one back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalOptions {
    /// The name that types ask for.
    pub backend_name: String,
    /// Where the files are. It is made if it does not exist when the driver is first connected.
    pub directory: PathBuf,
    /// Whether a volume takes its space at once.
    pub preallocate: bool,
    /// How much of the file system is not to be used.
    pub reserved_percentage: u32,
    /// As the operator wrote it, for the scheduler.
    pub max_over_subscription_ratio: String,
}

impl LocalOptions {
    /// The defaults of everything else.
    #[must_use]
    pub fn new(backend_name: impl Into<String>, directory: impl Into<PathBuf>) -> Self {
        Self {
            backend_name: backend_name.into(),
            directory: directory.into(),
            preallocate: false,
            reserved_percentage: 0,
            max_over_subscription_ratio: "20.0".to_owned(),
        }
    }
}
