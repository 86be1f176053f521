//! What happens to the back end itself: it is full, gone, or does not answer.

use std::sync::mpsc;
use std::time::Duration;

use crate::conformance::Trouble;
use crate::conformance::case::{Case, Verdict, class};
use crate::conformance::content::Content;
use crate::stats::{Health, State};

pub(super) fn full(case: &Case<'_>) -> Verdict {
    let (source, other) = (case.created(), case.created());
    let content = Content::default().with(0, 3 << 20, 15);
    case.fill(&source, &content);
    let earlier = case.snap(&source);
    let before = case.backend.leftovers();
    let relief = match case.backend.suffer(Trouble::Full) {
        Ok(relief) => relief,
        Err(reason) => {
            case.unsnap(&earlier);
            [&source, &other].into_iter().for_each(|volume| case.delete(volume));
            return Verdict::Skipped(reason);
        }
    };
    // Whatever needs room says that there is none, and leaves nothing that takes more.
    let (clone, snapshot) = (case.volume(), case.snapshot(&source));
    let driver = &case.driver;
    let (new, restored) = (case.volume(), case.volume());
    let context = || case.context();
    for (what, class) in [
        ("create", class(driver.create_volume(&new, &context()))),
        ("clone", class(driver.create_cloned_volume(&clone, &source, &context()))),
        ("restore", class(driver.create_volume_from_snapshot(&restored, &earlier, &context()))),
        ("snapshot", class(driver.create_snapshot(&snapshot, &context()))),
        ("extend", class(driver.extend_volume(&other, 2, &context()))),
    ] {
        assert!(["no space", "a success"].contains(&class), "{what}: {class}");
    }
    if let Some(able) = driver.as_revert() {
        let class = class(able.revert_to_snapshot(&source, &earlier, &context()));
        assert!(["no space", "a success"].contains(&class), "revert: {class}");
    }
    let io = case.open(&other);
    let written = io.write_at(0, &vec![1; 16 << 20]).and_then(|()| io.flush());
    assert_eq!(class(written), "no space", "what is written to a full back end");
    drop(io);
    driver.stats(&case.context()).expect("a full back end has statistics");
    case.peek(&source, &content, "a full back end");
    // Room is made by deleting, which must be possible without room.
    [&clone, &other, &new, &restored].into_iter().for_each(|volume| case.delete(volume));
    case.unsnap(&snapshot);
    drop(relief);
    let after: Vec<_> = before.into_iter().filter(|name| !name.contains(&other.name)).collect();
    assert_eq!(case.backend.leftovers(), after, "left behind");
    let cloned = case.clone_of(&source, 1);
    case.check(&cloned, &content, "a clone that has room now");
    case.unsnap(&earlier);
    [&cloned, &source].into_iter().for_each(|volume| case.delete(volume));
    Verdict::Passed
}

pub(super) fn gone(case: &Case<'_>) -> Verdict {
    let (driver, volume) = (&case.driver, case.created());
    let content = Content::tricky(17);
    case.fill(&volume, &content);
    let snapshot = case.snap(&volume);
    let relief = match case.backend.suffer(Trouble::Gone) {
        Ok(relief) => relief,
        Err(reason) => {
            case.unsnap(&snapshot);
            case.delete(&volume);
            return Verdict::Skipped(reason);
        }
    };
    let (new, context) = (case.volume(), || case.context());
    for (what, class) in [
        ("create", class(driver.create_volume(&new, &context()))),
        ("from snapshot", class(driver.create_volume_from_snapshot(&new, &snapshot, &context()))),
        ("clone", class(driver.create_cloned_volume(&new, &volume, &context()))),
        // That nothing is found must not be taken for "deleted".
        ("delete", class(driver.delete_volume(&volume, &context()))),
        ("delete snapshot", class(driver.delete_snapshot(&snapshot, &context()))),
        ("snapshot", class(driver.create_snapshot(&case.snapshot(&volume), &context()))),
        ("extend", class(driver.extend_volume(&volume, 2, &context()))),
        ("open", class(driver.open_local(&volume, crate::io::OpenMode::Read, &context()))),
        ("export", class(driver.create_export(&volume, None, &context()))),
        ("connect", class(driver.connect(&context()))),
    ] {
        assert_eq!(class, "back end down", "{what}");
    }
    if let Ok(stats) = driver.stats(&context()) {
        let is_down = |health: &Health| matches!(health, Health::Down(_));
        assert!(stats.health.iter().any(|part| is_down(&part.health)), "{:?}", stats.health);
        assert!(stats.pools().any(|(_, pool)| pool.state == State::Down));
    }
    drop(relief);
    driver.connect(&context()).expect("it connects again");
    case.check(&volume, &content, "a volume after its back end was gone");
    assert!(!case.exists(&new));
    case.unsnap(&snapshot);
    case.delete(&volume);
    Verdict::Passed
}

pub(super) fn silent(case: &Case<'_>) -> Verdict {
    let volume = case.created();
    let relief = match case.backend.suffer(Trouble::Silent) {
        Ok(relief) => relief,
        Err(reason) => {
            case.delete(&volume);
            return Verdict::Skipped(reason);
        }
    };
    std::thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let new = case.volume();
        let call = scope.spawn({
            let (driver, context, new) = (&case.driver, case.context(), new.clone());
            move || {
                let result = driver.create_volume(&new, &context);
                let _nobody_listens = tell.send(());
                result
            }
        });
        // It waits, and nothing else does: its locks, its place in the driver are its own.
        let waited = told.recv_timeout(Duration::from_secs(2));
        assert_eq!(waited, Err(mpsc::RecvTimeoutError::Timeout), "the back end is silent");
        let _answers_at_once = (case.driver.about(), case.driver.background());
        let _lane = case.driver.lane(crate::operation::Call::CreateVolume, Some(&new));
        drop(relief);
        call.join().expect("no call panics").expect("it is created when there is an answer");
        case.delete(&new);
    });
    case.delete(&volume);
    Verdict::Passed
}
