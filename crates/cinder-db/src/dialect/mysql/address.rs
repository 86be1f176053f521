//! How a server, its login and its TLS are told to the client library.
//!
//! Must not: rely on a default of the library. MariaDB's of release 3.4 verifies unless told not to,
//! 3.3 does neither that nor encrypt; so each value is always said. (Tried with 3.3.20 and 3.4.1.)
//!
//! Diesel hands a host, a login, a socket and three files to the library. The rest goes the only way
//! that is left: MariaDB's library takes a host with a semicolon for a list of options
//! (`mysql_real_connect` in its `mariadb_lib.c`). The list stands where a URL has its host, so some
//! characters cannot be in it, `/` and `:` among them (`url/mysql.rs` refuses these). Oracle's
//! library looks for a host of that name and finds none; it is then asked again, plainly, where
//! nothing was asked for.

use std::{fmt::Write as _, time::Duration};

use diesel::{Connection as _, ConnectionError, mysql::MysqlConnection};

use super::{authorities::Authorities, greeting::NoTls};
use crate::url::{MysqlAccess, MysqlLevel as Level, percent};

/// Why there is no connection.
pub(super) enum Failure {
    Library(ConnectionError),
    NoTls(NoTls),
}

/// Connects, with the protection that is wanted or not at all.
pub(super) fn establish(
    access: &MysqlAccess,
    timeout: Duration,
) -> Result<MysqlConnection, Failure> {
    let tls = &access.tls;
    // A file for as long as the library needs it.
    let authorities =
        Authorities::of(tls).map_err(|problem| Failure::NoTls(NoTls::Authorities(problem)))?;
    let connect = |host: &str| {
        MysqlConnection::establish(&url(access, host, authorities.as_ref().map(Authorities::path)))
    };
    if access.unix_socket.is_none() && access.is_ipv6() {
        return connect(&format!("[{}]", access.host)).map_err(Failure::Library);
    }
    let host = host_with_options(access, timeout);
    match connect(&host) {
        Err(ConnectionError::BadConnection(text)) if text.contains("connect-timeout=") => {}
        done => return done.map_err(Failure::Library),
    }
    if tls.level != Level::IfOffered || access.bind_address.is_some() {
        return Err(Failure::NoTls(NoTls::Library));
    }
    // Both libraries take `localhost` for the socket, which may belong to another server.
    let host = match access.host.as_str() {
        "localhost" if access.unix_socket.is_none() => "127.0.0.1",
        host => host,
    };
    connect(host).map_err(Failure::Library)
}

/// MariaDB's options, in the place of a host.
fn host_with_options(access: &MysqlAccess, timeout: Duration) -> String {
    /// `MYSQL_PROTOCOL_TCP`: without it, `localhost` is the socket.
    const TCP: &str = "1";
    let tls = &access.tls;
    let digit = |on: bool| if on { "1" } else { "0" }.to_owned();
    let mut options = vec![
        ("connect-timeout", timeout.as_secs().max(1).to_string()),
        // A server could ask for any file of ours.
        ("local-infile", digit(false)),
        ("ssl-enforce", digit(tls.level != Level::Off)),
        ("ssl-verify-server-cert", digit(tls.level == Level::Host)),
    ];
    match access.unix_socket {
        Some(_) => options.push(("host", "localhost".to_owned())),
        None => options.extend([("host", access.host.clone()), ("protocol", TCP.to_owned())]),
    }
    if let Some(address) = &access.bind_address {
        options.push(("bind-address", address.clone()));
    }
    if let Some(list) = &tls.cipher {
        // OpenSSL takes a comma for a colon.
        options.push(("ssl-cipher", format!("{{{}}}", list.replace([':', ' '], ","))));
    }
    if let Some(password) = &tls.key_password {
        options.push(("ssl-passphrase", format!("{{{}}}", password.reveal())));
    }
    let words: Vec<_> = options.iter().map(|(key, value)| format!("{key}={value}")).collect();
    words.join(";")
}

/// A database that stands in Diesel's URL as it is; it decodes no other.
pub(super) fn is_simple(database: &str) -> bool {
    database.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$-".contains(&byte))
}

/// Diesel's own URL form, with everything encoded.
fn url(access: &MysqlAccess, host: &str, authorities: Option<&str>) -> String {
    let mut url = String::from("mysql://");
    let mut add = |part: std::fmt::Arguments<'_>| {
        url.write_fmt(part).expect("writing to a String cannot fail");
    };
    add(format_args!("{}", percent::encode(access.user.as_deref().unwrap_or_default())));
    // Without one the library would look into its environment.
    let password = access.password.as_ref().map_or("", |password| password.reveal());
    add(format_args!(":{}@{host}", percent::encode(password)));
    if let Some(port) = access.port {
        add(format_args!(":{port}"));
    }
    add(format_args!("/"));
    if is_simple(&access.database) {
        add(format_args!("{}", access.database));
    }
    let tls = &access.tls;
    let parameters = [
        ("unix_socket", access.unix_socket.as_deref()),
        ("ssl_ca", authorities),
        ("ssl_cert", tls.cert.as_deref()),
        ("ssl_key", tls.key.as_deref()),
    ];
    let mut separator = '?';
    for (name, value) in parameters {
        if let Some(value) = value {
            add(format_args!("{separator}{name}={}", percent::encode(value)));
            separator = '&';
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::{DatabaseUrl, Target};

    fn access(url: &str) -> MysqlAccess {
        match DatabaseUrl::parse(url).unwrap().target() {
            Target::Mysql(server) => MysqlAccess::of(server).unwrap(),
            _ => panic!("not MySQL"),
        }
    }

    #[test]
    fn every_value_about_tls_is_said() {
        for (query, enforce, verify) in [
            ("", "1", "0"),
            ("?ssl_disabled=true", "0", "0"),
            ("?ssl_check_hostname=false", "1", "0"),
            ("?ssl_verify_cert=true", "1", "1"),
        ] {
            let access = access(&format!("mysql://u:p@h/d{query}"));
            let host = host_with_options(&access, Duration::from_secs(5));
            let expected = format!(
                "connect-timeout=5;local-infile=0;ssl-enforce={enforce};\
                 ssl-verify-server-cert={verify};host=h;protocol=1"
            );
            assert_eq!(host, expected, "{query}");
        }
    }

    #[test]
    fn what_a_url_gives_special_meaning_to_is_encoded() {
        let access = access("mysql://u%3A:p%40@localhost:7/d?unix_socket=/run/a%20b");
        assert_eq!(url(&access, "h", None), "mysql://u%3A:p%40@h:7/d?unix_socket=%2Frun%2Fa%20b");
        for (name, simple) in [("cinder-eu_1", true), ("cinder eu", false), ("..", false)] {
            assert_eq!(is_simple(name), simple, "{name}");
        }
    }
}
