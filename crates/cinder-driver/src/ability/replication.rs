//! The ability to replicate, and to go on at another place.

use crate::context::OpContext;
use crate::error::DriverError;
use crate::update::ModelUpdate;
use crate::view::{GroupView, VolumeView};

/// What a failover has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failover {
    /// The place that is active now; `None` for the first one.
    pub active_backend_id: Option<String>,
    /// What changes of volumes and groups.
    pub updates: Vec<ModelUpdate>,
}

/// What replication says of a group that is not well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplicationError {
    /// What changes of groups and volumes.
    pub updates: Vec<ModelUpdate>,
}

/// The driver replicates.
pub trait Replication {
    /// The place that is active; changes with a failover, while the process runs.
    fn active_backend_id(&self) -> Option<String>;

    /// The places that it can fail over to.
    fn targets(&self) -> Vec<String>;

    /// Goes on at another place, or back at the first with `default`.
    ///
    /// # Errors
    ///
    /// [`Refusal::ReplicationTarget`](crate::Refusal::ReplicationTarget) if there is no such place.
    fn failover(
        &self,
        volumes: &[VolumeView],
        groups: &[GroupView],
        target: Option<&str>,
        context: &OpContext,
    ) -> Result<Failover, DriverError>;

    /// Another service of the cluster has failed over to this place.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn failover_completed(
        &self,
        active_backend_id: Option<&str>,
        context: &OpContext,
    ) -> Result<(), DriverError>;

    /// Stops what would make the other place differ.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn freeze(&self, context: &OpContext) -> Result<(), DriverError>;

    /// The opposite.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn thaw(&self, context: &OpContext) -> Result<(), DriverError>;

    /// What is wrong, after statistics have said that something is.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn error_status(
        &self,
        groups: &[GroupView],
        context: &OpContext,
    ) -> Result<ReplicationError, DriverError>;
}
