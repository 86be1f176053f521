//! Text that must not get into a log: tokens, logins of targets, ways to connect.
//!
//! Must not: be shown, by a `{:?}`, a `{}` or a serialiser. Whoever needs the text asks for it by
//! name.

use std::fmt;

/// A text that shows as stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_stars_however_deep_it_stands() {
        let secret = Secret::new("CHAP user pass");
        assert_eq!(format!("{:?} {:#?}", secret, Some(&secret)), "**** Some(\n    ****,\n)");
        assert_eq!(secret.reveal(), "CHAP user pass");
    }
}
