//! What nobody should send: the error that its sender is told, and never a panic.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod cases;

use cases::Case;
use cinder_objects::{Argument, DecodeError, Method, Request, Volume};
use serde_json::{Value, json};

const VOLUME: &str = include_str!("data/volume.json");

fn check(case: &Case) {
    let read = Volume::read(case.value.clone(), "volume");
    let told = read.as_ref().err().map(|error| (error.module(), error.class()));
    assert_eq!(told, case.ours, "{}: {read:?}", case.what);
    if let Err(error) = read {
        assert!(error.to_string().len() < 400, "{}: a message is quoted at length", case.what);
    }
}

#[test]
fn an_object_is_as_it_should_be_or_refused_as_the_original_does() {
    cases::all().for_each(|case| check(&case));
}

/// A request with these arguments, and the class and text that its sender is told.
fn told(method: &str, version: &str, args: &str) -> (&'static str, &'static str, String) {
    match Request::decode(method, version, args) {
        Ok(request) => panic!("{request:?} of {method} {args}"),
        Err(error) => (error.module(), error.class(), error.to_string()),
    }
}

#[test]
fn a_method_or_version_that_is_not_served_is_refused_as_the_dispatcher_does() {
    const DISPATCHER: &str = "oslo_messaging.rpc.dispatcher";
    for (method, version, class) in [
        ("nosuch", "3.0", "NoSuchMethod"),
        ("_do_cleanup", "3.0", "NoSuchMethod"),
        ("", "3.0", "NoSuchMethod"),
        ("freeze_host", "3.21", "UnsupportedVersion"),
        ("freeze_host", "2.0", "UnsupportedVersion"),
        ("freeze_host", "3.20.5", "UnsupportedVersion"),
        ("freeze_host", "3", "UnsupportedVersion"),
        ("freeze_host", "", "UnsupportedVersion"),
        ("freeze_host", "3.-1", "UnsupportedVersion"),
        ("nosuch", "4.0", "UnsupportedVersion"),
    ] {
        let (module, told, text) = told(method, version, "{}");
        assert_eq!((module, told), (DISPATCHER, class), "{method} {version}: {text}");
    }
    let (.., text) = told(&"m".repeat(1_000_000), &"v".repeat(1_000_000), "{}");
    assert!(text.len() < 400, "{} bytes", text.len());
    for version in ["3.0", "3.20", "3.5.9", "3.20.0"] {
        assert!(Request::decode("freeze_host", version, "{}").is_ok(), "{version}");
    }
}

/// A method, its arguments, and the class and a part of the text that its sender is told.
type Wrong = (&'static str, String, &'static str, &'static str);

/// A volume and these arguments.
fn and(rest: &str) -> String {
    format!(r#"{{"volume": {}, {rest}}}"#, VOLUME.trim())
}

fn wrong_arguments() -> Vec<Wrong> {
    let volume = VOLUME.trim();
    vec![
        ("delete_volume", "{}".into(), "TypeError", "missing a required argument: 'volume'"),
        ("delete_volume", and(r#""x": 1"#), "TypeError", "unexpected keyword argument 'x'"),
        ("delete_volume", "null".into(), "TypeError", "arguments by name"),
        ("delete_volume", "[1]".into(), "TypeError", "arguments by name"),
        ("delete_volume", r#"{"volume": "5f2c"}"#.into(), "AttributeError", "'str' object has no"),
        ("delete_volume", r#"{"volume": null}"#.into(), "AttributeError", "'NoneType' object has"),
        ("delete_volume", r#"{"volume": {}}"#.into(), "AttributeError", "'dict' object has no"),
        (
            "delete_volume",
            format!(r#"{{"volume": [{volume}]}}"#),
            "AttributeError",
            "'list' object",
        ),
        (
            "create_snapshot",
            format!(r#"{{"snapshot": {volume}}}"#),
            "AttributeError",
            "'Volume' object",
        ),
    ]
}

fn wrong_types() -> Vec<Wrong> {
    vec![
        ("extend_volume", and(r#""new_size": "x", "reservations": null"#), "ValueError", "'x'"),
        ("extend_volume", and(r#""new_size": [], "reservations": null"#), "TypeError", "'list'"),
        (
            "extend_volume",
            and(r#""new_size": null, "reservations": null"#),
            "TypeError",
            "'NoneType'",
        ),
        (
            "extend_volume",
            and(r#""new_size": 9223372036854775808, "reservations": null"#),
            "ValueError",
            "too large",
        ),
        (
            "extend_volume",
            and(r#""new_size": 1e30, "reservations": null"#),
            "ValueError",
            "too large",
        ),
        (
            "extend_volume",
            and(r#""new_size": 1e400, "reservations": null"#),
            "ValueError",
            "out of range",
        ),
        (
            "extend_volume",
            and(r#""new_size": 2, "reservations": 7"#),
            "ValueError",
            "A list is required",
        ),
        (
            "extend_volume",
            and(r#""new_size": 2, "reservations": [{}]"#),
            "ValueError",
            "A string is required",
        ),
        ("initialize_connection", and(r#""connector": "c""#), "AttributeError", "'str' object"),
        (
            "initialize_connection",
            and(r#""connector": null"#),
            "AttributeError",
            "'NoneType' object",
        ),
        (
            "terminate_connection",
            r#"{"volume_id": {}, "connector": null}"#.into(),
            "ValueError",
            "A string is required in field volume_id",
        ),
        ("create_volume", and(r#""filter_properties": [1]"#), "AttributeError", "'list' object"),
        (
            "create_volume",
            and(r#""filter_properties": {"a": [{"versioned_object.name": "X"}]}"#),
            "UnsupportedObjectError",
            "X",
        ),
        (
            "create_volume",
            and(r#""filter_properties": {"a": [{"versioned_object.name": "Volume"}]}"#),
            "KeyError",
            "namespace",
        ),
        (
            "create_volume",
            and(r#""request_spec": {"volume_id": "a"}"#),
            "AttributeError",
            "'dict' object",
        ),
        ("delete_volume", r#"{"volume": "\ud800"}"#.into(), "ValueError", "hex escape"),
        ("delete_volume", "{".into(), "ValueError", "EOF"),
        ("delete_volume", String::new(), "ValueError", "EOF"),
    ]
}

#[test]
fn arguments_are_those_of_the_method_and_of_their_types() {
    for (method, args, class, text) in wrong_arguments().into_iter().chain(wrong_types()) {
        let (_, told_class, told_text) = told(method, "3.0", &args);
        assert_eq!(told_class, class, "{method} {args}: {told_text}");
        assert!(told_text.contains(text), "{method} {args}: {told_text}");
    }
    // What the original does not look at is not refused.
    let args = and(r#""new_size": "-3", "reservations": []"#);
    let Ok(Request::ExtendVolume(call)) = Request::decode("extend_volume", "3.0", &args) else {
        panic!("refused");
    };
    assert_eq!(call.new_size, -3);
}

fn deep(open: &str, close: &str, depth: usize) -> String {
    open.repeat(depth) + "1" + &close.repeat(depth)
}

fn envelope(name: &str, version: &str, data: Value) -> Value {
    json!({
        "versioned_object.name": name,
        "versioned_object.namespace": "cinder",
        "versioned_object.version": version,
        "versioned_object.data": data,
    })
}

/// A volume with a snapshot whose volume is this.
fn within(volume: Value) -> Value {
    let snapshot = envelope("Snapshot", "1.6", json!({"volume": volume}));
    let list = envelope("SnapshotList", "1.0", json!({"objects": [snapshot]}));
    envelope("Volume", "1.9", json!({"snapshots": list}))
}

/// On a small stack: recursion that follows what a sender writes would end the process.
#[test]
fn depth_is_refused_and_costs_no_stack() {
    let small = std::thread::Builder::new().stack_size(512 * 1024);
    let tried = small.spawn(|| {
        let too_deep = DecodeError::TooDeep.class();
        for depth in [200, 100_000] {
            for (open, close) in [("[", "]"), ("{\"a\": ", "}")] {
                let args = format!(r#"{{"updates": {{"a": {}}}}}"#, deep(open, close, depth));
                assert_eq!(told("failover_completed", "3.8", &args).1, too_deep);
            }
        }
        let args = format!(r#"{{"updates": {{"a": {}}}}}"#, deep("[", "]", 100));
        assert!(Request::decode("failover_completed", "3.8", &args).is_ok());
        // Objects within objects: what JSON allows is more than we follow.
        for (depth, refused) in [(25, false), (26, true)] {
            let parent = |parent| envelope("Backup", "1.7", json!({"parent": parent}));
            let backup = (0..depth).fold(json!(null), |value, _| parent(value));
            let read =
                Request::read(Method::GetBackupDevice, &json!({"backup": backup}).to_string());
            assert_eq!(
                read.err().map(|error| error.class()),
                refused.then_some(too_deep),
                "{depth}"
            );
        }
        for (depth, refused) in [(8, false), (9, true), (14, true)] {
            let volume = (0..depth).fold(json!(null), |value, _| within(value));
            let args = json!({"volume": volume}).to_string();
            let read = Request::read(Method::DeleteVolume, &args);
            assert_eq!(
                read.err().map(|error| error.class()),
                refused.then_some(too_deep),
                "{depth}"
            );
            let args = json!({"updates": {"a": [volume]}}).to_string();
            let read = Request::read(Method::FailoverCompleted, &args);
            assert_eq!(
                read.err().map(|error| error.class()),
                refused.then_some(too_deep),
                "{depth}"
            );
        }
    });
    tried.unwrap().join().unwrap();
}

/// A few bytes each in a message, a hundred in memory.
#[test]
fn a_message_of_very_many_values_is_not_unfolded() {
    let args = |count: usize| format!(r#"{{"updates": {{"a": [{}1]}}}}"#, "[],".repeat(count));
    let (.., text) = told("failover_completed", "3.8", &args(300_000));
    assert_eq!(text, "failover_completed: more than 500000 values");
    assert!(Request::decode("failover_completed", "3.8", &args(100_000)).is_ok());
    // One that is only long is read.
    let long = format!(r#"{{"updates": {{"a": "{}"}}}}"#, "x".repeat(10_000_000));
    assert!(Request::decode("failover_completed", "3.8", &long).is_ok());
}

#[test]
fn every_method_survives_every_type_of_every_argument() {
    let values =
        [json!(null), json!(true), json!(7), json!("x"), json!([]), json!({}), json!([[null]])];
    for method in Method::ALL {
        let names: Vec<_> = method.required().iter().chain(method.optional()).collect();
        for value in &values {
            let args: serde_json::Map<_, _> =
                names.iter().map(|name| ((**name).to_owned(), value.clone())).collect();
            let _ = Request::read(*method, &Value::Object(args).to_string());
        }
        let missing = Request::read(*method, "{}");
        assert_eq!(missing.is_err(), !method.required().is_empty(), "{method:?}");
    }
}
