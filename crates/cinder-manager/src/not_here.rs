//! Methods that this program does not carry out yet: each is refused in words that the API understands, and what the API
//! has put into a transitional status gets the one that upstream gives where the operation fails.
//!
//! Nothing is left in `retyping`, `managing` or the like for ever. Must not: touch a row whose status is
//! another one by now.

use cinder_db::cas::{Assignment, Swap};
use cinder_db::{changes, group_snapshots, groups, quota, snapshots, volumes};
use cinder_objects::Request;
use cinder_types::{GroupSnapshotStatus, GroupStatus, SnapshotId, VolumeId, status};
use serde_json::Value;
use tracing::error;

use crate::course::Course;
use crate::error::Failure;
use crate::manager::{LOG, Manager};

impl Manager {
    /// Refuses a request, having put right what it is about.
    pub(crate) fn refuse(
        &self,
        request: &Request,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let failure = Failure::not_here(request.method().name());
        if let Err(cause) = self.put_right(request, course) {
            error!(
                target: LOG,
                "{} is refused, and what it is about keeps its status: {cause}", request.method().name()
            );
        }
        Err(failure)
    }

    fn put_right(&self, request: &Request, course: &mut dyn Course) -> Result<(), Failure> {
        use volumes::columns::{MIGRATION_STATUS, PREVIOUS_STATUS, STATUS};
        let to = |text: &str| STATUS.to(text);
        match request {
            Request::CopyVolumeToImage(one) => {
                self.settle_volume(&VolumeId::new(&*one.volume_id), "uploading", course)
            }
            Request::AttachVolume(one) => {
                self.settle_volume(&VolumeId::new(&*one.volume_id), "attaching", course)
            }
            Request::DetachVolume(one) => {
                self.settle_volume(&VolumeId::new(&*one.volume_id), "detaching", course)
            }
            Request::AcceptTransfer(one) => {
                let id = VolumeId::new(&*one.volume_id);
                self.swap_volume(&id, "awaiting-transfer", to("error"), course)
            }
            Request::Retype(one) => {
                let previous = STATUS.to_value_of(PREVIOUS_STATUS);
                self.swap_volume(&one.volume.id()?, "retyping", previous, course)?;
                let reservations = [&one.reservations, &one.old_reservations];
                let mut connection = self.connection()?;
                for uuids in reservations.into_iter().flatten() {
                    quota::roll_back(&mut connection, uuids)?;
                }
                Ok(())
            }
            Request::MigrateVolume(one) => {
                let id = one.volume.id()?;
                let previous = STATUS.to_value_of(PREVIOUS_STATUS);
                self.swap_volume(&id, "maintenance", previous, course)?;
                Swap::<volumes::Row>::of(id.as_str())
                    .only_if(MIGRATION_STATUS.is_in(["starting", "migrating"]))
                    .set(MIGRATION_STATUS.to("error"))
                    .run(&mut *self.connection()?)?;
                Ok(())
            }
            Request::ManageExisting(one) => {
                self.swap_volume(&one.volume.id()?, "managing", to("error_managing"), course)
            }
            Request::Reimage(one) => {
                self.swap_volume(&one.volume.id()?, "downloading", to("error"), course)
            }
            Request::ManageExistingSnapshot(one) => {
                self.swap_snapshot(&one.snapshot.id()?, "managing", "error")
            }
            Request::CreateGroup(one) => self.fail_group(&one.group),
            Request::DeleteGroup(one) => self.fail_group(&one.group),
            Request::UpdateGroup(one) => self.fail_group(&one.group),
            Request::CreateGroupFromSrc(one) => {
                self.fail_group(&one.group)?;
                let id = one.group.id()?;
                let mut connection = self.connection()?;
                for id in volumes::ids(&mut connection, volumes::Of::Group(&id))? {
                    self.swap_volume(&id, "creating", to("error"), course)?;
                }
                Ok(())
            }
            Request::CreateGroupSnapshot(one) => self.fail_group_snapshot(&one.group_snapshot),
            Request::DeleteGroupSnapshot(one) => self.fail_group_snapshot(&one.group_snapshot),
            // Nobody has a transitional status for the others.
            _ => Ok(()),
        }
    }

    fn swap_volume(
        &self,
        id: &VolumeId,
        from: &str,
        change: Assignment<volumes::Row>,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        course.about(id.as_str());
        let swap = Swap::<volumes::Row>::of(id.as_str())
            .only_if(volumes::columns::STATUS.is(from))
            .set(change);
        swap.run(&mut *self.connection()?)?;
        Ok(())
    }

    /// What the volume has once an operation has ended that changed nothing.
    fn settle_volume(
        &self,
        id: &VolumeId,
        from: &str,
        course: &mut dyn Course,
    ) -> Result<(), Failure> {
        course.about(id.as_str());
        volumes::change_locked(&mut *self.connection()?, id, |row, attachments| {
            let is_so = row.status.as_ref().is_some_and(|status| status.as_str() == from);
            volumes::Change {
                status: is_so.then(|| Some(status::settled(!attachments.is_empty()))),
                ..volumes::Change::default()
            }
        })?;
        Ok(())
    }

    fn swap_snapshot(&self, id: &SnapshotId, from: &str, to: &str) -> Result<(), Failure> {
        let status = snapshots::columns::STATUS;
        let swap = Swap::<snapshots::Row>::of(id.as_str()).only_if(status.is(from));
        swap.set(status.to(to)).run(&mut *self.connection()?)?;
        Ok(())
    }

    fn fail_group(&self, group: &cinder_objects::Group) -> Result<(), Failure> {
        let change = groups::Change {
            status: changes::to(GroupStatus::new("error".to_owned())),
            ..groups::Change::default()
        };
        Ok(groups::update(&mut *self.connection()?, &group.id()?, &change)?)
    }

    fn fail_group_snapshot(
        &self,
        group_snapshot: &cinder_objects::GroupSnapshot,
    ) -> Result<(), Failure> {
        let id = group_snapshot.id()?;
        let change = group_snapshots::Change {
            status: changes::to(GroupSnapshotStatus::new("error".to_owned())),
        };
        let mut connection = self.connection()?;
        group_snapshots::update(&mut connection, &id, &change)?;
        for one in snapshots::list(&mut connection, snapshots::Of::GroupSnapshot(&id))? {
            for from in ["creating", "deleting"] {
                self.swap_snapshot(&one.row.id, from, "error")?;
            }
        }
        Ok(())
    }
}
