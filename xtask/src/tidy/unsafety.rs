//! `unsafe` only where the kernel is talked to (invariant 12 of docs/architecture.md).

use super::Finding;
use super::source::Source;

/// The launcher's system module, as a file or a folder.
const SYSTEM: &str = "crates/oslo-launcher/src/sys";
const LAUNCHER: &str = "crates/oslo-launcher/";
/// Places outside of it, each with its reason.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("crates/cinder-db/tests/fork.rs", "proves what a handle does in a forked child"),
    (
        "crates/oslo-launcher/benches/launcher/floor.rs",
        "is the loop on bare fork that the launcher is measured against",
    ),
    (
        "crates/oslo-launcher/examples/stop_from_handler.rs",
        "installs a real signal handler, to show what may be called there",
    ),
];
const FORBID: &str = "#![forbid(unsafe_code)]";

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let path = source.path.as_str();
    let mut found = Vec::new();
    if !is_system(path) {
        for at in source.words("unsafe") {
            let text = "`unsafe` outside of the launcher's system module";
            found.push(Finding::new(path, source.line_at(at), text));
        }
    }
    let is_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
    if is_root && !path.starts_with(LAUNCHER) && !source.code.contains(FORBID) {
        found.push(Finding::new(path, 1, format!("lacks `{FORBID}`")));
    }
    found
}

/// `sys.rs`, or a file below `sys/`; a driver crate may have such a module too. And exceptions.
fn is_system(path: &str) -> bool {
    if EXCEPTIONS.iter().any(|(exception, _reason)| *exception == path) {
        return true;
    }
    let driver = path.starts_with("crates/cinder-driver-") && path.contains("/src/sys");
    driver || path.strip_prefix(SYSTEM).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Source::new(path, text.to_owned())).iter().map(|found| found.line).collect()
    }

    #[test]
    fn unsafe_belongs_into_the_system_module() {
        let text = "// unsafe\nfn a() {}\nunsafe fn b() {}\n";
        assert_eq!(lines("crates/cinder-db/src/x.rs", text), [3]);
        assert_eq!(lines("crates/oslo-launcher/src/state.rs", text), [3]);
        assert_eq!(lines("crates/oslo-launcher/src/system.rs", text), [3]);
        assert!(lines("crates/oslo-launcher/src/sys.rs", text).is_empty());
        assert!(lines("crates/oslo-launcher/src/sys/fork.rs", text).is_empty());
        assert!(lines("crates/cinder-driver-rbd/src/sys.rs", text).is_empty());
    }

    #[test]
    fn every_other_crate_forbids_it_at_its_root() {
        assert_eq!(lines("crates/cinder-db/src/lib.rs", "//! X.\n"), [1]);
        assert_eq!(lines("crates/cinder-db/src/lib.rs", "// #![forbid(unsafe_code)]\n"), [1]);
        assert!(lines("xtask/src/main.rs", "#![forbid(unsafe_code)]\n").is_empty());
        assert!(lines("crates/oslo-launcher/src/lib.rs", "//! X.\n").is_empty());
    }
}
