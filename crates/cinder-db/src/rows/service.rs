//! Rows of table `services`.

use std::time::Duration;

use cinder_types::{ServiceId, ServiceUuid};
use diesel::{AsChangeset, Insertable, Queryable, Selectable};

use crate::{changes::changes, schema::services, timestamp::Timestamp};

/// A live service, whatever its binary.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = services)]
pub struct ServiceRow {
    pub(crate) id: i32,
    pub(crate) uuid: Option<String>,
    /// `host@backend` for a volume service.
    pub host: Option<String>,
    /// The kind of service, as in `cinder-volume`.
    pub binary: Option<String>,
    /// The cluster it belongs to.
    pub cluster_name: Option<String>,
    /// Where it runs; schedulers filter by it.
    pub availability_zone: Option<String>,
    /// Whether an operator took it out of service.
    pub disabled: Option<bool>,
    /// The operator's words for that.
    pub disabled_reason: Option<String>,
    /// Beats so far.
    pub report_count: i32,
    /// Time of the last beat, or of the last other write except (dis)abling.
    pub updated_at: Option<Timestamp>,
    /// Time of its first start.
    pub created_at: Option<Timestamp>,
    /// State of its replication, as in `not-capable`.
    pub replication_status: Option<String>,
    /// Whether its resources are frozen after a failover.
    pub frozen: Option<bool>,
    /// The back end it failed over to.
    pub active_backend_id: Option<String>,
    /// RPC version it announced.
    pub rpc_current_version: Option<String>,
    /// Object version it announced.
    pub object_current_version: Option<String>,
}

impl ServiceRow {
    /// The row's key.
    #[must_use]
    pub fn id(&self) -> ServiceId {
        ServiceId::new(self.id)
    }

    /// The row's uuid; `None` in a row that a very old release left.
    #[must_use]
    pub fn uuid(&self) -> Option<ServiceUuid> {
        self.uuid.as_deref().map(ServiceUuid::new)
    }

    /// Whether it beat within `service_down_time` before `now`; a row that was never updated is
    /// down, however new it is, as for upstream's `Service.is_up`.
    #[must_use]
    pub fn is_up(&self, now: Timestamp, service_down_time: Duration) -> bool {
        self.updated_at.is_some_and(|last| now.since(last) <= service_down_time)
    }
}

changes! {
    /// What an operation changes in a service.
    pub struct ServiceChange of services, ServiceRow {
        /// See [`ServiceRow::disabled`].
        disabled: Option<bool> = services::disabled,
        /// See [`ServiceRow::disabled_reason`].
        disabled_reason: Option<String> = services::disabled_reason,
        /// See [`ServiceRow::replication_status`].
        replication_status: Option<String> = services::replication_status,
        /// See [`ServiceRow::active_backend_id`].
        active_backend_id: Option<String> = services::active_backend_id,
        /// See [`ServiceRow::frozen`].
        frozen: Option<bool> = services::frozen,
    }
}

/// A service that starts for the first time.
#[derive(Debug, Insertable)]
#[diesel(table_name = services, treat_none_as_default_value = false)]
pub(crate) struct NewService<'a> {
    pub(crate) created_at: Timestamp,
    /// Set on insert too, unlike in other tables: it is the service's sign of life.
    pub(crate) updated_at: Timestamp,
    pub(crate) deleted: bool,
    pub(crate) host: &'a str,
    pub(crate) binary: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) report_count: i32,
    pub(crate) disabled: bool,
    pub(crate) availability_zone: &'a str,
    pub(crate) rpc_current_version: &'a str,
    pub(crate) object_current_version: &'a str,
    pub(crate) replication_status: &'a str,
    pub(crate) frozen: bool,
    pub(crate) active_backend_id: Option<&'a str>,
    pub(crate) cluster_name: Option<&'a str>,
    pub(crate) uuid: &'a str,
}

/// What a start changes in an existing row; `None` leaves a column as it is.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = services)]
pub(crate) struct ServiceStart<'a> {
    pub(crate) updated_at: Timestamp,
    pub(crate) rpc_current_version: &'a str,
    pub(crate) object_current_version: &'a str,
    pub(crate) uuid: Option<&'a str>,
    pub(crate) cluster_name: Option<&'a str>,
    pub(crate) replication_status: Option<&'a str>,
    pub(crate) frozen: Option<bool>,
    /// Doubly optional: a cluster's value may be NULL.
    pub(crate) active_backend_id: Option<Option<&'a str>>,
}
