//! A client of the local bus: one connection per message, as the daemon's own have it (docs/messaging.md).

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::e2e::Scene;
use crate::wait::secs;

/// Bytes in front of a body: its kind, a number, its length.
const HEAD: usize = 13;
/// The kind of a frame that is a reply.
const REPLY: u8 = 5;

/// Where one back end listens.
pub(super) struct Bus {
    socket: PathBuf,
    next: AtomicU64,
}

impl Bus {
    pub(super) fn of(scene: &Scene, back_end: &str) -> Self {
        let name = format!("cinder-volume.e2e@{back_end},e2e");
        Self { socket: scene.path("rpc").join(name), next: AtomicU64::new(1) }
    }

    /// Sends a request and waits until it has been carried out.
    pub(super) fn call(&self, method: &str, arguments: &Value) -> Result<Value> {
        let id = format!("{:032x}", self.next.fetch_add(1, Ordering::Relaxed));
        let message = json!({
            "method": method,
            "version": "3.0",
            "args": arguments,
            "_unique_id": id,
            "_msg_id": id,
            "_reply_q": "reply_bench",
            "_context_request_id": format!("req-{id}"),
            "_context_is_admin": true,
            "_context_read_deleted": "no",
            "_context_roles": ["admin"],
        });
        let envelope = json!({ "oslo.version": "2.0", "oslo.message": message.to_string() });
        let body = envelope.to_string().into_bytes();
        let mut frame = vec![0; HEAD];
        frame[8] = 1; // the only message on this connection
        frame[9..].copy_from_slice(&u32::try_from(body.len())?.to_be_bytes());
        frame.extend(body);
        let mut stream = UnixStream::connect(&self.socket)
            .with_context(|| format!("nobody listens at {}", self.socket.display()))?;
        stream.set_read_timeout(Some(secs(60)))?;
        stream.write_all(&frame)?;
        loop {
            let mut head = [0; HEAD];
            stream.read_exact(&mut head)?;
            let length = u32::from_be_bytes([head[9], head[10], head[11], head[12]]);
            let mut body = vec![0; usize::try_from(length)?];
            stream.read_exact(&mut body)?;
            if head[0] != REPLY {
                continue; // it is acknowledged
            }
            let envelope: Value = serde_json::from_slice(&body)?;
            let text = envelope["oslo.message"].as_str().context("no message")?;
            let reply: Value = serde_json::from_str(text)?;
            ensure!(reply["failure"].is_null(), "{method}: {}", reply["failure"]);
            if reply["ending"] == true {
                return Ok(reply["result"].clone());
            }
        }
    }
}
