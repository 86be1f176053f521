//! The top level of the repository holds what it should, and nothing else.

use std::collections::BTreeSet;

use super::Finding;

const REQUIRED: [&str; 8] =
    ["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "crates", "deny.toml", "docs", "xtask"];
/// Settings of tools that insist on their place; dot-files are allowed without a list.
const ALLOWED: [&str; 2] = ["clippy.toml", "rustfmt.toml"];
/// Names that say nothing about what a module holds.
const EMPTY_NAMES: [&str; 3] = ["utils", "helpers", "common"];

pub(super) fn check(files: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    let top: BTreeSet<_> = files.iter().filter_map(|path| path.split('/').next()).collect();
    for name in &top {
        if !name.starts_with('.') && !REQUIRED.contains(name) && !ALLOWED.contains(name) {
            found.push(Finding::new(name, 1, "does not belong to the top level"));
        }
    }
    for name in REQUIRED.iter().filter(|name| !top.contains(*name)) {
        found.push(Finding::new(name, 1, "is missing"));
    }
    for path in files.iter().filter(|path| path.ends_with(".rs")) {
        let mut parts = path.split(['/', '.']);
        if let Some(name) = parts.find(|part| EMPTY_NAMES.contains(part)) {
            let text = format!("`{name}` does not say what the module holds");
            found.push(Finding::new(path, 1, text));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(extra: &[&str], without: &str) -> Vec<String> {
        let mut files: Vec<_> = ["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "deny.toml"]
            .iter()
            .chain(["crates/a/src/lib.rs", "docs/x.md", "xtask/Cargo.toml", ".ci/run"].iter())
            .chain(["rustfmt.toml"].iter())
            .chain(extra)
            .map(|path| (*path).to_owned())
            .collect();
        files.retain(|path| path != without);
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_expected_tree_has_no_findings() {
        assert!(texts(&[], "").is_empty());
    }

    #[test]
    fn strange_and_missing_entries_are_found() {
        assert_eq!(
            texts(&["scripts/x.sh"], "LICENSE"),
            ["scripts:1: does not belong to the top level", "LICENSE:1: is missing",]
        );
    }

    #[test]
    fn a_module_name_says_what_it_holds() {
        assert_eq!(texts(&["crates/a/src/utils.rs"], "").len(), 1);
        assert_eq!(texts(&["crates/a/src/common/mod.rs"], "").len(), 1);
    }
}
