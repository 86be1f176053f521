//! Somebody else than the user of the bus. Alone in its program, because it becomes that somebody.

#[cfg(feature = "rabbit")]
mod broker;
mod served;

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::unistd::{Uid, geteuid, seteuid};
use oslo_messaging::CallError;
use serde_json::json;
use served::process::Recorder;
use served::{request, server_of};

#[test]
fn another_user_is_turned_away() {
    if !geteuid().is_root() {
        test_conditions::skip("only root can be somebody else");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let service = Recorder::start(directory.path());
    let socket = directory.path().join("rpc/topic,server");
    let stranger = Uid::from_raw(65_534);
    seteuid(stranger).expect("root may");
    assert!(UnixStream::connect(&socket).is_err(), "the directory is closed to others");
    seteuid(Uid::from_raw(0)).expect("root still");
    // Opened as no operator would: what is left is the look at who is at the other end.
    for path in [directory.path(), &directory.path().join("rpc"), &socket] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("ours");
    }
    seteuid(stranger).expect("root may");
    let mut peer = UnixStream::connect(&socket).expect("open to all");
    peer.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let heard = peer.read(&mut [0; 1]);
    let asked = request("echo", &json!({"text": 1}));
    let called = service.client.call(&server_of("server"), asked, Duration::from_millis(500));
    seteuid(Uid::from_raw(0)).expect("root still");
    let waited = heard.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    assert!(!waited && !matches!(heard, Ok(1)), "{heard:?}");
    assert!(matches!(called, Err(CallError::Bus { .. } | CallError::TimedOut)), "{called:?}");
    assert!(service.log().contains("of uid 65534 turned away"), "{}", service.log());
    let asked = request("echo", &json!({"text": 1}));
    service.client.call(&server_of("server"), asked, Duration::from_secs(20)).expect("an answer");
}
