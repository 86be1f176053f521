//! `[health]` as the health server wants it.

use anyhow::Context;
use cinder_conf::cinder::Conf;
use cinder_health::Address;
use tracing::warn;

use super::seconds;
use crate::health::HealthPlan;
use crate::startup::Method;

/// Where the health server of this configuration listens, if it has one.
///
/// # Errors
///
/// When `[health] bind` names no place.
pub fn health_address(conf: &Conf) -> anyhow::Result<Option<Address>> {
    let bind = conf.health.bind.as_deref().map(str::parse);
    bind.transpose().context("[health] bind")
}

/// What the health server needs; it reads the memory that forked workers share.
pub(super) fn plan(conf: &Conf, method: &Method) -> anyhow::Result<Option<HealthPlan>> {
    let Some(address) = health_address(conf)? else { return Ok(None) };
    if *method != Method::Fork {
        warn!(
            target: "cinder.cmd.volume",
            "[health] bind has no effect without forked workers: no health server is started"
        );
        return Ok(None);
    }
    let mode = &conf.health.socket_mode;
    let silence = seconds(conf.service.service_down_time);
    Ok(Some(HealthPlan {
        address,
        socket_mode: u32::from_str_radix(mode, 8).context("[health] socket_mode")?,
        host: conf.service.host.clone(),
        // Without heartbeats nobody can be silent.
        longest_silence: (conf.service.report_interval > 0).then_some(silence),
    }))
}
