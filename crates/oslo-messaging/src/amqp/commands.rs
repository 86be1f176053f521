//! What the messaging thread is asked for, and the way to it.
//!
//! Must not: know the thread, or wait for it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use super::outbox::Item;
use super::session::Place;
use crate::client::{Heard, Offer};
use crate::reception::Reception;
use crate::target::Target;
use crate::url::BrokerHost;

/// What the messaging thread is asked for.
pub(crate) enum Command {
    /// Take what comes to a target; `server` is the first place of its server, `id` makes its own queue unique.
    Serve {
        place: Place,
        server: Place,
        target: Target,
        id: String,
        reception: Arc<Reception>,
        prefetch: u16,
    },
    /// Take nothing more.
    Stop(Place),
    /// Send the last replies, delete what is of this life alone, and say so.
    Close(Place, mpsc::Sender<()>),
    /// A message is settled.
    Settle(u64, Settled),
    /// Something to be published.
    Publish(Item),
    /// Somebody waits for what becomes of a letter, and for answers to a call.
    Await { letter: u64, call: Option<String>, to: mpsc::Sender<Result<Heard, Offer>> },
    /// He does not any more.
    Forget { letter: u64, call: Option<String> },
    /// Connect to these from now on.
    Reach(Vec<BrokerHost>),
    /// Close everything.
    End,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    Acknowledged,
    GivenBack,
    Rejected,
}

/// The way to the thread.
#[derive(Clone)]
pub(crate) struct Commands {
    post: Arc<dyn Fn(Command) + Send + Sync>,
    numbers: Arc<AtomicU64>,
}

impl Commands {
    /// `post` must not wait.
    pub(crate) fn new(
        numbers: Arc<AtomicU64>,
        post: impl Fn(Command) + Send + Sync + 'static,
    ) -> Self {
        Self { post: Arc::new(post), numbers }
    }

    /// Never waits; to a thread that has ended it says nothing.
    pub(crate) fn post(&self, command: Command) {
        (self.post)(command);
    }

    /// A number that nothing else on this bus has.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commands")
    }
}
