//! `[DEFAULT]`'s logging options as `oslo-log` wants them.

use cinder_conf::cinder::Conf;
use cinder_types::UPSTREAM_VERSION;
use oslo_log::LogOptions;

use crate::surroundings::Surroundings;

/// The options of `oslo-log`, without the file of `log_config_append`, which is not read here.
pub(crate) fn log_options(conf: &Conf, surroundings: &Surroundings) -> LogOptions {
    let logging = &conf.logging;
    let path = |option: &Option<String>| option.as_ref().map(Into::into);
    LogOptions {
        debug: logging.debug,
        log_file: path(&logging.log_file),
        log_dir: path(&logging.log_dir),
        program: surroundings.name.clone(),
        use_stderr: logging.use_stderr,
        use_syslog: logging.use_syslog,
        use_journal: logging.use_journal,
        syslog_log_facility: logging.syslog_log_facility.clone(),
        use_json: logging.use_json,
        log_color: logging.log_color,
        // No option: without rotation the original always does.
        watch_log_file: true,
        log_rotation_type: logging.log_rotation_type.clone(),
        log_rotate_interval: logging.log_rotate_interval,
        log_rotate_interval_type: logging.log_rotate_interval_type.clone(),
        max_logfile_count: logging.max_logfile_count,
        max_logfile_size_mb: logging.max_logfile_size_mb,
        rate_limit_interval: logging.rate_limit_interval,
        rate_limit_burst: logging.rate_limit_burst,
        rate_limit_except_level: logging.rate_limit_except_level.clone(),
        default_log_levels: logging.default_log_levels.clone(),
        log_date_format: logging.log_date_format.clone(),
        logging_context_format_string: logging.logging_context_format_string.clone(),
        logging_default_format_string: logging.logging_default_format_string.clone(),
        logging_debug_format_suffix: logging.logging_debug_format_suffix.clone(),
        logging_exception_prefix: logging.logging_exception_prefix.clone(),
        logging_user_identity_format: logging.logging_user_identity_format.clone(),
        instance_format: logging.instance_format.clone(),
        instance_uuid_format: logging.instance_uuid_format.clone(),
        project: "cinder".into(),
        version: UPSTREAM_VERSION.into(),
        host_name: Some(surroundings.host_name.clone()),
        ..LogOptions::default()
    }
}
