//! What a driver needs of the world and must not know: who keeps keys, who runs instances, where
//! images come from, who writes rows, who is root.
//!
//! Each is a trait that the manager, or a test, stands behind. Must not: name a service's API. A
//! call here does not wait for other people: what takes minutes is asked for once, and the driver
//! answers [`Unknown`](crate::DriverError::Unknown) until it is there.

use std::ffi::OsString;
use std::fmt;

use cinder_types::{ImageId, KeyId, Secret};

use crate::cancel::Limit;
use crate::error::DriverError;
use crate::update::ModelUpdate;
use crate::value::Map;

/// Is told how far an operation is.
pub trait Progress: Send + Sync {
    /// So much of so much; both in the same unit, mostly bytes.
    fn report(&self, done: u64, total: u64);
}

/// Writes what a driver has to have written in the middle of an operation.
pub trait Persist: Send + Sync {
    /// Changes what Cinder knows of an object, not only of the one that the operation is about.
    ///
    /// # Errors
    ///
    /// When it may not have been written: the driver then undoes what it has done.
    fn persist(&self, update: &ModelUpdate) -> Result<(), DriverError>;

    /// Keeps a text with the [`RecordedOp`](crate::RecordedOp) of this operation, before the side
    /// effect that cannot be found again without it.
    ///
    /// # Errors
    ///
    /// When it may not have been written.
    fn note(&self, key: &str, value: &str) -> Result<(), DriverError>;
}

/// What is held ends when this is dropped.
pub trait Held: Send {}

/// Locks that other processes, and other hosts, know by the same names.
pub trait Locks: Send + Sync {
    /// Takes all of them, in sorted order.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](DriverError::Cancelled) when the limit comes first.
    fn lock(&self, names: &[&str], limit: &Limit) -> Result<Box<dyn Held>, DriverError>;
}

/// The key manager.
pub trait Keys: Send + Sync {
    /// The passphrase that belongs to a key.
    ///
    /// # Errors
    ///
    /// [`NotFound`](DriverError::NotFound), or what keeps the key manager from answering.
    fn passphrase(&self, key: &KeyId, limit: &Limit) -> Result<Secret, DriverError>;
}

/// How far the compute service is with a snapshot that it makes or merges for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assisted {
    /// It works on it.
    Running,
    /// It has done its part.
    Done,
    /// It has given up.
    Failed,
}

/// The compute service, which has the volume open.
pub trait Compute: Send + Sync {
    /// Asks it to make a snapshot of an attached volume; the answer comes later.
    ///
    /// # Errors
    ///
    /// When it did not take the request.
    fn create_snapshot(&self, volume: &str, details: &Map) -> Result<(), DriverError>;

    /// Asks it to merge a snapshot of an attached volume; the answer comes later.
    ///
    /// # Errors
    ///
    /// When it did not take the request.
    fn delete_snapshot(&self, snapshot: &str, details: &Map) -> Result<(), DriverError>;

    /// How far it is.
    ///
    /// # Errors
    ///
    /// When that cannot be known now.
    fn progress(&self, snapshot: &str) -> Result<Assisted, DriverError>;
}

/// What is known of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageView {
    /// Its key.
    pub id: ImageId,
    /// `raw`, `qcow2` …
    pub disk_format: Option<String>,
    /// `bare`, mostly.
    pub container_format: Option<String>,
    /// Bytes of the file.
    pub size: Option<u64>,
    /// Bytes of the disk in it.
    pub virtual_size: Option<u64>,
    /// Where it can be had, in the order to be tried.
    pub locations: Vec<String>,
    /// Everything else.
    pub properties: Map,
}

/// The bytes of an image, from its beginning to its end.
pub trait ImageSource: Send {
    /// How many there are, if that is known.
    fn length(&self) -> Option<u64>;

    /// The next ones; 0 at the end.
    ///
    /// # Errors
    ///
    /// When the image cannot be read on.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, DriverError>;
}

/// Where the bytes of a new image go.
pub trait ImageSink: Send {
    /// Takes the next ones.
    ///
    /// # Errors
    ///
    /// When the image cannot be written on.
    fn write(&mut self, data: &[u8]) -> Result<(), DriverError>;

    /// Says that these were all. A sink that is dropped before is given up.
    ///
    /// # Errors
    ///
    /// When the image may not be whole.
    fn finish(&mut self) -> Result<(), DriverError>;
}

/// A program that may run with more rights than ours: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the name of a program, see `program`")]
pub enum Tool {
    Lvm,
    Lvs,
    Vgs,
    Pvs,
    Lvcreate,
    Lvextend,
    Lvchange,
    Lvremove,
    Lvrename,
    Lvconvert,
    Lvdisplay,
    Udevadm,
    Mount,
    Umount,
    QemuImg,
    TgtAdmin,
    Tgtadm,
    CinderRtstool,
}

impl Tool {
    /// The name that it is looked up by.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Lvm => "lvm",
            Self::Lvs => "lvs",
            Self::Vgs => "vgs",
            Self::Pvs => "pvs",
            Self::Lvcreate => "lvcreate",
            Self::Lvextend => "lvextend",
            Self::Lvchange => "lvchange",
            Self::Lvremove => "lvremove",
            Self::Lvrename => "lvrename",
            Self::Lvconvert => "lvconvert",
            Self::Lvdisplay => "lvdisplay",
            Self::Udevadm => "udevadm",
            Self::Mount => "mount",
            Self::Umount => "umount",
            Self::QemuImg => "qemu-img",
            Self::TgtAdmin => "tgt-admin",
            Self::Tgtadm => "tgtadm",
            Self::CinderRtstool => "cinder-rtstool",
        }
    }
}

/// Something to be done with more rights than ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// By which program.
    pub tool: Tool,
    /// How; no shell sees it.
    pub arguments: Vec<OsString>,
    /// What it reads.
    pub input: Vec<u8>,
}

/// Whoever has more rights.
pub trait Privileged: Send + Sync {
    /// Does it, within the limit.
    ///
    /// # Errors
    ///
    /// As [`run`](crate::run::run) does.
    fn perform(&self, deed: &Deed, limit: &Limit) -> Result<crate::run::Finished, DriverError>;
}

impl fmt::Debug for dyn Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}
