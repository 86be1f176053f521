//! What only a process of its own can show: shared files, broken destinations, global hooks.
//!
//! Each test starts this test program again, for itself alone and with a directory in the
//! environment; the second run finds the variable and plays the part of the daemon.

#![expect(clippy::unwrap_used, reason = "a helper that fails must fail its test")]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use oslo_log::guru::{Destination, ReportError};
use oslo_log::{LogHandle, LogOptions, log};

const DIRECTORY: &str = "OSLO_LOG_TEST_DIRECTORY";

/// The directory to work in, if this run is the daemon's part.
#[expect(clippy::disallowed_methods, reason = "the test talks to its own second run")]
fn daemon_directory() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// A second run of the test named `test`.
fn daemon(test: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(DIRECTORY, directory);
    command.env_remove("RUST_BACKTRACE").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(test: &str, directory: &Path) -> Output {
    let output = daemon(test, directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    output
}

/// Installs a subscriber that writes `x.log` in `directory`, as the binary would.
fn install(directory: &Path) -> LogHandle {
    let options = LogOptions {
        log_file: Some(directory.join("x.log")),
        logging_default_format_string: "%(levelname)s %(name)s %(message)s".into(),
        logging_exception_prefix: "ERROR %(name)s ".into(),
        ..LogOptions::default()
    };
    let (subscriber, log) = oslo_log::subscriber(&options).unwrap();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log
}

fn logged(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("x.log")).unwrap()
}

const PROCESSES: usize = 4;
const THREADS: usize = 4;
const RECORDS: usize = 1500;

/// A payload that tells where it should end; some are longer than a page.
fn payload(thread: usize, record: usize) -> String {
    let length = (record * 37 + thread) % if record.is_multiple_of(100) { 9000 } else { 200 };
    format!("{thread} {record} {length} {}.", "x".repeat(length))
}

#[test]
fn many_processes_and_threads_write_one_file_without_a_torn_line() {
    let name = "many_processes_and_threads_write_one_file_without_a_torn_line";
    if let Some(directory) = daemon_directory() {
        let log = install(&directory);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    for record in 0..RECORDS {
                        let first = payload(thread, record);
                        tracing::info!(traceback = "second", "first {first}");
                    }
                });
            }
        });
        assert_eq!(log.dropped_lines(), 0);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let daemons: Vec<_> =
        (0..PROCESSES).map(|_| daemon(name, dir.path()).spawn().unwrap()).collect();
    for mut daemon in daemons {
        assert!(daemon.wait().unwrap().success());
    }
    let text = logged(dir.path());
    let mut lines = text.lines();
    let mut records = 0;
    while let Some(first) = lines.next() {
        let found = first.strip_prefix("INFO process first ").unwrap_or_else(|| panic!("{first}"));
        let mut words = found.split(' ').map(|word| word.parse::<usize>());
        let (thread, record) = (words.next().unwrap().unwrap(), words.next().unwrap().unwrap());
        assert_eq!(found, payload(thread, record));
        let second = lines.next().unwrap();
        assert!(second.ends_with("second"), "a record of several lines is one write: {second}");
        let prefix = second.len() - "second".len();
        assert_eq!(lines.next().map(str::len), Some(prefix), "a prefix ends the lines behind");
        records += 1;
    }
    assert_eq!(records, PROCESSES * THREADS * RECORDS);
}

/// Logs to a standard output that takes nothing; returns how many of the lines were dropped.
fn log_to_broken_stdout(replace: impl FnOnce()) -> u64 {
    let saved = nix::unistd::dup(std::io::stdout()).unwrap();
    replace();
    let (subscriber, log) = oslo_log::subscriber(&LogOptions::default()).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..1000 {
            tracing::info!("line {number} {}", "x".repeat(1000));
        }
    });
    nix::unistd::dup2_stdout(saved).unwrap();
    log.dropped_lines()
}

#[test]
fn lines_for_a_full_broken_or_closed_stdout_are_dropped_and_counted() {
    let name = "lines_for_a_full_broken_or_closed_stdout_are_dropped_and_counted";
    if daemon_directory().is_some() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(log_to_broken_stdout(|| nix::unistd::dup2_stdout(full).unwrap()), 1000);

        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert_eq!(log_to_broken_stdout(|| nix::unistd::dup2_stdout(ours).unwrap()), 1000);

        let (ours, theirs) = UnixStream::pair().unwrap();
        let dropped = log_to_broken_stdout(|| nix::unistd::dup2_stdout(ours).unwrap());
        assert!((1..1000).contains(&dropped), "nobody reads, so it fills up: {dropped}");
        drop(theirs);

        assert_eq!(log_to_broken_stdout(|| nix::unistd::close(1).unwrap()), 1000);
        return;
    }
    run(name, tempfile::tempdir().unwrap().path());
}

const FLOOD: usize = 20_000;

#[test]
fn a_reader_that_stops_for_a_while_misses_lines_and_is_told_how_many() {
    let name = "a_reader_that_stops_for_a_while_misses_lines_and_is_told_how_many";
    if daemon_directory().is_some() {
        let options = LogOptions {
            use_stderr: true,
            logging_default_format_string: "%(levelname)s %(name)s %(message)s".into(),
            ..LogOptions::default()
        };
        let (subscriber, log) = oslo_log::subscriber(&options).unwrap();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        for number in 0..FLOOD {
            tracing::info!("line {number}");
        }
        assert!(log.flush().is_some() && !log.flush_within(Duration::from_millis(1)));
        println!("\nstuck after losing {}", log.dropped_lines());
        assert!(log.flush_within(Duration::from_secs(60)));
        tracing::info!("the end");
        return;
    }
    let (mut unread, stderr) = std::io::pipe().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = daemon(name, dir.path()).stderr(stderr.try_clone().unwrap()).spawn().unwrap();
    let stdout = BufReader::new(daemon.stdout.take().unwrap());
    let mut told = stdout.lines().map(Result::unwrap);
    let stuck = told.find_map(|line| line.strip_prefix("stuck after losing ")?.parse().ok());
    let lost: usize = stuck.expect("the daemon waits for its reader, or has given up");
    let flags = OFlag::from_bits_truncate(fcntl(&stderr, FcntlArg::F_GETFL).unwrap());
    assert!(!flags.contains(OFlag::O_NONBLOCK), "what we share with the daemon was changed");
    drop(stderr);
    let mut text = String::new();
    unread.read_to_string(&mut text).unwrap();
    assert!(daemon.wait().unwrap().success(), "{:?}", told.collect::<Vec<_>>());

    let mut lines = text.lines();
    for number in 0..FLOOD - lost {
        assert_eq!(lines.next(), Some(format!("INFO process line {number}").as_str()));
    }
    let notice = format!(
        "WARNING oslo_log {lost} log lines were dropped: standard error was not read fast enough, \
         or not at all"
    );
    assert_eq!(lines.collect::<Vec<_>>(), [notice.as_str(), "INFO process the end"]);
}

#[test]
fn a_panic_is_one_critical_record_with_place_and_payload() {
    let name = "a_panic_is_one_critical_record_with_place_and_payload";
    if let Some(directory) = daemon_directory() {
        install(&directory);
        std::panic::set_hook(Box::new(oslo_log::panic_hook("cinder")));
        let worker = std::thread::Builder::new().name("worker".into());
        let thread = worker.spawn(|| panic!("volume {} is gone", 7)).unwrap();
        assert!(thread.join().is_err());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    run(name, dir.path());
    let text = logged(dir.path());
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "CRITICAL cinder Unhandled error: panic: volume 7 is gone");
    let place = lines[1].strip_prefix("ERROR cinder thread 'worker' panicked at ").unwrap();
    assert!(place.contains("tests/process.rs:"), "{place}");
    assert_eq!(lines[2..], ["ERROR cinder "]);
}

#[test]
fn records_of_the_log_crate_go_the_same_way() {
    let name = "records_of_the_log_crate_go_the_same_way";
    if let Some(directory) = daemon_directory() {
        let handle = install(&directory);
        log::set_boxed_logger(Box::new(oslo_log::LogTracer::new())).unwrap();
        log::set_max_level(handle.log_filter());
        let speak = || {
            log::debug!(target: "r2d2::pool", "debug");
            log::info!(target: "r2d2::pool", "info");
            log::error!(target: "amqp", "error");
            log::info!(target: "amqp", "below its logger's level");
        };
        speak();
        handle.set_debug(true);
        tracing::error_span!("rpc", request_id = "req-1").in_scope(speak);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    run(name, dir.path());
    let mut text = String::new();
    for line in logged(dir.path()).lines() {
        // Line number and, in the context format, time and pid differ from run to run.
        let line = line.split(" r2d2.pool ").collect::<Vec<_>>();
        let _ = writeln!(text, "{}", line.last().unwrap());
    }
    let place = "process crates/oslo-log/tests/process.rs:";
    assert!(
        text.starts_with("info\nERROR amqp error\n[None req-1 - - - - - -] debug process "),
        "{text}"
    );
    assert!(text.contains(place.split_once(' ').unwrap().1), "{text}");
    assert!(text.contains("\n[None req-1 - - - - - -] info\n"), "{text}");
    assert!(!text.contains("below"), "{text}");
}

#[test]
fn a_report_that_cannot_be_filed_says_so_on_stderr() {
    let name = "a_report_that_cannot_be_filed_says_so_on_stderr";
    if let Some(directory) = daemon_directory() {
        let missing = Destination::Directory(directory.join("missing"));
        assert!(matches!(missing.deliver("prog", 1, "text"), Err(ReportError::File { .. })));
        assert!(matches!(Destination::Stderr.deliver("prog", 1, "the report\n"), Ok(None)));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let stderr = String::from_utf8(run(name, dir.path()).stderr).unwrap();
    let path = dir.path().join("missing/prog_gurumeditation_");
    let start = format!("Unable to dump Guru Meditation Report to file {}", path.display());
    assert!(stderr.starts_with(&start), "{stderr}");
    assert!(stderr.ends_with("\nthe report\n"), "{stderr}");
}

#[test]
fn a_report_gives_up_on_a_stderr_that_nobody_reads() {
    let name = "a_report_gives_up_on_a_stderr_that_nobody_reads";
    if daemon_directory().is_some() {
        let report = "x".repeat(1024 * 1024);
        assert!(matches!(
            Destination::Stderr.deliver("prog", 1, &report),
            Err(ReportError::Stderr)
        ));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = daemon(name, dir.path()).spawn().unwrap();
    let mut unread = daemon.stderr.take().unwrap();
    let status = daemon.wait().unwrap();
    let mut text = String::new();
    unread.read_to_string(&mut text).unwrap();
    assert!(status.success(), "{text}");
    assert!(!text.is_empty() && text.len() < 1024 * 1024);
}
