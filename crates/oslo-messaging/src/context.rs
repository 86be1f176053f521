//! On whose behalf a request is made: what its sender said, with the token kept apart.
//!
//! Must not: know what the fields mean; a service makes its own type of them.

use std::fmt;

use serde_json::{Map, Value};

use crate::secret::Secret;

/// The key that holds a secret.
const TOKEN: &str = "auth_token";

/// The fields of a request's context without their prefix.
#[derive(Clone, PartialEq, Default)]
pub struct Context {
    fields: Map<String, Value>,
    token: Option<Secret>,
}

impl Context {
    /// Of fields as they travel; the token is taken out of them.
    #[must_use]
    pub fn new(mut fields: Map<String, Value>) -> Self {
        let token = match fields.remove(TOKEN) {
            Some(Value::String(token)) => Some(Secret::new(token)),
            _ => None,
        };
        Self { fields, token }
    }

    /// All fields but the token.
    #[must_use]
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// The sender's token, for calls of other services.
    #[must_use]
    pub fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// `request_id`, if it is a text.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.fields.get("request_id").and_then(Value::as_str)
    }

    /// All fields as they travel, the token among them.
    pub(crate) fn wire(&self) -> impl Iterator<Item = (&str, Value)> {
        let token = self.token.as_ref().map_or(Value::Null, |token| token.reveal().into());
        let fields = self.fields.iter().map(|(key, value)| (key.as_str(), value.clone()));
        fields.chain(std::iter::once((TOKEN, token)))
    }
}

/// Only what a log may hold.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("request_id", &self.request_id()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_shows_neither_token_nor_catalogue() {
        let fields = serde_json::json!({
            "auth_token": "s3cret", "request_id": "req-1", "service_catalog": [{"url": "http://x"}],
        });
        let Value::Object(fields) = fields else { unreachable!() };
        let context = Context::new(fields);
        assert_eq!(format!("{context:?}"), "Context { request_id: Some(\"req-1\"), .. }");
        assert_eq!(context.token().map(Secret::reveal), Some("s3cret"));
        assert!(context.wire().any(|(key, value)| key == TOKEN && value == "s3cret"));
    }
}
