//! Compare-and-swap: what counts as expected, and what a change sees.

use std::{sync::Barrier, thread};

use cinder_db::{
    Connection, DbError, Timestamp,
    cas::{Case, Condition, Swap},
    groups, open_or_create,
    snapshots::columns as snapshots,
    volumes,
};
use cinder_types::VolumeStatus;
use volumes::columns::{
    ATTACH_STATUS, MIGRATION_STATUS, MULTIATTACH, PREVIOUS_STATUS, SIZE, STATUS, UPDATED_AT,
};

use crate::database::TestDatabase;

on_every_database!(
    conditions_take_null_for_a_value_like_others,
    conditions_look_at_other_tables,
    changes_see_the_row_as_it_was,
    cases_choose_by_the_row_as_it_was,
    a_row_that_matches_counts_even_if_nothing_changes,
    deleted_and_missing_rows_are_left_alone,
    every_change_moves_the_time_unless_it_sets_it,
    reserved_words_are_quoted,
    of_many_that_swap_one_wins,
);

/// A live volume with status `available`, the other columns as given.
fn volume(database: &TestDatabase, id: &str, columns: &str, values: &str) {
    database.run(&format!(
        "INSERT INTO volumes (id, volume_type_id, deleted, status, {columns})
         VALUES ('{id}', 't', false, 'available', {values})"
    ));
}

fn available(id: &str) -> Swap<volumes::Row> {
    Swap::of(id).only_if(STATUS.is(VolumeStatus::AVAILABLE))
}

fn conditions_take_null_for_a_value_like_others(
    database: &TestDatabase,
    mut connection: Connection,
) {
    volume(database, "set", "previous_status, size, multiattach", "'a', 3, true");
    volume(database, "null", "size", "NULL");
    let none = || None::<&str>;
    let column = PREVIOUS_STATUS;
    let cases: [(&str, Condition<volumes::Row>, [bool; 2]); 18] = [
        ("= a", column.is("a"), [true, false]),
        ("= b", column.is("b"), [false, false]),
        ("= NULL", column.is(none()), [false, true]),
        ("is NULL", column.is_null(), [false, true]),
        ("in a b", column.is_in(["a", "b"]), [true, false]),
        ("in b NULL", column.is_in([Some("b"), None]), [false, true]),
        ("in a NULL", column.is_in([Some("a"), None]), [true, true]),
        ("in nothing", column.is_in([""; 0]), [false, false]),
        ("not a", column.is_not("a"), [false, true]),
        ("not b", column.is_not("b"), [true, true]),
        ("not NULL", column.is_not(none()), [true, false]),
        ("not in a b", column.is_not_in(["a", "b"]), [false, true]),
        ("not in b c", column.is_not_in(["b", "c"]), [true, true]),
        ("not in b NULL", column.is_not_in([Some("b"), None]), [true, false]),
        ("not in a b NULL", column.is_not_in([Some("a"), Some("b"), None]), [false, false]),
        ("not in nothing", column.is_not_in([""; 0]), [true, true]),
        ("size = 3", SIZE.is(3), [true, false]),
        ("multiattach", MULTIATTACH.is(true), [true, false]),
    ];
    for (name, condition, expected) in cases {
        let found = ["set", "null"].map(|id| {
            let swap = available(id).only_if(condition.clone()).set(STATUS.to("available"));
            swap.run(&mut connection).unwrap()
        });
        assert_eq!(found, expected, "{name}");
    }
}

fn conditions_look_at_other_tables(database: &TestDatabase, mut connection: Connection) {
    for id in ["bare", "busy", "was"] {
        volume(database, id, "size", "1");
    }
    database.run(
        "INSERT INTO snapshots (id, volume_id, volume_type_id, status, deleted) VALUES
         ('s1', 'busy', 't', 'creating', false), ('s2', 'was', 't', 'deleted', true)",
    );
    let mut found = |condition: Condition<volumes::Row>| {
        ["bare", "busy", "was"].map(|id| {
            let swap = available(id).only_if(condition.clone()).set(STATUS.to("available"));
            swap.run(&mut connection).unwrap()
        })
    };
    let column = snapshots::VOLUME_ID;
    assert_eq!(found(column.somewhere([])), [false, true, false]);
    assert_eq!(found(column.nowhere([])), [true, false, true]);
    let creating = || snapshots::STATUS.is("creating");
    assert_eq!(found(column.somewhere([creating()])), [false, true, false]);
    let other = || snapshots::STATUS.is_not("creating");
    assert_eq!(found(column.somewhere([other()])), [false, false, false]);
    assert_eq!(found(column.nowhere([other()])), [true, true, true]);
}

fn changes_see_the_row_as_it_was(database: &TestDatabase, mut connection: Connection) {
    let columns = "previous_status status migration_status size multiattach";
    volume(database, "v", "size, multiattach", "3, false");
    // The constant stands first, and on MySQL would be read if it stayed there.
    let swap = available("v")
        .set(STATUS.to("error"))
        .set(STATUS.to("retyping"))
        .set(MIGRATION_STATUS.to_value_of(PREVIOUS_STATUS))
        .set(PREVIOUS_STATUS.to_value_of(STATUS))
        .set(SIZE.to_sum(SIZE, 10))
        .set(MULTIATTACH.to(true));
    assert!(swap.run(&mut connection).unwrap());
    assert_eq!(database.rows(columns, "volumes"), "available|retyping|NULL|13|1");
    let back = Swap::of("v")
        .only_if(PREVIOUS_STATUS.is("available"))
        .set(PREVIOUS_STATUS.to_null())
        .set(STATUS.to_value_of(PREVIOUS_STATUS));
    assert!(back.clone().run(&mut connection).unwrap());
    assert_eq!(database.rows(columns, "volumes"), "NULL|available|NULL|13|1");
    assert!(!back.run(&mut connection).unwrap(), "it is not as expected any more");
    let exchange = Swap::of("v")
        .set(STATUS.to_value_of(PREVIOUS_STATUS))
        .set(PREVIOUS_STATUS.to_value_of(STATUS));
    let error = exchange.run(&mut connection).unwrap_err();
    assert!(matches!(error, DbError::Exchange { .. }), "{error}");
}

fn cases_choose_by_the_row_as_it_was(database: &TestDatabase, mut connection: Connection) {
    volume(database, "attached", "attach_status, size", "'attached', 1");
    volume(database, "detached", "attach_status, size", "'detached', 20");
    volume(database, "neither", "attach_status", "NULL");
    for id in ["attached", "detached", "neither"] {
        let status = Case::when(ATTACH_STATUS.is("attached"), "in-use")
            .or_when(SIZE.is_in([10, 20]), "big")
            .or_value_of(STATUS);
        let swap = available(id)
            .set(ATTACH_STATUS.to("unknown"))
            .set(STATUS.to_case(status))
            .set(MIGRATION_STATUS.to_case(Case::when(SIZE.is_null(), "none").or("some")))
            .set(SIZE.to_case(Case::when(SIZE.is(1), 2)));
        assert!(swap.run(&mut connection).unwrap());
    }
    assert_eq!(
        database.rows("status attach_status migration_status size", "volumes ORDER BY id"),
        "in-use|unknown|some|2\nbig|unknown|some|NULL\navailable|unknown|none|NULL"
    );
}

fn a_row_that_matches_counts_even_if_nothing_changes(
    database: &TestDatabase,
    mut connection: Connection,
) {
    volume(database, "v", "size", "1");
    let now = Timestamp::parse("2026-01-02 03:04:05.000000").unwrap();
    for _ in 0..2 {
        let swap = available("v").set(STATUS.to("available")).set(UPDATED_AT.to(now));
        assert!(swap.run(&mut connection).unwrap());
    }
}

fn deleted_and_missing_rows_are_left_alone(database: &TestDatabase, mut connection: Connection) {
    volume(database, "v", "size", "1");
    volume(database, "other", "size", "1");
    database.run("UPDATE volumes SET deleted = true WHERE id = 'v'");
    for id in ["v", "nobody"] {
        assert!(!available(id).set(STATUS.to("error")).run(&mut connection).unwrap());
    }
    assert_eq!(database.rows("status", "volumes ORDER BY id"), "available\navailable");
}

fn every_change_moves_the_time_unless_it_sets_it(
    database: &TestDatabase,
    mut connection: Connection,
) {
    volume(database, "v", "updated_at", "'2020-01-02 03:04:05.000000'");
    let old = database.rows("updated_at", "volumes");
    let kept = available("v").set(SIZE.to(1)).set(UPDATED_AT.to_value_of(UPDATED_AT));
    assert!(kept.run(&mut connection).unwrap());
    assert_eq!(database.rows("updated_at", "volumes"), old);
    assert!(available("v").set(SIZE.to(2)).run(&mut connection).unwrap());
    assert!(database.rows("updated_at", "volumes") > old);
}

fn reserved_words_are_quoted(database: &TestDatabase, mut connection: Connection) {
    database.run(
        "INSERT INTO \"groups\" (id, group_type_id, status, deleted)
         VALUES ('g', 't', 'creating', false)",
    );
    let swap = Swap::of("g").only_if(groups::columns::STATUS.is("creating"));
    assert!(swap.set(groups::columns::STATUS.to("error")).run(&mut connection).unwrap());
    assert_eq!(database.rows("status", "\"groups\""), "error");
}

fn of_many_that_swap_one_wins(database: &TestDatabase, _connection: Connection) {
    const RIVALS: usize = 4;
    volume(database, "v", "size", "1");
    let start = Barrier::new(RIVALS);
    let winners = thread::scope(|scope| {
        let rivals: Vec<_> = (0..RIVALS)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = open_or_create(&database.options).unwrap();
                    start.wait();
                    let swap = available("v").set(STATUS.to("deleting"));
                    swap.run(&mut connection).unwrap()
                })
            })
            .collect();
        rivals.into_iter().filter_map(|rival| rival.join().unwrap().then_some(())).count()
    });
    assert_eq!(winners, 1);
}
