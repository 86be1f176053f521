//! What the supervisor decides. Pure: no process, no clock, no log.
//!
//! [`Supervisor::step`] takes one [`Event`] and the time, and answers with the [`Action`]s to
//! perform, in order. Everything that a launcher may ever do follows from here, so every pair of
//! state and event can be tested without a process. `docs/supervision.md` holds the table that
//! these functions produce; a test compares the two.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::line::Line;
use crate::throttle::{Throttle, backoff};

pub use crate::vocabulary::{Action, Event, Limits, Notice, RestartMethod, WorkerId};

/// How long killed workers may take to vanish. A process in an uninterruptible system call may
/// never; waiting longer would only make the service manager kill us as well.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// Where a worker stands, as the parent knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No process; one is due at this time.
    Waiting { until: Instant },
    /// A process runs and has not reported.
    Starting,
    /// Reported up.
    Up,
    /// Reported down: it runs, its service cannot serve.
    Down,
    /// Was told to end and will be replaced. KILL follows at the given time.
    Recycling { kill_at: Option<Instant>, because: Because },
    /// Was told to end and will not be replaced.
    Draining,
    /// No process, none will come.
    Gone,
}

/// Why a worker is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Because {
    /// Somebody asked for it: its end says nothing against it.
    Asked,
    /// It gave no sign of life: its end counts as an early death.
    Stalled,
}

impl State {
    fn has_process(self) -> bool {
        !matches!(self, Self::Waiting { .. } | Self::Gone)
    }

    fn serves_or_will(self) -> bool {
        matches!(self, Self::Starting | Self::Up | Self::Down)
    }

    #[cfg(test)]
    fn name(self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Down => "down",
            Self::Recycling { .. } => "recycling",
            Self::Draining => "draining",
            Self::Gone => "gone",
        }
    }
}

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
    Ended,
}

#[derive(Debug, Clone)]
struct Worker {
    service: usize,
    state: State,
    started: Instant,
    /// Deaths in a row that came before `stable_after`.
    early_deaths: u32,
    /// Has reported, or died, at least once: nobody need wait for it any longer.
    heard_of: bool,
}

#[derive(Debug, Clone)]
struct ServiceEntry {
    name: String,
    workers: usize,
    throttle: Throttle,
}

/// The state machine; see the module's head.
#[derive(Debug, Clone)]
pub struct Supervisor {
    limits: Limits,
    phase: Phase,
    services: Vec<ServiceEntry>,
    workers: Vec<Worker>,
    announced: bool,
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
            workers: Vec::new(),
            announced: false,
            rolling: VecDeque::new(),
        }
    }

    /// Adds a service; its workers are due at `now`, that is at the next [`Event::Tick`].
    ///
    /// After a stop was asked for, the service is noted and nothing is ever forked for it.
    pub fn add_service(&mut self, name: &str, workers: usize, now: Instant) {
        let service = self.services.len();
        self.services.push(ServiceEntry {
            name: name.to_owned(),
            workers,
            throttle: Throttle::default(),
        });
        let running = self.phase == Phase::Running;
        let state = if running { State::Waiting { until: now } } else { State::Gone };
        let worker = Worker { service, state, started: now, early_deaths: 0, heard_of: false };
        self.workers.extend(std::iter::repeat_n(worker, workers));
    }

    /// Decides what follows from `event`.
    pub fn step(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.phase == Phase::Ended {
            return actions;
        }
        match event {
            Event::Tick => self.tick(now, &mut actions),
            Event::ForkFailed(id) => self.fork_failed(id, now, &mut actions),
            Event::Ready(id) => self.reported(id, State::Up, now, &mut actions),
            Event::Down(id) => self.reported(id, State::Down, now, &mut actions),
            Event::Exited(id) => self.exited(id, now, &mut actions),
            Event::Stop(signal) => self.stop(signal, now, &mut actions),
            Event::Hangup if self.phase == Phase::Running => {
                actions.extend([Action::Notify(Notice::Reloading), Action::Reload]);
            }
            Event::Reloaded if self.phase == Phase::Running => self.reloaded(now, &mut actions),
            Event::ReloadRefused if self.phase == Phase::Running => self.ready_again(&mut actions),
            Event::Stalled(id) if self.phase == Phase::Running => {
                self.stalled(id, now, &mut actions);
            }
            Event::Roll if self.phase == Phase::Running => self.roll(now, &mut actions),
            // A stop is under way: nothing may change it or cut it short.
            Event::Hangup
            | Event::Reloaded
            | Event::ReloadRefused
            | Event::Stalled(_)
            | Event::Roll => {}
            Event::Interrupt => self.end(Line::Interrupted, &mut actions),
            Event::Alarm => self.end(Line::GracefulTimeout, &mut actions),
        }
        actions
    }

    /// When [`Event::Tick`] is needed next; `None` while only events can change anything.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Ended => None,
            Phase::Draining { limit } => limit,
            Phase::Killing { limit } => Some(limit),
            Phase::Running => self
                .workers
                .iter()
                .filter_map(|worker| match worker.state {
                    State::Waiting { until } => Some(until),
                    State::Recycling { kill_at, .. } => kill_at,
                    _ => None,
                })
                .min(),
        }
    }

    /// Whether a stop is under way or over.
    pub fn is_stopping(&self) -> bool {
        self.phase != Phase::Running
    }

    /// How many workers there are, and how many have reported up.
    pub fn counts(&self) -> (usize, usize) {
        let up = self.workers.iter().filter(|worker| worker.state == State::Up).count();
        (self.workers.len(), up)
    }

    /// The service's name of a worker.
    pub fn name(&self, id: WorkerId) -> &str {
        &self.services[self.workers[id].service].name
    }

    fn tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self.phase {
            Phase::Running => {
                for id in 0..self.workers.len() {
                    match &mut self.workers[id].state {
                        State::Waiting { until } if *until <= now => self.fork(id, now, actions),
                        State::Recycling { kill_at, .. } if kill_at.is_some_and(|at| at <= now) => {
                            *kill_at = None;
                            actions.push(Action::Kill(id));
                        }
                        _ => {}
                    }
                }
            }
            Phase::Draining { limit: Some(limit) } if limit <= now => {
                actions.push(Action::Log(Line::GracefulTimeout));
                actions.extend(self.alive().map(Action::Kill));
                self.phase = Phase::Killing { limit: now + KILL_GRACE };
            }
            Phase::Killing { limit } if limit <= now => self.exit(1, actions),
            Phase::Draining { .. } | Phase::Killing { .. } | Phase::Ended => {}
        }
    }

    fn fork(&mut self, id: WorkerId, now: Instant, actions: &mut Vec<Action>) {
        let worker = &mut self.workers[id];
        worker.state = State::Starting;
        worker.started = now;
        self.services[worker.service].throttle.forked(now);
        actions.push(Action::Fork(id));
    }

    fn fork_failed(&mut self, id: WorkerId, now: Instant, actions: &mut Vec<Action>) {
        if self.workers[id].state != State::Starting {
            return;
        }
        // A kernel out of processes is not helped by trying again at once.
        self.died_early(id);
        self.respawn(id, now, now + Duration::from_secs(1), actions);
    }

    fn reported(&mut self, id: WorkerId, state: State, now: Instant, actions: &mut Vec<Action>) {
        let worker = &mut self.workers[id];
        if worker.state.serves_or_will() {
            worker.state = state;
            self.hear_of(id, actions);
            if self.rolling.front() == Some(&id) {
                self.rolling.pop_front();
                self.roll_next(now, actions);
            }
        }
    }

    /// SIGUSR1: all workers are replaced, each when its predecessor's successor has reported. One
    /// that never reports stops the roll, so a bad configuration takes one back end only.
    fn roll(&mut self, now: Instant, actions: &mut Vec<Action>) {
        actions.push(Action::Log(Line::Rolling { count: self.workers.len() }));
        let under_way = !self.rolling.is_empty();
        let first = self.rolling.front().copied().filter(|_| under_way);
        self.rolling = first.into_iter().chain(0..self.workers.len()).collect();
        if !under_way {
            self.roll_next(now, actions);
        }
    }

    fn roll_next(&mut self, now: Instant, actions: &mut Vec<Action>) {
        while let Some(&id) = self.rolling.front() {
            if self.workers[id].state.serves_or_will() {
                let kill_at = self.limits.graceful_shutdown.map(|time| now + time);
                self.workers[id].state = State::Recycling { kill_at, because: Because::Asked };
                actions.push(Action::Terminate(id));
                return;
            }
            // It is being replaced anyway, or waits for its next start.
            self.rolling.pop_front();
        }
    }

    fn stalled(&mut self, id: WorkerId, now: Instant, actions: &mut Vec<Action>) {
        if self.workers[id].state.serves_or_will() {
            let kill_at = Some(now + KILL_GRACE);
            self.workers[id].state = State::Recycling { kill_at, because: Because::Stalled };
            let name = self.name(id).to_owned();
            actions.extend([Action::Log(Line::Stalled { name }), Action::Terminate(id)]);
        }
    }

    fn exited(&mut self, id: WorkerId, now: Instant, actions: &mut Vec<Action>) {
        let state = self.workers[id].state;
        if !state.has_process() {
            return;
        }
        if self.phase != Phase::Running {
            self.workers[id].state = State::Gone;
            return self.exit_if_empty(actions);
        }
        if matches!(state, State::Recycling { because: Because::Asked, .. }) {
            self.workers[id].early_deaths = 0;
        } else {
            self.died_early(id);
            if now.saturating_duration_since(self.workers[id].started) >= self.limits.stable_after {
                self.workers[id].early_deaths = 0;
            }
        }
        self.respawn(id, now, now, actions);
        self.hear_of(id, actions);
    }

    fn died_early(&mut self, id: WorkerId) {
        self.workers[id].early_deaths = self.workers[id].early_deaths.saturating_add(1);
    }

    /// Plans the next process of a worker: at once where the rules allow it.
    fn respawn(&mut self, id: WorkerId, now: Instant, earliest: Instant, out: &mut Vec<Action>) {
        let deaths = self.workers[id].early_deaths;
        let service = &mut self.services[self.workers[id].service];
        let throttled = service.throttle.next_fork(service.workers, now);
        let backed_off = now + backoff(deaths, self.limits.respawn_backoff_max, id);
        let until = throttled.max(backed_off).max(earliest);
        if backed_off > throttled {
            let name = service.name.clone();
            out.push(Action::Log(Line::BackingOff { name, deaths, delay: until - now }));
        } else if throttled > now {
            out.push(Action::Log(Line::ForkingTooFast));
        }
        self.workers[id].state = State::Waiting { until };
        if until <= now {
            self.fork(id, now, out);
        }
    }

    fn hear_of(&mut self, id: WorkerId, actions: &mut Vec<Action>) {
        self.workers[id].heard_of = true;
        if !self.announced && self.workers.iter().all(|worker| worker.heard_of) {
            self.announced = true;
            actions.push(Action::Notify(Notice::Ready));
        }
    }

    fn stop(&mut self, signal: &'static str, now: Instant, actions: &mut Vec<Action>) {
        if self.phase != Phase::Running {
            return;
        }
        let limit = self.limits.graceful_shutdown.map(|time| now + time);
        self.phase = Phase::Draining { limit };
        actions.extend([
            Action::Log(Line::Stopping { signal }),
            Action::Notify(Notice::Stopping),
            Action::Log(Line::KillingChildren),
        ]);
        actions.extend(self.alive().map(Action::Terminate));
        let count = self.alive().count();
        for worker in &mut self.workers {
            worker.state = if worker.state.has_process() { State::Draining } else { State::Gone };
        }
        actions.push(Action::Log(Line::WaitingOnChildren { count }));
        self.exit_if_empty(actions);
    }

    fn reloaded(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let kill_at = self.limits.graceful_shutdown.map(|time| now + time);
        for (id, worker) in self.workers.iter_mut().enumerate() {
            if !worker.state.serves_or_will() {
                continue;
            }
            actions.push(match self.limits.restart_method {
                RestartMethod::Mutate => Action::Hangup(id),
                RestartMethod::Reload => {
                    worker.state = State::Recycling { kill_at, because: Because::Asked };
                    Action::Terminate(id)
                }
            });
        }
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

    fn exit_if_empty(&mut self, actions: &mut Vec<Action>) {
        if self.alive().next().is_none() {
            let status = i32::from(matches!(self.phase, Phase::Killing { .. }));
            self.exit(status, actions);
        }
    }

    fn exit(&mut self, status: i32, actions: &mut Vec<Action>) {
        self.phase = Phase::Ended;
        actions.push(Action::Exit(status));
    }

    fn alive(&self) -> impl Iterator<Item = WorkerId> + '_ {
        self.workers
            .iter()
            .enumerate()
            .filter(|(_, worker)| worker.state.has_process())
            .map(|(id, _)| id)
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "state_explored.rs"]
mod explored;
