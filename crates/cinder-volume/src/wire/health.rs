//! `[health]` as the health server wants it.

use anyhow::anyhow;
use cinder_conf::Problem;
use cinder_conf::cinder::Conf;
use cinder_health::Address;
use tracing::warn;

use super::problem::problem;
use super::seconds;
use crate::health::HealthPlan;
use crate::startup::Method;

/// Where the health server of this configuration listens, if it has one.
///
/// # Errors
///
/// When `[health] bind` names no place, or `socket_mode` no rights.
pub(crate) fn health_address(conf: &Conf) -> anyhow::Result<Option<Address>> {
    let found = checked(conf).map_err(|problem| anyhow!("{}", problem.statement()))?;
    Ok(found.map(|(address, _)| address))
}

/// Where it listens, and the rights of its socket.
pub(super) fn checked(conf: &Conf) -> Result<Option<(Address, u32)>, Box<Problem>> {
    let wrong = |option, text| problem(conf, "health", option, text);
    let mode = &conf.health.socket_mode;
    let rights = u32::from_str_radix(mode, 8).ok().filter(|rights| *rights <= 0o777);
    let rights = rights.ok_or_else(|| {
        wrong("socket_mode", format!("{mode:?} is not what chmod takes, such as 0660"))
    })?;
    let Some(bind) = conf.health.bind.as_deref() else { return Ok(None) };
    let address = bind.parse::<Address>().map_err(|error| wrong("bind", error.to_string()))?;
    Ok(Some((address, rights)))
}

/// What the health server needs; it reads the memory that forked workers share.
pub(super) fn plan(conf: &Conf, method: &Method) -> anyhow::Result<Option<HealthPlan>> {
    let found = checked(conf).map_err(|problem| anyhow!("{}", problem.statement()))?;
    let Some((address, socket_mode)) = found else { return Ok(None) };
    if *method != Method::Fork {
        warn!(
            target: "cinder.cmd.volume",
            "[health] bind has no effect without forked workers: no health server is started"
        );
        return Ok(None);
    }
    let silence = seconds(conf.service.service_down_time);
    Ok(Some(HealthPlan {
        address,
        socket_mode,
        host: conf.service.host.clone(),
        // Without heartbeats nobody can be silent.
        longest_silence: (conf.service.report_interval > 0).then_some(silence),
    }))
}
