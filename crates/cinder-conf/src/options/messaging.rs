//! `[DEFAULT]`: where the message bus is.

use crate::{Opt, Secret, section};

section! {
    /// The message bus.
    pub struct Messaging in "DEFAULT" {
        /// URL of the message bus: `rabbit://user:password@host:5672/vhost`, several hosts separated by
        /// commas.
        transport_url: Secret = Opt::string("").secret().default_text("rabbit://");
        /// Exchange that topics are in when the transport names none.
        control_exchange: String = Opt::string("").default_text("openstack");
    }
}
