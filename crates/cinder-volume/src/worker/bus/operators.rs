//! What operators ask of a running back end over its bus, besides Cinder's methods: under a version of an interface that
//! Cinder has not. Must not: be needed by anybody but our own commands.

use std::sync::Arc;

use oslo_launcher::Operation;
use oslo_messaging::{Acknowledge, Incoming, Method, Outcome, Version, returned};
use serde::Deserialize;
use serde_json::{Value, json};

use super::counting::Counting;
use super::endpoint::Manager;
use super::request;

/// The version of this interface.
pub(super) const VERSION: Version = Version { major: 100, minor: 0 };
/// The same as a request has it.
pub(crate) const SENT_AS: &str = "100.0";

/// Look whether work is to be taken, and say what runs.
pub(crate) const LOOK: &str = "look_at_drain";
/// Give up an operation that a crash has interrupted.
pub(crate) const ABANDON: &str = "abandon_operation";
/// Say what is stored without a row, and the other way round.
pub(crate) const ORPHANS: &str = "find_orphans";

/// All of them.
pub(super) const ALL: [&str; 3] = [LOOK, ABANDON, ORPHANS];

/// The lane of what only looks.
const WATCH: usize = 3;

#[derive(Deserialize)]
struct Abandon {
    id: String,
}

/// As a server dispatches them.
pub(super) fn methods(manager: &Arc<dyn Manager>, counting: &Arc<Counting>) -> Vec<Method> {
    let counting = Arc::clone(counting);
    let look = move |_: &mut Incoming| -> Outcome {
        let drained = counting.is_drained();
        let running: Vec<Value> = counting.operations().iter().map(told).collect();
        returned(&json!({"drained": drained, "running": running}))
    };
    let abandons = Arc::clone(manager);
    let abandon = move |incoming: &mut Incoming| -> Outcome {
        let context = request::context(&incoming.request.context)?;
        let wanted: Abandon = incoming.arguments()?;
        request::span(&context).in_scope(|| abandons.abandon(&wanted.id, &context))
    };
    let compares = Arc::clone(manager);
    let orphans = move |incoming: &mut Incoming| -> Outcome {
        let context = request::context(&incoming.request.context)?;
        request::span(&context).in_scope(|| compares.orphans(&context))
    };
    let taken = Acknowledge::WhenTaken;
    vec![
        Method::new(LOOK, look).acknowledged(taken),
        Method::new(ABANDON, abandon).taking(&["id"], &[]).acknowledged(taken),
        Method::new(ORPHANS, orphans).in_lane(|_| WATCH).acknowledged(taken),
    ]
}

fn told(one: &Operation) -> Value {
    json!({
        "kind": one.kind,
        "id": one.id,
        "request": one.request,
        "step": one.step,
        "age_seconds": one.age.as_secs_f64(),
    })
}
