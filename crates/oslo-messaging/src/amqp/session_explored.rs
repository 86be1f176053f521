//! The session under every event that can come, in any order: what must hold, holds.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::session::{Action, Class, Event, Life, News, Phase, Session, Standing, Trouble};
use crate::options::RabbitOptions;

fn trouble(class: Class) -> Trouble {
    Trouble { class, reason: format!("{class:?}") }
}

fn session(hosts: usize, now: Instant) -> Session {
    Session::new(hosts, &RabbitOptions::default(), 7, now)
}

/// The life and host of the connect among these actions.
fn connects(actions: &[Action]) -> Option<(Life, usize)> {
    actions.iter().find_map(|action| match action {
        Action::Connect(life, host) => Some((*life, *host)),
        _ => None,
    })
}

fn news(actions: Vec<Action>) -> Vec<News> {
    let told = actions.into_iter().filter_map(|action| match action {
        Action::Tell(news) => Some(news),
        _ => None,
    });
    told.collect()
}

/// Time goes on until the next try.
fn next_try(session: &mut Session, now: &mut Instant) -> (Life, usize, Duration) {
    let due = session.due().expect("a next try");
    let pause = due.saturating_duration_since(*now);
    *now = due;
    let actions = session.step(Event::Due, *now);
    let (life, host) = connects(&actions).expect("a try");
    (life, host, pause)
}

#[test]
fn a_server_is_established_once_both_connections_are_there() {
    let now = Instant::now();
    let mut session = session(1, now);
    let actions = session.step(Event::Listen(5), now);
    assert_eq!(actions, [Action::Connect(1, 0)]);
    assert_eq!(session.step(Event::Listen(6), now), []);
    let actions = session.step(Event::Connected(1), now);
    let told = News::Connected { host: 0, away: None, tries: 1 };
    let expected = [Action::Tell(told), Action::Establish(1, 5), Action::Establish(1, 6)];
    assert_eq!(actions, expected);
    assert_eq!(session.step(Event::Serving(1, 5), now), []);
    assert!(session.is_serving(5) && !session.is_serving(6));
    assert_eq!(session.step(Event::Listen(7), now), [Action::Establish(1, 7)]);
}

#[test]
fn other_hosts_are_tried_at_once_and_the_first_again_within_two_seconds() {
    let mut now = Instant::now();
    let mut session = session(3, now);
    let (mut life, first) = connects(&session.step(Event::Wanted, now)).expect("a try");
    let mut hosts = vec![first];
    for round in 0..20 {
        for number in 0..3 {
            session.step(Event::Lost(life, trouble(Class::Unreachable)), now);
            let (next, host, pause) = next_try(&mut session, &mut now);
            let most = if number < 2 { 100 } else { 2_000 };
            assert!(pause <= Duration::from_millis(most), "{round} {number}: {pause:?}");
            hosts.push(host);
            life = next;
        }
    }
    assert_ne!(hosts[0], hosts[1]);
    assert_eq!(hosts[..3], hosts[3..6], "in turn");
}

#[test]
fn a_broker_that_refuses_us_is_asked_less_and_less_often() {
    let mut now = Instant::now();
    let mut session = session(1, now);
    let (mut life, _) = connects(&session.step(Event::Wanted, now)).expect("a try");
    let mut pauses = Vec::new();
    for _ in 0..20 {
        session.step(Event::Lost(life, trouble(Class::Unwelcome)), now);
        let (next, _, pause) = next_try(&mut session, &mut now);
        pauses.push(pause.as_secs());
        life = next;
    }
    // 1, 3, 5, … at most 30, each with a second for the loss of a connection.
    assert_eq!(pauses[..4], [2, 4, 6, 8]);
    assert_eq!(pauses[19], 31);
}

#[test]
fn a_change_is_told_once_and_a_try_is_not() {
    let mut now = Instant::now();
    let mut session = session(1, now);
    let (mut life, _) = connects(&session.step(Event::Wanted, now)).expect("a try");
    let mut told = 0;
    for class in [Class::Unreachable, Class::Unreachable, Class::Mute, Class::Unreachable] {
        told += news(session.step(Event::Lost(life, trouble(class)), now)).len();
        life = next_try(&mut session, &mut now).0;
    }
    assert_eq!(told, 2, "one for each reason");
    let back = news(session.step(Event::Connected(life), now));
    assert!(matches!(back[..], [News::Connected { away: Some(_), tries: 5, .. }]), "{back:?}");
    assert_eq!(session.reconnects(), 1);
}

#[test]
fn what_was_good_is_tried_again_at_once_and_what_drops_us_is_not() {
    let mut now = Instant::now();
    let mut session = session(1, now);
    let (life, _) = connects(&session.step(Event::Wanted, now)).expect("a try");
    session.step(Event::Connected(life), now);
    now += Duration::from_secs(60);
    session.step(Event::Lost(life, trouble(Class::Broken)), now);
    let (mut life, _, pause) = next_try(&mut session, &mut now);
    assert!(pause <= Duration::from_millis(300), "{pause:?}");
    let mut pauses = Vec::new();
    for _ in 0..3 {
        session.step(Event::Connected(life), now);
        session.step(Event::Lost(life, trouble(Class::Broken)), now);
        let (next, _, pause) = next_try(&mut session, &mut now);
        pauses.push(pause.as_secs());
        life = next;
    }
    assert_eq!(pauses, [2, 4, 6]);
}

#[test]
fn a_refused_server_is_told_once_and_tried_again_while_the_others_go_on() {
    let mut now = Instant::now();
    let mut session = session(1, now);
    session.step(Event::Listen(1), now);
    session.step(Event::Connected(1), now);
    let refusal = |class| Event::Refused(1, 1, trouble(class));
    assert_eq!(news(session.step(refusal(Class::Forbidden), now)).len(), 1);
    for _ in 0..3 {
        now = session.due().expect("again");
        assert_eq!(session.step(Event::Due, now), [Action::Establish(1, 1)]);
        assert_eq!(news(session.step(refusal(Class::Forbidden), now)), []);
    }
    session.step(refusal(Class::NotReady), now);
    assert_eq!(session.due(), Some(now + Duration::from_secs(2)));
    now = session.due().expect("again");
    session.step(Event::Due, now);
    assert_eq!(news(session.step(Event::Serving(1, 1), now)), [News::Serving(1)]);
    assert!(session.is_up());
}

fn event() -> impl Strategy<Value = (u8, u8, u64, u64)> {
    (0..10_u8, 0..6_u8, 0..3_u64, 0..4_000_u64)
}

#[test]
fn other_hosts_are_tried_at_once_where_one_waits_and_not_before_where_one_is_there() {
    let mut now = Instant::now();
    let mut session = session(1, now);
    let (life, _) = connects(&session.step(Event::Wanted, now)).expect("a try");
    session.step(Event::Lost(life, trouble(Class::Unwelcome)), now);
    let actions = session.step(Event::Moved(2), now);
    let (life, host) = connects(&actions).expect("at once");
    assert!(host < 2);
    // Why it fails with them is told, although the same was told of those before.
    let told = news(session.step(Event::Lost(life, trouble(Class::Unwelcome)), now));
    assert!(matches!(told[..], [News::Away { .. }]), "{told:?}");
    let (life, _, _) = next_try(&mut session, &mut now);
    session.step(Event::Connected(life), now);
    assert_eq!(session.step(Event::Moved(1), now), []);
    assert!(session.is_up());
    session.step(Event::Lost(life, trouble(Class::Broken)), now);
    assert_eq!(next_try(&mut session, &mut now).1, 0, "the only one that there is now");
}

proptest! {
    #[test]
    fn no_order_of_events_breaks_it(
        at_first in 1..4_usize,
        events in prop::collection::vec(event(), 1..120),
    ) {
        let classes = [
            Class::Unreachable, Class::Mute, Class::Unwelcome, Class::Broken, Class::Forbidden,
            Class::NotReady,
        ];
        let mut now = Instant::now();
        let (mut session, mut hosts) = (session(at_first, now), at_first);
        // The life whose connections are being opened or open.
        let mut alive: Option<Life> = None;
        let mut last: Life = 0;
        for (kind, class, number, milliseconds) in events {
            now += Duration::from_millis(milliseconds);
            let class = classes[usize::from(class)];
            // Some events are of a life that is over, or never was.
            let life = (last + 1).saturating_sub(number);
            let ends = kind == 9;
            let event = match kind {
                0 => Event::Wanted,
                1 => Event::Listen(number),
                2 => Event::Leave(number),
                3 => Event::Connected(life),
                4 => Event::Lost(life, trouble(class)),
                5 => Event::Serving(life, number),
                6 => Event::Refused(life, number, trouble(class)),
                7 => Event::Due,
                8 => {
                    hosts = 1 + usize::from(number > 0);
                    Event::Moved(hosts)
                }
                _ => Event::End,
            };
            let was_ended = *session.phase().0 == Phase::Ended;
            for action in session.step(event, now) {
                match action {
                    Action::Connect(new, host) => {
                        prop_assert!(host < hosts);
                        prop_assert!(alive.is_none(), "two lives at once");
                        prop_assert!(new > last, "a life twice");
                        (alive, last) = (Some(new), new);
                    }
                    Action::Abandon(gone) if alive == Some(gone) => alive = None,
                    Action::Abandon(_) => {}
                    Action::Establish(of, _) => {
                        prop_assert!(session.is_up() && alive == Some(of));
                    }
                    Action::Tell(_) => {}
                }
                prop_assert!(!was_ended || matches!(action, Action::Abandon(_)));
            }
            let waits = matches!(session.phase().0, Phase::Waiting(_));
            prop_assert!(!waits || session.due().is_some(), "waits for nothing");
            prop_assert_eq!(
                matches!(session.phase().0, Phase::Connecting | Phase::Up), alive.is_some()
            );
            for place in 0..3 {
                let serves = session.is_serving(place);
                prop_assert!(!serves || session.is_up(), "serves without a connection");
                let refused = session.seat(place).is_some_and(|seat| {
                    matches!(seat.standing, Standing::Refused { .. })
                });
                prop_assert!(!refused || session.due().is_some(), "refused for ever");
            }
            if ends {
                prop_assert!(alive.is_none());
            }
        }
    }
}
