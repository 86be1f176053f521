//! Server and client in processes of their own, and what happens when one is killed.

#[cfg(feature = "rabbit")]
mod broker;
mod served;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use oslo_messaging::{Bus, CallError, ServeError, ServerOptions};
use serde_json::json;
use served::process::{self, Process, Recorder, frame, text};
use served::{eventually, request, target};

#[test]
fn a_server_answers_a_client_of_another_process_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let bus = dir.path().join("rpc");
    let mut server = Process::start("echo", &["serve", text(&bus)], &dir.path().join("out"));
    assert_eq!(fs::metadata(&bus).expect("made").permissions().mode() & 0o777, 0o700);
    let socket = bus.join("echo,one");
    assert_eq!(fs::metadata(&socket).expect("made").permissions().mode() & 0o777, 0o600);
    let output = dir.path().join("answer");
    let mut client = Process::spawn("echo", &["call", text(&bus), "grüß Gott"], &output);
    assert!(client.child.wait().expect("ours").success());
    assert_eq!(client.said(), "\"grüß Gott\"\n");
    drop(server.child.stdin.take());
    assert!(server.child.wait().expect("ours").success());
    assert!(!socket.exists());
}

#[test]
fn a_server_that_nobody_calls_is_not_woken() {
    let dir = tempfile::tempdir().expect("a directory");
    let bus = dir.path().join("rpc");
    let server = Process::start("echo", &["serve", text(&bus)], &dir.path().join("out"));
    let output = dir.path().join("answer");
    let mut client = Process::spawn("echo", &["call", text(&bus), "text"], &output);
    assert!(client.child.wait().expect("ours").success());
    // The call has made a second thread, which goes when it has not been needed for 10 s. Who is left looks round no more.
    let sleeps = || server.sleeps(|thread| thread == "rpc");
    eventually("nobody is woken for longer than that", || {
        let before = sleeps();
        thread::sleep(Duration::from_secs(11));
        before.len() == 1 && sleeps() == before
    });
}

#[test]
fn a_killed_servers_socket_is_replaced_and_a_living_ones_never() {
    let dir = tempfile::tempdir().expect("a directory");
    let bus = dir.path().join("rpc");
    let out = dir.path().join("out");
    Process::start("echo", &["serve", text(&bus)], &out).kill();
    assert!(bus.join("echo,one").exists(), "it had no time to remove it");
    let _living = Process::start("echo", &["serve", text(&bus)], &out);
    let mut second = Process::spawn("echo", &["serve", text(&bus)], &dir.path().join("second"));
    assert!(!second.child.wait().expect("ours").success());
    let said = fs::read_to_string(dir.path().join("second.err")).expect("its output");
    assert!(said.contains("InUse"), "{said}");
    let mut client =
        Process::spawn("echo", &["call", text(&bus), "still"], &dir.path().join("answer"));
    assert!(client.child.wait().expect("ours").success());
}

#[test]
fn a_directory_that_others_write_to_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).expect("ours");
    let served = Bus::local(dir.path()).serve(&[target("s")], ServerOptions::default());
    assert!(matches!(served, Err(ServeError::Directory { .. })), "{served:?}");
}

#[test]
fn what_was_not_recorded_when_the_server_was_killed_is_done_by_the_next() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut service = Recorder::start(dir.path());
    let client = service.client.clone();
    let sender =
        thread::spawn(move || Recorder::cast(&client, &json!({"id": "a", "halt": "before"})));
    eventually("it is there", || service.names("halted") == ["a"]);
    assert!(!sender.is_finished(), "nobody has taken care of it");
    service.restart();
    sender.join().expect("no panic").expect("taken");
    eventually("it is done", || service.names("done") == ["a"]);
    assert_eq!(service.names("twice"), [""; 0]);
}

#[test]
fn what_was_recorded_when_the_server_was_killed_is_done_once_without_the_sender() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut service = Recorder::start(dir.path());
    Recorder::cast(&service.client, &json!({"id": "a", "halt": "after"})).expect("taken");
    eventually("it is recorded", || service.names("halted") == ["a"]);
    assert_eq!((service.names("recorded"), service.names("done").len()), (vec!["a".into()], 0));
    service.restart();
    assert_eq!(service.names("done"), ["a"]);
    assert_eq!(service.names("twice"), [""; 0]);
}

#[test]
fn casts_to_a_server_that_is_killed_again_and_again_are_done_once_each() {
    let dir = tempfile::tempdir().expect("a directory");
    process::kill_again_and_again(&mut Recorder::start(dir.path()));
}

#[test]
fn a_body_that_kills_its_reader_is_dropped_at_the_third_meeting() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut service = Recorder::start(dir.path());
    // The example dies of the warning about it.
    let body = json!({"method": "poison", "_msg_id": "1", "_context_auth_token": "gAAA-secret"});
    let body = frame(0, body.to_string().as_bytes());
    let socket = dir.path().join("rpc/topic,server");
    let send = || {
        let mut stream = UnixStream::connect(&socket).expect("a server");
        stream.write_all(&body).expect("sent");
        let mut told = Vec::new();
        let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
        let mut chunk = [0; 13];
        if stream.read_exact(&mut chunk).is_ok() {
            told = chunk.to_vec();
        }
        told
    };
    for meeting in 1..=2 {
        assert_eq!(send(), [0; 0], "meeting {meeting}");
        let mut died = service.process.take().expect("it ran");
        let status = died.child.wait().expect("ours");
        assert_eq!(status.signal(), Some(6), "meeting {meeting}");
        service.restart();
        // Whoever was not to blame is not.
        Recorder::cast(&service.client, &json!({"id": format!("b{meeting}")})).expect("taken");
    }
    assert_eq!(send().first(), Some(&2), "acknowledged");
    let log = service.log();
    let dropped = log.lines().filter(|line| line.starts_with("ERROR")).collect::<Vec<_>>();
    assert_eq!(dropped.len(), 1, "{log}");
    assert!(dropped[0].contains("2 processes died") && dropped[0].contains("poison"), "{log}");
    assert!(!log.contains("gAAA"), "{log}");
    Recorder::cast(&service.client, &json!({"id": "after"})).expect("taken");
    eventually("the others are done", || service.names("done") == ["after", "b1", "b2"]);
}

#[test]
fn a_stopped_server_costs_a_caller_no_more_than_its_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let bus = dir.path().join("rpc");
    let server = Process::start("echo", &["serve", text(&bus)], &dir.path().join("out"));
    server.signal(Signal::SIGSTOP);
    let client = Bus::local(&bus).client();
    let to = oslo_messaging::Destination::Server {
        exchange: "openstack".into(),
        topic: "echo".into(),
        server: "one".into(),
    };
    let began = Instant::now();
    // More than its backlog holds, one of them larger than a socket's buffer.
    let callers: Vec<_> = (0..200)
        .map(|number| {
            let (client, to) = (client.clone(), to.clone());
            let text = "x".repeat(if number == 0 { 4 << 20 } else { 1 });
            thread::spawn(move || {
                client.call(&to, request("echo", &json!({"text": text})), Duration::from_secs(2))
            })
        })
        .collect();
    for caller in callers {
        let answer = caller.join().expect("no panic");
        assert!(matches!(answer, Err(CallError::TimedOut | CallError::Bus { .. })), "{answer:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    server.signal(Signal::SIGCONT);
}
