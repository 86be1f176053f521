//! How often a heartbeat waits for an answer: that is its price on a network that is slow.

use std::sync::mpsc;

use cinder_db::{Connection, Heartbeat, Pulse, minimum_versions};
use cinder_types::BINARY;

use super::faults::through_proxy;
use crate::{
    database::{LIMIT, TestDatabase},
    patient::{OFTEN, Patient},
};

on_every_server!(a_beat_is_one_round_trip_over_the_connection_that_read_the_pins);

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
