//! What waits to be published, and what became of it: replies of our servers, letters of our client.
//!
//! Pure. A reply stays here until the broker has confirmed it, over as many connections as that
//! takes; one whose queue is not there is tried again for a while (`spec/rpc.md` §5), then the queue
//! counts as dead. What waits is bounded. Must not: publish, log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::session::Place;
use super::topology::{Exchange, Queue};

/// Replies that wait, and their bytes.
const MOST_REPLIES: usize = 1_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Between two tries to reach a queue that is not there.
const MISSING: Duration = Duration::from_millis(250);
/// How long a queue counts as dead, and how many do.
const DEAD: Duration = Duration::from_secs(60);
const MOST_DEAD: usize = 200;

/// Something to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) number: u64,
    pub(crate) body: Arc<[u8]>,
    pub(crate) road: Way,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the queue of a caller.
    Reply {
        queue: String,
        from: Place,
        /// Whether it is more than a sign of life.
        is_last: bool,
    },
    /// From our client.
    Letter {
        exchange: Exchange,
        key: String,
        /// A queue that keeps it, whoever listens; declared before the first such letter.
        keeper: Option<Queue>,
        /// Whether the broker shall say that no queue gets it.
        mandatory: bool,
        /// When it is of no use any more; a call's is told to the broker, too.
        until: Instant,
        is_call: bool,
    },
}

/// What came of publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Confirmed,
    /// No queue is there for it.
    Returned,
    /// The broker does not want it now.
    Refused,
    /// The broker could not take it, or the connection got lost before it said so.
    Again,
    /// It never will.
    Never(String),
}

/// What its sender is told, or an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// A letter, under its number.
    Letter(u64, Outcome),
    /// A reply was dropped: there is no room.
    Overflow { queue: String },
    /// Replies to this queue are dropped: it was not there for so long.
    Dead { queue: String, dropped: usize },
    /// One reply was dropped for this reason.
    Failed { queue: String, reason: String },
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// What may be published now.
    ready: VecDeque<Waiting>,
    /// Replies whose queue is missing.
    parked: Vec<(Instant, Waiting)>,
    under_way: BTreeMap<u64, Waiting>,
    dead: VecDeque<(String, Instant)>,
    patience: Duration,
    pub(crate) counts: Counts,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) answered: u64,
    pub(crate) returned: u64,
    pub(crate) dropped: u64,
}

#[derive(Debug)]
struct Waiting {
    item: Item,
    /// Since when its queue has been missing.
    missing: Option<Instant>,
}

impl Outbox {
    /// `patience` is how long a missing queue is waited for.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            ready: VecDeque::new(),
            parked: Vec::new(),
            under_way: BTreeMap::new(),
            dead: VecDeque::new(),
            patience,
            counts: Counts::default(),
        }
    }

    /// Takes something to be published.
    pub(crate) fn put(&mut self, item: Item, now: Instant) -> Vec<Word> {
        self.forget_dead(now);
        let mut words = Vec::new();
        if let Way::Reply { queue, .. } = &item.road {
            if self.dead.iter().any(|(dead, _)| dead == queue) {
                self.counts.dropped += 1;
                return words;
            }
            self.ready.push_back(Waiting { item, missing: None });
            while self.is_full() {
                let Some(queue) = self.drop_one() else { break };
                self.counts.dropped += 1;
                words.push(Word::Overflow { queue });
            }
        } else {
            self.ready.push_back(Waiting { item, missing: None });
        }
        words
    }

    /// The next one, which is under way from then on. Calls wait until their answers can come.
    pub(crate) fn next(&mut self, calls: bool, now: Instant) -> Option<Item> {
        while let Some(at) = self.ready.iter().position(|one| calls || !one.item.is_call()) {
            let one = self.ready.remove(at)?;
            if matches!(one.item.road, Way::Letter { until, .. } if until <= now) {
                continue; // its sender has given up and been told
            }
            let item = one.item.clone();
            self.under_way.insert(item.number, one);
            return Some(item);
        }
        None
    }

    /// What became of one that was under way.
    pub(crate) fn done(&mut self, number: u64, outcome: Outcome, now: Instant) -> Vec<Word> {
        let Some(mut one) = self.under_way.remove(&number) else { return Vec::new() };
        let Way::Reply { queue, is_last, .. } = &one.item.road else {
            if outcome == Outcome::Again {
                self.ready.push_front(one);
                return Vec::new();
            }
            return vec![Word::Letter(number, outcome)];
        };
        match outcome {
            Outcome::Confirmed => self.counts.answered += u64::from(*is_last),
            Outcome::Again => self.ready.push_front(one),
            Outcome::Never(reason) => {
                self.counts.dropped += 1;
                return vec![Word::Failed { queue: queue.clone(), reason }];
            }
            Outcome::Returned | Outcome::Refused if !is_last => self.counts.returned += 1,
            Outcome::Returned | Outcome::Refused => {
                self.counts.returned += 1;
                let since = *one.missing.get_or_insert(now);
                if now.saturating_duration_since(since) >= self.patience {
                    let queue = queue.clone();
                    self.counts.dropped += 1;
                    return vec![self.bury(queue, now)];
                }
                self.parked.push((now + MISSING, one));
            }
        }
        Vec::new()
    }

    /// The connection is gone: what was under way waits again, in its order.
    pub(crate) fn lost(&mut self) {
        for (_, one) in std::mem::take(&mut self.under_way).into_iter().rev() {
            self.ready.push_front(one);
        }
    }

    /// A letter's sender has given up. One that is under way may still arrive.
    pub(crate) fn withdraw(&mut self, number: u64) {
        self.ready.retain(|one| one.item.number != number);
    }

    /// Looks again for queues that were missing.
    pub(crate) fn wake(&mut self, now: Instant) {
        self.forget_dead(now);
        let (due, parked) =
            std::mem::take(&mut self.parked).into_iter().partition(|(at, _)| *at <= now);
        let due: Vec<(Instant, Waiting)> = due;
        self.parked = parked;
        self.ready.extend(due.into_iter().map(|(_, one)| one));
    }

    /// When [`Outbox::wake`] has to be called.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.parked.iter().map(|(at, _)| *at).min()
    }

    /// Replies that are not confirmed yet.
    pub(crate) fn replies(&self) -> usize {
        self.all().filter(|item| item.is_reply()).count()
    }

    /// Those of one server. Of a missing queue nothing is expected any more.
    pub(crate) fn replies_from(&self, place: Place) -> usize {
        let all = self.ready.iter().chain(self.under_way.values());
        let of = |one: &&Waiting| matches!(one.item.road, Way::Reply { from, .. } if from == place);
        all.filter(of).count()
    }

    pub(crate) fn dead(&self) -> usize {
        self.dead.len()
    }

    fn all(&self) -> impl Iterator<Item = &Item> {
        let parked = self.parked.iter().map(|(_, one)| one);
        let all = self.ready.iter().chain(parked).chain(self.under_way.values());
        all.map(|one| &one.item)
    }

    fn is_full(&self) -> bool {
        let bytes: usize =
            self.all().filter(|item| item.is_reply()).map(|item| item.body.len()).sum();
        let replies = self.replies();
        // A single large one is never too much.
        replies > MOST_REPLIES || (bytes > MOST_BYTES && replies > 1)
    }

    /// Drops the oldest reply that is not under way; signs of life first.
    fn drop_one(&mut self) -> Option<String> {
        let queue_of = |item: &Item, signs: bool| match &item.road {
            Way::Reply { queue, is_last, .. } if !signs || !is_last => Some(queue.clone()),
            _ => None,
        };
        for signs in [true, false] {
            if let Some(at) =
                self.parked.iter().position(|(_, one)| queue_of(&one.item, signs).is_some())
            {
                return queue_of(&self.parked.remove(at).1.item, signs);
            }
            if let Some(at) = self.ready.iter().position(|one| queue_of(&one.item, signs).is_some())
            {
                return self.ready.remove(at).and_then(|one| queue_of(&one.item, signs));
            }
        }
        None
    }

    /// Counts a queue as dead, and drops what waits for it.
    fn bury(&mut self, queue: String, now: Instant) -> Word {
        let is_alive =
            |one: &Waiting| !matches!(&one.item.road, Way::Reply { queue: of, .. } if *of == queue);
        let before = self.ready.len() + self.parked.len();
        self.ready.retain(is_alive);
        self.parked.retain(|(_, one)| is_alive(one));
        let also = before - self.ready.len() - self.parked.len();
        self.counts.dropped += also as u64;
        self.dead.push_back((queue.clone(), now + DEAD));
        while self.dead.len() > MOST_DEAD {
            self.dead.pop_front();
        }
        Word::Dead { queue, dropped: also + 1 }
    }

    fn forget_dead(&mut self, now: Instant) {
        self.dead.retain(|(_, until)| *until > now);
    }
}

impl Item {
    fn is_reply(&self) -> bool {
        matches!(self.road, Way::Reply { .. })
    }

    fn is_call(&self) -> bool {
        matches!(self.road, Way::Letter { is_call: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amqp::topology::Kind;

    fn reply(number: u64, queue: &str) -> Item {
        let road = Way::Reply { queue: queue.to_owned(), from: 1, is_last: true };
        Item { number, body: Arc::from(&b"x"[..]), road }
    }

    fn letter(number: u64, is_call: bool, until: Instant) -> Item {
        let exchange = Exchange {
            name: "openstack".into(),
            kind: Kind::Topic,
            durable: false,
            auto_delete: false,
        };
        let key = "k".to_owned();
        let road = Way::Letter { exchange, key, keeper: None, mandatory: true, until, is_call };
        Item { number, body: Arc::from(&b"x"[..]), road }
    }

    fn outbox() -> (Outbox, Instant) {
        (Outbox::new(Duration::from_secs(60)), Instant::now())
    }

    fn numbers(outbox: &mut Outbox, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| outbox.next(true, now)).map(|item| item.number).collect()
    }

    #[test]
    fn what_no_broker_has_confirmed_is_sent_again_in_its_order() {
        let (mut outbox, now) = outbox();
        for number in 1..=3 {
            assert_eq!(outbox.put(reply(number, "q"), now), []);
        }
        assert_eq!(numbers(&mut outbox, now), [1, 2, 3]);
        assert_eq!(outbox.done(2, Outcome::Confirmed, now), []);
        outbox.lost();
        assert_eq!(outbox.replies(), 2);
        assert_eq!(numbers(&mut outbox, now), [1, 3]);
        // The verdict of an earlier connection comes too late, and is nobody's.
        assert_eq!(outbox.done(2, Outcome::Returned, now), []);
        assert_eq!(outbox.counts.answered, 1);
    }

    #[test]
    fn a_missing_queue_is_looked_for_until_it_counts_as_dead() {
        let (mut outbox, mut now) = outbox();
        outbox.put(reply(1, "gone"), now);
        outbox.put(reply(2, "gone"), now);
        outbox.put(reply(3, "there"), now);
        let end = now + Duration::from_secs(60);
        let words = loop {
            let Some(item) = outbox.next(true, now) else {
                now = outbox.due().expect("again");
                outbox.wake(now);
                continue;
            };
            let outcome = if item.number == 3 { Outcome::Confirmed } else { Outcome::Returned };
            let words = outbox.done(item.number, outcome, now);
            if !words.is_empty() {
                break words;
            }
            assert!(now <= end + MISSING);
        };
        assert!(now >= end, "not before its time");
        assert_eq!(words, [Word::Dead { queue: "gone".into(), dropped: 2 }]);
        assert_eq!((outbox.replies(), outbox.dead(), outbox.counts.answered), (0, 1, 1));
        assert_eq!(outbox.put(reply(4, "gone"), now), []);
        assert_eq!(outbox.next(true, now), None, "dropped at once");
        now += DEAD;
        outbox.put(reply(5, "gone"), now);
        assert_eq!(numbers(&mut outbox, now), [5], "its time is over");
    }

    #[test]
    fn the_oldest_reply_makes_room_and_signs_of_life_go_first() {
        let (mut outbox, now) = outbox();
        let mut sign = reply(0, "sign");
        sign.road = Way::Reply { queue: "sign".into(), from: 1, is_last: false };
        outbox.put(sign, now);
        let mut words = Vec::new();
        for number in 1..=1_001 {
            words.extend(outbox.put(reply(number, &format!("q{number}")), now));
        }
        let dropped = |queue: &str| Word::Overflow { queue: queue.into() };
        assert_eq!(words, [dropped("sign"), dropped("q1")]);
        assert_eq!((outbox.replies(), outbox.counts.dropped), (1_000, 2));
        // Letters are bounded by who writes them.
        assert_eq!(outbox.put(letter(5_000, false, now + DEAD), now), []);
    }

    #[test]
    fn large_replies_are_bounded_by_their_bytes_and_one_is_never_too_much() {
        let (mut outbox, now) = outbox();
        let large = |number| Item { body: vec![0; MOST_BYTES].into(), ..reply(number, "q") };
        assert_eq!(outbox.put(large(1), now), []);
        assert_eq!(outbox.put(large(2), now).len(), 1);
        assert_eq!(numbers(&mut outbox, now), [2]);
    }

    #[test]
    fn a_call_is_not_sent_before_its_answer_can_come_and_nothing_after_its_time() {
        let (mut outbox, now) = outbox();
        let later = now + Duration::from_secs(5);
        outbox.put(letter(1, true, later), now);
        outbox.put(letter(2, false, later), now);
        outbox.put(letter(3, false, now), now);
        outbox.put(letter(4, false, later), now);
        outbox.withdraw(4);
        assert_eq!(outbox.next(false, now).map(|item| item.number), Some(2));
        assert_eq!(outbox.next(false, now), None);
        assert_eq!(numbers(&mut outbox, now), [1]);
        let told = outbox.done(1, Outcome::Returned, now);
        assert_eq!(told, [Word::Letter(1, Outcome::Returned)]);
        assert_eq!(outbox.done(2, Outcome::Again, now), []);
        assert_eq!(numbers(&mut outbox, now), [2]);
    }

    #[test]
    fn the_replies_of_a_server_are_counted_for_its_end() {
        let (mut outbox, now) = outbox();
        outbox.put(reply(1, "q"), now);
        outbox.put(reply(2, "gone"), now);
        assert_eq!((outbox.replies_from(1), outbox.replies_from(2)), (2, 0));
        numbers(&mut outbox, now);
        outbox.done(2, Outcome::Returned, now);
        assert_eq!(outbox.replies_from(1), 1, "nobody waits for a queue that is not there");
        outbox.done(1, Outcome::Confirmed, now);
        assert_eq!(outbox.replies_from(1), 0);
    }
}
