//! What a caller is told when a method failed: the exception that its side builds again.
//!
//! Must not: know the classes of a service. A caller rebuilds `class(*args, **kwargs)` only if it
//! knows the module, and the class takes these arguments (`spec/rpc.md` §3); a service keeps its
//! classes in a table of its own.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Module of the dispatcher's own exceptions.
const DISPATCHER: &str = "oslo_messaging.rpc.dispatcher";
/// Module of Python's own exceptions.
const BUILTINS: &str = "builtins";

/// An exception of Python, as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Failure {
    /// Name of its class.
    #[serde(default)]
    pub class: String,
    /// Module that the class is in.
    #[serde(default)]
    pub module: String,
    /// Its text.
    #[serde(default)]
    pub message: String,
    /// Lines of its traceback; a compiled program has none.
    #[serde(default, rename = "tb")]
    pub traceback: Vec<String>,
    /// What its constructor was given in order.
    #[serde(default)]
    pub args: Vec<Value>,
    /// What it was given by name; never with a key `message`, which no constructor takes twice.
    #[serde(default)]
    pub kwargs: Map<String, Value>,
}

impl Failure {
    /// An exception whose constructor takes its text.
    #[must_use]
    pub fn new(module: &str, class: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            class: class.to_owned(),
            module: module.to_owned(),
            args: vec![Value::String(message.clone())],
            message,
            ..Self::default()
        }
    }

    /// The same with arguments by name.
    #[must_use]
    pub fn with(mut self, kwargs: Map<String, Value>) -> Self {
        self.kwargs = kwargs;
        self.kwargs.remove("message");
        self
    }

    /// The server knows no such method.
    #[must_use]
    pub fn no_such_method(method: &str) -> Self {
        Self::new(
            DISPATCHER,
            "NoSuchMethod",
            format!("Endpoint does not support RPC method {}", shortened(method)),
        )
    }

    /// The server does not speak that version, or no endpoint answers to that namespace.
    #[must_use]
    pub fn unsupported_version(version: &str, method: &str) -> Self {
        let (version, method) = (shortened(version), shortened(method));
        Self::new(
            DISPATCHER,
            "UnsupportedVersion",
            format!("Endpoint does not support RPC version {version}. Attempted method: {method}"),
        )
    }

    /// Arguments that the method does not take, or a value of a type that it does not.
    #[must_use]
    pub fn type_error(message: impl Into<String>) -> Self {
        Self::new(BUILTINS, "TypeError", message)
    }

    /// A fault of ours: the method ended by a panic.
    #[must_use]
    pub fn runtime_error(message: impl Into<String>) -> Self {
        Self::new(BUILTINS, "RuntimeError", message)
    }

    /// Whether it is the dispatcher's word for this: `NoSuchMethod`, `UnsupportedVersion`.
    #[must_use]
    pub fn is_of_dispatcher(&self, class: &str) -> bool {
        self.module == DISPATCHER && self.class == class
    }
}

/// `class: message`, for a log.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}

/// Names that come from outside and go back into a text: no more than a person would read.
fn shortened(text: &str) -> String {
    /// No method of any service has a longer name.
    const MOST: usize = 100;
    let mut short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_never_has_a_key_message() {
        let mut kwargs = Map::new();
        kwargs.insert("message".into(), "twice".into());
        kwargs.insert("code".into(), 404.into());
        let failure = Failure::new("cinder.exception", "VolumeNotFound", "gone").with(kwargs);
        assert_eq!(failure.kwargs.keys().collect::<Vec<_>>(), ["code"]);
        assert_eq!(failure.args, ["gone"]);
    }

    #[test]
    fn a_long_name_is_cut_where_it_is_quoted() {
        let failure = Failure::no_such_method(&"ü".repeat(100_000));
        assert!(failure.message.len() < 300 && failure.message.ends_with('…'));
    }
}
