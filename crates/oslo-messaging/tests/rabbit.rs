//! Over a real RabbitMQ: what is particular to it. What every bus does is in `server.rs`.

mod broker;
mod served;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use broker::ports::ReservedPort;
use broker::{Host, OwnNode};
use nix::sys::signal::Signal;
use oslo_messaging::{
    Bus, CallError, ConnectionPhase, Dispatcher, Method, Pool, Server, ServerOptions, Target,
    Version, returned,
};
use serde_json::{Value, json};
use served::{eventually, request, server_of, target, to_all};

const LIMIT: Duration = Duration::from_secs(20);
const V3: Version = Version { major: 3, minor: 20 };

/// A service that echoes, and keeps what it was cast.
struct Service {
    bus: Bus,
    pool: Pool,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl Service {
    fn start(bus: Bus) -> Self {
        let server = bus.serve(&[target("server")], ServerOptions::default()).expect("a server");
        broker::until_serving(&bus, &server);
        Self::of(bus, server)
    }

    fn of(bus: Bus, server: Server) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let slow = Method::new("slow", |incoming| {
            let args: Value = incoming.arguments()?;
            thread::sleep(Duration::from_millis(args["ms"].as_u64().unwrap_or(0)));
            returned(&args["ms"])
        });
        let methods = [served::keep(&seen), served::echo(), slow.taking(&["ms"], &[])];
        let dispatcher = Dispatcher::default().with(V3, methods).with_ping();
        let pool = Pool::start(server, dispatcher, 8).expect("threads");
        Self { bus, pool, seen }
    }

    fn is_serving(&self) -> bool {
        broker::is_serving(&self.bus, self.pool.server())
    }

    fn reconnects(&self) -> u64 {
        self.bus.state().expect("a broker's").reconnects
    }

    /// Runs something that breaks the connections, and waits until messages come again.
    fn survive(&self, what: &str, harm: impl FnOnce()) {
        let before = self.reconnects();
        harm();
        eventually(&format!("{what} is noticed and repaired"), || {
            self.reconnects() > before && self.is_serving()
        });
    }

    fn seen(&self) -> Vec<Value> {
        self.seen.lock().expect("no panic").clone()
    }
}

fn echo(bus: &Bus, text: &str, limit: Duration) -> Result<String, CallError> {
    let asked = request("echo", &json!({ "text": text }));
    let answer = bus.client().call(&server_of("server"), asked, limit)?;
    Ok(serde_json::from_str(answer.get()).expect("a text"))
}

fn keep(bus: &Bus, number: usize) -> Result<(), CallError> {
    bus.client().cast(&server_of("server"), request("keep", &json!({ "n": number })))
}

/// Casts until it is told to end, and says what was confirmed; counts it, too.
fn caster<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    bus: &'scope Bus,
    ended: &'scope AtomicBool,
    all: &'scope AtomicUsize,
) -> thread::ScopedJoinHandle<'scope, BTreeSet<usize>> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    scope.spawn(move || {
        let mut confirmed = BTreeSet::new();
        while !ended.load(Ordering::Relaxed) {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            if keep(bus, number).is_ok() {
                confirmed.insert(number);
                all.fetch_add(1, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(5));
        }
        confirmed
    })
}

/// While `harm` goes on, every cast that was confirmed is carried out, once.
fn nothing_is_lost_while(service: &Service, sender: &Bus, harm: impl FnOnce()) {
    /// Also when the test has failed: its casters are waited for.
    struct Ends<'a>(&'a AtomicBool);
    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (ended, all) = (AtomicBool::new(false), AtomicUsize::new(0));
    let confirmed = thread::scope(|scope| {
        let casters: Vec<_> = (0..3).map(|_| caster(scope, sender, &ended, &all)).collect();
        let ends = Ends(&ended);
        let is_more = |than: usize| all.load(Ordering::Relaxed) > than + 10;
        eventually("casts are confirmed before it", || is_more(0));
        harm();
        let before = all.load(Ordering::Relaxed);
        eventually("and after it", || is_more(before));
        drop(ends);
        let sets = casters.into_iter().map(|one| one.join().expect("no panic"));
        sets.reduce(|one, other| &one | &other).expect("three")
    });
    assert!(confirmed.len() > 20, "{} are no test", confirmed.len());
    eventually("all have been carried out", || {
        let seen: BTreeSet<_> =
            service.seen().iter().filter_map(Value::as_u64).map(|n| n as usize).collect();
        confirmed.is_subset(&seen)
    });
    let all = service.seen();
    let distinct: BTreeSet<_> = all.iter().filter_map(Value::as_u64).collect();
    assert_eq!(all.len(), distinct.len(), "some ran twice");
}

#[test]
fn a_call_is_answered_over_a_real_broker_and_nothing_is_left_behind() {
    let Some(host) = broker::host() else { return };
    let service = Service::start(host.bus(""));
    assert_eq!(echo(&service.bus, "grüß Gott", LIMIT).expect("an answer"), "grüß Gott");
    let state = service.bus.state().expect("a broker's");
    assert!(state.connections.iter().all(|one| one.phase == ConnectionPhase::Up), "{state:?}");
    eventually("the answer is confirmed", || {
        service.bus.state().expect("a broker's").answered == 1
    });
    assert!(service.pool.drain(LIMIT));
    drop(service);
    // What is shared stays, what was of this life alone is gone.
    assert_eq!(host.queues(), ["topic", "topic.server"]);
    eventually("nobody is connected", || host.count_connections() == 0);
}

fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().skip(1).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The topology as rabbitmqctl shows it, with the names that are new in each life as `…`.
fn topology(host: &Host) -> String {
    let exchanges =
        host.ctl(&["list_exchanges", "name", "type", "durable", "auto_delete", "arguments"]);
    let own = |line: &String| !line.starts_with("amq.") && !line.starts_with('\t');
    let bindings = host.ctl(&["list_bindings", "source_name", "routing_key", "destination_name"]);
    let queues = host.ctl(&["list_queues", "name", "type", "durable", "auto_delete", "arguments"]);
    let consumers = host.ctl(&[
        "list_consumers",
        "queue_name",
        "consumer_tag",
        "ack_required",
        "prefetch_count",
    ]);
    let all = [
        lines(&exchanges).into_iter().filter(own).collect::<Vec<_>>(),
        lines(&queues),
        lines(&bindings).into_iter().filter(own).collect(),
        lines(&consumers),
    ];
    let mut text = all.map(|lines| lines.join("\n")).join("\n\n").replace('\t', " ") + "\n";
    while let Some(at) = text.find("fanout_") {
        let end = at + "fanout_".len();
        text.replace_range(at..end + 32, "fanout-…");
    }
    text.replace("fanout-", "fanout_")
}

/// Compares what the broker has for one server with these parameters.
fn check_topology(parameters: &str, expected: &expect_test::Expect) {
    let Some(host) = broker::host() else { return };
    let bus = host.bus(parameters);
    // Legacy, back end and cluster, as one back end of cinder-volume serves them.
    let targets =
        [("cinder-volume", "H@B"), ("cinder-volume.H@B", "H"), ("cinder-volume.C@B", "C")];
    let count = if parameters.is_empty() { 3 } else { 1 };
    let targets = targets.into_iter().take(count);
    let targets: Vec<_> = targets
        .map(|(topic, server)| Target::new("openstack", topic, server).expect("good names"))
        .collect();
    let server = bus.serve(&targets, ServerOptions::default()).expect("a server");
    broker::until_serving(&bus, &server);
    expected.assert_eq(&topology(&host));
}

#[test]
fn by_default_the_broker_has_what_the_original_declares() {
    check_topology(
        "",
        &expect_test::expect![[r#"
            cinder-volume.C@B_fanout fanout false true []
            cinder-volume.H@B_fanout fanout false true []
            cinder-volume_fanout fanout false true []
            openstack topic false false []

            cinder-volume classic false false []
            cinder-volume.C@B classic false false []
            cinder-volume.C@B.C classic false false []
            cinder-volume.C@B_fanout_… classic false false [{"x-expires",1800000}]
            cinder-volume.H@B classic false false []
            cinder-volume.H@B.H classic false false []
            cinder-volume.H@B_fanout_… classic false false [{"x-expires",1800000}]
            cinder-volume_fanout_… classic false false [{"x-expires",1800000}]

            cinder-volume.C@B_fanout cinder-volume.C@B cinder-volume.C@B_fanout_…
            cinder-volume.H@B_fanout cinder-volume.H@B cinder-volume.H@B_fanout_…
            cinder-volume_fanout cinder-volume cinder-volume_fanout_…
            openstack cinder-volume cinder-volume
            openstack cinder-volume.C@B cinder-volume.C@B
            openstack cinder-volume.C@B.C cinder-volume.C@B.C
            openstack cinder-volume.H@B cinder-volume.H@B
            openstack cinder-volume.H@B.H cinder-volume.H@B.H

            cinder-volume 1 true 128
            cinder-volume.C@B 1 true 128
            cinder-volume.C@B.C 2 true 128
            cinder-volume.C@B_fanout_… 3 true 128
            cinder-volume.H@B 1 true 128
            cinder-volume.H@B 2 true 128
            cinder-volume.H@B.H 2 true 128
            cinder-volume.H@B_fanout_… 3 true 128
            cinder-volume_fanout_… 3 true 128
        "#]],
    );
}

#[test]
fn durable_queues_that_never_expire_are_declared_so() {
    check_topology(
        "?amqp_durable_queues=true&rabbit_transient_queues_ttl=0",
        &expect_test::expect![[r#"
            cinder-volume_fanout fanout false true []
            openstack topic true false []

            cinder-volume classic true false []
            cinder-volume.H@B classic true false []
            cinder-volume_fanout_… classic false false []

            cinder-volume_fanout cinder-volume cinder-volume_fanout_…
            openstack cinder-volume cinder-volume
            openstack cinder-volume.H@B cinder-volume.H@B

            cinder-volume 1 true 128
            cinder-volume.H@B 2 true 128
            cinder-volume_fanout_… 3 true 128
        "#]],
    );
}

#[test]
fn queues_that_go_with_their_consumers_are_declared_so() {
    check_topology(
        "?amqp_auto_delete=true",
        &expect_test::expect![[r#"
            cinder-volume_fanout fanout false true []
            openstack topic false true []

            cinder-volume classic false true []
            cinder-volume.H@B classic false true []
            cinder-volume_fanout_… classic false false [{"x-expires",1800000}]

            cinder-volume_fanout cinder-volume cinder-volume_fanout_…
            openstack cinder-volume cinder-volume
            openstack cinder-volume.H@B cinder-volume.H@B

            cinder-volume 1 true 128
            cinder-volume.H@B 2 true 128
            cinder-volume_fanout_… 3 true 128
        "#]],
    );
}

#[test]
fn quorum_queues_are_declared_with_their_limits() {
    check_topology(
        "?rabbit_quorum_queue=true&rabbit_quorum_delivery_limit=5&rabbit_transient_quorum_queue=true\
         &rabbit_qos_prefetch_count=7",
        &expect_test::expect![[r#"
            cinder-volume_fanout fanout true true []
            openstack topic true false []

            cinder-volume quorum true false [{"x-delivery-limit",5},{"x-queue-type","quorum"}]
            cinder-volume.H@B quorum true false [{"x-delivery-limit",5},{"x-queue-type","quorum"}]
            cinder-volume_fanout_… quorum true false [{"x-delivery-limit",5},{"x-expires",1800000},{"x-queue-type","quorum"}]

            cinder-volume_fanout cinder-volume cinder-volume_fanout_…
            openstack cinder-volume cinder-volume
            openstack cinder-volume.H@B cinder-volume.H@B

            cinder-volume 1 true 7
            cinder-volume.H@B 2 true 7
            cinder-volume_fanout_… 3 true 7
        "#]],
    );
}

#[test]
fn a_restart_of_the_broker_loses_and_repeats_nothing() {
    let Some(mut node) = OwnNode::start("") else { return };
    let url = node.host().url("?amqp_durable_queues=true");
    let (service, sender) = (Service::start(broker::bus(&url)), broker::bus(&url));
    nothing_is_lost_while(&service, &sender, || {
        for crash in [false, false, true] {
            service.survive("a restart", || {
                node.stop(crash);
                assert!(!service.is_serving() || !crash);
                node.resume();
            });
        }
    });
    assert_eq!(echo(&service.bus, "still", LIMIT).expect("an answer"), "still");
}

#[test]
fn what_is_deleted_or_closed_on_the_broker_is_made_again() {
    let Some(host) = broker::host() else { return };
    let (service, sender) = (Service::start(host.bus("")), host.bus(""));
    echo(&sender, "before", LIMIT).expect("an answer");
    let fanout = || {
        let all = host.queues();
        all.into_iter().find(|name| name.starts_with("topic_fanout_")).expect("one")
    };
    service.survive("a deleted queue", || host.delete_queue("topic.server"));
    service.survive("a deleted fan-out queue", || host.delete_queue(&fanout()));
    service.survive("closed connections", || host.close_connections());
    echo(&sender, "after", LIMIT).expect("an answer");
    // A deleted exchange ends nothing; the next who sends declares it, and the next life binds to it.
    for exchange in ["openstack", "topic_fanout"] {
        host.delete_exchange(exchange);
    }
    service.survive("a life without bindings", || host.close_connections());
    echo(&sender, "at the end", LIMIT).expect("an answer");
    sender.client().cast(&to_all(), request("keep", &json!({"n": 1}))).expect("taken");
    eventually("a fan-out arrives", || service.seen() == [1]);
}

#[test]
fn a_missing_queue_of_replies_costs_a_minute_and_nobody_elses_replies() {
    let Some(host) = broker::host() else { return };
    let service = Service::start(host.bus("?kombu_missing_consumer_retry_timeout=2"));
    let gone = json!({
        "method": "echo", "args": {"text": 1}, "version": "3.0",
        "_msg_id": "m", "_reply_q": "reply_nobody",
    });
    let state = || service.bus.state().expect("a broker's");
    broker::publish(&host, "topic.server", gone.to_string().as_bytes());
    eventually("the reply waits", || state().returned > 2 && state().waiting_replies == 1);
    // Others are answered meanwhile, over the same connection.
    echo(&host.bus(""), "others", LIMIT).expect("an answer");
    eventually("the queue counts as dead", || state().dead_reply_queues == 1);
    assert_eq!((state().waiting_replies, state().dropped), (0, 1));
    broker::publish(&host, "topic.server", gone.to_string().as_bytes());
    eventually("the next is dropped at once", || state().dropped == 2);
    assert_eq!(state().reconnects, 0);
}

#[test]
fn a_reply_waits_for_a_broker_that_is_away() {
    let Some(mut node) = OwnNode::start("") else { return };
    let url = node.host().url("?amqp_durable_queues=true");
    let (service, sender) = (Service::start(broker::bus(&url)), broker::bus(&url));
    let (began, has_begun) = mpsc::channel();
    let asked = thread::spawn(move || {
        began.send(()).expect("somebody waits");
        let slow = request("slow", &json!({"ms": 2_500}));
        sender.client().call(&server_of("server"), slow, Duration::from_secs(60))
    });
    has_begun.recv().expect("it began");
    eventually("it runs", || !service.pool.running().is_empty());
    node.stop(false);
    let state = || service.bus.state().expect("a broker's");
    eventually("its reply waits", || state().waiting_replies == 1);
    node.resume();
    assert_eq!(asked.join().expect("no panic").expect("an answer").get(), "2500");
}

#[test]
fn a_broker_that_is_away_costs_a_call_its_time_out_and_no_more() {
    // Nothing listens there.
    let bus = broker::bus("rabbit://127.0.0.1:1/");
    let began = Instant::now();
    let answer = echo(&bus, "x", Duration::from_secs(2));
    assert!(matches!(answer, Err(CallError::TimedOut)), "{answer:?}");
    assert!(began.elapsed() < Duration::from_secs(4));
    let state = bus.state().expect("a broker's");
    assert!(state.connections[0].reason.as_ref().is_some_and(|why| why.contains("refused")));
    let server = bus.serve(&[target("server")], ServerOptions::default()).expect("a server");
    let began = Instant::now();
    drop((server, bus));
    assert!(began.elapsed() < Duration::from_millis(2_500), "{:?}", began.elapsed());
}

#[test]
fn the_second_host_is_used_where_the_first_is_no_good() {
    let Some(host) = broker::host() else { return };
    let reserved = ReservedPort::new().expect("a port");
    let mute = reserved.port(); // nobody listens, so it refuses
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("bound").port(); // accepts, and says nothing
    let good = format!("guest:guest@127.0.0.1:{}/{}", host.node.port, host.name);
    for bad in [
        format!("guest:guest@127.0.0.1:{mute}"),
        format!("guest:wrong@127.0.0.1:{}", host.node.port),
        format!("nobody:guest@localhost:{}", host.node.port),
        format!("guest:guest@127.0.0.1:{port}"),
    ] {
        let service = Service::start(broker::bus(&format!("rabbit://{bad},{good}")));
        assert_eq!(echo(&service.bus, "x", LIMIT).expect("an answer"), "x", "{bad}");
    }
    drop(silent);
}

#[test]
fn a_password_or_virtual_host_that_is_refused_is_told() {
    let Some(host) = broker::host() else { return };
    for (url, reason) in [
        (format!("rabbit://guest:wr0ng@127.0.0.1:{}/", host.node.port), "ACCESS_REFUSED"),
        (format!("rabbit://guest:guest@127.0.0.1:{}/none", host.node.port), "vhost none not found"),
    ] {
        let bus = broker::bus(&url);
        let _server = bus.serve(&[target("server")], ServerOptions::default()).expect("one");
        eventually("it is told", || {
            let state = bus.state().expect("a broker's");
            state
                .servers
                .iter()
                .any(|one| one.reason.as_ref().is_some_and(|why| why.contains(reason)))
        });
        assert!(!format!("{:?}", bus.state()).contains("wr0ng"));
    }
}

#[test]
fn a_declaration_that_differs_downs_that_server_and_is_tried_again() {
    let Some(host) = broker::host() else { return };
    // As a peer with other options has it.
    let before = host.bus("?rabbit_quorum_queue=true");
    let other = Target::new("openstack2", "topic", "server").expect("good names");
    let server = before.serve(&[other], ServerOptions::default()).expect("a server");
    broker::until_serving(&before, &server);
    drop((server, before));
    let bus = host.bus("");
    let good = Target::new("openstack", "elsewhere", "server").expect("good names");
    let good = bus.serve(&[good], ServerOptions::default()).expect("a server");
    let bad = bus.serve(&[target("server")], ServerOptions::default()).expect("a server");
    let reason = || {
        let state = bus.state().expect("a broker's");
        let server = state.servers.iter().find(|one| one.number == bad.number()).cloned();
        server.and_then(|one| one.reason)
    };
    eventually("it is told", || reason().is_some());
    let reason = reason().expect("a reason");
    assert!(reason.contains("queue topic has"), "{reason}");
    broker::until_serving(&bus, &good);
    // The command that it names repairs it.
    let command = reason.rsplit("rabbitmqctl -p ").next().expect("a command");
    let words: Vec<_> =
        command.split_whitespace().skip(1).map(|word| word.trim_matches('\'')).collect();
    host.ctl(&words);
    host.delete_queue("topic.server");
    broker::until_serving(&bus, &bad);
    assert_eq!(bus.state().expect("a broker's").reconnects, 0, "the other was not disturbed");
}

#[test]
fn what_is_not_durable_on_the_broker_is_used_as_it_is() {
    let Some(host) = broker::host() else { return };
    let first = Service::start(host.bus(""));
    drop(first);
    let service = Service::start(host.bus("?amqp_durable_queues=true"));
    echo(&host.bus("?amqp_durable_queues=true"), "x", LIMIT).expect("an answer");
    assert_eq!(service.reconnects(), 0);
}

#[test]
fn a_memory_alarm_blocks_what_is_sent_and_nothing_else() {
    let Some(node) = OwnNode::start("") else { return };
    let url = node.host().url("?heartbeat_timeout_threshold=3");
    let (service, sender) = (Service::start(broker::bus(&url)), broker::bus(&url));
    echo(&sender, "before", LIMIT).expect("an answer");
    node.node.ctl(&["set_vm_memory_high_watermark", "absolute", "1MB"]);
    let asked = thread::spawn({
        let sender = sender.clone();
        move || echo(&sender, "meanwhile", Duration::from_secs(60))
    });
    let state = || sender.state().expect("a broker's");
    eventually("it is told", || state().connections[1].blocked.is_some());
    thread::sleep(Duration::from_secs(10)); // three heartbeats
    assert!(!asked.is_finished());
    node.node.ctl(&["set_vm_memory_high_watermark", "0.8"]);
    assert_eq!(asked.join().expect("no panic").expect("an answer"), "meanwhile");
    eventually("it is over", || state().connections[1].blocked.is_none());
    assert!(state().blocked >= Duration::from_secs(9), "{:?}", state().blocked);
    assert_eq!((state().reconnects, service.reconnects()), (0, 0));
}

#[test]
fn a_broker_that_stops_is_noticed_by_its_missing_heartbeats() {
    let Some(node) = OwnNode::start("") else { return };
    let url = node.host().url("?heartbeat_timeout_threshold=3&amqp_durable_queues=true");
    let (service, sender) = (Service::start(broker::bus(&url)), broker::bus(&url));
    nothing_is_lost_while(&service, &sender, || {
        service.survive("a broker that was stopped", || {
            node.node.signal(Signal::SIGSTOP).expect("it runs");
            eventually("it is noticed", || !service.is_serving());
            node.node.signal(Signal::SIGCONT).expect("it runs");
        });
    });
}

#[test]
fn a_handler_may_take_longer_than_heartbeats_do() {
    let Some(host) = broker::host() else { return };
    let url = "?heartbeat_timeout_threshold=2";
    let (service, sender) = (Service::start(host.bus(url)), host.bus(url));
    let slow = request("slow", &json!({"ms": 7_000}));
    sender.client().call(&server_of("server"), slow, LIMIT).expect("an answer");
    assert_eq!((service.reconnects(), sender.state().expect("one").reconnects), (0, 0));
}

#[test]
fn a_message_that_nobody_acknowledges_in_time_comes_again_and_runs_once() {
    let Some(node) = OwnNode::start("consumer_timeout = 3000\n") else { return };
    // How often the broker looks cannot be configured; quorum queues look each tick.
    let url = node.host().url("");
    let (service, sender) = (Service::start(broker::bus(&url)), broker::bus(&url));
    let code = "application:set_env(rabbit, channel_tick_interval, 1000).";
    node.node.eval(code);
    service.survive("new channels", || {
        node.host().close_connections();
    });
    service.survive("a channel closed for a late acknowledgement", || {
        let slow = request("slow", &json!({"ms": 8_000}));
        sender.client().cast(&server_of("server"), slow).expect("taken");
    });
    eventually("it ends", || service.pool.running().is_empty());
    assert_eq!(echo(&sender, "after", LIMIT).expect("an answer"), "after");
    eventually("its copy is known", || service.pool.server().counts().duplicates >= 1);
}

#[test]
fn a_backlog_stays_on_the_broker() {
    let Some(host) = broker::host() else { return };
    let bus = host.bus("");
    let server = bus.serve(&[target("server")], ServerOptions::default()).expect("a server");
    broker::until_serving(&bus, &server);
    let body = br#"{"method": "keep", "args": {"n": 1}, "version": "3.0"}"#;
    broker::publish_many(&host, "topic.server", body, lapin::BasicProperties::default(), 5_000);
    eventually("as many have come as may", || server.counts().waiting == 128);
    // The broker's own word: it has handed out no more, and keeps the rest.
    let words = ["list_queues", "name", "messages_unacknowledged", "messages_ready"];
    eventually("the rest is kept", || host.ctl(&words).contains("topic.server\t128\t4872"));
    assert_eq!(server.counts().received, 128);
}

#[test]
fn a_right_that_is_missing_downs_one_server_until_it_is_granted() {
    let Some(host) = broker::host() else { return };
    let bus = host.bus("");
    let allow = |configure: &str| {
        host.ctl(&["set_permissions", "guest", configure, ".*", ".*"]);
    };
    allow("^(topic|reply|openstack).*");
    let elsewhere = Target::new("openstack", "elsewhere", "server").expect("good names");
    let bad = bus.serve(&[elsewhere], ServerOptions::default()).expect("a server");
    let good = bus.serve(&[target("server")], ServerOptions::default()).expect("a server");
    broker::until_serving(&bus, &good);
    eventually("it is told", || {
        let state = bus.state().expect("a broker's");
        let server = state.servers.iter().find(|one| one.number == bad.number());
        server.and_then(|one| one.reason.as_ref()).is_some_and(|why| why.contains("ACCESS_REFUSED"))
    });
    assert!(!broker::is_serving(&bus, &bad));
    allow(".*");
    broker::until_serving(&bus, &bad);
    assert_eq!(bus.state().expect("a broker's").reconnects, 0, "the other was not disturbed");
}

/// Stands between us and the broker, and can begin to swallow everything.
struct Proxy {
    port: u16,
    swallows: Arc<AtomicBool>,
}

impl Proxy {
    fn before(port: u16) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("bound").port();
        let swallows = Arc::new(AtomicBool::new(false));
        let silent = Arc::clone(&swallows);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let broker = std::net::TcpStream::connect(("127.0.0.1", port)).expect("a broker");
                let pairs = [
                    (client.try_clone().expect("one"), broker.try_clone().expect("one")),
                    (broker, client),
                ];
                for (from, to) in pairs {
                    let silent = Arc::clone(&silent);
                    thread::spawn(move || pass_on(from, to, &silent));
                }
            }
        });
        Self { port: own, swallows }
    }
}

fn pass_on(mut from: std::net::TcpStream, mut to: std::net::TcpStream, silent: &AtomicBool) {
    use std::io::{Read, Write};
    let mut chunk = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        if !silent.load(Ordering::Relaxed) && to.write_all(&chunk[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[test]
fn a_network_that_swallows_everything_is_noticed_and_borne() {
    let Some(host) = broker::host() else { return };
    let proxy = Proxy::before(host.node.port);
    let through = format!("rabbit://guest:guest@127.0.0.1:{}", proxy.port);
    let url = format!("{through}/{}?heartbeat_timeout_threshold=2", host.name);
    let service = Service::start(broker::bus(&url));
    echo(&host.bus(""), "before", LIMIT).expect("an answer");
    proxy.swallows.store(true, Ordering::Relaxed);
    eventually("it is noticed", || !service.is_serving());
    let state = service.bus.state().expect("a broker's");
    assert!(state.connections[0].reason.is_some(), "{state:?}");
    proxy.swallows.store(false, Ordering::Relaxed);
    eventually("it is back", || service.is_serving());
    echo(&host.bus(""), "after", LIMIT).expect("an answer");
}

#[test]
fn a_mute_broker_holds_an_end_up_for_a_moment_only() {
    let Some(node) = OwnNode::start("") else { return };
    let bus = node.host().bus("");
    let servers: Vec<_> = ["a", "b", "c"]
        .map(|name| bus.serve(&[target(name)], ServerOptions::default()).expect("a server"))
        .into();
    for server in &servers {
        broker::until_serving(&bus, server);
    }
    node.node.signal(Signal::SIGSTOP).expect("it runs");
    let began = Instant::now();
    drop((servers, bus));
    let took = began.elapsed();
    node.node.signal(Signal::SIGCONT).expect("it runs");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

/// Words that cannot be written: reading a message panics.
struct Broken;

impl oslo_messaging::Words for Broken {
    fn count(&self) -> usize {
        3
    }
    fn get(&self, _: usize) -> u64 {
        0
    }
    fn set(&self, _: usize, value: u64) {
        assert_eq!(value, 0, "on purpose");
    }
}

#[test]
fn a_panic_of_the_messaging_thread_is_told_and_ends_its_servers() {
    let Some(host) = broker::host() else { return };
    let bus = host.bus("");
    let options = ServerOptions { words: Some(Box::new(Broken)), ..ServerOptions::default() };
    let bad = bus.serve(&[target("server")], options).expect("a server");
    let other = bus.serve(&[target("other")], ServerOptions::default()).expect("a server");
    broker::until_serving(&bus, &bad);
    broker::until_serving(&bus, &other);
    keep(&host.bus(""), 1).expect("confirmed");
    assert!(bad.next().is_none() && other.next().is_none(), "both have ended");
    let ended = || bus.state().expect("a broker's").ended.clone();
    eventually("it is told", || ended().is_some());
    assert!(ended().is_some_and(|why| why.contains("on purpose")));
    // Nobody waits for a thread that is not there.
    let answer = echo(&bus, "x", LIMIT);
    assert!(matches!(answer, Err(CallError::Bus { .. })), "{answer:?}");
}

/// What the broker's log of a stream, and what a server of it, has come to.
fn of_stream(service: &Service) -> (u64, u64) {
    let counts = service.pool.server().counts();
    (counts.received, counts.duplicates)
}

#[test]
fn a_stream_is_read_on_behind_what_was_read_and_from_its_end_when_it_is_made_anew() {
    const OPTIONS: &str = "?rabbit_stream_fanout=true&rabbit_transient_quorum_queue=true\
                           &rabbit_qos_prefetch_count=10";
    let Some(host) = broker::host() else { return };
    let service = Service::start(host.bus(OPTIONS));
    let other = Service::start(host.bus(OPTIONS));
    let client = host.bus(OPTIONS).client();
    let tell = |number: usize| {
        let asked = request("keep", &json!({ "n": number }));
        client.cast(&to_all(), asked).expect("the broker has it");
    };
    let reached = |count: usize| {
        for service in [&service, &other] {
            eventually("it arrives", || service.seen().len() >= count);
            assert_eq!(service.seen().len(), count);
        }
    };
    for number in 1..=30 {
        tell(number);
    }
    reached(30);
    // A header of a sender's changes nothing: the broker writes over it.
    let mut headers = lapin::types::FieldTable::default();
    headers.insert("x-stream-offset".into(), lapin::types::AMQPValue::LongString("x".into()));
    let properties = lapin::BasicProperties::default().with_headers(headers);
    broker::publish_many(&host, "topic_fanout", b"nonsense", properties, 1);
    eventually("it is rejected", || service.pool.server().counts().rejected == 1);
    // It is read on behind the last message: that does not come again.
    service.survive("an end of both connections", || {
        host.close_connections();
    });
    eventually("the other is back, too", || other.is_serving());
    tell(31);
    reached(31);
    for service in [&service, &other] {
        assert_eq!(of_stream(service), (32, 0), "all of them, and the nonsense, once");
    }
    // It is made anew, and counts from 0 then.
    service.survive("the end of the stream", || {
        host.delete_queue("topic_fanout");
    });
    eventually("the other is back, too", || other.is_serving());
    tell(32);
    reached(32);
    // Who ends leaves it to the others.
    drop(other);
    let left = host.ctl(&["list_queues", "--no-table-headers", "name", "durable"]);
    assert!(left.lines().any(|line| line == "topic_fanout\ttrue"), "{left}");
    assert!(!left.contains("topic_fanout_"), "{left}");
}
