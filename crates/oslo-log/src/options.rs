//! What this crate wants to know from the configuration; every field is named after its option.
//!
//! Must not read a configuration or open a file of one: the binary fills the struct.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// A file of `log_config_append` as the program has read it, in whatever way is safe for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlersFile {
    /// Where it stands, for messages.
    pub path: PathBuf,
    /// All that stands in it, in the format of Python's `logging.config`.
    pub text: Arc<str>,
    /// When it was changed last: one that was touched is set up anew.
    pub modified: Option<SystemTime>,
}

/// Logging options, named and defaulted as in spec/logging.md §1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// Root level DEBUG instead of INFO. May change while running.
    pub debug: bool,
    /// File that replaces all other options but the formats. May change while running, as may its
    /// contents.
    pub log_config_append: Option<HandlersFile>,
    /// Log file, relative to `log_dir` if that is set.
    pub log_file: Option<PathBuf>,
    /// Directory of the log file; without `log_file` the file is `<program>.log`.
    pub log_dir: Option<PathBuf>,
    /// Base name of the running program, for `log_dir` alone.
    pub program: String,
    /// Write to standard error (too, if there is a file).
    pub use_stderr: bool,
    /// Write to syslog as well.
    pub use_syslog: bool,
    /// Write to the systemd journal.
    pub use_journal: bool,
    /// Syslog's facility, also for the journal: a name with or without `LOG_`.
    pub syslog_log_facility: String,
    /// One JSON object per record instead of a formatted line.
    pub use_json: bool,
    /// Colour for `%(color)s` on standard output and error, terminal or not.
    pub log_color: bool,
    /// Reopen the file when another program moved it away, checked before every line. The original
    /// always does unless it rotates the file itself.
    pub watch_log_file: bool,
    /// `none`, `size` or `interval`, in any case.
    pub log_rotation_type: String,
    /// Number of units between two rotations; with `Weekday` the day, 0 being Monday.
    pub log_rotate_interval: i64,
    /// `Seconds`, `Minutes`, `Hours`, `Days`, `Weekday` or `Midnight`, in any case.
    pub log_rotate_interval_type: String,
    /// How many rotated files are kept.
    pub max_logfile_count: i64,
    /// Size in MiB that a file does not reach.
    pub max_logfile_size_mb: i64,
    /// Seconds over which records are counted; below 1 there is no limit.
    pub rate_limit_interval: i64,
    /// Records that pass within that time; below 1 there is no limit.
    pub rate_limit_burst: i64,
    /// Name of the level from which on records always pass.
    pub rate_limit_except_level: String,
    /// `logger=LEVEL` pairs, later ones win.
    pub default_log_levels: Vec<String>,
    /// `strftime` format of `%(asctime)s`.
    pub log_date_format: String,
    /// Format of a line written inside a request context.
    pub logging_context_format_string: String,
    /// Format of every other line.
    pub logging_default_format_string: String,
    /// Appended, after a blank, to DEBUG lines; empty appends nothing.
    pub logging_debug_format_suffix: String,
    /// Put in front of every line of a cause chain or traceback.
    pub logging_exception_prefix: String,
    /// Value of `%(user_identity)s`.
    pub logging_user_identity_format: String,
    /// Value of `%(instance)s` for an event that has one.
    pub instance_format: String,
    /// Value of `%(instance)s` inside a context that has a resource.
    pub instance_uuid_format: String,
    /// Product name: value of `%(project)s` outside a request context.
    pub project: String,
    /// Product version: value of `%(version)s`.
    pub version: String,
    /// Name of this machine, for JSON.
    pub host_name: Option<String>,
    /// Where syslog listens.
    pub syslog_socket: PathBuf,
    /// Where the journal listens.
    pub journal_socket: PathBuf,
}

impl LogOptions {
    /// The path of the log file, if the options ask for one (spec/logging.md §2.2).
    #[must_use]
    pub fn log_path(&self) -> Option<PathBuf> {
        match (non_empty(&self.log_dir), non_empty(&self.log_file)) {
            // `join` lets an absolute file name win, as the original's path joining does.
            (Some(dir), Some(file)) => Some(dir.join(file)),
            (Some(dir), None) => Some(dir.join(format!("{}.log", self.program))),
            (None, Some(file)) => Some(file.clone()),
            (None, None) => None,
        }
    }
}

/// An empty path counts as unset, as an empty string does in the original.
fn non_empty(path: &Option<PathBuf>) -> Option<&PathBuf> {
    path.as_ref().filter(|path| !path.as_os_str().is_empty())
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            debug: false,
            log_config_append: None,
            log_file: None,
            log_dir: None,
            program: "cinder-volume".into(),
            use_stderr: false,
            use_syslog: false,
            use_journal: false,
            syslog_log_facility: "LOG_USER".into(),
            use_json: false,
            log_color: false,
            watch_log_file: false,
            log_rotation_type: "none".into(),
            log_rotate_interval: 1,
            log_rotate_interval_type: "days".into(),
            max_logfile_count: 30,
            max_logfile_size_mb: 200,
            rate_limit_interval: 0,
            rate_limit_burst: 0,
            rate_limit_except_level: "CRITICAL".into(),
            default_log_levels: DEFAULT_LOG_LEVELS.iter().map(|pair| (*pair).into()).collect(),
            log_date_format: "%Y-%m-%d %H:%M:%S".into(),
            logging_context_format_string: concat!(
                "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s ",
                "[%(global_request_id)s %(request_id)s %(user_identity)s] %(instance)s%(message)s",
            )
            .into(),
            logging_default_format_string: concat!(
                "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s ",
                "[-] %(instance)s%(message)s",
            )
            .into(),
            logging_debug_format_suffix: "%(funcName)s %(pathname)s:%(lineno)d".into(),
            logging_exception_prefix:
                "%(asctime)s.%(msecs)03d %(process)d ERROR %(name)s %(instance)s".into(),
            logging_user_identity_format:
                "%(user)s %(project)s %(domain)s %(system_scope)s %(user_domain)s %(project_domain)s"
                    .into(),
            instance_format: "[instance: %(uuid)s] ".into(),
            instance_uuid_format: "[instance: %(uuid)s] ".into(),
            project: "cinder".into(),
            version: "unknown".into(),
            host_name: None,
            syslog_socket: "/dev/log".into(),
            journal_socket: "/run/systemd/journal/socket".into(),
        }
    }
}

/// Default of `default_log_levels` (spec/logging.md §2.3).
const DEFAULT_LOG_LEVELS: &[&str] = &[
    "amqp=WARN",
    "boto=WARN",
    "sqlalchemy=WARN",
    "suds=INFO",
    "oslo.messaging=INFO",
    "oslo_messaging=INFO",
    "iso8601=WARN",
    "requests.packages.urllib3.connectionpool=WARN",
    "urllib3.connectionpool=WARN",
    "websocket=WARN",
    "requests.packages.urllib3.util.retry=WARN",
    "urllib3.util.retry=WARN",
    "keystonemiddleware=WARN",
    "routes.middleware=WARN",
    "stevedore=WARN",
    "taskflow=WARN",
    "keystoneauth=WARN",
    "oslo.cache=INFO",
    "oslo_policy=INFO",
    "dogpile.core.dogpile=INFO",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn path(dir: Option<&str>, file: Option<&str>) -> Option<PathBuf> {
        LogOptions {
            log_dir: dir.map(Into::into),
            log_file: file.map(Into::into),
            ..LogOptions::default()
        }
        .log_path()
    }

    #[test]
    fn the_log_path_follows_the_four_cases_of_the_contract() {
        assert_eq!(path(None, None), None);
        assert_eq!(path(Some(""), Some("")), None);
        assert_eq!(path(None, Some("x.log")), Some("x.log".into()));
        assert_eq!(path(Some("/v"), Some("x.log")), Some("/v/x.log".into()));
        assert_eq!(path(Some("/v"), Some("/w/x.log")), Some("/w/x.log".into()));
        assert_eq!(path(Some("/v"), None), Some("/v/cinder-volume.log".into()));
    }
}
