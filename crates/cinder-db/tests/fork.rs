//! Handles that cross a fork refuse to work, and leave the opener's alone when dropped.
//!
//! The only place in this crate that forks, and therefore the only one with `unsafe`: the
//! rule under test is about real processes, and nothing safe makes a copy of one.

#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
#![allow(
    clippy::disallowed_methods,
    reason = "a forked child has to end at once, without running the test harness again"
)]

use std::path::Path;

use cinder_db::{
    Connection, DatabaseOptions, DatabaseUrl, DbError, Pool, Registration, list_services,
    open_or_create, register,
};
use cinder_types::ServiceHost;
use nix::{
    sys::wait::{WaitStatus, waitpid},
    unistd::{ForkResult, Pid, fork},
};

/// Runs `body` in a child; its exit status is 0 when `body` returns true.
fn child(body: impl FnOnce() -> bool) -> Pid {
    // SAFETY: glibc makes its allocator usable in the child of a process with threads, and
    // the child takes no other lock that a thread of the harness could hold: it touches
    // files and its own connection, prints nothing, and ends without unwinding.
    match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => child,
        ForkResult::Child => std::process::exit(i32::from(!body())),
    }
}

fn succeeded(child: Pid) -> bool {
    matches!(waitpid(child, None).unwrap(), WaitStatus::Exited(_, 0))
}

fn options(directory: &Path) -> DatabaseOptions {
    DatabaseOptions::new(DatabaseUrl::sqlite_file(directory.join("c.sqlite")).unwrap())
}

fn registration(host: &str) -> Registration {
    Registration {
        host: ServiceHost::from_parts(host, None, "b1"),
        cluster: None,
        availability_zone: "nova".into(),
        enable_new_services: true,
    }
}

fn is_foreign<T>(result: Result<T, DbError>) -> bool {
    let here = std::process::id();
    matches!(result, Err(DbError::ForeignProcess { opener, here: child }) if child == here && opener != here)
}

#[test]
fn handles_refuse_in_a_child_and_still_work_in_the_parent() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path());
    let mut connection = open_or_create(&options).unwrap();
    let pool = Pool::new(options.clone());
    drop(pool.get().unwrap());
    register(&mut connection, &registration("parent")).unwrap();

    let child = child(move || {
        let refused = is_foreign(list_services(&mut connection))
            && is_foreign(register(&mut connection, &registration("child")))
            && is_foreign(connection.check_alive())
            && is_foreign(pool.get());
        drop(connection);
        drop(pool);
        refused
    });
    assert!(succeeded(child), "a handle worked in another process");

    // Had the child closed its copies, the write-ahead log would be gone from under us.
    let mut connection = Connection::open(&options).unwrap();
    let hosts: Vec<_> =
        list_services(&mut connection).unwrap().into_iter().map(|row| row.host.unwrap()).collect();
    assert_eq!(hosts, ["parent@b1"]);
}

#[test]
fn of_many_creating_processes_all_register_in_one_file() {
    const PROCESSES: usize = 12;
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path());
    let children: Vec<_> = (0..PROCESSES)
        .map(|number| {
            let options = options.clone();
            child(move || {
                open_or_create(&options)
                    .and_then(|mut connection| {
                        register(&mut connection, &registration(&format!("n{number}")))
                    })
                    .is_ok()
            })
        })
        .collect();
    assert!(children.into_iter().all(succeeded));
    let mut connection = open_or_create(&options).unwrap();
    assert_eq!(list_services(&mut connection).unwrap().len(), PROCESSES);
}
