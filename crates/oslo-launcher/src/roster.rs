//! The workers as the state machine knows them: where each stands, who is due when, how many.
//!
//! One function changes a state, so that deadlines and counts always fit the states, and nothing
//! that happens often has to look at all workers. Pure. Must not: decide anything.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::vocabulary::{Cause, WorkerId};

/// Where a worker stands, as the parent knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No process; one is due at this time.
    Waiting { until: Instant },
    /// A process runs and has told nothing yet.
    Starting,
    /// Says that it is up.
    Up,
    /// Says that it is down: it runs, its service cannot serve.
    Down,
    /// Was told to end and will be replaced. KILL follows at the given time.
    Recycling { kill_at: Option<Instant>, cause: Cause },
    /// Was told to end and will not be replaced.
    Draining,
    /// No process, none will come.
    Gone,
}

impl State {
    pub(crate) fn has_process(self) -> bool {
        !matches!(self, Self::Waiting { .. } | Self::Gone)
    }

    pub(crate) fn serves_or_will(self) -> bool {
        matches!(self, Self::Starting | Self::Up | Self::Down)
    }

    /// When something has to be done about a worker in this state.
    fn due(self) -> Option<Instant> {
        match self {
            Self::Waiting { until } => Some(until),
            Self::Recycling { kill_at, .. } => kill_at,
            _ => None,
        }
    }

    #[cfg(test)]
    pub(crate) fn name(self) -> &'static str {
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

/// What is remembered of one worker over all of its processes.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    /// Number of its service.
    pub(crate) service: usize,
    /// When its last process was asked for.
    pub(crate) started: Instant,
    /// Deaths in a row that came before `stable_after`.
    pub(crate) early_deaths: u32,
    /// Whether it only serves the others: it counts for nothing.
    auxiliary: bool,
    state: State,
    /// Has told how it is, or died, at least once: nobody need wait for it any longer.
    heard_of: bool,
}

/// All workers; see the module's head.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roster {
    workers: Vec<Worker>,
    /// One entry for each worker whose state has a time.
    due: BTreeSet<(Instant, WorkerId)>,
    /// Of these three, auxiliary workers are no part.
    processes: usize,
    up: usize,
    unheard: usize,
    /// Auxiliary workers, and those of them that have a process.
    auxiliary: (usize, usize),
}

impl Roster {
    /// Adds `count` workers of a service, each in this state.
    pub(crate) fn add(&mut self, service: usize, count: usize, state: State, now: Instant) {
        self.add_some(service, count, false, state, now);
    }

    /// As [`add`](Self::add), for workers that nobody waits for or counts.
    pub(crate) fn add_auxiliary(
        &mut self,
        service: usize,
        count: usize,
        state: State,
        now: Instant,
    ) {
        self.add_some(service, count, true, state, now);
    }

    fn add_some(
        &mut self,
        service: usize,
        count: usize,
        auxiliary: bool,
        state: State,
        now: Instant,
    ) {
        for _ in 0..count {
            let id = self.workers.len();
            self.workers.push(Worker {
                service,
                started: now,
                early_deaths: 0,
                auxiliary,
                state: State::Gone,
                heard_of: auxiliary,
            });
            self.unheard += usize::from(!auxiliary);
            self.auxiliary.0 += usize::from(auxiliary);
            self.set(id, state);
        }
    }

    /// The only way to change a state.
    pub(crate) fn set(&mut self, id: WorkerId, state: State) {
        let before = std::mem::replace(&mut self.workers[id].state, state);
        if let Some(at) = before.due() {
            self.due.remove(&(at, id));
        }
        self.due.extend(state.due().map(|at| (at, id)));
        let auxiliary = self.workers[id].auxiliary;
        let processes = if auxiliary { &mut self.auxiliary.1 } else { &mut self.processes };
        *processes += usize::from(state.has_process());
        *processes -= usize::from(before.has_process());
        if auxiliary {
            return;
        }
        self.up += usize::from(state == State::Up);
        self.up -= usize::from(before == State::Up);
    }

    pub(crate) fn state(&self, id: WorkerId) -> State {
        self.workers[id].state
    }

    pub(crate) fn worker(&mut self, id: WorkerId) -> &mut Worker {
        &mut self.workers[id]
    }

    pub(crate) fn service(&self, id: WorkerId) -> usize {
        self.workers[id].service
    }

    /// Notes that nobody need wait for this worker any longer.
    pub(crate) fn hear_of(&mut self, id: WorkerId) {
        let before = std::mem::replace(&mut self.workers[id].heard_of, true);
        self.unheard -= usize::from(!before);
    }

    /// Whether every worker has told how it is, or died, at least once.
    pub(crate) fn all_heard_of(&self) -> bool {
        self.unheard == 0
    }

    /// The worker that is due first.
    pub(crate) fn first_due(&self) -> Option<(Instant, WorkerId)> {
        self.due.first().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.workers.len()
    }

    /// How many there are besides the auxiliary ones.
    pub(crate) fn counted(&self) -> usize {
        self.len() - self.auxiliary.0
    }

    pub(crate) fn is_auxiliary(&self, id: WorkerId) -> bool {
        self.workers[id].auxiliary
    }

    /// How many auxiliary workers have a process.
    pub(crate) fn auxiliary_processes(&self) -> usize {
        self.auxiliary.1
    }

    /// How many have a process.
    pub(crate) fn processes(&self) -> usize {
        self.processes
    }

    /// How many say that they are up.
    pub(crate) fn up(&self) -> usize {
        self.up
    }

    /// Those that have a process, in launch order, without the auxiliary ones.
    pub(crate) fn alive(&self) -> impl Iterator<Item = WorkerId> + '_ {
        self.with_process(false)
    }

    /// The auxiliary workers that have a process.
    pub(crate) fn alive_auxiliary(&self) -> impl Iterator<Item = WorkerId> + '_ {
        self.with_process(true)
    }

    fn with_process(&self, auxiliary: bool) -> impl Iterator<Item = WorkerId> + '_ {
        let wanted = move |id: &WorkerId| self.is_auxiliary(*id) == auxiliary;
        (0..self.len()).filter(wanted).filter(|id| self.state(*id).has_process())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn state(kind: u8, at: Instant) -> State {
        match kind {
            0 => State::Waiting { until: at },
            1 => State::Starting,
            2 => State::Up,
            3 => State::Down,
            4 => State::Recycling { kill_at: Some(at), cause: Cause::Asked },
            5 => State::Recycling { kill_at: None, cause: Cause::Watchdog },
            6 => State::Draining,
            _ => State::Gone,
        }
    }

    proptest! {
        #[test]
        fn counts_and_deadlines_are_those_of_the_states(
            changes in proptest::collection::vec((0..7_usize, 0..8_u8, 0..9_u64), 0..60),
        ) {
            let start = Instant::now();
            let mut roster = Roster::default();
            roster.add(0, 2, State::Waiting { until: start }, start);
            roster.add_auxiliary(1, 2, State::Waiting { until: start }, start);
            roster.add(2, 3, State::Gone, start);
            for (id, kind, seconds) in changes {
                roster.set(id, state(kind, start + Duration::from_secs(seconds)));
                let states: Vec<State> = (0..7).map(|id| roster.state(id)).collect();
                let due = states.iter().enumerate().filter_map(|(id, s)| Some((s.due()?, id)));
                prop_assert_eq!(roster.first_due(), due.min());
                let (auxiliary, others): (Vec<_>, Vec<_>) =
                    (0..7).partition(|id| roster.is_auxiliary(*id));
                prop_assert_eq!(&auxiliary, &[2, 3]);
                let running = auxiliary.iter().filter(|id| states[**id].has_process()).count();
                prop_assert_eq!(roster.auxiliary_processes(), running);
                prop_assert_eq!(roster.alive_auxiliary().count(), running);
                let count = |test: fn(&State) -> bool| {
                    others.iter().filter(|id| test(&states[**id])).count()
                };
                prop_assert_eq!(roster.processes(), count(|state| state.has_process()));
                prop_assert_eq!(roster.up(), count(|state| *state == State::Up));
                prop_assert_eq!(roster.alive().count(), roster.processes());
            }
        }
    }

    #[test]
    fn everybody_is_heard_of_once() {
        let mut roster = Roster::default();
        assert!(roster.all_heard_of());
        roster.add_auxiliary(0, 1, State::Starting, Instant::now());
        assert!(roster.all_heard_of());
        roster.add(1, 2, State::Starting, Instant::now());
        roster.hear_of(1);
        roster.hear_of(1);
        assert!(!roster.all_heard_of());
        roster.hear_of(2);
        assert!(roster.all_heard_of());
    }
}
