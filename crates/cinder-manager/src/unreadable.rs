//! Requests whose arguments cannot be read as a whole: a size that no number holds, an object of tomorrow. The API has
//! given what they are about a transitional status; it gets the one that a failure leads to, its entry goes, and
//! what was reserved is given back. Otherwise it would stay so for ever, and a create would be taken up after a
//! restart as if an empty volume had been wanted.
//!
//! Only ids are looked for, leniently. Must not: touch a row whose status is another one by now, or that is being
//! worked on.

use cinder_db::cas::Swap;
use cinder_db::workers::Kind;
use cinder_db::{quota, snapshots, volumes};
use cinder_objects::Method;
use cinder_types::RequestContext;
use serde_json::Value;
use tracing::{error, info};

use crate::course::Course;
use crate::error::Failure;
use crate::manager::{LOG, Manager};

/// What a method's failure makes of a status.
#[derive(Debug, Clone, Copy)]
struct Fails {
    kind: Kind,
    /// The argument that names it.
    argument: &'static str,
    from: &'static str,
    to: &'static str,
    /// Whether the API announces it in table `workers`.
    has_entry: bool,
}

impl Fails {
    const fn volume(from: &'static str, to: &'static str) -> Self {
        Self { kind: Kind::Volume, argument: "volume", from, to, has_entry: false }
    }

    const fn snapshot(from: &'static str, to: &'static str) -> Self {
        Self { kind: Kind::Snapshot, argument: "snapshot", from, to, has_entry: false }
    }

    const fn announced(self) -> Self {
        Self { has_entry: true, ..self }
    }
}

/// `spec/manager.md` §3 to §6: the status after a failure of each.
fn failures(method: Method) -> Vec<Fails> {
    match method {
        Method::CreateVolume => vec![Fails::volume("creating", "error").announced()],
        Method::DeleteVolume => vec![Fails::volume("deleting", "error_deleting").announced()],
        Method::CreateSnapshot => vec![Fails::snapshot("creating", "error").announced()],
        Method::DeleteSnapshot => vec![Fails::snapshot("deleting", "error_deleting")],
        Method::ExtendVolume | Method::ExtendVolumeCompletion => {
            vec![Fails::volume("extending", "error_extending")]
        }
        Method::RevertToSnapshot => {
            vec![Fails::volume("reverting", "error"), Fails::snapshot("restoring", "available")]
        }
        Method::ManageExisting => vec![Fails::volume("managing", "error_managing")],
        Method::ManageExistingSnapshot => vec![Fails::snapshot("managing", "error")],
        Method::Reimage => vec![Fails::volume("downloading", "error")],
        // The others have none, or one that only their own arguments tell.
        _ => Vec::new(),
    }
}

impl Manager {
    /// Puts right what an unreadable request is about, and hands its failure on.
    pub(crate) fn unreadable(
        &self,
        method: Method,
        arguments: &str,
        failure: Failure,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Failure {
        let failures = failures(method);
        if failures.is_empty() {
            return failure;
        }
        let Ok(arguments) = serde_json::from_str::<Value>(arguments) else { return failure };
        for fails in failures {
            let named = arguments.get(fails.argument).and_then(id_of);
            let Some(id) = named else { continue };
            course.about(id);
            let Some(_at_work) = self.begin(id, course) else { continue };
            if let Err(cause) = self.fail(fails, id, request) {
                error!(
                    target: LOG,
                    "{} cannot be read, and {} {id} keeps its status: {cause}", method.name(), fails.kind
                );
            }
        }
        if let Err(cause) = self.give_back(&arguments) {
            error!(target: LOG, "{} cannot be read, and what it reserved stays so: {cause}", method.name());
        }
        failure
    }

    fn fail(&self, fails: Fails, id: &str, request: &RequestContext) -> Result<(), Failure> {
        let Fails { kind, from, to, has_entry, .. } = fails;
        let mut connection = self.connection()?;
        let failed = match kind {
            Kind::Volume => {
                let status = volumes::columns::STATUS;
                let swap = Swap::<volumes::Row>::of(id).only_if(status.is(from));
                swap.set(status.to(to)).run(&mut connection)?
            }
            Kind::Snapshot => {
                let status = snapshots::columns::STATUS;
                let swap = Swap::<snapshots::Row>::of(id).only_if(status.is(from));
                swap.set(status.to(to)).run(&mut connection)?
            }
        };
        if !failed {
            return Ok(());
        }
        info!(
            target: LOG,
            "{kind} {id} is {to}: request {} cannot be read", request.request_id
        );
        // Not before: a crash in between leaves it for a clean-up, which finds that nothing is to be done.
        if has_entry {
            self.claim(&mut connection, kind, id, from)?.finish(&mut connection, Some(to))?;
        }
        Ok(())
    }

    fn give_back(&self, arguments: &Value) -> Result<(), Failure> {
        let uuids = arguments.get("reservations").and_then(Value::as_array);
        let uuids: Vec<String> = uuids
            .into_iter()
            .flatten()
            .filter_map(|uuid| uuid.as_str().map(str::to_owned))
            .collect();
        if uuids.is_empty() {
            return Ok(());
        }
        Ok(quota::roll_back(&mut *self.connection()?, &uuids)?)
    }
}

/// The id in an object, of whatever version.
fn id_of(object: &Value) -> Option<&str> {
    object.get("versioned_object.data")?.get("id")?.as_str()
}
