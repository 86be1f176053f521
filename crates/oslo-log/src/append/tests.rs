//! Files as operators write them, and what becomes of them.

use std::fmt::Write as _;

use super::*;
use crate::LogHandle;

/// The file as a program reads it.
fn read(path: &Path) -> HandlersFile {
    HandlersFile {
        path: path.to_owned(),
        text: std::fs::read_to_string(path).unwrap().into(),
        modified: Some(std::fs::metadata(path).unwrap().modified().unwrap()),
    }
}

/// Sets logging up from `file` in a directory of its own, in which `DIR` is the directory; logs
/// with `body`, and returns what stands in its files and what was remarked.
fn run(file: &str, body: impl FnOnce(&LogHandle, &Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logging.ini");
    std::fs::write(&path, file.replace("DIR", &dir.path().to_string_lossy())).unwrap();
    let options = LogOptions {
        log_config_append: Some(read(&path)),
        syslog_socket: dir.path().join("socket"),
        ..LogOptions::default()
    };
    let (subscriber, log) = crate::subscriber(&options).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        log.warn_unsupported();
        body(&log, &path);
    });
    assert_eq!(log.dropped_lines(), 0);
    let mut text = String::new();
    let mut files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap).collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    for file in files.into_iter().filter(|file| file.path() != path) {
        let name = file.file_name();
        let _ = writeln!(text, "== {}", name.to_string_lossy());
        text += &std::fs::read_to_string(file.path()).unwrap();
    }
    text.replace(&*dir.path().to_string_lossy(), "DIR")
}

const LOGGERS: &str = "
[loggers]
keys = root, cinder, amqp

[handlers]
keys = all, errors, own

[formatters]
keys = plain, bare

[logger_root]
level = WARNING
handlers = all, errors

[logger_cinder]
qualname = cinder
level = DEBUG
handlers =

[logger_amqp]
qualname = amqp
handlers = own
propagate = 0

[handler_all]
class = logging.handlers.WatchedFileHandler
args = ('%(where)s/all.log',)
formatter = plain
where = DIR

[handler_errors]
class = FileHandler
level = ERROR
args = ('DIR/errors.log', 'a')
formatter = plain

[handler_own]
class = logging.handlers.RotatingFileHandler
kwargs = {'filename': 'DIR/own.log', 'maxBytes': 4 * 1024, 'backupCount': 2}

[formatter_plain]
format = %(levelname)s %(name)s: %(message)s

[formatter_bare]
";

fn speak() {
    tracing::debug!(target: "cinder.volume", "debug");
    tracing::info!(target: "oslo.service", "info");
    tracing::warn!(target: "oslo.service", "warning");
    tracing::error!(target: "cinder", error = "it broke", "error");
    tracing::error!(target: "amqp.channel", "own");
}

#[test]
fn records_go_to_the_handlers_of_their_logger_and_of_those_above_it() {
    expect_test::expect![[r"
        == all.log
        DEBUG cinder.volume: debug
        WARNING oslo.service: warning
        ERROR cinder: error
        it broke
        == errors.log
        ERROR cinder: error
        it broke
        == own.log
        own
    "]]
    .assert_eq(&run(LOGGERS, |_, _| speak()));
}

#[test]
fn a_reload_takes_over_a_file_only_if_it_was_changed_and_keeps_the_old_one_if_it_is_bad() {
    let text = run(LOGGERS, |log, path| {
        assert!(!log.reload(Some(read(path))).unwrap());
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        let change = |text: &str, time| {
            std::fs::write(path, text).unwrap();
            std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        };
        let good = std::fs::read_to_string(path).unwrap();
        change("[loggers]\n", later);
        let error = log.try_reload(Some(read(path))).unwrap_err().to_string();
        assert_eq!(log.reload(Some(read(path))).unwrap_err().to_string(), error);
        assert!(error.ends_with("logging.ini: section [formatters] is missing"), "{error}");
        tracing::warn!(target: "x", "still there");
        let quiet = good.replace("level = DEBUG", "level = ERROR").replace("all.log", "more.log");
        change(&quiet, later + std::time::Duration::from_secs(1));
        log.try_reload(Some(read(path))).unwrap();
        assert!(log.reload(Some(read(path))).unwrap());
        tracing::info!(target: "cinder", "not any more");
        tracing::warn!(target: "x", "here now");
        // A change of `debug` moves the root's level, as in the original.
        assert!(log.set_debug(true) && !log.set_debug(true));
        tracing::debug!(target: "y", "and this");
    });
    expect_test::expect![[r"
        == all.log
        WARNING x: still there
        == errors.log
        == more.log
        WARNING x: here now
        DEBUG y: and this
        == own.log
    "]]
    .assert_eq(&text);
}

#[test]
fn oslo_logs_own_classes_follow_the_options_and_what_has_no_counterpart_is_told() {
    let file = "
[loggers]
keys = root
[handlers]
keys = context, json, mail, syslog, udp, null
[formatters]
keys = context, json
[logger_root]
level = INFO
handlers = context, json, mail, udp, null
[handler_context]
class = logging.handlers.TimedRotatingFileHandler
args = ('DIR/context.log', 'midnight', 1, 7)
formatter = context
[handler_json]
class = FileHandler
args = ('DIR/x.json', 'w')
formatter = json
[handler_mail]
class = logging.handlers.SMTPHandler
args = ('localhost', 'a@b', ['c@d'], 'subject')
[handler_syslog]
class = oslo_log.handlers.OSSysLogHandler
args = (handlers.SysLogHandler.LOG_LOCAL3,)
[handler_udp]
class = logging.handlers.SysLogHandler
args = (('localhost', 514), handlers.SysLogHandler.LOG_USER)
[handler_null]
class = NullHandler
[formatter_context]
class = oslo_log.formatters.ContextFormatter
datefmt = %Y
[formatter_json]
class = oslo_log.formatters.JSONFormatter
";
    let text = run(file, |_, _| {
        let request = tracing::error_span!("rpc", request_id = "req-1", user = "uid");
        request.in_scope(|| tracing::info!(target: "cinder", zone = "z", "hello"));
    });
    let context = text.lines().filter(|line| line.starts_with("20"));
    let context: Vec<_> = context.map(|line| line.splitn(3, ' ').nth(2).unwrap()).collect();
    expect_test::expect![[r#"
        [
            "WARNING oslo_log [-] DIR/x.json is appended to, although its mode is 'w'",
            "WARNING oslo_log [-] [handler_mail] is left out: there is no counterpart of class SMTPHandler",
            "WARNING oslo_log [-] Nobody takes lines for syslog at DIR/socket: No such file or directory (os error 2); they wait",
            "WARNING oslo_log [-] [handler_udp] is left out: only a local socket such as '/dev/log' can be its address",
            "INFO cinder [None req-1 uid - - - - -] hello",
        ]
    "#]]
    .assert_debug_eq(&context);
    let json = text.lines().last().unwrap();
    assert!(
        json.starts_with("{\"message\": \"hello\"") && json.contains("\"zone\": \"z\""),
        "{json}"
    );
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_its_place() {
    for (from, to, expected) in [
        ("keys = root, cinder, amqp", "keys = cinder", "[loggers] keys: root is missing"),
        (
            "handlers = all, errors",
            "handlers = nobody",
            "[logger_root] handlers: there is no handler nobody",
        ),
        ("level = DEBUG", "level = LOUD", "[logger_cinder] Unknown level: 'LOUD'"),
        ("qualname = amqp", "", "[logger_amqp] qualname is missing"),
        (
            "format = %(levelname)s %(name)s: %(message)s",
            "format = nothing",
            "[formatter_plain] format: it names no value of a record, as %(message)s",
        ),
        (
            "[formatter_bare]",
            "[formatter_bare]\nstyle = {",
            "[formatter_bare] style: only % is known here, not {",
        ),
        (
            "('DIR/errors.log', 'a')",
            "open('x')",
            "[handler_errors] args: \"('x')\" is not understood",
        ),
        (
            "('DIR/errors.log', 'a')",
            "('/no/such/dir/x.log',)",
            "[handler_errors] cannot open log file /no/such/dir/x.log: No such file or directory (os error 2)",
        ),
        (
            "formatter = plain",
            "formatter = fancy",
            "[handler_all] section [formatter_fancy] is missing",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logging.ini");
        let text = LOGGERS.replace(from, to).replace("DIR", &dir.path().to_string_lossy());
        std::fs::write(&path, text).unwrap();
        let options = LogOptions { log_config_append: Some(read(&path)), ..LogOptions::default() };
        let error = crate::subscriber(&options).unwrap_err().to_string();
        let head = format!("Error loading logging config {}: ", path.display());
        assert_eq!(error.strip_prefix(&head), Some(expected), "{error}");
    }
}

#[test]
fn without_the_file_the_other_options_are_in_force_again() {
    let dir = tempfile::tempdir().unwrap();
    let (path, own) = (dir.path().join("logging.ini"), dir.path().join("option.log"));
    std::fs::write(&path, LOGGERS.replace("DIR", &dir.path().to_string_lossy())).unwrap();
    let options = LogOptions {
        log_config_append: Some(read(&path)),
        log_file: Some(own.clone()),
        logging_default_format_string: "%(levelname)s %(message)s".into(),
        ..LogOptions::default()
    };
    let (subscriber, log) = crate::subscriber(&options).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        tracing::error!(target: "x", "into the file's file");
        assert!(!own.exists());
        assert!(log.reload(None).unwrap() && !log.reload(None).unwrap());
        tracing::info!(target: "x", "into the option's file");
        assert!(log.reload(Some(read(&path))).unwrap());
        tracing::error!(target: "x", "and back");
    });
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "INFO into the option's file\n");
    let all = std::fs::read_to_string(dir.path().join("all.log")).unwrap();
    assert_eq!(all, "ERROR x: into the file's file\nERROR x: and back\n");
}
