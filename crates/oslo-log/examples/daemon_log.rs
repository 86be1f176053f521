//! Installs the subscriber the way a daemon's `main` does, and writes a few lines to stdout.
//!
//! `cargo run -p oslo-log --example daemon_log`

use std::error::Error;

use oslo_log::guru::{ConfigValue, Destination, Report};
use oslo_log::{LogOptions, LogTracer, log};

fn main() -> Result<(), Box<dyn Error>> {
    let options = LogOptions { debug: true, ..LogOptions::default() };
    let (subscriber, handle) = oslo_log::subscriber(&options)?;
    tracing::subscriber::set_global_default(subscriber)?;
    log::set_boxed_logger(Box::new(LogTracer::new()))?;
    log::set_max_level(handle.log_filter());
    std::panic::set_hook(Box::new(oslo_log::panic_hook("cinder")));

    tracing::info!(target: "cinder.service", "Starting cinder-volume node (version 29.0.0)");
    tracing::error_span!("rpc", request_id = "req-1111", user = "uid", project = "pid").in_scope(
        || {
            tracing::debug!(target: "cinder.volume.manager", "inside a request");
            log::warn!(target: "r2d2", "a dependency has something to say");
        },
    );
    if let Err(error) = std::fs::read("/no/such/file") {
        tracing::error!(error = &error as &dyn Error, "cannot read the volume list");
    }

    let report = Report {
        version: Some("29.0.0".into()),
        configuration: vec![ConfigValue {
            group: "database".into(),
            option: "connection".into(),
            value: "mysql://cinder:secret@db/cinder".into(),
            secret: true,
            origin: Some("/etc/cinder/cinder.conf:7".into()),
        }],
        ..Report::default()
    };
    Destination::Stderr.deliver("cinder-volume", std::process::id(), &report.render())?;
    Ok(())
}
