//! `cargo xtask tidy`: the rules of the house that a program can check.
//!
//! Each rule is a function from text (or the package graph) to findings, so that its test can
//! show it failing on a few made-up lines. Rules and invariants: docs/architecture.md.

mod attributes;
mod circles;
mod citations;
mod clocks;
mod defects;
mod documents;
mod layers;
mod manifests;
mod sizes;
mod source;
mod tree;
mod unsafety;

use std::fmt;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use self::citations::Pages;
use self::source::Source;
use crate::cargo;

/// Has the tables of allowed dependencies and of circles between files.
const ARCHITECTURE: &str = "docs/architecture.md";

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the root of the repository.
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}

/// Checks the repository at `root` and prints what is wrong with it.
///
/// # Errors
///
/// When the repository cannot be read.
pub(crate) fn run(root: &Path) -> Result<ExitCode> {
    let findings = findings(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} findings", findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn findings(root: &Path) -> Result<Vec<Finding>> {
    let files = tracked_files(root)?;
    let read = |path: &str| {
        let whole = root.join(path);
        std::fs::read_to_string(&whole).with_context(|| format!("cannot read {}", whole.display()))
    };
    let mut found = tree::check(&files);
    let mut pages = Pages::default();
    let mut documents = Vec::new();
    for path in files.iter().filter(|path| path.ends_with(".md")) {
        let text = read(path)?;
        pages.add(path, &text);
        documents.push((path, text));
    }
    for (path, text) in &documents {
        found.extend(documents::check(path, text, |other| root.join(other).exists()));
        found.extend(citations::check(path, text, &pages));
    }
    let mut sources = Vec::new();
    for path in files.iter().filter(|path| path.ends_with(".rs")) {
        sources.push(Source::new(path, read(path)?));
    }
    for source in &sources {
        found.extend(check_source(source, &pages));
    }
    for path in files.iter().filter(|path| path.ends_with("/Cargo.toml")) {
        found.extend(manifests::check(path, &read(path)?));
    }
    let tests: Vec<_> = sources.iter().flat_map(defects::named).collect();
    found.extend(defects::check(&tests, &read(defects::DOCUMENT)?));
    let architecture = read(ARCHITECTURE)?;
    found.extend(layers::check(&layers::packages(&cargo::metadata()?), &architecture));
    found.extend(circles::check(&sources, &architecture));
    found.extend(unsafety::unused(&sources));
    found.sort();
    Ok(found)
}

fn check_source(source: &Source, pages: &Pages) -> Vec<Finding> {
    let mut found = sizes::check(source);
    found.extend(citations::check(&source.path, &source.comments, pages));
    found.extend(unsafety::check(source));
    found.extend(attributes::check(source));
    found.extend(clocks::check(source));
    found
}

/// What git knows, so that build products and scratch files do not count. Files that somebody
/// has deleted but not committed yet are left out.
fn tracked_files(root: &Path) -> Result<Vec<String>> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").current_dir(root).args(arguments).output();
    let output = output.context("cannot run git")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut files: Vec<_> =
        text.lines().filter(|path| root.join(path).is_file()).map(str::to_owned).collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// Rows of the first table below a heading: their lines, 1-based, and their cells.
fn rows<'a>(document: &'a str, heading: &str) -> Vec<(usize, Vec<&'a str>)> {
    let lines = document.lines().enumerate().skip_while(|(_, line)| *line != heading);
    let section = lines.skip(1).take_while(|(_, line)| !line.starts_with('#'));
    let table = section.skip_while(|(_, line)| !line.starts_with('|'));
    // The first two are the table's own heading and its rule.
    let rows = table.take_while(|(_, line)| line.starts_with('|')).skip(2);
    let cells = |line: &'a str| line.trim_matches('|').split('|').map(str::trim).collect();
    rows.map(|(at, line)| (at + 1, cells(line))).collect()
}

/// What stands in backticks in a cell.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_like_a_compilers() {
        assert_eq!(Finding::new("a/b.rs", 7, "too long").to_string(), "a/b.rs:7: too long");
    }

    #[test]
    fn a_table_is_the_first_below_its_heading() {
        let text = "## A\n| x |\n|---|\n\n## B\n\nWords.\n\n| y | z |\n|---|---|\n\
                    | `2`, `3` | 4 |\n\n| 5 |\n";
        assert_eq!(rows(text, "## B"), [(11, vec!["`2`, `3`", "4"])]);
        assert!(rows(text, "## C").is_empty());
        assert!(rows(&text.replace("| x |", "").replacen("|---|", "", 1), "## A").is_empty());
        assert_eq!(quoted("`2`, `3`").collect::<Vec<_>>(), ["2", "3"]);
    }
}
