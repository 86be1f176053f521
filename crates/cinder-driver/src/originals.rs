//! Which class paths the original has for drivers, and which it had: facts about its releases, in `originals.txt`.
//!
//! Must not: know what this program has.

/// A line per class, by name.
const TABLE: &str = include_str!("originals.txt");

/// What all drivers' paths begin with; it says nothing about which is meant.
const PREFIX: &str = "cinder.volume.drivers.";

/// What the original has of a class path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Original {
    /// A driver, or a class that drivers share.
    Has,
    /// One that is there no more.
    Had {
        /// The first release without it.
        release: Option<&'static str>,
        /// What it is called now.
        now: Option<&'static str>,
    },
    /// No release had it.
    Never,
}

/// The words of each line.
fn lines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap_or("-");
        (next(), next(), next())
    })
}

/// What there is of this class.
pub(crate) fn of(class: &str) -> Original {
    let given = |word: &'static str| Some(word).filter(|word| *word != "-");
    match lines().find(|(known, ..)| *known == class) {
        Some((_, "driver" | "base", _)) => Original::Has,
        Some((_, release, now)) => Original::Had { release: given(release), now: given(now) },
        None => Original::Never,
    }
}

/// The driver that was probably meant: one with the same class in another module, or one that is spelled nearly so.
pub(crate) fn nearest(class: &str) -> Option<&'static str> {
    let drivers = || lines().filter(|(_, kind, _)| *kind == "driver").map(|(known, ..)| known);
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let wanted = last(class);
    let mut same = drivers().filter(|known| last(known) == wanted);
    if let (Some(only), None) = (same.next(), same.next()) {
        return Some(only);
    }
    let own = class.strip_prefix(PREFIX)?;
    // A third of it, or less, is a slip; more would be another driver's name.
    let most = own.chars().count() / 3;
    let distance =
        |known: &str| strsim::osa_distance(own, known.strip_prefix(PREFIX).unwrap_or(known));
    let near =
        drivers().map(|known| (distance(known), known)).min_by_key(|(distance, _)| *distance)?;
    (own.len() < 128 && near.0 <= most).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_one_of_its_forms() {
        let all: Vec<_> = lines().collect();
        assert!(all.is_sorted() && all.len() > 250, "{}", all.len());
        for (class, kind, now) in all {
            assert!(
                class.starts_with("cinder.volume.") && class.matches('.').count() >= 3,
                "{class}"
            );
            let is_release = kind == "-" || kind.starts_with(|c: char| c.is_ascii_digit());
            assert!(matches!(kind, "driver" | "base") || is_release, "{class} {kind}");
            assert!(now == "-" || of(now) == Original::Has, "{class} {now}");
        }
    }
}
