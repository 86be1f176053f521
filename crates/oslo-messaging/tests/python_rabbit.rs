//! The original's library and ours over one broker; needs `CINDER_PYTHON`, a virtual environment with
//! cinder 29.0.0, and a broker.

mod broker;
mod served;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
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

#[expect(clippy::disallowed_methods, reason = "a test is told by its caller where a Python is")]
#[expect(clippy::print_stderr, reason = "why a test did nothing belongs into its output")]
fn python() -> Option<PathBuf> {
    let Some(environment) = std::env::var_os("CINDER_PYTHON") else {
        eprintln!("not run: CINDER_PYTHON names no virtual environment with cinder 29.0.0");
        return None;
    };
    Some(PathBuf::from(environment).join("bin/python"))
}

/// A process with the original's library.
struct Original {
    child: Child,
    lines: Box<dyn Iterator<Item = std::io::Result<String>>>,
}

impl Original {
    fn start(role: &str, host: &Host) -> Option<Self> {
        let mut child = Command::new(python()?)
            .args(["-W", "ignore", "-c", SCRIPT, role, &host.url("")])
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
