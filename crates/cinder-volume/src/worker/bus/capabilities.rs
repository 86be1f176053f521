//! What schedulers are told of a back end, and how: a cast to all of them (`spec/manager.md` §2).
//!
//! Must not: know a driver; it is a [`CapabilitySource`].

use cinder_types::{ClusterName, RequestContext, ServiceHost};
use oslo_messaging::{CallError, Client, Context, Destination, Request};
use serde_json::{Map, Value, json};
use tracing::warn;

use super::request::fresh_id;

/// The topic of schedulers, and the version in which they take capabilities with a cluster's name.
const SCHEDULER: (&str, &str) = (crate::bus::SCHEDULER, "3.3");

/// Knows what a back end can do and how much room it has.
pub(crate) trait CapabilitySource: Send + Sync {
    /// What is told of it: `volume_backend_name`, `storage_protocol`, `pools` and so on.
    ///
    /// # Errors
    ///
    /// Why it cannot be told now, for operators; what was told last is told again then.
    fn capabilities(&self) -> Result<Map<String, Value>, String>;
}

/// What is told now: what the source knows, or what was told last.
pub(super) fn newest<'a>(
    source: &dyn CapabilitySource,
    known: &'a mut Option<Map<String, Value>>,
) -> Option<&'a Map<String, Value>> {
    match source.capabilities() {
        Ok(capabilities) => *known = Some(capabilities),
        Err(reason) => {
            warn!(target: "cinder.volume.manager", "Update driver status failed: {reason}");
        }
    }
    known.as_ref()
}

/// There is no driver: nothing is told, so that nothing is scheduled to it.
pub(in crate::worker) struct NoCapacity;

impl CapabilitySource for NoCapacity {
    fn capabilities(&self) -> Result<Map<String, Value>, String> {
        Err("the driver is not ready".to_owned())
    }
}

/// Whose capabilities they are.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    pub host: ServiceHost,
    pub cluster: Option<ClusterName>,
}

impl Whose {
    /// Tells every scheduler that listens.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub(super) fn publish(
        &self,
        client: &Client,
        capabilities: &Map<String, Value>,
    ) -> Result<(), CallError> {
        let (topic, version) = SCHEDULER;
        let now = now();
        let args = self.arguments(capabilities, &now);
        let context = Context::new(RequestContext::own(fresh_id(), now).forward());
        let request = Request::new("update_service_capabilities", version, &args, context)?;
        client.cast(&Destination::Fanout { topic: topic.to_owned() }, request)
    }

    fn arguments(&self, capabilities: &Map<String, Value>, now: &str) -> Value {
        json!({
            "service_name": "volume",
            "host": self.host.as_str(),
            "capabilities": capabilities,
            "cluster_name": self.cluster.as_ref().map(ClusterName::as_str),
            "timestamp": now,
        })
    }
}

/// As the original writes a time into a message: ISO 8601 in UTC, without a zone.
pub(crate) fn now() -> String {
    cinder_db::Timestamp::now().to_string().replacen(' ', "T", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `spec/rpc.md` and the message that was captured from the original.
    #[test]
    fn schedulers_are_told_with_the_keys_of_the_original() {
        let samples = include_str!("../../../../oslo-messaging/tests/data/rpc-samples.json");
        let samples: Vec<Value> = serde_json::from_str(samples).unwrap();
        let theirs = samples.iter().find(|one| one["what"] == "update_service_capabilities");
        let theirs = &theirs.unwrap()["message"];
        let whose = Whose {
            host: ServiceHost::from_parts("n", None, "b"),
            cluster: ClusterName::from_option("c", "b"),
        };
        let ours = whose.arguments(&Map::new(), &now());
        let keys = |value: &Value| {
            let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&ours), keys(&theirs["args"]));
        assert_eq!(theirs["version"], SCHEDULER.1);
        let length = |value: &Value| value["timestamp"].as_str().unwrap().len();
        assert_eq!(length(&ours), length(&theirs["args"]));
        assert_eq!((&ours["host"], &ours["cluster_name"]), (&json!("n@b"), &json!("c@b")));
    }
}
