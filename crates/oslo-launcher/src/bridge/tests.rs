//! What a supervising launcher notes of its workers, without any process.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::Mutex;

use super::*;
use crate::notify::Notifier;
use crate::rereading::LARGEST_ANSWER;
use crate::scoreboard::WorkerStatus;
use crate::service::{NoHooks, ReloadRefused, WorkerHandle};
use crate::state::{Action, Limits};
use crate::vocabulary::Cause;

struct Named(&'static str, bool);

impl Service for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn auxiliary(&self) -> bool {
        self.1
    }

    fn start(&self, _: &WorkerHandle) -> Result<(), crate::error::StartError> {
        Ok(())
    }

    fn stop(&self) {}
    fn wait(&self) {}
    fn reset(&self) {}
}

/// Hooks that answer every question, a reload with so many bytes, and want to be asked again soon.
struct Answers(Result<usize, ReloadRefused>);

const SOON: Duration = Duration::from_secs(500);

impl Hooks for Answers {
    fn read_again(&mut self) -> Option<ReadWork> {
        Some(Box::new(|| b"read".to_vec()))
    }

    fn reload(&mut self, read: &[u8]) -> Result<Vec<u8>, ReloadRefused> {
        assert_eq!(read, b"read");
        self.0.map(|length| vec![b'x'; length])
    }

    fn report(&mut self, _: ReportRequest, _: &Scoreboard) -> Option<ReportWork> {
        Some(Box::new(|_| ()))
    }

    fn before_wait(&mut self) -> Option<Duration> {
        Some(SOON)
    }
}

fn with(options: LauncherOptions, hooks: impl Hooks + 'static) -> Bridge {
    Bridge::new(options, Box::new(hooks), Waker::new().unwrap()).unwrap()
}

/// A bridge with a service of two workers, and room for three more.
fn bridge() -> Bridge {
    let mut bridge = with(LauncherOptions { capacity: 5, ..Default::default() }, NoHooks);
    bridge.admit(&Named("lvm", false), 2);
    bridge
}

/// The same, after its workers have been forked as far as the state machine knows.
fn forked() -> Bridge {
    let mut bridge = bridge();
    let actions = bridge.supervisor.step(Event::Tick, Instant::now());
    assert_eq!(actions, [Action::Fork(0), Action::Fork(1)]);
    for id in 0..2 {
        bridge.scoreboard.new_life(id, 1);
        bridge.started(id, id as i32 + 1000);
    }
    bridge
}

fn status(bridge: &Bridge, id: WorkerId) -> WorkerStatus {
    bridge.scoreboard.snapshot().swap_remove(id)
}

#[test]
fn a_child_gives_up_the_line_to_the_service_manager_and_what_its_parent_keeps_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let _manager = UnixDatagram::bind(&path).unwrap();
    let notifier = Notifier::connect(path.to_str().unwrap(), None).unwrap();
    let (kept, mut other) = UnixStream::pair().unwrap();
    let kept = vec![File::from(OwnedFd::from(kept))];
    let mut bridge = with(LauncherOptions { notifier, kept, ..Default::default() }, NoHooks);
    assert!(bridge.manager.listens());
    bridge.give_up();
    assert!(!bridge.manager.listens());
    other.set_nonblocking(true).unwrap();
    assert_eq!(other.read(&mut [0]).unwrap(), 0, "still open");
}

#[test]
fn a_service_is_admitted_with_all_its_workers_or_not_at_all() {
    let bridge = bridge();
    bridge.reserve(&Named("nfs", false), 3).unwrap();
    let error = bridge.reserve(&Named("nfs", false), 4).unwrap_err();
    let LaunchError::ScoreboardFull { service, capacity } = error else { panic!("{error}") };
    assert_eq!((service.as_str(), capacity), ("nfs", 5));
}

#[test]
fn admitted_workers_are_due_at_once_and_stand_on_the_scoreboard() {
    let mut bridge = bridge();
    bridge.admit(&Named("page", true), 1);
    let shown = bridge.scoreboard.snapshot();
    let shown: Vec<_> = shown.iter().map(|one| (one.name.as_str(), one.auxiliary)).collect();
    assert_eq!(shown, [("lvm", false), ("lvm", false), ("page", true)]);
    assert_eq!(bridge.supervisor.counts(), (2, 0));
    assert!(bridge.is_due());
    let launched: Vec<_> =
        bridge.ledger.services().iter().map(|one| (one.name.as_str(), one.workers)).collect();
    assert_eq!(launched, [("lvm", 2), ("page", 1)]);
}

#[test]
fn a_start_and_a_refusal_are_shown_and_counted() {
    let mut bridge = forked();
    assert_eq!(status(&bridge, 1).pid, 1001);
    bridge.refused(1, &LaunchError::ScoreboardFull { service: "lvm".into(), capacity: 5 });
    let shown = status(&bridge, 1);
    assert_eq!((shown.state, shown.pid), (WorkerState::Gone, 0));
    assert_eq!(shown.reason, "no process could be made");
    let account = &bridge.ledger.services()[0];
    assert_eq!((account.starts, account.refused), (2, 1));
}

#[test]
fn a_worker_is_heard_but_never_that_it_is_gone() {
    let mut bridge = forked();
    assert_eq!(bridge.told(0, WorkerState::Gone), None);
    assert_eq!(status(&bridge, 0).state, WorkerState::Starting);
    assert_eq!(bridge.told(0, WorkerState::Draining), None);
    assert_eq!(status(&bridge, 0).startup, None, "it has not said how it is");
    assert_eq!(bridge.told(0, WorkerState::Up), Some(Event::Ready(0)));
    assert_eq!(bridge.told(1, WorkerState::Down), Some(Event::Down(1)));
    for id in 0..2 {
        assert!(status(&bridge, id).startup.is_some());
    }
    // What the slots say makes no sense any more: then counts what was heard.
    assert_eq!(bridge.told(1, WorkerState::Up), Some(Event::Ready(1)));
    bridge.scoreboard.slot(1).set_state(WorkerState::Gone, "");
    assert_eq!(status(&bridge, 1).state, WorkerState::Up);
}

#[test]
fn an_end_is_shown_with_its_cause_and_counted() {
    let mut bridge = forked();
    bridge.ended(0, 1000, Ended::Signalled(9));
    let shown = status(&bridge, 0);
    assert_eq!((shown.state, shown.pid), (WorkerState::Gone, 0));
    assert_eq!(shown.reason, "killed by signal 9");
    assert_eq!((shown.restarts.signal, shown.restarts.exit), (1, 0));
    // Somebody had already decided to replace this one: that is the cause, not the signal.
    bridge.supervisor.step(Event::Stalled(1), Instant::now());
    assert_eq!(bridge.supervisor.replacement(1), Some(Some(Cause::Watchdog)));
    bridge.ended(1, 1001, Ended::Signalled(9));
    let restarts = status(&bridge, 1).restarts;
    assert_eq!((restarts.watchdog, restarts.signal), (1, 0));
    let account = &bridge.ledger.services()[0];
    assert_eq!(account.ends.get(&Ended::Signalled(9)), Some(&2));
}

#[test]
fn only_a_stop_accounts_for_those_it_kills() {
    let mut bridge = forked();
    bridge.killed(0);
    assert_eq!(bridge.ledger.services()[0].killed, 0, "one that was replaced");
    bridge.supervisor.step(Event::Stop("SIGTERM"), Instant::now());
    bridge.killed(1);
    assert_eq!(bridge.ledger.services()[0].killed, 1);
}

#[test]
fn after_a_panic_the_status_is_never_a_success() {
    for (panics, status, exit) in [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 3, 3)] {
        let mut bridge = bridge();
        for _ in 0..panics {
            bridge.panicked();
        }
        assert_eq!(bridge.exit(), None);
        bridge.end(status);
        assert_eq!(bridge.exit(), Some(exit), "{panics} panics, status {status}");
    }
}

#[test]
fn panics_stop_the_workers_gracefully_until_there_are_too_many() {
    let mut bridge = bridge();
    for _ in 0..PANICS {
        assert_eq!(bridge.panicked(), Some(Event::Stop("a fault of the supervisor")));
        assert_eq!(bridge.exit(), None);
    }
    assert_eq!(bridge.panicked(), None);
    assert_eq!(bridge.exit(), Some(1));
}

#[test]
fn workers_are_told_what_was_read_unless_it_is_refused_or_too_long() {
    for (answer, told) in [
        (Ok(3), Some(3)),
        (Ok(LARGEST_ANSWER), Some(LARGEST_ANSWER)),
        (Ok(LARGEST_ANSWER + 1), None),
        (Err(ReloadRefused), None),
    ] {
        let mut bridge = with(LauncherOptions::default(), Answers(answer));
        let read = bridge.read_again().expect("something to read")();
        let expected = match told {
            Some(length) => (Event::Reloaded, vec![b'x'; length]),
            None => (Event::ReloadRefused, Vec::new()),
        };
        assert!(bridge.reload(&read) == expected, "{answer:?}");
    }
    let mut quiet = bridge();
    assert!(quiet.read_again().is_none(), "nothing to read");
}

#[test]
fn a_report_is_what_the_hooks_make_of_it() {
    let mut bridge = with(LauncherOptions::default(), Answers(Ok(0)));
    assert!(bridge.report(ReportRequest::default()).is_some());
}

#[test]
fn a_worker_that_runs_and_is_silent_is_found() {
    const LIMIT: Duration = Duration::from_secs(40);
    let mut bridge = forked();
    // Its looks of the last limit and more: none of the two said anything.
    let now = Instant::now();
    bridge.watchdog = Watchdog::new(Some(LIMIT), now - LIMIT * 5 / 4);
    let before = Mutex::new(Vec::new());
    for quarter in (1..=5).rev() {
        let sign = |id| bridge.scoreboard.slot(id).sign_of_life();
        let found = bridge.watchdog.look(now - LIMIT * quarter / 4, [true; 2].into_iter(), sign);
        before.lock().unwrap().extend(found);
    }
    assert!(before.into_inner().unwrap().is_empty());
    bridge.scoreboard.slot(0).alive();
    assert_eq!(bridge.stalled([true; 2].into_iter()), [1]);
}

#[test]
fn only_what_is_due_now_is_due() {
    let mut bridge = with(LauncherOptions { capacity: 1, ..Default::default() }, NoHooks);
    assert!(!bridge.is_due(), "there is nobody");
    bridge.admit(&Named("lvm", false), 1);
    assert!(bridge.is_due());
    bridge.supervisor.step(Event::Tick, Instant::now());
    assert!(!bridge.is_due(), "it was started");
    let limit = Some(Duration::from_secs(1000));
    let limits = Limits { graceful_shutdown: limit, ..Limits::default() };
    bridge.supervisor = Supervisor::new(limits);
    bridge.supervisor.add_service("lvm", 1, Instant::now());
    bridge.supervisor.step(Event::Tick, Instant::now());
    bridge.supervisor.step(Event::Stop("SIGTERM"), Instant::now());
    assert!(bridge.supervisor.next_deadline().is_some() && !bridge.is_due(), "it has its time");
}

#[test]
fn a_sleep_ends_with_whoever_is_first() {
    let mut quiet = with(LauncherOptions { capacity: 1, ..Default::default() }, NoHooks);
    assert_eq!(quiet.time_to_sleep(None), None, "nothing will ever be due");
    let later = Instant::now() + SOON * 2;
    let left = quiet.time_to_sleep(Some(later)).unwrap();
    assert!(left > SOON && left <= SOON * 2, "{left:?}");
    let mut asked = with(LauncherOptions { capacity: 1, ..Default::default() }, Answers(Ok(0)));
    assert_eq!(asked.time_to_sleep(Some(later)), Some(SOON), "the hook was first");
    asked.admit(&Named("lvm", false), 1);
    assert_eq!(asked.time_to_sleep(Some(later)), Some(Duration::ZERO), "a worker is due");
}
