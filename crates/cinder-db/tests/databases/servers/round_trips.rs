//! How often we wait for an answer: that is the price of an operation on a network that is slow.

use std::sync::mpsc;

use cinder_db::{Connection, Heartbeat, Pulse, minimum_versions, open_or_create, register};
use cinder_types::BINARY;

use super::faults::through_proxy;
use crate::{
    database::{Kind, LIMIT, TestDatabase, registration},
    patient::{OFTEN, Patient},
};

on_every_server!(
    a_beat_is_one_round_trip_over_the_connection_that_read_the_pins,
    registering_is_one_round_trip_per_statement,
);

fn a_beat_is_one_round_trip_over_the_connection_that_read_the_pins(
    database: &TestDatabase,
    connection: Connection,
) {
    let (proxy, options) = through_proxy(database);
    let mut patient = Patient::new(database, connection);
    patient.options = options;
    let plan = patient.plan(OFTEN);
    let mut connection = plan.connect().unwrap();
    assert!(minimum_versions(&mut connection, BINARY).unwrap().is_some());
    let turns = proxy.turns();
    let mut before = turns();
    // Asked on the thread that beats, so that no further beat is under way.
    let (sender, after) = mpsc::channel();
    let observe = move |_: &Pulse<'_>| {
        let _ = sender.send(turns());
    };
    let _heartbeat = Heartbeat::start_on(connection, plan, || true, observe).unwrap().unwrap();
    let trips: Vec<_> = (0..6)
        .map(|_| after.recv_timeout(LIMIT).unwrap())
        .map(|now| now - std::mem::replace(&mut before, now))
        .collect();
    // The first one has the server prepare the statement.
    assert_eq!(trips, [2, 1, 1, 1, 1, 1]);
    assert_eq!(proxy.made(), 1, "connections");
}

/// What is prepared stays prepared, so that many back ends over one connection cost no more.
fn registering_is_one_round_trip_per_statement(database: &TestDatabase, _connection: Connection) {
    let (proxy, options) = through_proxy(database);
    let mut connection = open_or_create(&options).unwrap();
    let turns = proxy.turns();
    let mut trips = |host| {
        let before = turns();
        register(&mut connection, &registration(host, None)).unwrap();
        turns() - before
    };
    for host in ["a", "a"] {
        trips(host);
    }
    // Of a known one: look, update. Of a new one: look, look for volumes, take turns, look again,
    // insert, read the key; MySQL gives the turn up, PostgreSQL takes it in a transaction (2), of
    // which it sets the level, with a savepoint around (2).
    let (new, known) = match database.kind {
        Kind::Sqlite => panic!("SQLite has no network"),
        #[cfg(feature = "mysql")]
        Kind::Mysql => (7, 2),
        #[cfg(feature = "postgres")]
        Kind::Postgres => (11, 2),
    };
    assert_eq!([trips("b"), trips("a")], [new, known]);
}
