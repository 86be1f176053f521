//! A server and a client in two processes, over a directory or a broker.
//!
//! ```text
//! cargo run -p oslo-messaging --example echo -- serve /tmp/bus
//! cargo run -p oslo-messaging --example echo -- call /tmp/bus 'grüß Gott'
//! cargo run -p oslo-messaging --example echo -- call rabbit://guest:guest@localhost/ 'grüß Gott'
//! ```

mod place;

use std::time::Duration;

use oslo_messaging::{
    Bus, Context, Destination, Dispatcher, Method, Pool, Request, ServerOptions, Target, Version,
    returned,
};
use serde_json::{Value, json};

const TOPIC: &str = "echo";
const SERVER: &str = "one";

fn serve(bus: &Bus) -> Result<(), Box<dyn std::error::Error>> {
    let target = Target::new("openstack", TOPIC, SERVER)?;
    let server = bus.serve(&[target], ServerOptions::default())?;
    let echo = Method::new("echo", |incoming| {
        let args: Value = incoming.arguments()?;
        returned(&args["text"])
    });
    let methods = [echo.taking(&["text"], &[])];
    let dispatcher =
        Dispatcher::default().with(Version { major: 1, minor: 0 }, methods).with_ping();
    place::wait_for(bus, &server);
    let pool = Pool::start(server, dispatcher, 8)?;
    println_ready();
    // Until somebody closes our standard input.
    let _ = std::io::stdin().lines().find(Result::is_err);
    pool.drain(Duration::from_secs(10));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "whoever started it waits for the word")]
fn println_ready() {
    println!("ready");
}

#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn call(bus: &Bus, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    let request = Request::new("echo", "1.0", &json!({ "text": text }), Context::default())?;
    let to = Destination::Server {
        exchange: "openstack".into(),
        topic: TOPIC.into(),
        server: SERVER.into(),
    };
    println!("{}", bus.client().call(&to, request, Duration::from_secs(60))?.get());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "an example is a program and reads its arguments")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        ["serve", place] => serve(&place::bus(place)?),
        ["call", place, text] => call(&place::bus(place)?, text),
        _ => Err("usage: echo serve PLACE | echo call PLACE TEXT".into()),
    }
}
