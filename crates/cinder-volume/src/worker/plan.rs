//! What one back end's worker is made of: plain data, made whole by `wire` and changed by nobody.
//!
//! It is made in the parent, registered, and goes into the worker as it is; only the id of its row
//! is added on the way ([`VolumeService::new`](super::VolumeService::new)). Must not: hold anything
//! that is open, because a fork comes between.

use std::time::Duration;

use cinder_db::{DatabaseOptions, HeartbeatPlan, Registration};
use cinder_driver::registry::NoDriver;
use cinder_types::ServiceId;

use super::bus::MessagesPlan;
use super::operations::{DriverNow, OperationsPlan};
use crate::notifications::NotificationsPlan;

/// A back end whose section could be read.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Its name in `enabled_backends`.
    pub name: String,
    /// What to write into its row.
    pub registration: Registration,
    /// Where that row is.
    pub database: DatabaseOptions,
    /// `report_interval`.
    pub report_interval: Duration,
    /// `backend_native_threads_pool_size`.
    pub operation_threads: usize,
    /// Its bus.
    pub messages: MessagesPlan,
    /// Who else is told what happens.
    pub notifications: Option<NotificationsPlan>,
    /// Its driver and operations, or why there is no such driver in this program.
    pub operations: Result<OperationsPlan, NoDriver>,
    /// Its driver's options after a HUP.
    pub driver_now: DriverNow,
    /// `image_volume_cache_enabled`.
    pub image_volume_cache_enabled: bool,
}

impl Plan {
    /// What the heartbeat of the service with this row needs of it.
    pub(super) fn heartbeat(&self, service: ServiceId) -> HeartbeatPlan {
        HeartbeatPlan {
            database: self.database.clone(),
            registration: self.registration.clone(),
            service,
            interval: self.report_interval,
        }
    }
}

/// An enabled back end, as far as it could be read.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// Its name in `enabled_backends`.
    pub name: String,
    /// `host@backend`, for the log.
    pub host: String,
    /// Its plan, or what is wrong with its section.
    pub plan: anyhow::Result<Plan>,
}
