//! A log file that cannot grow: a full disk looks the same to the writer.

#![expect(clippy::unwrap_used, reason = "a helper that fails must fail its test")]

use std::process::Command;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use oslo_log::LogOptions;

/// Set for the process that the limit is put on.
const LIMITED: &str = "OSLO_LOG_TEST_LIMITED";

fn limit(bytes: u64) {
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, bytes, hard).unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test asks which of its two processes it is")]
fn after_a_full_disk_the_next_line_begins_a_line_and_what_was_lost_is_counted_and_told() {
    if std::env::var_os(LIMITED).is_some() {
        return beyond_the_limit();
    }
    // A limit ends a process that does not ignore its signal, as a daemon does, and a disposition
    // is inherited.
    let own = std::env::current_exe().unwrap();
    let ended = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" after_a_full_disk --nocapture"#])
        .arg(own)
        .env(LIMITED, "1")
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

fn beyond_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    let options = LogOptions {
        log_file: Some(path.clone()),
        logging_default_format_string: "%(message)s".into(),
        ..LogOptions::default()
    };
    let (subscriber, log) = oslo_log::subscriber(&options).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("first");
        limit(10); // room for four bytes of the next line
        tracing::info!("second");
        tracing::info!("third");
        let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
        limit(hard);
        tracing::info!("fourth");
        tracing::info!("fifth");
    });
    let told = format!("2 log lines were dropped: {} had no room for them", path.display());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("first\nseco\n{told}\nfourth\nfifth\n"));
    assert_eq!(log.dropped_lines(), 2);
}
