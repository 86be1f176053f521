//! Request contexts: the ids that a span carries for all lines written inside it.
//!
//! Must not print a token: the value of `auth_token` is replaced when it is recorded.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Metadata, Subscriber, span};
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

use crate::event::python_bool;

/// Index into [`CONTEXT_KEYS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContextKey(u8);

/// Logging values of a request context (spec/logging.md §4), also names of span fields.
const CONTEXT_KEYS: &[&str] = &[
    "request_id",
    "global_request_id",
    "resource_uuid",
    "user",
    "project",
    "domain",
    "system_scope",
    "user_domain",
    "project_domain",
    "user_name",
    "project_name",
    "domain_name",
    "user_domain_name",
    "project_domain_name",
    "user_id",
    "project_id",
    "domain_id",
    "is_admin",
    "is_admin_project",
    "read_only",
    "read_deleted",
    "show_deleted",
    "roles",
    "remote_address",
    "timestamp",
    "quota_class",
    "service_catalog",
    "message_resource_id",
    "message_resource_type",
    "message_action",
    "auth_token",
];

impl ContextKey {
    pub(crate) const REQUEST_ID: Self = Self(0);
    pub(crate) const RESOURCE_UUID: Self = Self(2);
    pub(crate) const PROJECT: Self = Self(4);

    pub(crate) fn named(name: &str) -> Option<Self> {
        let index = CONTEXT_KEYS.iter().position(|known| *known == name)?;
        u8::try_from(index).ok().map(Self)
    }

    pub(crate) fn name(self) -> &'static str {
        CONTEXT_KEYS[usize::from(self.0)]
    }

    pub(crate) fn is_secret(self) -> bool {
        self.name() == "auth_token"
    }
}

/// Whether a span's fields make it a request context.
pub(crate) fn is_context(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.fields().field("request_id").is_some()
}

/// The context values of one span, kept in the span's extensions.
#[derive(Debug, Default)]
pub(crate) struct SpanContext {
    values: Vec<(ContextKey, String)>,
}

impl SpanContext {
    pub(crate) fn get(&self, key: ContextKey) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        let Some(key) = ContextKey::named(name) else { return };
        self.values.retain(|(known, _)| *known != key);
        let value = if key.is_secret() { "***".to_owned() } else { value.into() };
        self.values.push((key, value));
    }
}

impl Visit for SpanContext {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), python_bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if ContextKey::named(field.name()).is_some() {
            self.set(field.name(), format!("{value:?}"));
        }
    }
}

/// Remembers the values of a new context span.
pub(crate) fn remember<S>(
    attributes: &span::Attributes<'_>,
    id: &span::Id,
    ctx: &layer::Context<'_, S>,
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if !is_context(attributes.metadata()) {
        return;
    }
    let Some(span) = ctx.span(id) else { return };
    let mut values = SpanContext::default();
    attributes.record(&mut values);
    span.extensions_mut().insert(values);
}

/// Takes over values recorded after the span was made.
pub(crate) fn amend<S>(id: &span::Id, record: &span::Record<'_>, ctx: &layer::Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = ctx.span(id) else { return };
    if let Some(values) = span.extensions_mut().get_mut::<SpanContext>() {
        record.record(values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_constants_point_at_their_names() {
        assert_eq!(ContextKey::named("request_id"), Some(ContextKey::REQUEST_ID));
        assert_eq!(ContextKey::named("resource_uuid"), Some(ContextKey::RESOURCE_UUID));
        assert_eq!(ContextKey::named("project"), Some(ContextKey::PROJECT));
        assert_eq!(ContextKey::named("nothing"), None);
    }
}
