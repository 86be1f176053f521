//! What a fork costs: the pages that a worker copies of its parent until it is ready.
//!
//! Most of the price of a worker, and easily raised unseen: one allocation at the wrong moment is a
//! dozen pages. A count, not a time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod daemon;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use daemon::LIMIT;

/// Page faults of a trivial worker, once as many as asked for are ready; the median.
fn faults(workers: usize, threads: &str) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(LIMIT)).unwrap();
    // target/debug/deps/copied_pages-… → target/debug/examples/trivial_workers
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/trivial_workers");
    let mut command = Command::new(program);
    // The environment lies on the pages that are counted.
    command.args([&workers.to_string(), threads]).env_clear().env("NOTIFY_SOCKET", &path);
    let mut parent = command.stdin(Stdio::null()).spawn().unwrap();
    let mut message = [0; 4096];
    while !message.starts_with(b"READY=1") {
        manager.recv(&mut message).unwrap();
    }
    let mut all: Vec<u64> = children(&parent).map(|pid| minor_faults(&pid)).collect();
    kill(Pid::from_raw(parent.id() as i32), Signal::SIGTERM).unwrap();
    assert!(parent.wait().unwrap().success());
    assert_eq!(all.len(), workers);
    all.sort_unstable();
    all[workers / 2]
}

fn children(parent: &Child) -> impl Iterator<Item = String> {
    let pid = parent.id();
    let all = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    all.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The field minflt of proc(5).
fn minor_faults(pid: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, behind_the_name) = stat.rsplit_once(')').unwrap();
    behind_the_name.split_whitespace().nth(7).unwrap().parse().unwrap()
}

#[test]
fn a_worker_copies_few_pages_however_many_there_are() {
    // 18 and 52 when this was written. One allocation before a worker is ready makes it 24, and a
    // parent that leaves free memory unsorted 84 among a thousand.
    for (threads, most, many) in [("one-thread", 22, 300), ("two-threads", 70, 1000)] {
        let (alone, among_many) = (faults(1, threads), faults(many, threads));
        assert!(alone <= most, "{threads}: {alone} page faults");
        assert!(among_many <= alone + 12, "{threads}: {alone} alone, {among_many} among {many}");
    }
}
