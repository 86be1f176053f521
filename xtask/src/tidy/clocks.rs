//! The launcher reads the monotonic clock only (docs/supervision.md, "Faults that are tried").

use super::Finding;
use super::source::Source;

const LAUNCHER: &str = "crates/oslo-launcher/src/";
/// Names by which Rust code reaches the clock that an operator or NTP may set.
const WALL: [&str; 5] =
    ["SystemTime", "UNIX_EPOCH", "CLOCK_REALTIME", "CLOCK_REALTIME_COARSE", "gettimeofday"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with(LAUNCHER) {
        return Vec::new();
    }
    let places =
        WALL.iter().flat_map(|word| source.words(word).into_iter().map(move |at| (word, at)));
    places
        .map(|(word, at)| {
            let text = format!("{word}: the wall clock jumps, and restarts and limits with it");
            Finding::new(&source.path, source.line_at(at), text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_is_found_in_the_launcher_and_nowhere_else() {
        let text = "// SystemTime\nfn a() {\n    let now = std::time::SystemTime::now();\n}\n";
        let lines = |path: &str| {
            let found = check(&Source::new(path, text.to_owned()));
            found.iter().map(|one| one.line).collect::<Vec<_>>()
        };
        assert_eq!(lines("crates/oslo-launcher/src/throttle.rs"), [3]);
        assert!(lines("crates/oslo-log/src/clock.rs").is_empty());
    }
}
