//! Why logging could not be set up. Nothing here is raised once lines are being written.

use std::io;
use std::path::PathBuf;

/// Why the logging options cannot be turned into a working subscriber.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The log file could not be opened for append; its directory is never created.
    #[error("cannot open log file {}", path.display())]
    Open {
        /// The path as the options gave it, relative paths included.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// `default_log_levels` names a level that does not exist (text of spec/logging.md §2.3).
    #[error("Unknown level: '{level}'")]
    UnknownLevel {
        /// The part behind the equals sign.
        level: String,
    },

    /// An option's value is of the right type and cannot be used all the same.
    #[error("{option}: {reason}")]
    BadValue {
        /// The configuration option.
        option: &'static str,
        /// What is wrong with its value.
        reason: String,
    },

    /// `syslog_log_facility` is not one (text of spec/logging.md §2.5).
    #[error("syslog facility must be one of: {names}")]
    UnknownFacility {
        /// All that there are, each between quotes.
        names: String,
    },

    /// `use_journal` is set, and nobody listens at the journal's socket.
    #[error("cannot reach the systemd journal at {}", path.display())]
    Journal {
        /// The socket.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// The file of `log_config_append` cannot be used (text of spec/logging.md §2.6).
    #[error("Error loading logging config {}: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },

    /// An option that this platform cannot follow.
    #[error("{option}: not on this platform")]
    Platform {
        /// The configuration option.
        option: &'static str,
    },
}
