//! How often we wait for an answer: that is the price of an operation on a network that is slow.

use std::sync::mpsc;

use cinder_db::{
    Connection, DatabaseOptions, Heartbeat, Pulse, minimum_versions, open_or_create, register,
};
use cinder_types::BINARY;

use super::{faults::through_proxy, proxy::Proxy};
use crate::{
    database::{Kind, LIMIT, TestDatabase, registration},
    patient::{OFTEN, Patient},
};

on_every_server!(
    a_beat_costs_as_many_round_trips_as_its_server_asks,
    registering_costs_as_many_round_trips_as_its_statements,
);

/// The database through a proxy, with and without statements that stay prepared.
fn ways(database: &TestDatabase) -> [(bool, Proxy, DatabaseOptions); 2] {
    [false, true].map(|statement_cache| {
        let (proxy, options) = through_proxy(database);
        (statement_cache, proxy, DatabaseOptions { statement_cache, ..options })
    })
}

fn a_beat_costs_as_many_round_trips_as_its_server_asks(
    database: &TestDatabase,
    connection: Connection,
) {
    let mut patient = Patient::new(database, connection);
    for (cached, proxy, options) in ways(database) {
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
        let trips: Vec<_> = (0..4)
            .map(|_| after.recv_timeout(LIMIT).unwrap())
            .map(|now| now - std::mem::replace(&mut before, now))
            .collect();
        let expected = match (database.kind, cached) {
            (Kind::Sqlite, _) => panic!("SQLite has no network"),
            // Prepare, execute.
            #[cfg(feature = "mysql")]
            (Kind::Mysql, false) => [2, 2, 2, 2],
            #[cfg(feature = "mysql")]
            (Kind::Mysql, true) => [2, 1, 1, 1],
            // Begin with the limit, statement, commit.
            #[cfg(feature = "postgres")]
            (Kind::Postgres, false) => [3, 3, 3, 3],
            #[cfg(feature = "postgres")]
            (Kind::Postgres, true) => [4, 3, 3, 3],
        };
        assert_eq!(trips, expected, "cached: {cached}");
        assert_eq!(proxy.made(), 1, "connections");
    }
}

fn registering_costs_as_many_round_trips_as_its_statements(
    database: &TestDatabase,
    _connection: Connection,
) {
    for (cached, proxy, options) in ways(database) {
        let mut connection = open_or_create(&options).unwrap();
        let turns = proxy.turns();
        let mut trips = |host: &str| {
            let before = turns();
            let host = format!("{host}{cached}");
            register(&mut connection, &registration(&host, None)).unwrap();
            turns() - before
        };
        for host in ["a", "a"] {
            trips(host);
        }
        // Of a known one: look, update. Of a new one: look, look for volumes, take turns, look again,
        // insert, read the key; MySQL gives the turn up, PostgreSQL takes it in a transaction (2),
        // with a savepoint around (2). Many back ends over one connection cost no more.
        let (new, known) = match (database.kind, cached) {
            (Kind::Sqlite, _) => panic!("SQLite has no network"),
            #[cfg(feature = "mysql")]
            (Kind::Mysql, false) => (14, 4),
            #[cfg(feature = "mysql")]
            (Kind::Mysql, true) => (7, 2),
            #[cfg(feature = "postgres")]
            (Kind::Postgres, _) => (10, 2),
        };
        assert_eq!([trips("b"), trips("a")], [new, known], "cached: {cached}");
    }
}
