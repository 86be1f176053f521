//! Rows of tables `quota_usages` and `reservations`.

use diesel::{AsChangeset, Insertable, Queryable, Selectable};

use crate::{
    schema::{quota_usages, reservations},
    timestamp::Timestamp,
};

/// How much of one resource a project uses.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = quota_usages)]
pub(crate) struct UsageRow {
    pub(crate) id: i32,
    pub(crate) resource: Option<String>,
    pub(crate) in_use: i32,
    /// What reservations hold that are neither committed nor rolled back.
    pub(crate) reserved: i32,
    /// After so many reservations `in_use` is counted anew; NULL means never.
    pub(crate) until_refresh: Option<i32>,
    pub(crate) updated_at: Option<Timestamp>,
}

/// What a reservation changes in a usage.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = quota_usages)]
#[diesel(treat_none_as_null = true)]
pub(crate) struct UsageChange {
    pub(crate) updated_at: Timestamp,
    pub(crate) in_use: i32,
    pub(crate) reserved: i32,
    pub(crate) until_refresh: Option<i32>,
}

/// The first usage of a resource in a project.
#[derive(Debug, Insertable)]
#[diesel(table_name = quota_usages, treat_none_as_default_value = false)]
pub(crate) struct NewUsage<'a> {
    pub(crate) created_at: Timestamp,
    pub(crate) deleted: bool,
    pub(crate) project_id: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) in_use: i32,
    pub(crate) reserved: i32,
    pub(crate) until_refresh: Option<i32>,
    /// True in live rows: it is part of a unique key, in which NULL would differ from NULL.
    pub(crate) race_preventer: bool,
}

/// A change of a usage that has been promised.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = reservations)]
pub(crate) struct ReservationRow {
    pub(crate) id: i32,
    pub(crate) usage_id: Option<i32>,
    pub(crate) delta: i32,
}

/// A change of a usage that is being promised.
#[derive(Debug, Insertable)]
#[diesel(table_name = reservations, treat_none_as_default_value = false)]
pub(crate) struct NewReservation<'a> {
    pub(crate) created_at: Timestamp,
    pub(crate) deleted: bool,
    pub(crate) uuid: &'a str,
    pub(crate) usage_id: i32,
    pub(crate) project_id: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) delta: i32,
    pub(crate) expire: Timestamp,
}
