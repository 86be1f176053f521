//! What has become of an operation of which nobody saw the end.
//!
//! The file system knows: a file that has its name is whole. What was being written aside is taken
//! away; a deletion and a revert are done again, which is harmless.

use cinder_driver::{
    DriverError, OpContext, Operation, Settled, SnapshotRef, SnapshotUpdate, Update, VolumeRef,
    VolumeUpdate,
};

use crate::directory::Directory;
use crate::driver::{LocalDriver, checked_bytes};
use crate::making;
use crate::name::Name;
use crate::points;

impl LocalDriver {
    pub(crate) fn settle_in(
        &self,
        directory: &Directory,
        operation: &Operation,
        context: &OpContext,
    ) -> Result<Settled, DriverError> {
        match operation {
            Operation::CreateVolume { volume }
            | Operation::CreateVolumeFromSnapshot { volume, .. }
            | Operation::CreateClonedVolume { volume, .. } => {
                let is_made = is_made(directory, &volume.name, volume.size_gib, context)?;
                Ok(done_if(is_made, Update::Volume(VolumeUpdate::default())))
            }
            Operation::CreateSnapshot { snapshot: SnapshotRef { name, volume_size_gib, .. } } => {
                let is_made = is_made(directory, name, *volume_size_gib, context)?;
                Ok(done_if(is_made, Update::Snapshot(SnapshotUpdate::default())))
            }
            Operation::DeleteVolume { volume: VolumeRef { name, .. } } => {
                let (begun, removed) = (points::DELETE_VOLUME_BEGUN, points::DELETE_VOLUME_REMOVED);
                remove(directory, name, begun, removed, context)
            }
            Operation::DeleteSnapshot { snapshot: SnapshotRef { name, .. } } => {
                let points = (points::DELETE_SNAPSHOT_BEGUN, points::DELETE_SNAPSHOT_REMOVED);
                remove(directory, name, points.0, points.1, context)
            }
            Operation::ExtendVolume { volume, new_size_gib } => {
                settle_extension(directory, volume, *new_size_gib, context)
            }
            Operation::RevertToSnapshot { volume, snapshot } => {
                let (name, source) = (Name::new(&volume.name)?, Name::new(&snapshot.name)?);
                if directory.find(&name)?.is_none() || directory.find(&source)?.is_none() {
                    directory.remove_aside(&name)?;
                    return Ok(Settled::Undone);
                }
                self.revert(directory, &name, &source, context)?;
                Ok(Settled::Done(Update::Volume(VolumeUpdate::default())))
            }
            Operation::ManageExisting { volume, reference } => {
                let (name, old) = (Name::new(&volume.name)?, Name::new(reference)?);
                let _held = context.lock(&[&name.lock(), &old.lock()])?;
                directory.finish_rename(old.as_str(), &name)?;
                let is_there = directory.find(&name)?.is_some();
                directory.sync()?;
                Ok(done_if(is_there, Update::Volume(VolumeUpdate::default())))
            }
            // Nothing is done for these, so nothing can be left of them.
            Operation::CreateExport { .. }
            | Operation::RemoveExport { .. }
            | Operation::InitializeConnection { .. }
            | Operation::TerminateConnection { .. }
            | Operation::Unmanage { .. } => Ok(Settled::Done(Update::None)),
            // This driver has never begun them.
            _ => Ok(Settled::Undone),
        }
    }
}

fn done_if(is_done: bool, update: Update) -> Settled {
    if is_done { Settled::Done(update) } else { Settled::Undone }
}

/// Whether a file that was to be made is there; takes away what is not whole.
fn is_made(
    directory: &Directory,
    name: &str,
    size_gib: u64,
    context: &OpContext,
) -> Result<bool, DriverError> {
    let (name, bytes) = (Name::new(name)?, checked_bytes(size_gib)?);
    let _held = context.lock(&[&name.lock()])?;
    directory.remove_aside(&name)?;
    let found = match directory.find_ours(&name) {
        // Whatever stands there was there before: ours has refused to replace it.
        Err(DriverError::Exists { .. }) => None,
        other => other?,
    };
    directory.sync()?;
    Ok(found.is_some_and(|entry| entry.bytes == bytes))
}

fn remove(
    directory: &Directory,
    name: &str,
    begun: &'static str,
    removed: &'static str,
    context: &OpContext,
) -> Result<Settled, DriverError> {
    let name = Name::new(name)?;
    let _held = context.lock(&[&name.lock()])?;
    making::remove(directory, &name, begun, removed)?;
    Ok(Settled::Done(Update::None))
}

fn settle_extension(
    directory: &Directory,
    volume: &VolumeRef,
    new_size_gib: u64,
    context: &OpContext,
) -> Result<Settled, DriverError> {
    let (name, bytes) = (Name::new(&volume.name)?, checked_bytes(new_size_gib)?);
    let _held = context.lock(&[&name.lock()])?;
    let Some(entry) = directory.find(&name)? else { return Ok(Settled::Undone) };
    let is_done = entry.bytes >= bytes;
    // Makes the length safe, or gives back space that was taken beyond the end.
    making::settle_length(directory, &name, entry.bytes)?;
    Ok(done_if(is_done, Update::Volume(VolumeUpdate::default())))
}
