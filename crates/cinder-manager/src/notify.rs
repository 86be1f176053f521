//! What others are told of volumes and snapshots: those who count and bill, not those who asked.
//!
//! Told at the moments of the original (`spec/manager.md` §9), from rows that are in hand anyway; what
//! else is in a payload is read only if somebody is told. Must not: wait for anybody, or fail an operation.

mod payload;
mod repr;

use cinder_db::snapshots::Snapshot;
use cinder_db::volumes::Volume;
use cinder_db::{Timestamp, image_metadata};
use cinder_types::{RequestContext, VolumeId};
use serde_json::Value;
use tracing::warn;

use crate::error::Failure;
use crate::manager::{LOG, Manager};
use crate::notifier::Notification;

/// What happens to a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfVolume {
    CreateStart,
    CreateEnd,
    DeleteStart { unmanage: bool },
    DeleteEnd { unmanage: bool },
    ResizeStart,
    ResizeEnd,
    RevertStart,
    RevertEnd,
    AttachStart,
    DetachStart,
}

impl OfVolume {
    fn name(self) -> &'static str {
        match self {
            Self::CreateStart => "volume.create.start",
            Self::CreateEnd => "volume.create.end",
            Self::DeleteStart { unmanage: false } => "volume.delete.start",
            Self::DeleteEnd { unmanage: false } => "volume.delete.end",
            Self::DeleteStart { unmanage: true } => "volume.unmanage.start",
            Self::DeleteEnd { unmanage: true } => "volume.unmanage.end",
            Self::ResizeStart => "volume.resize.start",
            Self::ResizeEnd => "volume.resize.end",
            Self::RevertStart => "volume.revert.start",
            Self::RevertEnd => "volume.revert.end",
            Self::AttachStart => "volume.attach.start",
            Self::DetachStart => "volume.detach.start",
        }
    }

    /// The original tells these with the rights of an administrator, whoever asked.
    fn is_elevated(self) -> bool {
        match self {
            Self::CreateStart
            | Self::CreateEnd
            | Self::DeleteStart { .. }
            | Self::DeleteEnd { .. } => true,
            Self::ResizeStart
            | Self::ResizeEnd
            | Self::RevertStart
            | Self::RevertEnd
            | Self::AttachStart
            | Self::DetachStart => false,
        }
    }

    /// The publisher of a create is called after the pool, too.
    fn names_pool(self) -> bool {
        matches!(self, Self::CreateStart | Self::CreateEnd)
    }
}

/// What happens to a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfSnapshot {
    CreateStart,
    CreateEnd,
    DeleteStart,
    DeleteEnd,
    RevertStart,
    RevertEnd,
}

impl OfSnapshot {
    fn name(self) -> &'static str {
        match self {
            Self::CreateStart => "snapshot.create.start",
            Self::CreateEnd => "snapshot.create.end",
            Self::DeleteStart => "snapshot.delete.start",
            Self::DeleteEnd => "snapshot.delete.end",
            Self::RevertStart => "snapshot.revert.start",
            Self::RevertEnd => "snapshot.revert.end",
        }
    }

    fn is_elevated(self) -> bool {
        !matches!(self, Self::RevertStart | Self::RevertEnd)
    }
}

impl Manager {
    /// Whether anybody is told anything.
    pub(crate) fn is_heard(&self) -> bool {
        self.notifier.is_some()
    }

    /// Whether anybody is told that a volume comes and goes: not of what a service makes for itself.
    pub(crate) fn counts(&self, volume: &Volume) -> bool {
        volume.row.use_quota || self.options.is_alone
    }

    /// Tells what happens to a volume, as it is in hand.
    pub(crate) fn tell_of_volume(
        &self,
        request: &RequestContext,
        volume: &Volume,
        event: OfVolume,
    ) {
        let Some(notifier) = &self.notifier else { return };
        let now = Timestamp::now();
        let mut payload = payload::of_volume(volume, now);
        let notes = match self.image_notes(volume, event) {
            Ok(notes) => notes,
            Err(failure) => {
                let id = &volume.row.id;
                warn!(target: LOG, "What is told of volume {id} lacks its image: {failure}");
                Vec::new()
            }
        };
        if let Value::Object(fields) = &mut payload
            && !notes.is_empty()
        {
            let notes = notes.iter().map(payload::of_image_note).collect();
            fields.insert("glance_metadata".to_owned(), Value::Array(notes));
        }
        let ours = self.options.host.as_str();
        let host = volume.row.host.as_deref().filter(|_| event.names_pool()).unwrap_or(ours);
        notifier.notify(Notification {
            context: told_by(request, event.is_elevated(), now),
            publisher_id: format!("volume.{host}"),
            event_type: event.name().to_owned(),
            payload,
            at: now,
        });
    }

    /// The same of a volume as it is in the database by now.
    pub(crate) fn tell_of_volume_now(
        &self,
        request: &RequestContext,
        id: &VolumeId,
        event: OfVolume,
    ) {
        if !self.is_heard() {
            return;
        }
        let found = self.connection().and_then(|mut one| self.find_volume(&mut one, id));
        match found {
            Ok(volume) => self.tell_of_volume(request, &volume, event),
            Err(failure) => {
                warn!(target: LOG, "{} of {id} cannot be told: {failure}", event.name());
            }
        }
    }

    /// Tells what happens to a snapshot of a volume in this zone.
    pub(crate) fn tell_of_snapshot(
        &self,
        request: &RequestContext,
        snapshot: &Snapshot,
        zone: Option<&str>,
        event: OfSnapshot,
    ) {
        let Some(notifier) = &self.notifier else { return };
        let now = Timestamp::now();
        notifier.notify(Notification {
            context: told_by(request, event.is_elevated(), now),
            publisher_id: format!("snapshot.{}", self.options.host.as_str()),
            event_type: event.name().to_owned(),
            payload: payload::of_snapshot(snapshot, zone, now),
            at: now,
        });
    }

    /// What a volume keeps of its image. Not read where it cannot have any: before and after it is made of nothing,
    /// and when its row is gone.
    fn image_notes(
        &self,
        volume: &Volume,
        event: OfVolume,
    ) -> Result<Vec<image_metadata::Row>, Failure> {
        let row = &volume.row;
        let is_empty = row.snapshot_id.is_none() && row.source_volid.is_none();
        let is_made = matches!(event, OfVolume::CreateStart | OfVolume::CreateEnd);
        if (is_made && is_empty) || matches!(event, OfVolume::DeleteEnd { .. }) {
            return Ok(Vec::new());
        }
        Ok(image_metadata::rows(&mut *self.connection()?, &row.id)?)
    }
}

/// Who asked, as it may be told.
fn told_by(request: &RequestContext, is_elevated: bool, now: Timestamp) -> RequestContext {
    let at = payload::text(now);
    match is_elevated {
        true => request.elevated().redacted(at),
        false => request.redacted(at),
    }
}
