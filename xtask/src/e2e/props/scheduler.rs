//! Somebody on the local bus who listens as a scheduler does, and speaks its frames by hand: this
//! program knows none of our crates (`docs/messaging.md`).

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::daemon::SOON;
use super::scene::Scene;

/// What is in front of a body: one byte of kind, eight of tag, four of length.
const HEAD: usize = 13;
/// The kind of a first message, and that of its acknowledgement.
const MESSAGE: u8 = 0;
const ACKNOWLEDGED: u8 = 2;

/// A scheduler; ends with the process.
pub(crate) struct Scheduler {
    told: mpsc::Receiver<Result<Value>>,
}

impl Scheduler {
    /// Listens on the bus of this scene's `state_path`.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub(crate) fn listen(scene: &Scene) -> Result<Self> {
        let directory = scene.path("rpc");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let listener = UnixListener::bind(directory.join("cinder-scheduler,stand-in"))?;
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for peer in listener.incoming() {
                let heard = peer.context("no peer").and_then(hear);
                if tell.send(heard).is_err() {
                    return;
                }
            }
        });
        Ok(Self { told })
    }

    /// The next message.
    ///
    /// # Errors
    ///
    /// When none comes, or it is none.
    pub(crate) fn next(&self) -> Result<Value> {
        self.told.recv_timeout(SOON).context("nobody told the scheduler anything")?
    }
}

/// Takes one message, acknowledges it, and takes it out of its envelope.
fn hear(mut peer: UnixStream) -> Result<Value> {
    peer.set_read_timeout(Some(SOON))?;
    let mut head = [0; HEAD];
    peer.read_exact(&mut head)?;
    if head[0] != MESSAGE {
        bail!("a frame of kind {}", head[0]);
    }
    let length = head.last_chunk::<4>().context("a head is longer")?;
    let mut body = vec![0; usize::try_from(u32::from_be_bytes(*length))?];
    peer.read_exact(&mut body)?;
    head[0] = ACKNOWLEDGED;
    head[9..].fill(0);
    peer.write_all(&head)?;
    let envelope: Value = serde_json::from_slice(&body)?;
    Ok(serde_json::from_str(envelope["oslo.message"].as_str().context("no message")?)?)
}
