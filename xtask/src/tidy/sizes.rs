//! First lines and sizes: of `main.rs`, `lib.rs`, any file, any function.

use super::Finding;
use super::source::Source;

const MAIN: usize = 60;
const LIB: usize = 120;
const FILE: usize = 500;
const FUNCTION: usize = 80;
/// A file that is longer for a reason says so in its head with these words.
const REASON: &str = "over 500 lines because";
/// The head of a file, in which [`REASON`] is looked for.
const HEAD: usize = 15;

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |line, text: String| found.push(Finding::new(&source.path, line, text));
    if !source.text.starts_with("//!") {
        say(1, "does not open with `//!` and what the file is for".to_owned());
    }
    let (lines, without_tests) = lengths(source);
    let limit = if source.path.ends_with("src/main.rs") {
        MAIN
    } else if source.path.ends_with("src/lib.rs") {
        LIB
    } else {
        FILE
    };
    let reasoned = source.text.lines().take(HEAD).any(|line| line.contains(REASON));
    let exempt = limit == FILE && (reasoned || is_test_file(&source.path));
    let counted = if limit == FILE { without_tests } else { lines };
    if counted > limit && !exempt {
        say(1, format!("{counted} lines, more than {limit}"));
    }
    for function in source.functions() {
        let length = function.lines.len();
        if length > FUNCTION {
            let text =
                format!("function {} has {length} lines, more than {FUNCTION}", function.name);
            say(function.lines.start + 1, text);
        }
    }
    found
}

/// All lines, and those outside of test modules.
fn lengths(source: &Source) -> (usize, usize) {
    let lines = source.text.lines().count();
    let tests: usize = source
        .test_modules()
        .into_iter()
        .map(|range| source.line_at(range.end) - source.line_at(range.start) + 1)
        .sum();
    (lines, lines - tests)
}

fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path, text.to_owned());
        check(&source).iter().map(ToString::to_string).collect()
    }

    fn long(lines: usize) -> String {
        format!("//! What for.\n{}", "use x;\n".repeat(lines - 1))
    }

    #[test]
    fn a_file_opens_with_what_it_is_for() {
        assert_eq!(
            texts("a.rs", "use x;\n"),
            ["a.rs:1: does not open with `//!` and what the file is for"]
        );
    }

    #[test]
    fn main_lib_and_other_files_have_their_limits() {
        assert_eq!(texts("c/src/main.rs", &long(61)), ["c/src/main.rs:1: 61 lines, more than 60"]);
        assert_eq!(texts("c/src/lib.rs", &long(121)), ["c/src/lib.rs:1: 121 lines, more than 120"]);
        assert_eq!(texts("c/src/x.rs", &long(501)), ["c/src/x.rs:1: 501 lines, more than 500"]);
        assert!(texts("c/src/x.rs", &long(500)).is_empty());
        assert!(texts("c/tests/x.rs", &long(900)).is_empty());
    }

    #[test]
    fn tests_do_not_count_and_a_reason_helps() {
        let tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", long(400), long(300));
        assert!(texts("c/src/x.rs", &tests).is_empty());
        let reason =
            long(600).replace("What for.", "What for; over 500 lines because it is a table.");
        assert!(texts("c/src/x.rs", &reason).is_empty());
    }

    #[test]
    fn a_long_function_is_named_where_it_starts() {
        let text =
            format!("//! X.\nfn long() {{\n{}}}\nfn short() {{}}\n", "    a();\n".repeat(80));
        assert_eq!(texts("x.rs", &text), ["x.rs:2: function long has 82 lines, more than 80"]);
    }
}
