//! What was captured from the original: each object and each request is read, and written again as
//! it was.

#![allow(clippy::unwrap_used, reason = "the data of a test are as they are")]

use cinder_objects::{Call, Method, Pin, PlaceVolume, Request, VersionedObject};
use serde_json::{Map, Value};

const OBJECTS: &str = include_str!("data/object-samples.json");
const MESSAGES: &str = include_str!("../../oslo-messaging/tests/data/rpc-samples.json");

fn samples(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

/// The same with lists of changes in order: the original writes them in any.
fn sorted(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            if let Some(Value::Array(changes)) = map.get_mut("versioned_object.changes") {
                changes.sort_by_key(Value::to_string);
            }
            map.values_mut().for_each(|one| *one = sorted(one.take()));
        }
        Value::Array(list) => list.iter_mut().for_each(|one| *one = sorted(one.take())),
        _ => {}
    }
    value
}

/// Reads an object as an argument of its kind, and writes it.
fn again<T: VersionedObject>(sample: &Value) -> Value {
    let object = <T as cinder_objects::Argument>::read(sample.clone(), "sample").unwrap();
    cinder_objects::Argument::write(&object)
}

macro_rules! by_name {
    ($sample:expr, $($name:ident)+) => {
        match $sample["versioned_object.name"].as_str().unwrap() {
            $(stringify!($name) => again::<cinder_objects::$name>(&$sample),)+
            other => panic!("{other}"),
        }
    };
}

#[test]
fn every_object_is_written_as_it_was_read() {
    // One of the samples is a list.
    let samples = samples(OBJECTS).into_iter().flat_map(|sample| match sample {
        Value::Array(list) => list,
        one => vec![one],
    });
    let mut count = 0;
    for sample in samples {
        count += 1;
        let written = by_name!(sample, Volume Snapshot CleanupRequest RequestSpec Backup
            BackupDeviceInfo ManageableVolume);
        assert_eq!(sorted(written), sorted(sample));
    }
    assert_eq!(count, 9);
}

/// Requests to a volume service among the captured messages: method, version, arguments.
fn requests() -> Vec<(String, String, Map<String, Value>)> {
    let messages = samples(MESSAGES).into_iter().filter_map(|sample| {
        let to_scheduler = sample["what"].as_str()?.contains("cinder-scheduler");
        let message = (!to_scheduler).then(|| sample["message"].as_object().cloned())??;
        let text = |key: &str| message[key].as_str().unwrap().to_owned();
        let method = message.get("method")?.as_str()?;
        Method::named(method)?;
        Some((text("method"), text("version"), message["args"].as_object()?.clone()))
    });
    messages.collect()
}

#[test]
fn every_request_is_written_as_it_was_read() {
    let mut seen = Vec::new();
    for (method, version, args) in requests() {
        let text = Value::Object(args.clone()).to_string();
        if args.contains_key("bogus") {
            let error = Request::decode(&method, &version, &text).unwrap_err();
            assert_eq!(error.class(), "TypeError");
            continue;
        }
        let request = Request::decode(&method, &version, &text).unwrap();
        assert_eq!(request.method().name(), method);
        assert_eq!(request.method().sent_as(), version);
        let (_, mut written) = request.encode(Pin::CURRENT);
        // What the sender left out is written with the value that it has then.
        for name in request.method().optional() {
            if !args.contains_key(*name) {
                written.as_object_mut().unwrap().remove(*name);
            }
        }
        assert_eq!(sorted(written), sorted(Value::Object(args)), "{method}");
        seen.push(method);
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() >= 12, "{seen:?}");
}

#[test]
fn the_request_of_a_create_says_what_its_sender_meant() {
    let (method, version, args) =
        requests().into_iter().find(|(method, ..)| method == "create_volume").unwrap();
    let request = Request::decode(&method, &version, &Value::Object(args.clone()).to_string());
    let Ok(Request::CreateVolume(call)) = request else { panic!("{request:?}") };
    assert!(call.allow_reschedule);
    let volume = &args["volume"]["versioned_object.data"];
    assert_eq!(call.volume.id().unwrap().as_str(), volume["id"]);
    assert_eq!(call.volume.name_id().unwrap(), call.volume.id().unwrap());
    assert_eq!(call.volume.size().unwrap(), volume["size"].as_i64().unwrap());
    assert_eq!(call.volume.host(), volume["host"].as_str());
    assert_eq!(call.volume.service().unwrap(), volume["host"].as_str());
    assert_eq!(call.volume.status().unwrap().as_str(), volume["status"]);
    let id = volume["id"].as_str().unwrap();
    assert_eq!(call.volume.name("volume-%s").unwrap(), format!("volume-{id}"));
    assert!(call.request_spec.is_some() && call.filter_properties.is_some());
    let (_, pinned) = Request::from(*call).encode(Pin::named("1.38").unwrap());
    assert_eq!(pinned["volume"]["versioned_object.version"], "1.8");
    assert_eq!(<cinder_objects::CreateVolume as Call>::METHOD, Method::CreateVolume);
}

#[test]
fn what_a_scheduler_is_asked_is_written_as_it_was_read() {
    let samples = samples(MESSAGES);
    let sample = samples.iter().find(|one| one["what"] == "create_volume -> cinder-scheduler");
    let message = &sample.unwrap()["message"];
    assert_eq!(
        (&message["method"], &message["version"]),
        (&PlaceVolume::NAME.into(), &PlaceVolume::SENT_AS.into())
    );
    let read = PlaceVolume::read(&message["args"].to_string()).unwrap();
    assert_eq!(sorted(read.encode(Pin::CURRENT)), sorted(message["args"].clone()));
    let older = read.encode(Pin::named("1.38").unwrap());
    assert_eq!(older["volume"]["versioned_object.version"], "1.8");
    assert_eq!(PlaceVolume::read("{\"volume\": 7}").unwrap_err().class(), "AttributeError");
}
