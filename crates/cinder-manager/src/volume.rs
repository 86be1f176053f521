//! Operations on volumes, a file each; what they have in common is here.

mod connect;
mod create;
pub(crate) mod delete;
pub(crate) mod extend;
mod limits;
pub(crate) mod revert;

use cinder_db::volumes::{self, Volume};
use cinder_db::{Connection, messages, volume_types};
use cinder_driver::{VolumeUpdate, VolumeView};
use cinder_types::{HostParts, RequestContext, VolumeId};
use tracing::warn;

use crate::convert;
use crate::error::Failure;
use crate::manager::{LOG, Manager};

impl Manager {
    /// The live volume with that key.
    pub(crate) fn find_volume(
        &self,
        connection: &mut Connection,
        id: &VolumeId,
    ) -> Result<Volume, Failure> {
        volumes::get(connection, id)?.ok_or_else(|| Failure::volume_not_found(id.as_str()))
    }

    /// As a driver sees it.
    pub(crate) fn view(
        &self,
        connection: &mut Connection,
        volume: &Volume,
    ) -> Result<VolumeView, Failure> {
        let encryption = match volume.row.encryption_key_id {
            Some(_) => volume_types::encryption(connection, &volume.row.volume_type_id)?,
            None => None,
        };
        let specs = volume.volume_type.as_ref().and_then(|one| one.row.qos_specs_id.as_ref());
        let qos = match specs {
            Some(specs) => volume_types::qos_specs(connection, specs)?,
            None => None,
        };
        Ok(convert::volume(volume, encryption.as_ref(), qos.as_ref(), &self.options))
    }

    /// The pool of something at that host.
    pub(crate) fn pool_of(&self, host: Option<&str>) -> String {
        let pool = host.and_then(|host| HostParts::parse(host).pool);
        pool.map_or_else(|| self.options.default_pool.clone(), str::to_owned)
    }

    /// Writes the notes that a driver has made; its columns are written with the status.
    pub(crate) fn write_notes(
        &self,
        connection: &mut Connection,
        id: &VolumeId,
        update: &VolumeUpdate,
    ) -> Result<(), Failure> {
        let owned = |notes: &cinder_driver::Texts| {
            notes.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect()
        };
        if !update.metadata.is_empty() {
            let others = cinder_db::metadata::OtherKeys::Keep;
            volumes::update_metadata(connection, id, &owned(&update.metadata), others)?;
        }
        if !update.admin_metadata.is_empty() {
            let others = cinder_db::metadata::OtherKeys::Keep;
            volumes::update_admin_metadata(connection, id, &owned(&update.admin_metadata), others)?;
        }
        Ok(())
    }

    /// Tells a user what went wrong; that it cannot be told is no failure of its own.
    pub(crate) fn tell_user(
        &self,
        connection: &mut Connection,
        request: &RequestContext,
        (resource, id): (messages::Resource, &str),
        action: messages::Action,
        (failure, detail): (&Failure, messages::Detail),
    ) {
        let Some(project) = &request.project_id else { return };
        let detail = match failure.class.as_str() {
            "DriverNotInitialized" => messages::Detail::DriverNotInitialized,
            "SnapshotIsBusy" => messages::Detail::SnapshotIsBusy,
            _ => detail,
        };
        let message = messages::Message {
            project_id: project.as_str(),
            request_id: Some(&request.request_id),
            resource,
            resource_id: Some(id),
            action,
            detail,
            keep_for: self.options.message_ttl,
        };
        if let Err(cause) = messages::write(connection, &message) {
            warn!(target: LOG, "Failed to create a user message: {}", cinder_db::chain(&cause));
        }
    }
}
