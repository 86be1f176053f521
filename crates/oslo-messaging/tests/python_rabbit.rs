//! The original's library and ours over one broker; needs `CINDER_PYTHON`, a virtual environment with
//! cinder 29.0.0, and a broker.

mod broker;
mod served;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::Host;
use oslo_messaging::{Bus, CallError, Classes, Dispatcher, Method, Pool, ServerOptions, Version};
use serde_json::{Value, json};
use served::{eventually, request, server_of, target};

const LIMIT: Duration = Duration::from_secs(30);
const CLASSES: Classes =
    Classes::new("cinder.exception", include_str!("data/cinder-exceptions.txt"));

/// `client URL` reads lines of JSON and makes each a call or a cast; `server URL` serves until its input
/// ends. The library reads options of the global `cfg.CONF` only.
const SCRIPT: &str = r"
import json, sys, threading
import oslo_messaging as om
from oslo_config import cfg
cfg.CONF([], project='test', default_config_files=[])
transport = om.get_rpc_transport(
    cfg.CONF, url=sys.argv[2], allowed_remote_exmods=['cinder.exception'])
target = dict(topic='topic', server='server')

def client():
    made = om.get_rpc_client(transport, om.Target(version='3.0', **target), timeout=20)
    print('ready', flush=True)
    for line in sys.stdin:
        ask = json.loads(line)
        if ask.get('cast'):
            made.cast({}, ask['method'], **ask['args'])
            print('null', flush=True)
            continue
        try:
            one = made.prepare(version=ask.get('version', '3.0'))
            answer = {'result': one.call({}, ask['method'], **ask['args'])}
        except Exception as error:
            answer = {'module': type(error).__module__, 'class': type(error).__name__,
                      'text': str(error).splitlines()[0], 'code': getattr(error, 'code', None),
                      'type': getattr(error, 'exc_type', None)}
        print(json.dumps(answer), flush=True)

class Endpoint:
    target = om.Target(version='3.5')
    seen = []
    def echo(self, ctxt, text):
        return text
    def fails(self, ctxt):
        from cinder import exception
        raise exception.VolumeNotFound(volume_id='v')
    def keep(self, ctxt, n):
        self.seen.append(n)
    def count(self, ctxt):
        return len(set(self.seen))

def server():
    made = om.get_rpc_server(transport, om.Target(**target), [Endpoint()], executor='threading')
    made.start()
    print('ready', flush=True)
    for _ in sys.stdin:
        pass
    made.stop()
    made.wait()

{'client': client, 'server': server}[sys.argv[1]]()
";

/// Takes names of queues from the counter that processes share: `HOST DIRECTORY COUNT`; then, when it is
/// told to, holds its lock until it is killed.
const NAMES: &str = r"
import sys
from oslo_concurrency import lockutils
from oslo_messaging._drivers.amqpdriver import QManager
lockutils.set_defaults(sys.argv[2])
manager = QManager(sys.argv[1], 'p')
print('ready', flush=True)
for _ in range(int(sys.argv[3])):
    print(manager.get(), flush=True)
sys.stdin.readline()
with lockutils.lock(f'oslo_read_shm_{sys.argv[1]}_p', external=True):
    print('held', flush=True)
    sys.stdin.read()
";

/// A process with the original's library.
struct Original {
    child: Child,
    lines: Box<dyn Iterator<Item = std::io::Result<String>>>,
}

impl Original {
    fn start(role: &str, host: &Host) -> Option<Self> {
        Self::run(SCRIPT, &[role, &host.url("")], "/nowhere")
    }

    /// With a place for its locks.
    fn run(script: &str, words: &[&str], locks: &str) -> Option<Self> {
        let mut child = Command::new(test_conditions::original()?)
            .args(["-W", "ignore", "-c", script])
            .args(words)
            .env("OSLO_LOCK_PATH", locks)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a Python");
        let lines = Box::new(BufReader::new(child.stdout.take().expect("piped")).lines());
        let mut this = Self { child, lines };
        assert_eq!(this.line(), "ready");
        Some(this)
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("it says something").expect("UTF-8")
    }

    fn ask(&mut self, what: &Value) -> Value {
        writeln!(self.child.stdin.as_ref().expect("piped"), "{what}").expect("it reads");
        serde_json::from_str(&self.line()).expect("JSON")
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().expect("ours").success());
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Ours {
    bus: Bus,
    pool: Pool,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl Ours {
    fn start(host: &Host) -> Self {
        let bus = host.bus("");
        let server = bus.serve(&[target("server")], ServerOptions::default()).expect("a server");
        broker::until_serving(&bus, &server);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let fails = Method::new("fails", |_| {
            Err(CLASSES
                .failure_of("VolumeNotFound", "Volume v gone.", [("volume_id", "v".into())])
                .into())
        });
        let methods = [served::keep(&seen), served::echo(), fails];
        let dispatcher = Dispatcher::default().with(Version { major: 3, minor: 20 }, methods);
        let pool = Pool::start(server, dispatcher, 8).expect("threads");
        Self { bus, pool, seen }
    }

    fn distinct(&self) -> usize {
        let mut all: Vec<_> =
            self.seen.lock().expect("no panic").iter().filter_map(Value::as_u64).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "some ran twice");
        count
    }
}

#[test]
fn the_originals_client_gets_from_us_what_it_gets_from_the_original() {
    let Some(host) = broker::host() else { return };
    let Some(mut client) = Original::start("client", &host) else { return };
    let service = Ours::start(&host);
    let text = json!("grüß Gott\n\u{1f600}");
    let answer = client.ask(&json!({"method": "echo", "args": {"text": text}}));
    assert_eq!(answer["result"], text);
    let large = "x".repeat(4 << 20);
    let answer = client.ask(&json!({"method": "echo", "args": {"text": large}}));
    assert_eq!(answer["result"].as_str().map(str::len), Some(4 << 20));
    for (ask, module, class, text) in [
        (
            json!({"method": "nosuch", "args": {}}),
            "oslo_messaging.rpc.client",
            "RemoteError",
            "NoSuchMethod",
        ),
        (
            json!({"method": "echo", "args": {"text": 1}, "version": "3.21"}),
            "oslo_messaging.rpc.client",
            "RemoteError",
            "UnsupportedVersion",
        ),
        (json!({"method": "echo", "args": {}}), "builtins", "TypeError", "text"),
        (
            json!({"method": "fails", "args": {}}),
            "cinder.exception_Remote",
            "VolumeNotFound_Remote",
            "Volume v gone.",
        ),
    ] {
        let answer = client.ask(&ask);
        assert_eq!(
            (&answer["module"], &answer["class"]),
            (&json!(module), &json!(class)),
            "{answer}"
        );
        assert!(answer["text"].as_str().is_some_and(|said| said.contains(text)), "{answer}");
        if module.starts_with("cinder") {
            assert_eq!(answer["code"], 404);
        }
    }
    drop(service);
    client.stop();
}

#[test]
fn our_client_gets_from_the_original_what_it_gets_from_us() {
    let Some(host) = broker::host() else { return };
    let Some(service) = Original::start("server", &host) else { return };
    let bus = host.bus("");
    let ask = |method: &str, args: Value| {
        bus.client().call(&server_of("server"), request(method, &args), LIMIT)
    };
    let large = "ü".repeat(2 << 20);
    for text in ["grüß Gott\n\u{1f600}", &large] {
        let answer = ask("echo", json!({ "text": text })).expect("an answer");
        assert!(serde_json::from_str::<String>(answer.get()).expect("a text") == text);
    }
    for (method, args, class, module) in [
        ("nosuch", json!({}), "NoSuchMethod", "oslo_messaging.rpc.dispatcher"),
        ("fails", json!({}), "VolumeNotFound", "cinder.exception"),
        ("echo", json!({"more": 1}), "TypeError", "builtins"),
    ] {
        match ask(method, args) {
            Err(CallError::Failed(failure)) => {
                assert_eq!((failure.class.as_str(), failure.module.as_str()), (class, module));
            }
            other => panic!("{method}: {other:?}"),
        }
    }
    service.stop();
}

#[test]
fn the_original_and_ours_take_over_each_others_queues() {
    let Some(host) = broker::host() else { return };
    let Some(first) = Original::start("server", &host) else { return };
    first.stop();
    let Some(mut client) = Original::start("client", &host) else { return };
    let mut cast = |from: usize| {
        for number in from..from + 100 {
            client.ask(&json!({"method": "keep", "args": {"n": number}, "cast": true}));
        }
    };
    cast(0);
    let ours = Ours::start(&host);
    eventually("ours has taken all that waited", || ours.distinct() == 100);
    assert!(ours.pool.drain(LIMIT));
    let bus = ours.bus.clone();
    drop(ours);
    cast(100);
    let Some(theirs) = Original::start("server", &host) else { return };
    eventually("theirs has", || {
        let asked = bus.client().call(&server_of("server"), request("count", &json!({})), LIMIT);
        asked.expect("an answer").get() == "100"
    });
    theirs.stop();
    client.stop();
}

/// The names that a bus gives are those of the original's, from one counter, whoever asks meanwhile.
#[test]
fn processes_of_ours_and_of_the_originals_take_names_from_one_counter() {
    const EACH: usize = 40;
    let leader = nix::unistd::getpgrp();
    if !std::path::Path::new(&format!("/proc/{leader}")).exists() {
        // The original counts in no such group.
        nix::unistd::setpgid(nix::unistd::Pid::this(), nix::unistd::Pid::this()).expect("a group");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let locks = directory.path().display().to_string();
    let host = format!("test-{}", uuid::Uuid::new_v4().simple());
    let count = EACH.to_string();
    let words = [host.as_str(), &locks, &count];
    let Some(first) = Original::run(NAMES, &words, &locks) else { return };
    let Some(second) = Original::run(NAMES, &words, &locks) else { return };
    // Nobody listens there: names are given before.
    let url = format!("rabbit://127.0.0.1:1/?use_queue_manager=true&hostname={host}&processname=p");
    let mut broker = broker::broker(&url);
    broker.lock_path = Some(locks.clone().into());
    let mut names: Vec<String> = (0..EACH)
        .map(|_| {
            let bus = Bus::rabbit(broker.clone(), "test");
            let server = bus.serve(&[target("server")], ServerOptions::default());
            let server = server.expect("a name");
            let mut queue = String::new();
            eventually("it is shown", || {
                let state = bus.state().expect("a broker's");
                let last = state.servers.first().and_then(|one| one.queues.last().cloned());
                last.is_some_and(|last| {
                    queue = last;
                    true
                })
            });
            drop(server);
            queue.strip_prefix("topic_fanout_").expect("a queue's name").to_owned()
        })
        .collect();
    for mut original in [first, second] {
        names.extend((0..EACH).map(|_| original.line()));
        writeln!(original.child.stdin.as_ref().expect("piped")).expect("it reads");
        assert_eq!(original.line(), "held");
        // A lock of one that was killed is nobody's.
        original.child.kill().expect("ours");
        original.child.wait().expect("ours");
    }
    let mut numbers: Vec<usize> = names
        .iter()
        .map(|name| {
            name.strip_prefix(&format!("{host}:p:")).expect("its parts").parse().expect("one")
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=3 * EACH).collect::<Vec<_>>());
    let server = Bus::rabbit(broker, "test").serve(&[target("server")], ServerOptions::default());
    server.expect("the lock is free");
    std::fs::remove_file(format!("/dev/shm/{host}_p_qmanager")).expect("it was counted there");
}

#[test]
fn the_queue_of_replies_is_declared_as_the_original_declares_it() {
    let Some(host) = broker::host() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let locks = directory.path().display().to_string();
    let node = format!("test-{}", uuid::Uuid::new_v4().simple());
    for (options, is_kept) in [
        ("rabbit_transient_quorum_queue=true&rabbit_quorum_delivery_limit=7".to_owned(), false),
        (
            format!("rabbit_ha_queues=true&use_queue_manager=true&hostname={node}&processname=p"),
            true,
        ),
    ] {
        let url = host.url(&format!("?{options}"));
        let declared = || {
            let words = [
                "list_queues",
                "--no-table-headers",
                "name",
                "durable",
                "auto_delete",
                "arguments",
            ];
            let listed = host.ctl(&words);
            let replies = listed.lines().filter(|line| line.starts_with("reply_"));
            replies.map(str::to_owned).collect::<Vec<_>>()
        };
        let rest = |line: &String| {
            let (name, rest) = line.split_once('\t').expect("columns");
            let mut rest: Vec<_> =
                rest.split(['[', ',', '{', '}', ']']).map(str::to_owned).collect();
            rest.sort();
            let name = name.rsplit_once(':').map_or("", |(name, _)| name).to_owned();
            (name, rest)
        };
        let Some(service) = Original::run(SCRIPT, &["server", &url], &locks) else { return };
        let Some(mut client) = Original::run(SCRIPT, &["client", &url], &locks) else { return };
        let answer = client.ask(&json!({"method": "echo", "args": {"text": "x"}}));
        assert_eq!(answer["result"], "x");
        let theirs = declared();
        let mut broker = broker::broker(&url);
        broker.lock_path = Some(locks.clone().into());
        let bus = Bus::rabbit(broker, "test");
        let asked =
            bus.client().call(&server_of("server"), request("echo", &json!({"text": "x"})), LIMIT);
        asked.expect("an answer");
        let both = declared();
        let ours: Vec<_> = both.iter().filter(|line| !theirs.contains(line)).collect();
        assert_eq!((theirs.len(), ours.len()), (1, 1), "{both:?}");
        assert_eq!(rest(ours[0]), rest(&theirs[0]), "{both:?}");
        drop(bus);
        client.stop();
        service.stop();
        assert_eq!(declared().contains(ours[0]), is_kept, "{ours:?}");
        for line in declared() {
            host.delete_queue(line.split('\t').next().expect("a name"));
        }
    }
    std::fs::remove_file(format!("/dev/shm/{node}_p_qmanager")).expect("it was counted there");
}
