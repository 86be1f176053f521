//! The heartbeat of a worker: beats while the driver's slot says that it is ready.
//!
//! It wakes up anyway, so what has to be looked at now and then is looked at in its ticks. Must
//! not: wait for anything that a driver or the pool may hold.

use std::sync::Arc;

use cinder_db::{Connection, Heartbeat, HeartbeatPlan, Pool, Pulse, chain};
use oslo_launcher::WorkerHandle;

use super::bus::Counting;
use super::driver::Ready;
use super::parts::{Condition, Part, Parts};
use crate::logging;
use crate::metrics::{Meters, Metric};

/// Starts it over this connection; `None` without an interval.
///
/// # Errors
///
/// The system's error if it will not start a thread.
pub(super) fn start(
    connection: Connection,
    plan: HeartbeatPlan,
    parts: &Arc<Parts>,
    pool: &Pool,
    messages: &Arc<Counting>,
    driver: Ready,
) -> std::io::Result<Option<Arc<Heartbeat>>> {
    let mut look = looks(parts.worker().clone(), pool.clone(), Arc::clone(messages));
    let ready = move || {
        look();
        driver.is_ready()
    };
    let theirs = Arc::clone(parts);
    let observe = move |pulse: &Pulse<'_>| note(&theirs, pulse);
    // Before there is a thread that may say otherwise.
    let wanted = !plan.interval.is_zero();
    parts.set(Part::Heartbeat, if wanted { Condition::Up } else { Condition::Off });
    let heartbeat = Heartbeat::start_on(connection, plan, ready, observe)?;
    Ok(heartbeat.map(Arc::new))
}

/// What is looked at in every tick.
fn looks(worker: WorkerHandle, pool: Pool, messages: Arc<Counting>) -> impl FnMut() {
    // The parent's lines are not ours.
    let mut dropped = logging::dropped_lines();
    move || {
        // A chance for lines of this worker that still wait, for which nobody has to be woken.
        logging::flush();
        let meters = Meters::of(&worker);
        let before = std::mem::replace(&mut dropped, logging::dropped_lines());
        meters.add(Metric::LogLinesDropped, &[], dropped - before);
        messages.look();
        let state = pool.state();
        meters.set(Metric::PoolOpen, &[], state.open.into());
        meters.set(Metric::PoolLent, &[], state.lent().into());
        meters.set(Metric::PoolWaiting, &[], state.waiting.into());
    }
}

/// Notes what came of a try to beat. One that failed does not keep the worker from serving, but
/// others will soon take it for dead, so it is told at once.
fn note(parts: &Parts, pulse: &Pulse<'_>) {
    let worker = parts.worker();
    let meters = Meters::of(worker);
    meters.took(Metric::HeartbeatDuration, &[], pulse.took);
    match pulse.result {
        Ok(_) => {
            worker.beat();
            meters.add(Metric::Heartbeats, &[], 1);
            parts.set(Part::Heartbeat, Condition::Up);
        }
        Err(error) => {
            meters.add(Metric::HeartbeatFailures, &[], 1);
            meters.add(Metric::DatabaseErrors, &[], 1);
            parts.set(Part::Heartbeat, Condition::Ailing(chain(error)));
        }
    }
}
