//! What waits to be published, and what became of it: replies of our servers, letters of our client.
//!
//! Pure. A reply stays here until the broker has confirmed it, over as many connections as that
//! takes; one whose queue is not there is tried again for a while (`spec/rpc.md` §5), then the queue
//! counts as dead. What waits is bounded. Must not: publish, log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::session::Place;
use super::topology::Exchange;

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
