//! Who is told what happens to volumes and snapshots, and what he is told. Must not: know how it gets to him.

use cinder_db::Timestamp;
use cinder_types::RequestContext;
use serde_json::Value;

/// Tells what happens to volumes and snapshots.
pub trait Notifier: Send + Sync {
    /// Takes something to be told, and waits for nobody.
    fn notify(&self, notification: Notification);
}

/// Something that has happened to a volume or a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Who asked; nothing in it is secret.
    pub context: RequestContext,
    /// Who tells it, as in `volume.node@backend`.
    pub publisher_id: String,
    /// What it is, as in `volume.create.end`.
    pub event_type: String,
    /// All about it.
    pub payload: Value,
    /// When.
    pub at: Timestamp,
}
