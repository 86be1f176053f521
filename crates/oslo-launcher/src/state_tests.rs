//! The state machine's tests: no process is started here.

use std::time::{Duration, Instant};

use expect_test::expect_file;
use proptest::prelude::*;

use super::*;

const LIMIT: Duration = Duration::from_secs(60);

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A supervisor with these services, all forked and ready at the returned time.
fn ready(names: &[&str]) -> (Supervisor, Instant) {
    let (mut sup, now) = started(names);
    for id in 0..names.len() {
        sup.step(Event::Ready(id), now);
    }
    (sup, now)
}

fn started(names: &[&str]) -> (Supervisor, Instant) {
    let now = Instant::now();
    let mut sup = Supervisor::new(Limits::default());
    for name in names {
        sup.add_service(name, 1, now);
    }
    fork_all(&mut sup, now);
    sup.step(Event::Launched, now);
    (sup, now)
}

/// Ticks until nothing is due; the actions.
fn fork_all(sup: &mut Supervisor, now: Instant) -> Vec<Action> {
    let mut actions = Vec::new();
    while sup.next_deadline().is_some_and(|at| at <= now) {
        actions.extend(sup.step(Event::Tick, now));
    }
    actions
}

/// The actions without log lines.
fn deeds(actions: Vec<Action>) -> Vec<Action> {
    actions.into_iter().filter(|action| !matches!(action, Action::Log(_))).collect()
}

#[test]
fn every_worker_is_forked_and_a_few_per_tick() {
    let now = Instant::now();
    let mut sup = Supervisor::new(Limits::default());
    sup.add_service("lvm", 1, now);
    sup.add_service("nfs", 2 * DUE_PER_TICK, now);
    let mut forked = Vec::new();
    for count in [DUE_PER_TICK, DUE_PER_TICK, 1] {
        assert_eq!(sup.next_deadline(), Some(now));
        let actions = sup.step(Event::Tick, now);
        assert_eq!(actions.len(), count);
        forked.extend(actions);
    }
    let all: Vec<Action> = (0..=2 * DUE_PER_TICK).map(Action::Fork).collect();
    assert_eq!((forked, sup.next_deadline()), (all, None));
}

#[test]
fn a_stop_between_two_ticks_leaves_the_rest_of_the_workers_unforked() {
    let now = Instant::now();
    let mut sup = Supervisor::new(Limits::default());
    sup.add_service("nfs", 2 * DUE_PER_TICK, now);
    sup.step(Event::Tick, now);
    let told = deeds(sup.step(Event::Stop("SIGTERM"), now));
    let terminated = told.iter().filter(|action| matches!(action, Action::Terminate(_))).count();
    assert_eq!(terminated, DUE_PER_TICK);
    assert_eq!(deeds(sup.step(Event::Tick, now)), []);
}

#[test]
fn defect_19_ready_is_told_once_when_all_have_reported_up_or_down() {
    let (mut sup, now) = started(&["lvm", "nfs"]);
    assert_eq!(sup.step(Event::Ready(0), now), []);
    assert_eq!(sup.step(Event::Down(1), now), [Action::Notify(Notice::Ready)]);
    assert_eq!(sup.step(Event::Ready(1), now), []);
    assert_eq!(sup.counts(), (2, 2));
}

#[test]
fn defect_19_ready_is_not_told_before_everything_is_launched() {
    let now = Instant::now();
    let mut sup = Supervisor::new(Limits::default());
    sup.add_service("quick", 1, now);
    fork_all(&mut sup, now);
    assert_eq!(sup.step(Event::Ready(0), now), []);
    sup.add_service("slow", 1, now);
    fork_all(&mut sup, now);
    assert_eq!(sup.step(Event::Launched, now), []);
    assert_eq!(sup.step(Event::Ready(1), now), [Action::Notify(Notice::Ready)]);
}

#[test]
fn three_workers_of_a_service_that_die_together_come_back_as_upstream_would_let_them() {
    let now = Instant::now();
    let mut sup = Supervisor::new(Limits::default());
    sup.add_service("lvm", 3, now);
    fork_all(&mut sup, now);
    let is_fork = |action: &Action| matches!(action, Action::Fork(_));
    let forks = |actions: Vec<Action>| actions.into_iter().filter(is_fork).count();
    // spec/launcher.md §2: four forks within three seconds are free, then one a second.
    let at_once: usize = (0..3).map(|id| forks(sup.step(Event::Exited(id), now))).sum();
    assert_eq!(at_once, 1);
    let later: Vec<usize> = (1..3).map(|s| forks(fork_all(&mut sup, now + secs(s)))).collect();
    assert_eq!(later, [1, 1]);
}

#[test]
fn a_worker_that_dies_before_reporting_does_not_hold_back_ready() {
    let (mut sup, now) = started(&["lvm", "nfs"]);
    sup.step(Event::Ready(0), now);
    let actions = sup.step(Event::Exited(1), now);
    assert_eq!(actions, [Action::Fork(1), Action::Notify(Notice::Ready)]);
}

#[test]
fn a_dead_worker_is_replaced_at_once_and_only_that_one() {
    let (mut sup, now) = ready(&["lvm", "nfs"]);
    assert_eq!(sup.step(Event::Exited(1), now + secs(100)), [Action::Fork(1)]);
}

#[test]
fn a_third_fork_within_a_second_waits_and_the_log_says_so() {
    let (mut sup, now) = ready(&["lvm"]);
    assert_eq!(sup.step(Event::Exited(0), now), [Action::Fork(0)]);
    assert_eq!(sup.step(Event::Exited(0), now), [Action::Log(Line::ForkingTooFast)]);
    assert_eq!(sup.next_deadline(), Some(now + secs(1)));
}

#[test]
fn a_worker_that_keeps_dying_waits_longer_and_longer_but_never_gives_up() {
    let (mut sup, mut now) = started(&["lvm"]);
    let mut waits = Vec::new();
    for _ in 0..10 {
        let actions = deeds(sup.step(Event::Exited(0), now));
        let due = sup.next_deadline().unwrap_or(now);
        waits.push((due - now).as_secs());
        now = due;
        if actions.is_empty() {
            assert_eq!(sup.step(Event::Tick, now - Duration::from_millis(1)), []);
            assert_eq!(sup.step(Event::Tick, now), [Action::Fork(0)]);
        }
    }
    assert_eq!(waits, [0, 1, 1, 2, 4, 8, 16, 30, 30, 30]);
}

#[test]
fn back_off_is_forgotten_after_a_stable_minute() {
    let (mut sup, mut now) = started(&["lvm"]);
    for _ in 0..6 {
        sup.step(Event::Exited(0), now);
        now = sup.next_deadline().unwrap_or(now);
        sup.step(Event::Tick, now);
    }
    now += secs(61);
    assert_eq!(deeds(sup.step(Event::Exited(0), now)), [Action::Fork(0)]);
}

#[test]
fn defect_18_a_crash_loop_of_one_does_not_delay_its_siblings() {
    let (mut sup, now) = ready(&["bad", "good"]);
    for _ in 0..8 {
        sup.step(Event::Exited(0), now);
    }
    assert!(sup.next_deadline().is_some_and(|due| due > now));
    assert_eq!(deeds(sup.step(Event::Exited(1), now)), [Action::Fork(1)]);
}

#[test]
fn a_fork_that_fails_is_tried_again_a_second_later() {
    let (mut sup, now) = started(&["lvm"]);
    // Nobody waits for it any longer than for one that has died.
    assert_eq!(deeds(sup.step(Event::ForkFailed(0), now)), [Action::Notify(Notice::Ready)]);
    assert_eq!(sup.next_deadline(), Some(now + secs(1)));
    assert_eq!(sup.step(Event::Tick, now + secs(1)), [Action::Fork(0)]);
}

#[test]
fn a_manager_that_listens_is_asked_for_more_time_while_a_start_takes_long() {
    let now = Instant::now();
    let mut sup = Supervisor::new(Limits::default());
    sup.listened_to(now);
    let extend = |seconds| [Action::Notify(Notice::Extend(secs(seconds)))];
    // A database is away: nothing is launched yet.
    assert_eq!(sup.next_deadline(), Some(now + secs(1)));
    assert_eq!(sup.step(Event::Tick, now + secs(1)), extend(45));
    sup.add_service("lvm", 1, now + secs(2));
    assert_eq!(sup.step(Event::Tick, now + secs(2)), [Action::Fork(0)]);
    sup.step(Event::Launched, now + secs(2));
    // A worker starts slowly.
    assert_eq!(sup.next_deadline(), Some(now + secs(16)));
    assert_eq!(sup.step(Event::Tick, now + secs(16)), extend(45));
    assert_eq!(sup.step(Event::Ready(0), now + secs(17)), [Action::Notify(Notice::Ready)]);
    assert_eq!(sup.next_deadline(), None);
}

#[test]
fn a_manager_that_listens_is_asked_for_more_time_until_a_drain_must_be_over() {
    let (mut sup, now) = ready(&["lvm"]);
    sup.listened_to(now);
    sup.step(Event::Stop("SIGTERM"), now);
    let mut asked = Vec::new();
    while let Some(at) = sup.next_deadline() {
        for action in sup.step(Event::Tick, at) {
            if let Action::Notify(Notice::Extend(time)) = action {
                asked.push(((at - now).as_secs(), time.as_secs()));
            }
        }
    }
    // The limit is at 60 s, the end at 65 s.
    assert_eq!(asked, [(1, 45), (16, 45), (31, 45), (46, 45), (61, 34)]);
}

#[test]
fn nobody_who_does_not_listen_is_asked_for_more_time() {
    let (mut sup, now) = started(&["lvm"]);
    assert_eq!(sup.next_deadline(), None);
    sup.step(Event::Stop("SIGTERM"), now);
    assert_eq!(sup.next_deadline(), Some(now + LIMIT));
}

#[test]
fn a_stop_terminates_all_and_ends_with_0_when_the_last_is_gone() {
    let (mut sup, now) = ready(&["lvm", "nfs"]);
    assert_eq!(
        deeds(sup.step(Event::Stop("SIGTERM"), now)),
        [Action::Notify(Notice::Stopping), Action::Terminate(0), Action::Terminate(1)]
    );
    assert_eq!(sup.step(Event::Exited(0), now), []);
    assert_eq!(sup.step(Event::Exited(1), now), [Action::Exit(0)]);
}

#[test]
fn defect_06_a_second_signal_does_not_cut_a_drain_short() {
    let (mut sup, now) = ready(&["lvm"]);
    sup.step(Event::Stop("SIGTERM"), now);
    for event in [Event::Stop("SIGTERM"), Event::Hangup, Event::Reloaded, Event::Ready(0)] {
        assert_eq!(sup.step(event, now + secs(1)), [], "{event:?}");
    }
    assert_eq!(sup.next_deadline(), Some(now + LIMIT));
}

#[test]
fn nothing_is_forked_after_a_stop() {
    let (mut sup, now) = started(&["lvm", "nfs"]);
    sup.step(Event::Exited(1), now);
    sup.step(Event::Exited(1), now);
    sup.step(Event::Exited(1), now); // now waiting
    sup.step(Event::Stop("SIGTERM"), now);
    sup.add_service("late", 1, now);
    assert_eq!(deeds(sup.step(Event::Tick, now + secs(50))), []);
    assert_eq!(sup.step(Event::Exited(0), now), [Action::Exit(0)]);
}

#[test]
fn a_stop_without_workers_is_over_at_once() {
    let mut sup = Supervisor::new(Limits::default());
    let actions = deeds(sup.step(Event::Stop("SIGTERM"), Instant::now()));
    assert_eq!(actions, [Action::Notify(Notice::Stopping), Action::Exit(0)]);
}

#[test]
fn after_the_limit_come_the_line_kill_and_status_1() {
    let (mut sup, now) = ready(&["lvm", "nfs"]);
    sup.step(Event::Stop("SIGTERM"), now);
    sup.step(Event::Exited(1), now);
    assert_eq!(sup.step(Event::Tick, now + LIMIT - Duration::from_millis(1)), []);
    assert_eq!(
        sup.step(Event::Tick, now + LIMIT),
        [Action::Log(Line::GracefulTimeout), Action::Kill(0)]
    );
    assert_eq!(sup.step(Event::Exited(0), now + LIMIT), [Action::Exit(1)]);
}

#[test]
fn a_process_that_survives_kill_does_not_keep_us() {
    let (mut sup, now) = ready(&["lvm"]);
    sup.step(Event::Stop("SIGTERM"), now);
    sup.step(Event::Tick, now + LIMIT);
    assert_eq!(sup.step(Event::Tick, now + LIMIT + KILL_GRACE - Duration::from_millis(1)), []);
    assert_eq!(sup.step(Event::Tick, now + LIMIT + KILL_GRACE), [Action::Exit(1)]);
}

#[test]
fn without_a_limit_a_drain_waits_for_ever() {
    let now = Instant::now();
    let mut sup = Supervisor::new(Limits { graceful_shutdown: None, ..Limits::default() });
    sup.add_service("lvm", 1, now);
    sup.step(Event::Tick, now);
    sup.step(Event::Stop("SIGTERM"), now);
    assert_eq!(sup.next_deadline(), None);
    assert_eq!(sup.step(Event::Tick, now + secs(1_000_000)), []);
}

#[test]
fn an_interrupt_ends_at_once_even_during_a_drain() {
    for stop_first in [false, true] {
        let (mut sup, now) = ready(&["lvm"]);
        if stop_first {
            sup.step(Event::Stop("SIGTERM"), now);
        }
        let actions = sup.step(Event::Interrupt, now);
        assert_eq!(actions, [Action::Log(Line::Interrupted), Action::Exit(1)]);
        assert_eq!(sup.step(Event::Tick, now), []);
    }
}

#[test]
fn a_reload_tells_the_workers_and_the_service_manager() {
    let (mut sup, now) = ready(&["lvm", "nfs"]);
    let actions = sup.step(Event::Hangup, now);
    assert_eq!(actions, [Action::Notify(Notice::Reloading), Action::Reload]);
    assert_eq!(
        sup.step(Event::Reloaded, now),
        [Action::Hangup(0), Action::Hangup(1), Action::Notify(Notice::Ready)]
    );
}

#[test]
fn defect_07_a_refused_reload_leaves_the_workers_alone() {
    let (mut sup, now) = ready(&["lvm"]);
    sup.step(Event::Hangup, now);
    assert_eq!(sup.step(Event::ReloadRefused, now), [Action::Notify(Notice::Ready)]);
}

#[test]
fn a_worker_that_somebody_wants_replaced_is_replaced_without_a_penalty() {
    let (mut sup, now) = started(&["lvm"]);
    assert_eq!(deeds(sup.step(Event::Roll, now)), [Action::Terminate(0)]);
    assert_eq!(
        deeds(sup.step(Event::Exited(0), now)),
        [Action::Fork(0), Action::Notify(Notice::Ready)]
    );
}

#[test]
fn defect_20_a_stalled_worker_gets_term_then_kill_and_is_replaced() {
    let (mut sup, now) = ready(&["lvm", "nfs"]);
    assert_eq!(deeds(sup.step(Event::Stalled(0), now)), [Action::Terminate(0)]);
    assert_eq!(sup.step(Event::Stalled(0), now), []);
    assert_eq!(sup.step(Event::Tick, now + KILL_GRACE - Duration::from_millis(1)), []);
    assert_eq!(sup.step(Event::Tick, now + KILL_GRACE), [Action::Kill(0)]);
    assert_eq!(sup.step(Event::Tick, now + KILL_GRACE), []);
    assert_eq!(sup.step(Event::Exited(0), now + KILL_GRACE), [Action::Fork(0)]);
}

#[test]
fn a_roll_replaces_one_worker_after_the_other() {
    let (mut sup, now) = ready(&["a", "b", "c"]);
    assert_eq!(deeds(sup.step(Event::Roll, now)), [Action::Terminate(0)]);
    for (id, next) in [(0, Some(1)), (1, Some(2)), (2, None)] {
        assert_eq!(sup.step(Event::Exited(id), now), [Action::Fork(id)]);
        let expected: Vec<Action> = next.map(Action::Terminate).into_iter().collect();
        assert_eq!(sup.step(Event::Ready(id), now), expected);
    }
}

#[test]
fn a_roll_stops_at_a_worker_that_does_not_come_back() {
    let (mut sup, mut now) = ready(&["a", "b"]);
    sup.step(Event::Roll, now);
    sup.step(Event::Exited(0), now);
    for _ in 0..5 {
        let actions = sup.step(Event::Exited(0), now);
        assert!(!actions.contains(&Action::Terminate(1)), "{actions:?}");
        now = sup.next_deadline().unwrap_or(now);
        sup.step(Event::Tick, now);
    }
    assert_eq!(deeds(sup.step(Event::Ready(0), now)), [Action::Terminate(1)]);
}

#[test]
fn a_second_roll_starts_anew_without_touching_two_at_a_time() {
    let (mut sup, now) = ready(&["a", "b"]);
    sup.step(Event::Roll, now);
    assert_eq!(deeds(sup.step(Event::Roll, now)), []);
    sup.step(Event::Exited(0), now);
    assert_eq!(sup.step(Event::Ready(0), now), [Action::Terminate(0)]);
}

#[test]
fn defect_25_a_reload_while_starting_loses_no_back_end() {
    let now = Instant::now();
    let mut sup = Supervisor::new(Limits::default());
    sup.add_service("b1", 1, now);
    sup.step(Event::Tick, now);
    sup.step(Event::Hangup, now);
    sup.step(Event::Reloaded, now);
    sup.add_service("b2", 1, now);
    assert_eq!(sup.step(Event::Tick, now), [Action::Fork(1)]);
}

#[test]
fn defect_09_a_term_behind_a_hangup_counts_and_a_hangup_behind_a_term_does_not() {
    let (mut sup, now) = ready(&["lvm"]);
    sup.step(Event::Hangup, now);
    let stop = deeds(sup.step(Event::Stop("SIGTERM"), now));
    assert!(stop.contains(&Action::Terminate(0)), "{stop:?}");
    let wishes =
        [Event::Reloaded, Event::ReloadRefused, Event::Hangup, Event::Roll, Event::Stalled(0)];
    for event in wishes {
        assert_eq!(sup.step(event, now), [], "{event:?}");
    }
    assert_eq!(sup.step(Event::Exited(0), now), [Action::Exit(0)]);
}

#[test]
fn defect_10_a_second_hangup_does_not_stop_the_service() {
    let (mut sup, now) = ready(&["lvm"]);
    for _ in 0..2 {
        assert_eq!(
            sup.step(Event::Hangup, now),
            [Action::Notify(Notice::Reloading), Action::Reload]
        );
        let told = [Action::Hangup(0), Action::Notify(Notice::Ready)];
        assert_eq!(sup.step(Event::Reloaded, now), told);
    }
    assert!(!sup.is_stopping());
}

#[test]
fn defect_24_no_decision_depends_on_the_wall_clock() {
    // Time comes in as `Instant`, which is monotonic; this keeps the other clock out for good.
    for source in [
        include_str!("state.rs"),
        include_str!("roster.rs"),
        include_str!("extension.rs"),
        include_str!("throttle.rs"),
        include_str!("bridge.rs"),
        include_str!("supervising.rs"),
        include_str!("forked.rs"),
        include_str!("spawned.rs"),
        include_str!("worker.rs"),
        include_str!("watchdog.rs"),
        include_str!("scoreboard.rs"),
    ] {
        assert!(!source.contains("SystemTime"), "the wall clock jumps");
    }
}

/// One worker in each of its states, while running and while draining.
fn states() -> Vec<(Supervisor, Instant)> {
    let (starting, now) = started(&["w"]);
    let with = |events: &[Event]| {
        let mut sup = starting.clone();
        for event in events {
            sup.step(*event, now);
        }
        (sup, now)
    };
    let dead = [Event::Exited(0); 3];
    let mut recycling = starting.clone();
    recycling.step(Event::Ready(0), now);
    recycling.step(Event::Roll, now);
    let stop = Event::Stop("SIGTERM");
    let mut killing = with(&[Event::Ready(0), stop]).0;
    killing.step(Event::Tick, now + LIMIT);
    vec![
        with(&dead),
        with(&[]),
        with(&[Event::Ready(0)]),
        with(&[Event::Down(0)]),
        (recycling, now),
        with(&[Event::Ready(0), stop]),
        (killing, now),
    ]
}

/// Events of the table, with the time that has passed when they come.
const EVENTS: [(&str, Event, Duration); 11] = [
    ("due / limit", Event::Tick, Duration::from_secs(3600)),
    ("ready", Event::Ready(0), secs_const(1)),
    ("down", Event::Down(0), secs_const(1)),
    ("exited", Event::Exited(0), secs_const(100)),
    ("fork failed", Event::ForkFailed(0), secs_const(1)),
    ("TERM", Event::Stop("SIGTERM"), secs_const(1)),
    ("HUP", Event::Hangup, secs_const(1)),
    ("reloaded", Event::Reloaded, secs_const(1)),
    ("stalled", Event::Stalled(0), secs_const(1)),
    ("USR1", Event::Roll, secs_const(1)),
    ("INT", Event::Interrupt, secs_const(1)),
];

const fn secs_const(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn phase(sup: &Supervisor) -> &'static str {
    match sup.phase {
        Phase::Running => "running",
        Phase::Draining { .. } => "draining",
        Phase::Killing { .. } => "killing",
        Phase::Closing { .. } => "closing",
        Phase::Ended => "ended",
    }
}

fn word(action: &Action) -> Option<String> {
    Some(match action {
        Action::Fork(_) => "fork".into(),
        Action::Terminate(_) => "send TERM".into(),
        Action::Kill(_) => "send KILL".into(),
        Action::Hangup(_) => "send HUP".into(),
        Action::Reload => "reload".into(),
        Action::Log(_) => return None,
        Action::Notify(notice) => {
            format!("notify {notice:?}").to_uppercase().replace("NOTIFY", "notify")
        }
        Action::Exit(status) => format!("exit {status}"),
    })
}

fn table() -> String {
    let mut text = String::from("| supervisor, worker |");
    for (name, ..) in EVENTS {
        text.push_str(&format!(" {name} |"));
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(EVENTS.len()));
    for (sup, now) in states() {
        text.push_str(&format!("\n| **{}, {}** |", phase(&sup), sup.roster.state(0).name()));
        for (_, event, after) in EVENTS {
            let mut next = sup.clone();
            let actions = next.step(event, now + after);
            let mut parts: Vec<String> = actions.iter().filter_map(word).collect();
            let moved = (phase(&next), next.roster.state(0).name());
            if moved.0 != "ended" && moved != (phase(&sup), sup.roster.state(0).name()) {
                parts.push(format!("→ {}, {}", moved.0, moved.1));
            }
            let cell = if parts.is_empty() { "–".to_owned() } else { parts.join("; ") };
            text.push_str(&format!(" {cell} |"));
        }
    }
    text.push('\n');
    text
}

#[test]
fn the_table_in_the_documentation_is_the_one_in_the_code() {
    let (begin, end) = ("<!-- table: begin -->\n", "<!-- table: end -->");
    let document = include_str!("../../../docs/supervision.md");
    let (head, rest) = document.split_once(begin).expect("the document marks the table's place");
    let (_, tail) = rest.split_once(end).expect("the document marks the table's end");
    // Run with UPDATE_EXPECT=1 to write the table anew.
    expect_file!["../../../docs/supervision.md"]
        .assert_eq(&format!("{head}{begin}{}{end}{tail}", table()));
}

/// A supervisor with one ordinary service, worker 0, and an auxiliary one, worker 1.
fn with_auxiliary() -> (Supervisor, Instant) {
    let now = Instant::now();
    let mut sup = Supervisor::new(Limits::default());
    sup.add_service("lvm", 1, now);
    sup.add_auxiliary("health", 1, now);
    assert_eq!(fork_all(&mut sup, now), [Action::Fork(0), Action::Fork(1)]);
    assert_eq!(sup.step(Event::Launched, now), []);
    (sup, now)
}

#[test]
fn an_auxiliary_worker_is_not_counted_and_ready_does_not_wait_for_it() {
    let (mut sup, now) = with_auxiliary();
    assert_eq!(sup.step(Event::Ready(0), now), [Action::Notify(Notice::Ready)]);
    assert_eq!(sup.counts(), (1, 1));
    assert_eq!(sup.step(Event::Ready(1), now), []);
    assert_eq!(sup.counts(), (1, 1));
    assert_eq!(sup.step(Event::Exited(1), now + secs(100)), [Action::Fork(1)]);
}

#[test]
fn a_roll_leaves_an_auxiliary_worker_alone() {
    let (mut sup, now) = with_auxiliary();
    sup.step(Event::Ready(0), now);
    sup.step(Event::Ready(1), now);
    assert_eq!(
        sup.step(Event::Roll, now + secs(100)),
        [Action::Log(Line::Rolling { count: 1 }), Action::Terminate(0)]
    );
    sup.step(Event::Exited(0), now + secs(100));
    assert_eq!(sup.step(Event::Ready(0), now + secs(100)), []);
}

#[test]
fn an_auxiliary_worker_is_stopped_when_all_others_are_gone() {
    let (mut sup, now) = with_auxiliary();
    let stop = sup.step(Event::Stop("SIGTERM"), now);
    assert!(stop.contains(&Action::Log(Line::WaitingOnChildren { count: 1 })), "{stop:?}");
    assert_eq!(deeds(stop), [Action::Notify(Notice::Stopping), Action::Terminate(0)]);
    assert_eq!(sup.step(Event::Exited(0), now + secs(1)), [Action::Terminate(1)]);
    assert_eq!(sup.step(Event::Exited(1), now + secs(1)), [Action::Exit(0)]);
}

#[test]
fn an_auxiliary_worker_keeps_no_stop_waiting() {
    let (mut sup, now) = with_auxiliary();
    sup.step(Event::Stop("SIGTERM"), now);
    sup.step(Event::Exited(0), now);
    assert_eq!(sup.next_deadline(), Some(now + secs(1)));
    assert_eq!(sup.step(Event::Tick, now + secs(1) - Duration::from_millis(1)), []);
    assert_eq!(sup.step(Event::Tick, now + secs(1)), [Action::Kill(1), Action::Exit(0)]);
}

#[test]
fn an_auxiliary_worker_that_ends_during_a_drain_is_not_replaced() {
    let (mut sup, now) = with_auxiliary();
    sup.step(Event::Stop("SIGTERM"), now);
    assert_eq!(sup.step(Event::Exited(1), now), []);
    assert_eq!(sup.step(Event::Exited(0), now), [Action::Exit(0)]);
}

#[test]
fn the_status_after_a_kill_stays_1_while_an_auxiliary_worker_ends() {
    let (mut sup, now) = with_auxiliary();
    sup.step(Event::Stop("SIGTERM"), now);
    assert_eq!(deeds(sup.step(Event::Tick, now + LIMIT)), [Action::Kill(0)]);
    assert_eq!(sup.step(Event::Exited(0), now + LIMIT), [Action::Terminate(1)]);
    assert_eq!(sup.step(Event::Exited(1), now + LIMIT), [Action::Exit(1)]);
}

#[test]
fn a_stop_while_an_auxiliary_worker_is_being_replaced_waits_for_its_end() {
    let (mut sup, now) = with_auxiliary();
    sup.step(Event::Stalled(1), now);
    sup.step(Event::Stop("SIGTERM"), now);
    assert_eq!(sup.step(Event::Exited(0), now), [Action::Terminate(1)]);
    assert_eq!(sup.step(Event::Exited(1), now), [Action::Exit(0)]);
}

#[test]
fn workers_are_numbered_through_and_know_their_service() {
    let now = Instant::now();
    let mut sup = Supervisor::new(Limits::default());
    sup.add_service("lvm", 2, now);
    sup.add_service("nfs", 1, now);
    let services: Vec<_> = (0..3).map(|id| (sup.service(id), sup.name(id))).collect();
    assert_eq!(services, [(0, "lvm"), (0, "lvm"), (1, "nfs")]);
}

#[test]
fn why_a_worker_is_replaced_is_known_until_a_stop() {
    let (mut sup, now) = with_auxiliary();
    assert_eq!(sup.replacement(0), Some(None));
    sup.step(Event::Roll, now);
    assert_eq!(sup.replacement(0), Some(Some(Cause::Asked)));
    sup.step(Event::Stalled(1), now);
    assert_eq!(sup.replacement(1), Some(Some(Cause::Watchdog)));
    sup.step(Event::Stop("SIGTERM"), now);
    assert_eq!(sup.replacement(0), None);
}

/// What happens in a comparison with and without an auxiliary worker.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Both(Event),
    Auxiliary(Event),
}

fn turn() -> impl Strategy<Value = Turn> {
    let both = [
        Event::Ready(0),
        Event::Down(0),
        Event::Exited(0),
        Event::Exited(0),
        Event::ForkFailed(0),
        Event::Stalled(0),
        Event::Launched,
        Event::Stop("SIGTERM"),
        Event::Hangup,
        Event::Reloaded,
        Event::Roll,
        Event::Alarm,
    ];
    let auxiliary = [
        Event::Ready(1),
        Event::Down(1),
        Event::Exited(1),
        Event::ForkFailed(1),
        Event::Stalled(1),
    ];
    prop_oneof![
        proptest::sample::select(both.to_vec()).prop_map(Turn::Both),
        proptest::sample::select(auxiliary.to_vec()).prop_map(Turn::Auxiliary),
    ]
}

/// The actions that are not about worker 1 or its service.
fn without_auxiliary(actions: Vec<Action>) -> Vec<Action> {
    let about = |action: &Action| match action {
        Action::Fork(id) | Action::Terminate(id) | Action::Kill(id) | Action::Hangup(id) => {
            *id == 1
        }
        Action::Log(Line::BackingOff { name, .. } | Line::Stalled { name }) => name == "health",
        Action::Log(Line::ForkingTooFast) => true,
        _ => false,
    };
    actions.into_iter().filter(|action| !about(action)).collect()
}

proptest! {
    /// Whatever an auxiliary worker does, the others are treated as if it were not there; only the
    /// end may come a second later.
    #[test]
    fn an_auxiliary_worker_changes_nothing_for_the_others(
        turns in proptest::collection::vec((turn(), 0..90_000_u64), 0..40),
    ) {
        let mut now = Instant::now();
        let (mut with, mut without) =
            (Supervisor::new(Limits::default()), Supervisor::new(Limits::default()));
        with.add_service("lvm", 1, now);
        with.add_auxiliary("health", 1, now);
        without.add_service("lvm", 1, now);
        let exit = |actions: &[Action]| actions.iter().find_map(|action| match action {
            Action::Exit(status) => Some(*status),
            _ => None,
        });
        for (turn, pause) in turns {
            let (mut left, mut right) = (fork_all(&mut with, now), fork_all(&mut without, now));
            let (event, both) = match turn {
                Turn::Both(event) => (event, true),
                Turn::Auxiliary(event) => (event, false),
            };
            left.extend(with.step(event, now));
            if both {
                right.extend(without.step(event, now));
            }
            let (mut left, mut right) = (without_auxiliary(left), without_auxiliary(right));
            if let Some(status) = exit(&right) {
                while exit(&left).is_none() {
                    let due = with.next_deadline();
                    prop_assert!(due.is_some_and(|at| at <= now + secs(1)), "no end in sight");
                    left.extend(without_auxiliary(with.step(Event::Tick, now + secs(1))));
                }
                prop_assert_eq!(exit(&left), Some(status));
                left.retain(|action| !matches!(action, Action::Exit(_)));
                right.retain(|action| !matches!(action, Action::Exit(_)));
                prop_assert_eq!(left, right);
                return Ok(());
            }
            prop_assert_eq!(left, right);
            prop_assert_eq!(with.counts(), without.counts());
            now += Duration::from_millis(pause);
        }
    }
}
