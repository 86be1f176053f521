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

/// The known name most like a misspelled one, if any is like it at all.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if name.len() > LONGEST {
        return None;
    }
    let folded = name.to_lowercase().replace('-', "_");
    let score = |known: &str| strsim::jaro_winkler(&folded, known);
    let scored = known.into_iter().map(|known| (score(known), known));
    // Below this, suggestions are about other things than what was meant.
    let close = scored.filter(|(score, _)| *score >= 0.88);
    close.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
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
}
