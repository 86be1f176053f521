//! How the way to a database is protected, for people who want to know.
//!
//! Must not: decide anything; what is enforced the dialects enforce, before a password is sent.

use std::fmt;

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// There is no way: the database is a file.
    File,
    /// A session with a server.
    Session {
        /// What it is encrypted with, as the server says; `None` if it is not.
        cipher: Option<String>,
        /// What we know of the other end.
        checked: Checked,
    },
}

/// What was verified of a server before it was told a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// Nothing: anybody could have answered.
    Nothing,
    /// Its certificate comes from a trusted authority.
    Certificate,
    /// And is made out to the host of the URL.
    HostName,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cipher, checked) = match self {
            Self::File => return f.write_str("a file of this machine"),
            Self::Session { cipher, checked } => (cipher, checked),
        };
        match cipher {
            Some(cipher) => write!(f, "encrypted ({cipher}), ")?,
            // What was verified all the same was that of a proxy on the way.
            None if *checked == Checked::Nothing => return f.write_str("not encrypted"),
            None => f.write_str("not encrypted at the server, ")?,
        }
        f.write_str(match checked {
            Checked::Nothing => "certificate not verified",
            Checked::Certificate => "certificate verified, host name not",
            Checked::HostName => "certificate and host name verified",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protection_is_told_in_words() {
        let session = |cipher: Option<&str>, checked| {
            Protection::Session { cipher: cipher.map(str::to_owned), checked }.to_string()
        };
        assert_eq!(session(None, Checked::Nothing), "not encrypted");
        assert_eq!(session(Some("X"), Checked::Nothing), "encrypted (X), certificate not verified");
        let full = "encrypted (X), certificate and host name verified";
        assert_eq!(session(Some("X"), Checked::HostName), full);
        let pooler = "not encrypted at the server, certificate verified, host name not";
        assert_eq!(session(None, Checked::Certificate), pooler);
        assert_eq!(Protection::File.to_string(), "a file of this machine");
    }
}
