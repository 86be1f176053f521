//! What a back end does by itself once its driver is ready, beside everything else and for as long as it lives.
//!
//! Order: when the bus has been tried the start is complete; what is in use is exported again; what an earlier process
//! has left is taken up; then, again and again, a look for what nobody will finish, and what the driver wants
//! done from time to time. One thread, because none of it is urgent. Must not: be waited for by a request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cinder_driver::{BackgroundTask, CancelFlag, Driver, DriverError, Limit, OpContext};
use cinder_manager::{Course, Failure, Manager, Strays};
use oslo_launcher::{Ending, NOTES, RunningOperation, WorkerHandle};
use tracing::{debug, error};

use super::bus::fresh_request_id;
use super::events::{Events, Told};
use super::operations::{LOG, Operations, Shown, own_context};

/// A wait that is woken by what it waits for.
const A_LONG_TIME: Duration = Duration::from_secs(3600);
/// Between two looks for what nobody will finish.
const BETWEEN_LOOKS: Duration = Duration::from_secs(600);
/// A driver that wants something more often is not asked more often.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// The first place of the notes about it.
const STRAYS_NOTE: usize = 1;

/// Whose upkeep it is.
pub(super) struct Upkeep {
    manager: Arc<Manager>,
    driver: Arc<dyn Driver>,
    /// `service_down_time`.
    down_after: Duration,
    /// Ends what need not be finished.
    stopping: CancelFlag,
}

impl Upkeep {
    /// Of the back end with these operations.
    pub(super) fn of(operations: &Operations) -> Self {
        Self {
            manager: Arc::clone(&operations.manager),
            driver: Arc::clone(&operations.driver),
            down_after: operations.service_down_time,
            stopping: operations.stopping.clone(),
        }
    }

    /// Begins it; the thread ends by itself when a stop is told.
    ///
    /// # Errors
    ///
    /// The system's if there is no thread for it.
    pub(super) fn start(
        self,
        worker: &WorkerHandle,
        events: Arc<Events>,
    ) -> std::io::Result<JoinHandle<()>> {
        let worker = worker.clone();
        std::thread::Builder::new().name("upkeep".into()).spawn(move || {
            if self.begin(&worker, &events) {
                self.go_on(&worker, &events);
            }
        })
    }

    /// What comes once; whether there is more to come.
    fn begin(&self, worker: &WorkerHandle, events: &Events) -> bool {
        let comes = |what: fn(&Told) -> bool| {
            while !events.wait(A_LONG_TIME, |told| what(told) || told.stop) {}
            !events.now().stop
        };
        if !comes(|told| told.driver_ready) || !comes(|told| told.bus_tried) {
            return false;
        }
        // A bus that is away is told elsewhere, and keeps nothing here from being done.
        self.complete();
        self.export_again(worker, events);
        self.take_up(worker, events);
        true
    }

    /// What comes again and again, and may hang with a database or a storage: nobody waits for it.
    fn go_on(&self, worker: &WorkerHandle, events: &Events) {
        let mut strays = Strays::new(self.down_after);
        let mut round = Round::of(self.driver.background());
        while let Some(due) = round.next(events) {
            match due {
                Due::Look => self.look(&mut strays, worker),
                Due::Task(name) => {
                    let limit = Limit::new(None, self.stopping.clone());
                    let context = OpContext::new(fresh_request_id()).limited(limit);
                    shown(worker, name, &context, || self.driver.run_background(name, &context));
                }
            }
        }
    }

    fn complete(&self) {
        if let Err(failure) = self.manager.complete(&own_context()) {
            error!(target: LOG, "The start of the driver cannot be completed: {failure}");
        }
    }

    /// Makes volumes in use reachable, as after each start: one operation for all of them.
    fn export_again(&self, worker: &WorkerHandle, events: &Events) {
        let request = own_context();
        let mut operation = worker.begin_operation("export_again", "-", &request.request_id);
        let shown = Shown { operation: &mut operation, incoming: None };
        let exported = self
            .manager
            .export_again(&request, &mut ExportsAgain { shown, earlier: Earlier(events) });
        match exported {
            Ok((0, _)) => {}
            Ok((_, 0)) => _ = operation.end(Ending::Done, ""),
            Ok((_, failed)) => {
                _ = operation.end(Ending::Failed, &format!("{failed} could not be"));
            }
            Err(failure) => {
                error!(target: LOG, "Volumes in use cannot be exported again: {failure}");
                operation.end(Ending::Failed, &failure.class);
            }
        }
    }

    /// Takes up what an earlier process has left, each as an operation of its own.
    fn take_up(&self, worker: &WorkerHandle, events: &Events) {
        let request = own_context();
        let mut course = TakesUp {
            worker,
            request: &request.request_id,
            earlier: Earlier(events),
            operation: None,
        };
        if let Err(failure) = self.manager.clean_up(&request, &mut course) {
            error!(target: LOG, "What was interrupted cannot be taken up: {failure}");
        }
    }

    /// Looks for what nobody will finish, and notes what it finds for operators.
    fn look(&self, strays: &mut Strays, worker: &WorkerHandle) {
        match strays.look(&self.manager) {
            Ok(lines) => {
                let mut lines = lines.into_iter();
                for place in STRAYS_NOTE..NOTES {
                    worker.note(place, &lines.next().unwrap_or_default());
                }
            }
            Err(failure) => debug!(target: LOG, "Not looked for what is left: {failure}"),
        }
    }
}

/// Work of an earlier process, which a stop waits for from its first resource on and until this is dropped, also by a
/// panic, which has been logged. A look that finds nothing is nothing to wait for.
struct Earlier<'a>(&'a Events);

impl Earlier<'_> {
    fn has_work(&self) {
        self.0.tell(|told| told.takes_up = true);
    }
}

impl Drop for Earlier<'_> {
    fn drop(&mut self) {
        self.0.tell(|told| told.takes_up = false);
    }
}

/// Exports, shown as one operation.
struct ExportsAgain<'a> {
    shown: Shown<'a>,
    earlier: Earlier<'a>,
}

impl Course for ExportsAgain<'_> {
    fn recorded(&mut self) {
        self.shown.recorded();
    }

    fn about(&mut self, resource: &str) {
        self.earlier.has_work();
        self.shown.about(resource);
    }

    fn step(&mut self, step: &'static str) {
        self.shown.step(step);
    }
}

/// Operations that were interrupted: operators see each while it runs, and what became of it.
struct TakesUp<'a> {
    worker: &'a WorkerHandle,
    request: &'a str,
    earlier: Earlier<'a>,
    operation: Option<RunningOperation>,
}

impl Course for TakesUp<'_> {
    fn recorded(&mut self) {}

    fn about(&mut self, resource: &str) {
        if let Some(operation) = &mut self.operation {
            operation.about(resource);
        }
    }

    fn step(&mut self, step: &'static str) {
        if let Some(operation) = &mut self.operation {
            operation.step(step);
        }
    }

    fn begins(&mut self, method: &str, resource: &str) {
        self.earlier.has_work();
        self.operation = Some(self.worker.begin_operation(method, resource, self.request));
    }

    fn ended(&mut self, result: Result<(), &Failure>) {
        let Some(operation) = self.operation.take() else { return };
        match result {
            Ok(()) => operation.end(Ending::Done, "taken up after an interruption"),
            Err(failure) => operation.end(Ending::Failed, &failure.class),
        };
    }
}

/// Runs a driver's task where operators see it; one that panics is one that failed.
fn shown(
    worker: &WorkerHandle,
    name: &'static str,
    context: &OpContext,
    task: impl FnOnce() -> Result<(), DriverError>,
) {
    let operation = worker.begin_operation(name, "-", context.request_id());
    let done = catch_unwind(AssertUnwindSafe(task));
    let done = done.unwrap_or_else(|_| Err(DriverError::bug("it panicked")));
    match done {
        Ok(()) => _ = operation.end(Ending::Done, ""),
        Err(failure) => {
            let text = cinder_db::chain(&failure);
            error!(target: LOG, "The driver's task {name} failed, and comes again at its time: {text}");
            operation.end(Ending::Failed, &text);
        }
    }
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    /// A look for what nobody will finish.
    Look,
    /// A task of the driver.
    Task(&'static str),
}

/// What comes again and again, each at its time; all of it at once first.
struct Round(Vec<(Due, Duration, Instant)>);

impl Round {
    fn of(tasks: Vec<BackgroundTask>) -> Self {
        let now = Instant::now();
        let tasks =
            tasks.into_iter().map(|one| (Due::Task(one.name), one.every.max(LEAST_PAUSE), now));
        Self(std::iter::once((Due::Look, BETWEEN_LOOKS, now)).chain(tasks).collect())
    }

    /// Waits for what is due next; nothing when a stop came.
    fn next(&mut self, events: &Events) -> Option<&Due> {
        let next = self.0.iter_mut().min_by_key(|(_, _, due)| *due);
        let (what, every, due) = next?;
        if events.wait(due.saturating_duration_since(Instant::now()), |told| told.stop) {
            return None;
        }
        // From now on, so that what takes long leaves room for the others.
        *due = Instant::now() + *every;
        Some(what)
    }
}

#[cfg(test)]
mod tests {
    use cinder_driver::Lane;
    use oslo_launcher::LoneWorker;

    use super::*;

    #[test]
    fn what_comes_again_has_its_turn_until_a_stop() {
        let task = |name, every| BackgroundTask { name, every, lane: Lane::Watch };
        let tasks = vec![task("often", Duration::ZERO), task("seldom", A_LONG_TIME)];
        let (mut round, events) = (Round::of(tasks), Events::default());
        let begun = Instant::now();
        let first: Vec<_> = (0..3).map(|_| format!("{:?}", round.next(&events))).collect();
        assert_eq!(first, ["Some(Look)", "Some(Task(\"often\"))", "Some(Task(\"seldom\"))"]);
        // All at once, and then each at its time, but none all the time.
        assert_eq!(round.next(&events), Some(&Due::Task("often")));
        assert!(begun.elapsed() >= LEAST_PAUSE);
        events.tell(|told| told.stop = true);
        assert_eq!(round.next(&events), None);
    }

    #[test]
    fn a_task_that_fails_or_panics_is_shown_and_ends_nothing_else() {
        let worker = LoneWorker::new(0).unwrap();
        let context = OpContext::new("req-1");
        shown(worker.handle(), "good", &context, || Ok(()));
        shown(worker.handle(), "bad", &context, || Err(DriverError::bug("no array")));
        shown(worker.handle(), "worse", &context, || panic!("a task that panics"));
        assert!(worker.status().operations.is_empty());
    }
}
