//! Notifications over a real broker; the original's notifier and listener beside ours where `CINDER_PYTHON` names a
//! virtual environment with cinder 29.0.0.

mod broker;
mod served;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use broker::Host;
use lapin::options::BasicGetOptions;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use oslo_messaging::{Context, Format, Notification, Notifier, NotifyOptions, Priority};
use serde_json::{Value, json};
use served::eventually;

const LIMIT: Duration = Duration::from_secs(30);

/// `listen URL TOPIC` prints what comes, `tell URL…` tells one of each priority to two topics.
const SCRIPT: &str = r"
import json, sys
import oslo_messaging as om
from oslo_config import cfg
conf = cfg.CONF
conf([], project='test', default_config_files=[])

class Endpoint:
    def __init__(self, priority):
        setattr(self, priority, self.print)
    def print(self, ctxt, publisher_id, event_type, payload, metadata):
        print(json.dumps([ctxt, publisher_id, event_type, payload, metadata]), flush=True)

def listen():
    transport = om.get_notification_transport(conf, url=sys.argv[2])
    listener = om.get_notification_listener(
        transport, [om.Target(topic=sys.argv[3])], [Endpoint('info'), Endpoint('error')],
        executor='threading')
    listener.start()
    print('ready', flush=True)
    sys.stdin.read()
    listener.stop()
    listener.wait()

def tell():
    for url in sys.argv[2:]:
        transport = om.get_notification_transport(conf, url=url)
        notifier = om.Notifier(transport, 'p', driver='messagingv2', topics=['a', 'b'])
        notifier.info({}, 'x', {})
        notifier.error({}, 'x', {})

{'listen': listen, 'tell': tell}[sys.argv[1]]()
";

fn python(words: &[&str]) -> Option<Command> {
    let mut command = Command::new(test_conditions::original()?);
    command.args(["-W", "ignore", "-c", SCRIPT]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    Some(command)
}

fn notifier(topics: &[&str], formats: &[Format]) -> Notifier {
    let options = NotifyOptions {
        exchange: "openstack".into(),
        topics: topics.iter().map(|one| (*one).to_owned()).collect(),
        formats: formats.to_vec(),
        log: false,
        retry: None,
    };
    Notifier::new(options, |_| {})
}

fn notification(number: usize, priority: Priority) -> Notification {
    let Value::Object(fields) = json!({"request_id": "req-1", "user_id": "u", "roles": ["admin"]})
    else {
        unreachable!()
    };
    Notification {
        publisher_id: "volume.h@b".into(),
        event_type: "volume.create.end".into(),
        priority,
        payload: json!({"volume_id": "v", "size": number, "display_name": "grüß \"Gott\""}),
        timestamp: "2026-01-02 03:04:05.000006".into(),
        context: Some(Context::new(fields)),
    }
}

/// The next message of a queue, as anybody may take it.
fn next(host: &Host, queue: &str) -> (Value, BasicProperties) {
    let name = host.name.replace('/', "%2f");
    let url = format!("amqp://guest:guest@127.0.0.1:{}/{name}", host.node.port);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let to = Connection::connect(&url, ConnectionProperties::default()).await;
        let to = to.expect("a broker");
        let channel = to.create_channel().await.expect("a channel");
        let options = BasicGetOptions { no_ack: true };
        let got = channel.basic_get(queue.into(), options).await.expect("a queue");
        let got = got.unwrap_or_else(|| panic!("nothing in {queue}")).delivery;
        to.close(200, "OK".into()).await.expect("closed");
        (serde_json::from_slice(&got.data).expect("JSON"), got.properties)
    })
}

/// What the broker has been told to keep, without how much of it there is.
fn declared(host: &Host) -> Vec<String> {
    let exchanges = host.ctl(&["list_exchanges", "name", "type", "durable", "auto_delete"]);
    let exchanges = exchanges.lines().filter(|line| line.starts_with("openstack"));
    let queues = host.ctl(&["list_queues", "name", "durable", "auto_delete", "arguments"]);
    let bindings = host.ctl(&["list_bindings"]);
    let mut all: Vec<String> = exchanges.map(str::to_owned).collect();
    // The broker keeps arguments in the order in which they came.
    let sorted = |line: &str| match line.split_once("[{") {
        Some((before, arguments)) => {
            let mut arguments: Vec<_> = arguments.trim_end_matches("}]").split("},{").collect();
            arguments.sort_unstable();
            format!("{before}{arguments:?}")
        }
        None => line.to_owned(),
    };
    all.extend(queues.lines().chain(bindings.lines()).map(sorted));
    all.sort();
    all
}

#[test]
fn each_topic_gets_it_in_each_format_with_the_originals_properties() {
    let Some(host) = broker::host() else { return };
    let notifier = notifier(&["notifications", "billing"], &[Format::Bare, Format::Enveloped]);
    assert!(notifier.through(&host.bus("")));
    notifier.notify(&notification(1, Priority::Info));
    assert!(notifier.finish(LIMIT), "{:?}", notifier.counts());
    for topic in ["notifications", "billing"] {
        let queue = format!("{topic}.info");
        let (bare, properties) = next(&host, &queue);
        assert_eq!(bare["payload"]["display_name"], "grüß \"Gott\"");
        assert_eq!(bare["_context_auth_token"], Value::Null);
        let (enveloped, same) = next(&host, &queue);
        assert_eq!(enveloped["oslo.version"], "2.0");
        for properties in [properties, same] {
            let text = |text: &Option<lapin::types::ShortString>| {
                text.as_ref().map(|text| text.as_str().to_owned())
            };
            assert_eq!(text(properties.content_type()).as_deref(), Some("application/json"));
            assert_eq!(text(properties.content_encoding()).as_deref(), Some("utf-8"));
            assert_eq!((*properties.delivery_mode(), *properties.priority()), (Some(2), Some(0)));
            assert_eq!(*properties.expiration(), None);
        }
    }
}

#[test]
fn what_is_told_before_there_is_a_bus_and_after_its_queue_was_deleted_arrives() {
    let Some(host) = broker::host() else { return };
    let notifier = notifier(&["t"], &[Format::Enveloped]);
    notifier.notify(&notification(1, Priority::Info));
    assert_eq!(notifier.counts().waiting, 1);
    assert!(notifier.through(&host.bus("")));
    eventually("the first is sent", || notifier.counts().sent == 1);
    host.delete_queue("t.info");
    notifier.notify(&notification(2, Priority::Info));
    eventually("the second is sent", || notifier.counts().sent == 2);
    let (second, _) = next(&host, "t.info");
    assert!(second["oslo.message"].as_str().is_some_and(|text| text.contains("\"size\":2")));
    assert!(notifier.finish(LIMIT));
}

#[test]
fn a_queue_that_others_have_declared_in_another_way_is_used_as_it_is() {
    let Some(host) = broker::host() else { return };
    let theirs = notifier(&["t"], &[Format::Enveloped]);
    assert!(theirs.through(&host.bus("?amqp_durable_queues=true")));
    theirs.notify(&notification(1, Priority::Info));
    assert!(theirs.finish(LIMIT));
    host.delete_exchange("openstack");
    let ours = notifier(&["t"], &[Format::Enveloped]);
    assert!(ours.through(&host.bus("")));
    ours.notify(&notification(2, Priority::Info));
    assert!(ours.finish(LIMIT), "{:?}", ours.counts());
    next(&host, "t.info");
    next(&host, "t.info");
}

#[test]
fn a_broker_that_comes_back_gets_what_was_told_meanwhile_and_nobody_has_waited() {
    let Some(mut node) = broker::OwnNode::start("") else { return };
    let host = node.host();
    let notifier = notifier(&["t"], &[Format::Enveloped]);
    assert!(notifier.through(&host.bus("?amqp_durable_queues=true")));
    notifier.notify(&notification(0, Priority::Info));
    eventually("one is sent", || notifier.counts().sent == 1);
    node.stop(true);
    let started = std::time::Instant::now();
    (1..=50).for_each(|number| notifier.notify(&notification(number, Priority::Info)));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    node.resume();
    eventually("the rest is sent", || notifier.counts().sent == 51);
    assert_eq!(notifier.counts().dropped, 0);
    let queue = host.ctl(&["list_queues", "name", "messages"]);
    // One whose confirmation was lost may be there twice.
    let messages: Vec<usize> =
        queue.lines().filter_map(|line| line.strip_prefix("t.info\t")?.parse().ok()).collect();
    assert!(messages.first().is_some_and(|messages| (50..=52).contains(messages)), "{queue}");
    drop(notifier);
}

#[test]
fn what_is_declared_is_what_the_original_declares() {
    let options = [
        "",
        "?amqp_auto_delete=true&rabbit_ha_queues=true",
        "?rabbit_quorum_queue=true&rabbit_quorum_delivery_limit=5",
    ];
    let theirs: Vec<_> = options.iter().filter_map(|_| broker::host()).collect();
    let urls: Vec<_> = theirs.iter().zip(options).map(|(host, text)| host.url(text)).collect();
    let words = [&["tell"][..], &urls.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    let Some(mut command) = python(&words).filter(|_| !theirs.is_empty()) else { return };
    assert!(command.status().expect("a Python").success());
    for (theirs, options) in theirs.iter().zip(options) {
        let expected = declared(theirs);
        assert!(expected.iter().any(|line| line.starts_with("b.error\t")), "{expected:?}");
        let ours = broker::host().expect("another one");
        let notifier = notifier(&["a", "b"], &[Format::Enveloped]);
        assert!(notifier.through(&ours.bus(options)));
        notifier.notify(&notification(1, Priority::Info));
        notifier.notify(&notification(1, Priority::Error));
        assert!(notifier.finish(LIMIT), "{options}: {:?}", notifier.counts());
        assert_eq!(declared(&ours), expected, "{options}");
    }
}

/// A process that is ended with its test.
struct Listener(Child);

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_originals_listener_hears_ours_in_both_formats() {
    let Some(host) = broker::host() else { return };
    for format in [Format::Enveloped, Format::Bare] {
        let Some(mut command) = python(&["listen", &host.url(""), "t"]) else { return };
        let mut listener = Listener(command.spawn().expect("a Python"));
        let mut lines = BufReader::new(listener.0.stdout.take().expect("piped")).lines();
        let mut line = move || lines.next().expect("it says something").expect("UTF-8");
        assert_eq!(line(), "ready");
        let notifier = notifier(&["t"], &[format]);
        assert!(notifier.through(&host.bus("")));
        notifier.notify(&notification(7, Priority::Info));
        let heard: Value = serde_json::from_str(&line()).expect("JSON");
        let Value::Array(parts) = heard else { panic!("{heard}") };
        assert_eq!(parts[0]["request_id"], "req-1");
        let expected =
            json!(["volume.h@b", "volume.create.end", notification(7, Priority::Info).payload]);
        assert_eq!(json!(parts[1..4]), expected);
        assert_eq!(parts[4]["timestamp"], "2026-01-02 03:04:05.000006");
        notifier.notify(&notification(8, Priority::Error));
        let heard: Value = serde_json::from_str(&line()).expect("JSON");
        assert_eq!(heard[3]["size"], 8);
        assert!(notifier.finish(LIMIT));
    }
}
