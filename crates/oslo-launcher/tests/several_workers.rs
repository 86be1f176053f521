//! A service with three workers, with real processes, in both launchers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod daemon;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use daemon::{Daemon, kill_worker, runs, with_both};

fn three(daemon: &Daemon) -> [i32; 3] {
    [0, 1, 2].map(|nth| daemon.worker("a", nth))
}

#[test]
fn one_of_three_is_replaced_and_the_others_are_not_touched() {
    with_both(&["a*3", "b"], |daemon| {
        let workers = three(&daemon);
        let b = daemon.worker("b", 0);
        kill_worker(workers[1]);
        daemon.wait_for(&format!("Child {} killed by signal 9", workers[1]), 1);
        let successor = daemon.worker("a", 3);
        assert!([workers[0], workers[2], b, successor].into_iter().all(runs));
        assert_eq!(daemon.output().matches(" starts as ").count(), 5);
    });
}

#[test]
fn three_that_die_together_come_back_one_after_the_other() {
    with_both(&["a*3"], |daemon| {
        three(&daemon).into_iter().for_each(kill_worker);
        daemon.worker("a", 5);
        let output = daemon.output();
        // spec/launcher.md §2: the fourth fork is free, the next two are not.
        assert_eq!(output.matches("Forking too fast, sleeping").count(), 2, "{output}");
    });
}

#[test]
fn a_drain_ends_all_three() {
    with_both(&["a*3"], |mut daemon| {
        let workers = three(&daemon);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
        let output = daemon.output();
        assert_eq!(output.matches("a has drained").count(), 3, "{output}");
        assert!(output.contains("Waiting on 3 children to exit"), "{output}");
        assert!(!workers.into_iter().any(runs));
    });
}

#[test]
fn a_roll_replaces_one_of_three_at_a_time() {
    with_both(&["a*3"], |daemon| {
        three(&daemon);
        daemon.wait_until_up_times("a", 3);
        daemon.signal(Signal::SIGUSR1);
        daemon.worker("a", 5);
        daemon.wait_for("exited with status 0", 3);
        let output = daemon.output();
        let (_, roll) = output.split_once("replacing 3 workers").unwrap();
        let word = |line: &str| match line {
            line if line.contains("exited with status 0") => Some("ends"),
            line if line.contains("a starts as") => Some("starts"),
            _ => None,
        };
        let order: Vec<&str> = roll.lines().filter_map(word).collect();
        assert_eq!(order, ["ends", "starts"].repeat(3), "{output}");
    });
}

#[test]
fn a_hangup_with_mutate_tells_all_three_and_keeps_them() {
    with_both(&["a*3"], |daemon| {
        let workers = three(&daemon);
        daemon.signal(Signal::SIGHUP);
        for pid in workers {
            daemon.wait_for(&format!("a resets in {pid}\n"), 1);
        }
        assert!(workers.into_iter().all(runs));
        assert_eq!(daemon.output().matches(" starts as ").count(), 3);
    });
}

#[test]
fn a_frozen_one_of_three_is_replaced_alone() {
    with_both(&["a*3", "--watchdog", "1"], |daemon| {
        let workers = three(&daemon);
        kill(Pid::from_raw(workers[2]), Signal::SIGSTOP).unwrap();
        let successor = daemon.worker("a", 3);
        daemon.wait_for(&format!("Child {} killed by signal 9", workers[2]), 1);
        assert!([workers[0], workers[1], successor].into_iter().all(runs));
    });
}
