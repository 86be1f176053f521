//! Reservations when the database refuses, which a trigger does for us.

use cinder_db::{
    chain,
    quota::{self, Counted},
};

use crate::{
    database::TestDatabase,
    every::quota::{change, request},
};

#[test]
fn a_usage_that_cannot_be_made_is_a_failure_with_its_reason() {
    let (database, mut connection) = TestDatabase::created();
    database.run(
        "CREATE TRIGGER refused BEFORE INSERT ON quota_usages
         BEGIN SELECT RAISE(ABORT, 'not today'); END",
    );
    let changes = [change(Counted::Volumes, 1, 10)];
    let error = quota::reserve(&mut connection, &request(&changes)).unwrap_err();
    assert!(chain(&error).contains("not today"), "{error:?}");
    assert_eq!(database.rows("count(*)", "reservations"), "0");
}
