//! Reports with real processes: they take their time and nobody waits for them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod daemon;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use daemon::{Daemon, LIMIT, kill_worker, runs, wait_gone};

/// Starts both launchers whose reports take until a file exists.
fn with_slow_reports(scenario: impl Fn(Daemon, PathBuf)) {
    for spawn in [&[][..], &["--spawn"]] {
        let dir = tempfile::tempdir().unwrap();
        let until = dir.path().join("until");
        let words = [spawn, &["a", "--report-until", until.to_str().unwrap()]].concat();
        let daemon = Daemon::start(&words);
        daemon.worker("a", 0);
        scenario(daemon, until);
    }
}

fn begins(process: i32) -> String {
    format!("report on {process} begins: []")
}

#[test]
fn a_slow_report_holds_up_neither_supervision_nor_signals() {
    with_slow_reports(|mut daemon, until| {
        let (parent, worker) = (daemon.pid(), daemon.worker("a", 0));
        for pid in [parent, worker] {
            kill(Pid::from_raw(pid), Signal::SIGUSR2).unwrap();
            daemon.wait_for(&begins(pid), 1);
        }
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(&format!("reload in {parent}\n"), 1);
        daemon.wait_for(&format!("reload in {worker}\n"), 1);
        kill_worker(worker);
        let next = daemon.worker("a", 1);
        assert!(runs(next) && !daemon.output().contains("ends\n"), "{}", daemon.output());
        fs::write(until, "").unwrap();
        daemon.wait_for(&format!("report on {parent} ends"), 1);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
    });
}

#[test]
fn a_burst_of_requests_is_one_more_report() {
    with_slow_reports(|daemon, until| {
        for pid in [daemon.pid(), daemon.worker("a", 0)] {
            kill(Pid::from_raw(pid), Signal::SIGUSR2).unwrap();
            daemon.wait_for(&begins(pid), 1);
            for number in 1..=50 {
                // Each is taken before the next is sent: two at once would be one.
                kill(Pid::from_raw(pid), Signal::SIGUSR2).unwrap();
                wait_taken(pid);
                oslo_launcher::ask_report(pid, number % 2).unwrap();
                wait_taken(pid);
            }
            fs::write(&until, "").unwrap();
            let again = format!("report on {pid} begins: [1]");
            daemon.wait_for(&again, 1);
            daemon.wait_for(&format!("report on {pid} ends"), 2);
            kill(Pid::from_raw(pid), Signal::SIGUSR2).unwrap();
            daemon.wait_for(&format!("report on {pid} ends"), 3);
            assert_eq!(daemon.output().matches(&again).count(), 1, "{}", daemon.output());
            fs::remove_file(&until).unwrap();
        }
    });
}

/// Waits until no SIGUSR2 waits for this process.
fn wait_taken(pid: i32) {
    let end = Instant::now() + LIMIT;
    let pending = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap().trim();
        u64::from_str_radix(mask, 16).unwrap() & 1 << (Signal::SIGUSR2 as u32 - 1) != 0
    };
    while pending() {
        assert!(Instant::now() < end, "SIGUSR2 is not taken");
        std::thread::yield_now();
    }
}

#[test]
fn workers_see_the_end_of_a_parent_whose_reporter_lives() {
    let dir = tempfile::tempdir().unwrap();
    let until = dir.path().join("until");
    let mut daemon = Daemon::start(&["a", "--report-until", until.to_str().unwrap()]);
    let worker = daemon.worker("a", 0);
    daemon.signal(Signal::SIGUSR2);
    daemon.wait_for(&begins(daemon.pid()), 1);
    daemon.signal(Signal::SIGKILL);
    daemon.process.wait().unwrap();
    wait_gone(worker);
    // By the end of the pipe: the death signal alone would be a stop like any other.
    daemon.wait_for("Parent process has died unexpectedly, exiting", 1);
    assert!(!daemon.output().contains("ends\n"));
    fs::write(until, "").unwrap();
    daemon.wait_for("ends\n", 1);
}
