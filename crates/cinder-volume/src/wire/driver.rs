//! A back end's driver and what its operations need beside it: options as `cinder-driver-*` and `cinder-manager` want
//! them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use cinder_conf::cinder::{BackendConf, Conf};
use cinder_conf::options::limits::Limits;
use cinder_conf::options::local::Local;
use cinder_conf::options::names::Names;
use cinder_conf::options::process::Coordination;
use cinder_driver::registry::{NoDriver, Registry};
use cinder_driver_local::{LocalOptions, NAMES};
use cinder_manager::BlockSizes;
use cinder_types::{ClusterName, ServiceHost};

use super::seconds;
use crate::configure::{SharedConf, in_force};
use crate::worker::{DriverNow, DriverPlan, OperationsPlan};

/// The only scheme of lock services that this program knows.
const FILE: &str = "file://";

/// The driver of a back end, and what its operations need; or why this program has no such driver, which
/// leaves the back end registered and down, for everybody to see.
///
/// # Errors
///
/// What cannot be used, and what to do about it.
pub(super) fn plan(
    conf: &Conf,
    name: &str,
    section: &BackendConf,
    host: &ServiceHost,
    cluster: Option<&ClusterName>,
    driver_now: DriverNow,
) -> anyhow::Result<Result<OperationsPlan, NoDriver>> {
    let options = &section.options;
    // The only one so far, so there is nothing to choose by.
    let drivers = Registry::default().with(NAMES, ());
    if let Err(why) = drivers.find(&options.volume_driver) {
        return Ok(Err(why));
    }
    if cluster.is_some() {
        bail!("the local driver cannot serve a cluster: its files are on one machine");
    }
    let state_path = absolute(Path::new(&conf.service.state_path))?;
    let limits: Limits = conf.section().map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let names: Names = conf.section().map_err(|problems| anyhow::anyhow!("{problems}"))?;
    Ok(Ok(OperationsPlan {
        driver: local(conf, name, section)?,
        driver_now,
        host: host.clone(),
        pool: pool(name, section),
        volume_name_template: template(&names.volume_name_template, "volume_name_template")?,
        snapshot_name_template: template(&names.snapshot_name_template, "snapshot_name_template")?,
        resume: conf.supervisor.resume_operations,
        service_down_time: super::service_down_time(conf),
        snapshots_are_free: limits.no_snapshot_gb_quota,
        reservation_expire: seconds(limits.reservation_expire),
        message_ttl: seconds(limits.message_ttl),
        reports_discard: options.report_discard_supported,
        block_sizes: options.disk_geometry.as_deref().and_then(BlockSizes::named),
        locks: locks(conf)?,
        records: state_path.join("operations").join(name),
    }))
}

/// What reads the options of a back end's driver after a HUP.
pub(super) fn now(shared: &SharedConf, name: &str) -> DriverNow {
    let (shared, name) = (Arc::clone(shared), name.to_owned());
    DriverNow::new(move || {
        let conf = in_force(&shared);
        let section = conf.backend(&name).map_err(|problems| problems.to_string())?;
        local(&conf, &name, &section).map_err(|cause| format!("{cause:#}"))
    })
}

/// The options of the local driver.
fn local(conf: &Conf, name: &str, section: &BackendConf) -> anyhow::Result<DriverPlan> {
    let options = &section.options;
    let local: Local = section.section().map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let state_path = absolute(Path::new(&conf.service.state_path))?;
    let directory = match local.local_directory {
        Some(directory) => absolute(Path::new(&directory))?,
        None => state_path.join("volumes").join(name),
    };
    Ok(DriverPlan::Local(LocalOptions {
        preallocate: local.local_preallocate,
        reserved_percentage: u32::try_from(options.reserved_percentage).unwrap_or(0),
        max_over_subscription_ratio: options.max_over_subscription_ratio.clone(),
        ..LocalOptions::new(pool(name, section), directory)
    }))
}

/// The name of its only pool.
fn pool(name: &str, section: &BackendConf) -> String {
    section.options.volume_backend_name.clone().unwrap_or_else(|| name.to_owned())
}

/// Where the files of locks are.
fn locks(conf: &Conf) -> anyhow::Result<PathBuf> {
    let coordination: Coordination =
        conf.section().map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let url = coordination.backend_url.reveal();
    let Some(path) = url.strip_prefix(FILE) else {
        // Behind the scheme may be a password.
        let scheme = url.split(':').next().unwrap_or_default();
        bail!(
            "[coordination] backend_url: locks by {scheme} are not known to this program; use {FILE} and a \
             directory that all services of this storage share"
        );
    };
    absolute(Path::new(path))
}

/// A template that makes names apart: with a place for the id.
fn template(text: &str, option: &str) -> anyhow::Result<String> {
    if text.matches("%s").count() != 1 {
        bail!("{option} = {text}: it has to have one %s, for the id");
    }
    Ok(text.to_owned())
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{}", path.display()))
}
