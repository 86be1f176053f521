//! What happens to the connections, as a pure state machine: events in, actions out.
//!
//! Both connections live and die together, a *life* with a number: whatever goes wrong with one of
//! them, or with a channel or consumer on it, ends both, and the next life begins from nothing. So
//! no state of the broker's is ever guessed. Must not: know lapin, tokio, or the time by itself.
//!
//! ```text
//! resting ─▶ connecting ─▶ up ─▶ (lost) waiting ─▶ connecting ─▶ …
//!                └──────── failed ─────▶ waiting
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::options::{FailoverStrategy, RabbitOptions};

/// A broker that refuses TCP connects is asked again after at most this long.
const UNREACHABLE: Duration = Duration::from_secs(2);
/// A life that was shorter counts as a failed try: a broker that drops us at once is not hammered.
const SHORT: Duration = Duration::from_secs(5);
/// How long a server waits whose declarations were refused.
const REFUSED: Duration = Duration::from_secs(10);
/// The same where the broker says that it is not ready (reply code 541).
const NOT_READY: Duration = Duration::from_secs(2);
/// At most so much is added to the first try after a loss, so that not all come at once.
const JITTER: Duration = Duration::from_millis(300);

/// A server, or the queue of replies.
pub(crate) type Place = u64;
/// Counts the connections.
pub(crate) type Life = u64;

/// Everything that can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody wants to send.
    Wanted,
    /// Somebody wants to listen.
    Listen(Place),
    /// He does not want to any more.
    Leave(Place),
    /// Both connections are open.
    Connected(Life),
    /// They could not be opened, or one of them is useless now.
    Lost(Life, Trouble),
    /// All consumers of a place are established.
    Serving(Life, Place),
    /// They could not be, and the connection is still good.
    Refused(Life, Place, Trouble),
    /// There are so many hosts from now on, others than before or the same with other credentials.
    Moved(usize),
    /// Time has passed.
    Due,
    /// There will be no other life.
    End,
}

/// Everything that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Open both connections to this host.
    Connect(Life, usize),
    /// Let go of them and of all that hangs on them.
    Abandon(Life),
    /// Declare and consume.
    Establish(Life, Place),
    /// Something to be told, once per change.
    Tell(News),
}

/// What an operator is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    Connected { host: usize, away: Option<Duration>, tries: u32 },
    Away { host: usize, reason: String },
    Serving(Place),
    Refused(Place, String),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) class: Class,
    pub(crate) reason: String,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Nobody answers there.
    Unreachable,
    /// Somebody accepts and says nothing, or nothing any more.
    Mute,
    /// It answered, and does not want us: password, virtual host, a limit.
    Unwelcome,
    /// It was good until now.
    Broken,
    /// A declaration or a right stands in the way.
    Forbidden,
    /// The broker is not ready for it yet.
    NotReady,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nobody needs anything.
    Resting,
    Connecting,
    Up,
    Waiting(Instant),
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not before the connections are there.
    Pending,
    Establishing,
    Serving,
    Refused {
        until: Instant,
    },
}

/// What is known of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) standing: Standing,
    pub(crate) since: Instant,
    /// Why it was refused last; true until it serves.
    pub(crate) complaint: Option<String>,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Session {
    delays: Delays,
    /// In the order of this process.
    hosts: Vec<usize>,
    /// Which of them is tried now.
    at: usize,
    phase: Phase,
    since: Instant,
    life: Life,
    places: BTreeMap<Place, Seat>,
    /// Hosts that failed since one was tried with a pause before it.
    failed_in_round: usize,
    /// Tries since the last good life.
    tries: u32,
    /// When it got lost, and what has been told since.
    away: Option<(Instant, Vec<(usize, Class)>)>,
    reason: Option<String>,
    reconnects: u64,
    random: u64,
}

#[derive(Debug)]
struct Delays {
    first: Duration,
    growth: Duration,
    most: Duration,
    lost: Duration,
    splay: Duration,
    strategy: FailoverStrategy,
}

fn seconds(number: i64) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}

impl Session {
    /// `random` shuffles the hosts; any number will do.
    pub(crate) fn new(hosts: usize, options: &RabbitOptions, random: u64, now: Instant) -> Self {
        let fraction = |value: f64| Duration::try_from_secs_f64(value).unwrap_or_default();
        let mut this = Self {
            delays: Delays {
                first: seconds(options.rabbit_retry_interval),
                growth: seconds(options.rabbit_retry_backoff),
                most: seconds(options.rabbit_interval_max),
                lost: fraction(options.kombu_reconnect_delay),
                splay: fraction(options.kombu_reconnect_splay),
                strategy: options.kombu_failover_strategy,
            },
            hosts: (0..hosts.max(1)).collect(),
            at: 0,
            phase: Phase::Resting,
            since: now,
            life: 0,
            places: BTreeMap::new(),
            failed_in_round: 0,
            tries: 0,
            away: None,
            reason: None,
            reconnects: 0,
            random: random | 1,
        };
        this.shuffle();
        this
    }

    fn shuffle(&mut self) {
        for end in (1..self.hosts.len()).rev() {
            let other = self.below(end + 1);
            self.hosts.swap(end, other);
        }
    }

    /// What is good stays as it is until it breaks; what is waited for is tried at once, as if for the first
    /// time: somebody has just repaired it, most likely.
    fn moved(&mut self, hosts: usize, now: Instant, actions: &mut Vec<Action>) {
        self.hosts = (0..hosts.max(1)).collect();
        self.at = 0;
        self.shuffle();
        (self.tries, self.failed_in_round) = (0, 0);
        if let Some((_, told)) = &mut self.away {
            told.clear();
        }
        if matches!(self.phase, Phase::Waiting(_)) {
            self.connect(now, actions);
        }
    }

    /// What follows from an event.
    pub(crate) fn step(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Wanted => self.want(now, &mut actions),
            Event::Listen(place) => {
                let seat = Seat { standing: Standing::Pending, since: now, complaint: None };
                self.places.insert(place, seat);
                match self.phase {
                    Phase::Up => self.establish(place, now, &mut actions),
                    _ => self.want(now, &mut actions),
                }
            }
            Event::Leave(place) => _ = self.places.remove(&place),
            Event::Connected(life) => self.connected(life, now, &mut actions),
            Event::Lost(life, trouble) => self.lost(life, trouble, now, &mut actions),
            Event::Serving(life, place) => {
                if life == self.life && self.phase == Phase::Up {
                    self.stand(place, Standing::Serving, now);
                    let complaint =
                        self.places.get_mut(&place).and_then(|one| one.complaint.take());
                    if complaint.is_some() {
                        actions.push(Action::Tell(News::Serving(place)));
                    }
                }
            }
            Event::Refused(life, place, trouble) => {
                if life == self.life && self.phase == Phase::Up {
                    self.refused(place, trouble, now, &mut actions);
                }
            }
            Event::Moved(hosts) => self.moved(hosts, now, &mut actions),
            Event::Due => self.due_now(now, &mut actions),
            Event::End => {
                if matches!(self.phase, Phase::Connecting | Phase::Up) {
                    actions.push(Action::Abandon(self.life));
                }
                self.enter(Phase::Ended, now);
                self.places.clear();
            }
        }
        actions
    }

    /// When [`Event::Due`] has to come next.
    pub(crate) fn due(&self) -> Option<Instant> {
        let connect = match self.phase {
            Phase::Waiting(until) => Some(until),
            _ => None,
        };
        let places = self.places.values().filter_map(|one| match one.standing {
            Standing::Refused { until } if self.phase == Phase::Up => Some(until),
            _ => None,
        });
        connect.into_iter().chain(places).min()
    }

    /// Whether these connections are the ones that are opened now.
    pub(crate) fn awaits(&self, life: Life) -> bool {
        life == self.life && self.phase == Phase::Connecting
    }

    pub(crate) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    pub(crate) fn is_serving(&self, place: Place) -> bool {
        self.places.get(&place).is_some_and(|one| one.standing == Standing::Serving)
    }

    pub(crate) fn phase(&self) -> (&Phase, Instant) {
        (&self.phase, self.since)
    }

    pub(crate) fn seat(&self, place: Place) -> Option<&Seat> {
        self.places.get(&place)
    }

    pub(crate) fn host(&self) -> usize {
        self.hosts.get(self.at).copied().unwrap_or(0)
    }

    /// Why there is no connection, if so.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    pub(crate) fn reconnects(&self) -> u64 {
        self.reconnects
    }

    fn want(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.phase == Phase::Resting {
            self.connect(now, actions);
        }
    }

    fn connect(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.life += 1;
        self.tries = self.tries.saturating_add(1);
        self.enter(Phase::Connecting, now);
        actions.push(Action::Connect(self.life, self.host()));
    }

    fn connected(&mut self, life: Life, now: Instant, actions: &mut Vec<Action>) {
        if !self.awaits(life) {
            return; // whoever opened them lets go of them
        }
        self.enter(Phase::Up, now);
        self.reason = None;
        let away = self.away.take().map(|(since, _)| now.saturating_duration_since(since));
        self.reconnects += u64::from(away.is_some());
        actions.push(Action::Tell(News::Connected { host: self.host(), away, tries: self.tries }));
        let places: Vec<_> = self.places.keys().copied().collect();
        for place in places {
            self.establish(place, now, actions);
        }
    }

    fn establish(&mut self, place: Place, now: Instant, actions: &mut Vec<Action>) {
        self.stand(place, Standing::Establishing, now);
        actions.push(Action::Establish(self.life, place));
    }

    fn lost(&mut self, life: Life, trouble: Trouble, now: Instant, actions: &mut Vec<Action>) {
        if life != self.life || !matches!(self.phase, Phase::Connecting | Phase::Up) {
            return; // of a life that is over
        }
        let was_up = self.phase == Phase::Up;
        let lasted = now.saturating_duration_since(self.since);
        for seat in self.places.values_mut() {
            (seat.standing, seat.since) = (Standing::Pending, now);
        }
        actions.push(Action::Abandon(life));
        let host = self.host();
        let told = &mut self.away.get_or_insert_with(|| (now, Vec::new())).1;
        if !told.contains(&(host, trouble.class)) {
            told.push((host, trouble.class));
            actions.push(Action::Tell(News::Away { host, reason: trouble.reason.clone() }));
        }
        self.reason = Some(trouble.reason);
        let pause = if was_up && lasted >= SHORT {
            // A good one: it is asked again first, unless it fell silent.
            self.tries = 0;
            self.failed_in_round = 0;
            if trouble.class == Class::Mute {
                self.next_host();
            }
            self.part_of(JITTER)
        } else {
            self.failed_in_round += 1;
            self.next_host();
            self.pause(trouble.class)
        };
        self.enter(Phase::Waiting(now + pause), now);
    }

    /// Before the next host is tried.
    fn pause(&mut self, class: Class) -> Duration {
        if self.failed_in_round < self.hosts.len() {
            return self.part_of(JITTER / 3); // the others have not been asked yet
        }
        self.failed_in_round = 0;
        let rounds = self.tries / u32::try_from(self.hosts.len()).unwrap_or(1).max(1);
        let grown = self.delays.growth.saturating_mul(rounds.saturating_sub(1));
        let grown = self.delays.first.saturating_add(grown).min(self.delays.most);
        match class {
            Class::Unreachable | Class::Mute => {
                let pause = UNREACHABLE.min(grown);
                pause / 2 + self.part_of(pause / 2)
            }
            _ => grown + self.delays.lost + self.part_of(self.delays.splay),
        }
    }

    fn next_host(&mut self) {
        self.at = match self.delays.strategy {
            FailoverStrategy::RoundRobin => (self.at + 1) % self.hosts.len(),
            FailoverStrategy::Shuffle => self.below(self.hosts.len()),
        };
    }

    fn refused(&mut self, place: Place, trouble: Trouble, now: Instant, actions: &mut Vec<Action>) {
        let Some(seat) = self.places.get_mut(&place) else { return };
        let pause = if trouble.class == Class::NotReady { NOT_READY } else { REFUSED };
        let reason = trouble.reason;
        if seat.complaint.as_ref() != Some(&reason) {
            seat.complaint = Some(reason.clone());
            actions.push(Action::Tell(News::Refused(place, reason)));
        }
        self.stand(place, Standing::Refused { until: now + pause }, now);
    }

    fn due_now(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self.phase {
            Phase::Waiting(until) if until <= now => self.connect(now, actions),
            Phase::Up => {
                let due = self.places.iter().filter(|(_, seat)| {
                    matches!(seat.standing, Standing::Refused { until } if until <= now)
                });
                let due: Vec<_> = due.map(|(place, _)| *place).collect();
                for place in due {
                    self.establish(place, now, actions);
                }
            }
            _ => {}
        }
    }

    fn stand(&mut self, place: Place, standing: Standing, now: Instant) {
        if let Some(one) = self.places.get_mut(&place) {
            (one.standing, one.since) = (standing, now);
        }
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.since = now;
    }

    /// A number below another one; xorshift, which is good enough to spread processes.
    fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 11).unwrap_or(0) % end.max(1)
    }

    fn part_of(&mut self, whole: Duration) -> Duration {
        let thousandths = u32::try_from(self.below(1001)).unwrap_or(0);
        whole.saturating_mul(thousandths) / 1000
    }
}
