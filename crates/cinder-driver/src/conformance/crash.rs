//! Calls that end in the middle: the process is killed at each of the driver's points, and what it
//! has left is settled.
//!
//! What is tried at a point is said by its name, `driver::<call>::<step>`: an [`Exercise`] sets up
//! what the call needs, the child makes the call, and afterwards everything must be as if the call
//! had ended, or never begun.

use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use crate::conformance::Bench;
use crate::conformance::case::{CHILD, Case, LIMIT, Verdict, context};
use crate::conformance::faults::{Exercise, exercise_of};
use crate::fail::{self, Action};
use crate::lock::ProcessLocks;
use crate::record::{RecordedOp, Settled};

/// What a child that was not killed says.
const ALIVE: u8 = 77;

/// The child: makes one call, and is killed at a point of it.
pub(super) fn child(bench: &dyn Bench, arguments: &[String]) -> ExitCode {
    let [token, point] = arguments else { return ExitCode::FAILURE };
    let driver = bench.reopen(&OsString::from(token));
    let context = context(&ProcessLocks::default());
    if !point.starts_with("driver::connect::") {
        driver.connect(&context).expect("it connects");
    }
    fail::set(point, Action::Kill);
    let exercise = exercise_of(point).expect("the parent has asked for it");
    let result = exercise.call(driver.as_ref(), &context);
    assert!(result.is_ok(), "the call that was to be killed: {result:?}");
    ExitCode::from(ALIVE)
}

pub(super) fn killed(case: &Case<'_>) -> Verdict {
    let points = case.driver.fail_points();
    if points.is_empty() {
        return Verdict::Skipped("the driver has no fail points".to_owned());
    }
    for point in points {
        let Some(exercise) = exercise_of(point) else {
            panic!("{point}: its name is not driver::<call>::<step>, or no such call is tried");
        };
        exercise.set_up(case);
        let before = case.backend.leftovers();
        kill_at(case, point);
        settle(case, &exercise, point, &before);
        exercise.check_others(case, point);
        exercise.tear_down(case);
        assert_eq!(case.backend.leftovers(), Vec::<String>::new(), "left behind after {point}");
    }
    Verdict::Passed
}

/// Has a child make the call, and be killed.
fn kill_at(case: &Case<'_>, point: &str) {
    let program = std::fs::read_link("/proc/self/exe").expect("this program has a path");
    let mut child = Command::new(program)
        .arg(CHILD)
        .arg(case.backend.token())
        .arg(point)
        .stdin(Stdio::null())
        .spawn()
        .expect("this program can be started");
    let until = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        assert!(Instant::now() < until, "the child at {point} hangs");
        std::thread::sleep(std::time::Duration::from_millis(1));
    };
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    assert_eq!(signal, Some(9), "{point} is a point that the call reaches: {status}");
}

/// Asks what has become of the call until the driver knows, and looks whether it is true.
fn settle(case: &Case<'_>, exercise: &Exercise, point: &str, before: &[String]) {
    let Some(operation) = exercise.operation() else {
        exercise.call(case.driver.as_ref(), &case.context()).expect("what changes nothing works");
        return;
    };
    // The record survives as text.
    let text = serde_json::to_string(&RecordedOp::from(operation)).expect("it can be written");
    let record: RecordedOp = serde_json::from_str(&text).expect("it can be read");
    // A new process would have a new driver.
    let driver = case.backend.driver();
    driver.connect(&case.context()).expect("it connects after the crash");
    let is_done = settled(case, driver.as_ref(), &record, point);
    exercise.check(case, is_done, point);
    let after = case.backend.leftovers();
    match is_done {
        true => assert!(after.len() <= before.len() + 1, "{point}: {before:?} became {after:?}"),
        false => assert_eq!(after, before, "left behind after {point}, although it is undone"),
    }
    // Asked once more, it says the same.
    assert_eq!(settled(case, driver.as_ref(), &record, point), is_done, "{point}, asked twice");
    exercise.check(case, is_done, point);
    if !is_done {
        let result = exercise.call(driver.as_ref(), &case.context());
        assert!(result.is_ok(), "what was undone after {point} can be done: {result:?}");
        exercise.check(case, true, point);
    }
}

fn settled(
    case: &Case<'_>,
    driver: &dyn crate::driver::Driver,
    record: &RecordedOp,
    point: &str,
) -> bool {
    let until = Instant::now() + LIMIT;
    loop {
        match driver.settle(record, &case.context()) {
            Ok(Settled::Done(_)) => return true,
            Ok(Settled::Undone) => return false,
            other => assert!(Instant::now() < until, "{point} is not settled: {other:?}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

pub(super) fn calm(case: &Case<'_>) -> Verdict {
    for exercise in Exercise::all() {
        let Some(operation) = exercise.operation() else { continue };
        if !exercise.is_possible(case) {
            continue;
        }
        let (record, name) = (RecordedOp::from(operation), format!("{exercise:?}"));
        exercise.set_up(case);
        if exercise.must_be_undone() {
            assert!(!settled(case, case.driver.as_ref(), &record, &name), "{name} was not begun");
            exercise.check(case, false, &name);
        }
        exercise.call(case.driver.as_ref(), &case.context()).expect("it can be done");
        assert!(settled(case, case.driver.as_ref(), &record, &name), "{name} has ended");
        exercise.check(case, true, &name);
        exercise.check_others(case, &name);
        exercise.tear_down(case);
    }
    Verdict::Passed
}
