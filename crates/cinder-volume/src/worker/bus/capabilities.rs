//! What schedulers are told of a back end, and how: a cast to all of them, and one for whichever takes it and tells
//! others (`spec/manager.md` §2).
//!
//! Must not: know a driver; it is a [`CapabilitySource`].

use cinder_types::{ClusterName, RequestContext, ServiceHost};
use oslo_messaging::{CallError, Client, Context, Destination, Request};
use serde_json::{Map, Value, json};

use super::request::fresh_id;

/// What every scheduler is told with, and the version that has a cluster's name.
const UPDATE: (&str, &str) = ("update_service_capabilities", "3.3");
/// What one of them is told with, who makes it a notification, and the version that knows clusters.
const NOTIFY: (&str, &str) = ("notify_service_capabilities", "3.5");

/// Knows what a back end can do and how much room it has.
pub(crate) trait CapabilitySource: Send + Sync {
    /// What is told of it: `volume_backend_name`, `storage_protocol`, `pools` and so on.
    ///
    /// # Errors
    ///
    /// Why it cannot be told now, for operators; what was told last is told again then.
    fn capabilities(&self) -> Result<Map<String, Value>, String>;
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
    /// Tells every scheduler that listens, and one of them once more, who passes it on.
    ///
    /// # Errors
    ///
    /// [`CallError`]; that there is no scheduler is none.
    pub(super) fn publish(
        &self,
        client: &Client,
        exchange: &str,
        capabilities: &Map<String, Value>,
    ) -> Result<(), CallError> {
        let now = now();
        let context = Context::new(RequestContext::own(fresh_id(), now.clone()).forward());
        let topic = crate::bus::SCHEDULER.to_owned();
        let request =
            Request::new(UPDATE.0, UPDATE.1, &self.update(capabilities, &now), context.clone())?;
        client.cast(&Destination::Fanout { topic: topic.clone() }, request)?;
        let request = Request::new(NOTIFY.0, NOTIFY.1, &self.notice(capabilities, &now), context)?;
        client.tell(&Destination::Topic { exchange: exchange.to_owned(), topic }, request)
    }

    fn update(&self, capabilities: &Map<String, Value>, now: &str) -> Value {
        json!({
            "service_name": "volume",
            "host": self.host.as_str(),
            "capabilities": capabilities,
            "cluster_name": self.cluster.as_ref().map(ClusterName::as_str),
            "timestamp": now,
        })
    }

    fn notice(&self, capabilities: &Map<String, Value>, now: &str) -> Value {
        json!({
            "service_name": "volume",
            "backend": self.cluster.as_ref().map_or(self.host.as_str(), ClusterName::as_str),
            "capabilities": capabilities,
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

    /// `spec/rpc.md` and the messages that were captured from the original.
    #[test]
    fn schedulers_are_told_with_the_keys_of_the_original() {
        let samples = include_str!("../../../../oslo-messaging/tests/data/rpc-samples.json");
        let samples: Vec<Value> = serde_json::from_str(samples).unwrap();
        let whose = Whose {
            host: ServiceHost::from_parts("n", None, "b"),
            cluster: ClusterName::from_option("c", "b"),
        };
        let capabilities = Map::new();
        let keys = |value: &Value| {
            let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let (update, notice) =
            (whose.update(&capabilities, &now()), whose.notice(&capabilities, &now()));
        for ((method, version), ours) in [(UPDATE, &update), (NOTIFY, &notice)] {
            let theirs = samples.iter().find(|one| one["message"]["method"] == method);
            let theirs = &theirs.unwrap()["message"];
            assert_eq!(keys(ours), keys(&theirs["args"]), "{method}");
            assert_eq!(theirs["version"], version);
            let length = |value: &Value| value["timestamp"].as_str().unwrap().len();
            assert_eq!(length(ours), length(&theirs["args"]));
        }
        assert_eq!((&update["host"], &update["cluster_name"]), (&json!("n@b"), &json!("c@b")));
        assert_eq!(notice["backend"], "c@b");
        let alone = Whose { cluster: None, ..whose };
        assert_eq!(alone.notice(&capabilities, &now())["backend"], "n@b");
    }
}
