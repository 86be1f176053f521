//! The pool: nothing at rest, a limit, and no dead connections.

use std::time::Duration;

use cinder_db::{DbError, Pool, list_services};

use crate::database::TestDatabase;

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
