//! What a back end can do and how much room it has, as schedulers are told (`spec/manager.md` §2).
//!
//! Must not: tell anybody; it is asked.

use cinder_db::{changes, services};
use cinder_driver::{About, Call, Revealed};
use cinder_objects::GetCapabilities;
use cinder_types::{ReplicationStatus, RequestContext};
use serde_json::{Map, Value, json};
use tracing::info;

use crate::error::Failure;
use crate::manager::{LOG, Manager};

/// Protocols whose volumes a host may cache, in upstream's spellings.
const CACHEABLE: [&str; 11] = [
    "iSCSI",
    "iscsi",
    "FC",
    "fibre_channel",
    "fc",
    "NVMe-oF",
    "NVMeOF",
    "nvmeof",
    "NVMe-RoCE",
    "NVMe-FC",
    "NVMe-TCP",
];

impl Manager {
    /// What the driver says now, with what only the manager knows.
    ///
    /// # Errors
    ///
    /// `DriverNotInitialized`, or the driver's.
    pub fn capabilities(&self, request: &RequestContext) -> Result<Map<String, Value>, Failure> {
        let mut all = self.driver_says(request)?;
        let protocol = all.get("storage_protocol").and_then(Value::as_str).unwrap_or_default();
        let cacheable = CACHEABLE.contains(&protocol);
        let complete = |pool: &mut Map<String, Value>, allocated: i64| {
            pool.insert("allocated_capacity_gb".to_owned(), allocated.into());
            if cacheable {
                pool.entry("cacheable").or_insert(Value::Bool(true));
            }
        };
        match all.get_mut("pools") {
            Some(Value::Array(pools)) => {
                for pool in pools.iter_mut().filter_map(Value::as_object_mut) {
                    let name = pool.get("pool_name").and_then(Value::as_str).unwrap_or_default();
                    let allocated = self.allocated.of(name);
                    complete(pool, allocated);
                }
            }
            Some(_) => {
                let text = "Programming error in Cinder: the driver's pools are no list";
                return Err(Failure::new("ProgrammingError", text));
            }
            None => {
                let allocated = self.allocated.of(&self.options.default_pool);
                complete(&mut all, allocated);
            }
        }
        let function = |own: Option<String>| own.map_or(Value::Null, Value::from);
        all.entry("filter_function").or_insert(function(self.driver.filter_function()));
        all.entry("goodness_function").or_insert(function(self.driver.goodness_function()));
        Ok(all)
    }

    /// The driver is ready and the bus has been tried: has the service's row say whether this back end
    /// replicates, unless it has failed over, and the log that all is done (`spec/startup.md` §7).
    ///
    /// # Errors
    ///
    /// `DriverNotInitialized`, the driver's, or the database's.
    pub fn complete(&self, request: &RequestContext) -> Result<(), Failure> {
        let About { name, version, .. } = self.driver.about();
        info!(target: LOG, "Initializing RPC dependent components of volume driver {name} ({version})");
        let says = self.driver_says(request)?;
        let replicates = says.get("replication_enabled") == Some(&Value::Bool(true));
        let status =
            if replicates { ReplicationStatus::ENABLED } else { ReplicationStatus::DISABLED };
        let mut connection = self.connection()?;
        let Some(row) = self.own_row(&mut connection)? else {
            let text = format!("Service {} could not be found.", self.options.host.as_str());
            return Err(Failure::new("ServiceNotFound", text));
        };
        let is = |known: Option<&str>, status: &ReplicationStatus| known == Some(status.as_str());
        let known = row.replication_status.as_deref();
        if !is(known, &ReplicationStatus::FAILED_OVER) && !is(known, &status) {
            let replication_status = changes::to(status.as_str());
            let change = services::Change { replication_status, ..services::Change::default() };
            services::update(&mut connection, self.options.service, &change)?;
        }
        info!(target: LOG, "Driver post RPC initialization completed successfully.");
        Ok(())
    }

    fn driver_says(&self, request: &RequestContext) -> Result<Map<String, Value>, Failure> {
        let stats = self.ready_driver()?.stats(&self.context(Call::Stats, request))?;
        match serde_json::to_value(Revealed(&stats.to_map())) {
            Ok(Value::Object(all)) => Ok(all),
            _ => Err(Failure::new("ProgrammingError", "the driver's statistics are no object")),
        }
    }

    pub(crate) fn get_capabilities(
        &self,
        _: GetCapabilities,
        request: &RequestContext,
    ) -> Result<Value, Failure> {
        let mut all = self.driver_says(request)?;
        all.insert("vendor_prefix".to_owned(), self.driver.about().name.into());
        let property = |title: &str, text: &str| json!({"title": title, "description": text, "type": "boolean"});
        all.insert(
            "properties".to_owned(),
            json!({
                "thin_provisioning": property("Thin Provisioning", "Sets thin provisioning."),
                "compression": property("Compression", "Enables compression."),
                "qos": property("QoS", "Enables QoS."),
                "replication_enabled": property("Replication", "Enables replication."),
            }),
        );
        Ok(Value::Object(all))
    }
}
