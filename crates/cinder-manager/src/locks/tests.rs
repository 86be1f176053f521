//! Locks of one process; that they keep upstream's library out is in `tests/coordination.rs`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

const LONG: Duration = Duration::from_secs(20);

fn locks() -> (tempfile::TempDir, Locks) {
    let directory = tempfile::tempdir().unwrap();
    let locks = Locks::below(directory.path().join("made"));
    (directory, locks)
}

#[test]
fn a_name_is_held_by_one_at_a_time() {
    let (_directory, locks) = locks();
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let held = locks.take(&["a"], LONG, &|| true).unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(held);
                }
            });
        }
    });
    assert_eq!(most.into_inner(), 1);
}

/// Another coordinator on the same directory is another process as far as files are concerned.
#[test]
fn whoever_does_not_share_our_memory_is_kept_out_by_the_file() {
    let (_directory, locks) = locks();
    let other = Locks::below(locks.shared.directory.clone());
    let held = locks.take(&["a"], LONG, &|| true).unwrap();
    let error = other.take(&["a"], Duration::from_millis(50), &|| true).unwrap_err();
    assert!(matches!(&error, LockError::Held { name, .. } if name == "a"), "{error}");
    drop(held);
    other.take(&["a"], LONG, &|| true).unwrap();
}

#[test]
fn names_that_come_in_different_orders_never_wait_for_each_other() {
    let (_directory, locks) = locks();
    thread::scope(|scope| {
        for names in [["a", "b"], ["b", "a"]] {
            let locks = &locks;
            scope.spawn(move || {
                for _ in 0..200 {
                    locks.take(&names, LONG, &|| true).unwrap();
                }
            });
        }
    });
}

#[test]
fn a_name_that_comes_twice_is_one_lock() {
    let (_directory, locks) = locks();
    locks.take(&["a", "a"], Duration::from_secs(1), &|| true).unwrap();
}

#[test]
fn a_wait_ends_when_it_is_given_up_and_nothing_stays_held() {
    let (_directory, locks) = locks();
    let held = locks.take(&["b"], LONG, &|| true).unwrap();
    let tries = AtomicUsize::new(0);
    let goes_on = || tries.fetch_add(1, Ordering::Relaxed) < 2;
    let error = locks.take(&["a", "b"], LONG, &goes_on).unwrap_err();
    assert!(matches!(&error, LockError::Cancelled { name } if name == "b"), "{error}");
    locks.take(&["a"], Duration::ZERO, &|| true).unwrap();
    drop(held);
    locks.take(&["a", "b"], Duration::ZERO, &|| true).unwrap();
}

/// Without the look at the name behind the lock two would be inside at a time: one with the removed
/// file, one with the new.
#[test]
fn a_file_that_is_removed_with_its_lock_lets_nobody_in_beside_the_next() {
    let (_directory, locks) = locks();
    let others: Vec<Locks> = (0..4).map(|_| Locks::below(locks.shared.directory.clone())).collect();
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for one in &others {
            let (inside, most) = (&inside, &most);
            scope.spawn(move || {
                for _ in 0..100 {
                    let held = one.take(&["a"], LONG, &|| true).unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    held.remove_files();
                }
            });
        }
    });
    assert_eq!(most.into_inner(), 1);
    assert!(!locks.shared.path("a").exists());
}

#[test]
fn what_stands_in_the_place_of_the_file_is_not_touched() {
    let (directory, locks) = locks();
    fs::create_dir(&locks.shared.directory).unwrap();
    let victim = directory.path().join("victim");
    std::os::unix::fs::symlink(&victim, locks.shared.path("a")).unwrap();
    let error = locks.take(&["a"], LONG, &|| true).unwrap_err();
    assert!(matches!(&error, LockError::File { path, .. } if path.ends_with("cinder-a")));
    assert!(!victim.exists());
}
