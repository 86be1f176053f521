//! Making, replacing, growing and removing files, each so that a crash or a power cut leaves all of
//! it or nothing.
//!
//! The order is always: written aside, synced, renamed, directory synced. What is whole has its
//! name, so a name that is there needs no second look. Must not: know what a snapshot is.

use std::fs::File;
use std::ops::Range;

use cinder_driver::copy::{Destination, Method};
use cinder_driver::{DriverError, FileIo, OpContext, OpenMode, VolumeIo, fail};
use rustix::fs::{FallocateFlags, fallocate, fsync};

use crate::directory::Directory;
use crate::name::Name;
use crate::points::{self, Steps};

/// A file to be made.
pub(crate) struct Plan<'a> {
    pub(crate) name: &'a Name,
    /// Its length.
    pub(crate) bytes: u64,
    /// Whether all its space is taken at once.
    pub(crate) preallocate: bool,
    /// Whose data it begins with.
    pub(crate) source: Option<Source<'a>>,
    /// Whether it replaces the file of its name; else that must not be there.
    pub(crate) replaces: bool,
    pub(crate) steps: Steps,
}

/// Where data come from.
pub(crate) struct Source<'a> {
    pub(crate) name: &'a Name,
    /// Whether somebody may write to it meanwhile: then only blocks that are shared at one moment
    /// are a copy of it.
    pub(crate) is_in_use: bool,
}

/// Makes a file; one that is there, with that length, is taken as made before.
pub(crate) fn make(
    directory: &Directory,
    plan: &Plan<'_>,
    context: &OpContext,
) -> Result<(), DriverError> {
    // Also for the sake of one that was cut off when it had both names: it has one afterwards.
    directory.remove_aside(plan.name)?;
    if !plan.replaces
        && let Some(entry) = directory.find_ours(plan.name)?
    {
        return match entry.bytes == plan.bytes {
            // Whoever made it may have died before this.
            true => directory.sync(),
            false => Err(DriverError::Exists {
                what: plan.name.to_string(),
                reason: format!("a file of {} bytes instead of {}", entry.bytes, plan.bytes),
            }),
        };
    }
    let mut is_placed = false;
    let result = write_aside(directory, plan, context).and_then(|()| {
        match plan.replaces {
            true => directory.replace(plan.name)?,
            false => directory.place(plan.name)?,
        }
        is_placed = true;
        fail::point(plan.steps.placed)?;
        directory.sync()
    });
    result.map_err(|error| {
        // The first error counts; what stays is taken away when the volume is deleted.
        let _later = match is_placed && !plan.replaces {
            true => directory.remove(plan.name),
            false => directory.remove_aside(plan.name),
        };
        directory.with_space(error, plan.bytes)
    })
}

fn write_aside(
    directory: &Directory,
    plan: &Plan<'_>,
    context: &OpContext,
) -> Result<(), DriverError> {
    let source = match &plan.source {
        Some(source) => Some((directory.open_file(source.name, OpenMode::Read)?, source)),
        None => None,
    };
    if let Some((io, source)) = &source
        && io.length() > plan.bytes
    {
        return Err(DriverError::Bug {
            reason: format!("{} is larger than {} is to be", source.name, plan.name),
            source: None,
        });
    }
    let file = directory.create_aside(plan.name)?;
    fail::point(plan.steps.begun)?;
    let io = sized(file, plan.name, plan.bytes)?;
    if let Some((from, source)) = &source {
        let copied = context.copy(from, &io.volume, 0..from.length(), Destination::Zeroed)?;
        if source.is_in_use && copied.method != Method::Shared {
            return Err(in_use(source.name));
        }
    }
    if plan.preallocate {
        allocate(directory, &io.file, plan.name, 0, plan.bytes)?;
    }
    fail::point(plan.steps.filled)?;
    context.check()?;
    sync(&io.file, plan.name)?;
    fail::point(plan.steps.synced)
}

/// A file that is open twice: for its data, and for what is more than data.
struct Sized {
    file: File,
    volume: FileIo,
}

fn sized(file: File, name: &Name, bytes: u64) -> Result<Sized, DriverError> {
    let told = |error| DriverError::from_io(name.to_string(), error);
    file.set_len(bytes).map_err(told)?;
    let other = file.try_clone().map_err(told)?;
    Ok(Sized { volume: FileIo::new(other, name.as_str(), OpenMode::Write)?, file })
}

/// What is written to cannot be copied.
pub(crate) fn in_use(name: &Name) -> DriverError {
    DriverError::Busy {
        what: name.to_string(),
        by: vec![
            "those who have it attached, and this file system cannot share blocks, so that a copy \
             would be of no single moment"
                .to_owned(),
        ],
    }
}

/// Takes the space of a range; its data stay.
///
/// What does not fit is not tried: until it failed, there would be no room for anybody else.
fn allocate(
    directory: &Directory,
    file: &File,
    name: &Name,
    from: u64,
    to: u64,
) -> Result<(), DriverError> {
    if from >= to {
        return Ok(());
    }
    let free = directory.space()?.free;
    if to - from > free {
        let (what, needed) = (name.to_string(), Some(to - from));
        return Err(DriverError::NoSpace { what, needed, free: Some(free), source: None });
    }
    fallocate(file, FallocateFlags::KEEP_SIZE, from, to - from)
        .map_err(|errno| DriverError::from_io(name.to_string(), errno.into()))
}

fn sync(file: &File, name: &Name) -> Result<(), DriverError> {
    fsync(file).map_err(|errno| DriverError::from_io(name.to_string(), errno.into()))
}

/// Makes a file longer. Its space comes first, so that an error leaves its length as it was.
pub(crate) fn grow(
    directory: &Directory,
    name: &Name,
    bytes: u64,
    preallocate: bool,
) -> Result<(), DriverError> {
    let old = directory.get(name)?.bytes;
    let file = directory.open_file(name, OpenMode::Write)?.into_file();
    fail::point(points::EXTEND_BEGUN)?;
    let result = lengthen(directory, &file, name, old..bytes, preallocate);
    result.map_err(|error| {
        // Gives back what was taken beyond the old end.
        let _space_stays_taken = file.set_len(old);
        directory.with_space(error, bytes.saturating_sub(old))
    })
}

fn lengthen(
    directory: &Directory,
    file: &File,
    name: &Name,
    more: Range<u64>,
    preallocate: bool,
) -> Result<(), DriverError> {
    if preallocate {
        allocate(directory, file, name, more.start, more.end)?;
    }
    fail::point(points::EXTEND_ALLOCATED)?;
    if !more.is_empty() {
        file.set_len(more.end).map_err(|error| DriverError::from_io(name.to_string(), error))?;
    }
    fail::point(points::EXTEND_GROWN)?;
    sync(file, name)
}

/// Removes a file and what an attempt to make it has left.
pub(crate) fn remove(
    directory: &Directory,
    name: &Name,
    begun: &'static str,
    removed: &'static str,
) -> Result<(), DriverError> {
    fail::point(begun)?;
    directory.remove_aside(name)?;
    directory.remove(name)?;
    fail::point(removed)?;
    // Also if nothing was there: who removed it may have died before this.
    directory.sync()
}

/// Makes a length safe that a file has, and gives back space beyond it.
pub(crate) fn settle_length(
    directory: &Directory,
    name: &Name,
    bytes: u64,
) -> Result<(), DriverError> {
    let file = directory.open_file(name, OpenMode::Write)?.into_file();
    file.set_len(bytes).map_err(|error| DriverError::from_io(name.to_string(), error))?;
    sync(&file, name)
}
