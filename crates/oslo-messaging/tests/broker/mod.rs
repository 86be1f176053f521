//! A real RabbitMQ for tests: that of the run, or one of a test's own.
//!
//! `OSLO_MESSAGING_TEST_RABBITMQ` names the directory of the run's node (`node.sh`); each test has a
//! virtual host of its own on it. Without it such tests are skipped.

#![allow(dead_code, reason = "no file uses all of it")]

pub mod ports;

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use oslo_messaging::{Broker, Bus, RabbitOptions, Server, Transport};

use self::ports::ReservedPort;
use crate::served::{eventually, within};

/// A node in its directory.
#[derive(Debug, Clone)]
pub struct Node {
    pub directory: PathBuf,
    pub port: u16,
}

/// A virtual host of one test, which is deleted with it.
#[derive(Debug)]
pub struct Host {
    pub node: Node,
    pub name: String,
}

/// A node that a test starts itself, to stop it.
pub struct OwnNode {
    pub node: Node,
    child: Option<Child>,
    _ports: [ReservedPort; 3],
    _directory: tempfile::TempDir,
}

/// The run's node; nothing if there is none, which this program of tests says once.
pub fn node() -> Option<Node> {
    static DIRECTORY: OnceLock<Option<OsString>> = OnceLock::new();
    let needed = || test_conditions::needed("OSLO_MESSAGING_TEST_RABBITMQ", "node's directory");
    DIRECTORY.get_or_init(needed).as_ref().map(|one| Node::at(Path::new(one)))
}

/// A virtual host on the run's node.
pub fn host() -> Option<Host> {
    node().map(Host::on)
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broker/node.sh")
}

impl Node {
    fn at(directory: &Path) -> Self {
        let ports = fs::read_to_string(directory.join("ports")).expect("its ports");
        let port = ports.lines().next().and_then(|port| port.parse().ok()).expect("a port");
        Self { directory: directory.to_owned(), port }
    }

    /// What rabbitmqctl says to these words. It takes a second of a processor each time: see [`Node::eval`].
    pub fn ctl(&self, words: &[&str]) -> String {
        self.script("ctl", words)
    }

    /// What Erlang's `code` gives on the node, in Erlang's own words.
    pub fn eval(&self, code: &str) -> String {
        self.script("eval", &[code]).trim().to_owned()
    }

    fn script(&self, verb: &str, words: &[&str]) -> String {
        let mut command = Command::new("sh");
        command.arg(script()).arg(&self.directory).arg(verb).args(words);
        let output = command.stdin(Stdio::null()).output().expect("a shell");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{verb} {words:?}: {complaint}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// To the process of the node.
    pub fn signal(&self, signal: Signal) -> nix::Result<()> {
        let pid = fs::read_to_string(self.directory.join("beam.pid")).expect("its id");
        nix::sys::signal::kill(Pid::from_raw(pid.trim().parse().expect("a number")), signal)
    }

    /// Whether it speaks AMQP.
    pub fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else {
            return false;
        };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut byte = [0];
        stream.write_all(b"AMQP\0\0\x09\x01").is_ok()
            && stream.read_exact(&mut byte).is_ok()
            && byte == [1]
    }
}

impl OwnNode {
    /// A node of its own; nothing where the run has none.
    pub fn start(settings: &str) -> Option<Self> {
        Self::start_with(settings, "[].")
    }

    /// The same with plugins of the broker's.
    pub fn start_with(settings: &str, plugins: &str) -> Option<Self> {
        node()?;
        let directory = tempfile::tempdir().expect("a directory");
        let ports = [(); 3].map(|()| ReservedPort::new().expect("a port"));
        let lines = ports.each_ref().map(|one| format!("{}\n", one.port())).concat();
        fs::write(directory.path().join("ports"), lines).expect("ours");
        fs::write(directory.path().join("extra.conf"), settings).expect("ours");
        fs::write(directory.path().join("extra.plugins"), format!("{plugins}\n")).expect("ours");
        let node = Node::at(directory.path());
        let mut this = Self { node, child: None, _ports: ports, _directory: directory };
        this.resume();
        Some(this)
    }

    /// Starts it again.
    pub fn resume(&mut self) {
        let mut command = Command::new("sh");
        command.arg(script()).arg(&self.node.directory).arg("serve").stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("a shell"));
        let node = &self.node;
        within(Duration::from_secs(240), "the broker answers", || node.answers());
        // By then it has a listener, and not all of them.
        eventually("it is all there", || node.eval("rabbit:is_running().") == "true");
    }

    /// Ends it as an operator does, or at once as a crash does.
    pub fn stop(&mut self, crash: bool) {
        if crash {
            self.node.signal(Signal::SIGKILL).expect("it runs");
        }
        let Some(mut child) = self.child.take() else { return };
        drop(child.stdin.take());
        child.wait().expect("ours");
    }

    /// The whole virtual host `/`.
    pub fn host(&self) -> Host {
        Host { node: self.node.clone(), name: "/".into() }
    }
}

impl Drop for OwnNode {
    fn drop(&mut self) {
        if self.child.is_some() {
            let _has_ended = self.node.signal(Signal::SIGKILL);
            self.stop(false);
        }
    }
}

impl Host {
    fn on(node: Node) -> Self {
        let name = format!("test-{}", uuid::Uuid::new_v4().simple());
        let code = format!(
            "ok = rabbit_vhost:add(<<\"{name}\">>, <<\"test\">>), \
             rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, <<\"{name}\">>, \
             <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"test\">>)."
        );
        node.eval(&code);
        Self { node, name }
    }

    /// A name in it, in Erlang.
    fn resource(&self, kind: &str, name: &str) -> String {
        format!("rabbit_misc:r(<<\"{}\">>, {kind}, <<\"{name}\">>)", self.name)
    }

    pub fn delete_queue(&self, name: &str) {
        let queue = self.resource("queue", name);
        let code = format!(
            "{{ok, Q}} = rabbit_amqqueue:lookup({queue}), \
             {{ok, _}} = rabbit_amqqueue:delete(Q, false, false, <<\"test\">>)."
        );
        self.node.eval(&code);
    }

    pub fn delete_exchange(&self, name: &str) {
        let exchange = self.resource("exchange", name);
        self.node.eval(&format!("ok = rabbit_exchange:delete({exchange}, false, <<\"test\">>)."));
    }

    /// Erlang for the connections to it.
    fn connections(&self) -> String {
        let name = &self.name;
        format!(
            "[C || C <- rabbit_networking:connections(), \
             catch rabbit_networking:connection_info(C, [vhost]) == [{{vhost, <<\"{name}\">>}}]]"
        )
    }

    pub fn count_connections(&self) -> usize {
        let count = self.node.eval(&format!("length({}).", self.connections()));
        count.parse().expect("a number")
    }

    /// Has the broker end all connections to it.
    pub fn close_connections(&self) {
        let all = self.connections();
        self.node.eval(&format!(
            "[catch rabbit_networking:close_connection(C, \"as a test wants it\") || C <- {all}]."
        ));
    }

    /// The names of its queues, in order.
    pub fn queues(&self) -> Vec<String> {
        let all = format!("rabbit_amqqueue:list_names(<<\"{}\">>)", self.name);
        let names = self.node.eval(&format!(
            "lists:append([binary_to_list(element(4, R)) ++ \" \" || R <- {all}])."
        ));
        let mut names: Vec<_> =
            names.trim_matches(['"', '[', ']']).split_whitespace().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// What rabbitmqctl says to a command about this virtual host.
    pub fn ctl(&self, words: &[&str]) -> String {
        self.node.ctl(&[&["-p", &self.name], words].concat())
    }

    /// Its URL with these parameters.
    pub fn url(&self, parameters: &str) -> String {
        let name = if self.name == "/" { "" } else { &self.name };
        format!("rabbit://guest:guest@127.0.0.1:{}/{name}{parameters}", self.node.port)
    }

    pub fn bus(&self, parameters: &str) -> Bus {
        bus(&self.url(parameters))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if self.name != "/" && !std::thread::panicking() {
            self.node.eval(&format!("rabbit_vhost:delete(<<\"{}\">>, <<\"test\">>).", self.name));
        }
    }
}

/// A bus of a URL.
pub fn bus(url: &str) -> Bus {
    Bus::rabbit(broker(url), "test")
}

pub fn broker(url: &str) -> Broker {
    match Transport::parse(url, &RabbitOptions::default()).expect("a good URL") {
        Transport::Rabbit(broker) => *broker,
        other => panic!("{other:?}"),
    }
}

/// Publishes a message as anybody may.
pub fn publish(host: &Host, queue: &str, body: &[u8]) {
    publish_many(host, queue, body, BasicProperties::default(), 1);
}

pub fn publish_many(
    host: &Host,
    queue: &str,
    body: &[u8],
    properties: BasicProperties,
    count: usize,
) {
    let name = host.name.replace('/', "%2f");
    let url = format!("amqp://guest:guest@127.0.0.1:{}/{name}", host.node.port);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let to = Connection::connect(&url, ConnectionProperties::default()).await;
        let to = to.expect("a broker");
        let channel = to.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        for _ in 0..count {
            let options = BasicPublishOptions::default();
            let queue = queue.into();
            let sent = channel.basic_publish("".into(), queue, options, body, properties.clone());
            drop(sent.await.expect("sent"));
        }
        channel.wait_for_confirms().await.expect("taken");
        to.close(200, "OK".into()).await.expect("closed");
    });
}

/// Waits until a server takes messages.
pub fn until_serving(bus: &Bus, server: &Server) {
    eventually("it serves", || is_serving(bus, server));
}

pub fn is_serving(bus: &Bus, server: &Server) -> bool {
    let Some(state) = bus.state() else { return true };
    assert_eq!(state.ended, None);
    state.is_serving(server.number())
}
