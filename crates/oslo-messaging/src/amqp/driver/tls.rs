//! TLS towards the broker, as the options say.

use std::io;

use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};

use crate::options::RabbitOptions;

/// What secures a connection.
pub(super) fn connector(options: &RabbitOptions, hosts: usize) -> io::Result<RustlsConnector> {
    let _ = (options, hosts);
    RustlsConnectorConfig::new_with_native_certs()?.connector_with_no_client_auth()
}
