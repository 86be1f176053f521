//! Every sequence of up to six events over two workers, and long random ones, against properties.
//!
//! A [`World`] plays the part of processes and clock around the state machine: it delivers only
//! what can really happen (no death of a process that does not run) and checks after each step.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// Something that the world can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Ready(WorkerId),
    Down(WorkerId),
    /// Dies a moment after its last event.
    Dies(WorkerId),
    /// Dies after a long, stable life.
    DiesOld(WorkerId),
    /// The next fork fails.
    ForkFails,
    Stalls(WorkerId),
    Roll,
    Term,
    Hup,
    Int,
    /// Time jumps to the next deadline.
    Deadline,
}

/// What the second worker can do that the first cannot show is little: the two are alike.
const MOVES: [Move; 13] = [
    Move::Ready(0),
    Move::Ready(1),
    Move::Down(0),
    Move::Dies(0),
    Move::Dies(1),
    Move::DiesOld(0),
    Move::ForkFails,
    Move::Stalls(0),
    Move::Roll,
    Move::Term,
    Move::Hup,
    Move::Int,
    Move::Deadline,
];

const MOMENT: Duration = Duration::from_millis(10);

#[derive(Clone)]
struct World {
    sup: Supervisor,
    now: Instant,
    alive: [bool; 2],
    /// Fork times of each service, which has one worker here.
    forks: [Vec<Instant>; 2],
    next_fork_fails: bool,
    /// When each worker was last sent a TERM.
    told: [Option<Instant>; 2],
    rolled: bool,
    stopped: Option<Instant>,
    exit: Option<i32>,
}

impl World {
    fn new(method: RestartMethod) -> Self {
        let now = Instant::now();
        let mut sup = Supervisor::new(Limits { restart_method: method, ..Limits::default() });
        sup.add_service("a", 1, now);
        sup.add_service("b", 1, now);
        let mut world = Self {
            sup,
            now,
            alive: [false; 2],
            forks: [Vec::new(), Vec::new()],
            next_fork_fails: false,
            told: [None; 2],
            rolled: false,
            stopped: None,
            exit: None,
        };
        world.feed(Event::Tick);
        world.feed(Event::Tick);
        world.feed(Event::Launched);
        world
    }

    /// Makes a move if it is possible now; false if it is not.
    fn play(&mut self, step: Move) -> bool {
        if self.exit.is_some() {
            return false;
        }
        self.now += MOMENT;
        match step {
            Move::Ready(id) if self.alive[id] => self.feed(Event::Ready(id)),
            Move::Down(id) if self.alive[id] => self.feed(Event::Down(id)),
            Move::Dies(id) if self.alive[id] => self.die(id),
            Move::DiesOld(id) if self.alive[id] && self.stopped.is_none() => {
                self.now += Duration::from_secs(61);
                let stable = self.sup.roster.state(id).serves_or_will();
                let before = self.forks[id].len();
                self.die(id);
                // Back-off resets after a stable minute: nothing delays the successor.
                assert!(!stable || self.forks[id].len() > before, "late after a stable life");
            }
            Move::ForkFails if !self.next_fork_fails => self.next_fork_fails = true,
            Move::Stalls(id) if self.alive[id] => self.feed(Event::Stalled(id)),
            Move::Roll => {
                self.rolled = true;
                self.feed(Event::Roll);
            }
            Move::Term => self.feed(Event::Stop("SIGTERM")),
            Move::Hup => self.feed(Event::Hangup),
            Move::Int => self.feed(Event::Interrupt),
            Move::Deadline => match self.sup.next_deadline() {
                Some(at) => {
                    // A moment too early first: whatever is due must not come before its time.
                    let early = at.checked_sub(Duration::from_millis(1)).unwrap_or(at);
                    if early > self.now {
                        self.now = early;
                        self.feed(Event::Tick);
                    }
                    self.now = self.now.max(at);
                    self.feed(Event::Tick);
                }
                None => return false,
            },
            _ => return false,
        }
        true
    }

    fn die(&mut self, id: WorkerId) {
        self.alive[id] = false;
        self.feed(Event::Exited(id));
    }

    fn feed(&mut self, event: Event) {
        let first_stop = matches!(event, Event::Stop(_)) && self.stopped.is_none();
        if first_stop {
            self.stopped = Some(self.now);
        }
        for action in self.sup.step(event, self.now) {
            self.check(event, &action);
            match action {
                Action::Fork(_) if self.next_fork_fails => {
                    self.next_fork_fails = false;
                    let Action::Fork(id) = action else { continue };
                    self.feed(Event::ForkFailed(id));
                }
                Action::Fork(id) => self.alive[id] = true,
                Action::Reload => self.feed(Event::Reloaded),
                Action::Exit(status) => self.exit = Some(status),
                _ => {}
            }
        }
    }

    /// The written properties; each names what it forbids.
    fn check(&mut self, event: Event, action: &Action) {
        assert_eq!(self.exit, None, "an action after the end: {action:?}");
        if let Action::Fork(id) = *action {
            assert!(!self.alive[id], "two live processes for one slot");
            assert_eq!(self.stopped, None, "a fork after TERM");
            self.forks[id].push(self.now);
            if let [.., first, _, third] = self.forks[id][..] {
                // spec/launcher.md §2 with one worker: never three forks within a second.
                assert!(third - first >= Duration::from_secs(1), "faster than upstream's throttle");
            }
        }
        if let Action::Kill(id) = *action {
            let limit = match self.stopped {
                Some(at) => Some(at + Duration::from_secs(60)),
                None => self.told[id].map(|at| at + KILL_GRACE),
            };
            assert!(limit.is_some_and(|at| at <= self.now), "KILL before the limit");
            assert!(self.alive[id], "KILL to nobody");
        }
        if let Action::Terminate(id) = *action {
            self.told[id] = Some(self.now);
        }
        if let Action::Terminate(id) | Action::Hangup(id) = *action {
            assert!(self.alive[id], "a signal to nobody");
        }
        let about = match event {
            Event::Exited(id) | Event::ForkFailed(id) | Event::Stalled(id) => id,
            // A report may let a roll go on to the next worker.
            Event::Ready(id) | Event::Down(id) if !self.rolled => id,
            _ => return,
        };
        let touched = match *action {
            Action::Fork(id) | Action::Terminate(id) | Action::Kill(id) | Action::Hangup(id) => id,
            _ => return,
        };
        assert_eq!(about, touched, "a sibling was touched");
    }

    /// Whatever has happened, a stop comes to its end: with deaths alone, and with time alone.
    fn check_that_a_drain_ends(&self) {
        let mut by_death = self.clone();
        by_death.feed_if_running(Event::Stop("SIGTERM"));
        for id in 0..2 {
            if by_death.alive[id] && by_death.exit.is_none() {
                by_death.die(id);
            }
        }
        assert!(by_death.exit.is_some(), "all are dead and the drain goes on");
        let mut by_time = self.clone();
        by_time.feed_if_running(Event::Stop("SIGTERM"));
        for _ in 0..2 {
            if let (None, Some(at)) = (by_time.exit, by_time.sup.next_deadline()) {
                by_time.now = by_time.now.max(at);
                by_time.feed(Event::Tick);
            }
        }
        assert!(by_time.exit.is_some(), "the limits have passed and the drain goes on");
    }

    fn feed_if_running(&mut self, event: Event) {
        if self.exit.is_none() {
            self.feed(event);
        }
    }
}

/// Plays every sequence of `depth` more moves; returns how many worlds were looked at.
fn explore(world: &World, depth: usize) -> u64 {
    if depth == 0 {
        return 1;
    }
    world.check_that_a_drain_ends();
    let mut count = 1;
    for step in MOVES {
        let mut next = world.clone();
        if next.play(step) {
            count += explore(&next, depth - 1);
        }
    }
    count
}

#[test]
fn every_sequence_of_six_events_over_two_workers_keeps_the_properties() {
    let worlds = explore(&World::new(RestartMethod::Mutate), 6);
    // If moves were refused that should be possible, the exploration would be much smaller.
    assert!(worlds > 500_000, "only {worlds} worlds");
}

#[test]
fn restart_method_reload_keeps_the_properties_too() {
    let worlds = explore(&World::new(RestartMethod::Reload), 4);
    assert!(worlds > 5_000, "only {worlds} worlds");
}

proptest! {
    #[test]
    fn long_random_sequences_keep_the_properties(
        moves in proptest::collection::vec(0..MOVES.len(), 1..200),
        reload in any::<bool>(),
    ) {
        let method = if reload { RestartMethod::Reload } else { RestartMethod::Mutate };
        let mut world = World::new(method);
        for index in moves {
            // TERM and INT end the story, so they are left to the end of most sequences.
            world.play(MOVES[index]);
        }
        world.check_that_a_drain_ends();
    }
}
