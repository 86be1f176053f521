//! Requests that wait for a thread, between the transport that took them and the handlers.
//!
//! What waits is not acknowledged, so nothing is lost with it; how much may wait is for the
//! transport to bound, which stops taking. What nobody waits for any more is not carried out: a
//! caller whose time is over, a sender that sends again elsewhere. Must not: run anything.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::incoming::Incoming;

/// How long a request waits for a thread. A broker closes the channel of one that is not
/// acknowledged in 30 minutes (`consumer_timeout`, RabbitMQ 3.8.15); another server may have a
/// thread for it.
const PATIENCE: Duration = Duration::from_secs(600);

/// A queue that can be closed.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Incoming>,
    closed: bool,
}

/// What came of waiting.
#[derive(Debug)]
pub(crate) enum Next {
    /// A request.
    Request(Box<Incoming>),
    /// None came in time.
    Nothing,
    /// None will come.
    Closed,
}

impl Inbox {
    /// Puts a request at the end; once closed, gives it back to its sender.
    pub(crate) fn put(&self, incoming: Incoming) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            drop(incoming);
            return;
        }
        state.waiting.push_back(incoming);
        drop(state);
        self.changed.notify_one();
    }

    /// The next request that somebody still wants, if one comes until then.
    pub(crate) fn next(&self, until: Option<Instant>) -> Next {
        let mut state = self.lock();
        loop {
            if let Some(incoming) = state.waiting.pop_front() {
                if incoming.is_wanted() {
                    return Next::Request(Box::new(incoming));
                }
                // Outside of the lock: giving it back may put a command somewhere.
                drop(state);
                drop(incoming);
                state = self.lock();
                continue;
            }
            if state.closed {
                return Next::Closed;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            state = match left {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return Next::Nothing,
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Gives back what has waited too long; says when to ask again.
    pub(crate) fn expire(&self, now: Instant) -> Option<Instant> {
        let mut late = Vec::new();
        let mut state = self.lock();
        while let Some(incoming) = state.waiting.pop_front() {
            if incoming.arrived() + PATIENCE > now {
                state.waiting.push_front(incoming);
                break;
            }
            late.push(incoming);
        }
        let first = state.waiting.front().map(|incoming| incoming.arrived() + PATIENCE);
        drop(state);
        for incoming in late {
            tracing::warn!(
                target: "oslo_messaging.server",
                "{} is given back: no thread was free for it in {} s",
                crate::excerpt::excerpt(incoming.request.method.as_bytes()), PATIENCE.as_secs()
            );
        }
        first
    }

    /// Takes nothing more; what waits is given back to its senders.
    pub(crate) fn close(&self) {
        let waiting = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        self.changed.notify_all();
        drop(waiting);
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;
    use crate::envelope::{Reply, ReplyTo, Request};
    use crate::incoming::Replies;
    use crate::seen::{Delivery, Seen, Verdict};

    /// Counts what is given back; its sender may be gone.
    #[derive(Clone, Default)]
    struct Sender {
        back: Arc<AtomicUsize>,
        gone: Arc<AtomicBool>,
    }

    impl Delivery for Sender {
        fn acknowledge(self: Box<Self>) {}
        fn give_back(self: Box<Self>) {
            self.back.fetch_add(1, Ordering::Relaxed);
        }
        fn reject(self: Box<Self>) {}
        fn is_wanted(&self) -> bool {
            !self.gone.load(Ordering::Relaxed)
        }
    }

    struct Nobody;

    impl Replies for Nobody {
        fn send(&self, _: &ReplyTo, _: Reply) {}
    }

    fn incoming(sender: &Sender, method: &str, arrived: Instant) -> Incoming {
        let body = format!("{{\"method\": \"{method}\"}}");
        let request = Request::decode(body.as_bytes()).expect("a request");
        let Verdict::New(in_hand) = Seen::default().take(None, Box::new(sender.clone())) else {
            panic!("a duplicate");
        };
        Incoming::new(request, in_hand, Arc::new(Nobody), arrived)
    }

    fn method(next: Next) -> String {
        match next {
            Next::Request(incoming) => incoming.request.method.clone(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_has_waited_ten_minutes_is_given_back() {
        let (inbox, sender, now) = (Inbox::default(), Sender::default(), Instant::now());
        for (name, seconds) in [("a", 0), ("b", 10), ("c", 20)] {
            inbox.put(incoming(&sender, name, now + Duration::from_secs(seconds)));
        }
        let after = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(inbox.expire(after(599)), Some(after(600)));
        assert_eq!(sender.back.load(Ordering::Relaxed), 0);
        assert_eq!(inbox.expire(after(615)), Some(after(620)));
        assert_eq!(sender.back.load(Ordering::Relaxed), 2);
        assert_eq!(method(inbox.next(Some(now))), "c");
        assert_eq!(inbox.expire(after(9_999)), None);
    }

    #[test]
    fn what_nobody_waits_for_is_not_carried_out() {
        let (inbox, now) = (Inbox::default(), Instant::now());
        let (gone, there) = (Sender::default(), Sender::default());
        inbox.put(incoming(&gone, "a", now));
        inbox.put(incoming(&there, "b", now));
        gone.gone.store(true, Ordering::Relaxed);
        assert_eq!(method(inbox.next(Some(now))), "b");
        assert_eq!(gone.back.load(Ordering::Relaxed), 1);
        assert_eq!(method(inbox.next(Some(now))), "Nothing");
    }

    #[test]
    fn once_closed_everything_is_given_back() {
        let (inbox, sender, now) = (Inbox::default(), Sender::default(), Instant::now());
        inbox.put(incoming(&sender, "a", now));
        inbox.close();
        inbox.put(incoming(&sender, "b", now));
        assert_eq!(sender.back.load(Ordering::Relaxed), 2);
        assert_eq!(method(inbox.next(None)), "Closed");
    }
}
