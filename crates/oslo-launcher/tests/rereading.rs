//! HUP with files to read: whoever supervises never waits for one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod daemon;

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use daemon::{Daemon, kill_worker, runs, wait_gone};

/// All launchers must pass the same scenario. The file does not exist yet.
fn with_all(words: &[&str], scenario: impl Fn(Daemon, &Path)) {
    for launcher in [&[][..], &["--spawn"], &["--alone"]] {
        with(&[launcher, words].concat(), &scenario);
    }
}

fn with(words: &[&str], scenario: impl Fn(Daemon, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("read");
    let words = [words, &["--read", file.to_str().unwrap()]].concat();
    scenario(Daemon::start(&words), &file);
}

fn put(file: &Path, text: &str) {
    let draft = file.with_extension("draft");
    fs::write(&draft, text).unwrap();
    fs::rename(draft, file).unwrap();
}

/// The process that reads.
fn reader(daemon: &Daemon, number: usize) -> i32 {
    daemon.wait("a process that reads", |output| {
        let all = output.lines().filter_map(|line| line.strip_prefix("reading in "));
        all.map(|pid| pid.trim().parse().unwrap()).nth(number)
    })
}

const REFUSED: &str = "The configuration cannot be read again: ";

#[test]
fn a_reading_that_waits_holds_up_neither_supervision_nor_a_stop() {
    with_all(&["a"], |mut daemon, _| {
        daemon.worker("a", 0);
        daemon.signal(Signal::SIGHUP);
        let reader = reader(&daemon, 0);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
        wait_gone(reader);
        assert!(!daemon.output().contains("reload in"), "{}", daemon.output());
    });
}

#[test]
fn a_worker_that_dies_during_a_reading_is_replaced() {
    with(&["a"], |daemon, file| {
        let (parent, worker) = (daemon.pid(), daemon.worker("a", 0));
        daemon.signal(Signal::SIGHUP);
        assert_ne!(reader(&daemon, 0), parent);
        kill_worker(worker);
        let next = daemon.worker("a", 1);
        put(file, "new");
        for pid in [parent, next] {
            daemon.wait_for(&format!("{pid} has read \"new\"\n"), 1);
        }
        daemon.wait_for(&format!("a resets in {next}\n"), 1);
    });
}

#[test]
fn the_files_are_read_once_and_every_forked_worker_follows() {
    with(&["a*4", "b"], |daemon, file| {
        for number in 0..4 {
            daemon.worker("a", number);
        }
        daemon.worker("b", 0);
        put(file, "new");
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(" has read \"new\"\n", 6);
        assert_eq!(daemon.output().matches("reading in").count(), 1);
        put(file, &"x".repeat(1 << 20));
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(&format!(" has read \"{}\"\n", "x".repeat(20)), 6);
        assert_eq!(daemon.output().matches("reading in").count(), 2);
    });
}

#[test]
fn a_worker_that_is_told_alone_does_what_its_parent_did_last() {
    with(&["a"], |daemon, file| {
        let worker = daemon.worker("a", 0);
        let hup = || nix::sys::signal::kill(nix::unistd::Pid::from_raw(worker), Signal::SIGHUP);
        hup().unwrap();
        daemon.wait_for("Child caught SIGHUP, handling", 1);
        put(file, "new");
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(&format!("{worker} has read \"new\"\n"), 1);
        put(file, "newer");
        hup().unwrap();
        daemon.wait_for(&format!("{worker} has read \"new\"\n"), 2);
        assert_eq!(daemon.output().matches("reading in").count(), 1);
    });
}

#[test]
fn what_is_refused_is_not_told_to_workers() {
    with(&["a"], |daemon, file| {
        daemon.worker("a", 0);
        put(file, "bad");
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(" has read \"bad\"\n", 1);
        put(file, "good");
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(" has read \"good\"\n", 2);
        assert_eq!(daemon.output().matches("\"bad\"").count(), 1);
    });
}

#[test]
fn a_hup_during_a_reading_is_one_more_afterwards() {
    with_all(&["a"], |daemon, file| {
        daemon.worker("a", 0);
        daemon.signal(Signal::SIGHUP);
        reader(&daemon, 0);
        for _ in 0..20 {
            daemon.signal(Signal::SIGHUP);
            std::thread::yield_now();
        }
        daemon.wait("the signals to be seen", |_| (!pending(daemon.pid())).then_some(()));
        put(file, "new");
        reader(&daemon, 1);
        daemon.wait_for(&format!("{} has read \"new\"\n", daemon.pid()), 2);
    });
}

/// Whether a HUP waits to be read.
fn pending(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & 1 != 0
}

#[test]
fn a_reader_that_dies_refuses_the_reload_and_no_more() {
    with(&["a"], |daemon, file| {
        let worker = daemon.worker("a", 0);
        daemon.signal(Signal::SIGHUP);
        kill_worker(reader(&daemon, 0));
        daemon.wait_for(REFUSED, 1);
        put(file, "die");
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(REFUSED, 2);
        put(file, &"x".repeat((1 << 20) + 1));
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for("cannot be read again: there is more to tell than 1 MiB", 1);
        assert!(runs(worker) && !daemon.output().contains("reload in"), "{}", daemon.output());
        put(file, "good");
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(&format!("{worker} has read \"good\"\n"), 1);
    });
}

#[test]
fn a_reading_that_hangs_is_given_up_after_ten_seconds() {
    with_all(&["a"], |mut daemon, file| {
        daemon.worker("a", 0);
        daemon.signal(Signal::SIGHUP);
        reader(&daemon, 0);
        daemon.wait_for("cannot be read again: it takes longer than 10 s", 1);
        put(file, "late");
        // On a thread it could not be killed, so it is still there, and soon no more.
        let asked = Cell::new(Instant::now());
        daemon.wait("another reading", |output| {
            let done = output.contains(" has read \"late\"");
            // Again now and then, not in a storm: its reader has to get a turn, too.
            if !done && asked.get().elapsed() > Duration::from_millis(100) {
                asked.set(Instant::now());
                daemon.signal(Signal::SIGHUP);
            }
            done.then_some(())
        });
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
    });
}
