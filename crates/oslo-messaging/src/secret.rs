//! Text that no `{:?}` shows: passwords of a broker, tokens of a request.
//!
//! Must not: be printed or serialised by accident. Whoever needs the text asks for it by name.

use std::fmt;

/// A text that shows as stars.
#[derive(Clone, PartialEq, Eq, Default)]
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

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_as_stars() {
        let secret = Secret::new("p@ss");
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)).matches("p@ss").count(), 0);
        assert_eq!(secret.reveal(), "p@ss");
    }
}
