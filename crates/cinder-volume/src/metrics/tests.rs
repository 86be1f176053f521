//! What is shown under which name; words; labels.

use cinder_health::{Health, Operation, Supervisor, exposition};

use super::*;

/// Every number in it is another one.
fn snapshot() -> Snapshot {
    let operation = |age_seconds| Operation { age_seconds, ..Operation::default() };
    let lvm = BackEnd {
        name: "lvm".into(),
        host: "node@lvm".into(),
        state: State::Up,
        uptime_seconds: Some(100.5),
        startup_seconds: Some(0.25),
        heartbeat_age_seconds: Some(3.5),
        processes: 1 + 201 + 202 + 203 + 204,
        restarts: Restarts { exit: 201, signal: 202, watchdog: 203, roll: 204 },
        rss_bytes: Some(205),
        operations: vec![operation(206.5), operation(1.0)],
        ..BackEnd::default()
    };
    let odd = BackEnd { name: "a \"b\"\\c\nd".into(), state: State::Failed, ..BackEnd::default() };
    Snapshot {
        host: "node".into(),
        version: "1.2.3".into(),
        release: "29.0.0".into(),
        supervisor: Supervisor { pid: 1, rss_bytes: Some(401), private_bytes: None },
        health: Health {
            pid: 2,
            uptime_seconds: Some(402.5),
            restarts: Restarts { exit: 403, signal: 404, watchdog: 405, roll: 406 },
            rss_bytes: Some(407),
            private_bytes: None,
        },
        back_ends: vec![lvm, odd],
    }
}

fn words() -> Vec<AtomicU64> {
    (0..WORDS).map(|_| AtomicU64::default()).collect()
}

/// The text of the release before there was a table, which dashboards and alerts go by.
#[test]
fn names_texts_labels_and_order_are_what_they_were() {
    let words = words();
    let meters = Meters::new(&words);
    for (metric, count) in [
        (Metric::Heartbeats, 301),
        (Metric::HeartbeatFailures, 302),
        (Metric::DatabaseErrors, 307),
        (Metric::MessageReconnects, 308),
        (Metric::LogLinesDropped, 309),
    ] {
        meters.add(metric, &[], count - 1);
        meters.add(metric, &[], 1);
    }
    for (metric, value) in [
        (Metric::PoolOpen, 304),
        (Metric::PoolLent, 305),
        (Metric::PoolWaiting, 306),
        (Metric::Drained, 1),
    ] {
        meters.set(metric, &[], 99);
        meters.set(metric, &[], value);
    }
    for lane in 0..LANES.len() {
        meters.set(Metric::QueueDepth, &[lane], 3100 + lane as u64);
    }
    meters.add(Metric::Operations, &[0], 311);
    meters.add(Metric::Operations, &[1], 312);
    for (metric, sum) in [(Metric::HeartbeatDuration, 303.5), (Metric::OperationDuration, 313.5)] {
        let start = place(metric, Kind::Histogram, &[]).unwrap();
        let sum = Duration::from_secs_f64(sum).as_nanos();
        words[start].store(u64::try_from(sum).unwrap(), Ordering::Relaxed);
        for bucket in 1..=BOUNDS.len() as u64 + 1 {
            words[start + bucket as usize].store(bucket, Ordering::Relaxed);
        }
    }
    let families = families(&snapshot(), true, &[&words, &[]]);
    assert_eq!(families.len(), 38);
    let (now, before) = (exposition(families), include_str!("exposition.txt"));
    for (now, before) in now.lines().zip(before.lines()) {
        assert_eq!(now, before);
    }
    assert_eq!(now, before);
}

/// There are hundreds of combinations, and a worker that was never asked for anything shows none.
#[test]
fn what_rarely_happens_is_shown_once_it_has_happened() {
    let words = words();
    let shown = || {
        let text = exposition(families(&snapshot(), true, &[&words, &[]]));
        let lines = text.lines().filter(|line| line.contains("message_duration_seconds_count"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(shown(), Vec::<String>::new());
    let method = Method::ExtendVolume.number();
    Meters::new(&words).took(Metric::MessageDuration, &[method, 1], Duration::from_secs(2));
    assert_eq!(
        shown(),
        ["cinder_volume_message_duration_seconds_count{backend=\"lvm\",method=\"extend_volume\",\
          result=\"failure\"} 1"]
    );
}

/// What `promtool check metrics` complains of, and some more.
#[test]
fn every_declaration_keeps_the_rules_of_the_format() {
    let mut names: Vec<&str> = TABLE.iter().map(|one| one.name).collect();
    for Declaration { name, help, labels, .. } in TABLE {
        let capital = |c: char| c.is_ascii_uppercase() || c == '1';
        assert!(help.ends_with('.') && help.starts_with(capital), "{name}: {help}");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
        let wrong =
            ["_ms", "_minutes", "_kib", "_count", "_sum", "_bucket", "_gauge", "_total", "_info"];
        assert!(!wrong.iter().any(|end| name.ends_with(end)), "{name}");
        assert!(labels.iter().all(|label| label.name != "backend"), "{name}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TABLE.len());
}

/// A gauge's word is taken for what the process that runs has; counts go on.
#[test]
fn a_new_process_forgets_gauges_only() {
    let words = words();
    let meters = Meters::new(&words);
    meters.add(Metric::Heartbeats, &[], 7);
    meters.set(Metric::PoolOpen, &[], 8);
    meters.set(Metric::QueueDepth, &[1], 9);
    assert_eq!(meters.waiting(), [0, 9, 0, 0]);
    meters.took(Metric::HeartbeatDuration, &[], Duration::from_millis(1));
    meters.clear_gauges();
    let left: u64 = words.iter().map(|word| word.load(Ordering::Relaxed)).sum();
    assert_eq!(left, 7 + 1_000_000 + 1);
}

#[test]
fn a_duration_is_counted_in_the_bucket_that_it_fits() {
    let words = words();
    let meters = Meters::new(&words);
    for millis in [1, 2, 7_200_000] {
        meters.took(Metric::OperationDuration, &[], Duration::from_millis(millis));
    }
    let [Some(Value::Histogram(times))] = &meters.values(Metric::OperationDuration)[..] else {
        panic!("no histogram")
    };
    assert_eq!(times.sum, 7_200.003);
    let counts: Vec<u64> = times.buckets.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
}

/// As methods and outcomes will be: every combination has a word of its own, next to nobody's.
#[test]
fn every_combination_of_labels_has_its_own_word_and_its_own_sample() {
    const METHODS: Label = Label { name: "method", values: &["create", "delete", "extend"] };
    let declaration = Declaration {
        name: "calls",
        help: "Calls.",
        kind: Kind::Counter,
        labels: &[METHODS, RESULT],
        source: Words,
    };
    let table = [declaration, Declaration { kind: Kind::Histogram, ..declaration }];
    assert_eq!((start(&table, 1), start(&table, 2)), (6, 6 + 6 * HISTOGRAM));
    let mut seen = Vec::new();
    for method in 0..3 {
        for result in 0..2 {
            let combination = declaration.combination(&[method, result]);
            let labels = declaration.labels(combination);
            let expected = [METHODS.values[method], RESULT.values[result]];
            let found: Vec<&str> = labels.iter().map(|(_, value)| &**value).collect();
            assert_eq!(found, expected);
            seen.push(combination);
        }
    }
    assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn words_that_something_wrote_over_are_counts_that_can_be_added_up() {
    let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(u64::MAX)).collect();
    for metric in [Metric::HeartbeatDuration, Metric::OperationDuration] {
        let [Some(Value::Histogram(times))] = &Meters::new(&words).values(metric)[..] else {
            panic!("no histogram")
        };
        let sum = times.buckets.iter().try_fold(0_u64, |sum, (_, count)| sum.checked_add(*count));
        assert!(sum.is_some() && times.sum.is_finite());
    }
}

#[test]
fn without_words_nothing_is_counted_and_nothing_breaks() {
    let meters = Meters::new(&[]);
    meters.add(Metric::Heartbeats, &[], 1);
    meters.took(Metric::HeartbeatDuration, &[], Duration::MAX);
    meters.clear_gauges();
    assert_eq!(meters.values(Metric::Heartbeats), [Some(Value::Whole(0))]);
}
