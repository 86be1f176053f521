//! Versions a volume service announces, and how two of them compare.

use std::{fmt, str::FromStr};

/// The release whose database, messages and options we speak.
pub const UPSTREAM_VERSION: &str = "29.0.0";

/// RPC API version of the volume manager (`spec/startup.md`, first lines).
pub const RPC_VERSION: &str = "3.20";

/// Version of the set of versioned objects (`spec/startup.md`, first lines).
pub const OBJECT_VERSION: &str = "1.39";

/// A `major.minor` version; compares by number, so 3.9 is older than 3.20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// Changes when old peers can no longer understand.
    pub major: u32,
    /// Grows with every addition.
    pub minor: u32,
}

/// A text that is not `major.minor`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a version of the form major.minor")]
pub struct ParseVersionError {
    /// The text as found.
    pub text: String,
}

impl FromStr for ApiVersion {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('.')
            .and_then(|(major, minor)| {
                Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
            })
            .ok_or_else(|| ParseVersionError { text: text.to_owned() })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_and_print_as_read() {
        let parse = |text: &str| text.parse::<ApiVersion>().unwrap();
        assert!(parse("3.9") < parse("3.20"));
        assert!(parse("3.99") < parse("10.0"));
        assert_eq!(parse(RPC_VERSION).to_string(), RPC_VERSION);
        assert_eq!(parse(OBJECT_VERSION).to_string(), OBJECT_VERSION);
    }

    #[test]
    fn anything_else_is_refused_with_the_text() {
        for text in ["", "3", "3.", ".3", "3.x", "liberty", "-1.2"] {
            assert_eq!(text.parse::<ApiVersion>().unwrap_err().text, text);
        }
    }
}
