//! The manager of one back end: what all its operations share.
//!
//! Time, ids, locks, driver, database and the way to schedulers are given to it. Must not: name a driver, or know
//! how a message came.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use cinder_db::{Pool, PooledConnection, Timestamp};
use cinder_driver::{
    Again, Call, Driver, DriverError, Lane, Limit, OpContext, RecordedOp, Settled, Update,
};
use cinder_objects::PlaceVolume;
use cinder_types::{ClusterName, HostParts, RequestContext, ServiceHost, ServiceId, ServiceUuid};
use tracing::{error, info, warn};

use crate::allocated::Allocated;
use crate::busy::{AtWork, Busy};
use crate::course::Course;
use crate::error::Failure;
use crate::locks::{Held, Locks};
use crate::notifier::Notifier;
use crate::records::Records;

/// What the log knows all this as.
pub(crate) const LOG: &str = "cinder.volume.manager";

/// How long somebody else may hold a lock that an operation needs: the longest operation that upstream's own options
/// let run, a migration, and more. Only then it is a lock that nobody gives up.
const LOCK_LIMIT: Duration = Duration::from_secs(3600);
/// How long a driver is asked what has become of an operation before that is left to a clean-up.
const SETTLE_LIMIT: Duration = Duration::from_secs(600);
/// Between two tries to write the end of an operation.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);
/// The shortest pause between two such questions.
const SETTLE_PAUSE: Duration = Duration::from_millis(100);

/// What an operator has decided.
#[derive(Debug, Clone)]
pub struct Options {
    /// `host@backend`, to which requests are sent.
    pub host: ServiceHost,
    /// The cluster, if it serves one.
    pub cluster: Option<ClusterName>,
    /// The key of the service's row.
    pub service: ServiceId,
    /// `volume_name_template`: names on the storage.
    pub volume_name_template: String,
    /// `snapshot_name_template`.
    pub snapshot_name_template: String,
    /// The pool of a volume whose host names none: `volume_backend_name`.
    pub default_pool: String,
    /// `[supervisor] resume_operations`: whether what a crash has interrupted is finished, where that
    /// is possible; else it gets upstream's status.
    pub resume: bool,
    /// `no_snapshot_gb_quota`.
    pub snapshots_are_free: bool,
    /// `reservation_expire`.
    pub reservation_expire: Duration,
    /// Whether nobody but this program makes volumes here, as on the bus of one machine: then those that no quota counts
    /// are told, too. Elsewhere these are what services make for themselves.
    pub is_alone: bool,
    /// `message_ttl`: how long what users are told is kept.
    pub message_ttl: Duration,
    /// `report_discard_supported`: whether those who connect a volume are told that it takes discards.
    pub reports_discard: bool,
    /// `disk_geometry`: the sizes of blocks that those who connect a volume are told.
    pub block_sizes: Option<BlockSizes>,
    /// How long calls of the driver may take.
    pub deadlines: Deadlines,
}

/// After how long a driver that looks gives up, and one that does not is taken for one that hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Of what somebody waits for.
    pub calls: Duration,
    /// Of the usual work.
    pub work: Duration,
    /// Of what copies.
    pub bulk: Duration,
    /// Of looks.
    pub watch: Duration,
}

impl Deadlines {
    /// That of a lane.
    #[must_use]
    pub const fn of(&self, lane: Lane) -> Duration {
        match lane {
            Lane::Calls => self.calls,
            Lane::Work => self.work,
            Lane::Bulk => self.bulk,
            Lane::Watch => self.watch,
        }
    }
}

/// Sizes of blocks in bytes, as texts, which is what Nova expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSizes {
    /// Of a block of the medium.
    pub physical: &'static str,
    /// Of the least that is read or written.
    pub logical: &'static str,
}

impl BlockSizes {
    /// By their names in `disk_geometry` (`spec/manager.md` §6.1).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (physical, logical) = match name {
            "512" => ("512", "512"),
            "512e" => ("4096", "512"),
            "4k" => ("4096", "4096"),
            _ => return None,
        };
        Some(Self { physical, logical })
    }
}

/// What stands behind a manager.
#[derive(Clone)]
pub struct Surroundings {
    /// Rows.
    pub pool: Pool,
    /// The storage.
    pub driver: Arc<dyn Driver>,
    /// Whether the driver is ready.
    pub ready: Arc<AtomicBool>,
    /// Names that one operation at a time may use.
    pub locks: Locks,
    /// Files of operations; none without a directory that can be written.
    pub records: Option<Records>,
    /// Where an operation goes that another back end has to do; none without schedulers.
    pub scheduler: Option<Arc<dyn Scheduler>>,
    /// Who is told what happens, to count and bill it; nobody costs nothing.
    pub notifier: Option<Arc<dyn Notifier>>,
    /// Called when there is more room than schedulers know; it must not wait.
    pub freed: Arc<dyn Fn() + Send + Sync>,
}

/// Chooses another back end.
pub trait Scheduler: Send + Sync {
    /// Sends a create back, on behalf of whoever asked.
    ///
    /// # Errors
    ///
    /// Why it could not be sent.
    fn create_volume(&self, context: &RequestContext, wanted: &PlaceVolume) -> Result<(), String>;
}

/// Carries out the operations of one back end.
pub struct Manager {
    pub(crate) options: Options,
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) records: Option<Records>,
    pub(crate) scheduler: Option<Arc<dyn Scheduler>>,
    pub(crate) notifier: Option<Arc<dyn Notifier>>,
    pub(crate) freed: Arc<dyn Fn() + Send + Sync>,
    pub(crate) allocated: Allocated,
    pub(crate) busy: Busy,
    /// When this process began: older entries of this service are another process's.
    pub(crate) began: Timestamp,
    /// The uuid of the service's row, once it is known.
    pub(crate) service_uuid: OnceLock<ServiceUuid>,
    pool: Pool,
    ready: Arc<AtomicBool>,
    locks: Locks,
    stopping: AtomicBool,
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Manager {
    /// A manager of a back end, which serves as soon as its driver is ready.
    #[must_use]
    pub fn new(options: Options, surroundings: Surroundings) -> Self {
        let Surroundings { pool, driver, ready, locks, records, scheduler, notifier, freed } =
            surroundings;
        Self {
            allocated: Allocated::default(),
            busy: Busy::default(),
            began: Timestamp::now(),
            options,
            driver,
            records,
            scheduler,
            notifier,
            service_uuid: OnceLock::new(),
            freed,
            pool,
            ready,
            locks,
            stopping: AtomicBool::new(false),
        }
    }

    /// Nothing new waits any more for what is not certain to come.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn connection(&self) -> Result<PooledConnection, Failure> {
        Ok(self.pool.get()?)
    }

    /// Writes the end of an operation, for as long as it takes to have a database again: what storage has done must not
    /// be forgotten because a server is restarted just now.
    pub(crate) fn patiently<T>(
        &self,
        mut write: impl FnMut(&mut cinder_db::Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut is_said = false;
        loop {
            let away = match self.pool.get() {
                Ok(mut connection) => match write(&mut connection) {
                    Err(failure) if failure.is_unavailable => failure,
                    known => return known,
                },
                Err(error) => error.into(),
            };
            if self.is_stopping() {
                return Err(away); // the next start finds entry or record
            }
            if !is_said {
                warn!(target: LOG, "The end of an operation cannot be written yet: {away}");
                is_said = true;
            }
            std::thread::sleep(DATABASE_PAUSE);
        }
    }

    /// What to do with an operation that storage has done and the database will not have: it fails, because its row
    /// would be on its way for ever. `Err` where the database is away: then the next start finds entry or record.
    pub(crate) fn not_written(&self, what: &str, failure: Failure) -> Result<Failure, Failure> {
        if failure.is_unavailable {
            return Err(failure);
        }
        let driver = self.driver.about().name;
        error!(target: LOG, "What the driver {driver} says of {what} cannot be written: {failure}");
        Ok(failure)
    }

    /// The driver, if it is ready.
    pub(crate) fn ready_driver(&self) -> Result<&dyn Driver, Failure> {
        if self.ready.load(Ordering::Acquire) {
            Ok(&*self.driver)
        } else {
            Err(Failure::not_initialized())
        }
    }

    /// Takes the locks of these names.
    pub(crate) fn lock(&self, names: &[&str]) -> Result<Held, Failure> {
        Ok(self.locks.take(names, LOCK_LIMIT, &|| !self.is_stopping())?)
    }

    /// What a driver gets beside its arguments: from now on it has the time of that call's lane.
    pub(crate) fn context(&self, call: Call, request: &RequestContext) -> OpContext {
        let time = self.options.deadlines.of(self.driver.lane(call, None));
        let locks = Arc::new(self.locks.clone());
        OpContext::new(request.request_id.clone()).locking(locks).within(time)
    }

    /// Begins to work on a resource for a message; nothing if somebody is at it already, who then does what this
    /// message wants: it has come again.
    pub(crate) fn begin(&self, id: &str, course: &mut dyn Course) -> Option<AtWork> {
        let begun = self.busy.begin(id);
        if begun.is_none() {
            warn!(target: LOG, "{id} is being worked on already; what has come again is dropped");
            course.recorded();
        }
        begun
    }

    /// Whether a resource at that host is ours: the same back end, whatever the pool.
    pub(crate) fn is_ours(&self, service: Option<&str>) -> bool {
        let Some(name) = service else { return false };
        let back_end = |name: &str| {
            let parts = HostParts::parse(name);
            (parts.host.to_owned(), parts.backend.map(str::to_owned))
        };
        let ours = self.options.cluster.as_ref().map(ClusterName::as_str);
        back_end(name) == back_end(self.options.host.as_str())
            || ours.is_some_and(|ours| back_end(name) == back_end(ours))
    }

    /// Does something with the driver to its end: an answer that leaves open what has become of it is
    /// followed by questions until that is known.
    ///
    /// # Errors
    ///
    /// The driver's; nothing of the operation is there then, as far as the driver knows. One that
    /// [needs settling](DriverError::needs_settling) when nobody could say in time.
    pub(crate) fn drive<T>(
        &self,
        operation: impl FnOnce() -> RecordedOp,
        context: &OpContext,
        course: &mut dyn Course,
        call: impl FnOnce(&dyn Driver) -> Result<T, DriverError>,
        answer: impl FnOnce(Update) -> T,
    ) -> Result<T, DriverError> {
        let driver = &*self.driver;
        course.step("driver");
        // A panic fails this operation and no other; what it has left is asked for like anything else.
        let called = std::panic::AssertUnwindSafe(|| call(driver));
        let called = std::panic::catch_unwind(called).unwrap_or_else(|_| {
            Err(DriverError::Unknown {
                reason: format!("the driver {} panicked", driver.about().name),
                again: Again::After(SETTLE_PAUSE),
                source: None,
            })
        });
        let error = match called {
            Err(error) if error.needs_settling() => error,
            known => return known,
        };
        let operation = operation();
        let what = operation.operation.call().as_str();
        warn!(target: LOG, "{what}: {}; asking the driver", cinder_db::chain(&error));
        course.step("settle");
        match self.settle(&operation, context) {
            Ok(Some(Settled::Done(update))) => {
                info!(target: LOG, "{what} has been done");
                Ok(answer(update))
            }
            Ok(Some(_)) => Err(error_of_undone(error)),
            Ok(None) => Err(error),
            Err(later) => Err(later),
        }
    }

    /// Asks what has become of an operation until that is known; `None` when it cannot be known in time.
    pub(crate) fn settle(
        &self,
        operation: &RecordedOp,
        context: &OpContext,
    ) -> Result<Option<Settled>, DriverError> {
        let end = Instant::now() + SETTLE_LIMIT;
        loop {
            // The operation's own time may be over, which is why it is asked.
            let anew = Limit::new(None, context.flag().clone()).within(SETTLE_LIMIT);
            let context = context.clone().limited(anew);
            let ask = std::panic::AssertUnwindSafe(|| self.driver.settle(operation, &context));
            let settled = std::panic::catch_unwind(ask)
                .unwrap_or_else(|_| Err(DriverError::bug("it panicked when it was asked")));
            let pause = match settled {
                Ok(Settled::Later { reason, again }) => {
                    warn!(target: LOG, "Not known yet what has become of it: {reason}");
                    match again {
                        Again::After(pause) => pause,
                        Again::Compute { at_latest, .. } => at_latest,
                    }
                }
                Ok(known) => return Ok(Some(known)),
                Err(failed) => {
                    error!(
                        target: LOG,
                        "The driver cannot say what has become of an operation: {}",
                        cinder_db::chain(&failed)
                    );
                    if matches!(failed, DriverError::Bug { .. }) {
                        return Ok(None); // it would say so for ever
                    }
                    Duration::from_secs(1)
                }
            };
            if Instant::now() >= end || self.is_stopping() {
                return Ok(None);
            }
            std::thread::sleep(pause.max(SETTLE_PAUSE).min(end - Instant::now()));
        }
    }
}

/// What was not done after all: as a failure that needs no more questions.
fn error_of_undone(error: DriverError) -> DriverError {
    match error {
        DriverError::Unknown { reason, source, .. } => DriverError::BackendDown { reason, source },
        DriverError::Cancelled(why) => {
            DriverError::BackendDown { reason: format!("given up: {why}"), source: None }
        }
        known => known,
    }
}
