//! The order of a turn, with processes that exist on paper only.

use std::cell::RefCell;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::rc::Rc;

use super::*;
use crate::ended::Ended;
use crate::error::StartError;
use crate::launcher::LauncherOptions;
use crate::notify::Notifier;
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
    /// How many were started each time.
    starts: Vec<usize>,
    sent: Vec<(WorkerId, Signal)>,
    looks: usize,
    /// Those of the looks that wait.
    waits: usize,
    behind: bool,
    /// What is asked for by the next look at reports, and how many were begun.
    report: Option<ReportRequest>,
    reports: usize,
    aside: Option<i32>,
    copies: usize,
    no_reading: bool,
    told: Vec<Vec<u8>>,
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
        world.starts.push(ids.len());
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

    fn happened(&mut self, wait: Option<Wait<'_>>, news: &mut VecDeque<Happening>) {
        let mut world = self.0.borrow_mut();
        world.looks += 1;
        world.waits += usize::from(wait.is_some());
        news.extend(world.happened.pop_front().unwrap_or_default());
    }

    fn is_behind(&self) -> bool {
        self.0.borrow().behind
    }
}

impl Means for Paper {
    fn signals(&mut self) -> Arrived {
        let names = self.0.borrow_mut().signals.pop_front().unwrap_or_default();
        let bit = |name| 1 << READ.iter().position(|signal| *signal == name).unwrap();
        Arrived::from_bits(names.into_iter().map(bit).fold(0, |all, bit: u8| all | bit))
    }

    fn admit_report(&mut self) -> Option<ReportRequest> {
        self.0.borrow_mut().report.take()
    }

    fn report(&mut self, _: &mut Bridge, _: ReportWork) {
        self.0.borrow_mut().reports += 1;
    }

    fn may_read(&self) -> bool {
        !self.0.borrow().reading
    }

    fn read(&mut self, _: &mut Bridge, _: ReadWork) -> Result<(), String> {
        let mut world = self.0.borrow_mut();
        if world.no_reading {
            return Err("there is no room".to_owned());
        }
        world.reading = true;
        world.readings += 1;
        Ok(())
    }

    fn reloaded(&mut self, told: &[u8]) {
        self.0.borrow_mut().told.push(told.to_vec());
    }

    fn set_aside(&mut self, pid: Option<i32>) {
        self.0.borrow_mut().aside = pid;
    }

    fn in_copy(&mut self) {
        self.0.borrow_mut().copies += 1;
    }
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

/// Reads something that takes its time, passes it on, and makes reports.
struct Reads;

impl Hooks for Reads {
    fn read_again(&mut self) -> Option<ReadWork> {
        Some(Box::new(Vec::new))
    }

    fn reload(&mut self, read: &[u8]) -> Result<Vec<u8>, crate::ReloadRefused> {
        Ok(read.to_vec())
    }

    fn report(&mut self, _: ReportRequest, _: &Scoreboard) -> Option<ReportWork> {
        Some(Box::new(|_| ()))
    }
}

/// A loop with so many services of one worker each, all started.
fn launched(services: usize, hooks: Box<dyn Hooks>) -> (Supervising<Paper>, Paper) {
    launched_with(LauncherOptions { capacity: services, ..Default::default() }, hooks)
}

/// The same, with as many services as there is room for.
fn launched_with(options: LauncherOptions, hooks: Box<dyn Hooks>) -> (Supervising<Paper>, Paper) {
    let services = options.capacity;
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

/// A service manager that listens in this folder, and the options that tell it everything.
fn listening(folder: &Path, capacity: usize) -> (UnixDatagram, LauncherOptions) {
    let path = folder.join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    let notifier = Notifier::connect(path.to_str().unwrap(), None).unwrap();
    (manager, LauncherOptions { notifier, capacity, ..Default::default() })
}

/// Takes the first words of all messages that are there but status sentences.
fn told(manager: &UnixDatagram) -> Vec<String> {
    let mut buffer = [0; 512];
    let mut messages = Vec::new();
    while let Ok(length) = manager.recv(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        messages.extend(text.split('=').next().map(str::to_owned));
    }
    messages.retain(|message| message != "STATUS");
    messages
}

#[test]
fn those_that_are_due_together_are_started_together() {
    let (supervising, paper) = launched(9, Box::new(NoHooks));
    assert_eq!(paper.0.borrow().starts, [8, 1]);
    assert!(!supervising.bridge.is_due());
}

#[test]
fn each_process_of_a_worker_is_one_generation() {
    let (mut supervising, paper) = launched(1, Box::new(NoHooks));
    assert_eq!(supervising.scoreboard().snapshot()[0].generation, 1);
    paper.0.borrow_mut().happened.push_back(deaths(0..1));
    supervising.attend();
    assert_eq!(supervising.scoreboard().snapshot()[0].generation, 2);
}

#[test]
fn a_wait_ends_with_the_status_of_the_stop() {
    for (signal, status) in [(Signal::SIGTERM, 0), (Signal::SIGINT, 1)] {
        let (mut supervising, paper) = launched(1, Box::new(NoHooks));
        paper.0.borrow_mut().signals.extend([vec![], vec![], vec![signal]]);
        paper.0.borrow_mut().happened.extend([vec![], vec![], vec![], deaths(0..1)]);
        assert_eq!(supervising.wait().unwrap(), status, "{signal}");
    }
}

#[test]
fn a_pause_ends_in_time_or_with_the_status_of_a_stop() {
    let pauses = |signals: Vec<Signal>| {
        let (mut supervising, paper) = launched(0, Box::new(NoHooks));
        paper.0.borrow_mut().signals.push_back(signals);
        let status = supervising.pause(Duration::from_millis(20));
        let waits = paper.0.borrow().waits;
        (status, waits > 0)
    };
    assert_eq!(pauses(vec![]), (None, true), "it sleeps meanwhile");
    assert_eq!(pauses(vec![Signal::SIGTERM]), (Some(0), false));
    assert_eq!(pauses(vec![Signal::SIGINT]), (Some(1), false));
}

#[test]
fn ready_is_told_when_a_worker_has_said_how_it_is_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let (manager, options) = listening(folder.path(), 1);
    let (mut supervising, paper) = launched_with(options, Box::new(NoHooks));
    supervising.step(Event::Launched);
    assert_eq!(told(&manager), [""; 0]);
    for state in [WorkerState::Up, WorkerState::Up] {
        paper.0.borrow_mut().happened.push_back(vec![Happening::Told(0, state)]);
        supervising.attend();
        assert_eq!(supervising.bridge.supervisor.counts(), (1, 1));
    }
    assert_eq!(told(&manager), ["READY"]);
    paper.0.borrow_mut().happened.push_back(vec![Happening::Told(0, WorkerState::Down)]);
    supervising.attend();
    assert_eq!(supervising.bridge.supervisor.counts(), (1, 0));
}

#[test]
fn a_worker_follows_what_was_read_but_not_during_a_stop() {
    for (stops, hangups) in [(false, 1), (true, 0)] {
        let (mut supervising, paper) = launched(1, Box::new(Reads));
        supervising.hang_up();
        if stops {
            supervising.step(Event::Stop("SIGTERM"));
        }
        let read = Happening::Read(Ok(b"read".to_vec()));
        paper.0.borrow_mut().happened.push_back(vec![read]);
        supervising.attend();
        let world = paper.0.borrow();
        let sent = world.sent.iter().filter(|(_, signal)| *signal == Signal::SIGHUP).count();
        assert_eq!(sent, hangups);
        assert_eq!(world.told, vec![b"read".to_vec(); hangups], "and nothing is made of it");
    }
}

#[test]
fn without_anything_to_read_a_hup_is_answered_at_once() {
    let (mut supervising, paper) = launched(1, Box::new(NoHooks));
    supervising.hang_up();
    assert_eq!(paper.0.borrow().sent, [(0, Signal::SIGHUP)]);
    assert_eq!(paper.0.borrow().readings, 0);
}

#[test]
fn a_reading_that_fails_leaves_the_workers_alone_and_ends_the_reload() {
    let folder = tempfile::tempdir().unwrap();
    let (manager, options) = listening(folder.path(), 1);
    let (mut supervising, paper) = launched_with(options, Box::new(Reads));
    supervising.step(Event::Launched);
    supervising.step(Event::Ready(0));
    paper.0.borrow_mut().no_reading = true;
    supervising.hang_up();
    assert_eq!(told(&manager), ["READY", "RELOADING", "READY"]);
    paper.0.borrow_mut().no_reading = false;
    supervising.hang_up();
    assert_eq!(told(&manager), ["RELOADING"]);
    let failed = Happening::Read(Err("it panicked".to_owned()));
    paper.0.borrow_mut().happened.push_back(vec![failed]);
    supervising.attend();
    assert_eq!(told(&manager), ["READY"]);
    assert!(paper.0.borrow().sent.is_empty());
}

#[test]
fn a_hup_that_waits_is_answered_once_and_not_before_its_turn() {
    let (mut supervising, paper) = launched(1, Box::new(Reads));
    supervising.attend();
    assert_eq!(paper.0.borrow().readings, 0, "nobody asked");
    supervising.hang_up();
    supervising.hang_up();
    supervising.attend();
    assert_eq!(paper.0.borrow().readings, 1, "the first is under way");
}

#[test]
fn a_report_is_begun_when_somebody_asks_and_again_after_the_one_before() {
    let (mut supervising, paper) = launched(1, Box::new(Reads));
    paper.0.borrow_mut().report = Some(ReportRequest::default());
    paper.0.borrow_mut().signals.push_back(vec![Signal::SIGUSR2]);
    supervising.attend();
    assert_eq!(paper.0.borrow().reports, 1);
    paper.0.borrow_mut().happened.push_back(vec![Happening::ReportEnded]);
    supervising.attend();
    assert_eq!(paper.0.borrow().reports, 1, "nobody waits");
    paper.0.borrow_mut().report = Some(ReportRequest::default());
    paper.0.borrow_mut().happened.push_back(vec![Happening::ReportEnded]);
    supervising.attend();
    assert_eq!(paper.0.borrow().reports, 2);
}

#[test]
fn nobody_sleeps_while_there_is_something_to_do() {
    let waits = |supervising: &mut Supervising<Paper>, paper: &Paper| {
        let before = paper.0.borrow().waits;
        supervising.rest(None, None);
        paper.0.borrow().waits > before
    };
    let (mut supervising, paper) = launched(1, Box::new(NoHooks));
    assert!(waits(&mut supervising, &paper));
    paper.0.borrow_mut().behind = true;
    assert!(!waits(&mut supervising, &paper), "more has happened than was told");
    paper.0.borrow_mut().behind = false;
    supervising.news.extend(deaths(0..1));
    assert!(!waits(&mut supervising, &paper), "an end is to be noted");
    supervising.news.clear();
    supervising.bridge.supervisor.add_service("due", 1, Instant::now());
    assert!(!waits(&mut supervising, &paper), "a start is due");
    let (mut supervising, paper) = launched(1, Box::new(NoHooks));
    supervising.step(Event::Interrupt);
    assert!(!waits(&mut supervising, &paper), "it is over");
}

#[test]
fn a_worker_that_runs_and_says_nothing_is_replaced() {
    let watchdog = Some(Duration::from_millis(100));
    let options = LauncherOptions { capacity: 1, worker_watchdog: watchdog, ..Default::default() };
    let (mut supervising, paper) = launched_with(options, Box::new(NoHooks));
    let end = Instant::now() + Duration::from_secs(60);
    while paper.0.borrow().sent.is_empty() {
        assert!(Instant::now() < end, "it still runs");
        supervising.attend();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(paper.0.borrow().sent, [(0, Signal::SIGTERM)]);
}

#[test]
fn who_waits_for_a_job_leaves_its_process_alone_and_a_copy_gives_up_its_parents_line() {
    let folder = tempfile::tempdir().unwrap();
    let (_manager, options) = listening(folder.path(), 1);
    let (mut supervising, paper) = launched_with(options, Box::new(NoHooks));
    supervising.set_aside(Some(7));
    assert_eq!(paper.0.borrow().aside, Some(7));
    supervising.set_aside(None);
    assert_eq!(paper.0.borrow().aside, None);
    assert!(supervising.bridge.manager.listens());
    supervising.in_copy();
    assert!(!supervising.bridge.manager.listens());
    assert_eq!(paper.0.borrow().copies, 1);
}
