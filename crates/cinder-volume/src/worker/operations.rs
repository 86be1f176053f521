//! The operations of a back end: its driver, its manager, and how both are joined to the bus.
//!
//! Everything here is made in the worker. Must not: know which methods there are, or what an operation does.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cinder_db::Pool;
use cinder_driver::{About, CancelFlag, Driver, DriverError, Lane, OpContext, Reconfigured};
use cinder_driver_local::{LocalDriver, LocalOptions};
use cinder_manager::locks::Locks;
use cinder_manager::records::Records;
use cinder_manager::{BlockSizes, Course, Manager, Options, Surroundings};
use cinder_objects::{Method, PlaceVolume};
use cinder_types::{ApiVersion, RequestContext, ServiceHost, ServiceId};
use oslo_launcher::RunningOperation;
use oslo_messaging::{Client, Context, Destination, Incoming, Outcome, Request, returned};
use serde_json::{Map, Value};
use tracing::info;

use super::bus::{self, CapabilitySource, exception, fresh_request_id, message_time};
use super::driver::{Ready, SetUp};
use super::notifying::Notifying;
use super::pins::{CapError, Peer, Pins};

/// A back end whose driver this program has.
#[derive(Debug, Clone)]
pub(crate) struct OperationsPlan {
    pub driver: DriverPlan,
    /// `host@backend`.
    pub host: ServiceHost,
    /// The pool of volumes whose host names none.
    pub pool: String,
    pub volume_name_template: String,
    pub snapshot_name_template: String,
    /// `[supervisor] resume_operations`.
    pub resume: bool,
    /// `service_down_time`.
    pub service_down_time: Duration,
    /// `no_snapshot_gb_quota`.
    pub snapshots_are_free: bool,
    /// `reservation_expire`.
    pub reservation_expire: Duration,
    /// `message_ttl`.
    pub message_ttl: Duration,
    /// `report_discard_supported`.
    pub reports_discard: bool,
    /// `disk_geometry`.
    pub block_sizes: Option<BlockSizes>,
    /// The directory of `[coordination] backend_url`.
    pub locks: PathBuf,
    /// Where operations are recorded.
    pub records: PathBuf,
}

impl OperationsPlan {
    /// Beside the operations of all back ends.
    #[cfg(feature = "failpoints")]
    fn fail_points(&self) -> PathBuf {
        self.records.parent().map_or_else(PathBuf::new, |all| all.with_file_name("fail-points"))
    }
}

/// A driver before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DriverPlan {
    Local(LocalOptions),
}

impl DriverPlan {
    /// Makes it; it is not connected yet.
    pub(super) fn make(&self) -> Arc<dyn Driver> {
        match self {
            Self::Local(options) => Arc::new(LocalDriver::new(options.clone())),
        }
    }

    /// Tells a driver that was made by an earlier one of these what is new.
    pub(super) fn reconfigure(&self, driver: &dyn Driver) -> Result<Reconfigured, DriverError> {
        match self {
            Self::Local(options) => driver.reconfigure(options),
        }
    }
}

/// What reads a driver's options as they are now, after a HUP.
#[derive(Clone)]
pub(crate) struct DriverNow(Arc<dyn Fn() -> Result<DriverPlan, String> + Send + Sync>);

impl DriverNow {
    /// `read` fails with what operators are told.
    pub(crate) fn new(
        read: impl Fn() -> Result<DriverPlan, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(read))
    }

    pub(super) fn read(&self) -> Result<DriverPlan, String> {
        (self.0)()
    }
}

impl std::fmt::Debug for DriverNow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DriverNow")
    }
}

/// Makes a driver ready, and what has to be known before it is used.
pub(super) struct Connect {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) operations: Operations,
}

impl SetUp for Connect {
    fn attempt(&mut self) -> Result<(), String> {
        let context = OpContext::new(fresh_request_id());
        let About { name, version, .. } = self.driver.about();
        info!(target: LOG, "Starting volume driver {name} ({version})");
        self.operations.manager.prepare().map_err(|failure| failure.to_string())?;
        self.driver.connect(&context).map_err(|error| cinder_db::chain(&error))?;
        info!(target: LOG, "Driver initialization completed successfully.");
        Ok(())
    }
}

/// The operations of one worker.
#[derive(Clone)]
pub(super) struct Operations {
    pub(super) manager: Arc<Manager>,
    pub(super) driver: Arc<dyn Driver>,
    schedulers: Option<Arc<Schedulers>>,
    pub(super) service_down_time: Duration,
    /// Raised when a stop comes, for what need not be finished.
    pub(super) stopping: CancelFlag,
}

/// Who else hears of operations.
pub(super) struct Others<'a> {
    /// Who takes back what another back end has to do.
    pub(super) schedulers: Option<(Destination, Pins)>,
    /// Who counts and bills.
    pub(super) notifying: Option<&'a Notifying>,
}

/// The way to schedulers, which is there as soon as the bus is open.
struct Schedulers {
    to: Destination,
    /// What they understand.
    pins: Pins,
    client: OnceLock<Client>,
}

impl cinder_manager::Scheduler for Schedulers {
    fn create_volume(&self, context: &RequestContext, wanted: &PlaceVolume) -> Result<(), String> {
        let client = self.client.get().ok_or("the bus is not open yet")?;
        let send = || -> Result<(), CapError> {
            let cap = self.pins.towards(Peer::Scheduler)?;
            let version = cap.choose(PLACED_AS, PLACED_AS)?.to_string();
            let mut args = wanted.encode(cap.objects()?);
            if !cap.can_send(KNOWS_BACKUPS)
                && let Some(args) = args.as_object_mut()
            {
                args.remove("backup_id");
            }
            let context = Context::new(context.forward());
            let request = Request::new(PlaceVolume::NAME, &version, &args, context)?;
            Ok(client.cast(&self.to, request)?)
        };
        send().map_err(|error| cinder_db::chain(&error))
    }
}

/// The version that [`PlaceVolume`] is sent as, and the one whose schedulers know of `backup_id` in it.
const PLACED_AS: ApiVersion = ApiVersion { major: 3, minor: 0 };
const KNOWS_BACKUPS: ApiVersion = ApiVersion { major: 3, minor: 10 };

impl Operations {
    /// Joins rows, storage and locks.
    pub(super) fn new(
        plan: &OperationsPlan,
        service: ServiceId,
        driver: Arc<dyn Driver>,
        pool: &Pool,
        ready: &Ready,
        others: Others<'_>,
        freed: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        // Where a test says at which step something is to happen; no release has this.
        #[cfg(feature = "failpoints")]
        cinder_driver::fail::follow(plan.fail_points());
        let options = Options {
            host: plan.host.clone(),
            cluster: None,
            service,
            volume_name_template: plan.volume_name_template.clone(),
            snapshot_name_template: plan.snapshot_name_template.clone(),
            default_pool: plan.pool.clone(),
            resume: plan.resume,
            snapshots_are_free: plan.snapshots_are_free,
            reservation_expire: plan.reservation_expire,
            message_ttl: plan.message_ttl,
            is_alone: others.notifying.is_some_and(|notifying| notifying.is_alone),
            reports_discard: plan.reports_discard,
            block_sizes: plan.block_sizes,
            deadlines: super::DEADLINES,
        };
        let Others { schedulers, notifying } = others;
        let schedulers =
            schedulers.map(|(to, pins)| Arc::new(Schedulers { to, pins, client: OnceLock::new() }));
        let surroundings = Surroundings {
            pool: pool.clone(),
            driver: Arc::clone(&driver),
            ready: ready.flag(),
            locks: Locks::below(plan.locks.clone()),
            records: Some(Records::below(plan.records.clone())),
            scheduler: schedulers.clone().map(|one| one as Arc<dyn cinder_manager::Scheduler>),
            notifier: notifying.map(Notifying::seam),
            freed: Arc::new(freed),
        };
        Self {
            manager: Arc::new(Manager::new(options, surroundings)),
            driver,
            schedulers,
            service_down_time: plan.service_down_time,
            stopping: CancelFlag::default(),
        }
    }

    /// Nothing waits any longer for what may never come.
    pub(super) fn stop(&self) {
        self.manager.stop();
        self.stopping.cancel();
    }
}

/// What the log knows all this as.
pub(super) const LOG: &str = "cinder.volume.manager";
/// A context of nobody in particular, for what a service does by itself.
pub(super) fn own_context() -> RequestContext {
    RequestContext::own(fresh_request_id(), message_time()).elevated()
}

/// An operation as the scoreboard and its message see it go.
pub(super) struct Shown<'a> {
    pub(super) operation: &'a mut RunningOperation,
    pub(super) incoming: Option<&'a mut Incoming>,
}

impl Course for Shown<'_> {
    fn recorded(&mut self) {
        if let Some(incoming) = &mut self.incoming {
            incoming.recorded();
        }
    }

    fn about(&mut self, resource: &str) {
        self.operation.about(resource);
    }

    fn step(&mut self, step: &'static str) {
        self.operation.step(step);
    }
}

impl bus::Manager for Operations {
    fn opened(&self, client: Client) {
        if let Some(schedulers) = &self.schedulers {
            // There is one bus in the life of a worker.
            drop(schedulers.client.set(client));
        }
    }

    fn carry_out(
        &self,
        method: Method,
        context: &RequestContext,
        incoming: &mut Incoming,
        operation: &mut RunningOperation,
    ) -> Outcome {
        let arguments = incoming.request.args.get().to_owned();
        let mut shown = Shown { operation, incoming: Some(incoming) };
        match self.manager.carry_out(method, &arguments, context, &mut shown) {
            Ok(result) => returned(&result),
            Err(failure) => Err(exception(failure).into()),
        }
    }

    fn abandon(&self, id: &str, context: &RequestContext) -> Outcome {
        match self.manager.abandon(id, context) {
            Ok(result) => returned(&result),
            Err(failure) => Err(exception(failure).into()),
        }
    }

    fn orphans(&self, context: &RequestContext) -> Outcome {
        match self.manager.orphans(context) {
            Ok(result) => returned(&result),
            Err(failure) => Err(exception(failure).into()),
        }
    }

    fn lane(&self, method: Method, arguments: &str) -> usize {
        match self.manager.lane(method, arguments) {
            Lane::Calls => 0,
            Lane::Work => 1,
            Lane::Bulk => 2,
            Lane::Watch => 3,
        }
    }
}

impl CapabilitySource for Operations {
    fn capabilities(&self) -> Result<Map<String, Value>, String> {
        self.manager.capabilities(&own_context()).map_err(|failure| failure.to_string())
    }
}
