//! How the way to a database server is protected: what a URL asks for, on servers that have TLS, have
//! none, or show another host's certificate.
//!
//! With `CINDER_PYTHON` the original's answers, which stand in the table, are checked as well.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::database_servers::own_server;
use crate::e2e::props::Skip;
use crate::e2e::props::original;
use crate::e2e::props::scene::Scene;
use crate::servers::{Certificates, Database, Server, certificates_missing};
use crate::wait::secs;

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Encrypted,
    Plain,
    Refused,
}

use Way::{Encrypted as E, Plain as P, Refused as R};

/// Parameters; what we do on a server with TLS, on one with another host's certificate and on one
/// without TLS; the same for PyMySQL 1.2.4 under SQLAlchemy 2.1.9. `{}` is the directory of the
/// certificates.
const MARIADB: [(&str, [Way; 3], [Way; 3]); 32] = [
    ("", [E, E, P], [E, E, P]),
    ("ssl_ca={}/ca.pem", [E, R, R], [E, R, R]),
    ("ssl_ca={}/other-ca.pem", [R, R, R], [R, R, R]),
    ("ssl_ca={}/ca.pem&ssl_check_hostname=true", [E, R, R], [E, R, R]),
    ("ssl_ca={}/ca.pem&ssl_check_hostname=false", [E, E, R], [E, E, R]),
    ("ssl_ca={}/other-ca.pem&ssl_check_hostname=false", [R, R, R], [R, R, R]),
    // Here SQLAlchemy keeps the authority from PyMySQL, which then asks that of the system.
    ("ssl_ca={}/ca.pem&ssl_verify_cert=true", [E, R, R], [R, R, R]),
    ("ssl_ca={}/ca.pem&ssl_verify_identity=true", [E, R, R], [R, R, R]),
    ("ssl_ca={}/ca.pem&ssl_verify_identity=false", [E, R, R], [R, R, R]),
    ("ssl_ca={}/other-ca.pem&ssl_verify_cert=true", [R, R, R], [R, R, R]),
    ("ssl_ca={}/ca.pem&ssl_verify_cert=false", [E, E, R], [E, E, R]),
    ("ssl_ca={}/other-ca.pem&ssl_verify_cert=false", [E, E, R], [E, E, R]),
    ("ssl_verify_cert=true", [R, R, R], [R, R, R]),
    ("ssl_verify_cert=false", [E, E, R], [E, E, R]),
    ("ssl_verify_identity=true", [R, R, R], [R, R, R]),
    // Without an authority PyMySQL checks no name, whatever it is asked.
    ("ssl_check_hostname=true", [R, R, R], [E, E, R]),
    ("ssl_check_hostname=false", [E, E, R], [E, E, R]),
    ("ssl_capath={}/hashed", [E, R, R], [E, R, R]),
    ("ssl_capath={}/hashed&ssl_check_hostname=false", [E, E, R], [E, E, R]),
    ("ssl_cipher=ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256", [E, E, R], [E, E, R]),
    ("ssl_cipher=NONESUCH", [R, R, R], [R, R, R]),
    ("ssl_cert={}/here.pem&ssl_key={}/here.key", [E, E, R], [E, E, R]),
    // PyMySQL never gets the password, and OpenSSL would ask a terminal for it.
    (
        "ssl_ca={}/ca.pem&ssl_cert={}/here.pem&ssl_key={}/locked.key&ssl_key_password=K3y;phrase",
        [E, R, R],
        [R, R, R],
    ),
    ("ssl_disabled=true", [P, P, P], [P, P, P]),
    ("ssl_disabled=true&ssl_ca={}/ca.pem", [P, P, P], [P, P, P]),
    // To PyMySQL, this text is as true as any.
    ("ssl_disabled=false", [E, E, P], [P, P, P]),
    ("ssl_disabled=false&ssl_ca={}/ca.pem", [E, R, R], [P, P, P]),
    ("ssl_mode=REQUIRED", [R, R, R], [R, R, R]),
    ("ssl_ca={}/absent.pem", [R, R, R], [R, R, R]),
    ("sslmode=require", [R, R, R], [R, R, R]),
    ("charset=utf8mb4&use_unicode=1&binary_prefix=true", [E, E, P], [E, E, P]),
    ("connect_timeout=5&init_command=SELECT+1&bind_address=127.0.0.1", [E, E, P], [E, E, P]),
];

/// The same for PostgreSQL, where the library is the original's.
const POSTGRES: [(&str, [Way; 3]); 8] = [
    ("", [E, E, P]),
    ("sslmode=disable", [P, P, P]),
    ("sslmode=prefer", [E, E, P]),
    ("sslmode=require", [E, E, R]),
    ("sslmode=verify-ca&sslrootcert={}/ca.pem", [E, E, R]),
    ("sslmode=verify-ca&sslrootcert={}/other-ca.pem", [R, R, R]),
    ("sslmode=verify-full&sslrootcert={}/ca.pem", [E, R, R]),
    ("sslmode=required", [R, R, R]),
];

fn certificates(scene: &Scene) -> Result<Certificates> {
    if let Some(reason) = certificates_missing() {
        return Err(Skip(reason).into());
    }
    Certificates::make(&scene.path("certificates"))
}

/// Looks at the rows as `status` does, and at what it says of the way; or at the complaint.
fn go(scene: &Scene, url: &str) -> Result<(Way, String)> {
    let config = scene.config(&["a"]).set("database", "connection", url);
    let file = scene.write("cinder.conf", &config.text())?;
    let outcome = scene.run(&["--config-file", &file.to_string_lossy(), "status"])?;
    let told = outcome.out.lines().find(|line| line.starts_with("Database "));
    Ok(match told {
        Some(line) if line.contains(": encrypted (") => (E, line.to_owned()),
        Some(line) => (P, line.to_owned()),
        None => (R, outcome.err),
    })
}

/// The URL with parameters; `{}` in them is a directory.
fn with(database: &Database, certificates: &Certificates, query: &str) -> String {
    let place = certificates.path("").display().to_string();
    let query = query.replace("{}", place.trim_end_matches('/'));
    format!("{}?{query}", database.url())
}

/// The three servers of the tables, one after the other.
fn on_each_server(
    server: &Server,
    certificates: &Certificates,
    mut look: impl FnMut(usize) -> Result<()>,
) -> Result<()> {
    for (at, certificate) in [Some("here"), Some("elsewhere"), None].into_iter().enumerate() {
        server.show_certificate(certificates, certificate)?;
        look(at)?;
    }
    Ok(())
}

pub(crate) fn a_session_is_protected_as_the_url_asks_or_there_is_none(scene: &Scene) -> Result<()> {
    let certificates = certificates(scene)?;
    let server = own_server(scene)?;
    let database = scene.on_server()?;
    on_each_server(&server, &certificates, |at| {
        for (query, ours, original) in MARIADB {
            let url = with(&database, &certificates, query);
            let (way, told) = go(scene, &url)?;
            ensure!(way == ours[at], "server {at}, {query:?}: {way:?}: {told}");
            if original::is_wanted() {
                let way = by_sqlalchemy(scene, &url)?;
                ensure!(way == original[at], "server {at}, {query:?}: {way:?} by PyMySQL");
            }
        }
        Ok(())
    })
}

/// What the original makes of a URL.
fn by_sqlalchemy(scene: &Scene, url: &str) -> Result<Way> {
    const PROGRAM: &str = "\
import sys, sqlalchemy
connection = sqlalchemy.create_engine(sys.argv[1]).connect()
print(connection.exec_driver_sql(\"SHOW STATUS LIKE 'Ssl_cipher'\").fetchall()[0][1] or 'plain')";
    let mut command = scene.command(original::program("python"));
    let outcome = scene.finish(command.args(["-W", "ignore", "-c", PROGRAM, url]), secs(60))?;
    Ok(match (outcome.code, outcome.out.trim()) {
        (Some(0), "plain") => P,
        (Some(0), _) => E,
        _ => R,
    })
}

pub(crate) fn libpq_protects_a_session_as_the_url_asks(scene: &Scene) -> Result<()> {
    let certificates = certificates(scene)?;
    let server = own_server(scene)?;
    let database = scene.on_server()?;
    on_each_server(&server, &certificates, |at| {
        for (query, expected) in POSTGRES {
            let (way, told) = go(scene, &with(&database, &certificates, query))?;
            ensure!(way == expected[at], "server {at}, {query:?}: {way:?}: {told}");
        }
        Ok(())
    })
}

/// The names in a certificate count for a name as for an address, and for a local socket.
pub(crate) fn localhost_is_verified_by_name_over_both_ways(scene: &Scene) -> Result<()> {
    let certificates = certificates(scene)?;
    let server = own_server(scene)?;
    server.show_certificate(&certificates, Some("here"))?;
    let database = scene.on_server()?;
    let url = with(&database, &certificates, "ssl_ca={}/ca.pem").replace("127.0.0.1", "localhost");
    let socket = server.ask("SELECT @@socket")?.concat().concat();
    for url in [url.clone(), format!("{url}&unix_socket={socket}")] {
        let (way, told) = go(scene, &url)?;
        ensure!(way == E && told.contains("host name verified"), "{url}: {told}");
    }
    server.show_certificate(&certificates, Some("elsewhere"))?;
    for url in [url.clone(), format!("{url}&unix_socket={socket}")] {
        let (way, told) = go(scene, &url)?;
        ensure!(way == R, "{url}: {told}");
    }
    Ok(())
}

pub(crate) fn status_and_report_say_how_a_session_is_protected(scene: &Scene) -> Result<()> {
    let certificates = certificates(scene)?;
    let server = own_server(scene)?;
    server.show_certificate(&certificates, Some("here"))?;
    let database = scene.on_server()?;
    let url = with(&database, &certificates, "ssl_ca={}/ca.pem&charset=utf8");
    let config = scene.config(&["a"]).set("database", "connection", &url);
    let daemon = scene.start(&config)?;
    daemon.wait_up(1)?;
    let full = "certificate and host name verified";
    let harmless = "charset has no effect here";
    ensure!(daemon.count(harmless) == 1, "{harmless:?}: {}", daemon.log());
    let (_, told) = go(scene, &url)?;
    ensure!(told.contains("encrypted (TLS_") && told.ends_with(full), "{told}");
    let pid = daemon.pid().to_string();
    let report = scene.run(&["report", "--pid", &pid])?;
    let wanted = format!("TLS required, {full}");
    ensure!(report.out.contains(&wanted), "no {wanted:?}: {report:?}");
    let found = "way to the database: encrypted (TLS_";
    ensure!(report.out.contains(found), "no {found:?}: {report:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}

/// Each of these ends `config check` and a start with one line that says where and why, and shows
/// nothing of a password.
pub(crate) fn a_url_that_cannot_be_obeyed_is_refused_with_file_and_line(
    scene: &Scene,
) -> Result<()> {
    for (url, words) in [
        ("mysql+pymysql://u:s3cret@s3cret/s3cret@h/d", "%40"),
        ("mysql+pymysql://u:s3cret@s3cret#s3cret@h/d", "%23"),
        ("mysql+pymysql://u:s3cret@s3cret?s3cret=/s3cret@h/d", "(not shown)"),
        ("mysql+pymysql://u:s3cret@h/d?ssl_mode=REQUIRED", "ssl_mode"),
        ("mysql+pymysql://u:s3cret@h/d?ssl_ca=/nowhere/ca.pem", "/nowhere/ca.pem"),
        ("mysql+pymysql://u:s3cret@h/d?read_default_file=/nowhere/my.cnf", "/nowhere/my.cnf"),
        ("mysql+pymysql://u:s3cret@[::1]/d?ssl_check_hostname=false", "IPv6"),
        ("postgresql://u:s3cret@h/d?ssl_ca=/x", "ssl_ca"),
        (
            "postgresql://u:s3cret@h/d?sslmode=verify-full&sslrootcert=/nowhere/ca.pem",
            "sslrootcert",
        ),
        ("postgresql://u:s3cret@h?sslmode=require", "names no database"),
    ] {
        let config = scene.config(&["a"]).set("database", "connection", url);
        let file = scene.write("cinder.conf", &config.text())?;
        let file = file.to_string_lossy();
        let place = format!("cinder.conf:{}", config.line_of("database", "connection"));
        for command in [&["config", "check"][..], &["status"], &["config", "dump"], &[]] {
            let words_of: Vec<&str> =
                ["--config-file", &file].into_iter().chain(command.iter().copied()).collect();
            let outcome = scene.run(&words_of)?;
            let all = outcome.all();
            ensure!(!all.contains("s3cret"), "{url}, {command:?}: {all}");
            if command == ["config", "dump"] {
                continue;
            }
            let lines = all.lines().filter(|line| line.contains(&place) && line.contains(words));
            ensure!(lines.count() == 1, "{url}, {command:?}: {all}");
            ensure!(outcome.code != Some(0), "{url}, {command:?}: {outcome:?}");
        }
    }
    Ok(())
}
