//! TLS towards a real broker that insists on a certificate of its clients.

mod broker;
mod served;

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
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

/// Runs openssl in a directory.
fn openssl(directory: &Path, words: &[&str]) {
    let mut command = Command::new("openssl");
    let run = command.args(words).current_dir(directory).stdin(Stdio::null()).output();
    let run = run.expect("openssl");
    let complaint = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "openssl {words:?}: {complaint}");
}

/// `expired` of `ca`, `named` of `ca` for another machine, and `alone`, signed by itself; all for this machine
/// otherwise.
fn make_bad_certificates(directory: &Path) {
    let settings = "[ca]\ndefault_ca=x\n[x]\ndatabase=index\nserial=number\nnew_certs_dir=.\n\
                    certificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\npolicy=p\n\
                    x509_extensions=e\n[p]\ncommonName=supplied\n[e]\n\
                    subjectAltName=${ENV::NAMES}\n";
    fs::write(directory.join("ca.conf"), settings).expect("ours");
    fs::write(directory.join("index"), "").expect("ours");
    fs::write(directory.join("number"), "1000\n").expect("ours");
    for (name, names, from, to) in [
        ("expired", "IP:127.0.0.1", "20200101000000Z", "20200102000000Z"),
        ("named", "DNS:rabbit.example.org", "20200101000000Z", "20490102000000Z"),
    ] {
        let (key, out, subject) =
            (format!("{name}.key"), format!("{name}.pem"), format!("/CN={name}"));
        openssl(
            directory,
            &[
                "req", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout", &key, "-out",
                "request",
            ],
        );
        let mut command = Command::new("openssl");
        command.args(["ca", "-batch", "-config", "ca.conf", "-in", "request", "-out", &out]);
        command.args(["-startdate", from, "-enddate", to, "-notext"]).env("NAMES", names);
        let run = command.current_dir(directory).stdin(Stdio::null()).output().expect("openssl");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
    openssl(
        directory,
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "3",
            "-subj",
            "/CN=alone",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            "alone.key",
            "-out",
            "alone.pem",
        ],
    );
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
        node.node.eval(&set);
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

/// What the broker shows, and what is read of ours, is looked at anew at each connect.
#[test]
fn a_certificate_is_judged_by_what_it_is_when_it_is_shown() {
    let directory = tempfile::tempdir().expect("a directory");
    if broker::node().is_none() {
        return;
    }
    make_certificates(directory.path());
    make_bad_certificates(directory.path());
    let reserved = ReservedPort::new().expect("a port");
    let port = reserved.port();
    let path = |name: &str| directory.path().join(name);
    let file = |name: &str| path(name).display().to_string();
    let put = |name: &str, place: &str| {
        for end in ["pem", "key"] {
            fs::copy(path(&format!("{name}.{end}")), path(&format!("{place}.{end}")))
                .expect("ours");
        }
    };
    put("ip", "shown");
    put("client", "own");
    put("ca", "authority");
    let settings = settings(directory.path(), port).replace("/ip.", "/shown.");
    let Some(node) = OwnNode::start(&settings) else { return };
    // It opens this port after the other one.
    eventually("it listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    // The broker keeps what it has read for two minutes.
    let shows = |name: &str| {
        put(name, "shown");
        node.node.eval("ssl:clear_pem_cache().");
    };
    let url = |host: &str, authority: &str| {
        format!(
            "rabbit://guest:guest@{host}:{port}/?ssl=true&ssl_ca_file={}&ssl_cert_file={}&ssl_key_file={}",
            file(&format!("{authority}.pem")),
            file("own.pem"),
            file("own.key")
        )
    };
    outcome(&url("127.0.0.1", "authority")).expect("a good one");
    for (name, authority, part) in [
        ("expired", "authority", "expired"),
        ("named", "authority", "not valid for name"),
        ("alone", "authority", "signed by itself"),
        ("ip", "other", "UnknownIssuer"),
    ] {
        shows(name);
        let told = outcome(&url("127.0.0.1", authority)).expect_err(name);
        assert!(told.contains(part), "{name}: {told}");
    }
    // One that is trusted by itself is its own authority, as everywhere else.
    shows("alone");
    outcome(&url("127.0.0.1", "alone")).expect("it is the one that is trusted");
    let told = outcome(&url("localhost", "alone")).expect_err("it is for another name");
    assert!(told.contains("not valid for name"), "{told}");
    shows("ip");

    // Files of ours that are replaced are used at the next connect, whether they are good or not.
    let bus = broker::bus(&url("127.0.0.1", "authority"));
    let server = bus.serve(&[target("server")], ServerOptions::default()).expect("a server");
    broker::until_serving(&bus, &server);
    let host = node.host();
    let reconnect = || host.close_connections();
    let waits = |part: &str| {
        eventually("it is refused", || {
            let state = bus.state().expect("a broker's");
            state.connections[0].reason.as_ref().is_some_and(|reason| reason.contains(part))
        });
    };
    put("other", "authority");
    reconnect();
    waits("UnknownIssuer");
    put("ca", "authority");
    broker::until_serving(&bus, &server);
    put("alone", "own");
    reconnect();
    eventually("it is refused", || !broker::is_serving(&bus, &server));
    put("client", "own");
    broker::until_serving(&bus, &server);
}
