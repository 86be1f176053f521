//! Calls that fail, panic, or are cancelled; and the exercises that all such cases share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ability::Reference;
use crate::cancel::{CancelFlag, Limit};
use crate::conformance::case::{Case, Verdict, class, snapshot, volume};
use crate::conformance::content::Content;
use crate::connection::Connector;
use crate::context::OpContext;
use crate::driver::Driver;
use crate::error::DriverError;
use crate::fail::{self, Action};
use crate::io::OpenMode;
use crate::record::{Operation, RecordedOp, Settled};
use crate::seams::Progress;
use crate::throttle::Throttle;
use crate::value::Map;
use crate::view::{SnapshotView, VolumeView};

/// A call with what it needs; the names are the same in each process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exercise {
    CreateVolume,
    CreateVolumeFromSnapshot,
    CreateClonedVolume,
    DeleteVolume,
    CreateSnapshot,
    DeleteSnapshot,
    ExtendVolume,
    RevertToSnapshot,
    ManageExisting,
    Connect,
    Stats,
    OpenLocal,
    CreateExport,
    RemoveExport,
    InitializeConnection,
    TerminateConnection,
}

/// The exercise for a point, by the name of its call.
pub(super) fn exercise_of(point: &str) -> Option<Exercise> {
    let (call, step) = point.strip_prefix("driver::")?.split_once("::")?;
    let is_it = |one: &Exercise| one.name() == call && !step.is_empty();
    Exercise::all().into_iter().find(is_it)
}

/// A volume that every exercise leaves alone, with its snapshot.
fn source() -> VolumeView {
    volume(900_000)
}

fn source_snapshot() -> SnapshotView {
    snapshot(900_000, &source())
}

/// The volume that a call is about.
fn target() -> VolumeView {
    volume(900_001)
}

fn target_snapshot() -> SnapshotView {
    snapshot(900_001, &target())
}

/// What is to be managed as the target.
fn found() -> VolumeView {
    volume(900_002)
}

fn source_content() -> Content {
    Content::little(41)
}

fn first_content() -> Content {
    Content::little(42)
}

fn later_content() -> Content {
    first_content().with(77 << 20, 1000, 43)
}

fn connector() -> Connector {
    Connector::new(Map::new().with("host", "node1"))
}

impl Exercise {
    pub(super) fn all() -> [Self; 16] {
        [
            Self::CreateVolume,
            Self::CreateVolumeFromSnapshot,
            Self::CreateClonedVolume,
            Self::DeleteVolume,
            Self::CreateSnapshot,
            Self::DeleteSnapshot,
            Self::ExtendVolume,
            Self::RevertToSnapshot,
            Self::ManageExisting,
            Self::Connect,
            Self::Stats,
            Self::OpenLocal,
            Self::CreateExport,
            Self::RemoveExport,
            Self::InitializeConnection,
            Self::TerminateConnection,
        ]
    }

    fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Stats => "stats",
            Self::OpenLocal => "open_local",
            _ => self.operation().map_or("", |operation| operation.call().as_str()),
        }
    }

    /// The record of it, if it changes anything.
    pub(super) fn operation(self) -> Option<Operation> {
        let (source, target) = ((&source()).into(), (&target()).into());
        Some(match self {
            Self::CreateVolume => Operation::CreateVolume { volume: target },
            Self::CreateVolumeFromSnapshot => Operation::CreateVolumeFromSnapshot {
                volume: target,
                snapshot: (&source_snapshot()).into(),
            },
            Self::CreateClonedVolume => Operation::CreateClonedVolume { volume: target, source },
            Self::DeleteVolume => Operation::DeleteVolume { volume: target },
            Self::CreateSnapshot => {
                Operation::CreateSnapshot { snapshot: (&target_snapshot()).into() }
            }
            Self::DeleteSnapshot => {
                Operation::DeleteSnapshot { snapshot: (&target_snapshot()).into() }
            }
            Self::ExtendVolume => Operation::ExtendVolume { volume: target, new_size_gib: 2 },
            Self::RevertToSnapshot => Operation::RevertToSnapshot {
                volume: target,
                snapshot: (&target_snapshot()).into(),
            },
            Self::ManageExisting => {
                Operation::ManageExisting { volume: target, reference: found().name }
            }
            Self::CreateExport => Operation::CreateExport { volume: target },
            Self::RemoveExport => Operation::RemoveExport { volume: target },
            Self::InitializeConnection => {
                Operation::InitializeConnection { volume: target, host: Some("node1".to_owned()) }
            }
            Self::TerminateConnection => {
                Operation::TerminateConnection { volume: target, host: Some("node1".to_owned()) }
            }
            Self::Connect | Self::Stats | Self::OpenLocal => return None,
        })
    }

    pub(super) fn is_possible(self, case: &Case<'_>) -> bool {
        match self {
            Self::RevertToSnapshot => case.driver.as_revert().is_some(),
            Self::ManageExisting => case.driver.as_manage().is_some(),
            _ => true,
        }
    }

    /// Whether nothing else can be said before it is begun: what is done again at no harm, such as a
    /// deletion, may be brought to its end instead.
    pub(super) fn must_be_undone(self) -> bool {
        matches!(
            self,
            Self::CreateVolume
                | Self::CreateVolumeFromSnapshot
                | Self::CreateClonedVolume
                | Self::CreateSnapshot
                | Self::ManageExisting
        )
    }

    /// Whether a call that fails must have left everything as it was.
    fn is_all_or_nothing(self) -> bool {
        self.must_be_undone() || self == Self::ExtendVolume
    }

    pub(super) fn set_up(self, case: &Case<'_>) {
        case.create(&source());
        case.fill(&source(), &source_content());
        let context = || case.context();
        case.driver.create_snapshot(&source_snapshot(), &context()).expect("a snapshot");
        match self {
            Self::CreateVolume
            | Self::CreateVolumeFromSnapshot
            | Self::CreateClonedVolume
            | Self::Connect
            | Self::Stats => return,
            Self::ManageExisting => {
                let volume = found();
                case.create(&volume);
                case.fill(&volume, &first_content());
                let able = case.driver.as_manage().expect("its points say that it can");
                return able.unmanage(&volume, &context()).expect("it is given away");
            }
            _ => {}
        }
        case.create(&target());
        case.fill(&target(), &first_content());
        if matches!(self, Self::DeleteSnapshot | Self::RevertToSnapshot) {
            case.driver.create_snapshot(&target_snapshot(), &context()).expect("a snapshot");
        }
        if self == Self::RevertToSnapshot {
            case.fill(&target(), &later_content());
        }
        if matches!(self, Self::InitializeConnection | Self::TerminateConnection) {
            case.driver.create_export(&target(), None, &context()).expect("exported");
        }
    }

    /// Makes the call.
    pub(super) fn call(self, driver: &dyn Driver, context: &OpContext) -> Result<(), DriverError> {
        let (source, target) = (source(), target());
        let able = || DriverError::bug("what was handed out is not any more");
        match self {
            Self::CreateVolume => driver.create_volume(&target, context).map(|_| ()),
            Self::CreateVolumeFromSnapshot => {
                driver.create_volume_from_snapshot(&target, &source_snapshot(), context).map(|_| ())
            }
            Self::CreateClonedVolume => {
                driver.create_cloned_volume(&target, &source, context).map(|_| ())
            }
            Self::DeleteVolume => driver.delete_volume(&target, context),
            Self::CreateSnapshot => driver.create_snapshot(&target_snapshot(), context).map(|_| ()),
            Self::DeleteSnapshot => driver.delete_snapshot(&target_snapshot(), context),
            Self::ExtendVolume => driver.extend_volume(&target, 2, context).map(|_| ()),
            Self::RevertToSnapshot => {
                let able = driver.as_revert().ok_or_else(able)?;
                able.revert_to_snapshot(&target, &target_snapshot(), context).map(|_| ())
            }
            Self::ManageExisting => {
                let able = driver.as_manage().ok_or_else(able)?;
                let reference = Reference(Map::new().with("source-name", found().name));
                able.manage_existing(&target, &reference, context).map(|_| ())
            }
            Self::Connect => driver.connect(context),
            Self::Stats => driver.stats(context).map(|_| ()),
            Self::OpenLocal => driver.open_local(&source, OpenMode::Read, context).map(|_| ()),
            Self::CreateExport => driver.create_export(&target, None, context).map(|_| ()),
            Self::RemoveExport => driver.remove_export(&target, context),
            Self::InitializeConnection => {
                driver.initialize_connection(&target, &connector(), &[], context).map(|_| ())
            }
            Self::TerminateConnection => driver
                .terminate_connection(&target, Some(&connector()), false, &[], context)
                .map(|_| ()),
        }
    }

    /// Looks whether it is done, or not at all.
    pub(super) fn check(self, case: &Case<'_>, is_done: bool, what: &str) {
        let target = target();
        match self {
            Self::CreateVolume => check_made(case, is_done, &Content::default(), what),
            Self::CreateVolumeFromSnapshot | Self::CreateClonedVolume => {
                check_made(case, is_done, &source_content(), what);
            }
            Self::DeleteVolume => check_made(case, !is_done, &first_content(), what),
            Self::ManageExisting => {
                check_made(case, is_done, &first_content(), what);
                assert_eq!(case.exists(&found()), !is_done, "{what}: it has one of both names");
            }
            Self::CreateSnapshot => check_snapped(case, is_done, what),
            Self::DeleteSnapshot => check_snapped(case, !is_done, what),
            Self::ExtendVolume => {
                let size_gib = if is_done { 2 } else { 1 };
                case.peek(&VolumeView { size_gib, ..target }, &first_content(), what);
            }
            Self::RevertToSnapshot => {
                let content = if is_done { first_content() } else { later_content() };
                case.peek(&target, &content, what);
                case.peek_snapshot(&target_snapshot(), &first_content(), what);
            }
            _ => {}
        }
    }

    /// What it is not about is as it was.
    pub(super) fn check_others(self, case: &Case<'_>, what: &str) {
        case.peek(&source(), &source_content(), what);
        case.peek_snapshot(&source_snapshot(), &source_content(), what);
    }

    pub(super) fn tear_down(self, case: &Case<'_>) {
        if self == Self::InitializeConnection {
            let ended =
                case.driver.terminate_connection(&target(), None, true, &[], &case.context());
            ended.expect("disconnected");
        }
        case.driver.remove_export(&target(), &case.context()).expect("no longer exported");
        [target_snapshot(), source_snapshot()]
            .into_iter()
            .for_each(|snapshot| case.unsnap(&snapshot));
        [target(), source(), found()].into_iter().for_each(|volume| case.delete(&volume));
    }
}

fn check_made(case: &Case<'_>, is_there: bool, content: &Content, what: &str) {
    assert_eq!(case.exists(&target()), is_there, "{what}: whether the volume is there");
    if is_there {
        case.peek(&target(), content, what);
    }
}

fn check_snapped(case: &Case<'_>, is_there: bool, what: &str) {
    case.peek(&target(), &first_content(), what);
    let Some(able) = case.driver.as_snapshot_io() else { return };
    match able.open_snapshot(&target_snapshot(), &case.context()) {
        Ok(_) => assert!(is_there, "{what}: the snapshot is there"),
        Err(DriverError::NotFound { .. }) => {
            assert!(!is_there, "{what}: the snapshot is not there")
        }
        Err(error) => panic!("{what}: {error:?}"),
    }
    if is_there {
        case.peek_snapshot(&target_snapshot(), &first_content(), what);
    }
}

/// Every point of the driver with the exercise that reaches it.
fn points(case: &Case<'_>) -> impl Iterator<Item = (&'static str, Exercise)> {
    let all = case.driver.fail_points();
    all.iter().filter_map(|point| Some((*point, exercise_of(point)?)))
}

pub(super) fn failing(case: &Case<'_>) -> Verdict {
    if case.driver.fail_points().is_empty() {
        return Verdict::Skipped("the driver has no fail points".to_owned());
    }
    for (point, exercise) in points(case) {
        exercise.set_up(case);
        let before = case.backend.leftovers();
        fail::set(point, Action::Error("no space".to_owned()));
        let result = exercise.call(case.driver.as_ref(), &case.context());
        assert_eq!(class(result), "no space", "{point}");
        fail::clear();
        if exercise.is_all_or_nothing() {
            exercise.check(case, false, point);
            assert_eq!(case.backend.leftovers(), before, "left behind after {point}");
        }
        exercise.check_others(case, point);
        exercise.call(case.driver.as_ref(), &case.context()).expect("it can be done later");
        exercise.check(case, true, point);
        exercise.tear_down(case);
    }
    Verdict::Passed
}

pub(super) fn panicking(case: &Case<'_>) -> Verdict {
    if case.driver.fail_points().is_empty() {
        return Verdict::Skipped("the driver has no fail points".to_owned());
    }
    for (point, exercise) in points(case) {
        exercise.set_up(case);
        fail::set(point, Action::Panic);
        let context = case.context();
        let result =
            catch_unwind(AssertUnwindSafe(|| exercise.call(case.driver.as_ref(), &context)));
        assert!(result.is_err(), "{point} is a point that the call reaches");
        fail::clear();
        if let Some(operation) = exercise.operation() {
            let settled = case.driver.settle(&RecordedOp::from(operation), &case.context());
            let is_done = match settled {
                Ok(Settled::Done(_)) => true,
                Ok(Settled::Undone) => false,
                other => panic!("{point} is not settled: {other:?}"),
            };
            exercise.check(case, is_done, point);
        }
        exercise.check_others(case, point);
        exercise.call(case.driver.as_ref(), &case.context()).expect("it can be done later");
        exercise.check(case, true, point);
        exercise.tear_down(case);
    }
    Verdict::Passed
}

pub(super) fn cancelled(case: &Case<'_>) -> Verdict {
    for exercise in Exercise::all().into_iter().filter(|one| one.must_be_undone()) {
        if !exercise.is_possible(case) {
            continue;
        }
        exercise.set_up(case);
        let flag = CancelFlag::default();
        flag.cancel();
        for limit in [Limit::new(None, flag), Limit::default().within(Duration::ZERO)] {
            let context = case.context().limited(limit);
            let result = exercise.call(case.driver.as_ref(), &context);
            assert_eq!(class(result), "cancelled", "{exercise:?}");
            exercise.check(case, false, &format!("{exercise:?}, cancelled"));
        }
        exercise.tear_down(case);
    }
    Verdict::Passed
}

/// Cancels as soon as anything is copied.
struct Impatient(CancelFlag);

impl Progress for Impatient {
    fn report(&self, _done: u64, _total: u64) {
        self.0.cancel();
    }
}

pub(super) fn cancelled_copy(case: &Case<'_>) -> Verdict {
    let (source, target) = (source(), target());
    case.create(&source);
    case.fill(&source, &Content::default().with(0, 16 << 20, 9));
    let before = case.backend.leftovers();
    let flag = CancelFlag::default();
    let context = case
        .context()
        .limited(Limit::new(None, flag.clone()))
        .throttled(Throttle::new(256 << 10)) // A minute for all of it.
        .telling(Arc::new(Impatient(flag)));
    let begun = Instant::now();
    let result = case.driver.create_cloned_volume(&target, &source, &context);
    assert!(begun.elapsed() < Duration::from_secs(20), "it took {:?}", begun.elapsed());
    match result {
        Ok(_) => case.delete(&target), // Nothing was copied: the blocks are shared.
        Err(error) => {
            assert_eq!(error.class(), "cancelled");
            let volume = (&target).into();
            let operation = Operation::CreateClonedVolume { volume, source: (&source).into() };
            let settled = case.driver.settle(&RecordedOp::from(operation), &case.context());
            assert!(matches!(settled, Ok(Settled::Undone)), "{settled:?}");
            assert_eq!(case.backend.leftovers(), before, "left behind");
        }
    }
    case.delete(&source);
    Verdict::Passed
}
