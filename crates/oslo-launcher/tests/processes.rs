//! The launchers with real processes, seen from outside through `/proc` and what they print.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod daemon;

use std::fs;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use daemon::{Daemon, LIMIT, is_stopped, kill_worker, runs, wait_gone, with_both};

#[test]
fn a_killed_worker_is_replaced_and_its_siblings_are_not_touched() {
    with_both(&["a", "b", "c"], |daemon| {
        let (a, b) = (daemon.worker("a", 0), daemon.worker("b", 0));
        daemon.worker("c", 0);
        kill_worker(b);
        let successor = daemon.worker("b", 1);
        assert_ne!(successor, b);
        daemon.wait_for(&format!("Child {b} killed by signal 9"), 1);
        assert!(runs(a) && runs(successor));
        assert_eq!(daemon.output().matches(" starts as ").count(), 4);
    });
}

#[test]
fn term_drains_all_workers_and_ends_with_0() {
    with_both(&["a", "b"], |mut daemon| {
        let workers = [daemon.worker("a", 0), daemon.worker("b", 0)];
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
        let output = daemon.output();
        assert!(output.contains("a has drained") && output.contains("b has drained"), "{output}");
        for text in ["Caught SIGTERM, stopping children", "Waiting on 2 children to exit"] {
            assert!(output.contains(text), "{text} is missing:\n{output}");
        }
        assert!(!workers.into_iter().any(runs));
    });
}

#[test]
fn defect_05_five_terms_to_parent_and_worker_are_as_good_as_one() {
    with_both(&["a"], |mut daemon| {
        let worker = daemon.worker("a", 0);
        for _ in 0..5 {
            daemon.signal(Signal::SIGTERM);
            // The worker may be gone already; that is what the others are for.
            let _ = kill(Pid::from_raw(worker), Signal::SIGTERM);
        }
        assert_eq!(daemon.exit_status(), Some(0));
        assert_eq!(daemon.output().matches("a has drained").count(), 1);
    });
}

#[test]
fn a_stop_during_a_slow_start_ends_with_0() {
    with_both(&["a=slow-start"], |mut daemon| {
        daemon.worker("a", 0);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
    });
}

#[test]
fn defect_03_a_worker_that_never_stops_is_killed_after_the_limit_with_a_line() {
    with_both(&["a=never-stops", "--drain-limit", "1"], |mut daemon| {
        let worker = daemon.worker("a", 0);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(1));
        daemon.wait_for("Graceful shutdown timeout exceeded, instantaneous exiting", 1);
        assert!(!runs(worker));
    });
}

#[test]
fn defect_22_workers_end_when_their_parent_is_killed_even_while_they_start() {
    with_both(&["a", "b=slow-start"], |mut daemon| {
        let workers = [daemon.worker("a", 0), daemon.worker("b", 0)];
        daemon.process.kill().unwrap();
        workers.into_iter().for_each(wait_gone);
    });
}

#[test]
fn an_interrupt_ends_parent_with_1_and_workers_too() {
    with_both(&["a"], |mut daemon| {
        let worker = daemon.worker("a", 0);
        daemon.signal(Signal::SIGINT);
        assert_eq!(daemon.exit_status(), Some(1));
        daemon.wait_for("Caught SIGINT signal, instantaneous exiting", 1);
        wait_gone(worker);
    });
}

#[test]
fn defect_14_a_hangup_reloads_parent_and_workers_and_keeps_the_processes() {
    with_both(&["a"], |daemon| {
        let worker = daemon.worker("a", 0);
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(&format!("reload in {}\n", daemon.pid()), 1);
        daemon.wait_for(&format!("reload in {worker}\n"), 1);
        daemon.wait_for(&format!("a resets in {worker}\n"), 1);
        assert!(runs(worker));
    });
}

#[test]
fn a_report_shows_every_worker() {
    with_both(&["a", "b=down"], |daemon| {
        daemon.worker("a", 0);
        daemon.worker("b", 0);
        daemon.wait("the states on the scoreboard", |_| {
            daemon.signal(Signal::SIGUSR2);
            let output = daemon.output();
            let up = output.contains("report: a is up");
            (up && output.contains("report: b is down driver not initialised")).then_some(())
        });
    });
}

#[test]
fn exit_statuses_tell_why_a_worker_ended() {
    // spec/launcher.md §4.
    let threaded = ["fails=fail", "asks=exit7", "breaks=panic"];
    let inline = ["fails=inline:fail", "asks=inline:exit7", "breaks=inline:panic"];
    for words in [threaded, inline] {
        with_both(&words, |daemon| {
            for (name, status) in [("fails", 1), ("asks", 7), ("breaks", 2)] {
                let pid = daemon.worker(name, 0);
                daemon.wait_for(&format!("Child {pid} exited with status {status}"), 1);
            }
            let output = daemon.output();
            assert!(output.contains("Error starting thread."), "{output}");
        });
    }
}

#[test]
fn a_service_without_a_thread_gets_one_when_it_stops() {
    with_both(&["a=inline:up"], |mut daemon| {
        let worker = daemon.worker("a", 0);
        let threads = || fs::read_dir(format!("/proc/{worker}/task")).map_or(0, Iterator::count);
        daemon.wait_until_up("a");
        assert_eq!(threads(), 1);
        kill(Pid::from_raw(worker), Signal::SIGTERM).unwrap();
        daemon.wait_for(&format!("Child {worker} exited with status 0"), 1);
        daemon.worker("a", 1);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
        assert_eq!(daemon.output().matches("a has drained").count(), 2);
    });
}

#[test]
fn a_service_without_a_thread_does_not_outlive_its_time_either() {
    with_both(&["a=inline:never-stops", "--drain-limit", "1"], |mut daemon| {
        let worker = daemon.worker("a", 0);
        daemon.process.kill().unwrap();
        wait_gone(worker);
        daemon.wait_for("Graceful shutdown timeout exceeded, instantaneous exiting", 1);
    });
}

#[test]
fn defect_20_a_frozen_worker_is_replaced_when_the_watchdog_looks() {
    with_both(&["a", "b", "--watchdog", "1"], |daemon| {
        let (a, b) = (daemon.worker("a", 0), daemon.worker("b", 0));
        kill(Pid::from_raw(a), Signal::SIGSTOP).unwrap();
        daemon.wait_for("Worker a gives no sign of life; replacing it", 1);
        daemon.worker("a", 1);
        daemon.wait_for(&format!("Child {a} killed by signal 9"), 1);
        assert!(runs(b));
        assert_eq!(daemon.output().matches("b starts as").count(), 1);
    });
}

#[test]
fn usr1_replaces_all_workers_one_after_the_other() {
    with_both(&["a", "b", "c"], |daemon| {
        for name in ["a", "b", "c"] {
            daemon.worker(name, 0);
        }
        daemon.signal(Signal::SIGUSR1);
        for name in ["a", "b", "c"] {
            daemon.worker(name, 1);
        }
        daemon.wait_for("exited with status 0", 3);
    });
}

#[test]
fn a_handle_stops_as_term_does() {
    with_both(&["a", "--stop-on-hup"], |mut daemon| {
        daemon.worker("a", 0);
        daemon.signal(Signal::SIGHUP);
        assert_eq!(daemon.exit_status(), Some(0));
        daemon.wait_for("Caught stop(), stopping children", 1);
    });
}

#[test]
fn a_handle_stops_a_service_without_a_supervisor() {
    let mut daemon = Daemon::start(&["--alone", "a", "--stop-on-hup"]);
    daemon.worker("a", 0);
    daemon.wait_until_up("a");
    daemon.assert_sleeps();
    daemon.signal(Signal::SIGHUP);
    assert_eq!(daemon.exit_status(), Some(0));
    daemon.wait_for("a has drained", 1);
}

#[test]
fn a_handle_in_a_worker_stops_nobody() {
    // A subprocess has no handle of its parent's.
    let daemon = Daemon::start(&["a", "--stop-on-hup"]);
    let worker = daemon.worker("a", 0);
    kill(Pid::from_raw(worker), Signal::SIGHUP).unwrap();
    daemon.wait_for(&format!("a resets in {worker}"), 1);
    daemon.assert_sleeps();
    assert!(runs(worker));
}

#[test]
fn a_real_signal_handler_may_ask_for_a_stop() {
    let mut daemon = Daemon::start_example("stop_from_handler", &[]);
    let worker = daemon.worker("idle", 0);
    // A worker has inherited the handler, and its handle does nothing.
    kill(Pid::from_raw(worker), Signal::SIGWINCH).unwrap();
    for _ in 0..1000 {
        // The later ones may find it gone.
        let _ = kill(Pid::from_raw(daemon.pid()), Signal::SIGWINCH);
    }
    assert_eq!(daemon.exit_status(), Some(0));
    let output = daemon.output();
    assert_eq!(output.matches("Caught stop(), stopping children").count(), 1, "{output}");
    assert!(output.contains("idle has drained"), "{output}");
}

#[test]
fn defect_04_a_worker_without_a_parent_ends_after_the_limit_by_itself() {
    with_both(&["a=never-stops", "b=blocked-start", "--drain-limit", "1"], |mut daemon| {
        let workers = [daemon.worker("a", 0), daemon.worker("b", 0)];
        daemon.process.kill().unwrap();
        workers.into_iter().for_each(wait_gone);
        daemon.wait_for("Parent process has died unexpectedly, exiting", 2);
        daemon.wait_for("Graceful shutdown timeout exceeded, instantaneous exiting", 2);
    });
}

#[test]
fn defect_11_no_signal_of_a_storm_is_lost_and_the_last_one_counts() {
    let mut daemon = Daemon::start(&["a"]);
    let worker = daemon.worker("a", 0);
    for signal in [Signal::SIGUSR2, Signal::SIGHUP, Signal::SIGCHLD, Signal::SIGCONT].repeat(500) {
        daemon.signal(signal);
        kill(Pid::from_raw(worker), Signal::SIGHUP).unwrap();
    }
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.exit_status(), Some(0));
    assert_eq!(daemon.output().matches("a has drained").count(), 1);
}

#[test]
fn defect_12_a_process_with_a_second_thread_is_never_forked() {
    let daemon = Daemon::start(&["a", "--thread"]);
    daemon.wait_for("Cannot start a process for worker a", 1);
    daemon.wait_for("2 threads are running instead of one", 1);
    assert!(!daemon.output().contains("a starts as"));
}

#[test]
fn defect_16_a_child_that_is_not_a_worker_keeps_its_status() {
    with_both(&["a", "--foreign"], |mut daemon| {
        let first = daemon.worker("a", 0);
        kill_worker(first);
        daemon.worker("a", 1);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
        daemon.wait_for("the foreign child exit status: 5", 1);
    });
}

#[test]
fn defect_21_a_service_that_hangs_in_its_start_delays_nobody() {
    with_both(&["a=blocked-start", "b", "--drain-limit", "1"], |daemon| {
        daemon.worker("a", 0);
        let b = daemon.worker("b", 0);
        kill_worker(b);
        daemon.worker("b", 1);
    });
}

#[test]
fn defect_23_a_worker_has_no_descriptor_of_the_supervisor() {
    let daemon = Daemon::start(&["a", "b"]);
    daemon.worker("a", 0);
    let worker = daemon.worker("b", 0);
    let kinds = |pid: i32| -> Vec<String> {
        let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let read = |link: std::io::Result<fs::DirEntry>| fs::read_link(link.unwrap().path()).ok();
        links.filter_map(read).map(|target| target.display().to_string()).collect()
    };
    let count = |pid: i32, what: &str| kinds(pid).iter().filter(|kind| kind.contains(what)).count();
    // The parent has both ends of one pipe. A worker has one end of it, and both ends of its own.
    // What the test itself has passed on is the same on both sides.
    daemon.wait("one pipe more in the worker than in the parent", |_| {
        let pipes = count(worker, "pipe:") == count(daemon.pid(), "pipe:") + 1;
        (pipes && count(worker, "signalfd") == 1 && count(worker, "eventfd") == 1).then_some(())
    });
}

#[test]
fn defect_02_a_draining_parent_sleeps() {
    let daemon = Daemon::start(&["a=never-stops", "--drain-limit", "30"]);
    daemon.worker("a", 0);
    daemon.signal(Signal::SIGTERM);
    daemon.wait_for("Waiting on 1 children to exit", 1);
    daemon.assert_sleeps();
}

#[test]
fn defect_01_an_idle_parent_sleeps() {
    let daemon = Daemon::start(&["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        daemon.worker(name, 0);
    }
    daemon.assert_sleeps();
}

#[test]
fn the_hook_before_a_wait_bounds_it_in_parent_and_worker_and_not_for_longer() {
    // More waits than other things could end by chance.
    with_both(&["a", "--wait-hook", "100"], |daemon| {
        let worker = daemon.worker("a", 0);
        for pid in [daemon.pid(), worker] {
            daemon.wait_for(&format!("no more short waits in {pid}\n"), 1);
        }
        daemon.assert_sleeps();
    });
}

#[test]
fn a_stop_reports_what_became_of_each_service() {
    with_both(&["a", "b*2=never-stops", "c=fail", "--drain-limit", "1"], |mut daemon| {
        let a = daemon.worker("a", 0);
        daemon.worker("b", 1);
        kill_worker(a);
        daemon.worker("a", 1);
        daemon.wait_for("exited with status 1", 1);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(1));
        let output = daemon.output();
        for (level, report) in [
            (
                "INFO",
                "a: 2 started; 1 ended with status 0, 1 by signal 9, the last with status 0\n",
            ),
            (
                "WARN",
                "b: 2 started; 2 ended by signal 9; 2 killed after the graceful shutdown timeout\n",
            ),
            ("INFO", "c: "),
        ] {
            let line =
                format!("{level} oslo_service.backend._eventlet.service: Workers of {report}");
            assert!(output.contains(&line), "{line} is missing:\n{output}");
        }
        let (_, c) = output.split_once("Workers of c: ").unwrap();
        assert!(c.lines().next().unwrap().ends_with(" ended with status 1"), "{c}");
    });
}

#[test]
fn a_quiet_life_is_reported_for_those_who_want_details() {
    with_both(&["a"], |mut daemon| {
        daemon.worker("a", 0);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
        daemon.wait_for(
            "DEBUG oslo_service.backend._eventlet.service: Workers of a: 1 started; 1 ended with status 0\n",
            1,
        );
    });
}

#[test]
fn defect_11_a_term_does_not_wait_behind_a_storm_of_hangups() {
    with_both(&["a", "--slow-hup"], |mut daemon| {
        daemon.worker("a", 0);
        let end = Instant::now() + LIMIT;
        for turn in 0.. {
            // Always one more before the last has been handled; the end may come at any time.
            let _ = kill(Pid::from_raw(daemon.pid()), Signal::SIGHUP);
            if turn == 1000 {
                daemon.signal(Signal::SIGTERM);
            }
            if turn > 1000 && daemon.has_exited() {
                break;
            }
            assert!(Instant::now() < end, "the TERM waits; turn {turn}\n{}", daemon.output());
        }
        assert_eq!(daemon.exit_status(), Some(0));
    });
}

#[test]
fn a_hook_that_panics_takes_nobody_with_it() {
    with_both(&["a", "--panic-on-hup"], |daemon| {
        let worker = daemon.worker("a", 0);
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for("Unhandled exception: the reload panicked; the supervisor goes on", 1);
        daemon.wait_until_up("a");
        assert!(runs(worker));
        assert_eq!(daemon.output().matches("reload in").count(), 1, "the workers were told");
    });
}

#[test]
fn workers_that_were_frozen_with_their_parent_are_not_taken_for_hung() {
    with_both(&["a", "--watchdog", "1"], |mut daemon| {
        let worker = Pid::from_raw(daemon.worker("a", 0));
        let parent = Pid::from_raw(daemon.pid());
        for pid in [worker, parent] {
            kill(pid, Signal::SIGSTOP).unwrap();
            daemon.wait("both frozen", |_| is_stopped(pid.as_raw()).then_some(()));
        }
        std::thread::sleep(std::time::Duration::from_millis(1500)); // longer than the limit
        for pid in [parent, worker] {
            kill(pid, Signal::SIGCONT).unwrap();
        }
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for(&format!("reload in {parent}\n"), 1);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.exit_status(), Some(0));
        assert!(!daemon.output().contains("no sign of life"), "{}", daemon.output());
    });
}
