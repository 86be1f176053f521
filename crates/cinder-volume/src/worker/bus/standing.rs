//! How a bus with a broker is: what its connections and servers come to for the worker. Pure.

use std::fmt::Write as _;

use oslo_log::printable;
use oslo_messaging::{BusState, ConnectionPhase};

use crate::worker::parts::Condition;

/// How messages are; starting until all is there or something has gone wrong.
pub(super) fn condition(state: &BusState) -> Condition {
    if let Some(reason) = &state.ended {
        return Condition::Down(format!("its thread has ended: {reason}"));
    }
    // What the broker's absence causes stands behind the absence.
    if let Some(away) = state.connections.iter().find(|one| one.phase != ConnectionPhase::Up) {
        return match &away.reason {
            Some(reason) => Condition::Down(format!("{}: {reason}", away.host)),
            None => Condition::Starting,
        };
    }
    if let Some(idle) = state.servers.iter().find(|server| !server.is_serving) {
        return match &idle.reason {
            Some(reason) => Condition::Down(reason.clone()),
            None => Condition::Starting,
        };
    }
    match state.connections.iter().find_map(|one| one.blocked.as_ref()) {
        Some(why) => Condition::Ailing(format!("the broker takes nothing: {why}")),
        None => Condition::Up,
    }
}

/// Lines for a report.
pub(super) fn report(state: &BusState) -> String {
    let mut text = String::new();
    for one in &state.connections {
        let (purpose, phase, age) = (one.purpose, one.phase, one.since.elapsed().as_secs());
        let why = printable(one.reason.as_deref().or(one.blocked.as_deref()).unwrap_or_default());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "connection: {purpose:?} {} {phase:?} for {age} s {why}", one.host);
    }
    for one in state.servers.iter().filter(|one| !one.is_serving) {
        let (queues, age) = (one.queues.join(", "), one.since.elapsed().as_secs());
        let why = printable(one.reason.as_deref().unwrap_or_default());
        let _ = writeln!(text, "not served for {age} s: {queues} {why}");
    }
    let (waiting, dead) = (state.waiting_replies, state.dead_reply_queues);
    let _ = writeln!(text, "replies: {waiting} wait for the broker, {dead} queues are given up");
    text
}

#[cfg(test)]
mod tests {
    use oslo_messaging::{Bus, RabbitOptions, Transport};

    use super::*;

    fn resting() -> BusState {
        let transport = Transport::parse("rabbit://u:p@h", &RabbitOptions::default());
        let Ok(Transport::Rabbit(broker)) = transport else { panic!("not rabbit://") };
        BusState::clone(&Bus::rabbit(*broker, "test").state().unwrap())
    }

    fn up() -> BusState {
        let mut state = resting();
        for connection in &mut state.connections {
            connection.phase = ConnectionPhase::Up;
        }
        state
    }

    #[test]
    fn messages_are_up_with_both_connections_and_down_for_the_reason_of_either() {
        assert_eq!(condition(&resting()), Condition::Starting);
        assert_eq!(condition(&up()), Condition::Up);
        for number in [0, 1] {
            let mut state = up();
            state.connections[number].phase = ConnectionPhase::Waiting;
            assert_eq!(condition(&state), Condition::Starting, "nothing has been tried");
            state.connections[number].reason = Some("refused".into());
            assert_eq!(condition(&state), Condition::Down("h:5672: refused".into()));
            state.ended = Some("a panic".into());
            let expected = Condition::Down("its thread has ended: a panic".into());
            assert_eq!(condition(&state), expected);
        }
    }

    #[test]
    fn a_report_names_both_connections_and_what_is_not_served() {
        let mut state = up();
        state.connections[1].blocked = Some("low on\nmemory".into());
        let text = report(&state);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("connection: Consuming h:5672 Up for 0 s"), "{text}");
        assert!(lines[1].ends_with("Up for 0 s low on\\nmemory"), "{text}");
        assert_eq!(lines[2], "replies: 0 wait for the broker, 0 queues are given up");
    }

    #[test]
    fn a_broker_that_takes_nothing_is_told_and_does_not_take_a_worker_down() {
        let mut state = up();
        state.connections[1].blocked = Some("low on memory".into());
        let expected = Condition::Ailing("the broker takes nothing: low on memory".into());
        assert_eq!(condition(&state), expected);
    }
}
