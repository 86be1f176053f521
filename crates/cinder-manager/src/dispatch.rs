//! From a method's name to its operation: the closed list of what this service carries out.
//!
//! What is not here answers so, as a failure that the API understands, and changes nothing: the API has given some of
//! those resources a transitional status, which `not_here.rs` takes back.

use cinder_objects::{Method, Request};
use cinder_types::RequestContext;
use serde_json::Value;

use crate::course::Course;
use crate::error::Failure;
use crate::manager::Manager;

impl Manager {
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
        match Request::read(method, arguments)? {
            Request::CreateVolume(args) => self.create_volume(*args, request, course),
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
