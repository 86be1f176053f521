//! `[DEFAULT]`: where log lines go and what they look like (`spec/logging.md` §1).

use super::any_case;
use crate::{Alias, Kind, Opt, section};

section! {
    /// Logging.
    pub struct Logging in "DEFAULT" {
        /// Log at DEBUG instead of INFO.
        debug: bool = Opt::boolean("").default_bool(false).mutable().cli_as(Some('d'), None);
        /// Logging configuration file in the format of Python's logging module. When it is set, all other
        /// logging options but the formats are ignored.
        log_config_append: Option<String> = Opt::string("log-config-append").mutable()
            .aliases(&[Alias::name("log-config"), Alias::name("log_config")])
            .cli_as(None, Some("PATH"));
        /// Format of the date and time in a log line, as strftime takes it.
        log_date_format: String = Opt::string("log-date-format").default_text("%Y-%m-%d %H:%M:%S")
            .cli_as(None, Some("DATE_FORMAT"));
        /// File to log to; relative names are taken below log_dir.
        log_file: Option<String> = Opt::string("log-file").aliases(&[Alias::name("logfile")])
            .cli_as(None, Some("PATH"));
        /// Directory of the log file; alone it makes the service log to PROGRAM.log in it.
        log_dir: Option<String> = Opt::string("log-dir").aliases(&[Alias::name("logdir")])
            .cli_as(None, Some("LOG_DIR"));
        /// Send log lines to syslog as well.
        use_syslog: bool = Opt::boolean("use-syslog").default_bool(false).cli();
        /// Send log lines to the systemd journal.
        use_journal: bool = Opt::boolean("use-journal").default_bool(false).cli();
        /// Facility under which syslog files the lines.
        syslog_log_facility: String = Opt::string("syslog-log-facility").default_text("LOG_USER")
            .cli_as(None, Some("SYSLOG_LOG_FACILITY"));
        /// Write each record as a JSON object.
        use_json: bool = Opt::boolean("use-json").default_bool(false).cli();
        /// Log to the standard error.
        use_stderr: bool = Opt::boolean("").default_bool(false);
        /// Give %(color)s in a format a value, and reset the colour behind each line, on the standard output
        /// and error.
        log_color: bool = Opt::boolean("").default_bool(false);
        /// Number of units after which an `interval` rotation takes place; the day with Weekday, 0 being Monday.
        log_rotate_interval: i64 = Opt::integer("").default_int(1);
        /// Unit of the rotation interval.
        log_rotate_interval_type: String = Opt::new("", UNITS).default_text("days");
        /// Log files kept after rotation.
        max_logfile_count: i64 = Opt::integer("").default_int(30);
        /// Size in MiB at which a `size` rotation takes place.
        max_logfile_size_mb: i64 = Opt::integer("").default_int(200);
        /// Rotate by `interval`, by `size`, or follow what others rotate with `none`.
        log_rotation_type: String = Opt::new("", ROTATION).default_text("none");
        /// Layout of a log line that belongs to a request.
        logging_context_format_string: String = Opt::string("").default_text(
            "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s [%(global_request_id)s %(request_id)s %(user_identity)s] %(instance)s%(message)s");
        /// Layout of a log line that belongs to no request.
        logging_default_format_string: String = Opt::string("").default_text(
            "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s [-] %(instance)s%(message)s");
        /// What is added to a line at DEBUG.
        logging_debug_format_suffix: String = Opt::string("").default_text("%(funcName)s %(pathname)s:%(lineno)d");
        /// What each further line of an error begins with.
        logging_exception_prefix: String = Opt::string("").default_text(
            "%(asctime)s.%(msecs)03d %(process)d ERROR %(name)s %(instance)s");
        /// How the user of a request is shown in a line.
        logging_user_identity_format: String = Opt::string("").default_text(
            "%(user)s %(project)s %(domain)s %(system_scope)s %(user_domain)s %(project_domain)s");
        /// Levels per logger, as name=LEVEL; setting this replaces the whole list.
        default_log_levels: Vec<String> = Opt::list("").default_list(LEVELS);
        /// Send errors as notifications, too.
        publish_errors: bool = Opt::boolean("").default_bool(false);
        /// What a line about an instance begins with.
        instance_format: String = Opt::string("").default_text("[instance: %(uuid)s] ");
        /// What a line about an instance begins with when only its id is known.
        instance_uuid_format: String = Opt::string("").default_text("[instance: %(uuid)s] ");
        /// Seconds over which log lines are counted for the limit; 0 is no limit.
        rate_limit_interval: i64 = Opt::integer("").default_int(0);
        /// Lines allowed within that time.
        rate_limit_burst: i64 = Opt::integer("").default_int(0);
        /// Level from which on lines are never dropped; required with a limit.
        rate_limit_except_level: String = Opt::choice("", &["CRITICAL", "ERROR", "INFO", "WARNING", "DEBUG", ""])
            .default_text("CRITICAL");
        /// Stop on the use of a deprecated option instead of warning.
        fatal_deprecations: bool = Opt::boolean("").default_bool(false);
    }
}

const UNITS: Kind<'static> =
    any_case(&["Seconds", "Minutes", "Hours", "Days", "Weekday", "Midnight"]);
const ROTATION: Kind<'static> = any_case(&["interval", "size", "none"]);

/// Libraries whose chatter is turned down by default (`spec/logging.md` §2.3).
const LEVELS: &[&str] = &[
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
