//! Every sequence of up to six events over two workers, and long random ones, against properties.
//!
//! A [`World`] plays the part of processes and clock around the state machine: it delivers only
//! what can really happen (no death of a process that does not run) and checks after each step.
//! What it checks is written from `spec/launcher.md` and `docs/supervision.md`, with its own
//! bookkeeping; it looks into the state machine only to name a state.

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
    /// A service with one worker is added, once.
    Add,
    /// Everything that belongs to the start has been launched.
    Launch,
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

/// What only matters now and then.
const MORE: [Move; 7] = [
    Move::Launch,
    Move::Add,
    Move::Ready(2),
    Move::Dies(2),
    Move::DiesOld(1),
    Move::Stalls(1),
    Move::Stalls(2),
];

const MOMENT: Duration = Duration::from_millis(10);
const SECOND: Duration = Duration::from_secs(1);
/// The default of `graceful_shutdown_timeout`, `spec/launcher.md` §1.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// How a world begins.
#[derive(Debug, Clone, Copy)]
struct Setting {
    /// Two workers of one service instead of two services with one each.
    together: bool,
    /// A service manager listens.
    listened_to: bool,
    limited: bool,
    /// The start is over; else somebody has to say so first.
    launched: bool,
}

const USUAL: Setting =
    Setting { together: false, listened_to: false, limited: true, launched: true };

/// What the world knows of one worker.
#[derive(Debug, Clone)]
struct Process {
    service: usize,
    alive: bool,
    born: Instant,
    died: Instant,
    /// When the last process was told to end, and how long before it may be killed.
    told: Option<(Instant, Duration)>,
    /// It was told to end because somebody asked for a successor.
    asked: bool,
    /// Early deaths in a row, as `docs/supervision.md` counts them.
    early: u32,
    /// The throttle wants no successor before.
    paused_until: Instant,
    heard_of: bool,
}

#[derive(Clone)]
struct World {
    setting: Setting,
    sup: Supervisor,
    now: Instant,
    workers: Vec<Process>,
    /// Fork times and number of workers of each service.
    services: Vec<(Vec<Instant>, usize)>,
    next_fork_fails: bool,
    launched: bool,
    rolled: bool,
    ready: bool,
    /// Since when the service manager has to be asked for time, or was asked last.
    asked_for_time: Option<Instant>,
    stopped: Option<Instant>,
    exit: Option<i32>,
}

impl World {
    fn new(setting: Setting) -> Self {
        let now = Instant::now();
        let mut limits = Limits::default();
        if !setting.limited {
            limits.graceful_shutdown = None;
        }
        let mut world = Self {
            setting,
            sup: Supervisor::new(limits),
            now,
            workers: Vec::new(),
            services: Vec::new(),
            next_fork_fails: false,
            launched: false,
            rolled: false,
            ready: false,
            asked_for_time: setting.listened_to.then_some(now),
            stopped: None,
            exit: None,
        };
        if setting.listened_to {
            world.sup.listened_to(now);
        }
        let counts: &[usize] = if setting.together { &[2] } else { &[1, 1] };
        counts.iter().for_each(|count| world.add(*count));
        world.feed(Event::Tick);
        world.feed(Event::Tick);
        if setting.launched {
            world.launch();
        }
        world
    }

    fn add(&mut self, workers: usize) {
        let service = self.services.len();
        self.sup.add_service("s", workers, self.now);
        self.services.push((Vec::new(), workers));
        let (born, died) = (self.now, self.now);
        let process = Process {
            service,
            alive: false,
            born,
            died,
            told: None,
            asked: false,
            early: 0,
            paused_until: self.now,
            heard_of: false,
        };
        self.workers.extend(std::iter::repeat_n(process, workers));
    }

    fn launch(&mut self) {
        self.launched = true;
        self.feed(Event::Launched);
    }

    fn lives(&self, id: WorkerId) -> bool {
        self.workers.get(id).is_some_and(|worker| worker.alive)
    }

    /// Makes a move if it is possible now; false if it is not.
    fn play(&mut self, step: Move) -> bool {
        if self.exit.is_some() {
            return false;
        }
        self.now += MOMENT;
        match step {
            Move::Ready(id) if self.lives(id) => self.report(id, Event::Ready(id)),
            Move::Down(id) if self.lives(id) => self.report(id, Event::Down(id)),
            Move::Dies(id) if self.lives(id) => self.die(id),
            Move::DiesOld(id) if self.lives(id) && self.stopped.is_none() => self.die_old(id),
            Move::ForkFails if !self.next_fork_fails => self.next_fork_fails = true,
            Move::Stalls(id) if self.lives(id) => self.feed(Event::Stalled(id)),
            Move::Roll => {
                self.rolled = true;
                self.feed(Event::Roll);
            }
            Move::Term => self.feed(Event::Stop("SIGTERM")),
            Move::Hup => self.feed(Event::Hangup),
            Move::Int => self.feed(Event::Interrupt),
            Move::Add if self.workers.len() == 2 => self.add(1),
            Move::Launch if !self.launched => self.launch(),
            Move::Deadline => return self.deadline(),
            _ => return false,
        }
        true
    }

    fn report(&mut self, id: WorkerId, event: Event) {
        self.workers[id].heard_of = true;
        self.feed(event);
    }

    fn die(&mut self, id: WorkerId) {
        let worker = &mut self.workers[id];
        let early = self.now - worker.born < Duration::from_secs(60);
        let held_against = early && !(worker.alive && worker.asked);
        worker.early = if held_against { worker.early + 1 } else { 0 };
        worker.alive = false;
        worker.asked = false;
        worker.heard_of = true;
        worker.died = self.now;
        let (forks, workers) = &self.services[worker.service];
        let window = SECOND * *workers as u32;
        if forks.iter().rev().nth(*workers).is_some_and(|oldest| self.now - *oldest < window) {
            worker.paused_until = self.now + SECOND;
        }
        self.feed(Event::Exited(id));
    }

    /// Back-off resets after a stable minute: nothing but the throttle delays the successor.
    fn die_old(&mut self, id: WorkerId) {
        self.now += Duration::from_secs(61);
        let serves = self.workers[id].told.is_none();
        let (forks, workers) = &self.services[self.workers[id].service];
        let since = self.now - Duration::from_secs(*workers as u64);
        let quiet = forks.iter().all(|at| *at <= since);
        let before = forks.len();
        let failing = self.next_fork_fails;
        self.die(id);
        let forked = self.services[self.workers[id].service].0.len() > before;
        assert!(forked || failing || !(serves && quiet), "late after a stable life");
    }

    fn deadline(&mut self) -> bool {
        let Some(at) = self.sup.next_deadline() else { return false };
        // A moment too early first: whatever is due must not come before its time.
        let early = at.checked_sub(Duration::from_millis(1)).unwrap_or(at);
        if early > self.now {
            self.now = early;
            self.feed(Event::Tick);
        }
        self.now = self.now.max(at);
        self.feed(Event::Tick);
        true
    }

    fn feed(&mut self, event: Event) {
        if matches!(event, Event::Stop(_)) && self.stopped.is_none() {
            self.stopped = Some(self.now);
            self.asked_for_time = self.setting.listened_to.then_some(self.now);
        }
        for action in self.sup.step(event, self.now) {
            assert_eq!(self.exit, None, "an action after the end: {action:?}");
            self.check_siblings(event, &action);
            match action {
                Action::Fork(id) => self.fork(id),
                Action::Kill(id) => self.kill(id),
                Action::Terminate(id) => self.terminate(id, event),
                Action::Hangup(id) => assert!(self.lives(id), "HUP to nobody"),
                Action::Reload => self.feed(Event::Reloaded),
                Action::Notify(notice) => self.notify(notice),
                Action::Exit(status) => self.exit = Some(status),
                Action::Log(_) => {}
            }
        }
        self.check_patience();
    }

    fn fork(&mut self, id: WorkerId) {
        assert!(!self.workers[id].alive, "two live processes for one slot");
        assert_eq!(self.stopped, None, "a fork after TERM");
        self.check_throttle(id);
        let worker = &mut self.workers[id];
        // 0, 0, 1, 2, 4 … 30 s after the first, second, third … early death in a row.
        let back_off = match worker.early {
            0..3 => Duration::ZERO,
            3..8 => SECOND * (1 << (worker.early - 3)),
            _ => SECOND * 30,
        };
        assert!(self.now - worker.died >= back_off, "back after {} early deaths", worker.early);
        assert!(self.now >= worker.paused_until, "before upstream's pause is over");
        worker.born = self.now;
        worker.told = None;
        if std::mem::take(&mut self.next_fork_fails) {
            worker.early += 1;
            worker.died = self.now;
            worker.heard_of = true;
            self.feed(Event::ForkFailed(id));
        } else {
            worker.alive = true;
        }
    }

    /// `spec/launcher.md` §2: more than `w` forks within `w` seconds cost a pause of a second, and
    /// the original sleeps it between two forks.
    fn check_throttle(&mut self, id: WorkerId) {
        let (forks, workers) = &mut self.services[self.workers[id].service];
        if let (Some(last), Some(oldest)) = (forks.last(), forks.iter().rev().nth(*workers)) {
            let paused = self.now - *last >= SECOND;
            let cool = self.now - *oldest >= SECOND * *workers as u32;
            assert!(paused || cool, "faster than upstream's throttle");
        }
        forks.push(self.now);
    }

    fn kill(&mut self, id: WorkerId) {
        assert!(self.lives(id), "KILL to nobody");
        let (at, grace) = match self.stopped {
            Some(at) => (at, STOP_LIMIT),
            None => self.workers[id].told.expect("KILL without TERM"),
        };
        assert!(self.setting.limited || grace == KILL_GRACE, "KILL without a limit");
        assert!(self.now - at >= grace, "KILL before the limit");
    }

    fn terminate(&mut self, id: WorkerId, event: Event) {
        assert!(self.lives(id), "TERM to nobody");
        let worker = &mut self.workers[id];
        worker.asked = !matches!(event, Event::Stalled(_) | Event::Stop(_));
        worker.told = Some((self.now, if worker.asked { STOP_LIMIT } else { KILL_GRACE }));
        let rolling = self.workers.iter().filter(|worker| worker.alive && worker.asked).count();
        assert!(rolling <= 1, "a roll takes two at a time");
    }

    fn notify(&mut self, notice: Notice) {
        match notice {
            Notice::Ready => {
                assert!(self.launched, "READY before the start is over");
                assert!(self.workers.iter().take(2).all(|one| one.heard_of), "READY too early");
                self.ready = true;
                self.asked_for_time = None;
            }
            Notice::Extend(time) => {
                let since = self.asked_for_time.expect("more time for nothing that takes long");
                assert!(self.now - since >= SECOND, "asked for time too often");
                assert!(time > Duration::from_secs(15), "it would run out before the next request");
                self.asked_for_time = Some(self.now);
            }
            Notice::Reloading | Notice::Stopping => {}
        }
    }

    /// The next request for more time comes before the last one runs out.
    fn check_patience(&self) {
        if let (Some(since), None) = (self.asked_for_time, self.exit) {
            let next = self.sup.next_deadline().expect("somebody has to be asked for time");
            assert!(next <= since.max(self.now) + Duration::from_secs(15), "too late to ask");
        }
    }

    fn check_siblings(&self, event: Event, action: &Action) {
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
        for id in 0..by_death.workers.len() {
            if by_death.lives(id) && by_death.exit.is_none() {
                by_death.die(id);
            }
        }
        assert!(by_death.exit.is_some(), "all are dead and the drain goes on");
        if !self.setting.limited {
            return;
        }
        let mut by_time = self.clone();
        by_time.feed_if_running(Event::Stop("SIGTERM"));
        let end = by_time.now + STOP_LIMIT + KILL_GRACE;
        while by_time.exit.is_none() && by_time.now < end {
            let at = by_time.sup.next_deadline().expect("the drain has a limit");
            by_time.now = by_time.now.max(at);
            by_time.feed(Event::Tick);
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
fn explore(world: &World, moves: &[Move], depth: usize) -> u64 {
    if depth == 0 {
        return 1;
    }
    world.check_that_a_drain_ends();
    let mut count = 1;
    for step in moves {
        let mut next = world.clone();
        if next.play(*step) {
            count += explore(&next, moves, depth - 1);
        }
    }
    count
}

#[test]
fn every_sequence_of_six_events_over_two_workers_keeps_the_properties() {
    let worlds = explore(&World::new(USUAL), &MOVES, 6);
    // If moves were refused that should be possible, the exploration would be much smaller.
    assert!(worlds > 500_000, "only {worlds} worlds");
}

#[test]
fn other_settings_keep_the_properties_too() {
    let settings = [
        Setting { together: true, ..USUAL },
        Setting { listened_to: true, ..USUAL },
        Setting { limited: false, ..USUAL },
    ];
    for setting in settings {
        let worlds = explore(&World::new(setting), &MOVES, 5);
        assert!(worlds > 50_000, "only {worlds} worlds of {setting:?}");
    }
}

#[test]
fn a_third_worker_and_a_long_start_keep_the_properties_too() {
    let moves = [&MOVES[..], &MORE[..]].concat();
    for launched in [true, false] {
        let worlds = explore(&World::new(Setting { launched, ..USUAL }), &moves, 4);
        assert!(worlds > 20_000, "only {worlds} worlds");
    }
}

proptest! {
    #[test]
    fn long_random_sequences_keep_the_properties(
        moves in proptest::collection::vec((0..MOVES.len() + MORE.len(), 0..20_u8), 1..200),
        together in any::<bool>(),
        listened_to in any::<bool>(),
        limited in any::<bool>(),
        launched in any::<bool>(),
    ) {
        let mut world = World::new(Setting { together, listened_to, limited, launched });
        let all = [&MOVES[..], &MORE[..]].concat();
        for (index, chance) in moves {
            // Else most sequences would be over after a few moves.
            if chance == 0 || !matches!(all[index], Move::Term | Move::Int) {
                world.play(all[index]);
            }
        }
        world.check_that_a_drain_ends();
    }
}
