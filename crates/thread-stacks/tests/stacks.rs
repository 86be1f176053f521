//! Stacks of threads that hang where threads hang: in system calls, on locks, in a loop.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use thread_stacks::ThreadStack;

/// Held by each test: one of them measures memory.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const LIMIT: Duration = Duration::from_secs(20);

#[inline(never)]
fn hang_in_read(from: std::io::PipeReader) {
    // Not the standard library's, which would hide an EINTR.
    assert_eq!(nix::unistd::read(&from, &mut [0]), Ok(0));
}

#[inline(never)]
fn hang_in_futex(lock: &Mutex<()>) {
    drop(lock.lock());
}

#[inline(never)]
fn hang_in_nanosleep() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600)); // a loop, so that it is called and not jumped to
    }
}

#[inline(never)]
fn hang_in_a_loop(end: &AtomicBool) {
    while !end.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

#[inline(never)]
fn recurse(depth: u32, then: &dyn Fn()) -> u32 {
    if depth == 0 {
        then();
        return 0;
    }
    recurse(depth - 1, then) + 1
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    thread::Builder::new().name(name.into()).spawn(body).unwrap()
}

fn name_of(stack: &ThreadStack) -> String {
    let path = format!("/proc/self/task/{}/comm", stack.id);
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn functions(stack: &ThreadStack) -> Vec<&str> {
    stack.frames.iter().map(|frame| frame.function.as_str()).collect()
}

/// The stack of the thread with this name, once it is in this function.
fn wait_for(name: &str, function: &str) -> ThreadStack {
    let end = Instant::now() + LIMIT;
    loop {
        let all = thread_stacks::all(LIMIT).unwrap();
        let found = all.iter().find(|stack| name_of(stack) == name);
        let inside = |stack: &&ThreadStack| functions(stack).iter().any(|f| f.contains(function));
        if let Some(stack) = found.filter(inside) {
            return stack.clone();
        }
        assert!(Instant::now() < end, "{name} is not in {function}: {found:#?}");
    }
}

#[test]
fn a_hanging_thread_shows_where_and_its_call_goes_on() {
    let _alone = alone();
    let (from, to) = std::io::pipe().unwrap();
    let lock = Arc::new(Mutex::new(()));
    let end = Arc::new(AtomicBool::new(false));
    let held = lock.lock().unwrap();
    let (locked, looped) = (Arc::clone(&lock), Arc::clone(&end));
    let reads = spawn("reads", move || hang_in_read(from));
    let waits = spawn("waits", move || hang_in_futex(&locked));
    let sleeps = spawn("sleeps", || hang_in_nanosleep());
    let spins = spawn("spins", move || hang_in_a_loop(&looped));
    for (name, function) in [
        ("reads", "hang_in_read"),
        ("waits", "hang_in_futex"),
        ("sleeps", "hang_in_nanosleep"),
        ("spins", "hang_in_a_loop"),
    ] {
        let stack = wait_for(name, function);
        let at = stack.frames.iter().position(|frame| frame.function.contains(function));
        let frame = &stack.frames[at.unwrap()];
        assert!(frame.file.as_ref().unwrap().ends_with("tests/stacks.rs"), "{stack:#?}");
        assert!(frame.line.is_some(), "{stack:#?}");
        assert!(functions(&stack).iter().any(|f| f.contains("thread_start")), "{stack:#?}");
        assert_eq!(stack.problem, None, "{stack:#?}");
    }
    // None of them saw an error, or an end of its wait.
    for thread in [&reads, &waits, &sleeps, &spins] {
        assert!(!thread.is_finished());
    }
    drop(held);
    end.store(true, Ordering::Relaxed);
    drop(to); // the end that it waited for
    reads.join().unwrap();
    waits.join().unwrap();
    spins.join().unwrap();
}

#[test]
fn a_thread_that_cannot_answer_does_not_hold_up_the_others() {
    let _alone = alone();
    let (ready, end) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (begun, ended) = (Arc::clone(&ready), Arc::clone(&end));
    let deaf = spawn("deaf", move || {
        SigSet::from(Signal::SIGURG).thread_block().unwrap();
        begun.wait();
        ended.wait();
        // The question comes now, too late for anybody.
        SigSet::from(Signal::SIGURG).thread_unblock().unwrap();
    });
    ready.wait();
    let stacks = thread_stacks::all(Duration::from_millis(200)).unwrap();
    let one = stacks.iter().find(|stack| name_of(stack) == "deaf").unwrap();
    assert_eq!((one.problem, one.frames.len()), (Some("no answer"), 0));
    let here = "a_thread_that_cannot_answer_does_not_hold_up_the_others";
    let own = |stack: &&ThreadStack| functions(stack).iter().any(|f| f.ends_with(here));
    assert!(stacks.iter().any(|stack| own(&stack)), "{stacks:#?}");
    end.wait();
    deaf.join().unwrap();
}

#[test]
fn a_very_deep_stack_is_shown_from_its_inner_end() {
    let _alone = alone();
    let found = Mutex::new(None);
    recurse(1000, &|| {
        let all = thread_stacks::all(LIMIT).unwrap();
        let deep = |stack: &ThreadStack| functions(stack).iter().any(|f| f.contains("recurse"));
        *found.lock().unwrap() = all.into_iter().find(deep);
    });
    let stack = found.into_inner().unwrap().unwrap();
    assert_eq!(stack.problem, Some("the stack is deeper"));
    assert!(stack.frames.len() >= 128, "{}", stack.frames.len());
}

#[test]
fn many_reports_from_many_threads_take_turns_and_leave_no_memory_behind() {
    let _alone = alone();
    let mapped = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let round = || {
        let ask = || drop(thread_stacks::all(LIMIT).unwrap());
        let threads: Vec<_> = (0..4).map(|_| spawn("asks", ask)).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    };
    round();
    let before = mapped();
    for _ in 0..5 {
        round();
    }
    let after = mapped();
    // A leak of one copy of the program's tables for each of the 20 reports would be far more.
    assert!(after < before + 8 * 1024, "{before} KiB, then {after} KiB");
}
