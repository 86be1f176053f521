//! Every known defect of the original supervisor has a test named after it, and the table in
//! docs/supervision.md names all of these tests and no others.

use super::Finding;
use super::source::Source;

pub(super) const DOCUMENT: &str = "docs/supervision.md";
/// `spec/launcher.md` §12.
const DEFECTS: usize = 25;
const PREFIX: &str = "defect_";

/// A function called `defect_NN_…`, and where it is.
#[derive(Debug)]
pub(super) struct Named {
    path: String,
    line: usize,
    name: String,
}

/// The tests in this file that are named after a defect.
pub(super) fn named(source: &Source) -> Vec<Named> {
    let functions = source.functions().into_iter();
    functions
        .filter(|function| function.name.starts_with(PREFIX))
        .map(|function| Named {
            path: source.path.clone(),
            line: function.lines.start + 1,
            name: function.name,
        })
        .collect()
}

/// Compares the tests of all files with the table.
pub(super) fn check(tests: &[Named], document: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let rows: Vec<(usize, usize, Vec<&str>)> = rows(document).collect();
    for defect in 1..=DEFECTS {
        if !tests.iter().any(|test| number(&test.name) == Some(defect)) {
            found.push(Finding::new(DOCUMENT, 1, format!("defect {defect} has no test")));
        }
        if !rows.iter().any(|(row, ..)| *row == defect) {
            found.push(Finding::new(DOCUMENT, 1, format!("defect {defect} has no row")));
        }
    }
    for (defect, line, names) in &rows {
        if names.is_empty() {
            found.push(Finding::new(DOCUMENT, *line, "names no test"));
        }
        for name in names {
            if number(name) != Some(*defect) {
                found.push(Finding::new(DOCUMENT, *line, format!("{name} is of another defect")));
            }
            if !tests.iter().any(|test| test.name == *name) {
                found.push(Finding::new(DOCUMENT, *line, format!("there is no test {name}")));
            }
        }
    }
    for test in tests {
        if !rows.iter().any(|(.., names)| names.contains(&test.name.as_str())) {
            let text = format!("{} is not in the table of {DOCUMENT}", test.name);
            found.push(Finding::new(&test.path, test.line, text));
        }
    }
    found
}

fn number(name: &str) -> Option<usize> {
    let (digits, _) = name.strip_prefix(PREFIX)?.split_once('_')?;
    (digits.len() == 2).then(|| digits.parse().ok())?
}

/// Rows of the table that begin with a number: that, their line, and the tests that they name.
fn rows(document: &str) -> impl Iterator<Item = (usize, usize, Vec<&str>)> {
    let (before, table) = document.split_once("25 known defects").unwrap_or((document, ""));
    let first = before.lines().count();
    table.lines().enumerate().filter_map(move |(at, line)| {
        let defect = line.strip_prefix('|')?.split('|').next()?.trim().parse().ok()?;
        let quoted = line.split('`').skip(1).step_by(2);
        Some((defect, first + at, quoted.filter(|text| text.starts_with(PREFIX)).collect()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository without faults, with these changes to its one file and its document.
    fn texts(code: impl Fn(String) -> String, document: impl Fn(String) -> String) -> Vec<String> {
        let all = |line: fn(usize) -> String| (1..=DEFECTS).map(line).collect::<String>();
        let tests = code(all(|n| format!("fn defect_{n:02}_x() {{}}\n")));
        let table = all(|n| format!("| {n} | bad | good | `x.rs` `defect_{n:02}_x` |\n"));
        let text = document(format!("# D\n\n## The 25 known defects\n\n{table}"));
        let named = named(&Source::new("crates/a/tests/x.rs", tests));
        check(&named, &text).iter().map(ToString::to_string).collect()
    }

    fn same(text: String) -> String {
        text
    }

    #[test]
    fn a_table_that_fits_the_tests_is_fine() {
        assert!(texts(same, same).is_empty());
    }

    #[test]
    fn a_test_that_went_away_is_missed_twice() {
        assert_eq!(
            texts(|code| code.replace("defect_07_x", "other"), same),
            [
                "docs/supervision.md:1: defect 7 has no test",
                "docs/supervision.md:11: there is no test defect_07_x"
            ]
        );
    }

    #[test]
    fn a_row_that_went_away_or_names_another_defect_is_found() {
        assert_eq!(
            texts(same, |text| text.replace("| 7 |", "| - |")),
            [
                "docs/supervision.md:1: defect 7 has no row",
                "crates/a/tests/x.rs:7: defect_07_x is not in the table of docs/supervision.md"
            ]
        );
        assert_eq!(
            texts(same, |text| text.replace("`defect_07_x`", "`defect_08_x`")),
            [
                "docs/supervision.md:11: defect_08_x is of another defect",
                "crates/a/tests/x.rs:7: defect_07_x is not in the table of docs/supervision.md"
            ]
        );
    }

    #[test]
    fn a_new_test_belongs_into_the_table() {
        assert_eq!(
            texts(|code| code + "fn defect_01_y() {}\n", same),
            ["crates/a/tests/x.rs:26: defect_01_y is not in the table of docs/supervision.md"]
        );
    }
}
