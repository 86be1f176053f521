//! What the supervisor decides. Pure: no process, no clock, no log.
//!
//! [`Supervisor::step`] takes one [`Event`] and the time, and answers with the [`Action`]s to
//! perform, in order. Everything that a launcher may ever do follows from here, so every pair of
//! state and event can be tested without a process. `docs/supervision.md` holds the table that
//! these functions produce; a test compares the two.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::extension::Extensions;
use crate::later::later;
use crate::line::Line;
use crate::roster::{Roster, State};
use crate::throttle::{Throttle, backoff};

use crate::vocabulary::Cause;
pub use crate::vocabulary::{Action, Event, Limits, Notice, WorkerId};

/// How long killed workers may take to vanish. A process in an uninterruptible system call may
/// never; waiting longer would only make the service manager kill us as well.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// How long a stop waits for auxiliary workers when all others are gone.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// How many workers one [`Event::Tick`] starts or kills at most. A signal that comes in the middle
/// waits for less than a millisecond; noting eight forks at once costs a parent a third of the
/// pages that noting them one by one would make it copy.
const DUE_PER_TICK: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// TERM was sent; at the limit, KILL.
    Draining {
        limit: Option<Instant>,
    },
    /// KILL was sent; at the limit, give up.
    Killing {
        limit: Instant,
    },
    /// Only auxiliary workers are left, and were sent TERM; at the limit, KILL and the end.
    Closing {
        limit: Instant,
        status: i32,
    },
    Ended,
}

#[derive(Debug, Clone)]
struct ServiceEntry {
    name: String,
    workers: usize,
    throttle: Throttle,
}

/// The state machine; see the module's head.
///
/// ```
/// use std::time::{Duration, Instant};
/// use oslo_launcher::state::{Action, Event, Limits, Notice, Supervisor};
///
/// let now = Instant::now();
/// let mut supervisor = Supervisor::new(Limits::default());
/// supervisor.add_service("lvm", 1, now);
/// assert_eq!(supervisor.step(Event::Tick, now), [Action::Fork(0)]);
/// supervisor.step(Event::Launched, now);
/// assert_eq!(supervisor.step(Event::Ready(0), now), [Action::Notify(Notice::Ready)]);
/// // A worker that ends is replaced; nothing is due until something happens.
/// let later = now + Duration::from_secs(100);
/// assert_eq!(supervisor.step(Event::Exited(0), later), [Action::Fork(0)]);
/// assert_eq!(supervisor.next_deadline(), None);
/// ```
#[derive(Debug, Clone)]
pub struct Supervisor {
    limits: Limits,
    phase: Phase,
    services: Vec<ServiceEntry>,
    roster: Roster,
    /// Whether everything that belongs to the start has been launched.
    launched: bool,
    /// Whether READY has been told.
    announced: bool,
    /// Whether a service manager listens.
    listened_to: bool,
    extensions: Extensions,
    /// Workers still to be replaced on SIGUSR1; the first is being replaced now.
    rolling: VecDeque<WorkerId>,
}

impl Supervisor {
    /// A supervisor without workers.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            phase: Phase::Running,
            services: Vec::new(),
            roster: Roster::default(),
            launched: false,
            announced: false,
            listened_to: false,
            extensions: Extensions::default(),
            rolling: VecDeque::new(),
        }
    }

    /// Somebody listens to [`Notice`]s, and gives a start or a stop a limited time.
    ///
    /// Without this nothing is ever done only to ask for more.
    pub fn listened_to(&mut self, now: Instant) {
        self.listened_to = true;
        self.extensions.begin(now);
    }

    /// Adds a service; its workers are due at `now`, that is at the next [`Event::Tick`]s.
    ///
    /// After a stop was asked for, the service is noted and nothing is ever forked for it.
    pub fn add_service(&mut self, name: &str, workers: usize, now: Instant) {
        self.add(name, workers, now, Roster::add);
    }

    /// As [`add_service`](Self::add_service), for workers that only serve the others: they are
    /// replaced, but not counted, rolled or waited for, and stopped when all others are gone.
    pub fn add_auxiliary(&mut self, name: &str, workers: usize, now: Instant) {
        self.add(name, workers, now, Roster::add_auxiliary);
    }

    fn add(
        &mut self,
        name: &str,
        workers: usize,
        now: Instant,
        add: fn(&mut Roster, usize, usize, State, Instant),
    ) {
        let service = self.services.len();
        self.services.push(ServiceEntry {
            name: name.to_owned(),
            workers,
            throttle: Throttle::of(workers),
        });
        let running = self.phase == Phase::Running;
        let state = if running { State::Waiting { until: now } } else { State::Gone };
        add(&mut self.roster, service, workers, state, now);
    }

    /// Decides what follows from `event`.
    pub fn step(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        self.step_into(event, now, &mut actions);
        actions
    }

    /// As [`step`](Self::step), into a list that is used again: every page that a parent writes
    /// between two forks is copied once more.
    pub(crate) fn step_into(&mut self, event: Event, now: Instant, actions: &mut Vec<Action>) {
        if self.phase == Phase::Ended {
            return;
        }
        match event {
            Event::Tick => self.tick(now, actions),
            Event::Launched => {
                self.launched = true;
                self.announce(actions);
            }
            Event::ForkFailed(id) => self.fork_failed(id, now, actions),
            Event::Ready(id) => self.told(id, State::Up, now, actions),
            Event::Down(id) => self.told(id, State::Down, now, actions),
            Event::Exited(id) => self.exited(id, now, actions),
            Event::Stop(signal) => self.stop(signal, now, actions),
            Event::Hangup if self.phase == Phase::Running => {
                actions.extend([Action::Notify(Notice::Reloading), Action::Reload]);
            }
            Event::Reloaded if self.phase == Phase::Running => self.reloaded(actions),
            Event::ReloadRefused if self.phase == Phase::Running => self.ready_again(actions),
            // Once a stop was asked for nobody serves or will, so nobody can be stalled.
            Event::Stalled(id) => self.stalled(id, now, actions),
            Event::Roll if self.phase == Phase::Running => self.roll(now, actions),
            // A stop is under way: nothing may change it or cut it short.
            Event::Hangup | Event::Reloaded | Event::ReloadRefused | Event::Roll => {}
            Event::Interrupt => self.end(Line::Interrupted, actions),
            Event::Alarm => self.end(Line::GracefulTimeout, actions),
        }
    }

    /// When [`Event::Tick`] is needed next; `None` while only events can change anything.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.phase == Phase::Ended {
            return None;
        }
        self.limit().into_iter().chain(self.extensions.next()).min()
    }

    /// When the phase, or a worker's state, comes to its end.
    fn limit(&self) -> Option<Instant> {
        match self.phase {
            Phase::Ended => None,
            Phase::Draining { limit } => limit,
            Phase::Killing { limit } | Phase::Closing { limit, .. } => Some(limit),
            Phase::Running => self.roster.first_due().map(|(at, _)| at),
        }
    }

    /// Whether a stop is under way or over.
    pub fn is_stopping(&self) -> bool {
        self.phase != Phase::Running
    }

    /// How many workers there are, and how many say that they are up; without auxiliary ones.
    pub fn counts(&self) -> (usize, usize) {
        (self.roster.counted(), self.roster.up())
    }

    /// Whether the end of this worker's process leads to a new one; and why somebody had already
    /// decided to replace it, if so.
    pub(crate) fn replacement(&self, id: WorkerId) -> Option<Option<Cause>> {
        (self.phase == Phase::Running).then(|| match self.roster.state(id) {
            State::Recycling { cause, .. } => Some(cause),
            _ => None,
        })
    }

    /// The number of a worker's service, in the order in which services were added.
    pub(crate) fn service(&self, id: WorkerId) -> usize {
        self.roster.service(id)
    }

    /// The service's name of a worker.
    pub fn name(&self, id: WorkerId) -> &str {
        &self.services[self.roster.service(id)].name
    }

    /// Does what is due, for a few workers at most: between their forks and the next ones a
    /// launcher has to see what else has happened.
    fn tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let end = match self.phase {
            Phase::Draining { limit } => limit.map(|limit| limit + KILL_GRACE),
            Phase::Killing { limit } | Phase::Closing { limit, .. } => Some(limit),
            Phase::Running | Phase::Ended => None,
        };
        let time = self.extensions.ask(now, end);
        actions.extend(time.map(|time| Action::Notify(Notice::Extend(time))));
        match self.phase {
            Phase::Running => {
                for _ in 0..DUE_PER_TICK {
                    match self.roster.first_due() {
                        Some((at, id)) if at <= now => self.due(id, now, actions),
                        _ => break,
                    }
                }
            }
            Phase::Draining { limit: Some(limit) } if limit <= now => {
                actions.push(Action::Log(Line::GracefulTimeout));
                actions.extend(self.roster.alive().map(Action::Kill));
                self.phase = Phase::Killing { limit: now + KILL_GRACE };
            }
            Phase::Killing { limit } if limit <= now => self.exit(1, actions),
            Phase::Closing { limit, status } if limit <= now => {
                actions.extend(self.roster.alive_auxiliary().map(Action::Kill));
                self.exit(status, actions);
            }
            Phase::Draining { .. } | Phase::Killing { .. } | Phase::Closing { .. } => {}
            Phase::Ended => {}
        }
    }

    fn due(&mut self, id: WorkerId, now: Instant, actions: &mut Vec<Action>) {
        if let State::Recycling { cause, .. } = self.roster.state(id) {
            self.roster.set(id, State::Recycling { kill_at: None, cause });
            actions.push(Action::Kill(id));
        } else {
            self.fork(id, now, actions);
        }
    }

    fn fork(&mut self, id: WorkerId, now: Instant, actions: &mut Vec<Action>) {
        let service = &mut self.services[self.roster.service(id)];
        if let Some(until) = service.throttle.postpone(service.workers, now) {
            return self.roster.set(id, State::Waiting { until });
        }
        service.throttle.forked(service.workers, now);
        self.roster.worker(id).started = now;
        self.roster.set(id, State::Starting);
        actions.push(Action::Fork(id));
    }

    fn fork_failed(&mut self, id: WorkerId, now: Instant, actions: &mut Vec<Action>) {
        if self.roster.state(id) != State::Starting {
            return;
        }
        // A kernel out of processes is not helped by trying again at once.
        self.died_early(id);
        self.respawn(id, now, now + Duration::from_secs(1), actions);
        self.hear_of(id, actions);
    }

    fn told(&mut self, id: WorkerId, state: State, now: Instant, actions: &mut Vec<Action>) {
        if self.roster.state(id).serves_or_will() {
            self.roster.set(id, state);
            self.hear_of(id, actions);
            if self.rolling.front() == Some(&id) {
                self.rolling.pop_front();
                self.roll_next(now, actions);
            }
        }
    }

    /// SIGUSR1: all workers are replaced, each when its predecessor's successor has told how it is. One
    /// that never does stops the roll, so a bad configuration takes one back end only.
    fn roll(&mut self, now: Instant, actions: &mut Vec<Action>) {
        actions.push(Action::Log(Line::Rolling { count: self.roster.counted() }));
        let under_way = !self.rolling.is_empty();
        let first = self.rolling.front().copied().filter(|_| under_way);
        let counted = (0..self.roster.len()).filter(|id| !self.roster.is_auxiliary(*id));
        self.rolling = first.into_iter().chain(counted).collect();
        if !under_way {
            self.roll_next(now, actions);
        }
    }

    fn roll_next(&mut self, now: Instant, actions: &mut Vec<Action>) {
        while let Some(&id) = self.rolling.front() {
            if self.roster.state(id).serves_or_will() {
                return self.recycle(id, now, actions);
            }
            // It is being replaced anyway, or waits for its next start.
            self.rolling.pop_front();
        }
    }

    /// Replaces a worker because somebody asked for it.
    fn recycle(&mut self, id: WorkerId, now: Instant, actions: &mut Vec<Action>) {
        let kill_at = self.limits.graceful_shutdown.map(|time| later(now, time));
        self.roster.set(id, State::Recycling { kill_at, cause: Cause::Asked });
        actions.push(Action::Terminate(id));
    }

    fn stalled(&mut self, id: WorkerId, now: Instant, actions: &mut Vec<Action>) {
        if self.roster.state(id).serves_or_will() {
            let kill_at = Some(now + KILL_GRACE);
            self.roster.set(id, State::Recycling { kill_at, cause: Cause::Watchdog });
            let name = self.name(id).to_owned();
            actions.extend([Action::Log(Line::Stalled { name }), Action::Terminate(id)]);
        }
    }

    fn exited(&mut self, id: WorkerId, now: Instant, actions: &mut Vec<Action>) {
        let state = self.roster.state(id);
        if !state.has_process() {
            return;
        }
        if self.phase != Phase::Running {
            self.roster.set(id, State::Gone);
            return self.exit_if_empty(now, actions);
        }
        let stable_after = self.limits.stable_after;
        let asked = matches!(state, State::Recycling { cause: Cause::Asked, .. });
        let worker = self.roster.worker(id);
        if asked || now.saturating_duration_since(worker.started) >= stable_after {
            worker.early_deaths = 0;
        } else {
            self.died_early(id);
        }
        self.respawn(id, now, now, actions);
        self.hear_of(id, actions);
    }

    fn died_early(&mut self, id: WorkerId) {
        let worker = self.roster.worker(id);
        worker.early_deaths = worker.early_deaths.saturating_add(1);
    }

    /// Plans the next process of a worker: at once where the rules allow it.
    fn respawn(&mut self, id: WorkerId, now: Instant, earliest: Instant, out: &mut Vec<Action>) {
        let deaths = self.roster.worker(id).early_deaths;
        let service = &self.services[self.roster.service(id)];
        let throttled = service.throttle.plan(service.workers, now);
        let backed_off = now + backoff(deaths, self.limits.respawn_backoff_max, id);
        let until = throttled.max(backed_off).max(earliest);
        if backed_off > throttled {
            let name = service.name.clone();
            out.push(Action::Log(Line::BackingOff { name, deaths, delay: until - now }));
        } else if throttled > now {
            out.push(Action::Log(Line::ForkingTooFast));
        }
        self.roster.set(id, State::Waiting { until });
        if until <= now {
            self.fork(id, now, out);
        }
    }

    fn hear_of(&mut self, id: WorkerId, actions: &mut Vec<Action>) {
        self.roster.hear_of(id);
        self.announce(actions);
    }

    /// Tells READY, once, when everything is launched and has told how it is, or died.
    fn announce(&mut self, actions: &mut Vec<Action>) {
        if self.launched && !self.announced && self.roster.all_heard_of() {
            self.announced = true;
            self.extensions.end();
            actions.push(Action::Notify(Notice::Ready));
        }
    }

    fn stop(&mut self, signal: &'static str, now: Instant, actions: &mut Vec<Action>) {
        if self.phase != Phase::Running {
            return;
        }
        let limit = self.limits.graceful_shutdown.map(|time| later(now, time));
        self.phase = Phase::Draining { limit };
        if self.listened_to {
            self.extensions.begin(now);
        }
        actions.extend([
            Action::Log(Line::Stopping { signal }),
            Action::Notify(Notice::Stopping),
            Action::Log(Line::KillingChildren),
        ]);
        actions.extend(self.roster.alive().map(Action::Terminate));
        let count = self.roster.processes();
        for id in 0..self.roster.len() {
            let runs = self.roster.state(id).has_process();
            self.roster.set(id, if runs { State::Draining } else { State::Gone });
        }
        actions.push(Action::Log(Line::WaitingOnChildren { count }));
        self.exit_if_empty(now, actions);
    }

    fn reloaded(&mut self, actions: &mut Vec<Action>) {
        let served = (0..self.roster.len()).filter(|id| self.roster.state(*id).serves_or_will());
        actions.extend(served.map(Action::Hangup));
        self.ready_again(actions);
    }

    /// systemd waits for READY after RELOADING; before the first READY there is nothing to repeat.
    fn ready_again(&self, actions: &mut Vec<Action>) {
        if self.announced {
            actions.push(Action::Notify(Notice::Ready));
        }
    }

    fn end(&mut self, line: Line, actions: &mut Vec<Action>) {
        actions.push(Action::Log(line));
        self.exit(1, actions);
    }

    fn exit_if_empty(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.roster.processes() > 0 {
            return;
        }
        let status = match self.phase {
            Phase::Closing { status, .. } => status,
            phase => i32::from(matches!(phase, Phase::Killing { .. })),
        };
        if self.roster.auxiliary_processes() == 0 {
            self.exit(status, actions);
        } else if !matches!(self.phase, Phase::Closing { .. }) {
            actions.extend(self.roster.alive_auxiliary().map(Action::Terminate));
            self.phase = Phase::Closing { limit: now + CLOSE_GRACE, status };
        }
    }

    fn exit(&mut self, status: i32, actions: &mut Vec<Action>) {
        self.phase = Phase::Ended;
        actions.push(Action::Exit(status));
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "state_explored.rs"]
mod explored;
