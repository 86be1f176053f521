//! The same creates over RabbitMQ, asked for with the original's messaging library.
//!
//! That library takes most of the processor here, so rates over RabbitMQ say little of ours; its processor time does.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{Plan, Stand, config, creates};
use crate::e2e::Scene;
use crate::servers::rabbitmq::{self, RabbitMq};

/// Reads a method and its arguments per line, calls it, and prints an empty line or the failure.
const SCRIPT: &str = r#"
import json, sys
import oslo_messaging as messaging
from oslo_config import cfg
conf = cfg.CONF
conf([], project="cinder")
transport = messaging.get_rpc_transport(conf, url=sys.argv[1])
target = messaging.Target(topic="cinder-volume.e2e@disk", server="e2e", version="3.0")
client = messaging.get_rpc_client(transport, target, timeout=60)
print("ready", flush=True)
for line in sys.stdin:
    method, arguments = json.loads(line)
    try:
        client.call({"request_id": "req-1", "is_admin": True, "roles": ["admin"], "read_deleted": "no"},
                    method, **arguments)
        print("", flush=True)
    except Exception as error:
        print(repr(error).replace("\n", " "), flush=True)
"#;

/// A client in a process of its own.
struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    fn start(scene: &Scene, environment: &Path, url: &str) -> Result<Self> {
        let mut command = scene.command(environment.join("bin/python"));
        command.args(["-W", "ignore", "-c", SCRIPT, url]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("cannot start Python")?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let mut this = Self { child, input, output };
        ensure!(this.answer()? == "ready", "Python does not start");
        Ok(this)
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn call(&mut self, method: &str, arguments: &Value) -> Result<Value> {
        writeln!(self.input, "{}", json!([method, arguments]))?;
        let failure = self.answer()?;
        ensure!(failure.is_empty(), "{method}: {failure}");
        Ok(Value::Null)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Clients at once; more would only wait for the processor.
const CLIENTS: usize = 16;

/// Measures creates over a broker, or says why not.
pub(super) fn run(scene: &Scene, plan: &Plan) -> Result<()> {
    if let Some(reason) = rabbitmq::missing() {
        println!("not measured over RabbitMQ: {reason}");
        return Ok(());
    }
    let Some(environment) = std::env::var_os("CINDER_PYTHON") else {
        println!("not measured over RabbitMQ: CINDER_PYTHON names no virtual environment");
        return Ok(());
    };
    let node = RabbitMq::start()?;
    let config = config(scene).set("DEFAULT", "transport_url", &node.url());
    let stand = Stand::new(scene, &config)?;
    let start = |_| Python::start(scene, Path::new(&environment), &node.url()).map(Mutex::new);
    let clients = (0..CLIENTS).map(start).collect::<Result<Vec<_>>>()?;
    creates(&stand, plan, "RabbitMQ", &|method, arguments| {
        // Whoever is free; there are as many as requests at once.
        let mut free = clients.iter().find_map(|one| one.try_lock().ok());
        free.as_mut().context("no client is free")?.call(method, arguments)
    })?;
    stand.daemon.end_with(Signal::SIGTERM, 0)
}
