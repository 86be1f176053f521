//! The order of a turn, with processes that exist on paper only.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use super::*;
use crate::ended::Ended;
use crate::error::StartError;
use crate::launcher::LauncherOptions;
use crate::reporting::{ReportRequest, ReportWork};
use crate::rereading::ReadWork;
use crate::service::{NoHooks, WorkerHandle};
use crate::sys::{Arrived, READ, Waker};

/// What the world does next, and what was done to it.
#[derive(Default)]
struct World {
    /// Signals that each look finds.
    signals: VecDeque<Vec<Signal>>,
    /// What each look at the children finds.
    happened: VecDeque<Vec<Happening>>,
    started: Vec<WorkerId>,
    sent: Vec<(WorkerId, Signal)>,
    looks: usize,
    panics_at_start: bool,
    reading: bool,
    readings: usize,
}

#[derive(Clone, Default)]
struct Paper(Rc<RefCell<World>>);

impl Processes for Paper {
    const AT_ONCE: usize = TOGETHER;

    fn admit(&mut self, _: &Arc<dyn Service>, _: usize) {}

    fn start(
        &mut self,
        _: &mut Bridge,
        ids: &[WorkerId],
    ) -> [Option<Result<i32, LaunchError>>; TOGETHER] {
        let mut world = self.0.borrow_mut();
        assert!(!std::mem::take(&mut world.panics_at_start), "a bug");
        world.started.extend(ids);
        let mut results = [const { None }; TOGETHER];
        for (id, result) in ids.iter().zip(&mut results) {
            *result = Some(Ok(*id as i32 + 1000));
        }
        results
    }

    fn signal(&mut self, id: WorkerId, signal: Signal) -> Result<(), (i32, io::Error)> {
        self.0.borrow_mut().sent.push((id, signal));
        Ok(())
    }

    fn happened(&mut self, _: Option<Wait<'_>>, news: &mut VecDeque<Happening>) {
        let mut world = self.0.borrow_mut();
        world.looks += 1;
        news.extend(world.happened.pop_front().unwrap_or_default());
    }

    fn is_behind(&self) -> bool {
        false
    }
}

impl Means for Paper {
    fn signals(&mut self) -> Arrived {
        let names = self.0.borrow_mut().signals.pop_front().unwrap_or_default();
        let bit = |name| 1 << READ.iter().position(|signal| *signal == name).unwrap();
        Arrived::from_bits(names.into_iter().map(bit).fold(0, |all, bit: u8| all | bit))
    }

    fn admit_report(&mut self) -> Option<ReportRequest> {
        None
    }

    fn report(&mut self, _: &mut Bridge, _: ReportWork) {}

    fn may_read(&self) -> bool {
        !self.0.borrow().reading
    }

    fn read(&mut self, _: &mut Bridge, _: ReadWork) -> Result<(), String> {
        let mut world = self.0.borrow_mut();
        world.reading = true;
        world.readings += 1;
        Ok(())
    }

    fn set_aside(&mut self, _: Option<i32>) {}

    fn in_copy(&mut self) {}
}

struct Nothing;

impl Service for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }

    fn start(&self, _: &WorkerHandle) -> Result<(), StartError> {
        Ok(())
    }

    fn stop(&self) {}
    fn wait(&self) {}
    fn reset(&self) {}
}

/// Reads something that takes its time.
struct Reads;

impl Hooks for Reads {
    fn read_again(&mut self) -> Option<ReadWork> {
        Some(Box::new(Vec::new))
    }

    fn reload(&mut self, _: &[u8]) -> Result<Vec<u8>, crate::ReloadRefused> {
        Ok(Vec::new())
    }

    fn report(&mut self, _: ReportRequest, _: &Scoreboard) -> Option<ReportWork> {
        None
    }
}

/// A loop with so many services of one worker each, all started.
fn launched(services: usize, hooks: Box<dyn Hooks>) -> (Supervising<Paper>, Paper) {
    let options = LauncherOptions { capacity: services, ..Default::default() };
    let bridge = Bridge::new(options, hooks, Waker::new().unwrap()).unwrap();
    let paper = Paper::default();
    let mut supervising = Supervising::new(bridge, paper.clone());
    let all: Vec<(Arc<dyn Service>, usize)> =
        (0..services).map(|_| (Arc::new(Nothing) as _, 1)).collect();
    supervising.launch_services(&all).unwrap();
    assert_eq!(std::mem::take(&mut paper.0.borrow_mut().started).len(), services);
    (supervising, paper)
}

fn deaths(ids: std::ops::Range<WorkerId>) -> Vec<Happening> {
    ids.map(|id| Happening::Ended(id, id as i32 + 1000, Ended::Signalled(9))).collect()
}

#[test]
fn a_term_comes_before_the_deaths_that_were_there_first() {
    let (mut supervising, paper) = launched(9, Box::new(NoHooks));
    paper.0.borrow_mut().happened.push_back(deaths(0..8));
    supervising.rest(None, None); // finds the deaths
    paper.0.borrow_mut().signals.push_back(vec![Signal::SIGTERM]);
    supervising.attend();
    assert!(paper.0.borrow().started.is_empty(), "somebody was started after the TERM");
    assert!(supervising.bridge.exit().is_none(), "one still runs");
    paper.0.borrow_mut().happened.push_back(deaths(8..9));
    supervising.attend();
    assert_eq!(supervising.bridge.exit(), Some(0));
}

#[test]
fn signals_are_looked_at_again_behind_the_queue_and_before_what_is_due() {
    let (mut supervising, paper) = launched(1, Box::new(NoHooks));
    // A worker that dies for the third time in a row waits for its next start.
    for _ in 0..3 {
        paper.0.borrow_mut().happened.push_back(deaths(0..1));
        supervising.attend();
    }
    let due = supervising.bridge.supervisor.next_deadline().expect("a back-off");
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
    let started = paper.0.borrow().started.len();
    // Nothing at the first look; the wake-up of the TERM was in the queue.
    paper.0.borrow_mut().signals.extend([vec![], vec![Signal::SIGTERM]]);
    supervising.attend();
    assert_eq!(paper.0.borrow().started.len(), started, "a start in spite of the TERM");
    assert_eq!(supervising.bridge.exit(), Some(0));
}

#[test]
fn what_a_sleep_has_found_is_noted_before_anything_else_is_looked_for() {
    let (mut supervising, paper) = launched(8, Box::new(NoHooks));
    paper.0.borrow_mut().happened.push_back(deaths(0..8));
    supervising.rest(None, None);
    let looks = paper.0.borrow().looks;
    supervising.attend();
    assert_eq!(paper.0.borrow().looks, looks, "more ends than one turn may note");
    assert_eq!(paper.0.borrow().started, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_turn_that_panics_loses_one_thing_at_most_and_lets_the_workers_finish() {
    let (mut supervising, paper) = launched(3, Box::new(NoHooks));
    paper.0.borrow_mut().panics_at_start = true;
    paper.0.borrow_mut().happened.push_back(deaths(0..2));
    supervising.attend(); // the successor of 0 cannot be started for a bug
    assert!(paper.0.borrow().sent.contains(&(2, Signal::SIGTERM)), "no stop");
    supervising.attend(); // the death of 1 was not forgotten
    assert!(paper.0.borrow().started.is_empty());
    paper.0.borrow_mut().happened.push_back(deaths(2..3));
    paper.0.borrow_mut().happened.push_back(deaths(0..1)); // as far as anybody knows it was started
    supervising.attend();
    supervising.attend();
    assert_eq!(supervising.bridge.exit(), Some(1));
}

#[test]
fn a_hup_during_a_reading_is_one_more_afterwards_and_none_behind_one_that_hangs() {
    for (outcome, readings) in
        [(Happening::Read(Ok(Vec::new())), 2), (Happening::ReadingGivenUp("it hangs"), 1)]
    {
        let (mut supervising, paper) = launched(1, Box::new(Reads));
        for _ in 0..3 {
            supervising.hang_up();
        }
        assert_eq!(paper.0.borrow().readings, 1);
        paper.0.borrow_mut().reading = false;
        paper.0.borrow_mut().happened.push_back(vec![outcome]);
        supervising.attend();
        assert_eq!(paper.0.borrow().readings, readings);
    }
}
