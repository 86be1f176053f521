//! Rows of table `messages`.

use diesel::Insertable;

use crate::{schema::messages, timestamp::Timestamp};

/// A message for the user whose request went wrong.
#[derive(Debug, Insertable)]
#[diesel(table_name = messages, treat_none_as_default_value = false)]
pub(crate) struct NewMessage<'a> {
    pub(crate) id: &'a str,
    pub(crate) created_at: Timestamp,
    pub(crate) deleted: bool,
    pub(crate) project_id: &'a str,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) resource_type: &'a str,
    pub(crate) resource_uuid: Option<&'a str>,
    pub(crate) event_id: &'a str,
    pub(crate) message_level: &'a str,
    pub(crate) expires_at: Timestamp,
    pub(crate) detail_id: &'a str,
    pub(crate) action_id: &'a str,
}
