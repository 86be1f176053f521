//! TLS towards a real broker that insists on a certificate of its clients.

mod broker;
mod served;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use broker::OwnNode;
use broker::ports::ReservedPort;
use oslo_messaging::{ConnectionPhase, ServerOptions};
use served::{eventually, request, target};

/// Authorities `ca` and `other`; `ip` for 127.0.0.1 and `client`, both of the first.
fn make_certificates(directory: &Path) {
    let openssl = |words: &[&str]| {
        let mut command = Command::new("openssl");
        let run = command.args(words).current_dir(directory).stdin(Stdio::null()).output();
        let run = run.expect("openssl");
        let complaint = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "openssl {words:?}: {complaint}");
    };
    for name in ["ca", "other"] {
        let (key, out) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        openssl(&[
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", "-subj", &subject,
            "-keyout", &key, "-out", &out,
        ]);
    }
    for (name, alternative) in [("ip", "IP:127.0.0.1"), ("client", "DNS:client.example.org")] {
        let (key, out) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        openssl(&[
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout", &key, "-out",
            "request",
        ]);
        fs::write(directory.join("names"), format!("subjectAltName={alternative}\n"))
            .expect("ours");
        openssl(&[
            "x509",
            "-req",
            "-days",
            "3",
            "-in",
            "request",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "names",
            "-out",
            &out,
        ]);
    }
}

/// A port on which clients have to show a certificate of `ca`.
fn settings(directory: &Path, port: u16) -> String {
    let file = |name: &str| directory.join(name).display().to_string();
    format!(
        "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {}\n\
         ssl_options.certfile = {}\nssl_options.keyfile = {}\nssl_options.verify = verify_peer\n\
         ssl_options.fail_if_no_peer_cert = true\n",
        file("ca.pem"),
        file("ip.pem"),
        file("ip.key"),
    )
}

/// How it went to connect.
fn outcome(url: &str) -> Result<(), String> {
    let bus = broker::bus(url);
    let server = bus.serve(&[target("server")], ServerOptions::default()).expect("a server");
    let mut told = Err(String::new());
    eventually("it is known", || {
        let state = bus.state().expect("a broker's");
        let connection = &state.connections[0];
        told = match (&connection.reason, connection.phase) {
            (_, ConnectionPhase::Up) => Ok(()),
            (Some(reason), _) => Err(reason.clone()),
            (None, _) => return false,
        };
        true
    });
    if told.is_ok() {
        broker::until_serving(&bus, &server);
        let ping = request("nothing", &serde_json::json!({}));
        let to = served::to_all();
        bus.client().cast(&to, ping).expect("taken");
        eventually("it arrives", || server.counts().received == 1);
        let _ = server.next_within(Duration::from_secs(1));
    }
    told
}

#[test]
fn a_broker_has_to_show_what_the_options_want_and_is_shown_who_we_are() {
    let directory = tempfile::tempdir().expect("a directory");
    if broker::node().is_none() {
        return;
    }
    make_certificates(directory.path());
    let reserved = ReservedPort::new().expect("a port");
    let port = reserved.port();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let Some(_node) = OwnNode::start(&settings(directory.path(), port)) else { return };
    let own = format!("ssl_cert_file={}&ssl_key_file={}", file("client.pem"), file("client.key"));
    let (ca, other) = (file("ca.pem"), file("other.pem"));
    let ip = format!("guest:guest@127.0.0.1:{port}");
    let name = format!("guest:guest@localhost:{port}");
    for (hosts, options, expected) in [
        (ip.clone(), format!("ssl_ca_file={ca}&{own}"), None),
        // Nothing is checked without an authority, as in the original.
        (name.clone(), own.clone(), None),
        (ip.clone(), format!("ssl_ca_file={other}&{own}"), Some("UnknownIssuer")),
        (name.clone(), format!("ssl_ca_file={ca}&{own}"), Some("not valid for name")),
        // Of several hosts no name is compared.
        (format!("{name},{name}"), format!("ssl_ca_file={ca}&{own}"), None),
        (name, format!("ssl_ca_file={ca}&{own}&ssl_enforce_hostname_verification=false"), None),
        (ip.clone(), format!("ssl_ca_file={ca}&{own}&ssl_version=TLSv1_3"), None),
        (ip.clone(), format!("ssl_ca_file={ca}"), Some("")),
        (ip.clone(), format!("ssl_ca_file={}&{own}", file("none.pem")), Some("none.pem")),
        (
            ip.clone(),
            format!("ssl_ca_file={ca}&ssl_cert_file={}", file("client.pem")),
            Some("client.pem"),
        ),
        (ip.clone(), format!("ssl_ca_file={}&{own}", file("ca.key")), Some("no certificate")),
        (ip, format!("{own}&ssl_version=SSLv9"), Some("ssl_version")),
    ] {
        let told = outcome(&format!("rabbit://{hosts}/?ssl=true&{options}"));
        match (expected, &told) {
            (None, Ok(())) => {}
            (Some(part), Err(reason)) if reason.contains(part) => {}
            _ => panic!("{options}: {told:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn who_logs_in_by_certificate_is_the_user_that_it_names() {
    let directory = tempfile::tempdir().expect("a directory");
    if broker::node().is_none() {
        return;
    }
    make_certificates(directory.path());
    let reserved = ReservedPort::new().expect("a port");
    let port = reserved.port();
    let more = "auth_mechanisms.1 = EXTERNAL\nauth_mechanisms.2 = AMQPLAIN\n\
                ssl_cert_login_from = common_name\n";
    let settings = settings(directory.path(), port) + more;
    let plugin = "[rabbitmq_auth_mechanism_ssl].";
    let Some(node) = OwnNode::start_with(&settings, plugin) else { return };
    let host = node.host();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let own = format!("ssl_cert_file={}&ssl_key_file={}", file("client.pem"), file("client.key"));
    let external =
        format!("ssl=true&ssl_ca_file={}&{own}&rabbit_login_method=EXTERNAL", file("ca.pem"));
    // Whoever stands in the URL is nobody: the certificate counts.
    let url = format!("rabbit://nobody:wrong@127.0.0.1:{port}/?{external}");
    let refused = outcome(&url).expect_err("there is no such user yet");
    assert!(refused.contains("ACCESS_REFUSED"), "{refused}");
    for (from, user) in [("common_name", "client"), ("distinguished_name", "CN=client")] {
        let set = format!("application:set_env(rabbit, ssl_cert_login_from, {from}).");
        node.node.ctl(&["eval", &set]);
        node.node.ctl(&["add_user", user, "unknown to everybody"]);
        host.ctl(&["set_permissions", user, ".*", ".*", ".*"]);
        let bus = broker::bus(&url);
        let server = bus.serve(&[target("server")], ServerOptions::default()).expect("a server");
        broker::until_serving(&bus, &server);
        let listed = node.node.ctl(&["list_connections", "user", "auth_mechanism"]);
        let ours = listed.lines().filter(|line| *line == format!("{user}\tEXTERNAL")).count();
        assert_eq!(ours, 2, "{listed}");
        drop((server, bus));
        outcome(&url).expect("messages come and go");
        node.node.ctl(&["delete_user", user]);
    }
    // Where no certificate is shown the broker does not even offer it.
    let plain = host.url("?rabbit_login_method=EXTERNAL");
    let refused = outcome(&plain).expect_err("there is no certificate");
    assert!(!refused.is_empty());
    // And the other mechanism is there for those who want it.
    let amqplain = format!(
        "rabbit://guest:guest@127.0.0.1:{port}/?ssl=true&ssl_ca_file={}&{own}",
        file("ca.pem")
    );
    outcome(&amqplain).expect("as before");
}
