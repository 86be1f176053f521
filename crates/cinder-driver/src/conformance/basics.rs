//! The calls of every driver, one after the other.

use cinder_types::{AttachStatus, AttachmentId};

use crate::conformance::case::{Case, Verdict, class};
use crate::conformance::content::Content;
use crate::connection::{Connector, Terminated};
use crate::error::DriverError;
use crate::io::OpenMode;
use crate::stats::{Amount, State};
use crate::value::{Map, Value};
use crate::view::{AttachmentView, GIB, VolumeView};

pub(super) fn repeated(case: &Case<'_>) -> Verdict {
    let (driver, volume) = (&case.driver, case.volume());
    let connector = Connector::new(Map::new().with("host", "node1").with("ip", "127.0.0.1"));
    for _ in 0..2 {
        case.create(&volume);
    }
    let content = Content::tricky(3);
    case.fill(&volume, &content);
    case.create(&volume);
    case.check(&volume, &content, "a volume that was created once more");
    for _ in 0..2 {
        driver.create_export(&volume, Some(&connector), &case.context()).expect("exported");
        driver.ensure_export(&volume, &case.context()).expect("exported again");
        let info = driver.initialize_connection(&volume, &connector, &[], &case.context());
        assert!(!info.expect("connected").driver_volume_type.is_empty());
    }
    for _ in 0..2 {
        let ended =
            driver.terminate_connection(&volume, Some(&connector), false, &[], &case.context());
        assert_eq!(ended.expect("disconnected"), Terminated::Closed);
        driver.remove_export(&volume, &case.context()).expect("no longer exported");
    }
    let snapshot = case.snap(&volume);
    driver.create_snapshot(&snapshot, &case.context()).expect("a snapshot may come again");
    let (restored, cloned) = (case.restored(&snapshot, 1), case.clone_of(&volume, 1));
    driver.create_volume_from_snapshot(&restored, &snapshot, &case.context()).expect("again");
    driver.create_cloned_volume(&cloned, &volume, &case.context()).expect("again");
    driver.extend_volume(&cloned, 2, &case.context()).expect("extended");
    driver.extend_volume(&cloned, 2, &case.context()).expect("extended again");
    for _ in 0..2 {
        [&restored, &cloned].into_iter().for_each(|volume| case.delete(volume));
    }
    for _ in 0..2 {
        case.unsnap(&snapshot);
    }
    for _ in 0..2 {
        case.delete(&volume);
    }
    assert!(!case.exists(&volume));
    Verdict::Passed
}

pub(super) fn forgetful(case: &Case<'_>) -> Verdict {
    let volume = case.created();
    let content = Content::tricky(5);
    case.fill(&volume, &content);
    let snapshot = case.snap(&volume);
    // Another process would have another driver, and no more than the names.
    let other = case.backend.driver();
    other.connect(&case.context()).expect("a second driver connects");
    let io = other.open_local(&volume, OpenMode::Read, &case.context()).expect("it is there");
    content.check(io.as_ref(), 1, false, "a volume of another driver");
    drop(io);
    other.delete_snapshot(&snapshot, &case.context()).expect("deleted");
    other.delete_volume(&volume, &case.context()).expect("deleted");
    assert!(!case.exists(&volume));
    Verdict::Passed
}

pub(super) fn refusals(case: &Case<'_>) -> Verdict {
    let (driver, missing) = (&case.driver, case.volume());
    let open = |volume: &VolumeView| driver.open_local(volume, OpenMode::Read, &case.context());
    assert_eq!(class(open(&missing)), "not found");
    let snapshot = case.snapshot(&missing);
    assert_eq!(class(driver.create_snapshot(&snapshot, &case.context())), "not found");
    let target = case.volume();
    let restored = driver.create_volume_from_snapshot(&target, &snapshot, &case.context());
    assert_eq!(class(restored), "not found");
    let cloned = driver.create_cloned_volume(&target, &missing, &case.context());
    assert_eq!(class(cloned), "not found");
    assert_eq!(class(driver.extend_volume(&missing, 2, &case.context())), "not found");

    for gib in [0, 1 << 33, 1 << 63, u64::MAX] {
        let volume = VolumeView { size_gib: gib, ..case.volume() };
        let result = driver.create_volume(&volume, &case.context());
        assert!(matches!(result, Err(DriverError::Refused(_))), "{gib} GiB: {result:?}");
    }
    let long = "x".repeat(10_000);
    for name in ["", ".", "..", "../out", "/out", "a/b", "a\0b", "a\nb", &long] {
        let volume = VolumeView { name: name.to_owned(), ..case.volume() };
        for result in [
            driver.create_volume(&volume, &case.context()).map(|_| ()),
            driver.delete_volume(&volume, &case.context()),
            open(&volume).map(|_| ()),
        ] {
            let class = class(result);
            assert!(["refused", "not found"].contains(&class), "{name:.20?}: {class}");
        }
    }

    let mut volume = case.created();
    driver.extend_volume(&volume, 2, &case.context()).expect("extended");
    volume.size_gib = 2;
    assert_eq!(class(driver.extend_volume(&volume, 1, &case.context())), "refused");
    assert_eq!(class(driver.create_cloned_volume(&target, &volume, &case.context())), "refused");
    case.check(&volume, &Content::default(), "a volume that was not made smaller");
    case.delete(&volume);
    Verdict::Passed
}

pub(super) fn strangers(case: &Case<'_>) -> Verdict {
    let volume = case.volume();
    if let Err(reason) = case.backend.stranger(&volume.name) {
        return Verdict::Skipped(reason);
    }
    let before = case.backend.leftovers();
    let driver = &case.driver;
    assert_eq!(class(driver.create_volume(&volume, &case.context())), "exists");
    let source = case.created();
    let cloned = driver.create_cloned_volume(&volume, &source, &case.context());
    assert_eq!(class(cloned), "exists");
    case.delete(&source);
    assert_eq!(case.backend.leftovers(), before);
    case.backend.remove_stranger(&volume.name);
    case.create(&volume);
    case.delete(&volume);
    Verdict::Passed
}

pub(super) fn connections(case: &Case<'_>) -> Verdict {
    let (driver, volume) = (&case.driver, case.created());
    let connector = |host: &str| Connector::new(Map::new().with("host", host));
    let attachment = |host: &str| AttachmentView {
        id: AttachmentId::new(host),
        attach_status: AttachStatus::ATTACHED,
        attach_mode: Some("rw".to_owned()),
        attached_host: Some(host.to_owned()),
        instance_uuid: None,
        connector: Some(connector(host)),
    };
    driver.create_export(&volume, Some(&connector("a")), &case.context()).expect("exported");
    for (host, others) in [("a", vec![]), ("b", vec![attachment("a")])] {
        let host = connector(host);
        driver.initialize_connection(&volume, &host, &others, &case.context()).expect("connected");
    }
    // Whether hosts share an export is the driver's affair; at the end nobody is left.
    let first = driver.terminate_connection(
        &volume,
        Some(&connector("a")),
        false,
        &[attachment("b")],
        &case.context(),
    );
    first.expect("disconnected");
    let last = driver.terminate_connection(&volume, None, true, &[], &case.context());
    assert_eq!(last.expect("disconnected"), Terminated::Closed);
    driver.remove_export(&volume, &case.context()).expect("no longer exported");
    case.delete(&volume);
    let missing = case.volume();
    let result = driver.initialize_connection(&missing, &connector("a"), &[], &case.context());
    assert_eq!(class(result), "not found");
    Verdict::Passed
}

pub(super) fn statistics(case: &Case<'_>) -> Verdict {
    let look = || case.driver.stats(&case.context()).expect("statistics are had");
    let provisioned = || {
        let of = |amount: Option<Amount>| amount.and_then(Amount::gib);
        look().pools().map(|(_, pool)| of(pool.provisioned)).sum::<Option<f64>>()
    };
    let stats = look();
    let (map, about) = (stats.to_map(), case.driver.about());
    for key in ["volume_backend_name", "vendor_name", "driver_version", "storage_protocol"] {
        assert!(map.text(key).is_some_and(|text| !text.is_empty()), "{key}");
    }
    assert_eq!(map.text("driver_version"), Some(about.version));
    assert!(stats.pools().next().is_some(), "there is something to put volumes on");
    for (name, pool) in stats.pools() {
        assert_eq!(pool.state, State::Up, "{name:?}");
        assert!(pool.thin_provisioning || pool.thick_provisioning, "{name:?}");
        assert!(pool.reserved_percentage <= 100, "{name:?}");
        if let (Amount::Gib(total), Amount::Gib(free)) = (pool.total, pool.free) {
            assert!((0.0..=total).contains(&free), "{name:?}: {free} of {total} GiB");
        }
        if let Some(ratio) = &pool.max_over_subscription_ratio {
            assert!(ratio == "auto" || ratio.parse::<f64>().is_ok(), "{name:?}: {ratio}");
        }
    }
    assert!(!matches!(map.get("pools"), Some(Value::List(pools)) if pools.is_empty()));
    let before = provisioned();
    let (one, two) = (case.created(), case.created());
    case.driver.extend_volume(&two, 3, &case.context()).expect("extended");
    if let (Some(before), Some(after)) = (before, provisioned()) {
        assert!((after - before - 4.0).abs() < 0.1, "1 and 3 GiB make {before} into {after}");
    }
    [&one, &two].into_iter().for_each(|volume| case.delete(volume));
    if let (Some(before), Some(after)) = (before, provisioned()) {
        assert!((after - before).abs() < 0.1, "nothing makes {before} into {after}");
    }
    Verdict::Passed
}

pub(super) fn data(case: &Case<'_>) -> Verdict {
    let source = case.created();
    case.check(&source, &Content::default(), "a new volume");
    let first = Content::tricky(11);
    case.fill(&source, &first);
    let snapshot = case.snap(&source);
    // What comes later is in the volume, and in nothing that was made of it before.
    let later = first.clone().with(500 << 20, 100_000, 77).with(10, 100, 0);
    case.fill(&source, &later);
    let restored = case.restored(&snapshot, 1);
    let larger = case.restored(&snapshot, 2);
    let cloned = case.clone_of(&source, 1);
    let cloned_twice = case.clone_of(&cloned, 3);
    case.check(&source, &later, "the source");
    case.check_whole(&restored, &first, "a volume from a snapshot");
    case.check(&larger, &first, "a larger volume from a snapshot");
    case.check(&cloned, &later, "a clone");
    case.check(&cloned_twice, &later, "a larger clone of a clone");
    case.check_snapshot(&snapshot, &first);
    // A clone is no longer tied to its source.
    let own = later.clone().with(700 << 20, 5000, 99);
    case.fill(&cloned, &own);
    case.check(&source, &later, "the source of a clone that was written to");
    let mut grown = restored.clone();
    case.driver.extend_volume(&restored, 2, &case.context()).expect("extended");
    grown.size_gib = 2;
    let at_the_end = first.clone().with(2 * GIB - 5, 5, 55);
    case.check(&grown, &first, "a volume that was extended");
    case.fill(&grown, &at_the_end);
    case.check(&grown, &at_the_end, "a volume that was extended and written to");
    // What was deleted is not seen by whoever comes next.
    case.delete(&cloned_twice);
    let fresh = case.created();
    case.check(&fresh, &Content::default(), "a volume after another was deleted");
    case.check(&cloned, &own, "a clone whose clone is gone");
    [&fresh, &cloned, &larger, &grown].into_iter().for_each(|volume| case.delete(volume));
    case.check_snapshot(&snapshot, &first);
    case.unsnap(&snapshot);
    case.check(&source, &later, "a volume whose snapshot is gone");
    case.delete(&source);
    Verdict::Passed
}

pub(super) fn input_output(case: &Case<'_>) -> Verdict {
    let volume = case.created();
    let io = case.open(&volume);
    let content = Content::default().with(5, 200_000, 1);
    content.write(io.as_ref(), 0);
    io.write_zeroes(50_000..60_000).expect("punched");
    let content = content.with(50_000, 10_000, 0);
    io.write_zeroes(0..0).expect("nothing is punched");
    io.discard(GIB / 2..GIB).expect("discarded");
    io.flush().expect("flushed");
    content.check(io.as_ref(), 1, false, "a volume with a hole");
    for result in [
        io.write_at(GIB - 1, &[1, 2]),
        io.write_at(u64::MAX - 1, &[1]),
        io.write_zeroes(GIB..GIB + 1),
        io.discard(0..GIB + 1),
        io.read_at(GIB, &mut [0]),
    ] {
        assert_ne!(class(result), "a success", "beyond the end");
    }
    drop(io);
    let io = case.driver.open_local(&volume, OpenMode::Read, &case.context()).expect("opened");
    assert_ne!(class(io.write_at(0, &[1])), "a success", "what is open for reading");
    drop(io);
    case.check(&volume, &content, "a volume that was opened twice");
    case.delete(&volume);
    Verdict::Passed
}
