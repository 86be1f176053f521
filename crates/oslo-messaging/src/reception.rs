//! Where every message of a server comes through, whatever carried it.
//!
//! Order: is it a body that kills its reader; what does it say; was it seen before; into the inbox.
//! What is no message is told to its sender and in one WARNING. Must not: know a transport, run a
//! handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::body::Body;
use crate::evidence::{Evidence, Words};
use crate::excerpt::excerpt;
use crate::inbox::Inbox;
use crate::incoming::{Incoming, Replies};
use crate::seen::{Delivery, Seen, Verdict};

/// What a server's process has seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Messages that came.
    pub received: u64,
    /// Those among them that nobody can carry out.
    pub rejected: u64,
    /// Those that had been seen before.
    pub duplicates: u64,
    /// Those that had killed their readers.
    pub deadly: u64,
    /// Requests that wait for a thread now.
    pub waiting: u64,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Reception {
    pub(crate) inbox: Inbox,
    seen: Seen,
    evidence: Evidence,
    received: AtomicU64,
    rejected: AtomicU64,
    duplicates: AtomicU64,
    deadly: AtomicU64,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is carried out, or is already; of a call, under which number.
    Wanted(Option<String>),
    /// Its sender has been told.
    Settled,
}

impl Reception {
    pub(crate) fn new(words: Option<Box<dyn Words>>) -> Self {
        Self {
            inbox: Inbox::default(),
            seen: Seen::default(),
            evidence: Evidence::new(words),
            received: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            deadly: AtomicU64::new(0),
        }
    }

    /// Takes a message.
    pub(crate) fn take(
        &self,
        body: Body,
        delivery: Box<dyn Delivery>,
        replies: Arc<dyn Replies>,
    ) -> Taken {
        count(&self.received);
        let start = body.bytes.get(..body.bytes.len().min(256)).unwrap_or_default().to_vec();
        let suspect = self.evidence.suspect(&body.bytes);
        let met = self.evidence.meet(&suspect, || {
            let request = body.decode();
            // Within the meeting: whoever prints what a stranger wrote may die of it, too.
            match &request {
                Err(error) => tracing::warn!(
                    target: "oslo_messaging.reception",
                    "A message is rejected: {error}; it begins {}", excerpt(&start)
                ),
                Ok(request) => {
                    if let Some(oddity) = request.oddity {
                        tracing::warn!(
                            target: "oslo_messaging.reception",
                            "{} came as {oddity}; it begins {}",
                            excerpt(request.method.as_bytes()), excerpt(&start)
                        );
                    }
                }
            }
            request
        });
        let request = match met {
            Ok(Ok(request)) => request,
            Ok(Err(_)) => {
                count(&self.rejected);
                delivery.reject();
                return Taken::Settled;
            }
            Err(deaths) => {
                count(&self.deadly);
                tracing::error!(
                    target: "oslo_messaging.reception",
                    "A message is dropped: {deaths} processes died while they read it; it begins {}",
                    excerpt(&start)
                );
                delivery.acknowledge();
                return Taken::Settled;
            }
        };
        let call = request.reply_to.as_ref().map(|to| to.id.clone());
        let id = request.unique_id.clone();
        match self.seen.take(id.as_deref(), delivery) {
            Verdict::Duplicate { in_hand } => {
                count(&self.duplicates);
                if in_hand { Taken::Wanted(call) } else { Taken::Settled }
            }
            Verdict::New(in_hand) => {
                self.inbox.put(Incoming::new(request, in_hand, replies, Instant::now()));
                Taken::Wanted(call)
            }
        }
    }

    /// Takes nothing more for handlers: they are told that the server stops.
    #[cfg(feature = "rabbit")]
    pub(crate) fn close(&self) {
        self.inbox.close();
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |word: &AtomicU64| word.load(Ordering::Relaxed);
        Counts {
            received: read(&self.received),
            rejected: read(&self.rejected),
            duplicates: read(&self.duplicates),
            deadly: read(&self.deadly),
            waiting: self.inbox.len() as u64,
        }
    }
}

fn count(word: &AtomicU64) {
    word.fetch_add(1, Ordering::Relaxed);
}
