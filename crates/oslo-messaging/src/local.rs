//! The bus of one machine: no broker, no daemon, Unix sockets between processes of one user.
//!
//! A server listens on one socket per target below one directory; a client connects to the server
//! that it means, writes a message and keeps the connection until it is told that the message was
//! taken care of; one of a call that has been answered serves the next call to that server. Bodies, contexts, failures and signs of life are those
//! of the broker; what the broker would keep while a server restarts, the client keeps and sends
//! again. Needs no asynchronous runtime.
//!
//! ```text
//! client                                    server
//!   ── Message tag, body ─────────────────────▶   decode, hand to a handler
//!   ◀──────────────────── Acknowledged tag ──    recorded
//!   ◀──────────────────── Reply tag, body ───    signs of life, then the answer
//! ```

mod client;
mod frame;
mod line;
mod listener;
mod outlet;
mod place;
mod server;
mod shared;
mod turns;

use std::path::Path;

pub(crate) use server::serve;

/// The way to the servers below a directory.
pub(crate) fn road(directory: &Path) -> client::Streets {
    client::Streets::new(place::Place::new(directory))
}
