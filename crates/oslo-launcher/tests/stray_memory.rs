//! Workers that write anywhere into the memory they share with their supervisor, and workers that
//! die all at once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod daemon;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nix::sys::signal::Signal;

use daemon::{Daemon, is_stopped, kill_worker, runs, with_both};

/// Fills the pages that a process shares with others, which is the scoreboard, from outside.
fn fill_board(worker: i32, mut byte: impl FnMut() -> u8) {
    let maps = fs::read_to_string(format!("/proc/{worker}/maps")).unwrap();
    let shared = maps
        .lines()
        .filter(|line| line.split(' ').nth(1) == Some("rw-s") && line.contains("/dev/zero"));
    let memory = File::options().write(true).open(format!("/proc/{worker}/mem")).unwrap();
    let mut filled = 0;
    for line in shared {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let at = |text| u64::from_str_radix(text, 16).unwrap();
        let bytes: Vec<u8> = (at(from)..at(to)).map(|_| byte()).collect();
        memory.write_all_at(&bytes, at(from)).unwrap();
        filled += 1;
    }
    assert!(filled > 0, "no shared pages among {maps}");
}

/// Process ids, generations and counts lie in pages that a worker has for reading only.
fn assert_only_the_parent_writes_what_it_knows(worker: i32) {
    let maps = fs::read_to_string(format!("/proc/{worker}/maps")).unwrap();
    let line = maps.lines().find(|line| line.contains(" r--s ") && line.contains("/dev/zero"));
    let (from, _) = line.expect("no such pages").split_once('-').unwrap();
    let at = u64::from_str_radix(from, 16).unwrap();
    let memory = File::options().write(true).open(format!("/proc/{worker}/mem")).unwrap();
    memory.write_all_at(&[7; 8], at).expect_err("what the parent knows was written over");
}

#[test]
fn a_scoreboard_full_of_nonsense_ends_nobody_and_everything_goes_on() {
    let mut daemon = Daemon::start(&["a*3", "b"]);
    let workers = [0, 1, 2].map(|nth| daemon.worker("a", nth));
    let other = daemon.worker("b", 0);
    daemon.wait_until_up("b");
    let mut seed = 7_u32;
    let mut noise = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    for round in 0..20 {
        fill_board(workers[0], || match round {
            0 => 0,
            1 => u8::MAX,
            _ => noise(),
        });
        // It looks at the whole board for this.
        daemon.signal(Signal::SIGUSR2);
    }
    // Supervision goes on: the death of one is noted, it is replaced, and only it.
    kill_worker(other);
    let successor = daemon.worker("b", 1);
    assert_only_the_parent_writes_what_it_knows(workers[0]);
    assert!(runs(successor) && workers.into_iter().all(runs));
    assert_eq!(daemon.output().matches(" starts as ").count(), 5);
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.exit_status(), Some(0), "{}", daemon.output());
    assert!(!daemon.output().contains("panicked"), "{}", daemon.output());
}

/// The last guard of a turn. Lines are written by code of the program, which may have bugs.
#[test]
fn a_supervisor_that_panics_lets_its_workers_finish() {
    with_both(&["a*3", "--panic-on-line", "Caught SIGUSR1"], |mut daemon| {
        let workers = [0, 1, 2].map(|nth| daemon.worker("a", nth));
        assert!(workers.into_iter().all(runs));
        daemon.signal(Signal::SIGUSR1);
        assert_eq!(daemon.exit_status(), Some(1), "{}", daemon.output());
        let output = daemon.output();
        assert!(output.contains("Caught a fault of the supervisor, stopping children"), "{output}");
        assert!(output.contains("Workers of a: 3 started; 3 ended with status 0"), "{output}");
    });
}

/// Services of one worker each: all of them are dead before the supervisor sees the first, none has
/// to wait for its next start, and the TERM is there as early. Tells how many processes were started
/// before and after it was seen.
fn die_together_and_stop(flag: Option<&str>) -> (usize, usize) {
    const SERVICES: usize = 300;
    let started = "Started child ";
    let names: Vec<String> = (0..SERVICES).map(|number| format!("w{number}")).collect();
    let words: Vec<&str> = flag.into_iter().chain(names.iter().map(String::as_str)).collect();
    let mut daemon = Daemon::start(&words);
    let workers: Vec<i32> = names.iter().map(|name| daemon.worker(name, 0)).collect();
    daemon.signal(Signal::SIGSTOP);
    daemon.wait("the stop of the parent", |_| is_stopped(daemon.pid()).then_some(()));
    workers.iter().for_each(|worker| kill_worker(*worker));
    std::thread::sleep(THROTTLED);
    daemon.signal(Signal::SIGTERM);
    daemon.signal(Signal::SIGCONT);
    assert_eq!(daemon.exit_status(), Some(0), "{}", daemon.output());
    let output = daemon.output();
    let (before, after) = output.split_once("Caught SIGTERM, stopping children").unwrap();
    let (before, after) = (before.matches(started).count(), after.matches(started).count());
    assert!(before >= SERVICES, "{output}");
    (before - SERVICES, after)
}

/// For so long the throttle would put off the next start of a worker.
const THROTTLED: Duration = Duration::from_millis(1200);

#[test]
fn a_term_does_not_wait_behind_a_mass_death_and_nobody_is_forked_again() {
    assert_eq!(die_together_and_stop(None), (0, 0));
}

/// Another thread takes the signal, so that a few turns' worth of exits may be noted before it has.
#[test]
fn a_term_does_not_wait_behind_a_mass_death_of_subprocesses() {
    let (before, after) = die_together_and_stop(Some("--spawn"));
    assert!(before < 150, "{before} were started before the signal was seen");
    assert_eq!(after, 0);
}
