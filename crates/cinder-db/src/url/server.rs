//! The part of a SQLAlchemy URL behind the scheme, for databases that are servers.
//!
//! Must not: know what a client library makes of it; that is `dialect`'s.

use std::fmt;

use super::{UrlError, mask::Password, percent};

/// Where a server is and how to log in.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Server {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Password>,
    /// A name or an address; IPv6 without brackets. `None`: what the parameters say, or the
    /// library's default.
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) database: Option<String>,
    /// What follows `?`, decoded, in order.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Server {
    /// Parses `user:password@host:port/database?parameters` the way SQLAlchemy does.
    ///
    /// The user ends at the first `:`, the password at the first `@`; whatever else they
    /// hold has to be percent-encoded. An `@` behind it is therefore most often the end of a
    /// password, and what stands in front of it would be taken for a host and shown.
    pub(super) fn parse(rest: &str) -> Result<Self, UrlError> {
        let (login, rest) = match login_end(rest) {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => ("", rest),
        };
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, query),
            None => (rest, ""),
        };
        let (address, database) = match rest.split_once('/') {
            Some((address, database)) => (address, database),
            None => (rest, ""),
        };
        if rest.contains('@') || has_end_of_login(query) {
            return Err(UrlError::UnescapedPassword);
        }
        let (host, port) = address_parts(address)?;
        let mut server = Self {
            user: some(percent::decode(user)),
            password: password.map(percent::decode).map(Password::new),
            host: some(host.to_owned()),
            port,
            database: some(percent::decode(database)),
            parameters: Vec::new(),
        };
        server.add_parameters(query);
        Ok(server)
    }

    /// Adds `a=1&b=2`. A user or password among them takes the place of the URL's.
    pub(super) fn add_parameters(&mut self, query: &str) {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // Only here, as in forms, a plus stands for a space.
            let [key, value] = [key, value].map(|part| percent::decode(&part.replace('+', " ")));
            match key.as_str() {
                "password" | "passwd" => self.password = Some(Password::new(value)),
                "user" => self.user = Some(value),
                _ => self.parameters.push((key, value)),
            }
        }
    }

    /// The value of a parameter; one without a text counts as absent, as upstream has it.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// All values of a parameter that may be repeated.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.parameters.iter().filter(move |(key, _)| key == name);
        values.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Refuses what nobody knows, and what would be dropped in silence otherwise.
    ///
    /// Upstream's parser passes over a parameter without a value. That is harmless where the
    /// parameter is, but one that is about protection was meant to have an effect.
    pub(super) fn check_names(
        &self,
        known: impl Fn(&str) -> Result<(), UrlError>,
        repeatable: &[&str],
    ) -> Result<(), UrlError> {
        // Then they may be the rest of a password, names included.
        let veiled =
            self.parameters.iter().any(|(name, value)| (name.clone() + value).contains('@'));
        for (at, (name, value)) in self.parameters.iter().enumerate() {
            known(name).map_err(|error| match error {
                UrlError::Parameter { problem, .. } if veiled => UrlError::parameter("?", problem),
                error => error,
            })?;
            if value.is_empty() && (name.contains("ssl") || name.starts_with("read_default")) {
                return Err(UrlError::parameter(name, "has no value"));
            }
            let before = self.parameters.get(..at).unwrap_or_default();
            let again = before.iter().any(|(other, _)| other == name);
            if again && !repeatable.contains(&name.as_str()) {
                return Err(UrlError::parameter(name, "is given more than once"));
            }
        }
        Ok(())
    }
}

/// Where the login ends: the first `@` behind the password, or before the host begins.
fn login_end(rest: &str) -> Option<usize> {
    let at = rest.find('@')?;
    let colon = rest.find(':').filter(|colon| *colon < at);
    // Without a password in front, an `@` behind a slash or a question mark belongs to
    // what follows there.
    let end_of_user = rest.find(['/', '?']).unwrap_or(rest.len());
    match colon {
        Some(colon) if colon < end_of_user => Some(at),
        None if at < end_of_user => Some(at),
        _ => None,
    }
}

/// Whether a query begins with the rest of a password: `w@host/cinder` has an `@` before any `=`,
/// or one in front of a host and a database.
fn has_end_of_login(query: &str) -> bool {
    let Some((before, behind)) = query.split_once('@') else { return false };
    let in_name = before.rsplit('&').next().is_some_and(|pair| !pair.contains('='));
    let host = behind.split(['/', '&']).next().unwrap_or_default();
    let database = behind.get(host.len()..).is_some_and(|rest| rest.starts_with('/'));
    in_name || (database && !before.ends_with('/') && !before.contains("=/"))
}

fn address_parts(address: &str) -> Result<(&str, Option<u16>), UrlError> {
    let (host, port) = match address.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']').ok_or(UrlError::Address)?,
        None => address.split_at(address.find(':').unwrap_or(address.len())),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some("") => None,
        Some(digits) => Some(digits.parse().map_err(|_| UrlError::Port)?),
        None => return Err(UrlError::Address),
    };
    Ok((host, port))
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// `user:****@host:port/database`, without parameters: some are secrets.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            f.write_str(user)?;
        }
        if self.password.is_some() {
            f.write_str(":****")?;
        }
        if self.user.is_some() || self.password.is_some() {
            f.write_str("@")?;
        }
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]")?,
            Some(host) => f.write_str(host)?,
            None => {}
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.database.as_deref().unwrap_or_default())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// User, password, host, port, database, parameters.
    fn parts(rest: &str) -> [String; 6] {
        let server = Server::parse(rest).unwrap();
        let parameters: Vec<_> =
            server.parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let text = |part: Option<String>| part.unwrap_or_else(|| "-".into());
        [
            text(server.user),
            text(server.password.map(|password| password.reveal().to_owned())),
            text(server.host),
            text(server.port.map(|port| port.to_string())),
            text(server.database),
            parameters.join("&"),
        ]
    }

    #[test]
    fn every_part_is_found_and_may_be_absent() {
        for (rest, expected) in [
            ("u:p@h:3306/d", ["u", "p", "h", "3306", "d", ""]),
            ("u:p@h/d?charset=utf8&x=1", ["u", "p", "h", "-", "d", "charset=utf8&x=1"]),
            ("u@h/d", ["u", "-", "h", "-", "d", ""]),
            ("u:@h/d", ["u", "", "h", "-", "d", ""]),
            ("h/d", ["-", "-", "h", "-", "d", ""]),
            ("h:1/d", ["-", "-", "h", "1", "d", ""]),
            ("h:/d", ["-", "-", "h", "-", "d", ""]),
            ("/d", ["-", "-", "-", "-", "d", ""]),
            ("u:p@/d?host=/run/pg", ["u", "p", "-", "-", "d", "host=/run/pg"]),
            ("u:p@[2001:db8::1]:5432/d", ["u", "p", "2001:db8::1", "5432", "d", ""]),
            ("[::1]/d", ["-", "-", "::1", "-", "d", ""]),
            ("h", ["-", "-", "h", "-", "-", ""]),
            ("h/d?mail=a@b", ["-", "-", "h", "-", "d", "mail=a@b"]),
            ("u:p@h/d?ssl_ca=/a@b/c", ["u", "p", "h", "-", "d", "ssl_ca=/a@b/c"]),
        ] {
            assert_eq!(parts(rest), expected, "{rest}");
        }
    }

    #[test]
    fn user_password_and_database_are_percent_decoded() {
        assert_eq!(
            parts("us%40er:p%40ss%2Fw%3Ard+x@h/my%20db"),
            ["us@er", "p@ss/w:rd+x", "h", "-", "my db", ""]
        );
        // Nobody has to escape what cannot be mistaken.
        assert_eq!(parts("u:p/w:?x@h/d"), ["u", "p/w:?x", "h", "-", "d", ""]);
    }

    #[test]
    fn parameters_are_decoded_and_may_hold_the_login() {
        assert_eq!(
            parts("h/d?a=x+y%26z&b&user=u&password=s%20t"),
            ["u", "s t", "h", "-", "d", "a=x y&z&b="]
        );
        let server = Server::parse("h/d?a=1&a=2").unwrap();
        assert_eq!(server.values("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(server.parameter("b"), None);
    }

    #[test]
    fn a_password_with_an_at_sign_is_refused_and_not_taken_for_a_host() {
        for rest in [
            "u:p@ss/w@h/d",
            "u:p@ss@h/d",
            "u:p@ss#w@h:3306/d",
            "u:p@ss?w@h/d",
            "u:p@s/s?a=w@h/d",
            "u:p@s/s?a=w@h:3306/d?charset=utf8",
        ] {
            let error = Server::parse(rest).unwrap_err();
            assert_eq!(error, UrlError::UnescapedPassword, "{rest}");
            let text = error.to_string();
            assert!(["%40", "%2F", "%23"].iter().all(|code| text.contains(code)), "{text}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for (rest, expected) in [
            ("u:p@h:port/d", UrlError::Port),
            ("u:p@h:70000/d", UrlError::Port),
            ("u:p@[::1/d", UrlError::Address),
            ("u:p@[::1]x/d", UrlError::Address),
        ] {
            assert_eq!(Server::parse(rest).unwrap_err(), expected, "{rest}");
        }
    }

    #[test]
    fn it_is_shown_without_password_and_parameters() {
        for (rest, shown) in [
            ("u:s3cret@h:1/d?sslpassword=s3cret", "u:****@h:1/d"),
            ("u@[::1]:5432/d", "u@[::1]:5432/d"),
            ("/d?host=/run", "/d"),
        ] {
            let server = Server::parse(rest).unwrap();
            assert_eq!(server.to_string(), shown);
        }
        let debug = format!("{:?}", Server::parse("u:s3cret@h/d?sslpassword=s3cret").unwrap());
        assert!(!debug.contains("s3cret"), "{debug}");
    }
}
