//! Request contexts as upstream's services send them.
//!
//! `data/contexts.json` holds contexts that release 29.0.0 sent: its daemon's own, a user's with a
//! token, one that has been through another service, and one with everything set.

#![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use cinder_types::{ReadDeleted, RequestContext, Secret};
use serde_json::{Map, Value, json};

/// The contexts by name, with their keys as they stand in a message.
fn sent() -> Map<String, Value> {
    let text = include_str!("data/contexts.json");
    serde_json::from_str(text).unwrap()
}

fn parse(context: &Value) -> RequestContext {
    let fresh = || panic!("it has a request id");
    RequestContext::parse(context.as_object().unwrap(), fresh).unwrap()
}

/// Parses what `change` makes of a context that says nothing but its request id.
fn changed(key: &str, value: Value) -> Result<RequestContext, String> {
    let map = json!({"request_id": "req-1", key: value});
    RequestContext::parse(map.as_object().unwrap(), String::new).map_err(|error| error.to_string())
}

#[test]
fn what_upstream_sends_comes_back_as_it_was() {
    for (name, context) in sent() {
        let mut expected = context.clone();
        // Upstream's receiver forgets this one, too.
        expected["system_scope"] = Value::Null;
        assert_eq!(Value::from(parse(&context).forward()), expected, "{name}");
    }
}

#[test]
fn a_receiver_knows_who_asked_for_what() {
    let sent = sent();
    let full = parse(&sent["with everything set"]);
    assert_eq!(full.user_id.as_ref().unwrap().as_str(), "u");
    assert_eq!(full.project_id.as_ref().unwrap().as_str(), "p");
    assert_eq!(full.user_domain_id.as_deref(), Some("ud"));
    assert_eq!(full.project_domain_id.as_deref(), Some("pd"));
    assert_eq!((full.is_admin, full.roles.as_slice()), (false, &["member".to_owned()][..]));
    assert_eq!(full.auth_token, Some(Secret::new("gAAAAtoken")));
    assert_eq!(full.service_catalog.len(), 1);
    let own = &sent["of the daemon"];
    let (id, time) = (own["request_id"].as_str().unwrap(), own["timestamp"].as_str().unwrap());
    assert_eq!(parse(own), RequestContext::own(id, time));
}

#[test]
fn missing_keys_are_null_and_unknown_ones_do_not_matter() {
    let map = json!({"trace_info": {"hmac_key": "k"}, "later": [1]});
    let context = RequestContext::parse(map.as_object().unwrap(), || "req-new".into()).unwrap();
    assert_eq!((context.request_id.as_str(), context.is_admin), ("req-new", false));
    assert_eq!((context.roles.len(), context.read_deleted), (0, ReadDeleted::No));
    assert_eq!(context.forward()["user_identity"], "- - - - -");
}

#[test]
fn services_that_a_volume_service_does_not_talk_to_are_left_out_of_the_catalogue() {
    let catalogue = json!([{"type": "image"}, {"type": "volumev3"}, {"name": "no type"}, 5]);
    let context = changed("service_catalog", catalogue).unwrap();
    assert_eq!(context.service_catalog, [json!({"type": "image"})]);
}

#[test]
fn an_administrator_has_the_role_and_the_role_makes_one() {
    for (is_admin, roles, expected, expected_roles) in [
        (json!(true), json!(["member"]), true, "member admin"),
        (json!(true), json!(["admin"]), true, "admin"),
        (json!(false), json!(["admin"]), false, "admin"),
        (Value::Null, json!(["admin"]), true, "admin"),
        (Value::Null, json!(["member"]), false, "member"),
        (Value::Null, Value::Null, false, ""),
    ] {
        let map = json!({"request_id": "r", "is_admin": is_admin, "roles": roles});
        let context = parse(&map);
        assert_eq!(context.is_admin, expected, "{map}");
        assert_eq!(context.roles.join(" "), expected_roles, "{map}");
        let elevated = context.elevated();
        assert!(elevated.is_admin, "{map}");
        assert_eq!(elevated.roles.iter().filter(|role| *role == "admin").count(), 1, "{map}");
        let back =
            RequestContext { is_admin: context.is_admin, roles: context.roles.clone(), ..elevated };
        assert_eq!(back, context, "nothing else changes");
    }
}

#[test]
fn a_value_of_another_kind_is_refused_without_being_shown() {
    for (key, value, message) in [
        ("auth_token", json!(12345), "auth_token of a request context is not a text"),
        ("is_admin", json!("True"), "is_admin of a request context is not true or false"),
        ("roles", json!("admin"), "roles of a request context is not a list of texts"),
        ("roles", json!([1]), "roles of a request context is not a list of texts"),
        (
            "read_deleted",
            json!("maybe"),
            "read_deleted of a request context is not no, yes or only",
        ),
        ("service_catalog", json!({}), "service_catalog of a request context is not a list"),
    ] {
        assert_eq!(changed(key, value).unwrap_err(), message);
    }
    for (text, expected) in
        [("no", ReadDeleted::No), ("yes", ReadDeleted::Yes), ("only", ReadDeleted::Only)]
    {
        let context = changed("read_deleted", text.into()).unwrap();
        assert_eq!(
            (context.read_deleted, context.forward()["read_deleted"].as_str()),
            (expected, Some(text))
        );
    }
}

#[test]
fn the_token_goes_on_and_shows_nowhere_else() {
    let context = parse(&sent()["with everything set"]);
    let shown = format!("{context:?} {context:#?} {:?}", context.span_fields());
    assert!(!shown.contains("gAAAAtoken"), "{shown}");
    assert_eq!(context.forward()["auth_token"], "gAAAAtoken");
}

/// What Python's `redacted_copy` made of the same, seen when it was run.
#[test]
fn a_redacted_context_says_who_asked_and_nothing_to_act_with() {
    let context = json!({
        "user_id": "u", "project_id": "p", "project_name": "pn", "domain_id": "d",
        "user_domain": "ud", "project_domain": "pd", "is_admin": false, "roles": ["member"],
        "remote_address": "1.2.3.4", "quota_class": "q", "auth_token": "t",
        "service_catalog": [{"type": "image"}], "request_id": "req-x",
        "global_request_id": "req-g", "message_action": "x", "read_deleted": "yes",
    });
    let context = parse(&context);
    let mut expected = context.forward();
    for (key, value) in [
        ("auth_token", Value::Null),
        ("message_action", Value::Null),
        ("quota_class", Value::Null),
        ("remote_address", Value::Null),
        ("read_deleted", "no".into()),
        ("service_catalog", json!([])),
        ("timestamp", "2026-11-29T01:18:58.651599".into()),
    ] {
        assert_ne!(expected.insert(key.to_owned(), value.clone()), Some(value), "{key}");
    }
    assert_eq!(context.redacted("2026-11-29T01:18:58.651599").forward(), expected);
}

#[test]
fn the_span_has_the_fields_that_log_lines_show() {
    let context = parse(&sent()["with everything set"]).elevated();
    let fields: Vec<_> =
        context.span_fields().iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        fields.join(" "),
        "request_id=req-1 global_request_id=req-g user=u user_id=u project=p project_id=p \
         project_name=pn domain=d domain_id=d user_domain=ud project_domain=pd is_admin=True \
         is_admin_project=True read_only=False show_deleted=False roles=member,admin \
         read_deleted=yes remote_address=192.0.2.4 timestamp=2026-11-22T17:02:06.634979 \
         quota_class=q message_resource_id=v message_resource_type=VOLUME message_action=001 \
         auth_token=***"
    );
    let own = RequestContext::own("req-2", "2026-11-22T17:02:06");
    let names: Vec<_> = own.span_fields().iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "request_id",
            "is_admin",
            "is_admin_project",
            "read_only",
            "show_deleted",
            "roles",
            "read_deleted",
            "timestamp"
        ]
    );
}
