//! What documents point to exists: relative links, and paths of this repository in backticks.

use super::Finding;

/// Backticked text that starts like this is taken for a path from the root.
const FOLDERS: [&str; 5] = ["crates/", "docs/", "xtask/", ".ci/", ".cargo/"];

pub(super) fn check(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = Vec::new();
    let mut fenced = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let targets = links(line).map(|to| join(folder, to)).chain(paths(line));
            for target in targets.filter(|target| !exists(target)) {
                found.push(Finding::new(path, at + 1, format!("there is no {target}")));
            }
        }
    }
    found
}

/// Targets of `](…)` that are files: no other scheme, no anchor in the same document.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', '#', ' ']).next()?;
        (!target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
            .then_some(target)
    })
}

/// Paths in backticks, without a line number behind them and without placeholders.
fn paths(line: &str) -> impl Iterator<Item = String> {
    line.split('`').skip(1).step_by(2).filter_map(|quoted| {
        let path = quoted.split([':', '#']).next()?.trim_end_matches('/');
        let is_path = FOLDERS.iter().any(|folder| quoted.starts_with(folder));
        let has_placeholder =
            quoted.contains(['*', '<', '…', ' ', '{', '|', '$']) || quoted.contains("NNNN");
        (is_path && !has_placeholder).then(|| path.to_owned())
    })
}

/// Resolves `..` and `.` against the folder of the document.
fn join(folder: &str, target: &str) -> String {
    let absolute = target.starts_with('/');
    let start = if absolute { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in start.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&str; 3] = ["docs/a.md", "docs/adr/0001-x.md", "crates/x/src/lib.rs"];

    fn texts(text: &str) -> Vec<String> {
        check("docs/a.md", text, |path| FILES.contains(&path))
            .into_iter()
            .map(|found| format!("{}: {}", found.line, found.text))
            .collect()
    }

    #[test]
    fn a_link_to_nowhere_is_found() {
        assert_eq!(texts("ok\n[x](adr/0002-y.md)\n"), ["2: there is no docs/adr/0002-y.md"]);
        assert!(
            texts("[x](adr/0001-x.md#top) [y](../docs/a.md) [z](https://x/y) [w](#here)")
                .is_empty()
        );
    }

    #[test]
    fn a_path_in_backticks_to_nowhere_is_found() {
        assert_eq!(texts("see `crates/x/src/main.rs:7`"), ["1: there is no crates/x/src/main.rs"]);
        assert!(
            texts("see `crates/x/src/lib.rs:7`, `crates/*/src`, `docs/adr/NNNN-x.md`").is_empty()
        );
    }

    #[test]
    fn fenced_blocks_are_examples() {
        assert!(texts("```\n`docs/nowhere.md`\n```\n").is_empty());
    }
}
