//! What a message comes to: the table of methods as something that can be called.
//!
//! Around every method: its context, the span of its request, its place on the scoreboard, and what is
//! counted. What methods do is a [`Manager`]'s business. Must not: know the bus.

use std::sync::Arc;
use std::time::Instant;

use cinder_objects::{KeptUntil, Method};
use cinder_types::RequestContext;
use oslo_launcher::RunningOperation;
use oslo_messaging::{
    Acknowledge, Classes, Client, Dispatcher, Failure, Incoming, Outcome, Version, returned,
};
use tracing::debug;

use super::counting::Counting;
use super::publishing::Publishing;
use super::{levels, request};

/// Everything that callers of Cinder know as an exception.
const CINDER: Classes = Classes::new("cinder.exception", include_str!("exceptions.txt"));

/// What this service's row announces, `cinder_types::RPC_VERSION`.
const VERSION: Version = Version { major: 3, minor: 20 };

/// Carries out what a service is asked for.
pub(in crate::worker) trait Manager: Send + Sync {
    /// The bus is open, and this is what can be sent with. Called before anything is carried out.
    fn opened(&self, client: Client) {
        drop(client);
    }

    /// One call of a method of the table, with arguments of its names.
    ///
    /// It is on the scoreboard as `shown`. `incoming` is told ([`Incoming::recorded`]) when what is wanted stands where it survives this
    /// process, if the table says that the message is kept until then.
    ///
    /// # Errors
    ///
    /// What the caller is told.
    fn carry_out(
        &self,
        method: Method,
        context: &RequestContext,
        incoming: &mut Incoming,
        shown: &mut RunningOperation,
    ) -> Outcome;

    /// Gives up what is left of an operation on a resource.
    ///
    /// # Errors
    ///
    /// Why there is nothing to give up.
    fn abandon(&self, id: &str, context: &RequestContext) -> Outcome {
        let _ = (id, context);
        Err(not_initialized().into())
    }

    /// What is stored without a row, and the other way round.
    ///
    /// # Errors
    ///
    /// The driver cannot say.
    fn orphans(&self, context: &RequestContext) -> Outcome {
        let _ = context;
        Err(not_initialized().into())
    }

    /// In which of the lanes of [`Work`](super::Work) that is done.
    fn lane(&self, method: Method, arguments: &str) -> usize {
        let _ = (method, arguments);
        0
    }
}

/// There is no driver: everything fails as it does while one is not ready.
pub(in crate::worker) struct NoManager;

impl Manager for NoManager {
    fn carry_out(
        &self,
        _: Method,
        _: &RequestContext,
        _: &mut Incoming,
        _: &mut RunningOperation,
    ) -> Outcome {
        Err(not_initialized().into())
    }
}

/// What a server dispatches to.
pub(super) struct Endpoint {
    pub manager: Arc<dyn Manager>,
    pub counting: Arc<Counting>,
    pub publishing: Arc<Publishing>,
}

impl Endpoint {
    /// All methods, as a server dispatches them.
    pub(super) fn dispatcher(self, ping: bool) -> Dispatcher {
        let this = Arc::new(self);
        let served = |method: &Method| {
            let (this, method) = (Arc::clone(&this), *method);
            let for_lane = Arc::clone(&this);
            let run = move |incoming: &mut Incoming| this.serve(method, incoming);
            oslo_messaging::Method::new(method.name(), run)
                .taking(method.required(), method.optional())
                .in_lane(move |incoming| for_lane.manager.lane(method, incoming.request.args.get()))
                .acknowledged(match method.kept_until() {
                    KeptUntil::Taken => Acknowledge::WhenTaken,
                    KeptUntil::Claimed | KeptUntil::Filed => Acknowledge::WhenRecorded,
                })
        };
        let methods = Method::ALL.iter().map(served);
        let dispatcher = Dispatcher::default().with(VERSION, methods);
        if ping { dispatcher.with_ping() } else { dispatcher }
    }

    /// One call of a method, from its context to its result.
    fn serve(&self, method: Method, incoming: &mut Incoming) -> Outcome {
        if method != Method::PublishServiceCapabilities
            && incoming.is_call()
            && self.counting.is_drained()
        {
            return Err(drained().into());
        }
        let begun = Instant::now();
        let request_id = incoming.request.context.request_id().unwrap_or_default();
        let mut shown = self.counting.begin(method.name(), request_id);
        let outcome = request::context(&incoming.request.context).and_then(|context| {
            request::span(&context).in_scope(|| {
                debug!(target: "cinder.rpc", "Carrying out {}", method.name());
                self.carry_out(method, &context, incoming, &mut shown)
            })
        });
        // What only concerns the bus itself is no operation.
        if method != Method::PublishServiceCapabilities {
            let failure = outcome.as_ref().err().map(|failure| failure.class.as_str());
            self.counting.operation_ended(shown, failure);
        }
        self.counting.ended(method.number(), outcome.is_ok(), incoming.is_call(), begun.elapsed());
        outcome
    }

    /// What concerns the bus or the process itself is done here.
    fn carry_out(
        &self,
        method: Method,
        context: &RequestContext,
        incoming: &mut Incoming,
        shown: &mut RunningOperation,
    ) -> Outcome {
        match method {
            Method::PublishServiceCapabilities => {
                self.publishing.ask();
                returned(&())
            }
            Method::SetLogLevels | Method::GetLogLevels => {
                let done = levels::carry_out(method, incoming.request.args.get());
                returned(&done.map_err(exception)?)
            }
            _ => self.manager.carry_out(method, context, incoming, shown),
        }
    }
}

/// A failure of an operation as its caller knows it.
pub(in crate::worker) fn exception(failure: cinder_manager::Failure) -> Failure {
    if failure.module != CINDER.module() {
        return Failure::new(&failure.module, &failure.class, failure.message);
    }
    let parameters = failure.kwargs.into_iter().map(|(name, value)| (name, value.into()));
    CINDER.failure_of(&failure.class, failure.message, parameters)
}

/// Whoever waits for an answer gets this one while the back end is drained.
fn drained() -> Failure {
    let text = "Service is unavailable at this time. The back end was drained by an operator.";
    CINDER.failure_of("ServiceUnavailable", text, [])
}

/// The one answer of a back end whose driver is not ready.
fn not_initialized() -> Failure {
    CINDER.failure_of("DriverNotInitialized", "Volume driver not ready.", [])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_back_end_without_a_driver_says_so_in_an_exception_that_callers_know() {
        let failure = not_initialized();
        assert_eq!(failure.class, "DriverNotInitialized");
        assert_eq!(failure.module, "cinder.exception");
        assert_eq!(failure.kwargs.get("code"), Some(&500.into()));
    }

    #[test]
    fn the_version_that_is_served_is_the_one_that_is_announced() {
        assert_eq!(format!("{}.{}", VERSION.major, VERSION.minor), cinder_types::RPC_VERSION);
    }

    /// One table, two places: `oslo-messaging` has it to try its reader.
    #[test]
    fn the_table_of_exceptions_is_the_one_that_is_tried() {
        let tried = include_str!("../../../../oslo-messaging/tests/data/cinder-exceptions.txt");
        assert_eq!(include_str!("exceptions.txt"), tried);
    }
}
