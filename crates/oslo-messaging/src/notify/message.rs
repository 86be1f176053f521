//! A notification as bytes: what every copy of it has in common, and what a copy adds.
//!
//! Pure but for ids. Must not: know queues.

use serde_json::{Map, Value, json};

use super::{Format, Notification};
use crate::envelope::VERSION;

/// Keys whose values a log does not show, in lower case: parts of names.
const SECRETS: [&str; 7] =
    ["passw", "token", "secret", "provider_auth", "connection_info", "private_key", "api_key"];

fn fields(notification: &Notification) -> Map<String, Value> {
    let Notification { publisher_id, event_type, priority, payload, timestamp, .. } = notification;
    let fields = json!({
        "message_id": uuid::Uuid::new_v4().to_string(),
        "publisher_id": publisher_id,
        "event_type": event_type,
        "priority": priority.as_str(),
        "payload": payload,
        "timestamp": timestamp,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The message, as all its copies have it.
pub(super) fn text(notification: &Notification) -> String {
    let mut fields = fields(notification);
    if let Some(context) = &notification.context {
        // A token is nobody's business who is only told something.
        let context = context.fields().iter().map(|(key, value)| (key.as_str(), value.clone()));
        let context = context.chain([("auth_token", Value::Null)]);
        fields.extend(context.map(|(key, value)| (format!("_context_{key}"), value)));
    }
    Value::Object(fields).to_string()
}

/// The body of one copy.
pub(super) fn body(text: &str, format: Format) -> Vec<u8> {
    let id = uuid::Uuid::new_v4().simple();
    // An object with keys, so one more goes behind them.
    let open = text.strip_suffix('}').unwrap_or(text);
    let message = format!("{open},\"_unique_id\":\"{id}\"}}");
    match format {
        Format::Bare => message.into_bytes(),
        Format::Enveloped => {
            json!({"oslo.version": VERSION, "oslo.message": message}).to_string().into_bytes()
        }
    }
}

/// As it is logged: without the context, and without what is secret.
pub(super) fn for_log(notification: &Notification) -> String {
    let mut fields = Value::Object(fields(notification));
    mask(&mut fields);
    fields.to_string()
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.to_ascii_lowercase();
                if !value.is_null() && SECRETS.iter().any(|secret| key.contains(secret)) {
                    *value = "***".into();
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::notify::Priority;

    fn notification() -> Notification {
        let fields = json!({"request_id": "req-1", "user_id": "u", "auth_token": "s3cret"});
        let Value::Object(fields) = fields else { unreachable!() };
        Notification {
            publisher_id: "volume.h@b".into(),
            event_type: "volume.attach.start".into(),
            priority: Priority::Info,
            payload: json!({"id": "v", "volume_attachment": [{"volume": {"provider_auth": "p"}}]}),
            timestamp: "2026-01-02 03:04:05.000006".into(),
            context: Some(Context::new(fields)),
        }
    }

    #[test]
    fn both_formats_say_the_same_and_no_two_copies_have_one_id() {
        let text = text(&notification());
        let mut bare: Value = serde_json::from_slice(&body(&text, Format::Bare)).unwrap();
        let enveloped: Value = serde_json::from_slice(&body(&text, Format::Enveloped)).unwrap();
        assert_eq!(enveloped["oslo.version"], "2.0");
        let inner = enveloped["oslo.message"].as_str().unwrap();
        let mut inner: Value = serde_json::from_str(inner).unwrap();
        let ids = [&mut bare, &mut inner].map(|one| one["_unique_id"].take());
        assert_ne!(ids[0], ids[1]);
        assert_eq!(ids[0].as_str().map(str::len), Some(32));
        assert_eq!(bare, inner);
        let id = bare["message_id"].take();
        assert_eq!(id.as_str().map(str::len), Some(36));
        let expected = json!({
            "message_id": null,
            "publisher_id": "volume.h@b",
            "event_type": "volume.attach.start",
            "priority": "INFO",
            "payload": {"id": "v", "volume_attachment": [{"volume": {"provider_auth": "p"}}]},
            "timestamp": "2026-01-02 03:04:05.000006",
            "_context_request_id": "req-1",
            "_context_user_id": "u",
            "_context_auth_token": null,
            "_unique_id": null,
        });
        assert_eq!(bare, expected);
    }

    #[test]
    fn what_nobody_asked_for_has_no_context_at_all() {
        let text = text(&Notification { context: None, ..notification() });
        assert!(!text.contains("_context_"), "{text}");
    }

    #[test]
    fn a_log_shows_no_secret() {
        let text = for_log(&notification());
        assert!(text.contains(r#""provider_auth":"***""#), "{text}");
        assert!(!text.contains("s3cret") && text.contains(r#""id":"v""#), "{text}");
    }
}
