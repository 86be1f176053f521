//! What a worker's notifications are made of: plain data until a worker opens them.
//!
//! Must not: be opened by the parent, which has one thread and no connection.

use cinder_types::BINARY;
use oslo_messaging::{Broker, Bus, NotifyOptions};

/// Notifications that go somewhere.
#[derive(Debug, Clone)]
pub(crate) struct NotificationsPlan {
    /// How and where they are told.
    pub options: NotifyOptions,
    /// Their own broker; without one they go over the service's bus.
    pub broker: Option<Broker>,
    /// `publish_errors`: whether ERROR lines of the log are told, too.
    pub errors: bool,
    /// Whether volumes that no quota counts are told: where nobody but this program makes any.
    pub is_alone: bool,
}

impl NotificationsPlan {
    /// The bus that is theirs alone; nothing is opened before the first of them.
    pub(crate) fn own_bus(&self) -> Option<Bus> {
        self.broker.clone().map(|broker| Bus::rabbit(broker, BINARY))
    }
}
