//! `[database] connection` in SQLAlchemy's URL forms.
//!
//! Must not: show a password, not even in the error for a URL it cannot use. Errors name the
//! scheme alone.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the database is; parsed, so that only usable ones exist.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    file: PathBuf,
    timeout: Option<Duration>,
}

/// Why a `connection` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The option is empty.
    #[error("no database connection is configured")]
    Empty,
    /// There is no `scheme://`.
    #[error("the database connection is not a URL; expected something like sqlite:////path/file")]
    NotAUrl,
    /// A database that Cinder knows but this build does not contain.
    #[error("database scheme {scheme:?} is not built in yet; this build has sqlite")]
    NotBuiltIn {
        /// The scheme, without driver.
        scheme: String,
    },
    /// A scheme nobody knows.
    #[error("unknown database scheme {scheme:?}; known are sqlite, mysql and postgresql")]
    UnknownScheme {
        /// The scheme as written.
        scheme: String,
    },
    /// SQLite without a file.
    #[error(
        "an in-memory SQLite database cannot be shared by the processes of this daemon; \
         name a file, as in sqlite:////path/file"
    )]
    InMemory,
    /// `sqlite://host/…`, most often one slash too few.
    #[error("a SQLite URL has no host; an absolute path takes four slashes: sqlite:////path/file")]
    SqliteHost,
    /// A relative path while the working directory cannot be told.
    #[error("the path {path:?} is relative and the working directory is unknown")]
    NoWorkingDirectory {
        /// The path as written.
        path: String,
    },
}

impl DatabaseUrl {
    /// Parses a SQLAlchemy URL.
    ///
    /// A relative path is tied to the present working directory, so that a later `chdir`
    /// does not lead a heartbeat to another file.
    ///
    /// # Errors
    ///
    /// A variant of [`UrlError`]; none carries more of the URL than scheme and SQLite path.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NotAUrl)?;
        // `mysql+pymysql` names a database and a driver for Python; the latter is not ours.
        let database = scheme.split_once('+').map_or(scheme, |(database, _driver)| database);
        match database {
            "sqlite" => Self::sqlite(rest),
            "mysql" | "mariadb" | "postgresql" | "postgres" => {
                Err(UrlError::NotBuiltIn { scheme: database.to_owned() })
            }
            _ => Err(UrlError::UnknownScheme { scheme: scheme.to_owned() }),
        }
    }

    /// Names a SQLite file directly.
    ///
    /// # Errors
    ///
    /// [`UrlError::NoWorkingDirectory`] if the path is relative and cannot be completed.
    pub fn sqlite_file(path: impl AsRef<Path>) -> Result<Self, UrlError> {
        let path = path.as_ref();
        let file = std::path::absolute(path)
            .map_err(|_| UrlError::NoWorkingDirectory { path: path.display().to_string() })?;
        Ok(Self { file, timeout: None })
    }

    /// `rest` is what follows `sqlite://`: `/relative`, `//absolute`, or nothing.
    fn sqlite(rest: &str) -> Result<Self, UrlError> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = match path.strip_prefix('/') {
            Some(path) => path,
            None if path.is_empty() => return Err(UrlError::InMemory),
            None => return Err(UrlError::SqliteHost),
        };
        if path.is_empty() || path == ":memory:" {
            return Err(UrlError::InMemory);
        }
        Ok(Self { timeout: timeout(query), ..Self::sqlite_file(path)? })
    }

    /// The SQLite file, as an absolute path.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// `?timeout=SECONDS`, Python's name for how long to wait for a lock.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

fn timeout(query: &str) -> Option<Duration> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("timeout="))?;
    Duration::try_from_secs_f64(value.parse().ok()?).ok()
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
        Some((key @ ("password" | "passwd"), _)) => format!("{key}=****"),
        _ => pair.to_owned(),
    });
    format!("{base}?{}", pairs.collect::<Vec<_>>().join("&"))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:///{}", self.file.display())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_url_is_relative_with_three_slashes_and_absolute_with_four() {
        let absolute = DatabaseUrl::parse("sqlite:////var/lib/cinder/cinder.sqlite").unwrap();
        assert_eq!(absolute.file(), Path::new("/var/lib/cinder/cinder.sqlite"));
        assert_eq!(absolute.to_string(), "sqlite:////var/lib/cinder/cinder.sqlite");

        let relative = DatabaseUrl::parse("sqlite+pysqlite:///state/c.sqlite?timeout=2.5").unwrap();
        assert_eq!(relative.file(), std::path::absolute("state/c.sqlite").unwrap());
        assert_eq!(relative.timeout(), Some(Duration::from_millis(2500)));
    }

    #[test]
    fn unusable_urls_say_why() {
        for (url, expected) in [
            ("", UrlError::Empty),
            ("cinder.sqlite", UrlError::NotAUrl),
            ("sqlite://", UrlError::InMemory),
            ("sqlite:///", UrlError::InMemory),
            ("sqlite:///:memory:", UrlError::InMemory),
            ("sqlite://var/lib/c.sqlite", UrlError::SqliteHost),
            ("oracle://u:p@h/d", UrlError::UnknownScheme { scheme: "oracle".into() }),
            ("mysql+pymysql://u:p@h/d", UrlError::NotBuiltIn { scheme: "mysql".into() }),
            ("postgresql://u:p@h/d", UrlError::NotBuiltIn { scheme: "postgresql".into() }),
        ] {
            assert_eq!(DatabaseUrl::parse(url).unwrap_err(), expected, "{url}");
        }
    }

    #[test]
    fn no_error_shows_a_password() {
        for url in ["mysql://cinder:s3cret@h/d", "foo://cinder:s3cret@h/d", "cinder:s3cret@h"] {
            let error = DatabaseUrl::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn a_password_is_masked_wherever_it_stands() {
        for (url, expected) in [
            ("mysql://u:p@ss:w@h:3306/d", "mysql://u:****@h:3306/d"),
            ("mysql://u@h/d", "mysql://u@h/d"),
            ("mysql://u:p?w@h/d", "mysql://u:****@h/d"),
            ("mysql://h:1/d?user=a@b&passwd=p", "mysql://h:****@b&passwd=****"),
            ("postgresql://h/d?user=u&password=p", "postgresql://h/d?user=u&password=****"),
            ("mysql://u:p@h/d?charset=utf8", "mysql://u:****@h/d?charset=utf8"),
            ("sqlite:////a/b", "sqlite:////a/b"),
        ] {
            assert_eq!(mask_password(url), expected);
        }
    }
}
