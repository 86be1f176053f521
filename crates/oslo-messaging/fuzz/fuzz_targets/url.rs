//! Any text as a transport URL: no panic, hosts that can be dialled, and no password in what is shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oslo_messaging::{RabbitOptions, Transport};

fuzz_target!(|text: &str| {
    let parsed = Transport::parse(text, &RabbitOptions::default());
    if let Ok(Transport::Rabbit(broker)) = &parsed {
        assert!(!broker.hosts.is_empty() && !broker.virtual_host.is_empty());
        for host in &broker.hosts {
            assert!(host.port != 0 && !host.name.is_empty());
            // As long as it is a word of its own, and not by chance a piece of something else.
            let secret = host.password.reveal();
            if secret.len() > 30 {
                assert!(!format!("{parsed:?}").contains(secret));
            }
        }
    }
});
