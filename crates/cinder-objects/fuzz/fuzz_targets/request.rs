//! Any bytes as the arguments of any method: no panic, an error whose text is short, and what is read
//! is read again from what is written of it, whatever the receiver's version.

#![no_main]

use cinder_objects::{Method, Pin, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let Ok(args) = std::str::from_utf8(rest) else { return };
    let method = Method::ALL[usize::from(*first) % Method::ALL.len()];
    match Request::read(method, args) {
        Err(error) => {
            assert!(error.to_string().len() < 1_000, "a message is quoted at length");
            assert!(!error.module().is_empty() && !error.class().is_empty());
        }
        Ok(request) => {
            let (written_for, written) = request.encode(Pin::CURRENT);
            assert_eq!(written_for, method);
            let again = Request::read(method, &written.to_string());
            assert_eq!(again.expect("what was written can be read").encode(Pin::CURRENT).1, written);
            let older = Pin::named("1.38").expect("a version of the set");
            let (_, written) = request.encode(older);
            Request::read(method, &written.to_string()).expect("older labels can be read");
        }
    }
});
