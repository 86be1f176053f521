//! The oldest version that the services of each program speak, for messages to them (`spec/rpc.md` §7).
//!
//! Read at a start, where it is also how a worker finds out that its database answers, and after a
//! HUP. Not over the pool's connections: the pool would go on trying for as long as `pool_timeout`,
//! and keep the connection for some time after. Must not: send anything; whoever sends asks here what it may.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cinder_db::{Connection, DbError, HeartbeatPlan, MinimumVersions, chain, minimum_versions};
use cinder_objects::{CappedVersionUnknown, Pin};
use cinder_types::{ApiVersion, BINARY, OBJECT_VERSION};
use oslo_launcher::StartError;
use oslo_messaging::CallError;
use tracing::{debug, info, warn};

use super::parts::{Condition, Part, Parts};
use crate::metrics::{Meters, Metric};

/// Workers that are told to read again do so within this time, not all at once.
const SPREAD: Duration = Duration::from_secs(2);

/// Whom messages are sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Scheduler,
    Backup,
}

impl Peer {
    const ALL: [Self; 2] = [Self::Scheduler, Self::Backup];

    const fn binary(self) -> &'static str {
        match self {
            Self::Scheduler => "cinder-scheduler",
            Self::Backup => "cinder-backup",
        }
    }

    /// The interface that this release knows: where there is none of them, they come later and are as new.
    const fn own(self) -> ApiVersion {
        match self {
            Self::Scheduler => ApiVersion { major: 3, minor: 12 },
            Self::Backup => ApiVersion { major: 2, minor: 4 },
        }
    }
}

/// Why something cannot be said to a service as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CapError {
    /// It would not be understood.
    #[error("RPCVersionCapError: {binary} understands {cap} at most, and this is {version}")]
    RpcVersionCap { binary: &'static str, version: ApiVersion, cap: ApiVersion },
    /// There is no way to say it that it would understand.
    #[error(
        "ServiceTooOld: {method} needs version {version} of {binary}, and one of them speaks {cap}"
    )]
    TooOld { binary: &'static str, method: &'static str, version: ApiVersion, cap: ApiVersion },
    /// Nobody knows what it understands.
    #[error("what {binary} understands is not known: {reason}")]
    Unknown { binary: &'static str, reason: String },
    /// Objects cannot be written for it.
    #[error(transparent)]
    Objects(#[from] CappedVersionUnknown),
    /// It could not be sent.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What all services of one program understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cap {
    binary: &'static str,
    rpc: ApiVersion,
    object: String,
}

impl Cap {
    /// Of services that announce these, or of none.
    pub(crate) fn of(peer: Peer, found: Option<MinimumVersions>) -> Self {
        let (rpc, object) = found.map_or_else(
            || (peer.own(), OBJECT_VERSION.to_owned()),
            |found| (found.rpc, found.object.to_string()),
        );
        Self { binary: peer.binary(), rpc, object }
    }

    /// Whether all of them understand this version.
    pub(crate) const fn can_send(&self, version: ApiVersion) -> bool {
        self.rpc.major == version.major && version.minor <= self.rpc.minor
    }

    /// The newer of two ways to say something, if it is understood; the older one has to be, then.
    ///
    /// # Errors
    ///
    /// [`CapError::RpcVersionCap`].
    pub(crate) fn choose(
        &self,
        newer: ApiVersion,
        older: ApiVersion,
    ) -> Result<ApiVersion, CapError> {
        if self.can_send(newer) {
            return Ok(newer);
        }
        let (binary, cap) = (self.binary, self.rpc);
        match self.can_send(older) {
            true => Ok(older),
            false => Err(CapError::RpcVersionCap { binary, version: older, cap }),
        }
    }

    /// That a method is there at all.
    ///
    /// # Errors
    ///
    /// [`CapError::TooOld`].
    pub(crate) fn knows(&self, method: &'static str, version: ApiVersion) -> Result<(), CapError> {
        let (binary, cap) = (self.binary, self.rpc);
        match self.can_send(version) {
            true => Ok(()),
            false => Err(CapError::TooOld { binary, method, version, cap }),
        }
    }

    /// How objects are written for them.
    ///
    /// # Errors
    ///
    /// [`CapError::Objects`].
    pub(crate) fn objects(&self) -> Result<Pin, CapError> {
        Ok(Pin::named(&self.object)?)
    }
}

/// What is known of all of them; clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pins(Arc<Mutex<Vec<Known>>>);

/// Of each program: what it understands, or why that is not known.
type Known = (Peer, Result<Cap, String>);

impl Pins {
    /// What a program understands.
    ///
    /// # Errors
    ///
    /// [`CapError::Unknown`].
    pub(crate) fn towards(&self, peer: Peer) -> Result<Cap, CapError> {
        let known = self.lock().iter().find(|(of, _)| *of == peer).map(|(_, cap)| cap.clone());
        // Before it is read nothing is sent; a bus of one machine in a test has no table.
        let cap = known.unwrap_or_else(|| Ok(Cap::of(peer, None)));
        cap.map_err(|reason| CapError::Unknown { binary: peer.binary(), reason })
    }

    /// A line for a report; nothing if it is being changed.
    pub(super) fn report(&self) -> String {
        let Ok(known) = self.0.try_lock() else { return String::new() };
        let one = |(peer, cap): &Known| match cap {
            Ok(cap) => format!("{} {}, objects {}", peer.binary(), cap.rpc, cap.object),
            Err(reason) => format!("{} unknown: {reason}", peer.binary()),
        };
        let all: Vec<_> = known.iter().map(one).collect();
        format!("understood by: {}\n", all.join("; "))
    }

    fn read(&self, connection: &mut Connection) -> Result<(), DbError> {
        let mut known = Vec::new();
        for peer in Peer::ALL {
            let cap = match minimum_versions(connection, peer.binary()) {
                Ok(found) => Ok(Cap::of(peer, found)),
                Err(error) if error.is_unavailable() => return Err(error),
                // That of another program is no reason not to start.
                Err(error) => Err(chain(&error)),
            };
            known.push((peer, cap));
        }
        *self.lock() = known;
        Ok(())
    }

    /// It is replaced as a whole, so a panic leaves none half-changed.
    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
pub(super) fn await_pins(
    plan: &HeartbeatPlan,
    parts: &Parts,
    pins: &Pins,
) -> Result<Connection, StartError> {
    let worker = parts.worker();
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match read(plan, pins) {
            Ok(connection) => {
                parts.set(Part::Database, Condition::Up);
                return Ok(connection);
            }
            Err(error) if error.is_unavailable() => error,
            Err(error) => return Err(StartError::failed(error)),
        };
        Meters::of(worker).add(Metric::DatabaseErrors, &[], 1);
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

fn read(plan: &HeartbeatPlan, pins: &Pins) -> Result<Connection, DbError> {
    let mut connection = plan.connect()?;
    if let Some(own) = minimum_versions(&mut connection, BINARY)? {
        debug!(
            target: "cinder.service",
            "Pinning object versions for RPC server serializer to {}", own.object
        );
    }
    pins.read(&mut connection)?;
    Ok(connection)
}

/// Reads them again beside the caller, who answers signals and must not wait for a database. `number` tells this
/// worker from others: on a node with hundreds of back ends as many connections at once cost more than
/// all else of a reload.
pub(super) fn reset(plan: HeartbeatPlan, pins: Pins, number: u64) {
    info!(target: "cinder.volume.manager", "Resetting cached RPC version pins.");
    let work = move || {
        std::thread::sleep(SPREAD / 64 * u32::try_from(number % 64).unwrap_or(0));
        if let Err(error) = read(&plan, &pins) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> ApiVersion {
        text.parse().unwrap()
    }

    fn cap(rpc: &str) -> Cap {
        let found = MinimumVersions { rpc: version(rpc), object: version("1.38") };
        Cap::of(Peer::Scheduler, Some(found))
    }

    #[test]
    fn what_is_too_new_for_the_oldest_is_said_in_an_older_way_or_not_at_all() {
        let choose = |rpc: &str| cap(rpc).choose(version("3.3"), version("3.0"));
        for (rpc, chosen) in [("3.12", "3.3"), ("3.3", "3.3"), ("3.2", "3.0"), ("3.0", "3.0")] {
            assert_eq!(choose(rpc).unwrap(), version(chosen), "{rpc}");
        }
        for rpc in ["2.9", "4.0"] {
            let refused = choose(rpc).unwrap_err().to_string();
            assert!(refused.starts_with("RPCVersionCapError: cinder-scheduler"), "{refused}");
            assert!(refused.contains(rpc) && refused.contains("3.0"), "{refused}");
        }
        assert!(cap("3.1").knows("notify", version("3.1")).is_ok());
        let refused = cap("3.0").knows("notify", version("3.1")).unwrap_err().to_string();
        assert!(refused.starts_with("ServiceTooOld: notify needs version 3.1"), "{refused}");
    }

    #[test]
    fn objects_are_written_for_the_oldest_and_not_at_all_for_who_is_unknown() {
        assert_eq!(cap("3.12").objects().unwrap(), Pin::named("1.38").unwrap());
        let none = Pins::default().towards(Peer::Backup).unwrap();
        assert_eq!((none.rpc, none.objects().unwrap()), (version("2.4"), Pin::CURRENT));
        let strange = Cap { object: "1.7".into(), ..cap("3.12") };
        assert!(strange.objects().is_err());
        let pins = Pins::default();
        pins.lock().push((Peer::Scheduler, Err("no version".into())));
        let refused = pins.towards(Peer::Scheduler).unwrap_err().to_string();
        assert!(
            refused.contains("cinder-scheduler") && refused.contains("no version"),
            "{refused}"
        );
        assert!(pins.report().contains("cinder-scheduler unknown: no version"));
    }
}
