//! Where the bus of an example is: a directory of the local bus, or the URL of a broker.

use std::path::Path;

use oslo_messaging::{Bus, RabbitOptions, Server, Transport};

/// The bus at a place.
pub fn bus(place: &str) -> Result<Bus, Box<dyn std::error::Error>> {
    if !place.contains("://") {
        return Ok(Bus::local(Path::new(place)));
    }
    match Transport::parse(place, &RabbitOptions::default())? {
        #[cfg(feature = "rabbit")]
        Transport::Rabbit(broker) => Ok(Bus::rabbit(*broker, "example")),
        other => Err(format!("{other:?} leads nowhere from here").into()),
    }
}

/// Waits until messages come to a server, however long the broker needs.
#[allow(dead_code, reason = "a client needs no server")]
pub fn wait_for(bus: &Bus, server: &Server) {
    #[cfg(feature = "rabbit")]
    while let Some(state) = bus.state() {
        if state.is_serving(server.number()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    #[cfg(not(feature = "rabbit"))]
    let _ = (bus, server);
}
