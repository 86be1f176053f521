//! Files of a crate that use each other in a circle: each link that closes one is listed with a
//! reason in docs/architecture.md.
//!
//! A file uses another by a path with `crate` or `super`, in a `use` or in the code; tests do not
//! count. Files below a module's folder are parts of the module: it uses them, they may use what
//! it holds, and whoever uses one of them from outside uses the module. The root of a crate is left
//! out, because it only declares and re-exports.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::source::Source;
use super::{ARCHITECTURE, Finding, quoted, rows};

/// What the table stands below.
const HEADING: &str = "## Circles between files";

/// The files of a crate: paths below `src` without the ending.
type Files<'a> = BTreeMap<&'a str, &'a Source>;
/// Which file uses which.
type Links = BTreeSet<(String, String)>;
/// The same with what modules and their parts make of it.
type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Compares the circles of all crates with the table.
pub(super) fn check(sources: &[Source], architecture: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let listed = listed(architecture, &mut found);
    let crates = crates(sources);
    for (name, files) in &crates {
        let all = links(files);
        let listed: Vec<&Listed> = listed.iter().filter(|row| row.of == *name).collect();
        let mut left = all.clone();
        left.retain(|link| !listed.iter().any(|row| row.link == *link));
        found.extend(listed.iter().filter_map(|row| {
            let (from, to) = &row.link;
            let mut with_it = left.clone();
            with_it.insert(row.link.clone());
            let text = if !all.contains(&row.link) {
                format!("{name}: {from} does not use {to}")
            } else if circle(&graph(&with_it, files)).is_none() {
                format!("{name}: {from} uses {to}, but that closes no circle")
            } else {
                return None;
            };
            Some(Finding::new(ARCHITECTURE, row.line, text))
        }));
        found.extend(circle(&graph(&left, files)).map(|circle| {
            let path = circle.first().and_then(|first| files.get(first)).map(|file| &file.path);
            let text = format!("uses itself in a circle: {}", circle.join(" → "));
            Finding::new(path.map_or("", String::as_str), 1, text)
        }));
    }
    for row in listed.iter().filter(|row| !crates.contains_key(row.of.as_str())) {
        found.push(Finding::new(ARCHITECTURE, row.line, format!("there is no {}", row.of)));
    }
    found
}

struct Listed {
    line: usize,
    /// The folder of the crate.
    of: String,
    link: (String, String),
}

/// The rows of the table; one without a reason is a finding.
fn listed(architecture: &str, found: &mut Vec<Finding>) -> Vec<Listed> {
    let row = |(line, cells): (usize, Vec<&str>)| {
        let cell = |at: usize| cells.get(at).and_then(|cell| quoted(cell).next());
        let (of, from, to) = (cell(0)?, cell(1)?, cell(2)?);
        if cells.get(3).is_none_or(|reason| reason.is_empty()) {
            found.push(Finding::new(ARCHITECTURE, line, "a circle without a reason"));
        }
        let of = if of == "xtask" { of.to_owned() } else { format!("crates/{of}") };
        Some(Listed { line, of, link: (from.to_owned(), to.to_owned()) })
    };
    rows(architecture, HEADING).into_iter().filter_map(row).collect()
}

/// Files below `src`, crate by crate, without those that exist for tests only.
fn crates(sources: &[Source]) -> BTreeMap<&str, Files<'_>> {
    let mut crates: BTreeMap<&str, Files<'_>> = BTreeMap::new();
    for source in sources {
        let Some((folder, file)) = source.path.split_once("/src/") else { continue };
        let name = file.trim_end_matches(".rs").trim_end_matches("/mod");
        if !["lib", "main"].contains(&name) {
            crates.entry(folder).or_default().insert(name, source);
        }
    }
    for files in crates.values_mut() {
        let for_tests: Vec<String> =
            files.iter().flat_map(|(name, source)| children_for_tests(name, source)).collect();
        files.retain(|name, _| !for_tests.iter().any(|other| name == other));
    }
    crates
}

/// Files that are declared by `#[cfg(test)] mod child;`.
fn children_for_tests(name: &str, source: &Source) -> Vec<String> {
    let behind = source.code.split("#[cfg(test)]").skip(1);
    let child = behind.filter_map(|rest| rest.trim_start().strip_prefix("mod ")?.split_once(';'));
    // A module with a body is no file, and has a brace before the next semicolon.
    child.filter(|(child, _)| !child.contains('{')).map(|(it, _)| format!("{name}/{it}")).collect()
}

/// Whether `part` is a file below the folder of `whole`.
fn is_part(part: &str, whole: &str) -> bool {
    part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('/'))
}

fn links(files: &Files<'_>) -> Links {
    let of = |(name, source): (&&str, &&Source)| {
        let named = paths(source).into_iter().filter_map(|path| target(name, &path, files));
        let others = named.filter(|other| other != name && !is_part(name, other));
        others.map(|other| ((*name).to_owned(), other)).collect::<Vec<_>>()
    };
    files.iter().flat_map(of).collect()
}

/// The file that a path leads to: the longest part that is one; what follows is an item in it.
fn target(here: &str, path: &[String], files: &Files<'_>) -> Option<String> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    let here: Vec<&str> = here.split('/').collect();
    let base = if ups == 0 { &[] } else { here.get(..here.len().checked_sub(ups)?)? };
    let below = path.iter().map(String::as_str).skip(ups.max(1));
    let whole: Vec<&str> = base.iter().copied().chain(below).collect();
    let mut lengths = (1..=whole.len()).rev();
    lengths.find_map(|length| {
        let file = whole.get(..length)?.join("/");
        files.contains_key(file.as_str()).then_some(file)
    })
}

/// Every path in a file's code that begins with `crate` or `super`; braces are resolved.
fn paths(source: &Source) -> Vec<Vec<String>> {
    let tests = source.test_modules();
    let mut found = Vec::new();
    for at in ["crate", "super"].iter().flat_map(|word| source.words(word)) {
        // The second `super` of two is part of the first one's path.
        let is_inner = source.code.get(..at).is_some_and(|before| before.ends_with("::"));
        if !is_inner && !tests.iter().any(|range| range.contains(&at)) {
            resolve(&[], source.code.get(at..).unwrap_or_default(), &mut found);
        }
    }
    found
}

/// `a::{b, c::d}` at the beginning of a text are `a::b` and `a::c::d`.
fn resolve(before: &[String], text: &str, found: &mut Vec<Vec<String>>) {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    let (path, rest) = text.split_at(end.unwrap_or(text.len()));
    let mut whole = before.to_vec();
    whole.extend(path.split("::").filter(|part| !part.is_empty()).map(str::to_owned));
    let list = rest.strip_prefix('{').filter(|_| path.ends_with("::"));
    let Some(list) = list else {
        found.push(whole);
        return;
    };
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                resolve(&whole, list.get(start..at).unwrap_or_default().trim(), found);
                start = at + 1;
                if character == '}' {
                    return;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
}

fn graph<'a>(links: &'a Links, files: &Files<'a>) -> Graph<'a> {
    let mut graph = Graph::new();
    for name in files.keys() {
        if let Some((module, _)) = name.rsplit_once('/').filter(|(it, _)| files.contains_key(it)) {
            graph.entry(module).or_default().insert(name);
        }
    }
    for (from, to) in links {
        let modules = files.keys().filter(|module| is_part(to, module) && !is_part(from, module));
        let others = modules.copied().filter(|module| module != from).chain([to.as_str()]);
        graph.entry(from).or_default().extend(others);
    }
    graph
}

/// The shortest circle of all; the file that it begins with also ends it.
fn circle<'a>(graph: &Graph<'a>) -> Option<Vec<&'a str>> {
    let circles = graph.iter().flat_map(|(from, uses)| {
        let back = uses.iter().filter_map(|to| way(graph, to, from));
        back.map(|way| std::iter::once(*from).chain(way).collect::<Vec<_>>())
    });
    circles.min_by_key(Vec::len)
}

/// The shortest way along what files use, both ends included.
fn way<'a>(graph: &Graph<'a>, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![from]]);
    let mut seen = BTreeSet::from([from]);
    while let Some(way) = ways.pop_front() {
        let last = way.last()?;
        if *last == to {
            return Some(way);
        }
        for next in graph.get(last).into_iter().flatten().filter(|next| seen.insert(next)) {
            ways.push_back(way.iter().copied().chain([*next]).collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(files: &[(&str, &str)], rows: &str) -> Vec<String> {
        let source = |(path, text): &(&str, &str)| {
            Source::new(&format!("crates/x/src/{path}.rs"), (*text).to_owned())
        };
        let sources: Vec<_> = files.iter().map(source).collect();
        let table = format!("{HEADING}\n\n| crate | file | uses | because |\n|---|---|---|---|\n");
        check(&sources, &(table + rows)).iter().map(ToString::to_string).collect()
    }

    const TWO: [(&str, &str); 2] =
        [("a", "use crate::b::B;"), ("b", "use crate::{d, e::{F, g}, a::{A, C}};")];
    const CIRCLE: [&str; 1] = ["crates/x/src/a.rs:1: uses itself in a circle: a → b → a"];

    #[test]
    fn a_circle_is_found_however_it_is_written() {
        assert_eq!(texts(&TWO, ""), CIRCLE);
        let bare = [("a", "fn f() -> crate::b::B { {} }"), ("b", "use super::a;")];
        assert_eq!(texts(&bare, ""), CIRCLE);
        let renamed = [("a", "use crate::{b as c};"), ("b", "use crate::{self, a};")];
        assert_eq!(texts(&renamed, ""), CIRCLE);
    }

    #[test]
    fn tests_and_the_root_do_not_count() {
        let tests = [("a", "#[cfg(test)]\nmod tests { use crate::b::B; }"), ("b", "use super::a;")];
        assert!(texts(&tests, "").is_empty());
        let file =
            [("a", "#[cfg(test)]\nmod c;"), ("a/c", "use crate::b;"), ("b", "use crate::a;")];
        assert!(texts(&file, "").is_empty());
        let root = [("lib", "use crate::a;"), ("a", "use crate::Thing; use super::Other;")];
        assert!(texts(&root, "").is_empty());
    }

    #[test]
    fn a_file_below_a_module_is_part_of_it() {
        let parts = [("a/mod", "mod c;"), ("a/c", "use super::T;"), ("b", "use crate::a::c::C;")];
        assert!(texts(&parts, "").is_empty());
        let siblings = [("a", ""), ("a/c", "use super::d;"), ("a/d", "use crate::a::c;")];
        assert_eq!(
            texts(&siblings, ""),
            ["crates/x/src/a/c.rs:1: uses itself in a circle: a/c → a/d → a/c"]
        );
        // Only the module uses b, and b only one of its parts.
        let outside = [("a/mod", "use crate::b;"), ("a/c", ""), ("b", "use crate::a::c;")];
        assert_eq!(
            texts(&outside, ""),
            ["crates/x/src/a/mod.rs:1: uses itself in a circle: a → b → a"]
        );
        let above = [("a", ""), ("a/c", "use super::super::b;"), ("b", "use crate::a;")];
        assert_eq!(
            texts(&above, ""),
            ["crates/x/src/a.rs:1: uses itself in a circle: a → a/c → b → a"]
        );
    }

    #[test]
    fn the_shortest_of_several_is_told() {
        let files = [
            ("a", "use crate::b;"),
            ("b", "use crate::c;"),
            ("c", "use crate::{a, d};"),
            ("d", "use crate::c;"),
        ];
        let found = texts(&files, "");
        assert_eq!(found, ["crates/x/src/c.rs:1: uses itself in a circle: c → d → c"]);
    }

    #[test]
    fn a_listed_link_is_allowed_while_it_closes_a_circle() {
        let row = "| `x` | `b` | `a` | they are one thing |\n";
        assert!(texts(&TWO, row).is_empty());
        assert_eq!(
            texts(&[("a", ""), ("b", "use crate::a;")], row),
            ["docs/architecture.md:5: crates/x: b uses a, but that closes no circle"]
        );
        assert_eq!(
            texts(&[("a", "use crate::b;"), ("b", "")], row),
            ["docs/architecture.md:5: crates/x: b does not use a"]
        );
    }

    #[test]
    fn a_listed_link_says_why_and_names_a_crate() {
        assert_eq!(
            texts(&TWO, "| `x` | `b` | `a` | |\n"),
            ["docs/architecture.md:5: a circle without a reason"]
        );
        let found = texts(&[("a", "")], "| `y` | `b` | `a` | why |\n");
        assert_eq!(found, ["docs/architecture.md:5: there is no crates/y"]);
    }
}
