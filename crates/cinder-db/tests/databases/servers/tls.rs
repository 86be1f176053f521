//! MySQL's password stays here where the server has no TLS; the rest is in the end-to-end scenarios,
//! which start servers with certificates.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use cinder_db::{Connection, DatabaseOptions, DatabaseUrl, DbError, Fault, chain};

use crate::database::{Kind, TestDatabase};

/// The bit of a greeting that offers TLS, in the second of the four bytes of capabilities.
const TLS: u8 = 0x08;

fn open(url: &str) -> Result<Connection, DbError> {
    Connection::open(&DatabaseOptions::new(DatabaseUrl::parse(url).unwrap()))
}

/// A greeting of MariaDB 10.11, with or without TLS.
fn greeting(tls: bool) -> Vec<u8> {
    let mut body = b"\x0a5.5.5-10.11.6-MariaDB\0".to_vec();
    body.extend([7, 0, 0, 0]);
    body.extend(b"12345678\0");
    body.extend([0xfe, if tls { 0xff } else { !TLS }]);
    body.extend([45, 2, 0, 0xff, 0x81, 21, 0, 0, 0, 0, 0, 0, 0x1d, 0, 0, 0]);
    body.extend(b"123456789012\0mysql_native_password\0");
    let mut packet = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
    packet.extend(body);
    packet
}

/// Greets everybody and keeps what it is told.
fn listener(tls: bool) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let theirs = Arc::clone(&heard);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.write_all(&greeting(tls));
            // Until the client goes; one that waits for an answer would wait for ever.
            stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            let mut words = [0; 1024];
            while let Ok(length @ 1..) = stream.read(&mut words) {
                theirs.lock().unwrap().extend(&words[..length]);
            }
        }
    });
    (address, heard)
}

#[test]
fn a_server_without_tls_hears_nothing_where_tls_is_required() {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, include_str!("authority.pem")).unwrap();
    let ca = ca.display();
    for query in [
        format!("ssl_ca={ca}"),
        format!("ssl_ca={ca}&ssl_check_hostname=false"),
        format!("ssl_ca={ca}&ssl_verify_cert=false"),
        "ssl_verify_cert=true".to_owned(),
        "ssl_verify_identity=true".to_owned(),
        "ssl_check_hostname=false".to_owned(),
        "ssl_cipher=DEFAULT".to_owned(),
    ] {
        let (address, heard) = listener(false);
        let error = open(&format!("mysql://u:s3cret@{address}/d?{query}")).unwrap_err();
        assert_eq!(error.fault(), Some(Fault::Refused), "{query}: {}", chain(&error));
        assert!(chain(&error).contains("required"), "{query}: {}", chain(&error));
        assert_eq!(*heard.lock().unwrap(), b"", "{query}");
    }
}

/// That the test above would notice: without a wish for TLS there is a login.
#[test]
fn a_server_without_tls_hears_the_user_where_nobody_asks_for_any() {
    let (address, heard) = listener(false);
    open(&format!("mysql://somebody:s3cret@{address}/d?connect_timeout=1")).unwrap_err();
    let heard = heard.lock().unwrap();
    assert!(heard.windows(8).any(|word| word == b"somebody"), "{heard:?}");
}

/// One that offers TLS gets the request for it, and no login before it has shown who it is.
#[test]
fn a_server_with_tls_hears_no_user_in_plain_text() {
    let (address, heard) = listener(true);
    for query in ["", "ssl_check_hostname=false", "ssl_verify_cert=true"] {
        open(&format!("mysql://somebody:s3cret@{address}/d?{query}&connect_timeout=1"))
            .unwrap_err();
        let heard = heard.lock().unwrap();
        assert!(!heard.windows(8).any(|word| word == b"somebody"), "{query}: {heard:?}");
    }
}

on_every_database!(mysql Mysql Plain: a_session_that_is_not_encrypted_after_all_is_refused);

/// Somebody between us and the server who greets with TLS once, and then without.
fn a_session_that_is_not_encrypted_after_all_is_refused(
    database: &TestDatabase,
    connection: Connection,
) {
    assert_eq!(database.kind, Kind::Mysql);
    drop(connection);
    let server = database.server();
    let between = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = between.local_addr().unwrap();
    thread::spawn(move || {
        let (mut first, _) = between.accept().unwrap();
        first.write_all(&greeting(true)).unwrap();
        let (client, _) = between.accept().unwrap();
        let upstream = TcpStream::connect((server.0.as_str(), server.1)).unwrap();
        let (mut down, mut up) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut { client }, &mut { upstream }));
        let _ = std::io::copy(&mut up, &mut down);
    });
    let url = database.url_with(&address.to_string());
    let separator = if url.contains('?') { '&' } else { '?' };
    let error = open(&format!("{url}{separator}ssl_check_hostname=false")).unwrap_err();
    assert!(chain(&error).contains("this session is not encrypted"), "{}", chain(&error));
    assert_eq!(error.fault(), Some(Fault::Refused));
}
