//! What a project is given back when something of it is gone (`spec/schema.md` §8).
//!
//! Must not: keep a deletion from happening. Upstream logs what goes wrong here and deletes all the same.

use cinder_db::quota::{self, Change, Counted, Request, Resource, Rules};
use cinder_db::{Connection, volume_types};
use cinder_types::VolumeTypeId;
use tracing::error;

use crate::manager::{LOG, Manager};

/// No limit: less is always allowed.
const NONE: i32 = -1;

impl Manager {
    /// Reserves what a deletion frees; the answer is committed together with it. Empty where there is nothing to
    /// be given back, or that is not possible.
    pub(crate) fn reserve_deletion(
        &self,
        connection: &mut Connection,
        project: Option<&str>,
        volume_type: &VolumeTypeId,
        what: Counted,
        gib: i32,
    ) -> Vec<String> {
        let Some(project_id) = project else { return Vec::new() };
        let name = match volume_types::get_even_deleted(connection, volume_type) {
            Ok(one) => one.and_then(|one| one.row.name),
            Err(cause) => {
                error!(target: LOG, "Failed to update usages: {}", cinder_db::chain(&cause));
                return Vec::new();
            }
        };
        let frees_room = what == Counted::Volumes || !self.options.snapshots_are_free;
        let deltas = [Some((what, -1)), frees_room.then_some((Counted::Gigabytes, -gib))];
        let mut changes = Vec::with_capacity(4);
        for (counted, delta) in deltas.into_iter().flatten() {
            let mut add = |resource| changes.push(Change { resource, delta, limit: NONE });
            add(Resource::all(counted));
            if let Some(name) = &name {
                add(Resource::of_type(counted, volume_type.as_str(), name));
            }
        }
        let rules =
            Rules { snapshots_are_free: self.options.snapshots_are_free, ..Rules::default() };
        let expire_after = self.options.reservation_expire;
        let request = Request { project_id, changes: &changes, expire_after, rules };
        quota::reserve(connection, &request).unwrap_or_else(|cause| {
            error!(target: LOG, "Failed to update usages: {}", cinder_db::chain(&cause));
            Vec::new()
        })
    }
}
