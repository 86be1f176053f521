//! What is cited as `spec/startup.md §4` exists: the page, and the number on it.
//!
//! Looks at comments of Rust files and at all documents. A page is one of `docs/spec`, or with a
//! number behind it any of `docs`; what is cited on several lines is read as one. How to cite:
//! docs/spec/README.md.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;

const FOLDER: &str = "docs/spec/";
const DOCUMENTS: &str = "docs/";
const SIGN: char = '§';

/// The documents that can be cited, and the numbers on each.
#[derive(Default)]
pub(super) struct Pages(BTreeMap<String, BTreeSet<String>>);

impl Pages {
    pub(super) fn add(&mut self, path: &str, text: &str) {
        if path.starts_with(DOCUMENTS) {
            let numbers = text.lines().filter_map(numbered).map(str::to_owned).collect();
            self.0.insert(path.to_owned(), numbers);
        }
    }

    fn complaint(&self, page: &str, number: Option<&str>) -> Option<String> {
        let Some(numbers) = self.0.get(page) else {
            return Some(format!("there is no {page}"));
        };
        let number = number.filter(|number| !numbers.contains(*number))?;
        Some(format!("there is no {SIGN}{number} in {page}"))
    }
}

/// The number at the beginning of a heading, or in bold at that of a line, an item or a row.
fn numbered(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let title = line.trim_start_matches('#');
    let number = if title.len() < line.len() {
        leading_number(title.trim_start())
    } else {
        let marks = ["* ", "- ", "| "];
        let item = marks.iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line);
        let (bold, _) = item.strip_prefix("**")?.split_once("**")?;
        (leading_number(bold) == bold).then_some(bold)?
    };
    (!number.is_empty()).then_some(number)
}

/// `1` or `1.9` at the beginning; a full stop behind it does not belong to it.
fn leading_number(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_matches('.')
}

/// Checks the comments of a Rust file, or a document, at `path`.
pub(super) fn check(path: &str, text: &str, pages: &Pages) -> Vec<Finding> {
    let (flow, starts) = flowing(text);
    let line = |at: usize| starts.partition_point(|start| *start <= at);
    let mut found = Vec::new();
    for cited in citations(&flow) {
        let page = match cited.page {
            Some(Page::Contract(name)) => format!("{FOLDER}{name}"),
            // A page of the contract names its neighbours and itself without the folder.
            Some(Page::Document(name)) if path.starts_with(FOLDER) => format!("{FOLDER}{name}"),
            Some(Page::Document(name)) => format!("{DOCUMENTS}{name}"),
            None if path.starts_with(FOLDER) => path.to_owned(),
            None => continue,
        };
        let numbers = cited.numbers.iter().map(|number| Some(number.as_str()));
        let bare = cited.numbers.is_empty().then_some(None);
        for number in bare.into_iter().chain(numbers) {
            let complaint = pages.complaint(&page, number);
            found.extend(complaint.map(|text| Finding::new(path, line(cited.at), text)));
        }
    }
    found
}

/// All lines as one, without the marks of comments, and where in it each line begins.
fn flowing(text: &str) -> (String, Vec<usize>) {
    let (mut flow, mut starts) = (String::new(), Vec::new());
    for line in text.lines() {
        starts.push(flow.len());
        let line = line.trim();
        let comment = line.strip_prefix("//").map(|rest| rest.trim_start_matches(['/', '!']));
        flow.push_str(comment.unwrap_or(line).trim_start());
        flow.push(' ');
    }
    (flow, starts)
}

#[derive(Debug, PartialEq)]
enum Page<'a> {
    /// A page of the contract, or another file beside it.
    Contract(&'a str),
    /// Another document, with a number behind its name.
    Document(&'a str),
}

#[derive(Debug)]
struct Citation<'a> {
    at: usize,
    page: Option<Page<'a>>,
    numbers: Vec<String>,
}

fn citations(flow: &str) -> Vec<Citation<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = flow.get(at..).filter(|rest| !rest.is_empty()) {
        let path = path(rest);
        if rest.starts_with(SIGN) {
            let (numbers, length) = numbers(rest);
            // A sign without a number is a word about signs.
            if !numbers.is_empty() {
                found.push(Citation { at, page: None, numbers });
            }
            at += length.max(SIGN.len_utf8());
        } else if path.is_empty() {
            at += rest.chars().next().map_or(1, char::len_utf8);
        } else {
            let (numbers, length) = numbers(rest.get(path.len()..).unwrap_or_default());
            if let Some(page) = page(path.trim_end_matches('.'), !numbers.is_empty()) {
                found.push(Citation { at, page: Some(page), numbers });
                at += length;
            }
            at += path.len();
        }
    }
    found
}

/// The longest piece at the beginning that can be a path.
fn path(rest: &str) -> &str {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_-./".contains(c));
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}

fn page(path: &str, with_number: bool) -> Option<Page<'_>> {
    let path = path.trim_start_matches(['.', '/']);
    let contract = path.strip_prefix(FOLDER).or_else(|| path.strip_prefix("spec/"));
    match contract {
        Some(name) => (!name.is_empty()).then_some(Page::Contract(name)),
        None if with_number && path.ends_with(".md") => {
            Some(Page::Document(path.strip_prefix(DOCUMENTS).unwrap_or(path)))
        }
        None => None,
    }
}

/// The numbers behind a page's name, and the length of what says them: `§4`, `§1, §9`, `§5–7`.
fn numbers(rest: &str) -> (Vec<String>, usize) {
    let mut all = Vec::new();
    let mut taken = 0;
    loop {
        let left = rest.get(taken..).unwrap_or_default();
        let between: &[char] =
            if all.is_empty() { &['`', ')', ' '] } else { &[' ', ',', 'a', 'n', 'd'] };
        let Some(signed) = left.trim_start_matches(between).strip_prefix(SIGN) else { break };
        let first = leading_number(signed);
        if first.is_empty() {
            break;
        }
        let mut after = signed.get(first.len()..).unwrap_or_default();
        let last = after.strip_prefix(['–', '-']).map(|to| to.trim_start_matches(SIGN));
        match last.map(leading_number).filter(|last| !last.is_empty()) {
            Some(last) => {
                all.extend(span(first, last));
                let dash = after.find(last).unwrap_or_default();
                after = after.get(dash + last.len()..).unwrap_or_default();
            }
            None => all.push(first.to_owned()),
        }
        taken = rest.len() - after.len();
    }
    (all, taken)
}

/// Every number from the first to the last; of numbers with a full stop only these two.
fn span(first: &str, last: &str) -> Vec<String> {
    let whole = |text: &str| text.parse::<u32>().ok();
    let range = whole(first).zip(whole(last)).map(|(first, last)| first..=last);
    match range.filter(|range| !range.is_empty()) {
        Some(range) => range.map(|number| number.to_string()).collect(),
        None => vec![first.to_owned(), last.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = "# Title\n\n## 1. Steps\n* **1.9** None.\n\n| **3.5** | x |\n\n\
                            ### 2.1 Which\n## 2 Two\n1. an item\n**bold** text\n## 5. Five\n";

    fn texts_at(path: &str, text: &str) -> Vec<String> {
        let mut pages = Pages::default();
        pages.add("docs/spec/a.md", CONTRACT);
        pages.add("docs/b.md", "## 7. Seven\n");
        check(path, text, &pages)
            .into_iter()
            .map(|found| format!("{}: {}", found.line, found.text))
            .collect()
    }

    fn texts(text: &str) -> Vec<String> {
        texts_at("x.rs", text)
    }

    #[test]
    fn what_exists_may_be_cited_in_every_form() {
        assert!(
            texts(
                "// spec/a.md §1. `spec/a.md §2.1`, (`spec/a.md` §1.9, §5; spec/a.md §3.5 and \
                 §2), docs/spec/a.md §1–2, spec/a.md. b.md §7, docs/b.md §7."
            )
            .is_empty()
        );
    }

    #[test]
    fn a_page_that_is_not_there_is_found() {
        assert_eq!(texts("\n// see spec/c.md"), ["2: there is no docs/spec/c.md"]);
        assert_eq!(texts("// `spec/c.sql`"), ["1: there is no docs/spec/c.sql"]);
        assert_eq!(texts("// design.md §3"), ["1: there is no docs/design.md"]);
        assert!(texts("// design.md, inspec/c.md, spec/").is_empty());
    }

    #[test]
    fn a_number_that_is_not_there_is_found() {
        let none = |number| format!("1: there is no §{number} in docs/spec/a.md");
        assert_eq!(texts("// spec/a.md §4"), [none("4")]);
        assert_eq!(texts("// `spec/a.md` §1.8,"), [none("1.8")]);
        assert_eq!(texts("// spec/a.md §1, §9"), [none("9")]);
        assert_eq!(texts("// b.md §1"), ["1: there is no §1 in docs/b.md"]);
    }

    #[test]
    fn a_range_means_all_between() {
        let none = |number| format!("1: there is no §{number} in docs/spec/a.md");
        assert_eq!(texts("// spec/a.md §2–5"), [none("3"), none("4")]);
        assert_eq!(texts("// spec/a.md §5-§6, §7"), [none("6"), none("7")]);
    }

    #[test]
    fn what_is_cited_on_two_lines_is_read_as_one() {
        let text = "/// Looks (`spec/a.md`\n    /// §8) there.\n";
        assert_eq!(texts(text), ["1: there is no §8 in docs/spec/a.md"]);
    }

    #[test]
    fn pages_of_the_contract_cite_themselves_and_each_other() {
        assert_eq!(
            texts_at("docs/spec/a.md", "see §2 and §6\nand a.md §7"),
            ["1: there is no §6 in docs/spec/a.md", "2: there is no §7 in docs/spec/a.md"]
        );
        assert!(texts_at("docs/b.md", "see §2").is_empty());
    }
}
