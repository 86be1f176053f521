//! How long it takes to read the arguments of requests that were captured from the original, and to
//! write them: `cargo bench -p cinder-objects`.
//!
//! No framework: the figures are of many whole messages' arguments, from text to types and from types
//! to text, the middle of a hundred rounds each.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use cinder_objects::{Method, Pin, Request};
use serde_json::Value;

const MESSAGES: &str = include_str!("../../oslo-messaging/tests/data/rpc-samples.json");
const ROUNDS: usize = 101;
const IN_A_ROUND: u32 = 200;

fn main() {
    let messages: Vec<Value> = serde_json::from_str(MESSAGES).unwrap();
    println!("{:<22} {:>7}  {:>9} {:>9}", "arguments of", "bytes", "read", "written");
    for what in ["create_volume", "initialize_connection", "delete_snapshot", "freeze_host"] {
        let message = messages.iter().find(|one| one["what"] == what).unwrap();
        let (method, args) = (Method::named(what).unwrap(), message["message"]["args"].to_string());
        let read = typical(|| {
            black_box(Request::read(method, black_box(&args)).unwrap());
        });
        let request = Request::read(method, &args).unwrap();
        let written = typical(|| {
            black_box(black_box(&request).encode(Pin::CURRENT).1.to_string());
        });
        println!("{what:<22} {:>7}  {read:>9.1?} {written:>9.1?}", args.len());
    }
}

/// The middle of what it takes once, over many rounds.
fn typical(mut one: impl FnMut()) -> Duration {
    let mut rounds = [(); ROUNDS].map(|()| {
        let began = Instant::now();
        (0..IN_A_ROUND).for_each(|_| one());
        began.elapsed() / IN_A_ROUND
    });
    rounds.sort();
    rounds[ROUNDS / 2]
}
