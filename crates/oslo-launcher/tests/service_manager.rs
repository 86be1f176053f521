//! What a service manager hears over a real datagram socket, by the protocol of `sd_notify(3)`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod daemon;

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use daemon::{Daemon, LIMIT};

/// A service manager, as far as a daemon sees of it.
struct Manager {
    socket: UnixDatagram,
    path: String,
    _dir: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Self { socket, path: path.to_str().unwrap().to_owned(), _dir: dir }
    }

    fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).expect("a message in time");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// The rest of the next message that starts so; those before it.
    fn wait_for(&self, start: &str) -> (String, Vec<String>) {
        let end = Instant::now() + LIMIT;
        let mut others = Vec::new();
        loop {
            let message = self.next();
            if let Some(rest) = message.strip_prefix(start) {
                return (rest.to_owned(), others);
            }
            others.push(message);
            assert!(Instant::now() < end, "not heard: {start}, but {others:?}");
        }
    }

    fn extension(&self) -> Duration {
        let (text, _) = self.wait_for("EXTEND_TIMEOUT_USEC=");
        Duration::from_micros(text.parse().unwrap())
    }
}

/// Both launchers must pass the same scenario.
fn with_both(words: &[&str], scenario: impl Fn(&Manager, Daemon)) {
    for spawn in [&[][..], &["--spawn"][..]] {
        let manager = Manager::new();
        let words = [spawn, words, &["--notify", &manager.path]].concat();
        scenario(&manager, Daemon::start(&words));
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_life_from_ready_over_a_reload_to_stopping() {
    with_both(&["a", "b=down"], |manager, mut daemon| {
        let (_, before) = manager.wait_for("READY=1");
        assert!(before.iter().all(|message| message.starts_with("STATUS=")), "{before:?}");
        // The scoreboard may have shown the last worker before it was heard of; then the sentence
        // stands before READY and is not repeated.
        let expected = "1 of 2 services up; b: driver not initialised";
        if before.last().is_none_or(|told| told.strip_prefix("STATUS=") != Some(expected)) {
            assert_eq!(manager.wait_for("STATUS=").0, expected);
        }
        daemon.signal(Signal::SIGHUP);
        let (time, _) = manager.wait_for("RELOADING=1\nMONOTONIC_USEC=");
        assert!(time.parse::<u64>().unwrap() > 0);
        manager.wait_for("READY=1");
        daemon.signal(Signal::SIGTERM);
        manager.wait_for("STOPPING=1");
        assert_eq!(daemon.exit_status(), Some(0));
    });
}

#[test]
fn a_long_start_and_a_long_stop_ask_for_more_time() {
    let words = ["a=slow-start", "--pause", "2", "--drain-limit", "4"];
    with_both(&words, |manager, mut daemon| {
        // Nothing has been launched yet: the program waits, say for a database.
        assert!(manager.extension() > 15 * SECOND);
        assert!(!daemon.output().contains("a starts as"));
        daemon.worker("a", 0);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
    });
    with_both(&["a=never-stops", "--drain-limit", "3"], |manager, mut daemon| {
        manager.wait_for("READY=1");
        daemon.signal(Signal::SIGTERM);
        manager.wait_for("STOPPING=1");
        // 2 s are left, and 5 s after KILL; the margin is 30 s.
        let extension = manager.extension();
        assert!(extension > 30 * SECOND && extension <= 37 * SECOND, "{extension:?}");
        assert_eq!(daemon.exit_status(), Some(1));
    });
}

#[test]
fn a_service_without_a_supervisor_speaks_for_itself() {
    let manager = Manager::new();
    let words = ["--alone", "a=down", "--pause", "2", "--manager-watchdog", "50"];
    let mut daemon = Daemon::start(&[&words[..], &["--notify", &manager.path]].concat());
    manager.wait_for("WATCHDOG=1");
    assert!(manager.extension() > 15 * SECOND);
    let (_, before) = manager.wait_for("READY=1");
    assert!(before.iter().any(|message| message == "WATCHDOG=1"));
    assert_eq!(manager.wait_for("STATUS=").0, "0 of 1 services up; a: driver not initialised");
    daemon.signal(Signal::SIGHUP);
    manager.wait_for("RELOADING=1\nMONOTONIC_USEC=");
    manager.wait_for("READY=1");
    daemon.signal(Signal::SIGTERM);
    manager.wait_for("STOPPING=1");
    assert_eq!(daemon.exit_status(), Some(0));
}

#[test]
fn a_service_without_a_supervisor_asks_for_time_to_stop() {
    let manager = Manager::new();
    let words = ["--alone", "a=never-stops", "--drain-limit", "3", "--notify", &manager.path];
    let mut daemon = Daemon::start(&words);
    manager.wait_for("READY=1");
    daemon.signal(Signal::SIGTERM);
    manager.wait_for("STOPPING=1");
    let extension = manager.extension();
    assert!(extension > 30 * SECOND && extension <= 32 * SECOND, "{extension:?}");
    assert_eq!(daemon.exit_status(), Some(1));
}

#[test]
fn a_watchdog_is_pinged_again_and_again() {
    with_both(&["a", "--manager-watchdog", "50"], |manager, _daemon| {
        for _ in 0..5 {
            manager.wait_for("WATCHDOG=1");
        }
    });
}

#[test]
fn many_changes_are_told_in_few_sentences() {
    let names: Vec<String> = (0..20).map(|number| format!("s{number}")).collect();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    with_both(&words, |manager, mut daemon| {
        while manager.wait_for("STATUS=").0 != "20 of 20 services up" {}
        let start = Instant::now();
        // Twenty workers end, start and report, one after the other.
        daemon.signal(Signal::SIGUSR1);
        daemon.worker("s19", 1);
        daemon.signal(Signal::SIGTERM);
        daemon.exit_status();
        manager.socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 4096];
        let messages = std::iter::from_fn(|| manager.socket.recv(&mut buffer).ok());
        // Five a second; one at once, one more with STOPPING, which is the third.
        assert!(messages.count() as u128 <= 3 + start.elapsed().as_millis() / 200);
    });
}

#[test]
fn a_manager_that_is_gone_changes_nothing() {
    let manager = Manager::new();
    let mut daemon = Daemon::start(&["a", "--notify", &manager.path]);
    manager.wait_for("READY=1");
    drop(manager);
    let worker = daemon.worker("a", 0);
    daemon::kill_worker(worker);
    daemon.worker("a", 1);
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.exit_status(), Some(0));
}
