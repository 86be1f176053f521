//! One back end's service: what its worker process does between start and stop.
//!
//! Built in the parent from plain data, so that nothing is open when the worker is forked.
//! Order in [`VolumeService::start`]: wait for the database, read the version pins, start the
//! heartbeat, report up. Must not: know configuration (see `wire.rs`) or processes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cinder_db::{
    Connection, DbError, Heartbeat, HeartbeatPlan, Pool, PoolState, Pulse, chain, minimum_versions,
};
use cinder_types::{BINARY, UPSTREAM_VERSION};
use oslo_launcher::{Service, StartError, WorkerHandle};
use tracing::{debug, info, warn};

use crate::logging;
use crate::tally::{Count, Gauge, Tally, Timer};

/// First pause between two tries to reach the database; doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause: a database that is back should not wait for us.
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// The service of one enabled back end.
#[derive(Debug)]
pub struct VolumeService {
    backend: String,
    volume_driver: String,
    plan: HeartbeatPlan,
    /// Filled in the worker only.
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    worker: WorkerHandle,
    /// For operations; closes its connections when they are idle.
    pool: Pool,
    heartbeat: Option<Heartbeat>,
    /// How the way to the database was protected when this worker first went it.
    way: String,
}

impl VolumeService {
    /// A service whose row has been registered.
    pub fn new(backend: &str, volume_driver: &str, plan: HeartbeatPlan) -> Self {
        Self {
            backend: backend.to_owned(),
            volume_driver: volume_driver.to_owned(),
            plan,
            running: Mutex::new(None),
        }
    }

    /// Pins the versions as soon as the database answers.
    ///
    /// A worker that is replaced while the database is away waits here, visibly down, instead of
    /// dying and being replaced again and again.
    ///
    /// Returns the connection, for the heartbeat to go on with: another one would cost this start
    /// more than all that it asks.
    fn await_pins(&self, worker: &WorkerHandle) -> Result<Connection, StartError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match pin_versions(&self.plan) {
                Ok(connection) => return Ok(connection),
                Err(error) if error.is_unavailable() => error,
                Err(error) => return Err(StartError::failed(error)),
            };
            Tally::of(worker).add(Count::DatabaseErrors, 1);
            worker.down(&format!("database: {}", chain(&error)));
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

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds the oldest version that any volume service speaks, for messages to it.
///
/// Not over the pool's: that would go on trying for as long as `pool_timeout`, and keep the
/// connection for some time after.
fn pin_versions(plan: &HeartbeatPlan) -> Result<Connection, DbError> {
    let mut connection = plan.connect()?;
    if let Some(pins) = minimum_versions(&mut connection, BINARY)? {
        debug!(
            target: "cinder.service",
            "Pinning object versions for RPC server serializer to {}", pins.object
        );
    }
    Ok(connection)
}

/// What is done at every tick of the heartbeat, since it wakes up anyway; answers that the driver,
/// of which there is none yet, is ready.
fn at_every_tick(worker: WorkerHandle, pool: Pool) -> impl FnMut() -> bool {
    // The parent's lines are not ours.
    let mut dropped = logging::dropped_lines();
    move || {
        // A chance for lines of this worker that still wait, for which nobody has to be woken.
        logging::flush();
        let tally = Tally::of(&worker);
        let before = std::mem::replace(&mut dropped, logging::dropped_lines());
        tally.add(Count::LogLinesDropped, dropped - before);
        let state = pool.state();
        tally.set(Gauge::PoolOpen, state.open.into());
        tally.set(Gauge::PoolLent, state.lent().into());
        tally.set(Gauge::PoolWaiting, state.waiting.into());
        true
    }
}

/// Notes what came of a try to beat.
fn note(worker: &WorkerHandle, pulse: &Pulse<'_>) {
    let tally = Tally::of(worker);
    tally.took(Timer::Heartbeat, pulse.took);
    match pulse.result {
        Ok(_) => {
            worker.beat();
            tally.add(Count::Heartbeats, 1);
        }
        Err(_) => {
            tally.add(Count::HeartbeatFailures, 1);
            tally.add(Count::DatabaseErrors, 1);
        }
    }
}

impl Service for VolumeService {
    fn name(&self) -> &str {
        &self.backend
    }

    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
        info!(target: "cinder.service", "Starting {BINARY} node (version {UPSTREAM_VERSION})");
        Tally::of(worker).clear_gauges();
        let mut connection = self.await_pins(worker)?;
        let way = match connection.protection() {
            Ok(way) => way.to_string(),
            Err(error) => format!("cannot tell whether it is encrypted: {}", chain(&error)),
        };
        let pool = Pool::new(self.plan.database.clone());
        info!(
            target: "cinder.volume.manager",
            "No driver is loaded yet for volume_driver = {}: back end {} reports up but runs no \
             operations", self.volume_driver, self.backend
        );
        let beating = worker.clone();
        let driver_ready = at_every_tick(worker.clone(), pool.clone());
        let observe = move |pulse: &Pulse<'_>| note(&beating, pulse);
        let heartbeat = Heartbeat::start_on(connection, self.plan.clone(), driver_ready, observe)
            .map_err(StartError::failed)?;
        *self.running() = Some(Running { worker: worker.clone(), pool, heartbeat, way });
        worker.up();
        Ok(())
    }

    fn stop(&self) {
        // The launcher raises the flag that `wait` waits for.
    }

    fn wait(&self) {
        let Some(worker) = self.running().as_ref().map(|running| running.worker.clone()) else {
            return; // stopped before it had started
        };
        while !worker.wait_for_stop(logging::flush().unwrap_or(Duration::from_secs(3600))) {}
        if let Some(running) = self.running().take() {
            // A beat in progress is finished; a sleeping heartbeat ends at once.
            drop(running.heartbeat);
            drop(running.pool);
        }
    }

    fn report(&self) -> String {
        // Held for moments only, but this must not wait for even one of them.
        let pool = self.running.try_lock().ok().and_then(|all| {
            all.as_ref().map(|running| (running.pool.clone(), running.way.clone()))
        });
        let Some((pool, way)) = pool else { return "not opened yet\n".to_owned() };
        let PoolState { most, open, idle, waiting } = pool.state();
        format!(
            "database: {open} of at most {most} connections open, {idle} of them idle; {waiting} \
             callers wait\nway to the database: {way}\n"
        )
    }

    fn reset(&self) {
        // The parent's copy is not running: it has nothing to forget, and opens no connection that
        // its next worker would inherit (`spec/launcher.md` §12, defect 13).
        if self.running().is_none() {
            return;
        }
        info!(target: "cinder.volume.manager", "Resetting cached RPC version pins.");
        // Nobody uses the pins yet; they are read to be told. On a node with hundreds of back ends
        // as many threads and connections at once cost more than all else of a reload.
        if !tracing::enabled!(target: "cinder.service", tracing::Level::DEBUG) {
            return;
        }
        let plan = self.plan.clone();
        // On a thread of its own: the caller answers signals and must not wait for a database.
        let read = move || {
            if let Err(error) = pin_versions(&plan) {
                warn!(
                    target: "cinder.volume.manager",
                    error = &error as &(dyn std::error::Error + 'static),
                    "Cannot read the version pins again"
                );
            }
        };
        if let Err(error) = std::thread::Builder::new().name("pins".into()).spawn(read) {
            warn!(target: "cinder.volume.manager", "Cannot start a thread to read pins: {error}");
        }
    }
}
