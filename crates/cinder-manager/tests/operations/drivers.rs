//! Drivers that misbehave: that operation fails as its caller expects, or is done after all, and no other notices.

use crate::pretend::Mood;
use crate::stand::Stand;

/// Creates a volume with a driver in that mood; the class of the failure, its text, the volume's status.
fn create(stand: &mut Stand, mood: Mood) -> (Option<(String, String)>, String) {
    let (id, asked) = stand.wants_volume();
    stand.driver.set(mood);
    let failure = stand.carry_out(&asked).err().map(|one| (one.class, one.message));
    stand.driver.set_quietly(Mood::Good);
    let status = stand.status(&id);
    assert_eq!(stand.entries(), 0, "{mood:?}");
    (failure, status)
}

#[test]
fn a_driver_that_panics_fails_its_operation_and_no_other() {
    let mut stand = Stand::new();
    let (failure, status) = create(&mut stand, Mood::Panics);
    let (class, text) = failure.expect("it failed");
    assert_eq!((class.as_str(), status.as_str()), ("VolumeBackendAPIException", "error"));
    assert!(text.contains("the driver pretend panicked"), "{text}");
    assert_eq!(stand.driver.asked(), 1, "nobody asked what it had left");
    // One that had done its work before is asked, and says so.
    let (failure, status) = create(&mut stand, Mood::PanicsAtTheEnd);
    assert_eq!((failure, status.as_str()), (None, "available"));
    stand.volume();
}

#[test]
fn a_driver_whose_deadline_has_passed_is_asked_until_it_knows() {
    let mut stand = Stand::new();
    let (failure, status) = create(&mut stand, Mood::Late);
    assert_eq!((failure, status.as_str()), (None, "available"));
    assert_eq!(stand.driver.asked(), 3, "twice it did not know");
    // The same for a deletion.
    let id = stand.volume();
    let asked = stand.wants_deletion(&id);
    stand.driver.set(Mood::Late);
    stand.carry_out(&asked).expect("it is deleted after all");
    assert_eq!((stand.status(&id).as_str(), stand.driver.asked()), ("gone", 3));
    assert!(!stand.driver.has(&format!("volume-{id}")));
}

/// It would be asked with the time that is over, and could never say.
#[test]
fn a_driver_that_is_slow_is_told_to_give_up_and_has_time_to_say_what_it_has_done() {
    let mut stand = Stand::hurried();
    let (failure, status) = create(&mut stand, Mood::Slow);
    assert_eq!((failure, status.as_str()), (None, "available"));
    assert_eq!(stand.driver.asked(), 1, "nobody told it to give up");
}

#[test]
fn what_a_driver_refuses_has_the_class_that_its_caller_knows() {
    let mut stand = Stand::new();
    for (mood, class, words) in [
        (Mood::Full, "VolumeBackendAPIException", "no space"),
        (Mood::Vanished, "VolumeBackendAPIException", "its directory has vanished"),
        (Mood::Confused, "VolumeBackendAPIException", "a fault of the driver"),
    ] {
        let (failure, status) = create(&mut stand, mood);
        let (found, text) = failure.expect("it failed");
        assert_eq!((found.as_str(), status.as_str()), (class, "error"), "{text}");
        assert!(text.contains(words), "{text}");
    }
    // Each kind of operation has its own last status.
    for mood in [Mood::Full, Mood::Vanished, Mood::Panics] {
        let id = stand.volume();
        let asked = stand.wants_extension(&id, 2);
        stand.driver.set(mood);
        stand.carry_out(&asked).expect_err("it is not extended");
        assert_eq!(stand.status(&id), "error_extending", "{mood:?}");
        stand.driver.set(Mood::Good);
        let id = stand.volume();
        let asked = stand.wants_deletion(&id);
        stand.driver.set(mood);
        stand.carry_out(&asked).expect_err("it is not deleted");
        assert_eq!(stand.status(&id), "error_deleting", "{mood:?}");
        stand.driver.set(Mood::Good);
    }
}

#[test]
fn what_no_column_holds_does_not_keep_a_resource_on_its_way() {
    let mut stand = Stand::new();
    // As servers do it; SQLite takes texts of any length.
    for (table, other) in [("volumes", "volume"), ("snapshots", "snapshot")] {
        stand.run(&format!(
            "CREATE TRIGGER too_long_{other} BEFORE UPDATE ON {table} WHEN length(NEW.provider_location) > 255 \
             BEGIN SELECT RAISE(ABORT, 'too long'); END"
        ));
    }
    let (failure, status) = create(&mut stand, Mood::Nonsense);
    let (class, text) = failure.expect("it cannot be written");
    assert_eq!((class.as_str(), status.as_str()), ("DBError", "error"));
    assert!(text.contains("too long"), "{text}");
    let id = stand.volume();
    stand.driver.set(Mood::Nonsense);
    let asked = stand.wants_extension(&id, 2);
    stand.carry_out(&asked).expect_err("it cannot be written");
    assert_eq!(stand.status(&id), "error_extending");
    stand.driver.set(Mood::Good);
    let id = stand.volume();
    stand.driver.set(Mood::Nonsense);
    let (snapshot, asked) = stand.wants_snapshot(&id);
    stand.carry_out(&asked).expect_err("it cannot be written");
    assert_eq!(stand.snapshot_status(&snapshot), "error");
    assert_eq!(stand.entries(), 0);
}
