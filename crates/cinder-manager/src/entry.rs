//! The entry in table `workers` that makes an operation ours, from its claim to its end.
//!
//! Must not: be removed before the resource has its last status; a crash in between leaves it for a clean-up.

use cinder_db::workers::{self, Cleanable, Entry, Kind};
use cinder_db::{Connection, DbError};

use crate::error::Failure;
use crate::manager::Manager;

/// A claimed entry.
#[derive(Debug)]
pub(crate) struct Claimed(Entry);

impl Manager {
    /// Makes an operation that came with a message ours, whosever its entry is: with the message in hand
    /// nobody else carries it out (design: a create's entry comes with the scheduler's id).
    ///
    /// # Errors
    ///
    /// `CleanableInUse` if somebody was faster.
    pub(crate) fn claim(
        &self,
        connection: &mut Connection,
        kind: Kind,
        id: &str,
        status: &str,
    ) -> Result<Claimed, Failure> {
        let resource = Cleanable { kind, id, status };
        match workers::claim(connection, &resource, self.options.service)? {
            Some(entry) => Ok(Claimed(entry)),
            None => {
                let kind = kind.as_str();
                let text = format!(
                    "{kind} with id {id} is already being cleaned up or another host has taken over it."
                );
                Err(Failure::new("CleanableInUse", text).with("type", kind).with("id", id))
            }
        }
    }
}

impl Claimed {
    /// Of an entry that a clean-up has claimed.
    pub(crate) fn of_cleanup(entry: Entry) -> Self {
        Self(entry)
    }

    /// Removes the entry if the resource has another status now; `gone` is one, too.
    ///
    /// # Errors
    ///
    /// [`DbError`]; a clean-up finds the entry then, and that nothing is left to do.
    pub(crate) fn finish(
        &self,
        connection: &mut Connection,
        status_now: Option<&str>,
    ) -> Result<(), DbError> {
        workers::finish(connection, &self.0, status_now.unwrap_or("deleted")).map(drop)
    }
}
