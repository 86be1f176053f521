//! The second attempt of tests that failed: which they are, as `cargo test` tells it.
//!
//! A run of two thousand tests on a busy machine fails by its least steady one. So one that failed is tried
//! once more, when nothing runs beside it. What fails for a reason fails again; what passes then is told as
//! UNSTEADY: a fault of the test, or a race of ours, that somebody has to look at.

use std::path::Path;

/// A test program that failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// As cargo selects it: `--test rabbit`.
    pub(crate) target: Vec<String>,
    /// The tests of it; none when it ended before it could say.
    pub(crate) names: Vec<String>,
}

/// The programs that failed in this output of `cargo test --no-fail-fast`, without those of the
/// documentation, which depend on nothing.
pub(crate) fn failed(output: &str) -> Vec<Failed> {
    let mut all = Vec::new();
    let mut program: Option<Vec<String>> = None;
    let mut names = Vec::new();
    let mut lists = false;
    for line in output.lines() {
        if let Some(rest) = line.trim_start().strip_prefix("Running ") {
            died(&mut program, &mut all);
            program = target(rest);
            (lists, names) = (false, Vec::new());
        } else if line.trim_start().starts_with("Doc-tests ") || line.starts_with("error: ") {
            died(&mut program, &mut all);
        } else if line == "failures:" {
            // It comes twice: with what the tests said, then with their names only.
            (lists, names) = (true, Vec::new());
        } else if let Some(result) = line.strip_prefix("test result: ") {
            if let (true, Some(target)) = (result.starts_with("FAILED"), program.take()) {
                all.push(Failed { target, names: std::mem::take(&mut names) });
            }
            (program, lists) = (None, false);
        } else if let (true, Some(name)) = (lists, line.strip_prefix("    ")) {
            names.push(name.to_owned());
        }
    }
    died(&mut program, &mut all);
    // Some have no harness and tell no result; cargo says at the end which have failed.
    let is_told = |target: &[String]| output.contains(&format!("{}`", target.join(" ")));
    all.retain(|one| !one.names.is_empty() || is_told(&one.target));
    all
}

/// A program that was followed by something else before it told its result.
fn died(program: &mut Option<Vec<String>>, all: &mut Vec<Failed>) {
    if let Some(target) = program.take() {
        all.push(Failed { target, names: Vec::new() });
    }
}

/// `unittests src/lib.rs (target/debug/deps/oslo_log-1f)`, in cargo's words.
fn target(running: &str) -> Option<Vec<String>> {
    let (source, program) = running.split_once(" (")?;
    let stem = Path::new(program.strip_suffix(')')?).file_name()?.to_str()?;
    let (name, _) = stem.rsplit_once('-')?;
    Some(match source.strip_prefix("unittests ") {
        Some("src/lib.rs") => vec!["--lib".to_owned()],
        Some(source) if source.starts_with("examples/") => vec!["--example".into(), name.into()],
        Some(_) => vec!["--bin".to_owned(), name.to_owned()],
        None => vec!["--test".to_owned(), name.to_owned()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(target: &[&str], names: &[&str]) -> Failed {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Failed { target: owned(target), names: owned(names) }
    }

    #[test]
    fn programs_and_their_failed_tests_are_found() {
        let output = "\
     Running unittests src/lib.rs (target/debug/deps/oslo_log-1f)
test a ... FAILED
failures:
---- a stdout ----
    indented words of a test
failures:
    tests::a
    tests::b

test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
     Running tests/rabbit.rs (target/debug/deps/rabbit-3d)
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 4.00s
     Running unittests src/main.rs (target/debug/deps/xtask-3d)
test c ... FAILED
failures:
    c
test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 4.00s
error: 2 targets failed:
    `-p oslo-log --lib`
";
        let expected =
            [one(&["--lib"], &["tests::a", "tests::b"]), one(&["--bin", "xtask"], &["c"])];
        assert_eq!(failed(output), expected);
    }

    #[test]
    fn a_program_that_ended_without_a_result_is_tried_as_a_whole() {
        let output = "\
     Running tests/fork.rs (target/debug/deps/fork-1f)
test a ... ok
     Running tests/auxiliary.rs (target/debug/deps/auxiliary-1f)
a program without a harness: ok
     Running tests/rabbit.rs (target/debug/deps/rabbit-3d)
test b ... ok
error: test failed, to rerun pass `-p oslo-messaging --test rabbit`
error: 2 targets failed:
    `-p cinder-db --test fork`
    `-p oslo-messaging --test rabbit`
";
        assert_eq!(
            failed(output),
            [one(&["--test", "fork"], &[]), one(&["--test", "rabbit"], &[])]
        );
    }

    #[test]
    fn a_build_that_failed_has_no_programs() {
        assert_eq!(failed("error: could not compile `xtask`\n"), []);
    }
}
