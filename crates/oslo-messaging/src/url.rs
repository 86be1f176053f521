//! Transport URLs: `rabbit://user:password@host:port,…/vhost?option=value`, `fake://`, `local:`.
//!
//! The grammar is that of the original's library, found by running it (`spec/rpc.md` §8,
//! `tests/data/transport-url-vectors.json`), where that is not an accident: what would silently
//! turn the rest of a password into a port, a virtual host or an option is refused. Must not: show
//! a password, resolve a name, open anything.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::error::UrlError;
use crate::options::RabbitOptions;
use crate::secret::Secret;

/// Where messages go.
#[derive(Debug, Clone, PartialEq)]
pub enum Transport {
    /// A RabbitMQ broker.
    Rabbit(Box<Broker>),
    /// In this process, for tests.
    Fake,
    /// Unix sockets of this machine; ours alone.
    Local,
}

/// A broker with all that is needed to reach it.
#[derive(Debug, Clone, PartialEq)]
pub struct Broker {
    /// Its nodes, in the order of the URL; never empty.
    pub hosts: Vec<BrokerHost>,
    /// Never empty; the broker's own is `/`.
    pub virtual_host: String,
    /// Those of the configuration, with the query of the URL over them.
    pub options: RabbitOptions,
    /// The options among them that the query has set.
    pub from_url: Vec<String>,
    /// `[oslo_concurrency] lock_path`, which a caller sets: where the lock is that `use_queue_manager`
    /// needs.
    pub lock_path: Option<PathBuf>,
}

/// One node of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerHost {
    /// Name or address, without brackets.
    pub name: String,
    /// TCP port.
    pub port: u16,
    /// Who we are there.
    pub user: String,
    /// And the proof of it.
    pub password: Secret,
}

/// What the broker's library takes for a host without user or password.
const GUEST: &str = "guest";
/// Without TLS and with it, as upstream.
const PORT: u16 = 5672;

impl Transport {
    /// Reads a URL; `options` are those of `[oslo_messaging_rabbit]`, which its query overrides.
    ///
    /// # Errors
    ///
    /// [`UrlError`]; none of its texts holds a part of a password.
    pub fn parse(url: &str, options: &RabbitOptions) -> Result<Self, UrlError> {
        let url = url.trim();
        let (scheme, rest) = url.split_once(':').ok_or(UrlError::NoScheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "rabbit" => Broker::parse(rest, options).map(|broker| Self::Rabbit(Box::new(broker))),
            "fake" => nothing_behind("fake", rest).map(|()| Self::Fake),
            "local" => nothing_behind("local", rest).map(|()| Self::Local),
            _ if scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) => {
                Err(UrlError::Scheme { scheme: scheme.to_owned() })
            }
            _ => Err(UrlError::NoScheme),
        }
    }
}

fn nothing_behind(scheme: &'static str, rest: &str) -> Result<(), UrlError> {
    if rest.trim_start_matches('/').is_empty() {
        return Ok(());
    }
    Err(UrlError::Superfluous { scheme })
}

impl Broker {
    /// What stands behind `rabbit:`.
    fn parse(rest: &str, options: &RabbitOptions) -> Result<Self, UrlError> {
        // A bare `rabbit:` has neither hosts nor path, and means the same as `rabbit://`.
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (hosts, behind) = rest.split_at(end);
        // Before the pieces are looked at: an error in one of them would show what is left of a
        // password.
        if let Some(sign) = behind.chars().find(|sign| matches!(sign, '#' | '@')) {
            return Err(UrlError::Unescaped { sign });
        }
        let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
        let virtual_host = decode(path.strip_prefix('/').unwrap_or(path));
        let mut options = options.clone();
        let mut from_url = Vec::new();
        for (name, value) in parameters(query) {
            options.set(&name, &value)?;
            from_url.push(name);
        }
        Ok(Self {
            hosts: BrokerHost::parse_all(hosts)?,
            virtual_host: if virtual_host.is_empty() { "/".to_owned() } else { virtual_host },
            options,
            from_url,
            lock_path: None,
        })
    }

    /// The hosts as an operator names them, without user and password.
    #[must_use]
    pub fn addresses(&self) -> String {
        let addresses: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        addresses.join(", ")
    }
}

impl BrokerHost {
    fn parse_all(text: &str) -> Result<Vec<Self>, UrlError> {
        let written = text.split(',').filter(|one| !one.is_empty());
        let hosts: Result<Vec<_>, _> =
            written.zip(1..).map(|(one, number)| Self::parse(one, number)).collect();
        let mut hosts = hosts?;
        if hosts.is_empty() {
            let password = Secret::new(GUEST);
            hosts.push(Self { name: "localhost".into(), port: PORT, user: GUEST.into(), password });
        }
        Ok(hosts)
    }

    /// Credentials belong to one host and are not handed on to the next.
    fn parse(text: &str, number: usize) -> Result<Self, UrlError> {
        // The last `@`, so that a password may hold one.
        let (login, address) = text.rsplit_once('@').unwrap_or(("", text));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let or_guest = |text: &str| if text.is_empty() { GUEST.to_owned() } else { decode(text) };
        let (name, port) = split_port(address).ok_or(UrlError::Host { number })?;
        let port = match port {
            Some(digits) => digits.parse().ok().filter(|port| *port != 0),
            None => Some(PORT),
        };
        Ok(Self {
            name: name.to_owned(),
            port: port.ok_or(UrlError::Port { number })?,
            user: or_guest(user),
            password: Secret::new(or_guest(password)),
        })
    }
}

/// As `host:port`, with brackets around an IPv6 address.
impl fmt::Display for BrokerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, port, .. } = self;
        if name.contains(':') { write!(f, "[{name}]:{port}") } else { write!(f, "{name}:{port}") }
    }
}

/// Name and port of an address; `None` if there is no name.
fn split_port(address: &str) -> Option<(&str, Option<&str>)> {
    let (name, rest) = match address.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => {
            let end = address.find(':').unwrap_or(address.len());
            address.split_at(end)
        }
    };
    let port = match rest.strip_prefix(':') {
        // An address without brackets would lose its end to the port.
        Some(port) if port.contains(':') => return None,
        Some(port) => Some(port),
        None if rest.is_empty() => None,
        None => return None,
    };
    Some((name, port)).filter(|_| !name.is_empty())
}

/// The parameters of a query; those that are written several times are one, joined by commas, as
/// upstream has it.
fn parameters(query: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for one in query.split('&') {
        let (name, value) = one.split_once('=').unwrap_or((one, ""));
        // Without a value it says nothing, as in Python's parser.
        if value.is_empty() {
            continue;
        }
        // In a query, unlike elsewhere, a plus is a space.
        let [name, value] = [name, value].map(|text| decode(&text.replace('+', " ")));
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&value);
            }
            None => all.push((name, value)),
        }
    }
    all
}

/// Decodes `%XX`; what is not UTF-8 afterwards becomes the replacement character, as in Python.
fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Transport, UrlError> {
        Transport::parse(url, &RabbitOptions::default())
    }

    fn broker(url: &str) -> Broker {
        match parse(url) {
            Ok(Transport::Rabbit(broker)) => *broker,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn the_query_overrides_the_configuration() {
        let mut options = RabbitOptions { heartbeat_timeout_threshold: 7, ..Default::default() };
        options.amqp_durable_queues = true;
        let url = "rabbit://h/v?heartbeat_timeout_threshold=5&ssl=true";
        let Ok(Transport::Rabbit(broker)) = Transport::parse(url, &options) else { panic!() };
        assert_eq!(broker.options.heartbeat_timeout_threshold, 5);
        assert!(broker.options.ssl && broker.options.amqp_durable_queues);
    }

    #[test]
    fn no_error_shows_a_piece_of_a_password() {
        for url in [
            "rabbit://u:hunter2/x@h/v",
            "rabbit://u:hunter2?x@h/v",
            "rabbit://u:hunter2#x@h/v",
            "rabbit://u:1/hunter2@h/v",
            "rabbit://u:1?hunter2@h/v",
            "rabbit://u:1?hunter2=1@h/v",
            "rabbit://u:1#hunter2@h/v",
            "rabbit://u:hunter2,x@h/v",
            "rabbit://u:p@h:hunter2/v",
            "rabbit://u:hunter2",
            "rabbit://[hunter2/v",
        ] {
            let error = parse(url).expect_err(url).to_string();
            assert!(!error.contains("hunter2"), "{url}: {error}");
        }
    }

    #[test]
    fn a_broker_is_shown_without_its_password() {
        let broker = broker("rabbit://u:hunter2@a,u:hunter2@[::1]:2/v");
        assert!(!format!("{broker:?}").contains("hunter2"));
        assert_eq!(broker.addresses(), "a:5672, [::1]:2");
    }

    #[test]
    fn one_machine_needs_no_address() {
        assert_eq!(parse("local:"), Ok(Transport::Local));
        assert_eq!(parse("local://"), Ok(Transport::Local));
        let superfluous = Err(UrlError::Superfluous { scheme: "local" });
        assert_eq!(parse("local:///var/run"), superfluous);
        assert_eq!(parse("fake://"), Ok(Transport::Fake));
    }

    #[test]
    fn a_text_without_a_scheme_is_told_what_one_looks_like() {
        for url in ["", "h", "//h", "<RABBIT_URL>", "u:p@h"] {
            let error = parse(url).expect_err(url).to_string();
            assert!(error.contains("rabbit://"), "{url}: {error}");
        }
    }
}
