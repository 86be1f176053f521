//! The server as clients see it, good ones and others, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod served;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use cinder_health::{Address, Family, Kind, Sample, Server, State, Value, probe};
use served::{LIMIT, Running, Scripted, back_end, is_closed, many, wait_for};

#[test]
fn every_path_answers_with_its_type() {
    let server = Running::start(vec![back_end("a", State::Up)]);
    for (path, status, kind) in [
        ("/healthz", 200, "application/json"),
        ("/readyz", 200, "text/plain; charset=utf-8"),
        ("/livez?verbose", 200, "text/plain; charset=utf-8"),
        ("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"),
        ("/", 200, "text/html; charset=utf-8"),
        ("/overview", 200, "text/html; charset=utf-8"),
        ("/overview.css", 200, "text/css; charset=utf-8"),
        ("/overview.js", 200, "text/javascript; charset=utf-8"),
        ("/nowhere", 404, "text/plain; charset=utf-8"),
        ("/metrics/", 404, "text/plain; charset=utf-8"),
        ("/..//healthz", 404, "text/plain; charset=utf-8"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.header("Content-Type")), (status, kind), "{path}");
        assert_eq!(answer.header("Content-Length"), answer.body.len().to_string(), "{path}");
        assert_eq!(answer.header("Connection"), "close", "{path}");
    }
}

#[test]
fn the_status_follows_the_back_ends_and_the_supervisor() {
    let server = Running::start(vec![back_end("a", State::Up), back_end("b", State::Up)]);
    let statuses = || ["/healthz", "/readyz", "/livez"].map(|path| server.get(path).status);
    assert_eq!(statuses(), [200, 200, 200]);
    let change = |index: usize, state| {
        server.source.0.lock().unwrap().snapshot.back_ends[index].state = state;
    };
    for state in State::ALL.into_iter().filter(|state| *state != State::Up) {
        change(0, state);
        assert_eq!(statuses(), [503, 200, 200], "{state:?}");
    }
    change(1, State::Draining);
    assert_eq!(statuses(), [503, 503, 200]);
    server.source.0.lock().unwrap().dead = Some("it sleeps".into());
    assert_eq!(statuses(), [503, 503, 503]);
    assert_eq!(server.get("/livez").body, "it sleeps\n");
}

#[test]
fn readiness_says_who_is_not_up_and_why_on_one_line() {
    let mut down = back_end("b", State::Down);
    down.reason = "database:\nno route".into();
    let server = Running::start(vec![back_end("a", State::Up), down, back_end("c", State::Gone)]);
    let body = server.get("/readyz").body;
    assert_eq!(body, "1 of 3 back ends up; b: database: no route; c: gone\n");
}

#[test]
fn health_is_json_that_the_probe_understands() {
    let mut one = back_end("a", State::Up);
    one.heartbeat_age_seconds = Some(1.5);
    let server = Running::start(vec![one, back_end("b", State::Failed)]);
    let seen = probe(&Address::Tcp(server.at), LIMIT).unwrap();
    assert_eq!(seen, server.source.0.lock().unwrap().snapshot);
    let json: serde_json::Value = serde_json::from_str(&server.get("/healthz").body).unwrap();
    assert_eq!(json["back_ends"][0]["heartbeat_age_seconds"], 1.5);
    assert_eq!(json["back_ends"][1]["state"], "failed");
}

#[test]
fn a_head_request_gets_the_head_alone() {
    let server = Running::start(many(1));
    let answer = server.send(b"HEAD /metrics HTTP/1.1\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && body.is_empty(), "{answer}");
}

#[test]
fn a_bad_request_is_refused_and_the_next_one_answered() {
    let server = Running::start(many(1));
    let long = format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(100_000));
    let body = format!("POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n{}", "x".repeat(100_000));
    for (request, status) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "400 Bad Request"),
        (b"\0\0\0\0", "400 Bad Request"),
        (b"GET /\r\n\r\n", "400 Bad Request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported"),
        (b"DELETE / HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        (long.as_bytes(), "431 Request Header Fields Too Large"),
        (body.as_bytes(), "405 Method Not Allowed"),
    ] {
        let answer = server.send(request);
        let first = answer.lines().next().unwrap_or_default();
        assert_eq!(first, format!("HTTP/1.1 {status}"), "{:?}", &request[..10.min(request.len())]);
        assert_eq!(server.get("/healthz").status, 200);
    }
}

#[test]
fn a_request_may_come_in_pieces_and_end_in_a_half_closed_connection() {
    let server = Running::start(many(1));
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for piece in ["GE", "T /healthz HT", "TP/1.1\r", "\nHost: a\r\n", "\r", "\n"] {
        stream.write_all(piece.as_bytes()).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn clients_that_say_nothing_keep_nobody_out() {
    let server = Running::start(many(1));
    // More than it takes in: the oldest have to go.
    let mut idle: Vec<TcpStream> = Vec::new();
    for _ in 0..400 {
        idle.push(server.connect());
        if idle.len().is_multiple_of(50) {
            assert_eq!(server.get("/healthz").status, 200, "{} idle", idle.len());
        }
    }
    let closed = |idle: &[TcpStream]| idle.iter().filter(|one| is_closed(one)).count();
    wait_for("the oldest are let go", || closed(&idle[..100]) == 100);
    assert!(closed(&idle[300..]) < 100, "the newest were let go, too");
}

#[test]
fn a_client_that_sends_a_byte_now_and_then_is_let_go() {
    let server = Running::start(many(1));
    let mut slow: Vec<TcpStream> = (0..50).map(|_| server.connect()).collect();
    let mut request = b"GET / HTTP/1.1\r\nX: ".iter().chain(std::iter::repeat(&b'x'));
    wait_for("all slow clients to be gone", || {
        let byte = [*request.next().unwrap()];
        slow.retain_mut(|one| !is_closed(one) && one.write_all(&byte).is_ok());
        assert_eq!(server.get("/healthz").status, 200);
        slow.is_empty()
    });
}

#[test]
fn clients_that_do_not_read_their_answers_keep_nobody_out() {
    // Long names make an answer that the kernel's buffers do not take: 4 and 6 MiB at most, tcp(7).
    let sample =
        Sample { labels: vec![("name", "x".repeat(2_000).into())], value: Value::Whole(1) };
    let samples = vec![sample; 6_000];
    let family = Family { name: "long", help: "Much.", kind: Kind::Gauge, samples };
    let server = Running::start(many(1));
    server.source.0.lock().unwrap().metrics = vec![family];
    let mut deaf: Vec<TcpStream> = Vec::new();
    for _ in 0..10 {
        let mut stream = server.connect();
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
        deaf.push(stream);
        assert_eq!(server.get("/livez").status, 200);
    }
    // Somebody who reads gets everything, at whatever pace.
    let whole = server.get("/metrics");
    assert_eq!(whole.header("Content-Length"), whole.body.len().to_string());
    assert!(whole.body.len() > 11 << 20, "{}", whole.body.len());
    // There is room for eight of them, so the first one was let go.
    let mut cut = Vec::new();
    let _ = deaf[0].read_to_end(&mut cut);
    assert!(cut.len() < whole.body.len(), "{}", cut.len());
}

#[test]
fn a_stop_does_not_wait_for_clients() {
    let server = Running::start(many(1));
    let mut idle = server.connect();
    idle.write_all(b"GET / HT").unwrap();
    drop(server); // joins its thread
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest);
    assert!(rest.is_empty());
}

#[test]
fn a_unix_socket_answers_and_goes_with_its_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("health.sock");
    let address = Address::Unix(path.clone());
    let server = Server::bind(&address, 0o600).unwrap();
    let stopper = server.stopper().unwrap();
    let source = Scripted::default();
    source.0.lock().unwrap().snapshot.back_ends = many(3);
    let mut theirs = source.clone();
    let thread = std::thread::spawn(move || server.run(&mut theirs).unwrap());
    assert_eq!(probe(&address, LIMIT).unwrap().up(), 3);
    stopper.stop();
    thread.join().unwrap();
    assert!(!path.exists());
    assert!(UnixStream::connect(&path).is_err());
    assert!(probe(&address, LIMIT).is_err());
}

#[test]
fn somebody_else_at_the_address_is_not_taken_for_a_server_of_ours() {
    let theirs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(theirs.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = theirs.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n<html>hello</html>").unwrap();
    });
    let error = probe(&address, LIMIT).unwrap_err();
    assert_eq!(error.to_string(), format!("{address} does not answer as cinder-volume does"));
    thread.join().unwrap();
}
