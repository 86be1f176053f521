//! Over a real RabbitMQ: what is particular to it. What every bus does is in `server.rs`.

mod broker;
mod served;

use std::time::Duration;

use oslo_messaging::{Dispatcher, Method, Pool, ServerOptions, Version, returned};
use serde_json::{Value, json};
use served::{request, server_of, target};

const LIMIT: Duration = Duration::from_secs(20);

fn echo() -> Dispatcher {
    let echo = Method::new("echo", |incoming| {
        let args: Value = incoming.arguments()?;
        returned(&args["text"])
    });
    Dispatcher::default()
        .with(Version { major: 3, minor: 20 }, [echo.taking(&["text"], &[])])
        .with_ping()
}

#[test]
fn a_call_is_answered_over_a_real_broker() {
    let Some(host) = broker::host() else { return };
    let bus = host.bus("");
    let server = bus.serve(&[target("server")], ServerOptions::default()).expect("a server");
    broker::until_serving(&bus, &server);
    let _pool = Pool::start(server, echo(), 8).expect("threads");
    let asked = request("echo", &json!({"text": "grüß Gott"}));
    let answer = bus.client().call(&server_of("server"), asked, LIMIT).expect("an answer");
    assert_eq!(answer.get(), "\"grüß Gott\"");
}
