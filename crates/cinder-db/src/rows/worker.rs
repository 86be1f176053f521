//! Rows of table `workers`.

use diesel::{Insertable, Queryable, Selectable};

use crate::{schema::workers, timestamp::Timestamp};

/// An entry as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = workers)]
pub(crate) struct WorkerRow {
    pub(crate) id: i32,
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    pub(crate) status: String,
    pub(crate) service_id: Option<i32>,
    pub(crate) race_preventer: i32,
    /// The one time of the schema that has microseconds on every database.
    pub(crate) updated_at: Option<Timestamp>,
}

/// An entry for an operation that is about to be sent or to begin.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = workers, treat_none_as_default_value = false)]
pub(crate) struct NewWorker<'a> {
    pub(crate) created_at: Timestamp,
    /// Set on insert too, unlike in other tables: a cleanup looks for entries up to a time.
    pub(crate) updated_at: Timestamp,
    pub(crate) deleted: bool,
    pub(crate) resource_type: &'a str,
    pub(crate) resource_id: &'a str,
    pub(crate) status: &'a str,
    pub(crate) service_id: Option<i32>,
    pub(crate) race_preventer: i32,
}
