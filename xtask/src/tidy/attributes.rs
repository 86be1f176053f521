//! A silenced lint says why; no test is switched off; nothing is left unfinished; nothing is for a system
//! on which nobody compiles it.

use super::Finding;
use super::source::Source;

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, attribute) in attributes(source) {
        let say = |text: &str| Finding::new(&source.path, source.line_at(at), text);
        let name = attribute.trim_start_matches(['#', '!', '[', ' ']);
        let silences = ["allow(", "expect("].iter().any(|start| name.starts_with(start));
        let nested = ["allow(", "expect("].iter().any(|inner| attribute.contains(inner));
        let conditional = name.starts_with("cfg_attr(") && nested;
        if (silences || conditional) && !attribute.contains("reason") {
            found.push(say("a lint is silenced without `reason = \"…\"`"));
        }
        if name.starts_with("ignore") {
            found.push(say("a test is switched off"));
        }
        let word = |word: &&str| attribute.split(|c: char| !is_word(c)).any(|part| part == *word);
        if name.starts_with("cfg") && SYSTEMS.iter().any(word) {
            found.push(say("this is Linux only: nothing is told apart by system"));
        }
    }
    for (at, _) in source.text.match_indices("TODO") {
        let rest = source.text.get(at..).unwrap_or_default();
        let is_comment = source.code.get(at..at + 4) == Some("    ");
        if is_comment && !rest.starts_with("TODO(") && !in_quotes(&source.text, at) {
            let text = "a TODO without name and issue, as in `TODO(name, #12)`";
            found.push(Finding::new(&source.path, source.line_at(at), text));
        }
    }
    found
}

/// What tells systems apart in a condition; architectures differ in fact.
const SYSTEMS: [&str; 4] = ["unix", "windows", "target_os", "target_family"];

fn is_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}

/// Whether a quotation mark stands somewhere before `at` on its line: then it is a text.
fn in_quotes(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.rsplit('\n').next().is_some_and(|line| line.contains(['"', '`']))
}

/// Attributes with their position, blanked like the code they stand in.
fn attributes(source: &Source) -> Vec<(usize, &str)> {
    let starts = source.code.match_indices('#').map(|(at, _)| at);
    starts
        .filter_map(|at| {
            let open = at + source.code.get(at..)?.find('[')?;
            let between = source.code.get(at + 1..open)?;
            let close = source.closing(open)?;
            let text = source.code.get(at..=close)?;
            (between.is_empty() || between == "!").then_some((at, text))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let source = Source::new("x.rs", text.to_owned());
        check(&source).into_iter().map(|found| format!("{}: {}", found.line, found.text)).collect()
    }

    #[test]
    fn a_silenced_lint_needs_a_reason() {
        let silenced = "a lint is silenced without `reason = \"…\"`";
        assert_eq!(texts("#[allow(dead_code)]\nfn a() {}"), [format!("1: {silenced}")]);
        assert_eq!(texts("\n#![allow(\n  dead_code\n)]"), [format!("2: {silenced}")]);
        assert_eq!(texts("#[cfg_attr(test, allow(x))]"), [format!("1: {silenced}")]);
        assert_eq!(texts("#[expect(x)]"), [format!("1: {silenced}")]);
        assert!(texts("#[allow(dead_code, reason = \"used on Windows\")]\n").is_empty());
        assert!(texts("// #[allow(dead_code)]\nlet a = x.expect(\"y\");\n").is_empty());
    }

    #[test]
    fn a_test_is_not_switched_off() {
        assert_eq!(texts("#[test]\n#[ignore]\nfn a() {}"), ["2: a test is switched off"]);
    }

    #[test]
    fn nothing_is_for_another_system() {
        assert_eq!(texts("#[cfg(unix)]\nfn a() {}").len(), 1);
        assert_eq!(texts("#[cfg(all(test, not(target_os = \"linux\")))]\nfn a() {}").len(), 1);
        assert_eq!(texts("#![cfg_attr(windows, x)]").len(), 1);
        assert!(texts("#[cfg(target_arch = \"aarch64\")]\nfn unix() {}").is_empty());
        assert!(texts("#[cfg(feature = \"unix\")]\nfn a() {}").is_empty());
    }

    #[test]
    fn a_todo_names_somebody_and_an_issue() {
        assert_eq!(texts("// TODO: later\n").len(), 1);
        assert!(texts("// TODO(kim, #12): later\n").is_empty());
        assert!(texts("let a = \"TODO\";\n").is_empty());
    }
}
