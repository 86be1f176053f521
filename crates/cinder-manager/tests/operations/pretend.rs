//! A driver that keeps names in memory, and misbehaves on demand.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cinder_driver::{
    About, Again, Amount, AttachmentView, Capacity, Change, ConnectionInfo, Connector, Driver,
    DriverError, Extended, GivenUp, Map, OpContext, OpenMode, Operation, Pool, RecordedOp, Refusal,
    Settled, SnapshotUpdate, SnapshotView, State, Stats, Terminated, Update, VolumeIo,
    VolumeUpdate, VolumeView, bytes_of,
};

/// What the next call of the driver comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// What was asked for.
    #[default]
    Good,
    /// A panic, before anything is done.
    Panics,
    /// A panic, when all is done.
    PanicsAtTheEnd,
    /// It is done, and its deadline has passed before it could say so; asked, it says `Later` twice.
    Late,
    /// It goes on until it is told to give up, and has done it by then.
    Slow,
    /// Done, with texts that no column holds.
    Nonsense,
    /// What a driver says that finds itself in a state that cannot be.
    Confused,
    /// There is no room.
    Full,
    /// What was there is gone.
    Vanished,
}

/// Names on the storage, and what was asked.
#[derive(Default)]
pub struct Pretend {
    names: Mutex<BTreeSet<String>>,
    mood: Mutex<Mood>,
    later: Mutex<u32>,
    asked: Mutex<u32>,
    gate: Mutex<Option<Gate>>,
}

/// Where a call waits until a test lets it go on.
#[derive(Clone, Default)]
pub struct Gate(Arc<(AtomicBool, AtomicBool)>);

impl Gate {
    pub fn is_reached(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }

    pub fn open(&self) {
        self.0.1.store(true, Ordering::Release);
    }

    fn pass(&self) {
        self.0.0.store(true, Ordering::Release);
        while !self.0.1.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Pretend {
    pub fn set(&self, mood: Mood) {
        *held(&self.mood) = mood;
        *held(&self.later) = 2;
        *held(&self.asked) = 0;
    }

    /// As [`Pretend::set`], and what was counted stays.
    pub fn set_quietly(&self, mood: Mood) {
        *held(&self.mood) = mood;
    }

    /// Lets the next call wait.
    pub fn hold(&self) -> Gate {
        held(&self.gate).insert(Gate::default()).clone()
    }

    pub fn has(&self, name: &str) -> bool {
        held(&self.names).contains(name)
    }

    /// How often it was asked what has become of something.
    pub fn asked(&self) -> u32 {
        *held(&self.asked)
    }

    fn act(&self, what: impl FnOnce(&mut BTreeSet<String>)) -> Result<VolumeUpdate, DriverError> {
        let gate = held(&self.gate).take();
        if let Some(gate) = gate {
            gate.pass();
        }
        let mood = *held(&self.mood);
        match mood {
            Mood::Panics => panic!("the driver panics, as it was told"),
            Mood::Full => {
                let what = "a volume".to_owned();
                return Err(DriverError::NoSpace { what, needed: None, free: None, source: None });
            }
            Mood::Vanished => return Err(DriverError::down("its directory has vanished")),
            Mood::Confused => return Err(DriverError::bug("neither there nor not there")),
            _ => what(&mut held(&self.names)),
        }
        match mood {
            Mood::PanicsAtTheEnd => panic!("the driver panics at the end, as it was told"),
            Mood::Late => Err(DriverError::Cancelled(GivenUp::Deadline)),
            Mood::Nonsense => Ok(VolumeUpdate {
                provider_location: Change::Set("x".repeat(100_000)),
                ..VolumeUpdate::default()
            }),
            _ => Ok(VolumeUpdate::default()),
        }
    }
}

impl Driver for Pretend {
    fn about(&self) -> About {
        About {
            name: "pretend",
            vendor: "none",
            version: "1",
            storage_protocol: "local",
            active_active: false,
            supported: true,
        }
    }

    fn connect(&self, _: &OpContext) -> Result<(), DriverError> {
        Ok(())
    }

    fn stats(&self, _: &OpContext) -> Result<Stats, DriverError> {
        let mut pool = Pool::unknown(State::Up);
        pool.total = Amount::Unknown;
        Ok(Stats {
            volume_backend_name: "pretend".to_owned(),
            vendor_name: "none".to_owned(),
            driver_version: "1".to_owned(),
            storage_protocol: "local".to_owned(),
            shared_targets: None,
            sparse_copy_volume: None,
            clone_across_pools: None,
            replication_targets: None,
            replication_status: None,
            capacity: Capacity::TopLevel(pool),
            extra: Map::new(),
            health: Vec::new(),
        })
    }

    fn settle(&self, operation: &RecordedOp, context: &OpContext) -> Result<Settled, DriverError> {
        context.check()?;
        *held(&self.asked) += 1;
        let mut later = held(&self.later);
        if *held(&self.mood) == Mood::Late && *later > 0 {
            *later -= 1;
            let again = Again::After(Duration::from_millis(1));
            return Ok(Settled::Later { reason: "it takes its time".to_owned(), again });
        }
        let names = held(&self.names);
        let there = match &operation.operation {
            Operation::CreateVolume { volume } => names.contains(&volume.name),
            Operation::CreateSnapshot { snapshot } => names.contains(&snapshot.name),
            Operation::DeleteVolume { volume } => !names.contains(&volume.name),
            _ => false,
        };
        Ok(if there { Settled::Done(Update::None) } else { Settled::Undone })
    }

    fn create_volume(
        &self,
        volume: &VolumeView,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        let update = self.act(|names| {
            names.insert(volume.name.clone());
        })?;
        if *held(&self.mood) == Mood::Slow {
            context.limit().rest(Duration::from_secs(60))?;
        }
        Ok(update)
    }

    fn create_volume_from_snapshot(
        &self,
        volume: &VolumeView,
        _: &SnapshotView,
        _: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        self.act(|names| {
            names.insert(volume.name.clone());
        })
    }

    fn create_cloned_volume(
        &self,
        volume: &VolumeView,
        _: &VolumeView,
        _: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        self.act(|names| {
            names.insert(volume.name.clone());
        })
    }

    fn delete_volume(&self, volume: &VolumeView, _: &OpContext) -> Result<(), DriverError> {
        self.act(|names| {
            names.remove(&volume.name);
        })
        .map(drop)
    }

    fn create_snapshot(
        &self,
        snapshot: &SnapshotView,
        _: &OpContext,
    ) -> Result<SnapshotUpdate, DriverError> {
        let update = self.act(|names| {
            names.insert(snapshot.name.clone());
        })?;
        Ok(SnapshotUpdate { provider_location: update.provider_location, ..Default::default() })
    }

    fn delete_snapshot(&self, snapshot: &SnapshotView, _: &OpContext) -> Result<(), DriverError> {
        self.act(|names| {
            names.remove(&snapshot.name);
        })
        .map(drop)
    }

    fn extend_volume(
        &self,
        volume: &VolumeView,
        gib: u64,
        _: &OpContext,
    ) -> Result<Extended, DriverError> {
        if gib < volume.size_gib || bytes_of(gib).is_none() {
            return Err(Refusal::Size { gib, reason: "no volume has it".to_owned() }.into());
        }
        let update = self.act(|_| ())?;
        Ok(Extended { update, target_not_told: None })
    }

    fn create_export(
        &self,
        _: &VolumeView,
        _: Option<&Connector>,
        _: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        Ok(VolumeUpdate::default())
    }

    fn ensure_export(&self, _: &VolumeView, _: &OpContext) -> Result<(), DriverError> {
        Ok(())
    }

    fn remove_export(&self, _: &VolumeView, _: &OpContext) -> Result<(), DriverError> {
        Ok(())
    }

    fn initialize_connection(
        &self,
        _: &VolumeView,
        _: &Connector,
        _: &[AttachmentView],
        _: &OpContext,
    ) -> Result<ConnectionInfo, DriverError> {
        self.act(|_| ()).map(|_| ConnectionInfo::new("pretend", Map::new()))
    }

    fn terminate_connection(
        &self,
        _: &VolumeView,
        _: Option<&Connector>,
        _: bool,
        _: &[AttachmentView],
        _: &OpContext,
    ) -> Result<Terminated, DriverError> {
        Ok(Terminated::Closed)
    }

    fn open_local(
        &self,
        volume: &VolumeView,
        _: OpenMode,
        _: &OpContext,
    ) -> Result<Box<dyn VolumeIo>, DriverError> {
        Err(DriverError::not_found(&volume.name))
    }
}
