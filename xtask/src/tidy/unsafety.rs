//! `unsafe` only where the kernel is talked to (invariant 12 of docs/architecture.md), and every place
//! that may hold some does.

use super::Finding;
use super::source::Source;

/// Where `unsafe` may stand: system modules, each a file and the folder below it, and single files.
const PLACES: [(&str, &str); 5] = [
    ("crates/oslo-launcher/src/sys", "processes, signals, shared pages"),
    ("crates/thread-stacks/src/sys", "a handler that copies a stack, mapped files"),
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
    if !PLACES.iter().any(|(place, _)| is_in(path, place)) {
        for at in source.words("unsafe") {
            let text = "`unsafe` outside of the places that are named for it";
            found.push(Finding::new(path, source.line_at(at), text));
        }
    }
    let is_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let has_system = PLACES.iter().any(|(place, _)| place.strip_suffix("/sys") == Some(folder));
    if is_root && !has_system && !source.code.contains(FORBID) {
        found.push(Finding::new(path, 1, format!("lacks `{FORBID}`")));
    }
    found
}

/// Places without any.
pub(super) fn unused(sources: &[Source]) -> Vec<Finding> {
    let used = |place: &str| {
        let mut inside = sources.iter().filter(|source| is_in(&source.path, place));
        inside.any(|source| !source.words("unsafe").is_empty())
    };
    let places = PLACES.iter().filter(|(place, _)| !used(place));
    places.map(|(place, _)| Finding::new(place, 1, "may hold `unsafe` and has none")).collect()
}

/// Whether a file is this one, or belongs to the module of this name.
fn is_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| ["", ".rs"].contains(&rest) || rest.starts_with('/'))
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
        assert!(lines("crates/thread-stacks/src/sys/memory.rs", text).is_empty());
        assert_eq!(lines("crates/thread-stacks/src/stacks.rs", text), [3]);
        assert_eq!(lines("crates/cinder-driver-rbd/src/sys.rs", text), [3]);
        assert!(lines("crates/cinder-db/tests/fork.rs", text).is_empty());
    }

    #[test]
    fn every_other_crate_forbids_it_at_its_root() {
        assert_eq!(lines("crates/cinder-db/src/lib.rs", "//! X.\n"), [1]);
        assert_eq!(lines("crates/cinder-db/src/lib.rs", "// #![forbid(unsafe_code)]\n"), [1]);
        assert!(lines("xtask/src/main.rs", "#![forbid(unsafe_code)]\n").is_empty());
        assert!(lines("crates/oslo-launcher/src/lib.rs", "//! X.\n").is_empty());
        assert!(lines("crates/thread-stacks/src/lib.rs", "//! X.\n").is_empty());
    }

    #[test]
    fn a_place_without_any_is_found() {
        let of = |path: &&str| Source::new(path, "unsafe fn a() {}\n".to_owned());
        let files = PLACES.map(|(place, _)| place.replace("src/sys", "src/sys/a.rs"));
        let mut paths: Vec<&str> = files.iter().map(String::as_str).collect();
        assert!(unused(&paths.iter().map(of).collect::<Vec<_>>()).is_empty());
        paths.remove(1);
        let found = unused(&paths.iter().map(of).collect::<Vec<_>>());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "crates/thread-stacks/src/sys");
    }
}
