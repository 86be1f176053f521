//! The power goes at each point of each call that changes something: afterwards all of it is there,
//! or nothing, and the driver knows which.
//!
//! The file system is shut down without its log being written, which is what a power cut does to
//! it, and mounted again.

mod bench;

use std::path::Path;
use std::time::{Duration, Instant};

use cinder_driver::fail::{self, Action};
use cinder_driver::{
    Driver, DriverError, OpContext, OpenMode, Operation, RecordedOp, Settled, SnapshotView,
    VolumeView,
};
use cinder_driver_local::{LocalDriver, LocalOptions, points};
use cinder_types::{SnapshotId, VolumeId};
use tempfile::TempDir;
use test_conditions::skip;

const DATA: &[u8] = b"what was there when the power went";
const LATER: &[u8] = b"what was written after the snapshot";
const PLACE: u64 = 123_456_789;

fn driver(mount: &Path) -> LocalDriver {
    let driver = LocalDriver::new(LocalOptions::new("local", mount.join("volumes")));
    driver.connect(&OpContext::new("req-connect")).expect("it connects");
    driver
}

fn volume(id: &str) -> VolumeView {
    VolumeView::new(VolumeId::new(id), format!("volume-{id}"), 1)
}

fn snapshot() -> SnapshotView {
    SnapshotView::new(SnapshotId::new("1"), "snapshot-1", volume("target"))
}

fn write(driver: &LocalDriver, id: &str, data: &[u8]) {
    let io = driver.open_local(&volume(id), OpenMode::Write, &OpContext::new("req-write"));
    let io = io.expect("it can be opened");
    io.write_at(PLACE, data).expect("write");
    io.flush().expect("flush");
}

/// What stands in the target, and its size in GiB.
fn target(driver: &LocalDriver) -> Option<(Vec<u8>, u64)> {
    let mut found = vec![0; LATER.len()];
    match driver.open_local(&volume("target"), OpenMode::Read, &OpContext::new("req-read")) {
        Ok(io) => {
            io.read_at(PLACE, &mut found).expect("read");
            found.truncate(found.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1));
            Some((found, io.length() >> 30))
        }
        Err(DriverError::NotFound { .. }) => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// A call, with what it needs and what it makes of the target.
struct Call {
    operation: fn() -> Operation,
    has_target: bool,
    call: fn(&LocalDriver, &OpContext) -> Result<(), DriverError>,
    done: Option<(&'static [u8], u64)>,
}

fn calls() -> Vec<Call> {
    vec![
        Call {
            operation: || Operation::CreateVolume { volume: (&volume("target")).into() },
            has_target: false,
            call: |driver, context| driver.create_volume(&volume("target"), context).map(|_| ()),
            done: Some((b"", 1)),
        },
        Call {
            operation: || Operation::CreateClonedVolume {
                volume: (&volume("target")).into(),
                source: (&volume("source")).into(),
            },
            has_target: false,
            call: |driver, context| {
                let (target, source) = (volume("target"), volume("source"));
                driver.create_cloned_volume(&target, &source, context).map(|_| ())
            },
            done: Some((DATA, 1)),
        },
        Call {
            operation: || Operation::DeleteVolume { volume: (&volume("target")).into() },
            has_target: true,
            call: |driver, context| driver.delete_volume(&volume("target"), context),
            done: None,
        },
        Call {
            operation: || Operation::ExtendVolume {
                volume: (&volume("target")).into(),
                new_size_gib: 2,
            },
            has_target: true,
            call: |driver, context| driver.extend_volume(&volume("target"), 2, context).map(|_| ()),
            done: Some((LATER, 2)),
        },
        Call {
            operation: || Operation::RevertToSnapshot {
                volume: (&volume("target")).into(),
                snapshot: (&snapshot()).into(),
            },
            has_target: true,
            call: |driver, context| {
                let able = driver.as_revert().expect("it can");
                able.revert_to_snapshot(&volume("target"), &snapshot(), context).map(|_| ())
            },
            done: Some((DATA, 1)),
        },
    ]
}

/// One call on a new set of volumes; the power goes at `point`, or just after the call.
fn cut(mount: &bench::Mount, call: &Call, point: Option<&'static str>) -> Result<(), String> {
    let context = OpContext::new("req-cut");
    let what = point.unwrap_or("the end");
    let first = driver(&mount.0);
    first.create_volume(&volume("source"), &context).expect("create");
    write(&first, "source", DATA);
    if call.has_target {
        first.create_cloned_volume(&volume("target"), &volume("source"), &context).expect("clone");
        first.create_snapshot(&snapshot(), &context).expect("snapshot");
        write(&first, "target", LATER);
    }
    let before = target(&first);
    match point {
        Some(point) => {
            fail::set(point, Action::Block);
            let hits = || fail::hits().get(point).copied().unwrap_or(0);
            let old = hits();
            std::thread::scope(|scope| {
                let call = scope.spawn(|| (call.call)(&first, &context));
                let until = Instant::now() + Duration::from_secs(60);
                while hits() == old && !call.is_finished() && Instant::now() < until {
                    std::thread::yield_now();
                }
                assert!(hits() > old, "{point} is reached");
                let result = bench::power_cut(mount);
                fail::set(point, Action::Off);
                let _whatever_a_dead_disk_says = call.join().expect("no call panics");
                result
            })?;
        }
        None => {
            (call.call)(&first, &context).expect("it is done");
            bench::power_cut(mount)?;
        }
    }
    drop(first);
    bench::power_back(mount)?;
    let second = driver(&mount.0);
    let done = call.done.map(|(data, gib)| (data.to_vec(), gib));
    if point.is_none() {
        // What was answered is safe without anybody's help.
        assert_eq!(target(&second), done, "{:?}", (call.operation)());
    }
    let record = RecordedOp::from((call.operation)());
    let is_done = match second.settle(&record, &context).expect("it knows") {
        Settled::Done(_) => true,
        Settled::Undone => false,
        later @ Settled::Later { .. } => panic!("{what}: {later:?}"),
    };
    assert_eq!(target(&second), if is_done { done } else { before }, "{what}");
    second.delete_snapshot(&snapshot(), &context).expect("delete");
    for id in ["target", "source"] {
        second.delete_volume(&volume(id), &context).expect("delete");
    }
    let left = std::fs::read_dir(mount.0.join("volumes")).expect("it can be listed").count();
    assert_eq!(left, 0, "nothing is left after {what}");
    Ok(())
}

#[test]
fn after_a_power_cut_at_any_point_all_is_there_or_nothing() {
    let in_memory = Path::new(bench::MEMORY).is_dir();
    let root = if in_memory { TempDir::new_in(bench::MEMORY) } else { TempDir::new() };
    let root = root.expect("there is a temporary directory");
    let mount = match bench::xfs(root.path()) {
        Ok(mount) => mount,
        Err(reason) => return skip(&reason),
    };
    for call in calls() {
        let name = (call.operation)().call().as_str();
        let is_its = |point: &&&str| point.split("::").nth(1) == Some(name);
        let its: Vec<_> = points::ALL.iter().filter(is_its).copied().map(Some).collect();
        assert!(!its.is_empty(), "{name} has points");
        for point in its.into_iter().chain([None]) {
            if let Err(reason) = cut(&mount, &call, point) {
                return skip(&reason);
            }
        }
    }
}
