//! Any bytes as the body of a message: no panic, and a request that is read is read again from what
//! is written of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oslo_messaging::{Reply, Request};

fuzz_target!(|body: &[u8]| {
    if let Ok(request) = Request::decode(body) {
        let written = request.encode().expect("what was read can be written");
        let again = Request::decode(&written).expect("what was written can be read");
        assert_eq!(again.method, request.method);
        assert_eq!(again.version, request.version);
        assert_eq!(again.args.get(), request.args.get());
        assert_eq!(again.unique_id, request.unique_id);
        assert_eq!(again.reply_to, request.reply_to);
        assert_eq!(again.context, request.context);
    }
    if let Ok(reply) = Reply::decode(body) {
        let written = reply.encode("0").expect("what was read can be written");
        let again = Reply::decode(&written).expect("what was written can be read");
        assert_eq!((again.id, again.is_last), (reply.id, reply.is_last));
        assert_eq!(again.result.is_ok(), reply.result.is_ok());
    }
});
