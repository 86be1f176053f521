//! Volumes, snapshots and clones on a real file system, beyond what every driver has to do.

use std::os::unix::fs::MetadataExt;

use cinder_driver::{
    Driver, DriverError, OpContext, OpenMode, Operation, RecordedOp, Settled, SnapshotView,
    VolumeView,
};
use cinder_driver_local::{LocalDriver, LocalOptions};
use cinder_types::{SnapshotId, VolumeId};
use tempfile::TempDir;
use test_conditions::skip;

struct Case {
    directory: TempDir,
    driver: LocalDriver,
    context: OpContext,
}

fn case_with(change: impl FnOnce(&mut LocalOptions)) -> Case {
    let directory = tempfile::tempdir().expect("there is a temporary directory");
    let mut options = LocalOptions::new("local", directory.path());
    change(&mut options);
    let driver = LocalDriver::new(options);
    let context = OpContext::new("req-test");
    driver.connect(&context).expect("it connects");
    Case { directory, driver, context }
}

fn case() -> Case {
    case_with(|_| {})
}

fn volume(id: &str) -> VolumeView {
    VolumeView::new(VolumeId::new(id), format!("volume-{id}"), 1)
}

fn snapshot(id: &str, of: &VolumeView) -> SnapshotView {
    SnapshotView::new(SnapshotId::new(id), format!("snapshot-{id}"), of.clone())
}

impl Case {
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).expect("it can be listed");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect("it can be read").file_name().into_string().expect("it is text")
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }

    fn class(&self, result: Result<impl Sized, DriverError>) -> &'static str {
        result.err().map_or("none", |error| error.class())
    }
}

#[test]
fn volumes_snapshots_and_clones_come_and_go_with_their_data() {
    let case = case();
    let (one, two, three) = (volume("1"), volume("2"), volume("3"));
    case.driver.create_volume(&one, &case.context).expect("create");
    let io = case.driver.open_local(&one, OpenMode::Write, &case.context).expect("open");
    io.write_at(12_345, b"hello").expect("write");
    io.flush().expect("flush");
    let snap = snapshot("1", &one);
    case.driver.create_snapshot(&snap, &case.context).expect("snapshot");
    io.write_at(12_345, b"later").expect("write");
    drop(io);
    case.driver.create_volume_from_snapshot(&two, &snap, &case.context).expect("restore");
    case.driver.create_cloned_volume(&three, &one, &case.context).expect("clone");
    for (volume, expected) in [(&one, b"later"), (&two, b"hello"), (&three, b"later")] {
        let io = case.driver.open_local(volume, OpenMode::Read, &case.context).expect("open");
        let mut found = [0; 5];
        io.read_at(12_345, &mut found).expect("read");
        assert_eq!(&found, expected, "{}", volume.name);
    }
    assert_eq!(case.names(), ["snapshot-1", "volume-1", "volume-2", "volume-3"]);
    case.driver.delete_snapshot(&snap, &case.context).expect("delete");
    for volume in [&one, &two, &three, &three] {
        case.driver.delete_volume(volume, &case.context).expect("delete");
    }
    assert!(case.names().is_empty());
}

#[test]
fn a_preallocated_volume_takes_its_space_at_once_and_a_sparse_one_does_not() {
    for preallocate in [true, false] {
        let case = case_with(|options| options.preallocate = preallocate);
        let mut one = volume("1");
        case.driver.create_volume(&one, &case.context).expect("create");
        let blocks = || {
            let data = case.directory.path().join("volume-1").metadata().expect("it is there");
            (data.len() >> 30, (data.blocks() * 512) >> 30)
        };
        assert_eq!(blocks(), (1, u64::from(preallocate)));
        case.driver.extend_volume(&one, 2, &case.context).expect("extend");
        assert_eq!(blocks(), (2, if preallocate { 2 } else { 0 }));
        one.size_gib = 2;
        assert_eq!(case.class(case.driver.extend_volume(&one, 1, &case.context)), "refused");
    }
}

#[test]
fn what_is_no_file_of_ours_is_neither_opened_nor_replaced_nor_removed() {
    let case = case();
    let root = case.directory.path();
    let outside = tempfile::tempdir().expect("there is a temporary directory");
    let secret = outside.path().join("secret");
    std::fs::write(&secret, vec![7; 4096]).expect("write");
    std::os::unix::fs::symlink(&secret, root.join("volume-link")).expect("a link");
    std::os::unix::fs::symlink("nowhere", root.join("volume-dangling")).expect("a link");
    std::fs::hard_link(&secret, root.join("volume-twin")).expect("a second name");
    std::fs::create_dir(root.join("volume-directory")).expect("a directory");
    let pipe = root.join("volume-pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("a pipe");
    std::fs::write(root.join("volume-short"), "too short").expect("write");
    let before = case.names();
    let good = volume("good");
    case.driver.create_volume(&good, &case.context).expect("create");
    for id in ["link", "dangling", "twin", "directory", "pipe", "short"] {
        let (one, context) = (volume(id), &case.context);
        let driver = &case.driver;
        assert_eq!(case.class(driver.create_volume(&one, context)), "exists", "{id}");
        assert_eq!(case.class(driver.create_cloned_volume(&one, &good, context)), "exists", "{id}");
        if id == "short" {
            continue; // It is a file of ours to all others.
        }
        assert_eq!(case.class(driver.delete_volume(&one, context)), "exists", "{id}");
        assert_eq!(case.class(driver.extend_volume(&one, 2, context)), "exists", "{id}");
        assert_eq!(case.class(driver.create_snapshot(&snapshot("1", &one), context)), "exists");
        let opened = driver.open_local(&one, OpenMode::Write, context);
        assert_eq!(case.class(opened), "exists", "{id}");
        let connected = driver.initialize_connection(&one, &Default::default(), &[], context);
        assert_eq!(case.class(connected), "exists", "{id}");
    }
    case.driver.delete_volume(&good, &case.context).expect("delete");
    assert_eq!(case.names(), before);
    assert_eq!(std::fs::read(&secret).expect("it is there"), vec![7; 4096]);
}

#[test]
fn a_link_under_the_temporary_name_is_taken_away_and_not_followed() {
    let case = case();
    let outside = tempfile::NamedTempFile::new().expect("there is a temporary directory");
    std::fs::write(outside.path(), "precious").expect("write");
    let aside = case.directory.path().join(".new.volume-1");
    std::os::unix::fs::symlink(outside.path(), &aside).expect("a link");
    case.driver.create_volume(&volume("1"), &case.context).expect("create");
    assert_eq!(case.names(), ["volume-1"]);
    assert_eq!(std::fs::read(outside.path()).expect("it is there"), b"precious");
}

#[test]
fn a_file_of_somebody_else_is_not_taken_for_a_volume_that_was_created_before() {
    let case = case();
    case.driver.create_volume(&volume("1"), &case.context).expect("create");
    let path = case.directory.path().join("volume-1");
    if let Err(error) = std::os::unix::fs::chown(&path, Some(12_345), None) {
        skip(&format!("only root can give a file away: {error}"));
        return;
    }
    assert_eq!(case.class(case.driver.create_volume(&volume("1"), &case.context)), "exists");
    // A hypervisor gives the file to itself while it uses it; the volume is still ours.
    case.driver.extend_volume(&volume("1"), 2, &case.context).expect("extend");
    case.driver.delete_volume(&volume("1"), &case.context).expect("delete");
}

#[test]
fn a_directory_that_is_replaced_is_down_and_its_files_are_not_looked_for_elsewhere() {
    let case = case_with(|options| options.directory = options.directory.join("a/b"));
    let path = case.directory.path().join("a/b");
    let one = volume("1");
    case.driver.create_volume(&one, &case.context).expect("create");
    let away = path.with_extension("away");
    std::fs::rename(&path, &away).expect("rename");
    assert_eq!(case.class(case.driver.delete_volume(&one, &case.context)), "back end down");
    assert_eq!(case.class(case.driver.connect(&case.context)), "back end down");
    assert!(!path.exists(), "a directory that has vanished is not made anew");
    // Another one in its place is not it, until somebody connects it.
    std::fs::create_dir(&path).expect("mkdir");
    let error = case.driver.delete_volume(&one, &case.context).expect_err("it is another one");
    assert!(error.to_string().contains("another directory"), "{error}");
    let stats = case.driver.stats(&case.context).expect("statistics");
    assert_eq!(stats.to_map().text("backend_state"), Some("down"));
    case.driver.connect(&case.context).expect("it connects");
    assert_eq!(case.class(case.driver.extend_volume(&one, 2, &case.context)), "not found");
    // And what is no directory at all.
    std::fs::remove_dir(&path).expect("rmdir");
    std::fs::write(&path, "").expect("write");
    let error = case.driver.create_volume(&one, &case.context).expect_err("it is a file");
    assert!(error.to_string().ends_with("is no directory"), "{error}");
    assert_eq!(error.class(), "back end down");
}

#[test]
fn an_attached_volume_is_copied_only_where_the_copy_is_of_one_moment() {
    let case = case();
    let mut one = volume("1");
    case.driver.create_volume(&one, &case.context).expect("create");
    one.attach_status = cinder_types::AttachStatus::ATTACHED;
    let snap = snapshot("1", &one);
    let snapped = case.class(case.driver.create_snapshot(&snap, &case.context));
    let cloned = case.class(case.driver.create_cloned_volume(&volume("2"), &one, &case.context));
    let shares =
        case.driver.lane(cinder_driver::Call::CreateSnapshot, None) == cinder_driver::Lane::Work;
    let expected = if shares { "none" } else { "busy" };
    assert_eq!((snapped, cloned), (expected, expected));
    // A revert would pull the file from under those who have it.
    let able = case.driver.as_revert().expect("it can");
    let reverted = able.revert_to_snapshot(&one, &snap, &case.context);
    assert_eq!(case.class(reverted), "busy");
}

#[test]
fn new_options_hold_at_once_but_for_the_directory() {
    use cinder_driver::Reconfigured::{Applied, NeedsRestart};
    let case = case();
    let mut options = LocalOptions::new("other", case.directory.path());
    options.preallocate = true;
    options.reserved_percentage = 7;
    let result = |options: &LocalOptions| case.driver.reconfigure(options).expect("taken");
    assert_eq!(result(&options), Applied);
    options.directory = "/elsewhere".into();
    assert_eq!(result(&options), NeedsRestart);
    assert_eq!(case.class(case.driver.reconfigure(&"nonsense")), "bug");
    let map = case.driver.stats(&case.context).expect("statistics").to_map();
    assert_eq!(map.text("volume_backend_name"), Some("other"));
    assert_eq!(map.get("reserved_percentage"), Some(&7_u32.into()));
    case.driver.create_volume(&volume("1"), &case.context).expect("create");
    let blocks = case.directory.path().join("volume-1").metadata().expect("it is there").blocks();
    assert_eq!((blocks * 512) >> 30, 1);
}

#[test]
fn the_locks_of_a_volume_are_told_so_that_they_can_go_with_it() {
    let case = case();
    assert_eq!(case.driver.lock_names("volume-1"), ["local-volume-1"]);
    let held = case.context.lock(&["local-volume-1"]).expect("it is free");
    let short = case.context.clone().within(std::time::Duration::ZERO);
    assert_eq!(case.class(case.driver.create_volume(&volume("1"), &short)), "cancelled");
    drop(held);
    case.driver.create_volume(&volume("1"), &case.context).expect("create");
}

/// Where a file system cannot refuse to replace, a file has both names for a moment.
#[test]
fn a_file_that_was_left_with_both_names_is_no_stranger() {
    let case = case();
    let path = |name: &str| case.directory.path().join(name);
    case.driver.create_volume(&volume("1"), &case.context).expect("create");
    let both = |other: &str| std::fs::hard_link(path("volume-1"), path(other)).expect("link");
    both(".new.volume-1");
    case.driver.create_volume(&volume("1"), &case.context).expect("it was created before");
    assert_eq!(case.names(), ["volume-1"]);
    for operation in [
        Operation::CreateVolume { volume: (&volume("1")).into() },
        Operation::ManageExisting { volume: (&volume("1")).into(), reference: "old".to_owned() },
    ] {
        let is_managed = operation.call() == cinder_driver::Call::ManageExisting;
        both(if is_managed { "old" } else { ".new.volume-1" });
        let settled = case.driver.settle(&RecordedOp::from(operation), &case.context);
        assert!(matches!(settled, Ok(Settled::Done(_))), "{settled:?}");
        assert_eq!(case.names(), ["volume-1"]);
    }
}

#[test]
fn what_it_can_do_is_told_from_what_it_hands_out() {
    use cinder_driver::Ability::{Inventory, Manage, Revert, SnapshotIo};
    let case = case();
    assert_eq!(cinder_driver::abilities(&case.driver), [SnapshotIo, Inventory, Manage, Revert]);
    let stats = case.driver.stats(&case.context).expect("statistics");
    let map = cinder_driver::capabilities(&case.driver, &stats);
    let Some(cinder_driver::Value::Map(properties)) = map.get("properties") else {
        panic!("there are properties: {map:?}")
    };
    assert_eq!(properties.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["thin_provisioning"]);
}

#[test]
fn a_preallocated_volume_that_does_not_fit_says_how_much_there_is() {
    let case = case_with(|options| options.preallocate = true);
    let free = {
        let stats = case.driver.stats(&case.context).expect("statistics");
        let gib = stats.pools().next().and_then(|(_, pool)| pool.free.gib());
        gib.expect("it is known")
    };
    let one = VolumeView::new(VolumeId::new("1"), "volume-1", free as u64 + 100);
    match case.driver.create_volume(&one, &case.context) {
        Err(DriverError::NoSpace { needed: Some(needed), free: Some(left), .. }) => {
            assert!(needed > left, "{needed} and {left}");
        }
        // Larger than any file can be on this file system.
        Err(DriverError::NotSupported { .. }) => {}
        other => panic!("there is no room for it: {other:?}"),
    }
    assert!(case.names().is_empty());
}
