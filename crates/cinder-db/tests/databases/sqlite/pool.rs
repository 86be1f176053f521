//! The pool: nothing at rest, a limit, and no dead connections.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use cinder_db::{DbError, Pool, PoolState, list_services};

use crate::database::{LIMIT, TestDatabase};

#[test]
fn a_pool_opens_connections_only_when_asked_and_not_beyond_its_limit() {
    let (mut database, _connection) = TestDatabase::created();
    database.options.max_pool_size = 1;
    database.options.max_overflow = 1;
    database.options.pool_timeout = Duration::from_secs(1);
    let pool = Pool::new(database.options.clone());
    assert_eq!(pool.open_connections(), 0);
    let (mut one, two) = (pool.get().unwrap(), pool.get().unwrap());
    assert!(matches!(pool.get(), Err(DbError::Pool { .. })));
    drop(two);
    assert_eq!(list_services(&mut one).unwrap(), []);
    pool.get().unwrap();
    assert!(pool.open_connections() <= 2);
}

#[test]
fn a_connection_goes_back_after_what_was_done_with_it_however_that_ended() {
    let (mut database, _connection) = TestDatabase::created();
    database.options.max_pool_size = 1;
    database.options.max_overflow = 0;
    database.options.pool_timeout = Duration::from_secs(1);
    let pool = Pool::new(database.options.clone());
    assert_eq!(pool.with(list_services).unwrap(), []);
    let failed: Result<(), Box<dyn Error>> = pool.with(|_| Err("no".into()));
    assert_eq!(failed.unwrap_err().to_string(), "no");
    assert_eq!(pool.state().lent(), 0);
    let lent = pool.get().unwrap();
    assert!(matches!(pool.with(list_services), Err(DbError::Pool { .. })));
    drop(lent);
}

#[test]
fn a_pool_tells_what_is_lent_and_who_waits() {
    let (mut database, _connection) = TestDatabase::created();
    database.options.max_pool_size = 1;
    database.options.max_overflow = 0;
    database.options.pool_timeout = LIMIT;
    let pool = Pool::new(database.options.clone());
    let of_one = PoolState { most: 1, ..PoolState::default() };
    assert_eq!(pool.state(), of_one);
    let lent = pool.get().unwrap();
    assert_eq!(pool.state(), PoolState { open: 1, ..of_one });
    assert_eq!(pool.state().lent(), 1);
    let waiter = std::thread::spawn({
        let pool = pool.clone();
        move || drop(pool.get().unwrap())
    });
    let start = Instant::now();
    while pool.state().waiting == 0 {
        assert!(start.elapsed() < LIMIT, "nobody waits");
        std::thread::yield_now();
    }
    drop(lent);
    waiter.join().unwrap();
    assert_eq!(pool.state(), PoolState { open: 1, idle: 1, ..of_one });
}

#[test]
fn a_connection_to_a_replaced_file_is_not_lent_again() {
    let (database, _connection) = TestDatabase::created();
    let pool = Pool::new(database.options.clone());
    let lent = pool.get().unwrap();
    let copy = database.file().with_extension("copy");
    std::fs::copy(database.file(), &copy).unwrap();
    std::fs::rename(&copy, database.file()).unwrap();
    assert!(lent.check_alive().is_err());
    drop(lent);
    pool.get().unwrap().check_alive().unwrap();
}
