//! Bad input on the local bus: it harms neither the server nor whoever sends good messages.
//!
//! The server is a process of its own, so that what it keeps in memory and in its log is its own.

#[cfg(feature = "rabbit")]
mod broker;
mod served;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use served::process::{Recorder, frame};
use served::{eventually, request, server_of};

const MIB: usize = 1024 * 1024;
/// What bad input may cost.
const MOST: usize = 64 * MIB;
/// What a server says about a message, as its kind of frame.
const ACKNOWLEDGED: u8 = 2;
const REJECTED: u8 = 4;
const REPLY: u8 = 5;

struct Stage {
    service: Recorder,
    _directory: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let this = Self { service: Recorder::start(directory.path()), _directory: directory };
        this.answers();
        this
    }

    fn socket(&self) -> PathBuf {
        self.service.directory.join("rpc/topic,server")
    }

    fn peer(&self) -> Peer {
        let stream = UnixStream::connect(self.socket()).expect("a server");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
        Peer(stream)
    }

    /// Whether a good message is still carried out.
    fn answers(&self) {
        let asked = request("echo", &json!({"text": "well"}));
        let answer = self.service.client.call(&server_of("server"), asked, Duration::from_secs(20));
        assert_eq!(answer.expect("an answer").get(), "\"well\"");
    }

    fn pid(&self) -> u32 {
        self.service.process.as_ref().expect("it runs").child.id()
    }

    /// Bytes of memory that it has used at most since the last [`Stage::forget_peak`].
    fn peak(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("alive");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("in it");
        let kib = line.split_whitespace().nth(1).expect("a number");
        kib.parse::<usize>().expect("a number") * 1024
    }

    fn forget_peak(&self) -> usize {
        fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("ours");
        self.peak()
    }

    fn warnings(&self) -> Vec<String> {
        let log = self.service.log();
        log.lines().filter(|line| line.starts_with("WARN")).map(str::to_owned).collect()
    }
}

/// A client that writes what it likes.
struct Peer(UnixStream);

impl Peer {
    fn send(&mut self, body: &[u8]) {
        self.0.write_all(&frame(0, body)).expect("sent");
    }

    /// Kind and body of the next frame; nothing when the server has let it go.
    fn hears(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 13];
        match self.0.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("no word in 30 s"),
            Err(_) => return None,
        }
        let length = u32::from_be_bytes(head[9..].try_into().expect("four"));
        let mut body = vec![0; length as usize];
        self.0.read_exact(&mut body).expect("a body");
        Some((head[0], body))
    }
}

fn enveloped(message: &str) -> Vec<u8> {
    json!({"oslo.version": "2.0", "oslo.message": message}).to_string().into_bytes()
}

fn call_with(changes: &Value) -> Vec<u8> {
    let mut message = json!({
        "method": "echo", "args": {"text": 1}, "version": "3.0",
        "_msg_id": "m", "_reply_q": "reply_1", "_context_auth_token": "gAAAA-secret",
    });
    for (key, value) in changes.as_object().expect("an object") {
        message[key] = value.clone();
    }
    enveloped(&message.to_string())
}

/// Bodies that are no message, or none that anybody can be answered.
fn rejected() -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str, close: &str| open.repeat(200_000) + "1" + &close.repeat(200_000);
    let keys: serde_json::Map<_, _> =
        (0..10_000).map(|number| (format!("_context_{number}"), json!(1))).collect();
    vec![
        ("empty", vec![]),
        ("not UTF-8", b"{\"method\": \"\xff\xfe\"}".to_vec()),
        ("half JSON", b"{\"method\": \"echo\", \"args\": {".to_vec()),
        ("arrays in arrays", deep("[", "]").into_bytes()),
        ("half of them", "{\"a\":".repeat(200_000).into_bytes()),
        ("half of them within", enveloped(&"{\"a\":".repeat(200_000))),
        ("arrays within", enveloped(&deep("[", "]"))),
        ("16 MiB of spaces", vec![b' '; 16 * MIB]),
        ("16 MiB of brackets", vec![b'['; 16 * MIB]),
        ("16 MiB of quotes", [b"{\"a\":\"".to_vec(), vec![b'\\'; 16 * MIB]].concat()),
        ("NaN", b"{\"method\": NaN}".to_vec()),
        ("a lone surrogate", b"{\"method\": \"\\ud800\", \"a\": \"\\udc00x\", \"b\"}".to_vec()),
        ("a number", b"7".to_vec()),
        ("null", b"null".to_vec()),
        ("an array", b"[{}]".to_vec()),
        (
            "a message that is a number",
            b"{\"oslo.version\": \"2.0\", \"oslo.message\": 7}".to_vec(),
        ),
        ("null within", b"{\"oslo.version\": \"2.0\", \"oslo.message\": null}".to_vec()),
        ("an object within", b"{\"oslo.version\": \"2.0\", \"oslo.message\": {}}".to_vec()),
        ("a list within", enveloped("[]")),
        ("version 3", b"{\"oslo.version\": \"3.0\", \"oslo.message\": \"{}\"}".to_vec()),
        ("no version", b"{\"oslo.version\": {}, \"oslo.message\": \"{}\"}".to_vec()),
        ("10,000 keys", enveloped(&Value::Object(keys).to_string())),
        ("a context of 2 MiB", call_with(&json!({"_context_a": "x".repeat(2 * MIB)}))),
        ("a deep context", enveloped(&format!(r#"{{"_context_a": {}}}"#, deep("[", "]")))),
        ("a pickle", b"\x80\x04\x95\x1a\0\0\0".to_vec()),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0".to_vec()),
        ("msgpack", b"\x81\xa6method\xa4echo".to_vec()),
        ("YAML", b"method: !!python/object/apply:os.system ['id']\n".to_vec()),
        ("a forged line", b"x\nERROR forged\x1b[2J\r\n\"auth_token\": \"gAAAA-secret".to_vec()),
    ]
}

/// Bodies that are a message with something wrong in it, of a caller that can be told.
fn answered() -> Vec<(&'static str, Vec<u8>)> {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let mut table = vec![
        ("an unknown method", call_with(&json!({"method": "rm\nERROR forged"}))),
        ("a method of 100 kB", call_with(&json!({"method": "x".repeat(100_000)}))),
        ("an unknown version", call_with(&json!({"version": "x\nERROR forged"}))),
        ("a namespace", call_with(&json!({"namespace": {}}))),
        ("arguments in a list", call_with(&json!({"args": [1]}))),
        ("an unknown argument", call_with(&json!({"args": {"text": 1, "x\nERROR forged": 2}}))),
        ("10,000 arguments", {
            let args: serde_json::Map<_, _> =
                (0..10_000).map(|number| (number.to_string(), json!(1))).collect();
            call_with(&json!({ "args": args }))
        }),
        (
            "deep arguments",
            enveloped(&format!(
                r#"{{"method": "echo", "version": "3.0", "_msg_id": "m", "_reply_q": "q", "args": {{"text": {deep}}}}}"#
            )),
        ),
        (
            "a number of 100,000 digits",
            enveloped(&format!(
                r#"{{"method": "record", "version": "3.0", "_msg_id": "m", "_reply_q": "q", "args": {{"id": "a", "milliseconds": {}}}}}"#,
                "9".repeat(100_000)
            )),
        ),
    ];
    for value in [json!(null), json!(7), json!([]), json!({}), json!(true)] {
        for key in ["method", "version", "args"] {
            table.push(("a key of another type", call_with(&json!({ key: value }))));
        }
    }
    table
}

/// Bodies whose sender cannot be answered, or that are odd and carried out all the same.
fn carried_out() -> Vec<(&'static str, Vec<u8>)> {
    let mut table = Vec::new();
    let deep = "{\"a\":".repeat(200_000) + "1" + &"}".repeat(200_000);
    table.push(("objects in objects", deep.clone().into_bytes()));
    table.push(("objects in objects within", enveloped(&deep)));
    for queue in [json!(""), json!("q".repeat(256)), json!("q".repeat(100_000)), json!(null)] {
        table.push(("no reply queue", call_with(&json!({"_reply_q": queue}))));
    }
    let timeouts = [json!(-1), json!(1e308), json!("soon"), json!({})];
    for (number, timeout) in timeouts.into_iter().enumerate() {
        // Calls of their own: a late reply to one would go to whoever calls under its number next.
        let changes = json!({"_timeout": timeout, "_msg_id": format!("m{number}")});
        table.push(("an invalid time-out", call_with(&changes)));
    }
    table.push(("a number as its id", call_with(&json!({"_msg_id": 7}))));
    table
}

#[test]
fn bad_bodies_are_rejected_with_one_warning_each_and_harm_nobody() {
    let stage = Stage::new();
    let before = stage.forget_peak();
    let quiet = stage.warnings().len();
    for (number, (name, body)) in rejected().into_iter().enumerate() {
        let mut peer = stage.peer();
        peer.send(&body);
        assert_eq!(peer.hears().map(|(kind, _)| kind), Some(REJECTED), "{name}");
        let all = stage.warnings();
        assert_eq!(all.len(), quiet + number + 1, "{name}: {:?}", all.last());
        let line = all.last().expect("one");
        assert!(line.contains("rejected") && line.len() < 1_000, "{name}: {line}");
    }
    stage.answers();
    check_log(&stage);
    let cost = stage.peak().saturating_sub(before);
    assert!(cost <= MOST, "{} MiB", cost / MIB);
}

fn check_log(stage: &Stage) {
    let log = stage.service.log();
    assert!(!log.contains("gAAAA"), "a secret: {log}");
    let forged = |line: &&str| !["WARN ", "ERROR", "DEBUG"].iter().any(|one| line.starts_with(one));
    assert_eq!(log.lines().find(forged), None);
    assert!(!log.lines().any(|line| line.starts_with("ERROR forged")), "{log}");
}

#[test]
fn a_caller_is_told_what_is_wrong_with_its_message() {
    let stage = Stage::new();
    for (name, body) in answered() {
        let mut peer = stage.peer();
        peer.send(&body);
        assert_eq!(peer.hears().map(|(kind, _)| kind), Some(ACKNOWLEDGED), "{name}");
        let (kind, reply) = peer.hears().unwrap_or_else(|| panic!("{name}: let go"));
        assert_eq!(kind, REPLY, "{name}");
        let reply: Value = serde_json::from_slice(&reply).expect("JSON");
        let inner: Value =
            serde_json::from_str(reply["oslo.message"].as_str().expect("a text")).expect("JSON");
        assert!(inner["failure"].is_string() && inner["_msg_id"] == "m", "{name}: {inner}");
        assert!(reply.to_string().len() < 2_000, "{name}: a long name is cut");
    }
    stage.answers();
    check_log(&stage);
}

#[test]
fn what_is_odd_is_carried_out_with_a_warning() {
    let stage = Stage::new();
    for (name, body) in carried_out() {
        let warnings = stage.warnings().len();
        let mut peer = stage.peer();
        peer.send(&body);
        assert_eq!(peer.hears().map(|(kind, _)| kind), Some(ACKNOWLEDGED), "{name}");
        assert_eq!(stage.warnings().len(), warnings + 1, "{name}");
    }
    stage.answers();
    check_log(&stage);
}

#[test]
fn large_garbage_from_many_at_once_fills_no_memory() {
    let stage = Stage::new();
    let text = "x".repeat(16 * MIB);
    // Some are no message, some have arguments that are none.
    let bodies = [text.clone().into_bytes(), call_with(&json!({ "args": text }))];
    let before = stage.forget_peak();
    thread::scope(|scope| {
        for body in bodies.iter().cycle().take(8) {
            let stage = &stage;
            scope.spawn(move || {
                let mut peer = stage.peer();
                peer.send(body);
                assert!(peer.hears().is_some());
            });
        }
    });
    stage.answers();
    let cost = stage.peak().saturating_sub(before);
    assert!(cost <= MOST, "{} MiB", cost / MIB);
}

#[test]
fn half_frames_and_frames_of_4_gib_cost_nothing() {
    let stage = Stage::new();
    let before = stage.forget_peak();
    let whole = frame(0, &call_with(&json!({})));
    let mut halves = Vec::new();
    for length in [1, 12, 13, 14, whole.len() - 1] {
        let mut peer = stage.peer();
        peer.0.write_all(&whole[..length]).expect("sent");
        drop(peer); // and away
        let mut peer = stage.peer();
        peer.0.write_all(&whole[..length]).expect("sent");
        halves.push(peer); // and silent
    }
    // The head of a large frame, and then nothing.
    for _ in 0..50 {
        let mut peer = stage.peer();
        let mut head = frame(0, b"");
        head[9..13].copy_from_slice(&(16 * MIB as u32).to_be_bytes());
        peer.0.write_all(&head).expect("sent");
        halves.push(peer);
    }
    stage.answers();
    let mut peer = stage.peer();
    let mut huge = frame(0, b"");
    huge[9..13].copy_from_slice(&u32::MAX.to_be_bytes());
    peer.0.write_all(&huge).expect("sent");
    assert_eq!(peer.hears(), None, "it is let go");
    let mut peer = stage.peer();
    peer.0.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    assert_eq!(peer.hears(), None, "it is let go");
    let warnings = stage.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("4294967295 bytes"), "{warnings:?}");
    stage.answers();
    let cost = stage.peak().saturating_sub(before);
    assert!(cost <= MOST, "{} MiB", cost / MIB);
}

#[test]
fn peers_that_never_read_fill_no_memory_and_delay_nobody() {
    let stage = Stage::new();
    let before = stage.forget_peak();
    let body = call_with(&json!({"args": {"text": "x".repeat(MIB)}}));
    let mut deaf = Vec::new();
    for _ in 0..60 {
        let mut peer = stage.peer();
        peer.send(&body);
        // One after the other: what handlers need for their results is not what is tried here.
        assert_eq!(peer.hears().map(|(kind, _)| kind), Some(ACKNOWLEDGED));
        deaf.push(peer);
    }
    // Some replies are kept; who has most of them waiting is let go when there are too many.
    eventually("some are let go", || {
        stage.warnings().iter().any(|line| line.contains("does not read its replies"))
    });
    stage.answers();
    let cost = stage.peak().saturating_sub(before);
    assert!(cost <= MOST, "{} MiB", cost / MIB);
}

#[test]
fn a_thousand_idle_peers_keep_nobody_out() {
    let stage = Stage::new();
    let mut idle = Vec::new();
    for number in 0..1_000 {
        let end = std::time::Instant::now() + Duration::from_secs(20);
        let stream = loop {
            match UnixStream::connect(stage.socket()) {
                Ok(stream) => break stream,
                Err(error) => assert!(std::time::Instant::now() < end, "{number}: {error}"),
            }
        };
        idle.push(stream);
    }
    stage.answers();
    let descriptors = fs::read_dir(format!("/proc/{}/fd", stage.pid())).expect("alive").count();
    assert!(descriptors < 300, "{descriptors}");
}

#[test]
fn a_flood_of_casts_waits_with_its_sender() {
    let stage = Stage::new();
    // Every thread is busy.
    let mut busy = stage.peer();
    for number in 0..8 {
        let args = json!({"id": format!("b{number}"), "halt": "before"});
        busy.send(&enveloped(
            &json!({"method": "record", "args": args, "version": "3.0"}).to_string(),
        ));
    }
    eventually("every thread is busy", || stage.service.names("halted").len() == 8);
    let before = stage.forget_peak();
    let stream = stage.peer().0;
    stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a limit");
    let cast = frame(0, &call_with(&json!({"_msg_id": null})));
    let mut sent = 0;
    while sent < 100_000 && (&stream).write_all(&cast).is_ok() {
        sent += 1;
    }
    assert!(sent < 20_000, "{sent} were taken while nobody carried them out");
    let cost = stage.peak().saturating_sub(before);
    assert!(cost <= 32 * MIB, "{} MiB", cost / MIB);
}
