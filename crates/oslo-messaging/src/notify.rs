//! Notifications: what has happened, told to whoever counts and bills (`spec/rpc.md` §9).
//!
//! Telling never waits: what is for a bus goes into a bounded [`buffer`], from which one thread,
//! `notifications`, sends it; that is started with the first one, so that nothing costs anything before. What finds no
//! room, or cannot be sent, is counted, and said now and then. Must not: know what is told, or say anything
//! that could be told itself.

mod buffer;
mod message;
mod sender;

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::buffer::Waiting;
use self::sender::Sender;
use crate::bus::Bus;
use crate::context::Context;

/// How loud something is told; the end of its queue's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// What goes as it should.
    Info,
    /// What does not.
    Error,
}

impl Priority {
    /// As it stands in a message.
    fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Error => "ERROR",
        }
    }

    /// As queues are called.
    fn suffix(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Error => "error",
        }
    }
}

/// How a notification travels over a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `messaging`: the bare message.
    Bare,
    /// `messagingv2`: in an envelope, as requests are.
    Enveloped,
}

/// Something that has happened.
#[derive(Debug, Clone)]
pub struct Notification {
    /// Who tells it, as in `volume.node@backend`.
    pub publisher_id: String,
    /// What it is, as in `volume.create.end`.
    pub event_type: String,
    /// How loud.
    pub priority: Priority,
    /// All about it.
    pub payload: Value,
    /// When, as in `2026-01-02 03:04:05.000006`, in UTC.
    pub timestamp: String,
    /// On whose behalf it happened, without what is secret; nobody's in particular if there is none.
    pub context: Option<Context>,
}

/// How and where notifications are told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotifyOptions {
    /// The exchange that their queues are bound to.
    pub exchange: String,
    /// `topics`: each notification goes to each of them.
    pub topics: Vec<String>,
    /// In which formats it does; in none, nothing goes over a bus.
    pub formats: Vec<Format>,
    /// Whether it is logged.
    pub log: bool,
    /// `retry`: how often one that could not be sent is tried again; for ever if there is no number.
    pub retry: Option<u32>,
}

/// What became of a notification that was for a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The broker has it in all its queues.
    Sent,
    /// It has not, and will not get it.
    Dropped,
}

/// How many notifications came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotifyCounts {
    /// Those that the broker has.
    pub sent: u64,
    /// Those that it will not get.
    pub dropped: u64,
    /// Those that wait.
    pub waiting: usize,
}

/// Tells notifications; cloned, it is the same one.
#[derive(Clone)]
pub struct Notifier {
    options: Arc<NotifyOptions>,
    sender: Arc<Sender>,
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("options", &self.options).finish_non_exhaustive()
    }
}

thread_local! {
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Set while this thread tells something: what is logged meanwhile is not told in turn.
struct Telling;

impl Telling {
    fn begin() -> Option<Self> {
        let is_first = TELLING.try_with(|telling| !telling.replace(true));
        is_first.unwrap_or(false).then_some(Self)
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        let _ = TELLING.try_with(|telling| telling.set(false));
    }
}

impl Notifier {
    /// Nothing is opened and no thread is started by this. `told` hears of each notification what became of it, on
    /// any thread, and must wait for nobody.
    #[must_use]
    pub fn new(options: NotifyOptions, told: impl Fn(Told) + Send + Sync + 'static) -> Self {
        let options = Arc::new(options);
        Self { sender: Arc::new(Sender::new(Arc::clone(&options), Box::new(told))), options }
    }

    /// Whether anything goes over a bus.
    #[must_use]
    pub fn needs_bus(&self) -> bool {
        !self.options.formats.is_empty()
    }

    /// The bus that notifications go over. Until there is one they wait; on one without a broker nobody could ever get
    /// them, so it is not taken, which the answer says.
    pub fn through(&self, bus: &Bus) -> bool {
        let outlet = bus.outlet();
        let is_taken = outlet.is_some();
        if let Some(outlet) = outlet {
            self.sender.through(outlet);
        }
        is_taken
    }

    /// Tells something. Never waits.
    pub fn notify(&self, notification: &Notification) {
        let Some(_telling) = Telling::begin() else { return };
        if self.options.log {
            let logger = format!("oslo.messaging.notification.{}", notification.event_type);
            let text = message::for_log(notification);
            match notification.priority {
                Priority::Info => {
                    tracing::info!(target: "oslo.messaging.notification", logger = %logger, "{text}");
                }
                Priority::Error => {
                    tracing::error!(target: "oslo.messaging.notification", logger = %logger, "{text}");
                }
            }
        }
        if self.needs_bus() {
            let text = message::text(notification);
            let waiting = Waiting {
                event_type: notification.event_type.clone(),
                priority: notification.priority,
                text,
            };
            self.sender.take(waiting);
        }
    }

    /// What came of all so far. Waits for nobody.
    #[must_use]
    pub fn counts(&self) -> NotifyCounts {
        self.sender.counts()
    }

    /// Sends what waits, for at most so long, and lets go of the bus; whether all of it went. Nothing is taken any more.
    pub fn finish(&self, limit: Duration) -> bool {
        self.sender.finish(Instant::now() + limit)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;

    /// As where an error that is told makes another one.
    #[test]
    fn what_happens_while_something_is_told_is_not_told_in_turn() {
        let options = NotifyOptions {
            topics: vec!["t".to_owned()],
            formats: vec![Format::Bare],
            ..NotifyOptions::default()
        };
        let again: Arc<OnceLock<Notifier>> = Arc::default();
        let notification = Notification {
            publisher_id: "p".to_owned(),
            event_type: "e".to_owned(),
            priority: Priority::Error,
            payload: Value::Null,
            timestamp: String::new(),
            context: None,
        };
        let (theirs, same) = (Arc::clone(&again), notification.clone());
        let told = move |_| theirs.get().into_iter().for_each(|notifier| notifier.notify(&same));
        let notifier = again.get_or_init(|| Notifier::new(options, told));
        notifier.finish(Duration::ZERO); // from now on all are dropped, and said to be
        for expected in 1..=3 {
            notifier.notify(&notification);
            assert_eq!(notifier.counts().dropped, expected);
        }
    }

    #[test]
    fn a_bus_without_a_broker_is_not_taken() {
        let notifier = Notifier::new(NotifyOptions::default(), |_| ());
        assert!(!notifier.through(&Bus::fake()));
        assert!(!notifier.needs_bus());
    }
}
