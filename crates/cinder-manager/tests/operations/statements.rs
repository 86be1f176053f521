//! Which statements an operation sends, one by one: docs/database.md gives the reason for each. One more fails the test.
//!
//! Diesel tells of each statement on the thread that sends it, which is the one that carries the operation out.

use std::cell::RefCell;
use std::sync::Once;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

use crate::stand::{Asked, Stand};

thread_local! {
    static SENT: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
    /// What connections keep prepared, as text.
    static KEPT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_default_instrumentation(|| {
            Some(Box::new(|event: InstrumentationEvent<'_>| match event {
                InstrumentationEvent::StartQuery { query, .. } => {
                    let text = query.to_string();
                    SENT.with_borrow_mut(|sent| sent.as_mut().map(|sent| sent.push(text)));
                }
                InstrumentationEvent::CacheQuery { sql, .. } => {
                    KEPT.with_borrow_mut(|kept| kept.push(sql.to_owned()));
                }
                _ => {}
            }) as Box<dyn Instrumentation>)
        })
        .expect("a function for all connections");
    });
}

/// What is done, and to which table: `UPDATE volumes`.
fn shape(sql: &str) -> String {
    let mut words = sql.split_whitespace();
    let verb = words.next().unwrap_or_default().trim_end_matches(';');
    let plain = |word: Option<&str>| {
        let word = word.unwrap_or_default();
        word.chars().filter(|one| one.is_ascii_alphanumeric() || *one == '_').collect::<String>()
    };
    let table = match verb {
        "UPDATE" => plain(words.next()),
        "SELECT" | "DELETE" => plain(words.skip_while(|word| *word != "FROM").nth(1)),
        "INSERT" => plain(words.nth(1)),
        _ => return verb.to_owned(),
    };
    format!("{verb} {table}")
}

/// The statements of an operation.
fn sent(stand: &Stand, asked: &Asked) -> Vec<String> {
    texts(stand, asked).iter().map(|text| shape(text)).collect()
}

/// The same in full, with what is bound behind ` -- `.
fn texts(stand: &Stand, asked: &Asked) -> Vec<String> {
    SENT.set(Some(Vec::new()));
    stand.carry_out(asked).expect("it is carried out");
    SENT.take().expect("it has been set")
}

/// A connection is in the pool, as in a worker that has done something before.
fn warm() -> Stand {
    watch();
    warmed(Stand::new())
}

fn warmed(mut stand: Stand) -> Stand {
    let id = stand.volume();
    let asked = stand.wants_deletion(&id);
    stand.carry_out(&asked).expect("it is deleted");
    stand
}

const CLAIM: [&str; 2] = ["SELECT workers", "UPDATE workers"];
const VOLUME: [&str; 8] = [
    "BEGIN",
    "SELECT volumes",
    "SELECT volume_metadata",
    "SELECT volume_admin_metadata",
    "SELECT volume_attachment",
    "SELECT volume_types",
    "SELECT volume_type_extra_specs",
    "COMMIT",
];

const SNAPSHOT: [&str; 4] = ["BEGIN", "SELECT snapshots", "SELECT snapshot_metadata", "COMMIT"];

#[test]
fn a_create_sends_twelve_statements() {
    let mut stand = warm();
    let (id, asked) = stand.wants_volume();
    let found = sent(&stand, &asked);
    let expected = [&CLAIM[..], &VOLUME, &["UPDATE volumes", "DELETE workers"]].concat();
    assert_eq!(found, expected);
    assert!(found.len() <= 12, "{}", found.len());
    assert_eq!((stand.status(&id).as_str(), stand.entries()), ("available", 0));
}

#[test]
fn a_create_that_is_told_sends_no_more() {
    watch();
    let mut stand = warmed(Stand::telling());
    stand.told.take();
    let (_, asked) = stand.wants_volume();
    assert_eq!(sent(&stand, &asked).len(), 12);
    assert_eq!(stand.told.take_names(), ["volume.create.start", "volume.create.end"]);
}

#[test]
fn a_deletion_that_frees_no_quota_sends_so_many() {
    let mut stand = warm();
    let id = stand.volume();
    let asked = stand.wants_deletion(&id);
    let row = [
        "BEGIN",
        "SELECT volumes",
        "UPDATE volumes",
        "UPDATE volume_metadata",
        "UPDATE volume_admin_metadata",
        "UPDATE snapshots",
        "UPDATE transfers",
        "UPDATE volume_glance_metadata",
        "UPDATE volume_attachment",
        "COMMIT",
    ];
    let expected = [&CLAIM[..], &VOLUME, &row, &["DELETE workers"]].concat();
    assert_eq!(sent(&stand, &asked), expected);
    assert_eq!((stand.status(&id).as_str(), stand.entries()), ("gone", 0));
}

#[test]
fn a_snapshot_sends_so_many() {
    let mut stand = warm();
    let id = stand.volume();
    let (snapshot, asked) = stand.wants_snapshot(&id);
    let ends = ["UPDATE snapshots", "UPDATE snapshots", "DELETE workers"];
    // The volume is read again at the end: an image's notes may have come while storage worked.
    let expected = [&CLAIM[..], &SNAPSHOT, &VOLUME, &VOLUME, &ends].concat();
    assert_eq!(sent(&stand, &asked), expected);
    let asked = stand.wants_snapshot_deletion(&snapshot);
    let row = [
        "UPDATE volume_glance_metadata",
        "BEGIN",
        "SELECT snapshots",
        "UPDATE snapshots",
        "UPDATE snapshot_metadata",
        "COMMIT",
    ];
    assert_eq!(sent(&stand, &asked), [&SNAPSHOT[..], &VOLUME, &row].concat());
}

/// Preparing costs more than running; and SQLite plans a statement anew each time a bound `LIMIT` gets its value.
#[test]
fn what_operations_send_stays_prepared_and_planned() {
    let mut stand = warm();
    let (id, asked) = stand.wants_volume();
    let mut all = texts(&stand, &asked);
    let (snapshot, asked) = stand.wants_snapshot(&id);
    all.extend(texts(&stand, &asked));
    let asked = stand.wants_snapshot_deletion(&snapshot);
    all.extend(texts(&stand, &asked));
    let asked = stand.wants_deletion(&id);
    all.extend(texts(&stand, &asked));
    let kept = KEPT.take();
    for text in all {
        let sql = text.split(" -- ").next().unwrap_or_default();
        let is_plain = matches!(shape(sql).as_str(), "BEGIN" | "COMMIT");
        assert!(is_plain || kept.iter().any(|one| one == sql), "prepared each time: {sql}");
        assert!(!sql.contains("LIMIT"), "planned each time: {sql}");
    }
}
