//! Reverts that come to nothing: both resources can be used again, whoever ended it.

use cinder_manager::records::Record;
use cinder_types::RequestContext;
use serde_json::Map;

use crate::stand::Stand;

fn nobody() -> RequestContext {
    RequestContext::own("req-2", "2026-01-01T00:00:00.000000")
}

#[test]
fn a_driver_that_cannot_revert_fails_it_and_leaves_nothing_on_its_way() {
    let mut stand = Stand::new();
    let id = stand.volume();
    let (snapshot, asked) = stand.wants_snapshot(&id);
    stand.carry_out(&asked).expect("it is made");
    let asked = stand.wants_revert(&snapshot);
    assert_eq!(
        (&*stand.status(&id), &*stand.snapshot_status(&snapshot)),
        ("reverting", "restoring")
    );
    let failure = stand.carry_out(&asked).expect_err("it cannot");
    assert_eq!(failure.class, "VolumeDriverException");
    assert!(failure.message.contains("the driver pretend cannot revert"), "{failure}");
    assert_eq!((&*stand.status(&id), &*stand.snapshot_status(&snapshot)), ("error", "available"));
    assert!(stand.records().list().expect("a directory").0.is_empty());
}

#[test]
fn one_that_was_interrupted_can_be_given_up() {
    let mut stand = Stand::new();
    let id = stand.volume();
    let (snapshot, asked) = stand.wants_snapshot(&id);
    stand.carry_out(&asked).expect("it is made");
    stand.wants_revert(&snapshot);
    let record = Record {
        method: "revert_to_snapshot".to_owned(),
        resource: id.to_string(),
        status: "reverting".to_owned(),
        request_id: None,
        resumed: 0,
        details: Map::from_iter([("snapshot_id".to_owned(), snapshot.clone().into())]),
    };
    stand.records().write(&record).expect("a place for it");
    let told = stand.manager.abandon(id.as_str(), &nobody()).expect("it is given up");
    assert_eq!(told["status"], "error");
    assert_eq!((&*stand.status(&id), &*stand.snapshot_status(&snapshot)), ("error", "available"));
    assert!(stand.records().list().expect("a directory").0.is_empty());
    let failure = stand.manager.abandon(id.as_str(), &nobody()).expect_err("nothing is left");
    assert_eq!(failure.class, "NotFound");
}
