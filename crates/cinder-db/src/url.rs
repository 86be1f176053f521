//! `[database] connection` in SQLAlchemy's URL forms.
//!
//! Must not: show a password, not even in the error for a URL it cannot use. Errors name the
//! scheme or a parameter's name alone.

mod files;
#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres")),
    allow(dead_code, reason = "without a server database its URL is parsed, and then refused")
)]
mod mask;
#[cfg_attr(
    not(feature = "mysql"),
    allow(dead_code, reason = "without a server database its URL is parsed, and then refused")
)]
mod mysql;
mod option_file;
pub(crate) mod percent;
#[cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "without a server database its URL is parsed, and then refused")
)]
mod postgres;
#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres")),
    allow(dead_code, reason = "without a server database its URL is parsed, and then refused")
)]
mod server;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

pub use mask::mask_password;
#[cfg(feature = "mysql")]
pub(crate) use mysql::{Access as MysqlAccess, Level as MysqlLevel, Tls as MysqlTls};
#[cfg(feature = "postgres")]
pub(crate) use postgres::Access as PostgresAccess;
pub(crate) use server::Server;

/// Where the database is; parsed, so that only usable ones exist.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    target: Target,
}

/// One of the databases that Cinder knows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Sqlite {
        file: PathBuf,
        /// `?timeout=SECONDS`, Python's name for how long to wait for a lock.
        timeout: Option<Duration>,
    },
    Mysql(Server),
    Postgres(Server),
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
    #[error(
        "database scheme {scheme:?} is not in this build, which has {}; build with \
         \"cargo build --release -p cinder-volume --features {feature}\"",
        built_in()
    )]
    NotBuiltIn {
        /// The scheme, without driver.
        scheme: String,
        /// The Cargo feature that adds it.
        feature: &'static str,
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
    /// The part between login and database.
    #[error("the address in the database connection is not host or host:port")]
    Address,
    /// A host that no client library takes for one.
    #[error("the host in the database connection may hold letters, digits, dots, - and _ only")]
    Host,
    /// The part behind the host's colon.
    #[error("the port in the database connection is not a number up to 65535")]
    Port,
    /// A server's URL without a database.
    #[error("the database connection names no database; it goes behind the host, as in /cinder")]
    NoDatabase,
    /// An `@` behind the end of the login, so that part of a password stands where the host is.
    #[error(
        "the host or database in the database connection has an @, most often from the password; \
         there @ is written %40, / is %2F and # is %23"
    )]
    UnescapedPassword,
    /// A parameter whose meaning would be lost. The value is not shown: it may be a secret.
    #[error("database connection parameter {name} {problem}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl UrlError {
    fn parameter(name: &str, problem: impl Into<String>) -> Self {
        // A name may be the rest of anything, for instance of a password with a question mark.
        let shown = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let name = if shown { name } else { "(not shown)" };
        Self::Parameter { name: name.to_owned(), problem: problem.into() }
    }
}

impl DatabaseUrl {
    /// Parses a SQLAlchemy URL.
    ///
    /// A relative path is tied to the present working directory, so that a later `chdir`
    /// does not lead a heartbeat to another file.
    ///
    /// # Errors
    ///
    /// A variant of [`UrlError`]; none carries more of the URL than scheme, SQLite path and
    /// names of parameters.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        Self::with_parameters(text, "")
    }

    /// Parses a SQLAlchemy URL and adds `a=1&b=2`, the form of `connection_parameters`.
    ///
    /// # Errors
    ///
    /// As [`DatabaseUrl::parse`].
    pub fn with_parameters(text: &str, parameters: &str) -> Result<Self, UrlError> {
        let url = Self { target: Target::parse(text, parameters)? };
        url.target.check_built_in()?;
        Ok(url)
    }

    /// Names a SQLite file directly.
    ///
    /// # Errors
    ///
    /// [`UrlError::NoWorkingDirectory`] if the path is relative and cannot be completed,
    /// [`UrlError::NotBuiltIn`] without SQLite.
    pub fn sqlite_file(path: impl AsRef<Path>) -> Result<Self, UrlError> {
        let url = Self { target: Target::Sqlite { file: absolute(path.as_ref())?, timeout: None } };
        url.target.check_built_in()?;
        Ok(url)
    }

    /// The SQLite file, as an absolute path; `None` if the database is a server.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.target {
            Target::Sqlite { file, .. } => Some(file),
            _ => None,
        }
    }

    /// `?timeout=SECONDS` of a SQLite URL, Python's name for how long to wait for a lock.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        match &self.target {
            Target::Sqlite { timeout, .. } => *timeout,
            _ => None,
        }
    }

    /// The parameters that have no effect here and need none, for one line at a start.
    #[must_use]
    pub fn harmless(&self) -> Vec<&str> {
        match &self.target {
            Target::Sqlite { .. } => Vec::new(),
            Target::Mysql(server) => mysql::harmless(server),
            Target::Postgres(server) => postgres::harmless(server),
        }
    }

    /// How the way to the database is to be protected, in words for people.
    ///
    /// # Errors
    ///
    /// A [`UrlError`] when a file that the URL names was taken away in the meantime.
    pub fn wanted_protection(&self) -> Result<&'static str, UrlError> {
        Ok(match &self.target {
            Target::Sqlite { .. } => "a file of this machine",
            Target::Mysql(server) => mysql::Access::of(server)?.tls.level.wanted(),
            Target::Postgres(server) => postgres::Access::of(server)?.wanted(),
        })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }
}

impl Target {
    fn parse(text: &str, parameters: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NotAUrl)?;
        // Anything else may be the beginning of a password.
        if !scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c)) {
            return Err(UrlError::NotAUrl);
        }
        // `mysql+pymysql` names a database and a driver for Python; the latter is not ours.
        let database = scheme.split_once('+').map_or(scheme, |(database, _driver)| database);
        match database {
            "sqlite" => Self::sqlite(rest, parameters),
            "mysql" | "mariadb" => {
                let server = server(rest, parameters)?;
                mysql::Access::of(&server)?;
                Ok(Self::Mysql(server))
            }
            "postgresql" | "postgres" => {
                let server = server(rest, parameters)?;
                postgres::Access::of(&server)?;
                Ok(Self::Postgres(server))
            }
            _ => Err(UrlError::UnknownScheme { scheme: scheme.to_owned() }),
        }
    }

    /// `rest` is what follows `sqlite://`: `/relative`, `//absolute`, or nothing.
    fn sqlite(rest: &str, parameters: &str) -> Result<Self, UrlError> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = match path.strip_prefix('/') {
            Some(path) => percent::decode(path),
            None if path.is_empty() => return Err(UrlError::InMemory),
            None => return Err(UrlError::SqliteHost),
        };
        if path.is_empty() || path == ":memory:" {
            return Err(UrlError::InMemory);
        }
        let timeout = timeout(parameters).or_else(|| timeout(query));
        Ok(Self::Sqlite { file: absolute(Path::new(&path))?, timeout })
    }

    fn check_built_in(&self) -> Result<(), UrlError> {
        let (present, scheme, feature) = match self {
            Self::Sqlite { .. } => (cfg!(feature = "sqlite"), "sqlite", "sqlite"),
            Self::Mysql(_) => (cfg!(feature = "mysql"), "mysql", "mysql"),
            Self::Postgres(_) => (cfg!(feature = "postgres"), "postgresql", "postgres"),
        };
        if present {
            return Ok(());
        }
        Err(UrlError::NotBuiltIn { scheme: scheme.to_owned(), feature })
    }
}

/// The databases of this build, for people.
fn built_in() -> String {
    let all = [
        ("sqlite", cfg!(feature = "sqlite")),
        ("mysql", cfg!(feature = "mysql")),
        ("postgresql", cfg!(feature = "postgres")),
    ];
    let names: Vec<_> =
        all.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect();
    names.join(", ")
}

fn server(rest: &str, parameters: &str) -> Result<Server, UrlError> {
    let mut server = Server::parse(rest)?;
    let before = server.parameters.len();
    let password = server.password.clone();
    server.add_parameters(parameters);
    let added = server.parameters.get(before..).unwrap_or_default();
    let secret = ["ssl_key_password", "sslpassword"];
    // The option is shown as it is: in the log, by `config dump`, in a report.
    if password != server.password || added.iter().any(|(name, _)| secret.contains(&name.as_str()))
    {
        let problem = "holds a password; that belongs into connection, which is never shown";
        return Err(UrlError::parameter("connection_parameters", problem));
    }
    Ok(server)
}

fn absolute(path: &Path) -> Result<PathBuf, UrlError> {
    std::path::absolute(path)
        .map_err(|_| UrlError::NoWorkingDirectory { path: path.display().to_string() })
}

fn timeout(query: &str) -> Option<Duration> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("timeout="))?;
    Duration::try_from_secs_f64(value.parse().ok()?).ok()
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Sqlite { file, .. } => write!(f, "sqlite:///{}", file.display()),
            Target::Mysql(server) => write!(f, "mysql://{server}"),
            Target::Postgres(server) => write!(f, "postgresql://{server}"),
        }
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

    fn file(target: Target) -> (PathBuf, Option<Duration>) {
        match target {
            Target::Sqlite { file, timeout } => (file, timeout),
            _ => panic!("not SQLite"),
        }
    }

    #[test]
    fn a_sqlite_url_is_relative_with_three_slashes_and_absolute_with_four() {
        for (url, path, seconds) in [
            ("sqlite:////var/lib/cinder/cinder.sqlite", "/var/lib/cinder/cinder.sqlite", None),
            ("sqlite:////a%20b/c", "/a b/c", None),
            ("sqlite+pysqlite:///state/c.sqlite?timeout=2.5", "state/c.sqlite", Some(2.5)),
        ] {
            let (file, timeout) = file(Target::parse(url, "").unwrap());
            assert_eq!(file, std::path::absolute(path).unwrap(), "{url}");
            assert_eq!(timeout, seconds.map(Duration::from_secs_f64), "{url}");
        }
        let (_, timeout) = file(Target::parse("sqlite:////a?timeout=1", "timeout=3").unwrap());
        assert_eq!(timeout, Some(Duration::from_secs(3)));
    }

    #[test]
    fn every_scheme_finds_its_database() {
        for (scheme, shown) in [
            ("mysql", "mysql"),
            ("mysql+pymysql", "mysql"),
            ("mysql+mysqldb", "mysql"),
            ("mariadb+pymysql", "mysql"),
            ("postgresql", "postgresql"),
            ("postgresql+psycopg2", "postgresql"),
            ("postgres", "postgresql"),
        ] {
            let url = format!("{scheme}://u:s3cret@h:1/d?connect_timeout=5");
            let target = Target::parse(&url, "plugin=x").unwrap();
            let (Target::Mysql(server) | Target::Postgres(server)) = &target else {
                panic!("{scheme} is a server");
            };
            let values = ["connect_timeout", "plugin"].map(|name| server.parameter(name));
            assert_eq!(values, [Some("5"), Some("x")]);
            let url = DatabaseUrl { target: target.clone() };
            assert_eq!(url.to_string(), format!("{shown}://u:****@h:1/d"));
            assert_eq!(format!("{url:?}"), format!("DatabaseUrl({shown}://u:****@h:1/d)"));
        }
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
            ("mysql://u:p@h", UrlError::NoDatabase),
            ("mysql://u:p@ss/w@h/d", UrlError::UnescapedPassword),
            ("mysql:p//w://u@h/d", UrlError::NotAUrl),
            ("postgresql://u:p@h", UrlError::NoDatabase),
            ("postgresql://u:p@h:x/d", UrlError::Port),
        ] {
            assert_eq!(DatabaseUrl::parse(url).unwrap_err(), expected, "{url}");
        }
    }

    #[test]
    fn a_password_is_not_taken_from_an_option_that_is_shown() {
        for parameters in ["password=s3cret", "passwd=s3cret", "a=b&ssl_key_password=s3cret"] {
            let error = DatabaseUrl::with_parameters("mysql://u:p@h/d", parameters).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("connection_parameters holds a password"), "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn a_database_that_is_not_built_in_says_how_to_build_it() {
        for (present, url, feature) in [
            (cfg!(feature = "sqlite"), "sqlite:////c", "sqlite"),
            (cfg!(feature = "mysql"), "mysql+pymysql://u:p@h/d", "mysql"),
            (cfg!(feature = "postgres"), "postgresql://u:p@h/d", "postgres"),
        ] {
            match DatabaseUrl::parse(url) {
                Ok(_) => assert!(present, "{url}"),
                Err(error) => {
                    assert!(!present, "{url}: {error}");
                    let text = error.to_string();
                    assert!(text.ends_with(&format!("--features {feature}\"")), "{text}");
                    assert!(text.contains(&built_in()), "{text}");
                }
            }
        }
    }

    #[test]
    fn no_error_shows_a_password() {
        for url in [
            "mysql://cinder:s3cret@h/d?x=1",
            "mysql://cinder:a@s3cret/b@h/d",
            "mysql://cinder:a@s3cret?b@h/d",
            "mysql://cinder:a@b?s3cret@h/d",
            "mysql://cinder:a@b/c?s3cret=/@h/d",
            "mysql:s3cret://@h/d",
            "mysql://cinder:s3cret@h:port/d",
            "foo://cinder:s3cret@h/d",
            "cinder:s3cret@h",
        ] {
            if let Err(error) = DatabaseUrl::parse(url) {
                assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
            }
        }
    }
}
