//! What the parameters of a MySQL URL mean: as PyMySQL 1.2 has it, called by SQLAlchemy.
//!
//! Must not: drop anything in silence. A parameter is obeyed, known to be harmless, or refused, and
//! what asks for protection is never understood as less than it says. Where the original forgets
//! one parameter because of another, here both count (docs/database.md has the table).
//!
//! Order: names, the option file behind the URL, files that have to be there, then what it all
//! comes to.

use std::time::Duration;

use super::{
    Server, UrlError,
    files::{directory, readable, regular_file},
    mask::Password,
    option_file::Group,
};

/// What a parameter is to us.
enum Meaning {
    /// Something in this file takes it.
    Taken,
    /// It has no effect here, and would have none worth having.
    Harmless,
    /// It asks for what cannot be had.
    Refused(&'static str),
}

const PYTHON_ONLY: Meaning = Meaning::Refused("takes an object of Python, which a URL cannot hold");
const NO_LIMIT: Meaning = Meaning::Refused(
    "cannot be kept: the client library takes no such limit from us; leave it out",
);

/// Every name that PyMySQL or SQLAlchemy knows.
const MEANINGS: [(&str, Meaning); 44] = {
    use Meaning::{Harmless, Refused, Taken};
    [
        ("database", Taken),
        ("db", Taken),
        ("host", Taken),
        ("unix_socket", Taken),
        ("bind_address", Taken),
        ("connect_timeout", Taken),
        ("init_command", Taken),
        ("sql_mode", Taken),
        ("read_default_file", Taken),
        ("read_default_group", Taken),
        ("compress", Taken),
        ("ssl_ca", Taken),
        ("ssl_capath", Taken),
        ("ssl_cert", Taken),
        ("ssl_key", Taken),
        ("ssl_key_password", Taken),
        ("ssl_cipher", Taken),
        ("ssl_check_hostname", Taken),
        ("ssl_verify_cert", Taken),
        ("ssl_verify_identity", Taken),
        ("ssl_disabled", Taken),
        ("autocommit", Harmless), // transactions are begun by name
        ("binary_prefix", Harmless),
        ("charset", Harmless),            // always utf8mb4
        ("client_flag", Harmless),        // of the Python driver
        ("collation", Harmless),          // that of the columns counts
        ("local_infile", Harmless),       // never used, so never allowed
        ("max_allowed_packet", Harmless), // of LOAD DATA
        ("plugin", Harmless),             // of SQLAlchemy
        ("program_name", Harmless),
        ("use_unicode", Harmless),
        ("port", Refused("belongs behind the host, as in host:3306")),
        ("read_timeout", NO_LIMIT),
        ("write_timeout", NO_LIMIT),
        ("server_public_key", Refused("cannot be handed to the client library; use TLS")),
        ("named_pipe", Refused("is not supported, nor is it upstream")),
        ("defer_connect", Refused("would never connect")),
        ("auth_plugin_map", PYTHON_ONLY),
        ("conv", PYTHON_ONLY),
        ("cursorclass", PYTHON_ONLY),
        ("ssl", Refused("takes an object of Python; ssl_ca and its like say what is meant")),
        (
            "ssl_mode",
            Refused(
                "is unknown to PyMySQL: ssl_ca=FILE requires TLS and verifies, \
                 ssl_check_hostname=false alone requires it without",
            ),
        ),
        ("passwd", Taken),
        ("password", Taken),
    ]
};

/// How the way to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Never encrypted.
    Off,
    /// Encrypted if the server can, as PyMySQL does without being asked.
    IfOffered,
    /// Encrypted or not at all; anybody may be at the other end.
    Required,
    /// And the certificate comes from an authority that we trust.
    Authority,
    /// And it is made out to the host that the URL names.
    Host,
}

impl Level {
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Self::Off => "TLS turned off",
            Self::IfOffered => "TLS if the server offers it, certificate not verified",
            Self::Required => "TLS required, certificate not verified",
            Self::Authority => "TLS required, certificate verified, host name not",
            Self::Host => "TLS required, certificate and host name verified",
        }
    }
}

/// The protection that a URL asks for, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) level: Level,
    /// A file of authorities; `None` below [`Level::Authority`], where it must not count.
    pub(crate) ca: Option<String>,
    /// A directory of authorities, by the hashes of their names.
    pub(crate) capath: Option<String>,
    pub(crate) cert: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) key_password: Option<Password>,
    pub(crate) cipher: Option<String>,
}

/// What a MySQL URL comes to, its option file included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Password>,
    /// `localhost` if nobody says anything, as upstream.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) database: String,
    pub(crate) unix_socket: Option<String>,
    pub(crate) bind_address: Option<String>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) init_command: Option<String>,
    pub(crate) sql_mode: Option<String>,
    pub(crate) tls: Tls,
}

impl Access {
    /// Reads the URL and the files that it names; called at each connection, so that a file that
    /// was renewed counts.
    pub(crate) fn of(server: &Server) -> Result<Self, UrlError> {
        server.check_names(known, &[])?;
        let file = option_file(server)?;
        let url = |name: &str| server.parameter(name).map(str::to_owned);
        // PyMySQL's rule: what the URL says wins, key by key.
        let either = |said: Option<String>, key: &str| {
            said.or_else(|| file.as_ref().and_then(|file| file.group.get(key)))
        };
        if flag(server, "compress")? == Some(true) {
            return Err(UrlError::parameter("compress", "is not supported, nor is it upstream"));
        }
        let password = either(server.password.as_ref().map(|p| p.reveal().to_owned()), "password");
        let database = url("database").or_else(|| url("db")).or_else(|| server.database.clone());
        let host = either(url("host").or_else(|| server.host.clone()), "host");
        let port = match (server.port, either(None, "port")) {
            (None, Some(text)) => Some(text.parse().map_err(|_| UrlError::Port)?),
            (port, _) => port,
        };
        let access = Self {
            user: either(server.user.clone(), "user"),
            password: password.map(Password::new),
            host: host.unwrap_or_else(|| "localhost".to_owned()),
            port,
            database: either(database, "database").ok_or(UrlError::NoDatabase)?,
            unix_socket: either(url("unix_socket"), "socket"),
            bind_address: either(url("bind_address"), "bind-address"),
            connect_timeout: connect_timeout(server)?,
            init_command: url("init_command"),
            sql_mode: url("sql_mode"),
            tls: tls(server, &either)?,
        };
        if let Some(file) = &file {
            file.check_the_rest(access.tls.level)?;
        }
        access.check()?;
        Ok(access)
    }

    /// Whether the host is an address that needs brackets.
    pub(crate) fn is_ipv6(&self) -> bool {
        self.host.contains(':')
    }

    /// Refuses what the client library could not be told.
    fn check(&self) -> Result<(), UrlError> {
        let tls = &self.tls;
        let plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        };
        if self.is_ipv6() {
            if self.host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(UrlError::Host);
            }
        } else if !plain(&self.host) {
            return Err(UrlError::Host);
        }
        let by_address = self.is_ipv6() && self.unix_socket.is_none();
        if by_address && tls.level != Level::IfOffered {
            let problem = "cannot be enforced with an IPv6 address, which the client library takes \
                           without options; give the server a name, a line in /etc/hosts will do";
            return Err(UrlError::parameter("ssl_*", problem));
        }
        if let Some(address) = &self.bind_address {
            if by_address || !plain(address) {
                return Err(UrlError::parameter("bind_address", "works with IPv4 and names only"));
            }
            if matches!(tls.level, Level::Required | Level::Authority) {
                let problem = "works together with ssl_* only where the host name is verified";
                return Err(UrlError::parameter("bind_address", problem));
            }
        }
        if tls.level == Level::Host && self.unix_socket.is_some() && self.host != "localhost" {
            let problem = "with TLS is verified for localhost; the URL must name that host or none";
            return Err(UrlError::parameter("unix_socket", problem));
        }
        let passable = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"#%/:<>?@[\\]^|{}".contains(&byte))
        };
        if tls.cipher.as_ref().is_some_and(|list| !passable(&list.replace([':', ' '], ","))) {
            let problem = "has a character that cannot be handed to the client library";
            return Err(UrlError::parameter("ssl_cipher", problem));
        }
        if tls.key_password.as_ref().is_some_and(|password| !passable(password.reveal())) {
            let problem = "has a character that cannot be handed to the client library";
            return Err(UrlError::parameter("ssl_key_password", problem));
        }
        Ok(())
    }
}

/// The parameters that have no effect.
pub(super) fn harmless(server: &Server) -> Vec<&str> {
    let is_harmless = |name: &&str| {
        MEANINGS
            .iter()
            .any(|(known, meaning)| known == name && matches!(meaning, Meaning::Harmless))
    };
    server.parameters.iter().map(|(name, _)| name.as_str()).filter(is_harmless).collect()
}

fn known(name: &str) -> Result<(), UrlError> {
    match MEANINGS.iter().find(|(known, _)| *known == name) {
        Some((_, Meaning::Taken | Meaning::Harmless)) => Ok(()),
        Some((_, Meaning::Refused(why))) => Err(UrlError::parameter(name, *why)),
        None => Err(UrlError::parameter(name, "is unknown")),
    }
}

/// An option file, with its name for complaints.
struct OptionFile {
    path: String,
    section: String,
    group: Group,
}

fn option_file(server: &Server) -> Result<Option<OptionFile>, UrlError> {
    let section = server.parameter("read_default_group");
    let path = match (server.parameter("read_default_file"), section) {
        (Some(path), _) => path,
        (None, Some(_)) => "/etc/my.cnf",
        (None, None) => return Ok(None),
    };
    let section = section.unwrap_or("client").to_owned();
    let group = Group::read(path, &section).map_err(|problem| {
        UrlError::parameter("read_default_file", format!("cannot be used: {path:?}: {problem}"))
    })?;
    Ok(Some(OptionFile { path: path.to_owned(), section, group }))
}

impl OptionFile {
    /// PyMySQL looks at a few keys and passes over all others. Those about protection are not
    /// passed over here, unless the session is protected as they want it.
    fn check_the_rest(&self, level: Level) -> Result<(), UrlError> {
        for key in self.group.keys() {
            let name = key.trim_start_matches("loose-");
            let fine = match name {
                "ssl-ca" | "ssl-capath" | "ssl-cert" | "ssl-key" | "ssl-password"
                | "ssl-cipher" => key == name,
                "ssl" => level >= Level::Required,
                "ssl-verify-server-cert" => level == Level::Host,
                other => !other.starts_with("ssl") && !other.starts_with("tls"),
            };
            if !fine {
                let (path, section) = (&self.path, &self.section);
                let problem = format!(
                    "leads to {path:?}, where [{section}] has {key:?}: PyMySQL passes over it, so \
                     it protects nothing; say what is meant with ssl_ parameters"
                );
                return Err(UrlError::parameter("read_default_file", problem));
            }
        }
        Ok(())
    }
}

/// What all of `ssl_*` together ask for.
fn tls(
    server: &Server,
    either: &dyn Fn(Option<String>, &str) -> Option<String>,
) -> Result<Tls, UrlError> {
    let url = |name: &str| server.parameter(name).map(str::to_owned);
    let asked = server.parameters.iter().any(|(name, _)| name.starts_with("ssl_"));
    let mut tls = Tls {
        level: Level::IfOffered,
        ca: either(url("ssl_ca"), "ssl-ca"),
        capath: either(url("ssl_capath"), "ssl-capath"),
        cert: either(url("ssl_cert"), "ssl-cert"),
        key: either(url("ssl_key"), "ssl-key"),
        key_password: either(url("ssl_key_password"), "ssl-password").map(Password::new),
        cipher: either(url("ssl_cipher"), "ssl-cipher"),
    };
    let has_ca = tls.ca.is_some() || tls.capath.is_some();
    let [check_hostname, identity, disabled] =
        ["ssl_check_hostname", "ssl_verify_identity", "ssl_disabled"]
            .map(|name| flag(server, name));
    let (check_hostname, identity) = (check_hostname?, identity?);
    let verify_cert = verify_cert(server)?;
    let files = [("ssl_ca", &tls.ca), ("ssl_cert", &tls.cert), ("ssl_key", &tls.key)];
    for (name, path) in files {
        readable(name, path.as_deref(), regular_file)?;
    }
    readable("ssl_capath", tls.capath.as_deref(), directory)?;
    if tls.cert.is_none() && (tls.key.is_some() || tls.key_password.is_some()) {
        return Err(UrlError::parameter("ssl_key", "needs the certificate: ssl_cert"));
    }
    if verify_cert == Some(false) && check_hostname == Some(true) {
        let problem =
            "asks to check a host name in a certificate that ssl_verify_cert leaves alone";
        return Err(UrlError::parameter("ssl_check_hostname", problem));
    }
    let something = asked || has_ca || tls.cert.is_some() || tls.cipher.is_some();
    tls.level = match (identity, verify_cert, check_hostname) {
        _ if disabled? == Some(true) => Level::Off,
        (Some(true), _, _) => Level::Host,
        (_, Some(false), _) => Level::Required,
        (_, Some(true), Some(false)) => Level::Authority,
        (_, Some(true), _) => Level::Host,
        (_, None, Some(false)) if has_ca => Level::Authority,
        (_, None, Some(true)) => Level::Host,
        (_, None, _) if has_ca => Level::Host,
        (_, None, _) if something && !only_disabled(server) => Level::Required,
        (_, None, _) => Level::IfOffered,
    };
    if tls.level < Level::Authority {
        (tls.ca, tls.capath) = (None, None);
    }
    Ok(tls)
}

/// `ssl_disabled=false` says nothing, and is no wish for TLS either.
fn only_disabled(server: &Server) -> bool {
    let mut about = server.parameters.iter().filter(|(name, _)| name.starts_with("ssl_"));
    about.all(|(name, _)| name == "ssl_disabled")
}

fn connect_timeout(server: &Server) -> Result<Option<Duration>, UrlError> {
    let Some(text) = server.parameter("connect_timeout") else { return Ok(None) };
    match text.trim().parse() {
        Ok(seconds @ 1..=31_536_000) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(UrlError::parameter("connect_timeout", "is not a number from 1 to 31536000")),
    }
}

/// A truth value as SQLAlchemy reads it. PyMySQL takes any text for true where SQLAlchemy does not
/// look; a `false` there never meant more protection, so it is read as it is written.
fn flag(server: &Server, name: &str) -> Result<Option<bool>, UrlError> {
    let Some(text) = server.parameter(name) else { return Ok(None) };
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "t" | "1" => Ok(Some(true)),
        "false" | "no" | "off" | "n" | "f" | "0" => Ok(Some(false)),
        _ => Err(UrlError::parameter(name, "is neither true nor false")),
    }
}

/// PyMySQL has more words for it; for a client, "optional" is what "required" is.
fn verify_cert(server: &Server) -> Result<Option<bool>, UrlError> {
    let name = "ssl_verify_cert";
    match server.parameter(name).map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        Some("none") => Ok(Some(false)),
        Some("optional" | "required") => Ok(Some(true)),
        _ => flag(server, name),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn access(query: &str) -> Result<Access, UrlError> {
        Access::of(&Server::parse(&format!("u:p@h:3306/d?{query}")).unwrap())
    }

    fn problem(query: &str) -> String {
        access(query).unwrap_err().to_string()
    }

    /// A directory with files of these names.
    fn files(names: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in names {
            fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn parameters_come_to_a_level() {
        let directory = files(&[("ca", ""), ("cert", ""), ("key", "")]);
        let place = directory.path().display();
        for (query, expected) in [
            ("", Level::IfOffered),
            ("charset=utf8mb4&plugin=dbcounter", Level::IfOffered),
            ("ssl_ca={}/ca", Level::Host),
            ("ssl_capath={}", Level::Host),
            ("ssl_ca={}/ca&ssl_check_hostname=true", Level::Host),
            ("ssl_ca={}/ca&ssl_check_hostname=off", Level::Authority),
            ("ssl_ca={}/ca&ssl_verify_cert=true", Level::Host),
            ("ssl_ca={}/ca&ssl_verify_cert=required&ssl_check_hostname=false", Level::Authority),
            ("ssl_ca={}/ca&ssl_verify_cert=false", Level::Required),
            ("ssl_ca={}/ca&ssl_verify_cert=none&ssl_verify_identity=true", Level::Host),
            ("ssl_ca={}/ca&ssl_verify_identity=false", Level::Host),
            ("ssl_verify_cert=true", Level::Host),
            ("ssl_verify_cert=true&ssl_check_hostname=false", Level::Authority),
            ("ssl_verify_identity=1", Level::Host),
            ("ssl_verify_identity=0", Level::Required),
            ("ssl_check_hostname=true", Level::Host),
            ("ssl_check_hostname=false", Level::Required),
            ("ssl_cipher=DEFAULT", Level::Required),
            ("ssl_cert={}/cert&ssl_key={}/key", Level::Required),
            ("ssl_disabled=true", Level::Off),
            ("ssl_disabled=true&ssl_ca={}/ca", Level::Off),
            ("ssl_disabled=false", Level::IfOffered),
            ("ssl_disabled=false&ssl_ca={}/ca", Level::Host),
        ] {
            let query = query.replace("{}", &place.to_string());
            let tls = access(&query).unwrap().tls;
            assert_eq!(tls.level, expected, "{query}");
            // An authority must not be looked at where none shall be.
            let has_ca = query.contains("/ca") || query.contains("capath");
            let counts = tls.ca.is_some() || tls.capath.is_some();
            assert_eq!(counts, has_ca && expected >= Level::Authority, "{query}");
        }
    }

    #[test]
    fn what_cannot_be_obeyed_is_refused_with_its_name() {
        for (query, expected) in [
            ("ssl_mode=REQUIRED", "ssl_mode is unknown to PyMySQL"),
            ("sslmode=require", "sslmode is unknown"),
            ("ssl_ca=/nowhere/ca.pem", "ssl_ca names \"/nowhere/ca.pem\", which cannot be used"),
            ("ssl_ca=/dev/null", "no regular file"),
            ("ssl_capath=/nowhere", "ssl_capath names"),
            ("ssl_ca=", "ssl_ca has no value"),
            ("read_default_file", "read_default_file has no value"),
            ("read_default_file=/nowhere/my.cnf", "cannot be used: \"/nowhere/my.cnf\""),
            ("ssl_verify_cert=maybe", "ssl_verify_cert is neither true nor false"),
            ("ssl_verify_cert=false&ssl_check_hostname=true", "ssl_check_hostname asks"),
            ("ssl_key=/dev/null", "no regular file"),
            ("ssl_key_password=x", "ssl_key needs the certificate"),
            ("ssl_cipher=DEFAULT@SECLEVEL=1", "ssl_cipher has a character"),
            ("ssl_cipher=A&ssl_cipher=B", "ssl_cipher is given more than once"),
            ("connect_timeout=0", "connect_timeout is not a number"),
            ("read_timeout=30", "read_timeout cannot be kept"),
            ("bind_address=::1", "bind_address works with IPv4"),
            ("bind_address=127.0.0.1&ssl_check_hostname=false", "bind_address works together"),
            ("unix_socket=/s&ssl_verify_identity=true", "unix_socket with TLS is verified"),
            ("compress=true", "compress is not supported"),
            ("cursorclass=x", "cursorclass takes an object of Python"),
            ("port=3306", "port belongs behind the host"),
            ("x%20y=1", "(not shown) is unknown"),
        ] {
            let text = problem(query);
            assert!(text.contains(expected), "{query}: {text}");
        }
    }

    #[test]
    fn a_host_that_the_library_would_misread_is_refused() {
        for (rest, refused) in [
            ("u:p@h_1.x-y/d", false),
            ("u:p@[::1]/d", false),
            ("u:p@h1,h2/d", true),
            ("u:p@h;ssl-enforce=0/d", true),
            ("u:p@[::1;x]/d", true),
            ("u:p@[::1]/d?ssl_check_hostname=false", true),
            ("u:p@[::1]/d?ssl_disabled=true", true),
        ] {
            let result = Access::of(&Server::parse(rest).unwrap());
            assert_eq!(result.is_err(), refused, "{rest}: {result:?}");
        }
    }

    #[test]
    fn an_option_file_stands_behind_the_url() {
        let text = "[client]\nuser=c\n[site]\nuser=f\npassword='s e'\nhost=fh\nport=1\n\
                    database=fd\nbind-address=127.0.0.9\nssl-ca={}/ca\nssl_cipher=X\nskip-foo\n";
        let directory = files(&[("ca", "")]);
        let place = directory.path().display().to_string();
        let path = directory.path().join("my.cnf");
        fs::write(&path, text.replace("{}", &place)).unwrap();
        let query = format!("read_default_file={}&read_default_group=site", path.display());
        let of = |rest: &str| Access::of(&Server::parse(&format!("{rest}?{query}")).unwrap());
        let access = of("/").unwrap();
        assert_eq!((access.user.as_deref(), access.port), (Some("f"), Some(1)));
        assert_eq!(access.password.map(|p| p.reveal().to_owned()).as_deref(), Some("s e"));
        assert_eq!((access.host.as_str(), access.database.as_str()), ("fh", "fd"));
        assert_eq!(access.bind_address.as_deref(), Some("127.0.0.9"));
        assert_eq!(access.tls.ca, Some(format!("{place}/ca")));
        assert_eq!((access.tls.level, access.tls.cipher.as_deref()), (Level::Host, Some("X")));
    }

    #[test]
    fn an_option_file_that_asks_for_more_than_it_gets_is_refused() {
        for (text, refused) in [
            ("[client]\nssl-mode=REQUIRED\n", true),
            ("[client]\nssl\n", true),
            ("[client]\nloose-ssl-verify-server-cert\n", true),
            ("[client]\nssl-ca={}/ca\nssl\nssl-verify-server-cert=1\n", false),
            ("[mysql]\nssl-mode=REQUIRED\n[client]\nuser=x\n", false),
            ("[mysql]\n", true),
        ] {
            let directory = files(&[("ca", "")]);
            let path = directory.path().join("my.cnf");
            let text = text.replace("{}", &directory.path().display().to_string());
            fs::write(&path, &text).unwrap();
            let result = access(&format!("read_default_file={}", path.display()));
            assert_eq!(result.is_err(), refused, "{text}: {result:?}");
        }
    }

    #[test]
    fn every_other_parameter_is_taken_or_harmless() {
        let query = "unix_socket=/s&connect_timeout=7&init_command=SET+x%3D1&sql_mode=ANSI&database=e\
                     &compress=false&charset=utf8&use_unicode=1&autocommit=true&local_infile=1";
        let server = Server::parse(&format!("u:p@localhost/d?{query}")).unwrap();
        let access = Access::of(&server).unwrap();
        assert_eq!(access.unix_socket.as_deref(), Some("/s"));
        assert_eq!(access.connect_timeout, Some(Duration::from_secs(7)));
        assert_eq!(access.init_command.as_deref(), Some("SET x=1"));
        assert_eq!((access.sql_mode.as_deref(), access.database.as_str()), (Some("ANSI"), "e"));
        assert_eq!(harmless(&server), ["charset", "use_unicode", "autocommit", "local_infile"]);
    }
}
