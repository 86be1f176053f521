//! Bad input over a broker: it harms neither the server nor whoever sends good messages.

mod broker;
mod served;

use std::fs;
use std::time::Duration;

use broker::Host;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::{Value, json};
use served::process::Recorder;
use served::{eventually, request, server_of};

const MIB: usize = 1024 * 1024;

struct Stage {
    host: Host,
    service: Recorder,
    _directory: tempfile::TempDir,
}

impl Stage {
    fn new() -> Option<Self> {
        let host = broker::host()?;
        let directory = tempfile::tempdir().expect("a directory");
        let service = Recorder::start_at(directory.path(), &host);
        let this = Self { host, service, _directory: directory };
        this.answers();
        Some(this)
    }

    fn send(&self, body: &[u8], properties: BasicProperties) {
        broker::publish_many(&self.host, "topic.server", body, properties, 1);
    }

    /// Whether a good message is still carried out.
    fn answers(&self) {
        let asked = request("echo", &json!({"text": "well"}));
        let answer = self.service.client.call(&server_of("server"), asked, Duration::from_secs(30));
        assert_eq!(answer.expect("an answer").get(), "\"well\"");
    }

    fn peak(&self) -> usize {
        let pid = self.service.process.as_ref().expect("it runs").child.id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("alive");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("in it");
        let kib = line.split_whitespace().nth(1).expect("a number");
        kib.parse::<usize>().expect("a number") * 1024
    }

    fn warnings(&self) -> Vec<String> {
        let log = self.service.log();
        log.lines().filter(|line| line.starts_with("WARN")).map(str::to_owned).collect()
    }
}

fn good() -> Value {
    json!({"method": "echo", "args": {"text": 1}, "version": "3.0", "_context_auth_token": "gAAAA"})
}

fn compressed(with: AMQPValue) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert("compression".into(), with);
    BasicProperties::default().with_headers(headers)
}

/// Messages that are rejected, each with one warning.
fn rejected() -> Vec<(&'static str, Vec<u8>, BasicProperties)> {
    let plain = BasicProperties::default;
    let whole = good().to_string().into_bytes();
    let of_type = |name: &str| plain().with_content_type(name.into());
    vec![
        ("empty", vec![], plain()),
        ("not UTF-8", b"{\"method\": \"\xff\"}".to_vec(), plain()),
        ("half JSON", b"{\"method\": \"echo\", \"args\": {".to_vec(), plain()),
        ("text", whole.clone(), of_type("text/plain")),
        ("yaml", whole.clone(), of_type("application/x-yaml")),
        ("pickle", b"\x80\x04\x95\x1a\0".to_vec(), of_type("application/x-python-serialize")),
        ("msgpack", b"\x81\xa6method\xa4echo".to_vec(), of_type("application/x-msgpack")),
        ("a forged type", whole.clone(), of_type("x\nERROR forged\x1b[2J")),
        ("UTF-16", whole.clone(), plain().with_content_encoding("utf-16".into())),
        ("gzip", whole.clone(), compressed(AMQPValue::LongString("gzip".into()))),
        ("a number", whole.clone(), compressed(AMQPValue::LongInt(7))),
        ("16 MiB", vec![b'['; 16 * MIB], plain()),
        ("more than anybody sends", vec![b' '; 21 * MIB], plain()),
        ("a forged line", b"x\nERROR forged\x1b[2J\r\n\"auth_token\": \"gAAAA".to_vec(), plain()),
    ]
}

#[test]
fn bad_messages_are_rejected_with_one_warning_each_and_come_no_second_time() {
    let Some(stage) = Stage::new() else { return };
    let quiet = stage.warnings().len();
    let before = stage.peak();
    for (number, (name, body, properties)) in rejected().into_iter().enumerate() {
        stage.send(&body, properties);
        let warned = || stage.warnings().len() > quiet + number;
        eventually(&format!("{name} is rejected"), warned);
        let line = stage.warnings().pop().expect("one");
        assert!(line.contains("rejected") && line.len() < 1_000, "{name}: {line}");
    }
    stage.answers();
    assert_eq!(stage.warnings().len(), quiet + rejected().len(), "{:?}", stage.warnings());
    let cost = stage.peak().saturating_sub(before);
    assert!(cost <= 96 * MIB, "{} MiB", cost / MIB);
    check(&stage);
}

/// Neither a secret nor a forged line is in the log, and nothing is left in the queue.
fn check(stage: &Stage) {
    let log = stage.service.log();
    assert!(!log.contains("gAAAA"), "a secret: {log}");
    assert!(!log.lines().any(|line| line.starts_with("ERROR forged")), "{log}");
    let left = stage.host.ctl(&["list_queues", "name", "messages"]);
    assert!(left.contains("topic.server\t0"), "{left}");
}

#[test]
fn a_queue_for_the_reply_that_no_broker_can_have_costs_nothing() {
    let Some(stage) = Stage::new() else { return };
    let own = "topic.server".to_owned();
    for queue in [String::new(), "q".repeat(256), "q".repeat(100_000), "\u{0}\n".into(), own] {
        let mut message = good();
        message["_msg_id"] = json!("m");
        message["_reply_q"] = json!(queue);
        stage.send(message.to_string().as_bytes(), BasicProperties::default());
        stage.answers();
    }
    check(&stage);
    assert_eq!(stage.service.log().lines().filter(|line| line.contains("is away")).count(), 0);
}

#[test]
fn headers_that_fill_a_frame_are_borne() {
    let Some(stage) = Stage::new() else { return };
    let mut headers = FieldTable::default();
    headers.insert("x".into(), AMQPValue::LongString("h".repeat(100_000).into()));
    let properties = BasicProperties::default().with_headers(headers);
    let mut message = good();
    message["method"] = json!("record");
    message["args"] = json!({"id": "large"});
    stage.send(message.to_string().as_bytes(), properties);
    eventually("it is carried out", || stage.service.names("done") == ["large"]);
    stage.answers();
    check(&stage);
}
