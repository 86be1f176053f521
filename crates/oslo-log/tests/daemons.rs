//! Syslog and the journal, played by sockets of the tests' own.

#![expect(clippy::unwrap_used, reason = "a helper that fails must fail its test")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IoSliceMut, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, RecvMsg, UnixAddr, recvmsg};
use oslo_log::{LogHandle, LogOptions};

/// Logs with `options` to where `dir` has the daemons' sockets; the file takes the place of
/// standard output.
fn log_with(options: LogOptions, dir: &Path, body: impl FnOnce(&LogHandle)) -> LogHandle {
    let options = LogOptions {
        log_file: Some(dir.join("x.log")),
        syslog_socket: dir.join("syslog"),
        journal_socket: dir.join("journal"),
        program: "cinder-volume".into(),
        logging_default_format_string: "%(levelname)s %(name)s %(message)s".into(),
        logging_context_format_string: "%(levelname)s [%(request_id)s] %(message)s".into(),
        logging_exception_prefix: "ERROR %(name)s ".into(),
        ..options
    };
    let (subscriber, log) = oslo_log::subscriber(&options).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        log.warn_unsupported();
        body(&log);
    });
    log
}

fn receive(socket: &UnixDatagram) -> Vec<u8> {
    let mut buffer = vec![0; 1 << 20];
    let length = socket.recv(&mut buffer).unwrap();
    buffer.truncate(length);
    buffer
}

fn text(socket: &UnixDatagram) -> String {
    String::from_utf8(receive(socket)).unwrap()
}

/// A message without its time, which stands between the priority and the program.
fn timeless(message: &str) -> String {
    let (priority, rest) = message.split_at(message.find('>').unwrap() + 1);
    let (time, rest) = rest.split_at("Nov 25 20:00:00".len());
    assert!(time.as_bytes()[3] == b' ' && time.as_bytes()[9] == b':', "{time}");
    format!("{priority}{rest}")
}

#[test]
fn syslog_gets_what_the_c_library_would_send() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = UnixDatagram::bind(dir.path().join("syslog")).unwrap();
    let options = LogOptions {
        use_syslog: true,
        syslog_log_facility: "local2".into(),
        debug: true,
        logging_debug_format_suffix: String::new(),
        ..LogOptions::default()
    };
    log_with(options, dir.path(), |log| {
        tracing::error!(target: "cinder", critical = true, "one");
        tracing::error!(target: "cinder", "two\nlines");
        tracing::warn!(target: "cinder", error = "cause", "three");
        tracing::info!(target: "cinder", "four");
        tracing::debug!(target: "cinder", "five");
        assert_eq!(log.flush(), None);
    });
    for expected in [
        "<146> cinder-volume: CRITICAL cinder one",
        "<147> cinder-volume: ERROR cinder two\\nlines",
        "<148> cinder-volume: WARNING cinder three: cause",
        "<150> cinder-volume: INFO cinder four",
        "<151> cinder-volume: DEBUG cinder five",
    ] {
        assert_eq!(timeless(&text(&daemon)), expected);
    }
    let file = std::fs::read_to_string(dir.path().join("x.log")).unwrap();
    assert_eq!(file.lines().count(), 5, "syslog comes on top: {file}");
}

#[test]
fn lines_for_a_syslog_that_restarts_wait_and_those_beyond_the_limit_are_counted_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("syslog");
    let options = LogOptions { use_syslog: true, ..LogOptions::default() };
    let mut told = None;
    let log = log_with(options, dir.path(), |log| {
        tracing::info!(target: "x", "before it is there");
        assert!(log.flush().is_some());
        let daemon = UnixDatagram::bind(&path).unwrap();
        tracing::info!(target: "x", "and now");
        let first = timeless(&text(&daemon));
        assert!(first.contains(" WARNING oslo_log Nobody takes lines for syslog at "), "{first}");
        assert_eq!(timeless(&text(&daemon)), "<14> cinder-volume: INFO x before it is there");
        assert_eq!(timeless(&text(&daemon)), "<14> cinder-volume: INFO x and now");

        drop(daemon);
        std::fs::remove_file(&path).unwrap();
        let mut kept = 0;
        while log.dropped_lines() == 0 {
            tracing::info!(target: "x", "{kept} {}", "y".repeat(1000));
            kept += 1;
        }
        let daemon = UnixDatagram::bind(&path).unwrap();
        for number in 0..kept - 1 {
            // The socket is small: the daemon reads, and the log offers more.
            log.flush();
            let line = text(&daemon);
            assert!(line.contains(&format!(": INFO x {number} y")), "{line}");
        }
        log.flush();
        told = Some(timeless(&text(&daemon)));
    });
    assert_eq!(log.dropped_lines(), 1);
    let expected = format!(
        "<12> cinder-volume: WARNING oslo_log 1 log lines were dropped: syslog at {} was not read \
         fast enough, or not at all",
        path.display()
    );
    assert_eq!(told, Some(expected));
}

/// The fields of an entry in the journal's encoding.
fn fields(mut bytes: &[u8]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| matches!(byte, b'=' | b'\n')).unwrap();
        let name = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let rest = &bytes[end + 1..];
        let (value, rest) = if bytes[end] == b'=' {
            rest.split_at(rest.iter().position(|byte| *byte == b'\n').unwrap())
        } else {
            let (length, rest) = rest.split_first_chunk::<8>().unwrap();
            rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap())
        };
        assert_eq!(rest[0], b'\n');
        found.insert(name, String::from_utf8(value.to_vec()).unwrap());
        bytes = &rest[1..];
    }
    found
}

fn journal(dir: &Path) -> UnixDatagram {
    UnixDatagram::bind(dir.join("journal")).unwrap()
}

fn to_journal() -> LogOptions {
    LogOptions { use_journal: true, ..LogOptions::default() }
}

#[test]
fn the_journal_gets_the_fields_of_the_original() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = journal(dir.path());
    let mut line = 0;
    log_with(to_journal(), dir.path(), |_| {
        let request =
            tracing::error_span!("rpc", request_id = "req-1", project_id = "pid", user_name = "u");
        request.in_scope(|| {
            line = line!() + 1;
            tracing::error!(target: "cinder::volume", error = "cause", traceback = "at\n", "text");
        });
        tracing::info!(target: "cinder", "plain");
    });
    let mut first = fields(&receive(&daemon));
    assert_eq!(first.remove("THREAD_NAME").as_deref(), std::thread::current().name());
    assert_eq!(first.remove("CODE_LINE"), Some(line.to_string()));
    let expected = [
        ("CODE_FILE", file!()),
        ("CODE_FUNC", "daemons"),
        ("EXCEPTION_INFO", "ERROR cinder.volume at\nERROR cinder.volume "),
        ("EXCEPTION_TEXT", "ERROR cinder.volume at\nERROR cinder.volume "),
        ("LOGGER_LEVEL", "ERROR"),
        ("LOGGER_NAME", "cinder.volume"),
        ("MESSAGE", "ERROR [req-1] text: cause\nERROR cinder.volume at\nERROR cinder.volume "),
        ("PRIORITY", "3"),
        ("PROCESS_NAME", "MainProcess"),
        ("PROJECT_ID", "pid"),
        ("REQUEST_ID", "req-1"),
        ("SYSLOG_FACILITY", "8"),
        ("SYSLOG_IDENTIFIER", "cinder-volume"),
        ("USER_NAME", "u"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(first, BTreeMap::from(expected));
    let second = fields(&receive(&daemon));
    assert_eq!(second["MESSAGE"], "INFO cinder plain");
    assert!(!second.contains_key("EXCEPTION_INFO") && !second.contains_key("REQUEST_ID"));
}

#[test]
fn an_entry_too_long_for_a_datagram_comes_as_a_sealed_file() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = journal(dir.path());
    let long = "z".repeat(3 << 20);
    let log = log_with(to_journal(), dir.path(), |_| tracing::info!(target: "x", "{long}"));
    assert_eq!(log.dropped_lines(), 0);
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let mut buffer = [0; 16];
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let message: RecvMsg<'_, '_, UnixAddr> =
        recvmsg(daemon.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty()).unwrap();
    assert_eq!(message.bytes, 0);
    let Some(ControlMessageOwned::ScmRights(numbers)) = message.cmsgs().unwrap().next() else {
        panic!("no descriptor came")
    };
    // By its name in /proc, which makes it ours without unsafe code.
    let name = format!("/proc/self/fd/{}", numbers[0]);
    let bytes = std::fs::read(&name).unwrap();
    assert_eq!(fields(&bytes)["MESSAGE"], format!("INFO x {long}"));
    let mut file = File::options().write(true).open(&name).unwrap();
    assert!(file.write(b"x").is_err(), "it is not sealed");
}

#[test]
fn without_a_journal_or_with_an_unknown_facility_nothing_starts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none");
    let options = LogOptions { journal_socket: path.clone(), ..to_journal() };
    assert_eq!(
        oslo_log::subscriber(&options).unwrap_err().to_string(),
        format!("cannot reach the systemd journal at {}", path.display())
    );
    let options = LogOptions {
        use_syslog: true,
        syslog_log_facility: "LOG_FOO".into(),
        ..LogOptions::default()
    };
    let error = oslo_log::subscriber(&options).unwrap_err().to_string();
    assert!(error.starts_with("syslog facility must be one of: 'LOG_USER', "), "{error}");
}
