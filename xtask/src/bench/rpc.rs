//! `cargo xtask bench rpc`: what a call over RabbitMQ costs, beside a bare echo by the same AMQP library and, with
//! `--peer`, the original's own server.
//!
//! One broker, one load generator, all servers in turn, so that all meet the same machine in the same minutes. The
//! servers and the generator are `crates/oslo-messaging/examples/figures.rs`; nothing here knows a protocol.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

use super::figures::median;
use crate::proxy::Proxy;
use crate::servers::rabbitmq::{self, RabbitMq};
use crate::wait::{let_pass, secs};
use crate::{cargo, guard, process};

/// Echoes until its input ends.
const SCRIPT: &str = r"
import sys
import oslo_messaging as om
from oslo_config import cfg
cfg.CONF([], project='cinder', default_config_files=[])
transport = om.get_rpc_transport(cfg.CONF, url=sys.argv[1])

class Endpoint:
    target = om.Target(version='1.0')
    def echo(self, ctxt, text):
        return text

server = om.get_rpc_server(
    transport, om.Target(topic='figures', server='one'), [Endpoint()], executor='threading')
server.start()
print('serving', flush=True)
sys.stdin.read()
server.stop()
server.wait()
";

/// Callers of the first figure.
const MANY: &str = "64";
/// Bytes of the text that is echoed.
const SMALL: &str = "100";
/// Replies after which memory is looked at, their size, and how long that is allowed to settle.
const LARGE: [&str; 2] = ["20", "1000000"];
const SETTLES: Duration = secs(10);
/// `heartbeat_timeout_threshold` of servers whose broker dies, in seconds.
const HEARTBEAT: u64 = 10;
/// How long a server may take to say that it serves.
const PATIENCE: Duration = secs(120);

/// What the command line asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The example, built already.
    pub(crate) binary: Option<PathBuf>,
    /// Whether the original's server is measured, too.
    pub(crate) peer: bool,
    /// Turns; the median counts.
    pub(crate) runs: u64,
    /// How long each load lasts.
    pub(crate) load: Duration,
    /// How long an idle server is looked at.
    pub(crate) idle: Duration,
    /// Workers that wait for a broker.
    pub(crate) workers: usize,
}

/// Whom the load goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Bare,
    Ours,
    Python,
}

/// What one turn of one server came to.
#[derive(Clone, Copy, Debug)]
struct Turn {
    calls_per_second: f64,
    cpu_ms_many: f64,
    p50_ms: f64,
    cpu_ms_one: f64,
}

/// Measures everything and prints the figures as they come.
///
/// # Errors
///
/// When a program cannot be started, or a call gets no answer.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    if let Some(reason) = rabbitmq::missing() {
        println!("not measured: {reason}");
        return Ok(());
    }
    let example = match &plan.binary {
        Some(given) => given.canonicalize()?,
        None => cargo::build_example("oslo-messaging", "figures")?,
    };
    let mut subjects = vec![Subject::Bare, Subject::Ours];
    let python = std::env::var_os("CINDER_PYTHON").map(PathBuf::from);
    match (plan.peer, &python) {
        (true, Some(_)) => subjects.push(Subject::Python),
        (true, None) => println!("no peer: CINDER_PYTHON names no virtual environment"),
        (false, _) => {}
    }
    let mut broker = RabbitMq::start()?;
    let bench = Bench { example: &example, python: python.as_deref(), url: broker.url() };
    let mut turns: Vec<Vec<Turn>> = subjects.iter().map(|_| Vec::new()).collect();
    for turn in 0..plan.runs {
        for (subject, turns) in subjects.iter().zip(&mut turns) {
            eprintln!("{subject:?}: turn {} of {}", turn + 1, plan.runs);
            let measured = bench.turn(*subject, plan.load);
            turns.push(measured.with_context(|| format!("{subject:?}"))?);
        }
    }
    println!(
        "{:32} {}",
        "",
        subjects.iter().map(|one| format!("{:>10}", format!("{one:?}"))).collect::<String>()
    );
    for (name, of) in [
        ("calls/s, 64 callers", (|turn| turn.calls_per_second) as fn(&Turn) -> f64),
        ("p50, 1 caller, ms", |turn| turn.p50_ms),
        ("server's CPU per call, 64, ms", |turn| turn.cpu_ms_many),
        ("server's CPU per call, 1, ms", |turn| turn.cpu_ms_one),
    ] {
        let middle = |turns: &Vec<Turn>| {
            let values = turns.iter().map(of).collect();
            median(values).unwrap_or(f64::NAN)
        };
        let cells = turns.iter().map(|turns| format!("{:>10.2}", middle(turns)));
        println!("{name:32} {}", cells.collect::<String>());
    }
    bench.memory()?;
    bench.idle(plan.idle)?;
    bench.dead_peer(&broker)?;
    bench.dead_peer_under_load()?;
    bench.comes_back(&mut broker, plan.workers)
}

struct Bench<'a> {
    example: &'a Path,
    python: Option<&'a Path>,
    url: String,
}

/// A server, which ends with its input.
struct Server {
    child: Child,
    lines: mpsc::Receiver<(String, Instant)>,
}

impl Server {
    fn pid(&self) -> Result<i32> {
        Ok(i32::try_from(self.child.id())?)
    }

    /// Waits until it says this; when that was.
    fn says(&self, what: &str, limit: Duration) -> Result<Instant> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let (line, at) =
                self.lines.recv_timeout(left).with_context(|| format!("never {what:?}"))?;
            if line == what {
                return Ok(at);
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let end = Instant::now() + secs(15);
        while Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            let_pass(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bench<'_> {
    fn start(&self, subject: Subject) -> Result<Server> {
        let mut command = match subject {
            Subject::Bare => self.command(&["bare", &self.url]),
            Subject::Ours => {
                let mut command = self.command(&["serve", &self.url, "one"]);
                // As the first steps of the daemon have it (`oslo-launcher`, `first_steps.rs`).
                command.env("MALLOC_MMAP_THRESHOLD_", "131072");
                command
            }
            Subject::Python => {
                let python = self.python.context("no Python")?.join("bin/python");
                let mut command = Command::new(python);
                command.args(["-W", "ignore", "-c", SCRIPT, &self.url]);
                command
            }
        };
        let server = started(&mut command)?;
        server.says("serving", PATIENCE)?;
        Ok(server)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.example);
        command.args(words);
        command
    }

    /// Has this load carried out; what the generator says of it.
    fn load(&self, words: &[&str]) -> Result<Value> {
        let (kind, rest) = words.split_first().context("no load")?;
        let mut command = self.command(&[&[*kind, &self.url][..], rest].concat());
        let output = command.stdin(Stdio::null()).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the load generator: {complaint}");
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn turn(&self, subject: Subject, load: Duration) -> Result<Turn> {
        let server = self.start(subject)?;
        self.load(&["calls", "8", "200", SMALL])?; // until it is warm
        let seconds = load.as_secs().to_string();
        let (many, cpu_ms_many) = self.measured(&server, &["load", MANY, &seconds, SMALL])?;
        let (one, cpu_ms_one) = self.measured(&server, &["load", "1", &seconds, SMALL])?;
        let calls_per_second = number(&many, "calls")? / number(&many, "seconds")?;
        Ok(Turn { calls_per_second, cpu_ms_many, p50_ms: number(&one, "p50_ms")?, cpu_ms_one })
    }

    /// A load, and what each call of it cost the server.
    fn measured(&self, server: &Server, words: &[&str]) -> Result<(Value, f64)> {
        let before = process::usage(server.pid()?).cpu_ns;
        let told = self.load(words)?;
        let spent = process::usage(server.pid()?).cpu_ns.saturating_sub(before);
        let cpu_ms = spent as f64 / 1e6 / number(&told, "calls")?;
        Ok((told, cpu_ms))
    }

    /// What large replies leave behind.
    fn memory(&self) -> Result<()> {
        let server = self.start(Subject::Ours)?;
        self.load(&["calls", "8", "200", SMALL])?;
        let kib = || -> Result<u64> {
            Ok(process::memory(server.pid()?).context("it is gone")?.anonymous_kib)
        };
        let before = kib()?;
        let [count, bytes] = LARGE;
        self.load(&["calls", "1", count, bytes])?;
        let_pass(SETTLES);
        let more = kib()?.saturating_sub(before) as f64 / 1024.0;
        println!("{:32} {more:>20.2}", "MiB added by 20 replies of 1 MB");
        Ok(())
    }

    /// How often an idle server is woken. Two connections have a heartbeat each, by default every 30 s sent and looked for.
    fn idle(&self, window: Duration) -> Result<()> {
        let server = self.start(Subject::Ours)?;
        let_pass(secs(2)); // what its start has left to do
        let before = process::usage(server.pid()?);
        let_pass(window);
        let after = process::usage(server.pid()?);
        let (wakes, seconds) = (after.sleeps.saturating_sub(before.sleeps), window.as_secs());
        let cpu_ms = after.cpu_ns.saturating_sub(before.cpu_ns) as f64 / 1e6;
        println!("{:32} {wakes:>20}", format!("wake-ups of an idle one in {seconds} s"));
        println!("{:32} {cpu_ms:>20.2}", format!("its CPU in {seconds} s, ms"));
        Ok(())
    }

    /// How soon an idle server gives up a broker that neither answers nor closes. Its packets still arrive somewhere, so that
    /// nobody but its heartbeat can notice.
    fn dead_peer(&self, broker: &RabbitMq) -> Result<()> {
        let proxy = Proxy::start(broker.port())?;
        let server = self.start_impatient(&RabbitMq::url_by(proxy.port()))?;
        let_pass(secs(HEARTBEAT)); // heartbeats go both ways
        proxy.swallow();
        noticed("idle", &server, Instant::now())
    }

    /// The same while answers are under way, in a network that carries nothing more: a namespace of its own, whose
    /// loopback goes down.
    fn dead_peer_under_load(&self) -> Result<()> {
        thread::scope(|scope| {
            let within = scope.spawn(|| {
                // Of this thread alone, and of what it starts.
                if let Err(errno) = unshare(CloneFlags::CLONE_NEWNET) {
                    println!("not measured: no network of its own for a dead peer: {errno}");
                    return Ok(());
                }
                loopback("up")?;
                let broker = RabbitMq::start()?;
                let server = self.start_impatient(&broker.url())?;
                let mut load = self.command(&["load", &broker.url(), MANY, "30", SMALL]);
                let mut load = guard::protect(&mut load).stdout(Stdio::null()).spawn()?;
                let_pass(secs(2));
                loopback("down")?;
                let told = noticed("busy", &server, Instant::now());
                load.kill()?; // its last calls are lost with the server
                load.wait()?;
                loopback("up")?; // the broker's own programs end by it
                told
            });
            within.join().unwrap_or_else(|_| bail!("a thread of the bench has panicked"))
        })
    }

    /// A server whose heartbeat is short.
    fn start_impatient(&self, url: &str) -> Result<Server> {
        let url = format!("{url}?heartbeat_timeout_threshold={HEARTBEAT}");
        let server = started(&mut self.command(&["serve", &url, "one"]))?;
        server.says("serving", PATIENCE)?;
        Ok(server)
    }

    /// How soon all consumers are back when the broker is.
    fn comes_back(&self, broker: &mut RabbitMq, workers: usize) -> Result<()> {
        let start =
            |number| started(&mut self.command(&["serve", &self.url, &format!("w{number}")]));
        let servers = (0..workers).map(start).collect::<Result<Vec<_>>>()?;
        for server in &servers {
            server.says("serving", PATIENCE)?;
        }
        broker.stop();
        for server in &servers {
            server.says("away", PATIENCE)?;
        }
        let_pass(secs(20)); // long enough for the longest pause between two tries
        broker.serve()?;
        let opened = Instant::now();
        let mut last = opened;
        for server in &servers {
            last = last.max(server.says("serving", PATIENCE)?);
        }
        let seconds = last.saturating_duration_since(opened).as_secs_f64();
        println!("{:32} {seconds:>20.2}", format!("{workers} workers are back after, s"));
        Ok(())
    }
}

/// Waits until a server has given up its broker, which died at this moment.
fn noticed(state: &str, server: &Server, died: Instant) -> Result<()> {
    let seconds = server.says("away", PATIENCE)?.saturating_duration_since(died).as_secs_f64();
    println!("{:32} {seconds:>20.2}", format!("dead peer noticed, {state}, s"));
    Ok(())
}

/// Sets the loopback of the calling thread's network up or down.
fn loopback(state: &str) -> Result<()> {
    let status = Command::new("ip").args(["link", "set", "lo", state]).status()?;
    ensure!(status.success(), "ip link set lo {state}: {status}");
    Ok(())
}

/// Starts a server and listens to it.
fn started(command: &mut Command) -> Result<Server> {
    guard::start()?;
    let mut child = guard::protect(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", cargo::shown(command)))?;
    let output = BufReader::new(child.stdout.take().context("no output")?);
    let (said, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if said.send((line, Instant::now())).is_err() {
                return;
            }
        }
    });
    Ok(Server { child, lines })
}

fn number(told: &Value, name: &str) -> Result<f64> {
    told[name].as_f64().with_context(|| format!("no {name}: {told}"))
}
