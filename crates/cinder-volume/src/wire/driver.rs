//! A back end's driver and what its operations need beside it: options as `cinder-driver-*` and `cinder-manager` want
//! them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cinder_conf::Problem;
use cinder_conf::cinder::{BackendConf, Conf};
use cinder_conf::options::limits::Limits;
use cinder_conf::options::local::Local;
use cinder_conf::options::names::Names;
use cinder_driver::registry::{NoDriver, Registry, renamed};
use cinder_driver_local::{LocalOptions, NAMES};
use cinder_manager::BlockSizes;
use cinder_types::{ClusterName, ServiceHost};

use super::problem::{for_backend, of_backend, problem};
use super::seconds;
use crate::configure::{SharedConf, in_force};
use crate::worker::{DriverNow, DriverPlan, OperationsPlan};

/// The only scheme of lock services that this program knows.
const FILE: &str = "file://";

/// Why this program has no driver for a back end, if so.
fn find(section: &BackendConf) -> Result<(), NoDriver> {
    // The only one so far, so there is nothing to choose by.
    let drivers = Registry::default().with(NAMES, ());
    drivers.find(&section.options.volume_driver).map(drop)
}

/// That the driver's class is called otherwise now, if so.
pub(super) fn moved(section: &BackendConf) -> Option<String> {
    let new = renamed(section.options.volume_driver.trim())?;
    Some(format!("is the former name of {new}"))
}

/// What there is to say about the driver of a back end that is no mistake.
pub(super) fn remarks(section: &BackendConf) -> Vec<String> {
    let moved = moved(section);
    let missing = find(section).err().filter(|why| !why.is_mistake());
    moved.into_iter().chain(missing.map(|why| why.to_string())).collect()
}

/// The driver of a back end, and what its operations need; or why this program has no such driver, which
/// leaves the back end registered and down, for everybody to see.
///
/// # Errors
///
/// What cannot be used and where it stands: also a driver that not even the original has.
pub(super) fn plan(
    conf: &Conf,
    name: &str,
    section: &BackendConf,
    host: &ServiceHost,
    cluster: Option<&ClusterName>,
) -> Result<Result<OperationsPlan, NoDriver>, Box<Problem>> {
    let options = &section.options;
    match find(section) {
        Ok(()) => {}
        Err(why) if why.is_mistake() => {
            return Err(of_backend(conf, name, "volume_driver", why.to_string()));
        }
        Err(why) => return Ok(Err(why)),
    }
    if cluster.is_some() {
        let text = "the local driver cannot serve a cluster: its files are on one machine";
        return Err(for_backend(name, problem(conf, "DEFAULT", "cluster", text)));
    }
    let of_section = |problems: cinder_conf::Problems| {
        of_backend(conf, name, "volume_driver", problems.to_string())
    };
    let wrong = |group: &str, option: &str, text: String| {
        for_backend(name, problem(conf, group, option, text))
    };
    let state_path = absolute(Path::new(&conf.service.state_path))
        .map_err(|text| wrong("DEFAULT", "state_path", text))?;
    let limits: Limits = conf.section().map_err(of_section)?;
    let names: Names = conf.section().map_err(of_section)?;
    let template =
        |text: &str, option: &str| template(text).map_err(|why| wrong("DEFAULT", option, why));
    Ok(Ok(OperationsPlan {
        driver: local(conf, name, section)?,
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
        locks: locks(conf).map_err(|text| wrong("coordination", "backend_url", text))?,
        records: state_path.join("operations").join(name),
    }))
}

/// What reads the options of a back end's driver after a HUP.
pub(super) fn now(shared: &SharedConf, name: &str) -> DriverNow {
    let (shared, name) = (Arc::clone(shared), name.to_owned());
    DriverNow::new(move || {
        let conf = in_force(&shared);
        let section = conf.backend(&name).map_err(|problems| problems.to_string())?;
        local(&conf, &name, &section).map_err(|problem| problem.statement())
    })
}

/// The options of the local driver.
fn local(conf: &Conf, name: &str, section: &BackendConf) -> Result<DriverPlan, Box<Problem>> {
    let options = &section.options;
    let local: Local = section
        .section()
        .map_err(|problems| of_backend(conf, name, "volume_driver", problems.to_string()))?;
    let wrong = |group: &str, option: &str, text: String| {
        for_backend(name, problem(conf, group, option, text))
    };
    let directory = match local.local_directory {
        Some(directory) => {
            absolute(Path::new(&directory)).map_err(|text| wrong(name, "local_directory", text))?
        }
        None => absolute(Path::new(&conf.service.state_path))
            .map_err(|text| wrong("DEFAULT", "state_path", text))?
            .join("volumes")
            .join(name),
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
fn locks(conf: &Conf) -> Result<PathBuf, String> {
    let url = conf.coordination.backend_url.reveal();
    let Some(path) = url.strip_prefix(FILE) else {
        // Behind the scheme may be a password.
        let scheme = url.split(':').next().unwrap_or_default();
        return Err(format!(
            "locks by {scheme} are not known to this program; use {FILE} and a directory that all services of this \
             storage share"
        ));
    };
    absolute(Path::new(path))
}

/// A template that makes names apart: with a place for the id.
fn template(text: &str) -> Result<String, String> {
    if text.matches("%s").count() != 1 {
        return Err(format!("{text:?} has to have one %s, for the id"));
    }
    Ok(text.to_owned())
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}
