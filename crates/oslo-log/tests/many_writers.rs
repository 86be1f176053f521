//! Fifty processes write one log file that is rotated meanwhile: no line is lost, torn or doubled.
//!
//! Each test starts this test program again fifty times, for itself alone; those runs find the
//! variables and write. `examples/storm.rs` does the same with millions of lines.

#![expect(clippy::unwrap_used, reason = "a helper that fails must fail its test")]

mod storm;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use storm::Rotation;

const PROCESSES: usize = 50;
/// Enough for several files of 1 MiB.
const LINES: usize = 1000;
const DIRECTORY: &str = "OSLO_LOG_TEST_DIRECTORY";
const NUMBER: &str = "OSLO_LOG_TEST_NUMBER";

#[expect(clippy::disallowed_methods, reason = "the test talks to its own second run")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Starts all writers of the test named `test`.
fn start(test: &str, directory: &Path) -> Vec<Child> {
    let program = std::env::current_exe().unwrap();
    let one = |number: usize| {
        let mut command = Command::new(&program);
        command.args(["--exact", test]).env(DIRECTORY, directory).env(NUMBER, number.to_string());
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    (0..PROCESSES).map(one).collect()
}

/// Runs the test, in the part of a writer or of who starts them; how many files there were.
fn run(test: &str, lines: usize, rotation: Rotation) -> usize {
    if let (Some(directory), Some(number)) = (variable(DIRECTORY), variable(NUMBER)) {
        let dropped = storm::write(directory.as_ref(), number.parse().unwrap(), lines, rotation);
        assert_eq!(dropped, 0);
        return usize::MAX;
    }
    let directory = tempfile::tempdir().unwrap();
    let writers = start(test, directory.path());
    assert!(storm::wait(writers, directory.path(), rotation).unwrap());
    let found = storm::read(directory.path()).unwrap();
    assert_eq!(found.torn, Vec::<String>::new());
    assert_eq!((found.lines, found.double), (PROCESSES * lines, 0), "in {} files", found.files);
    found.files
}

#[test]
fn no_line_is_torn() {
    assert!(run("no_line_is_torn", 2 * LINES, Rotation::None) >= 1);
}

#[test]
fn no_line_is_lost_when_the_writers_rotate_by_size() {
    let files = run("no_line_is_lost_when_the_writers_rotate_by_size", LINES, Rotation::Size);
    // Some 3.5 MB in files of 1 MiB; more files would be rotations that happened twice. Fewer are
    // right: as long as one of them rotates, the others write on.
    assert!(files == usize::MAX || (2..=6).contains(&files), "{files} files");
}

#[test]
fn no_line_is_lost_when_the_writers_rotate_by_time() {
    assert!(run("no_line_is_lost_when_the_writers_rotate_by_time", LINES, Rotation::Interval) >= 1);
}

#[test]
fn no_line_is_lost_when_somebody_else_takes_the_file_away() {
    let files =
        run("no_line_is_lost_when_somebody_else_takes_the_file_away", LINES, Rotation::Create);
    assert!(files > 1, "{files} files");
}
