//! What the parameters of a PostgreSQL URL mean: as SQLAlchemy hands them to psycopg2, and that to
//! libpq, which is our library as well.
//!
//! Must not: set what nobody said. Without `sslmode` libpq's rule holds, which is `prefer` unless
//! its environment (`PGSSLMODE`) says otherwise; an explicit value would override that.

use super::{
    Server, UrlError,
    files::{directory, readable, regular_file},
};

/// The options of libpq up to release 18. One that the installed library does not have it refuses.
const OPTIONS: [&str; 54] = [
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    // Below, what does not go through as it is.
    "database",
    "dbname",
    "host",
    "password",
    "plugin",
    "port",
    "user",
];

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// The options of one connection, in the form of libpq.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Access {
    /// Keywords and values, each keyword once.
    pub(crate) pairs: Vec<(String, String)>,
}

impl Access {
    /// Reads the URL, and looks whether the files that it names are there.
    pub(crate) fn of(server: &Server) -> Result<Self, UrlError> {
        server.check_names(known, &["host", "port"])?;
        let names = ["dbname", "database"];
        let database = names.iter().find_map(|name| server.parameter(name));
        let database = database.or(server.database.as_deref()).ok_or(UrlError::NoDatabase)?;
        let (hosts, ports) = hosts(server)?;
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut add = |key: &str, value: Option<&str>| {
            pairs.extend(value.map(|value| (key.to_owned(), value.to_owned())));
        };
        add("user", server.user.as_deref());
        add("password", server.password.as_ref().map(|password| password.reveal()));
        add("host", hosts.as_deref().or(server.host.as_deref()));
        let port = server.port.map(|port| port.to_string());
        add("port", ports.as_deref().or(port.as_deref()));
        add("dbname", Some(database));
        for (key, value) in &server.parameters {
            let apart = ["host", "port", "dbname", "database", "plugin"].contains(&key.as_str());
            if !apart && !value.is_empty() {
                add(key, Some(value));
            }
        }
        let access = Self { pairs };
        access.check()?;
        Ok(access)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// libpq takes a certificate that is not there for none, and then verifies less.
    fn check(&self) -> Result<(), UrlError> {
        if self.get("sslmode").is_some_and(|mode| !MODES.contains(&mode)) {
            let problem = format!("is not one of {}", MODES.join(", "));
            return Err(UrlError::parameter("sslmode", problem));
        }
        for name in ["sslrootcert", "sslcert", "sslkey", "sslcrl"] {
            let path = self.get(name).filter(|path| (name, *path) != ("sslrootcert", "system"));
            // Keys of hardware have names of another form.
            readable(name, path.filter(|path| path.contains('/')), regular_file)?;
        }
        readable("sslcrldir", self.get("sslcrldir"), directory)
    }

    pub(crate) fn wanted(&self) -> &'static str {
        match self.get("sslmode") {
            Some("disable") => "TLS turned off",
            Some("allow") => "TLS if the server insists, certificate not verified",
            Some("prefer") => "TLS if the server offers it, certificate not verified",
            Some("require") => "TLS required, certificate verified only against sslrootcert",
            Some("verify-ca") => "TLS required, certificate verified, host name not",
            Some("verify-full") => "TLS required, certificate and host name verified",
            _ => "sslmode not given: TLS if the server offers it, unless PGSSLMODE says otherwise",
        }
    }
}

/// Without values: some are secrets.
impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(key, _)| key)).finish()
    }
}

pub(super) fn harmless(server: &Server) -> Vec<&str> {
    let names = server.parameters.iter().map(|(name, _)| name.as_str());
    names.filter(|name| *name == "plugin").collect()
}

fn known(name: &str) -> Result<(), UrlError> {
    match name {
        name if OPTIONS.contains(&name) => Ok(()),
        "connection_factory" | "cursor_factory" | "async" | "async_" => {
            Err(UrlError::parameter(name, "takes an object of Python, which a URL cannot hold"))
        }
        _ => Err(UrlError::parameter(name, "is unknown")),
    }
}

/// Hosts and ports of the parameters, as libpq lists them: SQLAlchemy's rules, which know
/// `host=A:1&host=B:2` and `host=A,B&port=1,2`, but not a mixture.
fn hosts(server: &Server) -> Result<(Option<String>, Option<String>), UrlError> {
    let given: Vec<&str> = server.values("host").collect();
    let ports: Vec<&str> = server.values("port").flat_map(|port| port.split(',')).collect();
    let (hosts, ports): (Vec<&str>, Vec<&str>) = match given.as_slice() {
        [one] if ports.is_empty() && is_host_and_port(one) => {
            one.split_once(':').into_iter().unzip()
        }
        [one] if ports.is_empty() => one.split(',').map(|host| (host, "")).unzip(),
        [] | [_] => (given.iter().flat_map(|host| host.split(',')).collect(), ports),
        // With several, SQLAlchemy reads each colon as the beginning of a port.
        _ if ports.is_empty() => {
            given.iter().map(|host| host.split_once(':').unwrap_or((host, ""))).unzip()
        }
        _ => {
            let problem = "is repeated: then its ports stand there, too, as in host=A:1&host=B:2";
            return Err(UrlError::parameter("host", problem));
        }
    };
    if !ports.iter().all(|port| port.is_empty() || port.parse::<u16>().is_ok()) {
        return Err(UrlError::Port);
    }
    let several = hosts.len() > 1 || ports.len() > 1;
    if several && !ports.is_empty() && hosts.len() != ports.len() {
        return Err(UrlError::parameter("host", "does not come as often as port"));
    }
    let list = |all: &[&str]| Some(all.join(",")).filter(|text| !text.is_empty());
    Ok((list(&hosts), list(&ports)))
}

fn is_host_and_port(text: &str) -> bool {
    text.split_once(':').is_some_and(|(host, port)| {
        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
            && port.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(rest: &str) -> Result<Access, UrlError> {
        Access::of(&Server::parse(rest).unwrap())
    }

    /// Host and port, as libpq gets them; each line is what SQLAlchemy 2.1 makes of that URL.
    #[test]
    fn several_hosts_are_listed_as_sqlalchemy_lists_them() {
        for (rest, host, port) in [
            ("/d?host=a:1&host=b:2", "a,b", "1,2"),
            ("/d?host=a:1", "a", "1"),
            ("/d?host=a", "a", "-"),
            ("/d?host=a&host=b", "a,b", ","),
            ("/d?host=a&host=b:2", "a,b", ",2"),
            ("h:7/d?host=a&host=b:2", "a,b", ",2"),
            ("/d?host=a,b&port=1,2", "a,b", "1,2"),
            ("/d?host=a,b", "a,b", ","),
            ("/d?host=a&port=9", "a", "9"),
            ("/d?port=9", "-", "9"),
            ("h:7/d?port=9", "h", "9"),
            ("h:7/d?host=a", "a", "7"),
            ("/d?host=/run/pg", "/run/pg", "-"),
            ("/d?host=::1", "::1", "-"),
            ("[::1]:7/d", "::1", "7"),
            ("a,b/d", "a,b", "-"),
        ] {
            let access = access(rest).unwrap();
            let found = [access.get("host"), access.get("port")].map(|part| part.unwrap_or("-"));
            assert_eq!(found, [host, port], "{rest}");
        }
    }

    #[test]
    fn what_is_unknown_or_contradicts_itself_is_refused() {
        for (query, expected) in [
            ("ssl_ca=/x", "ssl_ca is unknown"),
            ("charset=utf8", "charset is unknown"),
            ("sslmode=required", "sslmode is not one of disable"),
            ("sslmode=", "sslmode has no value"),
            ("sslmode=require&sslmode=disable", "sslmode is given more than once"),
            ("sslrootcert=/nowhere/ca.pem", "sslrootcert names"),
            ("host=a:1&host=b:2&port=3", "host is repeated"),
            ("host=a&host=b&port=3&port=4", "host is repeated"),
            ("host=a,b,c&port=3,4", "host does not come as often as port"),
            ("host=a:x&host=b", "the port"),
            ("cursor_factory=x", "takes an object of Python"),
        ] {
            let text = access(&format!("u:p@/d?{query}")).unwrap_err().to_string();
            assert!(text.contains(expected), "{query}: {text}");
        }
    }

    #[test]
    fn everything_else_goes_through() {
        let query = "sslmode=verify-full&sslrootcert=system&sslkey=pkcs11%3Ax&options=-c%20a%3Db";
        let access = access(&format!("u:p@h/d?{query}&dbname=e&plugin=p")).unwrap();
        let pairs: Vec<_> =
            access.pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let expected = "user=u password=p host=h dbname=e sslmode=verify-full sslrootcert=system \
                        sslkey=pkcs11:x options=-c a=b";
        assert_eq!(pairs.join(" "), expected);
        assert_eq!(access.wanted(), "TLS required, certificate and host name verified");
    }
}
