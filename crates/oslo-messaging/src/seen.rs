//! Which messages are in hand and which were handled: nothing runs twice.
//!
//! A broker that loses a connection sends again what was not acknowledged on it, although a thread
//! here may still work on it; a sender that was not told of its success sends again what was
//! handled. Both carry the `_unique_id` of the first (`spec/rpc.md` §5). Must not: know a transport.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Handled messages that are remembered.
const REMEMBERED: usize = 1_024;

/// The way back of one delivery: whoever sent it is told one of these, once.
pub(crate) trait Delivery: Send {
    /// It need not be sent again.
    fn acknowledge(self: Box<Self>);
    /// It was not carried out and shall be sent again, to anybody.
    fn give_back(self: Box<Self>);
    /// It cannot be carried out, by nobody.
    fn reject(self: Box<Self>);
    /// Whether anybody still waits to be told. A sender that is not there any more has sent it again,
    /// or has told its user that it failed.
    fn is_wanted(&self) -> bool {
        true
    }
}

/// What is known of messages, for all servers of a process together: two of them may listen on
/// one queue.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    inner: Arc<Mutex<Inner>>,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("in_hand", &self.lock().in_hand.len()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Inner {
    in_hand: HashMap<String, Vec<Box<dyn Delivery>>>,
    /// Acknowledged ones, some of them still in hand.
    handled: HashSet<String>,
    order: VecDeque<String>,
}

/// What to do about a message.
pub(crate) enum Verdict {
    /// It is the first: carry it out.
    New(InHand),
    /// It was seen before; its delivery has been seen to.
    Duplicate {
        /// Whether it is not settled yet.
        in_hand: bool,
    },
}

impl Seen {
    /// Takes a delivery of a message; without an id it is always new.
    pub(crate) fn take(&self, id: Option<&str>, delivery: Box<dyn Delivery>) -> Verdict {
        let Some(id) = id else {
            return Verdict::New(InHand { seen: self.clone(), id: None, own: Some(delivery) });
        };
        let mut inner = self.lock();
        if inner.handled.contains(id) {
            drop(inner);
            delivery.acknowledge();
            return Verdict::Duplicate { in_hand: false };
        }
        if let Some(copies) = inner.in_hand.get_mut(id) {
            // Not acknowledged before the work is recorded: this process may end before that, and
            // the copy may be the only one that the broker still has.
            copies.push(delivery);
            return Verdict::Duplicate { in_hand: true };
        }
        inner.in_hand.insert(id.to_owned(), Vec::new());
        drop(inner);
        Verdict::New(InHand { seen: self.clone(), id: Some(id.to_owned()), own: Some(delivery) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics between two changes that belong together.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remember(&mut self, id: &str) {
        if self.handled.insert(id.to_owned()) {
            self.order.push_back(id.to_owned());
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.handled.remove(&oldest);
            }
        }
    }
}

/// A message that this process works on. Dropped before it was settled, it is given back.
pub(crate) struct InHand {
    seen: Seen,
    id: Option<String>,
    own: Option<Box<dyn Delivery>>,
}

impl InHand {
    /// What the message wants is kept elsewhere now, or done: all copies are acknowledged.
    pub(crate) fn acknowledge(&mut self) {
        self.settle(true, |delivery| delivery.acknowledge());
    }

    /// Nobody can carry it out.
    pub(crate) fn reject(&mut self) {
        self.settle(true, |delivery| delivery.reject());
    }

    /// Whether the sender of it or of one of its copies still waits to be told.
    pub(crate) fn is_wanted(&self) -> bool {
        let own = self.own.as_ref().is_some_and(|own| own.is_wanted());
        let copies = || {
            let inner = self.seen.lock();
            let copies = self.id.as_deref().and_then(|id| inner.in_hand.get(id));
            copies.is_some_and(|copies| copies.iter().any(|copy| copy.is_wanted()))
        };
        own || copies()
    }

    /// Whether it has been settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.own.is_none()
    }

    fn settle(&mut self, handled: bool, tell: impl Fn(Box<dyn Delivery>)) {
        let Some(own) = self.own.take() else { return };
        let copies = self.id.as_deref().and_then(|id| {
            let mut inner = self.seen.lock();
            if handled {
                inner.remember(id);
            }
            inner.in_hand.remove(id)
        });
        // Outside of the lock: telling a broker may take a moment.
        tell(own);
        copies.into_iter().flatten().for_each(tell);
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.settle(false, |delivery| delivery.give_back());
    }
}

impl fmt::Debug for InHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InHand").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down what its sender is told.
    struct Told(Arc<Mutex<Vec<String>>>, &'static str);

    impl Told {
        fn note(&self, what: &str) {
            self.0.lock().expect("no panics").push(format!("{} {what}", self.1));
        }
    }

    impl Delivery for Told {
        fn acknowledge(self: Box<Self>) {
            self.note("acknowledged");
        }
        fn give_back(self: Box<Self>) {
            self.note("given back");
        }
        fn reject(self: Box<Self>) {
            self.note("rejected");
        }
    }

    #[derive(Default)]
    struct Sender(Arc<Mutex<Vec<String>>>);

    impl Sender {
        fn send(&self, name: &'static str) -> Box<dyn Delivery> {
            Box::new(Told(Arc::clone(&self.0), name))
        }
        fn was_told(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().expect("no panics"))
        }
    }

    fn new(verdict: Verdict) -> InHand {
        match verdict {
            Verdict::New(in_hand) => in_hand,
            Verdict::Duplicate { .. } => panic!("a duplicate"),
        }
    }

    #[test]
    fn a_copy_of_what_is_in_hand_is_acknowledged_with_it_and_not_before() {
        let (seen, sender) = (Seen::default(), Sender::default());
        let mut first = new(seen.take(Some("1"), sender.send("first")));
        assert!(matches!(seen.take(Some("1"), sender.send("copy")), Verdict::Duplicate { .. }));
        assert_eq!(sender.was_told(), [""; 0]);
        first.acknowledge();
        assert_eq!(sender.was_told(), ["first acknowledged", "copy acknowledged"]);
        assert!(first.is_settled());
        // Still running, but recorded.
        assert!(matches!(seen.take(Some("1"), sender.send("late")), Verdict::Duplicate { .. }));
        assert_eq!(sender.was_told(), ["late acknowledged"]);
        drop(first);
        assert_eq!(sender.was_told(), [""; 0]);
    }

    #[test]
    fn what_was_not_recorded_is_given_back_with_its_copies_and_taken_again() {
        let (seen, sender) = (Seen::default(), Sender::default());
        let first = new(seen.take(Some("1"), sender.send("first")));
        assert!(matches!(seen.take(Some("1"), sender.send("copy")), Verdict::Duplicate { .. }));
        drop(first);
        assert_eq!(sender.was_told(), ["first given back", "copy given back"]);
        new(seen.take(Some("1"), sender.send("again"))).acknowledge();
        assert_eq!(sender.was_told(), ["again acknowledged"]);
    }

    #[test]
    fn a_thousand_handled_messages_are_remembered_and_no_more() {
        let (seen, sender) = (Seen::default(), Sender::default());
        for number in 0..=REMEMBERED {
            new(seen.take(Some(&number.to_string()), sender.send("x"))).acknowledge();
        }
        assert!(matches!(seen.take(Some("1"), sender.send("x")), Verdict::Duplicate { .. }));
        assert!(matches!(seen.take(Some("0"), sender.send("x")), Verdict::New(_)));
        let inner = seen.lock();
        assert_eq!((inner.handled.len(), inner.order.len()), (REMEMBERED, REMEMBERED));
    }

    #[test]
    fn messages_without_an_id_are_never_duplicates() {
        let (seen, sender) = (Seen::default(), Sender::default());
        new(seen.take(None, sender.send("a"))).reject();
        drop(new(seen.take(None, sender.send("b"))));
        assert_eq!(sender.was_told(), ["a rejected", "b given back"]);
    }
}
