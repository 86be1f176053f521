//! The conformance suite itself: a driver without files passes it, and each of its faults is noticed.
//!
//! The driver keeps volumes in memory, has no descriptors, and so stands for one whose volumes only
//! a library can reach.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use cinder_driver::ability::{Inventory, Revert, SnapshotIo, Stored, StoredKind};
use cinder_driver::conformance::{self, Backend, Bench, Relief, Trouble};
use cinder_driver::copy::Destination;
use cinder_driver::{
    About, Amount, AttachmentView, Capacity, ConnectionInfo, Connector, Driver, DriverError,
    Extended, Map, OpContext, OpenMode, Operation, Pool, RecordedOp, Refusal, Settled,
    SnapshotUpdate, SnapshotView, State, Stats, Terminated, Update, VolumeIo, VolumeUpdate,
    VolumeView, bytes_of,
};

const PAGE: u64 = 64 << 10;

/// What the driver does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    SecondCreateFails,
    DeletingNothingFails,
    ClonesShareTheirData,
    CopiesLoseTheEnd,
    SnapshotsFollowTheVolume,
    SaysThereIsNoData,
    MakesVolumesSmaller,
    SnapshotsStay,
    CountsWrong,
    TakesAnyName,
    DoesNotLookAtTheFlag,
    SaysThatAllIsDone,
    RevertsNothing,
    GrowsWhenWritten,
    NeverLetsGo,
}

#[derive(Debug, Clone, Default)]
struct Data {
    pages: BTreeMap<u64, Vec<u8>>,
    length: u64,
}

type Volumes = Mutex<BTreeMap<String, Arc<Mutex<Data>>>>;

#[derive(Clone)]
struct Memory {
    volumes: Arc<Volumes>,
    fault: Fault,
}

#[derive(Debug)]
struct Io {
    data: Arc<Mutex<Data>>,
    mode: OpenMode,
    fault: Fault,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with it")
}

impl Io {
    fn check(&self, range: &Range<u64>) -> Result<(), DriverError> {
        let grows = self.fault == Fault::GrowsWhenWritten;
        let fits = range.end <= self.length() || grows;
        match self.mode == OpenMode::Write && range.start <= range.end && fits {
            true => Ok(()),
            false => Err(DriverError::bug("beyond the end, or read only")),
        }
    }
}

impl VolumeIo for Io {
    fn length(&self) -> u64 {
        held(&self.data).length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DriverError> {
        if offset + buffer.len() as u64 > self.length() {
            return Err(DriverError::bug("beyond the end"));
        }
        let data = held(&self.data);
        let mut at = 0;
        while at < buffer.len() {
            let place = offset + at as u64;
            let (page, start) = (place / PAGE, (place % PAGE) as usize);
            let some = (PAGE as usize - start).min(buffer.len() - at);
            match data.pages.get(&page) {
                Some(page) => buffer[at..at + some].copy_from_slice(&page[start..start + some]),
                None => buffer[at..at + some].fill(0),
            }
            at += some;
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        self.check(&(offset..offset.saturating_add(data.len() as u64)))?;
        let mut held = held(&self.data);
        let mut at = 0;
        while at < data.len() {
            let place = offset.wrapping_add(at as u64);
            let (page, start) = (place / PAGE, (place % PAGE) as usize);
            let some = (PAGE as usize - start).min(data.len() - at);
            let page = held.pages.entry(page).or_insert_with(|| vec![0; PAGE as usize]);
            page[start..start + some].copy_from_slice(&data[at..at + some]);
            at += some;
        }
        Ok(())
    }

    fn write_zeroes(&self, range: Range<u64>) -> Result<(), DriverError> {
        self.check(&range)?;
        let mut at = range.start;
        while at < range.end {
            let end = (at / PAGE * PAGE + PAGE).min(range.end);
            if at.is_multiple_of(PAGE) && end - at == PAGE {
                held(&self.data).pages.remove(&(at / PAGE));
            } else {
                self.write_at(at, &vec![0; (end - at) as usize])?;
            }
            at = end;
        }
        Ok(())
    }

    fn discard(&self, range: Range<u64>) -> Result<(), DriverError> {
        self.check(&range)
    }

    fn data_extents(&self, range: Range<u64>) -> Result<Vec<Range<u64>>, DriverError> {
        let mut found: Vec<Range<u64>> = Vec::new();
        if self.fault == Fault::SaysThereIsNoData {
            return Ok(found);
        }
        for page in held(&self.data).pages.keys() {
            let (start, end) =
                ((page * PAGE).max(range.start), (page * PAGE + PAGE).min(range.end));
            match found.last_mut() {
                Some(last) if start < end && last.end == start => last.end = end,
                _ if start < end => found.push(start..end),
                _ => {}
            }
        }
        Ok(found)
    }

    fn flush(&self) -> Result<(), DriverError> {
        Ok(())
    }
}

impl Memory {
    fn get(&self, name: &str) -> Result<Arc<Mutex<Data>>, DriverError> {
        held(&self.volumes).get(name).cloned().ok_or_else(|| DriverError::not_found(name))
    }

    fn begin(&self, name: &str, context: &OpContext) -> Result<(), DriverError> {
        if self.fault != Fault::DoesNotLookAtTheFlag {
            context.check()?;
        }
        let bad = name.is_empty() || name.len() > 200 || name.starts_with('.');
        if (bad || name.contains(['/', '\0', '\n'])) && self.fault != Fault::TakesAnyName {
            let reason = "it is bad".to_owned();
            return Err(Refusal::Name { shown: String::new(), reason }.into());
        }
        Ok(())
    }

    /// Makes something, whole, with the data of something else.
    fn make(
        &self,
        name: &str,
        gib: u64,
        source: Option<&str>,
        context: &OpContext,
    ) -> Result<(), DriverError> {
        self.begin(name, context)?;
        let refused = || Refusal::Size { gib, reason: "it makes no sense".to_owned() };
        let length = bytes_of(gib).ok_or_else(refused)?;
        let _held = context.lock(&[name])?;
        if held(&self.volumes).contains_key(name) {
            return match self.fault {
                Fault::SecondCreateFails => Err(DriverError::bug("it is there")),
                _ => Ok(()),
            };
        }
        let new = Arc::new(Mutex::new(Data { length, ..Data::default() }));
        let mut made = new.clone();
        if let Some(source) = source {
            let from = Io { data: self.get(source)?, mode: OpenMode::Read, fault: Fault::Nothing };
            if from.length() > length {
                return Err(refused().into());
            }
            let to = Io { data: new, mode: OpenMode::Write, fault: Fault::Nothing };
            let lost = if self.fault == Fault::CopiesLoseTheEnd { PAGE } else { 0 };
            context.copy(&from, &to, 0..from.length() - lost, Destination::Zeroed)?;
            let is_clone = name.starts_with("volume") && source.starts_with("volume");
            if (self.fault == Fault::ClonesShareTheirData && is_clone)
                || (self.fault == Fault::SnapshotsFollowTheVolume && name.starts_with("snapshot"))
            {
                made = self.get(source)?;
            }
        }
        held(&self.volumes).insert(name.to_owned(), made);
        Ok(())
    }

    fn remove(&self, name: &str, context: &OpContext) -> Result<(), DriverError> {
        self.begin(name, context)?;
        if self.fault == Fault::SnapshotsStay && name.starts_with("snapshot") {
            return Ok(());
        }
        let was_there = held(&self.volumes).remove(name).is_some();
        match self.fault == Fault::DeletingNothingFails && !was_there {
            true => Err(DriverError::not_found(name)),
            false => Ok(()),
        }
    }
}

impl Driver for Memory {
    fn about(&self) -> About {
        About {
            name: "memory",
            vendor: "Tests",
            version: "1",
            storage_protocol: "memory",
            active_active: false,
            supported: true,
        }
    }

    fn connect(&self, context: &OpContext) -> Result<(), DriverError> {
        context.check()
    }

    fn stats(&self, _context: &OpContext) -> Result<Stats, DriverError> {
        let volumes = held(&self.volumes);
        let sum = volumes.values().map(|data| held(data).length).sum();
        let sum = if self.fault == Fault::CountsWrong { 0 } else { sum };
        let pool = Pool {
            total: Amount::Infinite,
            free: Amount::Unknown,
            provisioned: Some(Amount::of_bytes(sum)),
            thin_provisioning: true,
            ..Pool::unknown(State::Up)
        };
        Ok(Stats {
            volume_backend_name: "memory".to_owned(),
            vendor_name: "Tests".to_owned(),
            driver_version: "1".to_owned(),
            storage_protocol: "memory".to_owned(),
            shared_targets: None,
            sparse_copy_volume: Some(true),
            clone_across_pools: None,
            replication_targets: None,
            replication_status: None,
            capacity: Capacity::Pools(vec![("one".to_owned(), pool)]),
            extra: Map::new(),
            health: Vec::new(),
        })
    }

    fn settle(&self, operation: &RecordedOp, context: &OpContext) -> Result<Settled, DriverError> {
        let there = |name: &str| held(&self.volumes).contains_key(name);
        let is_done = match &operation.operation {
            _ if self.fault == Fault::SaysThatAllIsDone => true,
            Operation::CreateVolume { volume }
            | Operation::CreateVolumeFromSnapshot { volume, .. }
            | Operation::CreateClonedVolume { volume, .. } => there(&volume.name),
            Operation::CreateSnapshot { snapshot } => there(&snapshot.name),
            Operation::DeleteVolume { volume } => self.remove(&volume.name, context).is_ok(),
            Operation::DeleteSnapshot { snapshot } => self.remove(&snapshot.name, context).is_ok(),
            Operation::ExtendVolume { volume, new_size_gib } => {
                Some(held(&*self.get(&volume.name)?).length) == bytes_of(*new_size_gib)
            }
            Operation::RevertToSnapshot { volume, snapshot } => {
                *held(&*self.get(&volume.name)?) = held(&*self.get(&snapshot.name)?).clone();
                true
            }
            _ => true,
        };
        Ok(if is_done { Settled::Done(Update::None) } else { Settled::Undone })
    }

    fn create_volume(
        &self,
        volume: &VolumeView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        self.make(&volume.name, volume.size_gib, None, context).map(|()| VolumeUpdate::default())
    }

    fn create_volume_from_snapshot(
        &self,
        volume: &VolumeView,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        self.make(&volume.name, volume.size_gib, Some(&snapshot.name), context)?;
        Ok(VolumeUpdate::default())
    }

    fn create_cloned_volume(
        &self,
        volume: &VolumeView,
        source: &VolumeView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        self.make(&volume.name, volume.size_gib, Some(&source.name), context)?;
        Ok(VolumeUpdate::default())
    }

    fn delete_volume(&self, volume: &VolumeView, context: &OpContext) -> Result<(), DriverError> {
        self.remove(&volume.name, context)
    }

    fn create_snapshot(
        &self,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<SnapshotUpdate, DriverError> {
        let (gib, source) = (snapshot.volume_size_gib, &snapshot.volume.name);
        self.make(&snapshot.name, gib, Some(source), context)?;
        Ok(SnapshotUpdate::default())
    }

    fn delete_snapshot(
        &self,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<(), DriverError> {
        self.remove(&snapshot.name, context)
    }

    fn extend_volume(
        &self,
        volume: &VolumeView,
        new_size_gib: u64,
        context: &OpContext,
    ) -> Result<Extended, DriverError> {
        self.begin(&volume.name, context)?;
        let data = self.get(&volume.name)?;
        let mut data = held(&data);
        let length = bytes_of(new_size_gib).unwrap_or(0);
        if length < data.length && self.fault != Fault::MakesVolumesSmaller {
            let reason = "it is larger".to_owned();
            return Err(Refusal::Size { gib: new_size_gib, reason }.into());
        }
        data.length = length;
        Ok(Extended::default())
    }

    fn create_export(
        &self,
        _volume: &VolumeView,
        _connector: Option<&Connector>,
        _context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        Ok(VolumeUpdate::default())
    }

    fn ensure_export(&self, _volume: &VolumeView, _context: &OpContext) -> Result<(), DriverError> {
        Ok(())
    }

    fn remove_export(&self, _volume: &VolumeView, _context: &OpContext) -> Result<(), DriverError> {
        Ok(())
    }

    fn initialize_connection(
        &self,
        volume: &VolumeView,
        _connector: &Connector,
        _others: &[AttachmentView],
        _context: &OpContext,
    ) -> Result<ConnectionInfo, DriverError> {
        self.get(&volume.name)?;
        Ok(ConnectionInfo::new("memory", Map::new()))
    }

    fn terminate_connection(
        &self,
        _volume: &VolumeView,
        _connector: Option<&Connector>,
        _force: bool,
        others: &[AttachmentView],
        _context: &OpContext,
    ) -> Result<Terminated, DriverError> {
        let is_last = others.is_empty() && self.fault != Fault::NeverLetsGo;
        Ok(if is_last { Terminated::Closed } else { Terminated::StillShared })
    }

    fn open_local(
        &self,
        volume: &VolumeView,
        mode: OpenMode,
        context: &OpContext,
    ) -> Result<Box<dyn VolumeIo>, DriverError> {
        self.begin(&volume.name, context)?;
        Ok(Box::new(Io { data: self.get(&volume.name)?, mode, fault: self.fault }))
    }

    fn as_snapshot_io(&self) -> Option<&dyn SnapshotIo> {
        Some(self)
    }

    fn as_inventory(&self) -> Option<&dyn Inventory> {
        Some(self)
    }

    fn as_revert(&self) -> Option<&dyn Revert> {
        Some(self)
    }
}

impl SnapshotIo for Memory {
    fn open_snapshot(
        &self,
        snapshot: &SnapshotView,
        _context: &OpContext,
    ) -> Result<Box<dyn VolumeIo>, DriverError> {
        let data = self.get(&snapshot.name)?;
        Ok(Box::new(Io { data, mode: OpenMode::Read, fault: self.fault }))
    }
}

impl Inventory for Memory {
    fn stored(&self, _context: &OpContext) -> Result<Vec<Stored>, DriverError> {
        let volumes = held(&self.volumes);
        let one = |(name, data): (&String, &Arc<Mutex<Data>>)| Stored {
            name: name.clone(),
            kind: StoredKind::Data,
            bytes: held(data).length,
        };
        Ok(volumes.iter().map(one).collect())
    }
}

impl Revert for Memory {
    fn revert_to_snapshot(
        &self,
        volume: &VolumeView,
        snapshot: &SnapshotView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        context.check()?;
        let (to, from) = (self.get(&volume.name)?, self.get(&snapshot.name)?);
        if self.fault != Fault::RevertsNothing {
            held(&to).pages = held(&from).pages.clone();
        }
        Ok(VolumeUpdate::default())
    }
}

impl Bench for Memory {
    fn prepare(&self) -> Result<Box<dyn Backend>, String> {
        Ok(Box::new(Self { volumes: Arc::default(), fault: self.fault }))
    }

    fn reopen(&self, _token: &OsStr) -> Box<dyn Driver> {
        Box::new(self.clone())
    }
}

impl Backend for Memory {
    fn token(&self) -> OsString {
        OsString::new()
    }

    fn driver(&self) -> Box<dyn Driver> {
        Box::new(self.clone())
    }

    fn leftovers(&self) -> Vec<String> {
        held(&self.volumes).keys().cloned().collect()
    }

    fn stranger(&self, _name: &str) -> Result<(), String> {
        Err("nobody else can reach it".to_owned())
    }

    fn remove_stranger(&self, _name: &str) {}

    fn suffer(&self, trouble: Trouble) -> Result<Box<dyn Relief>, String> {
        Err(format!("memory cannot be made {trouble}"))
    }
}

/// What the suite prints about a driver with a fault.
fn suite(fault: Fault, arguments: &[&str]) -> String {
    let mut out = Vec::new();
    let bench = Memory { volumes: Arc::default(), fault };
    conformance::main(arguments.iter().map(|one| (*one).to_owned()), &mut out, &bench);
    String::from_utf8(out).expect("it is text")
}

/// One test, because fail points are of the whole process.
#[test]
fn a_driver_without_files_passes_and_each_fault_is_noticed() {
    let out = suite(Fault::Nothing, &[]);
    assert!(out.contains("test result: ok. 15 passed; 0 failed; 0 ignored;"), "{out}");
    for (fault, case) in [
        (Fault::SecondCreateFails, "create_delete_and_export_may_come_again"),
        (Fault::DeletingNothingFails, "create_delete_and_export_may_come_again"),
        (Fault::ClonesShareTheirData, "data_survive_snapshots_clones_and_extensions_byte_by_byte"),
        (Fault::CopiesLoseTheEnd, "data_survive_snapshots_clones_and_extensions_byte_by_byte"),
        (Fault::SnapshotsFollowTheVolume, "a_snapshot_can_be_read_where_that_is_handed_out"),
        (Fault::SaysThereIsNoData, "data_survive_snapshots_clones_and_extensions_byte_by_byte"),
        (
            Fault::MakesVolumesSmaller,
            "what_is_gone_or_too_large_or_badly_named_has_the_right_class",
        ),
        (Fault::SnapshotsStay, "many_calls_on_many_volumes_all_succeed"),
        (Fault::CountsWrong, "statistics_add_up"),
        (Fault::TakesAnyName, "what_is_gone_or_too_large_or_badly_named_has_the_right_class"),
        (Fault::DoesNotLookAtTheFlag, "a_cancelled_call_changes_nothing"),
        (Fault::SaysThatAllIsDone, "what_was_never_begun_is_undone_and_what_has_ended_is_done"),
        (Fault::RevertsNothing, "a_volume_is_reverted_where_that_is_handed_out"),
        (
            Fault::GrowsWhenWritten,
            "what_is_written_read_punched_and_discarded_is_what_it_should_be",
        ),
        (Fault::NeverLetsGo, "a_goodbye_says_whether_somebody_else_is_still_connected"),
    ] {
        let out = suite(fault, &[case, "--exact"]);
        assert!(out.contains(&format!("test {case} ... FAILED")), "{fault:?}: {out}");
    }
}
