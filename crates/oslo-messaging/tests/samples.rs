//! Messages that a real sender wrote, read and written again.
//!
//! `data/rpc-samples.json` was captured on a broker between the original's services, release
//! 29.0.0; traceback texts were taken out.

use oslo_messaging::{Destination, Failure, Reply, Request};
use serde_json::{Value, json};

fn samples() -> Vec<Value> {
    serde_json::from_str(include_str!("data/rpc-samples.json")).expect("the samples are JSON")
}

fn body(message: &Value) -> Vec<u8> {
    json!({"oslo.version": "2.0", "oslo.message": message.to_string()}).to_string().into_bytes()
}

/// The message inside of a body that we wrote.
fn inside(body: &[u8]) -> Value {
    let envelope: Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(envelope["oslo.version"], "2.0");
    assert_eq!(envelope.as_object().map(serde_json::Map::len), Some(2));
    serde_json::from_str(envelope["oslo.message"].as_str().expect("a text")).expect("JSON")
}

#[test]
fn every_request_is_written_again_as_it_was() {
    let samples = samples();
    let requests: Vec<_> =
        samples.iter().filter(|one| one["message"]["method"].is_string()).collect();
    assert_eq!(requests.len(), 20);
    for sample in requests {
        let message = &sample["message"];
        let request = Request::decode(&body(message)).expect("a request");
        assert_eq!(request.method, message["method"]);
        assert!(request.oddity.is_none(), "{}: {:?}", request.method, request.oddity);
        assert_eq!(request.reply_to.is_some(), message.get("_msg_id").is_some());
        assert_eq!(&inside(&request.encode().expect("JSON")), message, "{}", request.method);
    }
}

#[test]
fn every_reply_is_written_again_as_it_was() {
    let samples = samples();
    let replies: Vec<_> =
        samples.iter().filter(|one| one["message"].get("ending").is_some()).collect();
    assert_eq!(replies.len(), 4);
    for sample in replies {
        let message = &sample["message"];
        let reply = Reply::decode(&body(message)).expect("a reply");
        let unique_id = message["_unique_id"].as_str().expect("a text");
        let (mut ours, mut theirs) =
            (inside(&reply.encode(unique_id).expect("JSON")), message.clone());
        // Text within text: the order of its keys is nobody's business.
        for one in [&mut ours, &mut theirs] {
            if let Some(text) = one["failure"].as_str() {
                one["failure"] = serde_json::from_str(text).expect("JSON");
            }
        }
        assert_eq!(ours, theirs);
    }
}

#[test]
fn the_dispatchers_failure_is_the_originals() {
    let of_sample = |class: &str| {
        let mut all = samples().into_iter().filter_map(|one| {
            Reply::decode(&body(&one["message"])).ok()?.result.err().map(|failure| *failure)
        });
        all.find(|failure| failure.class == class).expect("a sample of it")
    };
    let theirs = of_sample("NoSuchMethod");
    assert_eq!(
        Failure { traceback: theirs.traceback.clone(), ..Failure::no_such_method("nosuch") },
        theirs
    );
}

#[test]
fn messages_to_services_are_routed_as_the_original_routes_them() {
    let exchange = || "openstack".to_owned();
    for (destination, exchange, key) in [
        (
            Destination::Server {
                exchange: exchange(),
                topic: "cinder-volume.specnode@b1".into(),
                server: "specnode".into(),
            },
            "openstack",
            "cinder-volume.specnode@b1.specnode",
        ),
        (
            Destination::Topic { exchange: exchange(), topic: "cinder-scheduler".into() },
            "openstack",
            "cinder-scheduler",
        ),
        (Destination::Fanout { topic: "cinder-scheduler".into() }, "cinder-scheduler_fanout", ""),
    ] {
        assert!(
            samples().iter().any(|one| one["exchange"] == exchange && one["routing_key"] == key)
        );
        assert_eq!(destination.route(), Ok((exchange.to_owned(), key.to_owned())));
    }
}
