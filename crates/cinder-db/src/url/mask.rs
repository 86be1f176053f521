//! Hiding passwords: in URLs that are shown, and in what a client library says of them.
//!
//! Must not: parse. An unusable URL has to be masked as well, so this works on its text, and
//! rather hides too much.

use std::fmt;

/// A password; shown as `****` wherever it is printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(String);

impl Password {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The password itself, for nobody but the client library.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Takes the password out of a library's words, as it is and as a URL spells it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        // A short one would tear holes into ordinary words and so give itself away.
        if self.0.len() < 3 {
            return text.to_owned();
        }
        text.replace(&self.0, "****").replace(&super::percent::encode(&self.0), "****")
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// Replaces the password of any database URL by `****`, for showing it.
///
/// ```
/// let shown = cinder_db::mask_password("mysql+pymysql://cinder:s3cret@db/cinder");
/// assert_eq!(shown, "mysql+pymysql://cinder:****@db/cinder");
/// ```
#[must_use]
pub fn mask_password(url: &str) -> String {
    let url = mask_query(url);
    let Some((scheme, rest)) = url.split_once("://") else { return url };
    // The last `@` of all: a password may hold one, or a `?`, that nobody escaped. Masking
    // too much is the smaller harm.
    let Some(at) = rest.rfind('@') else { return url };
    match rest[..at].split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:****{}", &rest[at..]),
        None => url,
    }
}

/// `?password=…` is another place where SQLAlchemy accepts one.
fn mask_query(url: &str) -> String {
    let Some((base, query)) = url.split_once('?') else { return url.to_owned() };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((key @ ("password" | "passwd" | "sslpassword" | "ssl_key_password"), _)) => {
            format!("{key}=****")
        }
        _ => pair.to_owned(),
    });
    format!("{base}?{}", pairs.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_wherever_it_stands() {
        for (url, expected) in [
            ("mysql://u:p@ss:w@h:3306/d", "mysql://u:****@h:3306/d"),
            ("mysql://u@h/d", "mysql://u@h/d"),
            ("mysql://u:p?w@h/d", "mysql://u:****@h/d"),
            ("mysql://u:p@ss/w@h/d", "mysql://u:****@h/d"),
            ("mysql://u:p@s#s?w@h/d?charset=utf8", "mysql://u:****@h/d?charset=utf8"),
            ("mysql://u:p@h/d?ssl_key_password=p", "mysql://u:****@h/d?ssl_key_password=****"),
            ("mysql://h:1/d?user=a@b&passwd=p", "mysql://h:****@b&passwd=****"),
            ("postgresql://h/d?user=u&password=p", "postgresql://h/d?user=u&password=****"),
            ("mysql://u:p@h/d?charset=utf8", "mysql://u:****@h/d?charset=utf8"),
            ("sqlite:////a/b", "sqlite:////a/b"),
        ] {
            assert_eq!(mask_password(url), expected);
        }
    }
}
