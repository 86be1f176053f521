//! How a bus is, in a worker's words on the scoreboard: written by the worker, read by the health server.
//!
//! One word holds what belongs together, so that nobody sees half of a change and nobody locks. Hosts
//! and queues stand there as numbers: both sides have their names from the configuration. The words
//! lie behind those of the metrics. Must not: believe what a word says.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cinder_health::{Connection, MessageServer, Messages};
use oslo_launcher::{MOST, Scoreboard};
use oslo_messaging::{BusState, ConnectionPhase, ConnectionState, ServerState, Target, Transport};

use super::{BusPlan, Hosts};
use crate::metrics;

/// What the connections are for, in the order of their words.
const PURPOSES: [&str; 2] = ["consuming", "publishing"];
/// Most targets of a back end: all volume services together, itself, its cluster.
const SERVERS: usize = 3;
const REPLIES: usize = PURPOSES.len() + SERVERS;
const DEAD: usize = REPLIES + 1;
/// Words of a worker.
pub(crate) const WORDS: usize = DEAD + 1;
const START: usize = metrics::WORDS;

/// What a word says of a connection; 0 is nothing.
const PHASES: [&str; 6] = ["", "resting", "connecting", "up", "waiting", "closed"];
/// And of a server.
const IDLE: u64 = 1;
const SERVED: u64 = 2;
/// Why a broker takes nothing, as RabbitMQ says it; what it may say besides is the last one.
const BLOCKED: [&str; 5] =
    ["", "low on memory", "low on disk", "low on memory & disk", "for another reason"];

/// Where the parts of a word begin; the time, in milliseconds, has the rest.
const BLOCK: u32 = 4;
const HOST: u32 = 8;
const SINCE: u32 = 24;
const NIBBLE: u64 = 0xf;
/// What is shown for a host that is not in the list any more.
const FORMER: &str = "where it was before";

/// The names behind the numbers, the same in every process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// `host:port` of each node of the broker, as it was at the start.
    hosts: Vec<String>,
    /// And as it is now.
    now: Hosts,
    /// The queues of each target.
    queues: Vec<Vec<String>>,
}

impl Names {
    /// Of a back end that listens for these.
    pub(crate) fn of(bus: &BusPlan, targets: &[Target]) -> Self {
        let hosts = match &bus.transport {
            Transport::Rabbit(broker) => broker.hosts.iter().map(ToString::to_string).collect(),
            Transport::Local | Transport::Fake => Vec::new(),
        };
        let queues =
            |one: &Target| vec![one.topic().to_owned(), one.server_queue(), one.fanout_exchange()];
        let queues = targets.iter().map(queues).collect();
        Self { hosts, now: bus.hosts.clone(), queues }
    }

    fn hosts(&self) -> Vec<String> {
        let now = self.now.get().map(|now| now.iter().map(ToString::to_string).collect());
        now.unwrap_or_else(|| self.hosts.clone())
    }

    /// How many targets there are.
    pub(crate) fn servers(&self) -> usize {
        self.queues.len()
    }
}

/// A worker's words; see the module's head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Board<'a>(&'a [AtomicU64]);

impl<'a> Board<'a> {
    /// Over the words of a slot. With fewer of them nothing is shown.
    pub(crate) fn new(words: &'a [AtomicU64]) -> Self {
        Self(words.get(START..START + WORDS).unwrap_or_default())
    }

    /// Forgets what there was in the process before, or before the bus was closed.
    pub(crate) fn clear(self) {
        for word in self.0 {
            word.store(0, Ordering::Relaxed);
        }
    }

    /// Shows a bus that has a broker.
    pub(crate) fn show(self, state: &BusState, names: &Names) {
        let hosts = names.hosts();
        let connections = state.connections.iter().map(|one| connection(one, &hosts));
        for (word, value) in self.0.iter().zip(connections.take(PURPOSES.len())) {
            word.store(value, Ordering::Relaxed);
        }
        self.show_servers(state.servers.iter().map(server));
        for (place, count) in [(REPLIES, state.waiting_replies), (DEAD, state.dead_reply_queues)] {
            if let Some(word) = self.0.get(place) {
                word.store(count as u64, Ordering::Relaxed);
            }
        }
    }

    /// Shows so many servers of a bus without one, which are there from now on or not any more.
    pub(crate) fn show_sockets(self, count: usize, are_served: bool) {
        let state = if are_served { SERVED } else { IDLE };
        self.show_servers(std::iter::repeat_n(state | since(Instant::now()), count));
    }

    fn show_servers(self, servers: impl Iterator<Item = u64>) {
        let words = self.0.iter().skip(PURPOSES.len());
        for (word, value) in words.zip(servers.take(SERVERS)) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// What they say, as far as it makes sense.
    pub(crate) fn read(self, names: &Names) -> Messages {
        let hosts = names.hosts();
        let load = |place: usize| self.0.get(place).map_or(0, |word| word.load(Ordering::Relaxed));
        let connection = |(place, purpose): (usize, &&str)| {
            let word = load(place);
            let state = PHASES.get((word & NIBBLE) as usize).filter(|state| !state.is_empty())?;
            let blocked = BLOCKED.get((word >> BLOCK & NIBBLE) as usize).unwrap_or(&"");
            let host = match (word >> HOST) as u16 {
                u16::MAX => FORMER,
                number => hosts.get(usize::from(number))?,
            };
            Some(Connection {
                purpose: (*purpose).to_owned(),
                host: host.to_owned(),
                state: (*state).to_owned(),
                since_seconds: age(word),
                blocked: (*blocked).to_owned(),
            })
        };
        let server = |(number, queues): (usize, &Vec<String>)| {
            let word = load(PURPOSES.len() + number);
            let is_served = match word & NIBBLE {
                IDLE => false,
                SERVED => true,
                _ => return None,
            };
            let queues = queues.clone();
            Some(MessageServer { queues, is_served, since_seconds: age(word) })
        };
        let queues = names.queues.iter().take(SERVERS);
        Messages {
            connections: PURPOSES.iter().enumerate().filter_map(connection).collect(),
            servers: queues.enumerate().filter_map(server).collect(),
            waiting_replies: load(REPLIES).min(MOST),
            dead_reply_queues: load(DEAD).min(MOST),
        }
    }
}

fn connection(of: &ConnectionState, hosts: &[String]) -> u64 {
    let phase = match of.phase {
        ConnectionPhase::Resting => 1,
        ConnectionPhase::Connecting => 2,
        ConnectionPhase::Up => 3,
        ConnectionPhase::Waiting => 4,
        ConnectionPhase::Closed => 5,
    };
    let blocked = of.blocked.as_ref().map_or(0, |why| {
        BLOCKED.iter().skip(1).position(|known| known == why).map_or(BLOCKED.len() - 1, |at| at + 1)
    });
    // No list is longer than what a word holds; a connection may be to a host that was in the one before.
    let host = hosts.iter().position(|host| *host == of.host);
    let host = host.and_then(|host| u16::try_from(host).ok()).unwrap_or(u16::MAX);
    phase | (blocked as u64) << BLOCK | u64::from(host) << HOST | since(of.since)
}

fn server(of: &ServerState) -> u64 {
    let state = if of.is_serving { SERVED } else { IDLE };
    state | since(of.since)
}

/// A moment, as part of a word.
fn since(moment: Instant) -> u64 {
    let at = Scoreboard::clock().saturating_sub(moment.elapsed());
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX) << SINCE
}

/// How long ago that was; nothing if it has not been yet.
fn age(word: u64) -> Option<f64> {
    let at = Duration::from_millis(word >> SINCE);
    Scoreboard::clock().checked_sub(at).map(|age| age.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use cinder_types::{ClusterName, ServiceHost};
    use oslo_messaging::{Bus, RabbitOptions};

    use super::*;

    fn plan(url: &str) -> BusPlan {
        BusPlan {
            transport: Transport::parse(url, &RabbitOptions::default()).unwrap(),
            directory: "/x".into(),
            exchange: "openstack".into(),
            response_timeout: Duration::from_secs(60),
            hosts: Hosts::default(),
        }
    }

    fn names(plan: &BusPlan) -> Names {
        let host = ServiceHost::from_parts("n", None, "a");
        let cluster = ClusterName::from_option("c", "a");
        Names::of(plan, &plan.targets(&host, cluster.as_ref()).unwrap())
    }

    fn words() -> Vec<AtomicU64> {
        std::iter::repeat_with(AtomicU64::default).take(START + WORDS).collect()
    }

    #[test]
    fn what_a_worker_shows_is_what_is_read() {
        let plan = plan("rabbit://u:hunter2@one,u:hunter2@two:99/");
        let (names, words) = (names(&plan), words());
        let board = Board::new(&words);
        assert_eq!(board.read(&names), Messages::default());
        let Transport::Rabbit(broker) = &plan.transport else { panic!("not rabbit://") };
        let bus = Bus::rabbit(oslo_messaging::Broker::clone(broker), "test");
        let mut state = BusState::clone(&bus.state().unwrap());
        for one in &mut state.connections {
            one.phase = ConnectionPhase::Up;
            one.host = "two:99".into();
            one.since = Instant::now() - Duration::from_millis(1_500);
        }
        state.waiting_replies = 7;
        state.dead_reply_queues = 2;
        for (why, shown) in BLOCKED
            .into_iter()
            .skip(1)
            .map(|why| (why, why))
            .chain([("low on patience", "for another reason")])
        {
            state.connections[1].blocked = Some(why.to_owned());
            board.show(&state, &names);
            let read = board.read(&names);
            let [takes, sends] = &read.connections[..] else { panic!("{read:?}") };
            assert_eq!((takes.purpose.as_str(), takes.blocked.as_str()), ("consuming", ""));
            assert_eq!((sends.purpose.as_str(), sends.blocked.as_str()), ("publishing", shown));
            for one in [takes, sends] {
                assert_eq!((one.host.as_str(), one.state.as_str()), ("two:99", "up"));
                assert!((1.5..60.0).contains(&one.since_seconds.unwrap()), "{one:?}");
            }
            assert_eq!((read.waiting_replies, read.dead_reply_queues), (7, 2));
        }
        board.clear();
        assert_eq!(board.read(&names), Messages::default());
    }

    #[test]
    fn sockets_are_shown_with_their_queues() {
        let (names, words) = (names(&plan("local:")), words());
        for are_served in [true, false] {
            Board::new(&words).show_sockets(3, are_served);
            let read = Board::new(&words).read(&names);
            assert!(read.connections.is_empty(), "{read:?}");
            let queues: Vec<_> = read.servers.iter().map(|one| one.queues[1].as_str()).collect();
            assert_eq!(queues, ["cinder-volume.n@a", "cinder-volume.n@a.n", "cinder-volume.c@a.c"]);
            assert!(read.servers.iter().all(|one| one.is_served == are_served), "{read:?}");
        }
    }

    #[test]
    fn nonsense_is_not_shown_and_ends_nobody() {
        let (names, words) = (names(&plan("rabbit://one/")), words());
        for value in [u64::MAX, 3 | 1 << HOST, 1 << SINCE, NIBBLE << BLOCK] {
            words.iter().for_each(|word| word.store(value, Ordering::Relaxed));
            let read = Board::new(&words).read(&names);
            assert!(read.connections.is_empty() && read.servers.is_empty(), "{value:#x}: {read:?}");
            assert!(read.waiting_replies <= MOST);
        }
        assert_eq!(Board::new(&[]).read(&names), Messages::default());
        Board::new(&[]).show_sockets(1, true);
    }
}
