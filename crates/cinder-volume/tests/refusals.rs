//! A start and `config check` refuse the same configurations, on the built program.
//!
//! Each configuration is checked and started; a start that goes on is one whose worker has made something below
//! `state_path`. No network and no server: the database is a file.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![allow(clippy::disallowed_methods, reason = "it starts the program, as an operator does")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cinder-volume");

/// How long a start may take to go on or to end, on a machine that has other things to do.
const LIMIT: Duration = Duration::from_secs(60);

/// What is added to a good configuration: section, lines; and whether a start refuses it then. `DIR` is a directory.
const ADDED: &[(&str, &str, bool)] = &[
    ("DEFAULT", "", false),
    ("DEFAULT", "default_log_levels = a=LOUD", true),
    ("DEFAULT", "default_log_levels = a=INFO,b=9", false),
    ("DEFAULT", "default_log_levels =", false),
    ("DEFAULT", "log_dir = DIR/missing", true),
    ("DEFAULT", "log_dir = DIR", false),
    ("DEFAULT", "log_file = DIR", true),
    ("DEFAULT", "log_file = DIR/file/x.log", true),
    ("DEFAULT", "log_file = DIR/x.log", false),
    ("DEFAULT", "log_dir = DIR/missing\nlog_file = DIR/x.log", false),
    ("DEFAULT", "use_syslog = true\nsyslog_log_facility = LOG_NOWHERE", true),
    ("DEFAULT", "syslog_log_facility = LOG_NOWHERE", false),
    ("DEFAULT", "use_syslog = true\nsyslog_log_facility = local3", false),
    (
        "DEFAULT",
        "log_file = DIR/x.log\nlog_rotation_type = interval\nlog_rotate_interval = 0",
        true,
    ),
    ("DEFAULT", "log_rotation_type = interval\nlog_rotate_interval = 0", false),
    ("DEFAULT", "log_rotation_type = sometimes", true),
    ("DEFAULT", "logging_default_format_string = %(nothing", false),
    ("DEFAULT", "log_config_append = DIR/missing.ini", true),
    ("DEFAULT", "log_config_append = DIR", true),
    ("DEFAULT", "log_config_append = DIR/file", true),
    ("DEFAULT", "log_config_append = DIR/handlers.ini", false),
    ("DEFAULT", "rootwrap_config = 'open", true),
    ("DEFAULT", "rootwrap_config =", true),
    ("DEFAULT", "rpc_response_timeout = 60s", true),
    ("DEFAULT", "report_interval = soon", true),
    ("DEFAULT", "report_interval = 60", false),
    ("DEFAULT", "report_interval = 9223372036854775807", false),
    ("DEFAULT", "report_interval = 9223372036854775808", true),
    ("DEFAULT", "executor_thread_pool_size = 1", false),
    ("DEFAULT", "executor_thread_pool_size = 0", true),
    ("DEFAULT", "debug = false\ndebug = true", false),
    ("DEFAULT", "transport_url = nonsense://h", true),
    ("DEFAULT", "transport_url = rabbit://u:p@ss@h:x/", true),
    ("DEFAULT", "volume_name_template = x", true),
    ("DEFAULT", "snapshot_name_template = x-%s-%s", true),
    ("DEFAULT", "cluster = c", true),
    ("DEFAULT", "enabled_backends = a # only a", true),
    ("DEFAULT", "enabled_backends =", true),
    ("DEFAULT", "enabled_backends = a, a", false),
    ("DEFAULT", "host = a\tb", true),
    ("DEFAULT", "state_path = $nowhere", true),
    ("database", "connection =", true),
    ("database", "connection = CINDER_DBPASS", true),
    ("database", "connection = <DB_URL>", true),
    ("database", "connection = oracle://c:pw@h/c", true),
    ("database", "connection = sqlite://", true),
    ("database", "max_retries = many", true),
    ("health", "bind = nowhere", true),
    ("health", "bind = localhost:1", true),
    ("health", "bind = unix:DIR/health.sock", false),
    ("health", "bind = unix:DIR/missing/health.sock", false),
    ("health", "bind = unix:/", true),
    ("health", "bind = unix:DIR/health.sock\nsocket_mode = 9", true),
    ("health", "bind = unix:DIR/health.sock\nsocket_mode = 1777", true),
    ("health", "socket_mode = 9", true),
    ("oslo_reports", "log_dir = DIR/missing", false),
    ("supervisor", "launcher = thread", true),
    ("supervisor", "respawn_backoff_max = 0", true),
    ("supervisor", "respawn_backoff_max = 9223372036854775807", false),
    ("coordination", "backend_url = etcd3://h", true),
    ("a", "extra_capabilities = {", true),
    ("a", "extra_capabilities = {\"x\": 1}", false),
    ("a", "reserved_percentage = x", true),
    ("a", "volume_driver =", true),
    ("a", "volume_driver = locall", true),
    ("a", "volume_driver = cinder.volume.drivers.rbd.RDBDriver", true),
    ("a", "volume_driver = cinder.volume.drivers.scality.ScalityDriver", true),
    ("a", "volume_driver = cinder.volume.drivers.rbd.RBDDriver", false),
    ("a", "volume_driver = acme.AcmeDriver", false),
    ("a", "backend_host = a\tb", true),
    ("a", "san_password = x # y", false),
    ("backend_defaults", "extra_capabilities = []", true),
    ("backend_defaults", "target_port = 70000", true),
    ("nobody_knows", "x = y", false),
];

/// A directory with a good configuration and what `added` says besides.
fn configure(dir: &Path, added: &[&(&str, &str, bool)]) {
    let path = dir.display();
    fs::write(dir.join("file"), "no handlers").unwrap();
    fs::create_dir(dir.join("state")).unwrap();
    let handlers = format!(
        "[loggers]\nkeys = root\n[handlers]\nkeys = f\n[formatters]\nkeys =\n[logger_root]\nhandlers = f\n\
         [handler_f]\nclass = FileHandler\nargs = ('{path}/handled.log',)\n"
    );
    fs::write(dir.join("handlers.ini"), handlers).unwrap();
    let mut text = format!(
        "[DEFAULT]\nenabled_backends = a\nhost = h\nstate_path = {path}/state\n[database]\n\
         connection = sqlite:///{path}/c.sqlite\n[a]\nvolume_driver = local\n"
    );
    for (section, lines, _) in added {
        text += &format!("[{section}]\n{}\n", lines.replace("DIR", &path.to_string()));
    }
    fs::write(dir.join("cinder.conf"), text).unwrap();
}

fn command(dir: &Path, words: &[&str]) -> Command {
    let out = fs::File::create(dir.join("out")).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["--config-file", "cinder.conf"]).args(words).current_dir(dir).env_clear();
    command.stdin(Stdio::null()).stderr(out.try_clone().unwrap()).stdout(out);
    command
}

/// Ends with the test, whatever comes of that; its workers see to themselves.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a start ends by itself, and what it has said.
fn is_refused(dir: &Path) -> (bool, String) {
    let mut daemon = Daemon(command(dir, &[]).spawn().unwrap());
    let since = Instant::now();
    let refused = loop {
        if let Some(status) = daemon.0.try_wait().unwrap() {
            assert_eq!(status.code(), Some(1), "{status}");
            break true;
        }
        // The worker's bus, or what its driver makes.
        if dir.join("state/rpc").exists() || dir.join("state/volumes").exists() {
            break false;
        }
        assert!(
            since.elapsed() < LIMIT,
            "neither up nor over: {}",
            fs::read_to_string(dir.join("out")).unwrap()
        );
        std::thread::sleep(Duration::from_millis(5));
    };
    (refused, fs::read_to_string(dir.join("out")).unwrap())
}

fn check(dir: &Path) -> (bool, String) {
    let status = command(dir, &["config", "check"]).status().unwrap();
    (status.code() == Some(1), fs::read_to_string(dir.join("out")).unwrap())
}

/// What a check says of it, and a start does with it.
fn both(added: &[&(&str, &str, bool)]) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), added);
    let before: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    let (found, report) = check(dir.path());
    let after = fs::read_dir(dir.path()).unwrap().map(|one| one.unwrap().file_name());
    assert!(
        after.filter(|name| name != "out").all(|name| before.contains(&name)),
        "a check makes no file"
    );
    let (refused, said) = is_refused(dir.path());
    assert_eq!(found, refused, "{added:?}\ncheck: {report}\nstart: {said}");
    (found, report)
}

#[test]
fn a_database_that_may_not_be_opened_is_told_with_its_reason_and_tried_once() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), &[&("database", "max_retries = -1\nretry_interval = 1", false)]);
    assert!(command(dir.path(), &["db", "init"]).status().unwrap().success());
    for (path, mode) in [("", 0o777), ("state", 0o777), ("out", 0o666), ("c.sqlite", 0)] {
        fs::set_permissions(dir.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    // Root may open everything.
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let program = dir.path().join("cinder-volume");
    fs::copy(PROGRAM, &program).unwrap();
    let out = fs::File::create(dir.path().join("out")).unwrap();
    let mut start = Command::new(program);
    start.args(["--config-file", "cinder.conf"]).current_dir(dir.path()).env_clear();
    start.stdin(Stdio::null()).stderr(out.try_clone().unwrap()).stdout(out);
    if is_root {
        start.uid(65534).gid(65534);
    }
    let mut daemon = Daemon(start.spawn().unwrap());
    let since = Instant::now();
    let said = || fs::read_to_string(dir.path().join("out")).unwrap();
    let status = loop {
        if let Some(status) = daemon.0.try_wait().unwrap() {
            break status;
        }
        assert!(since.elapsed() < LIMIT, "it tries for ever: {}", said());
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(1), "{}", said());
    assert!(said().contains("Permission denied (os error 13)"), "{}", said());
    assert!(!said().contains("attempts left"), "{}", said());
}

#[test]
fn a_hint_about_passwords_is_not_masked_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let added = ("DEFAULT", "transport_url = rabbit://u:hunter2@h:99999/", true);
    configure(dir.path(), &[&added]);
    let (found, report) = check(dir.path());
    assert!(found && report.contains("the signs : / ? # @ and , of a password"), "{report}");
    assert!(!report.contains("hunter2"), "{report}");
}

/// What a start goes on with, and an operator would find out later.
#[test]
fn what_is_missing_is_a_warning_with_its_place() {
    for (section, lines, option) in [
        ("health", "bind = unix:DIR/missing/health.sock", "bind: DIR/missing is no directory"),
        ("oslo_reports", "log_dir = DIR/missing", "log_dir: DIR/missing is no directory"),
        (
            "DEFAULT",
            "transport_url = rabbit://h/?ssl=true&ssl_ca_file=DIR/missing.pem",
            "transport_url: ssl_ca_file in it DIR/missing.pem: No such file",
        ),
        (
            "oslo_messaging_rabbit",
            "ssl = true\nssl_key_file = DIR/missing.key\n[DEFAULT]\ntransport_url = rabbit://h/",
            "ssl_key_file: DIR/missing.key: No such file",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        configure(dir.path(), &[&(section, lines, false)]);
        let (found, report) = check(dir.path());
        assert!(!found, "{report}");
        let option = option.replace("DIR", &dir.path().to_string_lossy());
        let told = |line: &str| {
            line.starts_with("warning /") && line.contains("cinder.conf:") && line.contains(&option)
        };
        assert!(report.lines().any(told), "{option}\n{report}");
    }
}

#[test]
fn whatever_a_start_refuses_a_check_reports_and_the_other_way_round() {
    for one in ADDED {
        let (refused, report) = both(&[one]);
        assert_eq!(refused, one.2, "{one:?}\n{report}");
        // Where somebody wrote something wrong, the check says where.
        if refused && !one.1.ends_with("enabled_backends =") {
            let errors = report.lines().filter(|line| line.starts_with("error"));
            assert!(errors.clone().all(|line| line.contains("cinder.conf:")), "{one:?}\n{report}");
        }
    }
}

#[test]
fn of_two_additions_each_that_is_wrong_is_reported() {
    // Every seventh with every eleventh: not all pairs, but the same ones in every run.
    for step in 0..12 {
        let pair =
            [&ADDED[1 + step * 7 % (ADDED.len() - 1)], &ADDED[1 + step * 11 % (ADDED.len() - 1)]];
        let (refused, report) = both(&pair);
        // One may overwrite the other, or leave out the back end that the other is about.
        if pair[0].0 != pair[1].0 && !pair.iter().any(|one| one.1.starts_with("enabled_backends")) {
            assert_eq!(refused, pair[0].2 || pair[1].2, "{pair:?}\n{report}");
            let wrong = pair.iter().filter(|one| one.2).count();
            let errors = report.lines().filter(|line| line.starts_with("error")).count();
            assert!(errors >= wrong, "{pair:?}\n{report}");
        }
    }
}
