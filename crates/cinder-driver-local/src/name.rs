//! Names of files that are safe to use: one component, not hidden, not too long.
//!
//! Must not: be made from text in any other way. What begins with a dot is ours alone, so nobody
//! can name the temporary file of another volume.

use std::fmt;

use cinder_driver::{DriverError, Refusal};

/// What a file is called until it is whole.
pub(crate) const ASIDE: &str = ".new.";
/// The longest name of a file on Linux.
const LONGEST: usize = 255;
/// How much of a bad name is shown.
const SHOWN: usize = 80;

/// A name of a volume or a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// Checks a name.
    pub(crate) fn new(text: &str) -> Result<Self, DriverError> {
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.starts_with('.') {
            "it begins with a dot"
        } else if text.len() > LONGEST - ASIDE.len() {
            "it is too long"
        } else if text.chars().any(|one| one == '/' || one.is_control()) {
            "it has a slash or a control character in it"
        } else {
            return Ok(Self(text.to_owned()));
        };
        let shown = text.chars().take(SHOWN).collect();
        Err(Refusal::Name { shown, reason: reason.to_owned() }.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is called until it is whole.
    pub(crate) fn aside(&self) -> String {
        format!("{ASIDE}{}", self.0)
    }

    /// What its lock is called.
    pub(crate) fn lock(&self) -> String {
        format!("local-{}", self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let long = "x".repeat(10_000);
        for text in ["", ".", "..", "../x", "a/b", "/x", ".new.volume-1", "a\0b", "a\nb", &long] {
            let error = Name::new(text).expect_err(text);
            assert_eq!(error.class(), "refused", "{text:?}");
            assert!(error.to_string().len() < 200);
        }
        for text in ["volume-1", "a b", "ä..ö", &long[..250]] {
            assert_eq!(Name::new(text).expect("it is good").as_str(), text);
        }
    }
}
