//! What scenarios are staged with: a directory, a configuration, a daemon, and ways to look at them.
//! Must not: judge what is seen; that is a scenario's business.

pub(super) mod account;
pub(super) mod api;
pub(super) mod config;
pub(super) mod daemon;
pub(super) mod dice;
pub(super) mod holdings;
pub(super) mod http;
pub(super) mod namespace;
pub(super) mod original;
pub(super) mod panics;
pub(super) mod scene;
pub(super) mod scheduler;
pub(super) mod skip;
pub(super) mod sockets;
pub(super) mod stage;
pub(super) mod terminal;

pub(crate) use config::Config;
pub(crate) use daemon::Daemon;
pub(crate) use scene::Scene;
pub(crate) use skip::Skip;
pub(crate) use stage::Stage;
