//! The oldest version that any volume service speaks, for messages to it.
//!
//! Read at a start, where it is also how a worker finds out that its database answers, and after a
//! HUP. Not over the pool's connections: the pool would go on trying for as long as `pool_timeout`,
//! and keep the connection for some time after.

use std::time::Duration;

use cinder_db::{Connection, DbError, HeartbeatPlan, chain, minimum_versions};
use cinder_types::BINARY;
use oslo_launcher::StartError;
use tracing::{debug, info, warn};

use super::parts::{Condition, Part, Parts};
use crate::tally::{Count, Tally};

/// First pause between two tries to reach the database; doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause: a database that is back should not wait for us.
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// Pins the versions as soon as the database answers.
///
/// A worker that is replaced while the database is away waits here, visibly down, instead of
/// dying and being replaced again and again.
///
/// Returns the connection, for the heartbeat to go on with: another one would cost this start
/// more than all that it asks.
///
/// # Errors
///
/// [`StartError`] when a stop comes first, or the database answers that it will never do.
pub(super) fn await_pins(plan: &HeartbeatPlan, parts: &Parts) -> Result<Connection, StartError> {
    let worker = parts.worker();
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match read(plan) {
            Ok(connection) => {
                parts.set(Part::Database, Condition::Up);
                return Ok(connection);
            }
            Err(error) if error.is_unavailable() => error,
            Err(error) => return Err(StartError::failed(error)),
        };
        Tally::of(worker).add(Count::DatabaseErrors, 1);
        parts.set(Part::Database, Condition::Down(chain(&error)));
        warn!(
            target: "cinder.service",
            error = &error as &(dyn std::error::Error + 'static),
            "The database does not answer; next try in {:.1} s", pause.as_secs_f64()
        );
        if worker.wait_for_stop(pause) {
            return Err(StartError::Stopped);
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

fn read(plan: &HeartbeatPlan) -> Result<Connection, DbError> {
    let mut connection = plan.connect()?;
    if let Some(pins) = minimum_versions(&mut connection, BINARY)? {
        debug!(
            target: "cinder.service",
            "Pinning object versions for RPC server serializer to {}", pins.object
        );
    }
    Ok(connection)
}

/// Reads them again beside the caller, who answers signals and must not wait for a database.
pub(super) fn reset(plan: HeartbeatPlan) {
    info!(target: "cinder.volume.manager", "Resetting cached RPC version pins.");
    // Nobody uses the pins yet; they are read to be told. On a node with hundreds of back ends
    // as many threads and connections at once cost more than all else of a reload.
    if !tracing::enabled!(target: "cinder.service", tracing::Level::DEBUG) {
        return;
    }
    let work = move || {
        if let Err(error) = read(&plan) {
            warn!(
                target: "cinder.volume.manager",
                error = &error as &(dyn std::error::Error + 'static),
                "Cannot read the version pins again"
            );
        }
    };
    if let Err(error) = std::thread::Builder::new().name("pins".into()).spawn(work) {
        warn!(target: "cinder.volume.manager", "Cannot start a thread to read pins: {error}");
    }
}
