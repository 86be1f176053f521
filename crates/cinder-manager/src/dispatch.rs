//! From a method's name to its operation: the closed list of what this service carries out.
//!
//! What is not here answers so, as a failure that the API understands, and changes nothing: the API has given some of
//! those resources a transitional status, which `not_here.rs` takes back.

use cinder_driver::{Call, Lane};
use cinder_objects::{Method, Request};
use cinder_types::RequestContext;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::course::Course;
use crate::error::Failure;
use crate::manager::Manager;

/// What of a create says how long it takes.
#[derive(Deserialize)]
struct Arguments {
    volume: Volume,
}

#[derive(Deserialize)]
struct Volume {
    #[serde(rename = "versioned_object.data")]
    data: Option<Source>,
}

#[derive(Default, Deserialize)]
struct Source {
    snapshot_id: Option<IgnoredAny>,
    source_volid: Option<IgnoredAny>,
}

impl Manager {
    /// In which lane a call is carried out: the driver's word for what copies, else the method's kind.
    #[must_use]
    pub fn lane(&self, method: Method, arguments: &str) -> Lane {
        match method {
            Method::CreateVolume => {
                // Only so much of it: what is wrong with it is found out where it can be answered.
                let source = serde_json::from_str::<Arguments>(arguments).ok();
                let data = source.and_then(|source| source.volume.data).unwrap_or_default();
                let is_set = |key: &Option<IgnoredAny>| key.is_some();
                if is_set(&data.snapshot_id) {
                    self.driver.lane(Call::CreateVolumeFromSnapshot, None)
                } else if is_set(&data.source_volid) {
                    self.driver.lane(Call::CreateClonedVolume, None)
                } else {
                    self.driver.lane(Call::CreateVolume, None)
                }
            }
            Method::DeleteVolume => self.driver.lane(Call::DeleteVolume, None),
            Method::CreateSnapshot => self.driver.lane(Call::CreateSnapshot, None),
            Method::DeleteSnapshot => self.driver.lane(Call::DeleteSnapshot, None),
            Method::ExtendVolume => self.driver.lane(Call::ExtendVolume, None),
            Method::RevertToSnapshot => self.driver.lane(Call::RevertToSnapshot, None),
            Method::DoCleanup => Lane::Work,
            _ => Lane::Calls,
        }
    }

    /// Carries out one call of a method; the result as JSON.
    ///
    /// # Errors
    ///
    /// What the caller is told.
    pub fn carry_out(
        &self,
        method: Method,
        arguments: &str,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let read = Request::read(method, arguments)
            .map_err(|cause| self.unreadable(method, arguments, cause.into(), request, course));
        match read? {
            Request::CreateVolume(args) => self.create_volume(*args, request, course),
            Request::RevertToSnapshot(args) => self.revert_to_snapshot(*args, request, course),
            Request::DeleteVolume(args) => self.delete_volume(*args, request, course),
            Request::CreateSnapshot(args) => self.create_snapshot(*args, request, course),
            Request::DeleteSnapshot(args) => self.delete_snapshot(*args, request, course),
            Request::ExtendVolume(args) => self.extend_volume(*args, request, course),
            Request::ExtendVolumeCompletion(args) => {
                self.extend_volume_completion(*args, request, course)
            }
            Request::InitializeConnection(args) => {
                self.initialize_connection(*args, request, course)
            }
            Request::TerminateConnection(args) => self.terminate_connection(*args, request, course),
            Request::RemoveExport(args) => self.remove_export(*args, request, course),
            Request::AttachmentUpdate(args) => self.attachment_update(*args, request, course),
            Request::AttachmentDelete(args) => self.attachment_delete(*args, request, course),
            Request::GetCapabilities(args) => self.get_capabilities(*args, request),
            Request::DoCleanup(args) => self.do_cleanup(*args, request, course),
            other => self.refuse(&other, course),
        }
    }
}
