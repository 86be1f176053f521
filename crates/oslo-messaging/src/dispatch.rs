//! Which method a request means, and what its sender is told if none.
//!
//! Endpoints stand in a table with their version, methods in one with their arguments: what can be
//! called is what is written there. The rules are the original's (`spec/rpc.md` §3, §5). Must not:
//! know what a method does, or where it runs.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::context::Context;
use crate::envelope::keys;
use crate::excerpt::excerpt;
use crate::failure::Failure;
use crate::incoming::Incoming;

/// What a method returns: JSON, or the exception that its caller is told.
pub type Outcome = Result<Box<RawValue>, Box<Failure>>;

/// The outcome of a method that returns this value.
///
/// # Errors
///
/// A `TypeError` for a value that is no JSON.
pub fn returned<T: Serialize + ?Sized>(value: &T) -> Outcome {
    to_raw_value(value).map_err(|error| Box::new(Failure::type_error(error.to_string())))
}

/// When the sender of a message is told that it need not keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledge {
    /// When a thread takes it: nothing is to be done again if the process dies.
    WhenTaken,
    /// When the method calls [`Incoming::recorded`], or has ended.
    WhenRecorded,
}

/// A method that can be called.
#[derive(Clone)]
pub struct Method {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    acknowledge: Acknowledge,
    lane: Choice,
    run: Arc<dyn Fn(&mut Incoming) -> Outcome + Send + Sync>,
}

/// What says in which lane of a [`Pool`](crate::Pool) a request is carried out.
type Choice = Arc<dyn Fn(&Incoming) -> usize + Send + Sync>;

impl Method {
    /// A method without arguments that is acknowledged when it has ended, unless it says so earlier.
    pub fn new(
        name: &'static str,
        run: impl Fn(&mut Incoming) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        let (required, optional, acknowledge) = (&[], &[], Acknowledge::WhenRecorded);
        let (lane, run): (Choice, _) = (Arc::new(|_: &Incoming| 0), Arc::new(run));
        Self { name, required, optional, acknowledge, lane, run }
    }

    /// With these arguments.
    #[must_use]
    pub fn taking(
        mut self,
        required: &'static [&'static str],
        optional: &'static [&'static str],
    ) -> Self {
        (self.required, self.optional) = (required, optional);
        self
    }

    /// Acknowledged at this moment.
    #[must_use]
    pub fn acknowledged(mut self, acknowledge: Acknowledge) -> Self {
        self.acknowledge = acknowledge;
        self
    }

    /// Carried out in the lane that this says, by its number; without it in the first.
    #[must_use]
    pub fn in_lane(mut self, choose: impl Fn(&Incoming) -> usize + Send + Sync + 'static) -> Self {
        self.lane = Arc::new(choose);
        self
    }

    /// What is wrong with arguments, in the words of Python.
    fn check(&self, args: &RawValue) -> Result<(), Box<Failure>> {
        let name = self.name;
        let given = keys(args.get()).map_err(|error| {
            Failure::type_error(format!("{name}() takes arguments by name: {error}"))
        })?;
        let is_known = |key: &str| self.required.contains(&key) || self.optional.contains(&key);
        if let Some(key) = given.iter().find(|key| !is_known(key)) {
            let key = excerpt(key.as_bytes());
            let text = format!("{name}() got an unexpected keyword argument '{key}'");
            return Err(Failure::type_error(text).into());
        }
        match self.required.iter().find(|name| !given.iter().any(|key| key == *name)) {
            None => Ok(()),
            Some(missing) => {
                let text = format!("{name}() missing a required argument: '{missing}'");
                Err(Failure::type_error(text).into())
            }
        }
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A version of an interface. A server of 3.20 answers what was asked in 3.0 to 3.20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Of another one nothing is understood.
    pub major: u32,
    /// Grows with the interface.
    pub minor: u32,
}

impl Version {
    /// Whether a server of this version understands a request of that one. A third number counts
    /// only between equal minor versions, as in the original; ours is 0.
    fn understands(self, asked: &str) -> bool {
        let mut numbers = asked.trim().split('.').map(|one| one.trim().parse::<u32>().ok());
        let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else {
            return false;
        };
        let Some(revision) = numbers.next().unwrap_or(Some(0)) else { return false };
        major == self.major && (minor < self.minor || minor == self.minor && revision == 0)
    }
}

/// What can be called on a server.
#[derive(Debug, Default)]
pub struct Dispatcher {
    endpoints: Vec<(Version, BTreeMap<&'static str, Method>)>,
}

/// The method that answers whether somebody is there.
const PING: &str = "oslo_rpc_server_ping";

impl Dispatcher {
    /// Methods of one version of an interface.
    #[must_use]
    pub fn with(mut self, version: Version, methods: impl IntoIterator<Item = Method>) -> Self {
        let methods = methods.into_iter().map(|method| (method.name, method)).collect();
        self.endpoints.push((version, methods));
        self
    }

    /// And the original's `rpc_ping_enabled`: whoever asks is answered `pong`.
    #[must_use]
    pub fn with_ping(self) -> Self {
        let ping = Method::new(PING, |_| returned("pong")).acknowledged(Acknowledge::WhenTaken);
        self.with(Version { major: 1, minor: 0 }, [ping])
    }

    /// Finds out what a request wants; one that nobody here can carry out is answered.
    pub fn admit(&self, mut incoming: Incoming) -> Option<Admitted> {
        match self.find(&incoming) {
            Ok(method) => {
                if method.acknowledge == Acknowledge::WhenTaken {
                    incoming.recorded();
                }
                Some(Admitted { method: method.clone(), incoming })
            }
            Err(failure) => {
                let span = span(&incoming.request.context);
                let _within = span.enter();
                tracing::warn!(
                    target: "oslo_messaging.server",
                    "A request is refused: {}", excerpt(failure.to_string().as_bytes())
                );
                incoming.answer(Err(failure));
                None
            }
        }
    }

    fn find(&self, incoming: &Incoming) -> Result<&Method, Box<Failure>> {
        let request = &incoming.request;
        let unsupported =
            || Box::new(Failure::unsupported_version(&request.version, &request.method));
        if request.has_namespace {
            return Err(unsupported());
        }
        let mut understood = false;
        for (version, methods) in &self.endpoints {
            if !version.understands(&request.version) {
                continue;
            }
            understood = true;
            if let Some(method) = methods.get(request.method.as_str()) {
                return method.check(&request.args).map(|()| method);
            }
        }
        if !understood {
            return Err(unsupported());
        }
        Err(Failure::no_such_method(&request.method).into())
    }
}

/// What names the request in lines about it. At ERROR, so that no level takes it away.
fn span(context: &Context) -> tracing::Span {
    let request_id = context.request_id().map(|id| excerpt(id.as_bytes()));
    tracing::error_span!(target: "oslo_messaging.server", "rpc", request_id)
}

/// A request whose method is known.
#[derive(Debug)]
pub struct Admitted {
    method: Method,
    incoming: Incoming,
}

impl Admitted {
    /// Name of its method.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method.name
    }

    /// Where it is to be carried out.
    pub(crate) fn lane(&self) -> usize {
        // Who cannot say has no wish; what goes wrong goes wrong again where it is carried out.
        catch_unwind(AssertUnwindSafe(|| (self.method.lane)(&self.incoming))).unwrap_or(0)
    }

    /// On whose behalf.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.incoming.request.context
    }

    /// The request.
    #[must_use]
    pub fn incoming(&self) -> &Incoming {
        &self.incoming
    }

    /// Runs the method on this thread and answers. A method that panics has failed; it is not tried
    /// again.
    pub fn run(mut self) {
        // Whatever is said about it names the request.
        let span = span(self.context());
        let _within = span.enter();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.method.run)(&mut self.incoming)));
        let outcome = outcome.unwrap_or_else(|_| {
            // What happened has been said by the panic's hook.
            tracing::error!(target: "oslo_messaging.server", "{} panicked", self.method.name);
            Err(Failure::runtime_error(format!("{} panicked", self.method.name)).into())
        });
        if let Err(failure) = &outcome
            && !self.incoming.is_call()
        {
            // Nobody else will hear of it.
            let failure = excerpt(failure.to_string().as_bytes());
            tracing::error!(target: "oslo_messaging.server", "{} failed: {failure}", self.method.name);
        }
        self.incoming.answer(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_understands_its_own_and_older_minor_versions() {
        let ours = Version { major: 3, minor: 20 };
        for (asked, understood) in [
            ("3.0", true),
            ("3.20", true),
            ("3.20.0", true),
            ("3.20.5", false),
            ("3.5.9", true),
            ("3.21", false),
            ("2.0", false),
            ("4.0", false),
            ("3", false),
            ("", false),
            ("3.x", false),
            ("3.5.x", false),
            ("-3.0", false),
            ("99999999999.0", false),
        ] {
            assert_eq!(ours.understands(asked), understood, "{asked}");
        }
    }

    #[test]
    fn arguments_are_those_of_the_table() {
        let method = Method::new("extend", |_| returned(&())).taking(&["volume", "size"], &["why"]);
        let text = |args: &str| {
            let args = RawValue::from_string(args.to_owned()).expect("JSON");
            method.check(&args).err().map(|failure| format!("{}", failure))
        };
        assert_eq!(text(r#"{"volume": 1, "size": 2}"#), None);
        assert_eq!(text(r#"{"volume": 1, "size": 2, "why": null}"#), None);
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        assert_eq!(text(&format!(r#"{{"volume": {deep}, "size": 2}}"#)), None);
        for (args, said) in [
            (r#"{"volume": 1}"#, "TypeError: extend() missing a required argument: 'size'"),
            (
                r#"{"volume": 1, "size": 2, "x\n": 3}"#,
                "TypeError: extend() got an unexpected keyword argument 'x\\n'",
            ),
        ] {
            assert_eq!(text(args).as_deref(), Some(said));
        }
        for args in ["null", "[1, 2]", "7", r#""x""#] {
            let said = text(args).expect("refused");
            assert!(said.starts_with("TypeError: extend() takes arguments by name"), "{said}");
        }
    }
}
