//! The bus of a broker: RabbitMQ, over AMQP 0-9-1.
//!
//! Two connections per process, one that takes and one that sends, both driven by one thread named
//! `messaging`, which is started with the first server or message and so never before a fork. What
//! happens to the connections is decided by [`session`], what waits to be sent by [`outbox`], what is
//! declared by [`topology`]; these are pure. Only [`driver`] knows the AMQP library and its runtime.
//!
//! ```text
//! handlers ── settled, replies ──▶ ┌───────────┐ ◀── deliveries ── consuming connection
//! callers ─── letters ───────────▶ │ messaging │
//!     ▲────── answers ──────────── └───────────┘ ── one per lane ▶ publishing connection
//! ```

mod back;
mod commands;
mod complaint;
mod driver;
mod naming;
mod notices;
mod outbox;
mod quiet;
mod road;
mod room;
mod session;
#[cfg(test)]
mod session_explored;
mod state;
mod thread;
mod topology;

pub use state::{BusState, ConnectionPhase, ConnectionState, Purpose, ServerState};

pub(crate) use notices::Notices;
pub(crate) use road::Post;
pub(crate) use thread::Rabbit;
