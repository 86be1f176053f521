//! Handles that cross a fork refuse to work, and leave the opener's alone when dropped.
//!
//! The only place in this crate that forks, and therefore the only one with `unsafe`: the
//! rule under test is about real processes, and nothing safe makes a copy of one. It brings
//! its own `main`, because the usual harness runs tests on several threads, and a child
//! forked while another thread is inside SQLite waits for SQLite's lock for ever.

#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test program of its own: it reads its arguments, prints like the usual \
              harness, and its forked children end at once"
)]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::{ExitCode, exit},
};

use cinder_db::{
    Connection, DatabaseOptions, DatabaseUrl, DbError, Pool, Registration, UrlError, list_services,
    open_or_create, register,
};
use cinder_types::ServiceHost;
use nix::{
    sys::wait::{WaitStatus, waitpid},
    unistd::{ForkResult, Pid, fork},
};
use test_conditions::skip;

const TESTS: [(&str, fn()); 4] = [
    (
        "handles_of_a_file_refuse_in_a_child_and_still_work_in_the_parent",
        handles_of_a_file_refuse_in_a_child_and_still_work_in_the_parent,
    ),
    ("handles_of_mysql_refuse_in_a_child", || of_a_server("CINDER_DB_TEST_MYSQL")),
    ("handles_of_postgresql_refuse_in_a_child", || of_a_server("CINDER_DB_TEST_POSTGRES")),
    (
        "of_many_creating_processes_all_register_in_one_file",
        of_many_creating_processes_all_register_in_one_file,
    ),
];

/// Runs the tests whose names hold the first argument, in turn, on this one thread.
fn main() -> ExitCode {
    let filter = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let chosen = TESTS.iter().filter(|(name, _)| name.contains(&filter));
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in chosen {
        let ok = catch_unwind(test).is_ok();
        println!("test {name} ... {}", if ok { "ok" } else { "FAILED" });
        *(if ok { &mut passed } else { &mut failed }) += 1;
    }
    let left = TESTS.len() - passed - failed;
    println!(
        "\ntest result: {}. {passed} passed; {failed} failed; 0 ignored; 0 measured; \
         {left} filtered out",
        if failed == 0 { "ok" } else { "FAILED" }
    );
    ExitCode::from(u8::from(failed != 0))
}

/// Runs `body` in a child; its exit status is 0 when `body` returns true.
fn child(body: impl FnOnce() -> bool) -> Pid {
    // SAFETY: no other thread runs code at this moment. There is the main thread, and at
    // most a pool's thread, which sleeps until there is a connection to open or to close.
    match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            exit(i32::from(!catch_unwind(AssertUnwindSafe(body)).unwrap_or(false)))
        }
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

fn handles_of_a_file_refuse_in_a_child_and_still_work_in_the_parent() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path());
    let mut connection = Some(open_or_create(&options).unwrap());
    let mut pool = Some(Pool::new(options.clone()));
    drop(pool.as_ref().unwrap().get().unwrap());
    register(connection.as_mut().unwrap(), &registration("parent")).unwrap();
    refused_in_a_child(&mut connection, &mut pool);

    // What the parent writes after that reaches everybody.
    register(connection.as_mut().unwrap(), &registration("again")).unwrap();
    let mut other = Connection::open(&options).unwrap();
    let hosts: Vec<_> =
        list_services(&mut other).unwrap().into_iter().map(|row| row.host.unwrap()).collect();
    assert_eq!(hosts, ["parent@b1", "again@b1"]);
}

/// The server's own database is enough: nothing is asked of it but whether it is there.
fn of_a_server(variable: &str) {
    let Some(url) = test_conditions::needed(variable, "server") else { return };
    let url = match DatabaseUrl::parse(url.to_str().expect("a URL is text")) {
        Ok(url) => url,
        Err(error @ UrlError::NotBuiltIn { .. }) => return skip(&error.to_string()),
        Err(error) => panic!("{variable}: {error}"),
    };
    let options = DatabaseOptions::new(url);
    let mut connection = Some(Connection::open(&options).unwrap());
    let mut pool = Some(Pool::new(options));
    let mut lent = pool.as_ref().unwrap().get().unwrap();
    refused_in_a_child(&mut connection, &mut pool);
    // Had the child said goodbye on a socket of ours, its session would be over.
    connection.as_mut().unwrap().ping().unwrap();
    lent.ping().unwrap();
}

/// Uses the handles in a child, and drops the child's copies of them.
fn refused_in_a_child(connection: &mut Option<Connection>, pool: &mut Option<Pool>) {
    let child = child(|| {
        let (mut connection, pool) = (connection.take().unwrap(), pool.take().unwrap());
        let refused = is_foreign(list_services(&mut connection))
            && is_foreign(register(&mut connection, &registration("child")))
            && is_foreign(connection.check_alive())
            && is_foreign(connection.ping())
            && is_foreign(pool.get());
        drop(connection);
        drop(pool);
        refused
    });
    assert!(succeeded(child), "a handle worked in another process");
}

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
