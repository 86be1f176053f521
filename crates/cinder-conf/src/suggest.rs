//! "Did you mean …?": compares a name with all that are known, for as many names as is worth it.
//!
//! Each comparison looks at every character of hundreds of names, so whoever only logs or judges
//! asks for none: ten thousand unknown names once cost a start twelve seconds.

/// Names of one run that are compared. A file with more unknown names than this is another
/// service's, or no configuration, and nobody mends it name by name.
#[cfg(feature = "cinder")]
const MOST: usize = 50;

/// Longest name that is compared; the longest that we know has half of this.
const LONGEST: usize = 128;

/// How many names may still be compared.
#[cfg(feature = "cinder")]
#[derive(Debug)]
pub(crate) struct Suggestions {
    left: usize,
}

#[cfg(feature = "cinder")]
impl Suggestions {
    /// For somebody who reads them.
    pub const fn for_a_reader() -> Self {
        Self { left: MOST }
    }

    /// For a start or a reload, where nobody does.
    pub const fn none() -> Self {
        Self { left: 0 }
    }

    /// Whether one more name may be compared.
    pub fn take(&mut self) -> bool {
        let some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some
    }
}

/// Changed letters that are a slip. With more, a suggestion is about something else than what was meant, and does harm
/// if it is followed.
const MOST_EDITS: usize = 2;

/// The known name that a misspelled one was meant to be: at most two letters are missing, wrong, too many or exchanged,
/// and most are right.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if name.len() > LONGEST {
        return None;
    }
    let folded = name.to_lowercase().replace('-', "_");
    let most = (folded.chars().count() / 3).min(MOST_EDITS);
    // Most names differ in length by more than that, which costs nothing to see.
    let fits = |known: &&str| known.len().abs_diff(folded.len()) <= most;
    let edits = |known: &'n str| (strsim::osa_distance(&folded, &known.to_lowercase()), known);
    let close = known.into_iter().filter(fits).map(edits).filter(|(edits, _)| *edits <= most);
    close.min_by_key(|(edits, _)| *edits).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_longer_than_any_option_is_not_compared() {
        let long = "volume_grup".repeat(12);
        let never = std::iter::from_fn(|| -> Option<&str> { panic!("somebody looks") });
        assert_eq!(nearest(&long, never), None);
        assert_eq!(nearest("volume_grup", ["volume_group", "volume_clear"]), Some("volume_group"));
    }

    #[test]
    fn a_name_that_takes_more_than_two_changes_is_another_one() {
        for (name, known, meant) in [
            ("conection", "connection", true),
            ("volume_dirver", "volume_driver", true),
            ("Volume-Grup", "volume_group", true),
            ("glance_api_version", "glance_api_insecure", false),
            ("iscsi_ip_address", "iser_ip_address", false),
            ("auth_uri", "auth_version", false),
            ("ab", "abc", false),
            ("debg", "debug", true),
        ] {
            assert_eq!(nearest(name, [known]).is_some(), meant, "{name} {known}");
        }
    }
}
