//! Messages to users: why an operation failed that the API had accepted (`spec/schema.md` §9).
//!
//! Must not: say more than the numbers of an action and a detail. The API turns them into
//! sentences; texts of errors may tell a user what only operators should know.

mod ids;

use std::time::Duration;

use uuid::Uuid;

use crate::{
    connection::Connection, error::DbError, queries::messages, rows::message::NewMessage,
    timestamp::Timestamp,
};

pub use ids::{Action, Detail, Resource};

/// What upstream's volume service calls every message.
const LEVEL: &str = "ERROR";

/// A message for the user who made a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The project that may read it.
    pub project_id: &'a str,
    /// The request that failed.
    pub request_id: Option<&'a str>,
    /// The kind of resource it is about.
    pub resource: Resource,
    /// The resource's id.
    pub resource_id: Option<&'a str>,
    /// What was being done.
    pub action: Action,
    /// What went wrong.
    pub detail: Detail,
    /// `message_ttl`: how long it is kept.
    pub keep_for: Duration,
}

/// Writes a message.
///
/// # Errors
///
/// [`DbError::Query`]. Upstream logs it and goes on: the operation has failed already.
pub fn write(connection: &mut Connection, message: &Message<'_>) -> Result<(), DbError> {
    let now = Timestamp::now();
    let (resource, action, detail) =
        (message.resource.as_str(), message.action.id(), message.detail.id());
    let row = NewMessage {
        id: &Uuid::new_v4().to_string(),
        created_at: now,
        deleted: false,
        project_id: message.project_id,
        request_id: message.request_id,
        resource_type: resource,
        resource_uuid: message.resource_id,
        event_id: &format!("VOLUME_{resource}_{action}_{detail}"),
        message_level: LEVEL,
        expires_at: now.plus(message.keep_for),
        detail_id: detail,
        action_id: action,
    };
    Ok(messages::insert(connection.native()?, &row)?)
}
