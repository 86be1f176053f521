//! On whose behalf a method runs: the context of a message as Cinder's type, and the span around
//! everything that is logged for it.
//!
//! Must not: show the token.

use cinder_types::{RequestContext, Secret};
use oslo_messaging::{Context, Failure};
use tracing::field::Empty;
use tracing::{Span, error_span};

/// The context that came with a message.
///
/// # Errors
///
/// A `TypeError` for a sender that writes what none does.
pub(super) fn context(of: &Context) -> Result<RequestContext, Box<Failure>> {
    let mut context = RequestContext::parse(of.fields(), fresh_id)
        .map_err(|error| Box::new(Failure::type_error(error.to_string())))?;
    // It never was among the fields, so that nothing can print it.
    context.auth_token = of.token().map(|token| Secret::new(token.reveal()));
    Ok(context)
}

/// The number of a request that begins here.
pub(crate) fn fresh_id() -> String {
    format!("req-{}", uuid::Uuid::new_v4())
}

/// The span of a request. At ERROR, so that no level keeps lines within it from naming the request.
pub(super) fn span(context: &RequestContext) -> Span {
    let span = error_span!(
        target: "cinder.rpc",
        "rpc",
        request_id = Empty,
        global_request_id = Empty,
        user = Empty,
        user_id = Empty,
        project = Empty,
        project_id = Empty,
        project_name = Empty,
        domain = Empty,
        domain_id = Empty,
        user_domain = Empty,
        project_domain = Empty,
        is_admin = Empty,
        is_admin_project = Empty,
        read_only = Empty,
        show_deleted = Empty,
        roles = Empty,
        read_deleted = Empty,
        remote_address = Empty,
        timestamp = Empty,
        quota_class = Empty,
        message_resource_id = Empty,
        message_resource_type = Empty,
        message_action = Empty,
        auth_token = Empty,
    );
    for (name, value) in context.span_fields() {
        span.record(name, value.as_str());
    }
    span
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(fields: serde_json::Value) -> Context {
        match fields {
            serde_json::Value::Object(fields) => Context::new(fields),
            _ => panic!("no fields"),
        }
    }

    #[test]
    fn a_message_without_a_request_id_gets_one_and_the_token_comes_along() {
        let context = context(&of(json!({"auth_token": "s3cret", "user_id": "u"}))).unwrap();
        assert!(context.request_id.starts_with("req-"), "{}", context.request_id);
        assert_eq!(context.auth_token.as_ref().map(Secret::reveal), Some("s3cret"));
        assert!(!format!("{context:?}").contains("s3cret"));
    }

    #[test]
    fn a_context_of_another_type_is_the_senders_mistake() {
        let failure = context(&of(json!({"roles": 7}))).unwrap_err();
        assert_eq!(failure.class, "TypeError");
    }

    /// Else a field would be lost without a word.
    #[test]
    fn the_span_has_a_field_for_everything_that_a_context_says() {
        let subscriber = oslo_log_subscriber();
        tracing::subscriber::with_default(subscriber, || {
            let mut context = RequestContext::own("req-1", "2026-01-01T00:00:00");
            context.auth_token = Some(Secret::new("t"));
            for (name, _) in context.span_fields() {
                assert!(span(&context).has_field(name), "{name}");
            }
        });
    }

    fn oslo_log_subscriber() -> impl tracing::Subscriber {
        oslo_log::subscriber(&oslo_log::LogOptions::default()).unwrap().0
    }
}
