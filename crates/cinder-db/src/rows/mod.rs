//! Rows as structs: what is read into, and what is inserted from.
//!
//! Must not: run queries. Upstream keeps nearly all defaults in the client, so the structs
//! that are inserted spell out every column that must not be NULL (`spec/schema.md §3`). What is
//! `None` is written as NULL: with `DEFAULT` in its place Diesel has each INSERT prepared anew.

pub(crate) mod attachment;
pub(crate) mod backup;
pub(crate) mod cluster;
pub(crate) mod group;
mod id;
pub(crate) mod image_cache;
pub(crate) mod message;
pub(crate) mod quota;
pub(crate) mod secret;
pub(crate) mod service;
pub(crate) mod snapshot;
pub(crate) mod volume;
pub(crate) mod volume_type;
pub(crate) mod worker;
