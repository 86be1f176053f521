//! Several calls at once, as the operation pool makes them.

use std::thread::scope;

use crate::conformance::case::{Case, Verdict};
use crate::conformance::content::Content;

const THREADS: u32 = 8;

pub(super) fn one(case: &Case<'_>) -> Verdict {
    let volume = case.volume();
    scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| case.create(&volume));
        }
    });
    let content = Content::tricky(21);
    case.fill(&volume, &content);
    // Snapshots and clones of it, while it is looked at.
    let (snapshots, clones) = scope(|scope| {
        let snapshots: Vec<_> =
            (0..THREADS / 2).map(|_| scope.spawn(|| case.snap(&volume))).collect();
        let clones: Vec<_> =
            (0..THREADS / 2).map(|_| scope.spawn(|| case.clone_of(&volume, 1))).collect();
        scope.spawn(|| case.driver.stats(&case.context()).expect("statistics"));
        let join = "no call panics";
        (
            snapshots.into_iter().map(|one| one.join().expect(join)).collect::<Vec<_>>(),
            clones.into_iter().map(|one| one.join().expect(join)).collect::<Vec<_>>(),
        )
    });
    if let Some(clone) = clones.first() {
        case.check(clone, &content, "a clone made beside others");
    }
    for snapshot in &snapshots {
        case.check_snapshot(snapshot, &content);
    }
    scope(|scope| {
        for clone in &clones {
            scope.spawn(|| case.delete(clone));
            scope.spawn(|| case.delete(clone));
        }
    });
    scope(|scope| {
        for snapshot in &snapshots {
            scope.spawn(|| case.unsnap(snapshot));
        }
    });
    scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| case.delete(&volume));
        }
    });
    Verdict::Passed
}

pub(super) fn many(case: &Case<'_>) -> Verdict {
    scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..4 {
                    let volume = case.created();
                    let snapshot = case.snap(&volume);
                    let restored = case.restored(&snapshot, 2);
                    case.delete(&restored);
                    case.unsnap(&snapshot);
                    case.delete(&volume);
                }
            });
        }
    });
    Verdict::Passed
}
