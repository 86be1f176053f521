//! Jobs beside the process that supervises: real processes, ended in every way.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod daemon;

use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Instant;

use nix::sys::signal::Signal;

use daemon::{Daemon, LIMIT, kill_worker, runs, wait_gone};

/// All launchers must pass the same scenario.
fn with_all(words: &[&str], scenario: impl Fn(Daemon)) {
    for launcher in [&[][..], &["--spawn"], &["--alone"]] {
        scenario(Daemon::start(&[launcher, words].concat()));
    }
}

fn job(daemon: &Daemon) -> i32 {
    const START: &str = "the job runs as ";
    daemon.wait(START, |output| {
        let line = output.lines().find_map(|line| line.strip_prefix(START))?;
        line.trim().parse().ok()
    })
}

#[test]
fn what_a_job_tells_is_passed_on_and_then_the_services_start() {
    with_all(&["a", "--aside", "tells"], |mut daemon| {
        assert_ne!(job(&daemon), daemon.pid());
        daemon.worker("a", 0);
        let output = daemon.output();
        let at = |text: &str| output.find(text).unwrap_or_else(|| panic!("no {text} in {output}"));
        let order = ["the job told \"one\"", "the job told \"\"", "the job told \"three\""];
        let [one, two, three] = order.map(at);
        assert!(one < two && two < three && three < at("the job: Done"), "{output}");
        assert!(at("the job: Done") < at("a starts as"), "{output}");
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
    });
}

#[test]
fn a_stop_does_not_wait_for_a_job() {
    for (signal, status) in [(Signal::SIGTERM, 0), (Signal::SIGINT, 1)] {
        with_all(&["a", "--aside", "waits"], |mut daemon| {
            let job = job(&daemon);
            daemon.signal(signal);
            assert_eq!(daemon.exit_status(), Some(status));
            assert!(!runs(job), "the job outlived its parent");
            let output = daemon.output();
            assert!(output.contains(&format!("the job: Stopped({status})")), "{output}");
            assert!(!output.contains("a starts as"), "{output}");
        });
    }
}

#[test]
fn a_job_that_tells_on_and_on_delays_no_stop_and_hears_of_it() {
    with_all(&["a", "--aside", "babbles"], |mut daemon| {
        let job = job(&daemon);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
        assert!(!runs(job));
        daemon.wait_for("nobody listens to the job", 1);
    });
}

#[test]
fn the_end_of_a_job_is_told_as_it_was() {
    with_all(&["a", "--aside", "waits"], |daemon| {
        kill_worker(job(&daemon));
        daemon.wait_for("the job: Died(Signalled(9))", 1);
        daemon.worker("a", 0);
    });
    with_all(&["a", "--aside", "panics"], |daemon| {
        daemon.wait_for("the job: Died(Exited(2))", 1);
        daemon.wait_for("a bug in a job", 1);
        daemon.worker("a", 0);
    });
}

#[test]
fn a_job_does_not_outlive_its_parent() {
    with_all(&["a", "--aside", "waits"], |daemon| {
        let job = job(&daemon);
        kill_worker(daemon.pid());
        wait_gone(job);
    });
}

#[test]
fn a_supervised_process_ends_with_its_parent_whatever_job_it_waits_for() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let words = ["--one", "a", "--aside", "waits"];
    let mut daemon =
        Daemon::start_with_stdin("fault_workers", &words, OwnedFd::from(theirs).into());
    let job = job(&daemon);
    drop(ours);
    assert_eq!(daemon.exit_status(), Some(1));
    assert!(!runs(job));
}

#[test]
fn reloads_and_reports_do_not_wait_for_a_job() {
    with_all(&["a", "--aside", "waits", "--report-until", "/dev/null"], |mut daemon| {
        job(&daemon);
        daemon.signal(Signal::SIGUSR2);
        daemon.wait_for(&format!("report on {} ends", daemon.pid()), 1);
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(&format!("reload in {}", daemon.pid()), 1);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
    });
}

#[test]
fn the_watchdog_of_a_service_manager_is_fed_during_a_job_and_the_start_gets_more_time() {
    for launcher in [&[][..], &["--spawn"], &["--alone"]] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(LIMIT)).unwrap();
        let path = path.to_str().unwrap();
        let words = ["a", "--aside", "waits", "--notify", path, "--manager-watchdog", "200"];
        let daemon = Daemon::start(&[launcher, &words].concat());
        job(&daemon);
        let (mut pings, mut more_time) = (0, false);
        let end = Instant::now() + LIMIT;
        while pings < 5 || !more_time {
            let mut buffer = [0; 4096];
            let length = manager.recv(&mut buffer).unwrap();
            let told = String::from_utf8_lossy(&buffer[..length]);
            assert!(!told.contains("READY"), "{told}");
            pings += usize::from(told.contains("WATCHDOG=1"));
            more_time |= told.contains("EXTEND_TIMEOUT_USEC=");
            assert!(Instant::now() < end, "{pings} pings, more time: {more_time}");
        }
    }
}
