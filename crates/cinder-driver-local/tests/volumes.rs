//! Volumes, snapshots and clones on a real file system, beyond what every driver has to do.

use std::os::unix::fs::MetadataExt;

use cinder_driver::{Driver, DriverError, OpContext, OpenMode, SnapshotView, VolumeView};
use cinder_driver_local::{LocalDriver, LocalOptions};
use cinder_types::{SnapshotId, VolumeId};
use tempfile::TempDir;

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
