//! Services over a broker in processes of their own, and what happens when one is killed or stopped.

mod broker;
mod served;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use served::eventually;
use served::process::{Process, Recorder, kill_again_and_again, text};

#[test]
fn over_a_broker_a_killed_server_loses_and_repeats_nothing_either() {
    let Some(host) = broker::host() else { return };
    for halt in ["before", "after"] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut service = Recorder::start_at(dir.path(), &host);
        Recorder::cast(&service.client, &json!({"id": "a", "halt": halt})).expect("confirmed");
        eventually("it is there", || service.names("halted") == ["a"]);
        assert_eq!(service.names("recorded").len(), usize::from(halt == "after"));
        service.restart();
        eventually("it is done", || service.names("done") == ["a"]);
        assert_eq!(service.names("twice"), [""; 0]);
    }
    let dir = tempfile::tempdir().expect("a directory");
    kill_again_and_again(&mut Recorder::start_at(dir.path(), &host));
}

#[test]
fn over_a_broker_a_body_that_kills_its_reader_is_dropped_at_the_third_meeting() {
    let Some(host) = broker::host() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let mut service = Recorder::start_at(dir.path(), &host);
    // The example dies of the warning about it; the broker delivers it again.
    let body = json!({"method": "poison", "_msg_id": "1", "_context_auth_token": "gAAA-secret"});
    broker::publish(&host, "topic.server", body.to_string().as_bytes());
    for meeting in 1..=2 {
        let mut died = service.process.take().expect("it ran");
        let status = died.child.wait().expect("ours");
        assert_eq!(status.signal(), Some(6), "meeting {meeting}");
        service.try_restart();
    }
    Recorder::cast(&service.client, &json!({"id": "after"})).expect("confirmed");
    eventually("the other is done", || service.names("done") == ["after"]);
    let log = service.log();
    let dropped: Vec<_> = log.lines().filter(|line| line.starts_with("ERROR")).collect();
    assert_eq!(dropped.len(), 1, "{log}");
    assert!(dropped[0].contains("2 processes died") && !log.contains("gAAA"), "{log}");
    assert_eq!(
        host.ctl(&["list_queues", "messages"])
            .lines()
            .map(str::trim)
            .filter(|line| *line == "1")
            .count(),
        0
    );
}

/// Heartbeats are all that an idle server is woken for; here there are none.
#[test]
fn over_a_broker_a_server_that_nobody_calls_is_not_woken() {
    let Some(host) = broker::host() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let url = host.url("?heartbeat_timeout_threshold=0");
    let server = Process::start("recorder", &[text(dir.path()), &url], &dir.path().join("out"));
    let sleeps = || server.sleeps(|_| true);
    eventually("nobody is woken for 12 s", || {
        let before = sleeps();
        thread::sleep(Duration::from_secs(12));
        before.len() > 3 && sleeps() == before
    });
}

#[test]
fn a_stopped_worker_is_dropped_by_its_broker_and_comes_back() {
    let Some(host) = broker::host() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let service = Recorder::start_at(dir.path(), &host);
    let process = service.process.as_ref().expect("it runs");
    let pid = process.child.id();
    let count = |what: &str| {
        let all = host.node.ctl(&["list_connections", "vhost", "client_properties"]);
        let of = |line: &&str| line.starts_with(&host.name) && line.contains(what);
        all.lines().filter(of).count()
    };
    assert_eq!(count(&format!(":{pid}:")), 2);
    process.signal(Signal::SIGSTOP);
    eventually("the broker has dropped it", || count(&format!(":{pid}:")) == 0);
    for number in 0..20 {
        Recorder::cast(&service.client, &json!({"id": format!("a{number:02}")})).expect("kept");
    }
    process.signal(Signal::SIGCONT);
    eventually("all are done", || service.names("done").len() == 20);
    assert_eq!(service.names("twice"), [""; 0]);
    // Each connection has a thread, which goes with it.
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("alive").flatten();
    let names = threads.map(|one| fs::read_to_string(one.path().join("comm")).unwrap_or_default());
    assert_eq!(names.filter(|name| name.trim() == "lapin-io-loop").count(), 2);
}
