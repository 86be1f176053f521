//! A driver that fails, blocks, panics and recovers; reasons side by side; the order of an end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use oslo_launcher::{LoneWorker, WorkerState, WorkerStatus};

use super::driver::{Ready, SetUp, Slot};
use super::ending::{Ending, Stage};
use super::events::Events;
use super::parts::{Condition, Part, Parts};

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(30);

/// A driver whose attempts come to what the test says, one after the other.
struct Scripted {
    results: mpsc::Receiver<Result<(), String>>,
    attempts: Arc<AtomicUsize>,
}

impl SetUp for Scripted {
    fn attempt(&mut self) -> Result<(), String> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        self.results.recv().unwrap_or_else(|_| Err("the test is over".to_owned()))
    }
}

/// A worker with all other parts up, and what its driver does.
struct Bench {
    worker: LoneWorker,
    parts: Arc<Parts>,
    events: Arc<Events>,
    ready: Ready,
    announced: Arc<AtomicUsize>,
    attempts: Arc<AtomicUsize>,
    script: mpsc::Sender<Result<(), String>>,
    thread: Option<std::thread::JoinHandle<()>>, // taken by a test that joins it
}

impl Bench {
    fn new() -> Self {
        let worker = LoneWorker::new(0).unwrap();
        let parts = Arc::new(Parts::new(worker.handle()));
        parts.set(Part::Database, Condition::Up);
        parts.set(Part::Messaging, Condition::Up);
        parts.set(Part::Heartbeat, Condition::Up);
        let (events, ready) = (Arc::<Events>::default(), Ready::default());
        let (announced, attempts) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let told = Arc::clone(&announced);
        let announce = move || {
            told.fetch_add(1, Ordering::SeqCst);
        };
        let (script, results) = mpsc::channel();
        let driver = Scripted { results, attempts: Arc::clone(&attempts) };
        let slot = Slot::new(&ready, &parts, &events, announce);
        let thread = Some(slot.fill(driver).unwrap());
        Self { worker, parts, events, ready, announced, attempts, script, thread }
    }

    fn fails(&self, reason: &str) {
        self.script.send(Err(reason.to_owned())).unwrap();
    }

    fn wait(&self, what: &str, is_so: impl Fn(&WorkerStatus) -> bool) -> WorkerStatus {
        let begun = Instant::now();
        loop {
            let status = self.worker.status();
            if is_so(&status) {
                return status;
            }
            assert!(begun.elapsed() < SOON, "{what}: {status:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[test]
fn a_driver_that_fails_is_tried_again_until_it_is_ready() {
    let bench = Bench::new();
    bench.fails("no array");
    bench.wait("down", |one| one.reason == "driver: no array");
    assert!(bench.events.wait(SOON, |told| told.driver_tried));
    assert!(!bench.ready.is_ready());
    bench.fails("wrong password");
    let status = bench.wait("down again", |one| one.reason == "driver: wrong password");
    assert_eq!(status.state, WorkerState::Down);
    bench.script.send(Ok(())).unwrap();
    bench.wait("up", |one| one.state == WorkerState::Up && one.reason.is_empty());
    assert!(bench.ready.is_ready());
    bench.thread.unwrap().join().unwrap();
    let counts = [&bench.attempts, &bench.announced].map(|count| count.load(Ordering::SeqCst));
    assert_eq!(counts, [3, 1]);
}

#[test]
fn a_driver_that_panics_is_tried_again() {
    // Its own driver is in an attempt all the time.
    let bench = Bench::new();
    struct Panics(u32);
    impl SetUp for Panics {
        fn attempt(&mut self) -> Result<(), String> {
            self.0 += 1;
            assert!(self.0 > 1, "a driver that panics");
            Ok(())
        }
    }
    let thread =
        Slot::new(&bench.ready, &bench.parts, &bench.events, || {}).fill(Panics(0)).unwrap();
    thread.join().unwrap();
    assert!(bench.ready.is_ready());
    assert_eq!(bench.worker.status().state, WorkerState::Up);
}

#[test]
fn nothing_waits_for_a_driver_that_blocks() {
    let mut bench = Bench::new();
    bench.wait("an attempt", |_| bench.attempts.load(Ordering::SeqCst) == 1);
    assert!(!bench.events.wait(Duration::ZERO, |told| told.driver_tried));
    assert!(!bench.ready.is_ready());
    // What others say is told in the meantime, and its end leaves no reason behind that is over.
    bench.parts.set(Part::Database, Condition::Down("away".into()));
    assert_eq!(bench.worker.status().reason, "database: away");
    bench.parts.set(Part::Database, Condition::Up);
    assert_eq!(bench.worker.status().reason, "starting");
    // A stop leaves it behind.
    bench.worker.stop();
    let thread = bench.thread.take().unwrap();
    let mut ending = Ending::default();
    ending.add(Stage::Driver, move || drop(thread.join()));
    ending.run(&bench.parts);
    let status = bench.worker.status();
    assert_eq!(status.state, WorkerState::Draining);
    assert_eq!(status.reason, "waits for driver, 1 s at most");
    // And what it comes to then is nobody's concern.
    bench.script.send(Ok(())).unwrap();
    bench.wait("the flag", |_| bench.ready.is_ready());
    assert_eq!(bench.worker.status().state, WorkerState::Draining);
}

#[test]
fn a_stop_ends_the_pause_between_two_attempts() {
    let mut bench = Bench::new();
    bench.fails("no array");
    bench.wait("down", |one| one.state == WorkerState::Down);
    bench.worker.stop();
    bench.events.tell(|told| told.stop = true);
    bench.thread.take().unwrap().join().unwrap();
    assert_eq!(bench.attempts.load(Ordering::SeqCst), 1);
}

/// The pauses would add up to half an hour.
#[test]
fn a_hup_is_followed_by_an_attempt() {
    let mut bench = Bench::new();
    for attempt in 1..=30 {
        let reason = format!("still no array {attempt}");
        bench.fails(&reason);
        bench.wait("down", |one| one.reason == format!("driver: {reason}"));
        bench.events.tell(|told| told.reloads += 1);
    }
    bench.script.send(Ok(())).unwrap();
    bench.thread.take().unwrap().join().unwrap();
    assert!(bench.ready.is_ready());
}

#[test]
fn a_slot_for_which_there_is_no_driver_is_down_for_good() {
    let bench = Bench::new();
    let slot = Slot::new(&bench.ready, &bench.parts, &bench.events, || {});
    slot.stays_empty("there is no such driver");
    bench.wait("down", |one| one.reason == "driver: there is no such driver");
    assert!(bench.events.wait(SOON, |told| told.driver_tried));
    assert!(!bench.ready.is_ready());
}

#[test]
fn one_that_recovers_hides_no_other() {
    let bench = Bench::new();
    bench.fails("no array");
    bench.wait("down", |one| one.state == WorkerState::Down);
    bench.parts.set(Part::Heartbeat, Condition::Ailing("locked".into()));
    assert_eq!(bench.worker.status().reason, "driver: no array; heartbeat: locked");
    bench.script.send(Ok(())).unwrap();
    let status = bench.wait("up", |one| one.state == WorkerState::Up);
    assert_eq!(status.reason, "heartbeat: locked");
    let report = bench.parts.report().unwrap();
    assert!(report.contains("driver: up for ") && report.contains(" s locked\n"), "{report}");
}

#[test]
fn parts_end_in_their_order_and_one_that_does_not_is_left_behind() {
    let worker = LoneWorker::new(0).unwrap();
    let parts = Parts::new(worker.handle());
    worker.stop();
    let ended = Arc::new(Mutex::new(Vec::new()));
    let (never, waits) = mpsc::channel::<()>();
    let mut ending = Ending::default();
    for stage in Stage::ORDER.into_iter().rev() {
        let ended = Arc::clone(&ended);
        ending.add(stage, move || ended.lock().unwrap().push(stage));
    }
    ending.add(Stage::Driver, move || assert!(waits.recv().is_err()));
    ending.run(&parts);
    assert_eq!(*ended.lock().unwrap(), Stage::ORDER);
    // Only what does wait is worth a word: the others ended in a moment.
    assert_eq!(worker.status().reason, "waits for driver, 1 s at most");
    assert!(parts.report().unwrap().contains("stop: waits for driver"));
    drop(never);
}

/// Some keep the time themselves, and need no thread on which they can be left behind.
#[test]
fn a_punctual_end_is_asked_until_its_time_is_over_and_then_left_behind() {
    let worker = LoneWorker::new(0).unwrap();
    let parts = Parts::new(worker.handle());
    worker.stop();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let threads = Arc::new(Mutex::new(Vec::new()));
    let dropped = Arc::new(());
    let mut ending = Ending::default();
    for (stage, ends) in [(Stage::Heartbeat, true), (Stage::Pool, false)] {
        let (asked, threads, held) = (asked.clone(), threads.clone(), Arc::clone(&dropped));
        ending.add_punctual(stage, move |limit| {
            let _ = &held;
            asked.lock().unwrap().push((stage, limit.as_millis()));
            threads.lock().unwrap().push(std::thread::current().id());
            ends
        });
    }
    ending.run(&parts);
    assert_eq!(
        *asked.lock().unwrap(),
        [(Stage::Heartbeat, 100), (Stage::Pool, 100), (Stage::Pool, 1_900)]
    );
    let here = std::thread::current().id();
    assert!(threads.lock().unwrap().iter().all(|id| *id == here), "no thread was made for it");
    assert_eq!(worker.status().reason, "waits for database connections, 2 s at most");
    // What it holds is not dropped: that would be to wait for it.
    assert_eq!(Arc::strong_count(&dropped), 2);
}

/// It is told by the thread that answers signals, and must not wait for a service that starts.
#[test]
fn a_stop_during_a_start_only_tells() {
    let events = Arc::new(Events::default());
    let theirs = Arc::clone(&events);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let start = scope.spawn(move || theirs.wait(SOON, |told| told.driver_tried || told.stop));
        events.tell(|told| told.stop = true);
        assert!(start.join().unwrap());
    });
    assert!(begun.elapsed() < SOON);
}
