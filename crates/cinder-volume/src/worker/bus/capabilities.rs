//! What schedulers are told of a back end, and how: a cast to all of them, and one for whichever takes it and tells
//! others (`spec/manager.md` §2).
//!
//! Must not: know a driver; it is a [`CapabilitySource`].

use cinder_types::{ApiVersion, ClusterName, RequestContext, ServiceHost};
use oslo_messaging::{Client, Context, Destination, Request};
use serde_json::{Map, Value, json};

use super::request::fresh_id;
use crate::worker::pins::{Cap, CapError};

/// What every scheduler is told with, the version that has a cluster's name, and the first one.
const UPDATE: &str = "update_service_capabilities";
const UPDATE_SINCE: [ApiVersion; 2] = [version(3), version(0)];
/// What one of them is told with, who makes it a notification, the version that knows clusters, and the first one.
const NOTIFY: &str = "notify_service_capabilities";
const NOTIFY_SINCE: [ApiVersion; 2] = [version(5), version(1)];

const fn version(minor: u32) -> ApiVersion {
    ApiVersion { major: 3, minor }
}

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
    /// [`CapError`]; that there is no scheduler is none.
    pub(super) fn publish(
        &self,
        client: &Client,
        exchange: &str,
        capabilities: &Map<String, Value>,
        cap: &Cap,
    ) -> Result<(), CapError> {
        let now = now();
        let context = Context::new(RequestContext::own(fresh_id(), now.clone()).forward());
        let topic = crate::bus::SCHEDULER.to_owned();
        let (version, args) = self.update(capabilities, &now, cap)?;
        let request = Request::new(UPDATE, &version, &args, context.clone())?;
        client.cast(&Destination::Fanout { topic: topic.clone() }, request)?;
        let (version, args) = self.notice(capabilities, &now, cap)?;
        let request = Request::new(NOTIFY, &version, &args, context)?;
        Ok(client.tell(&Destination::Topic { exchange: exchange.to_owned(), topic }, request)?)
    }

    fn update(
        &self,
        capabilities: &Map<String, Value>,
        now: &str,
        cap: &Cap,
    ) -> Result<(String, Value), CapError> {
        let [newer, older] = UPDATE_SINCE;
        let version = cap.choose(newer, older)?;
        let mut args = json!({
            "service_name": "volume",
            "host": self.host.as_str(),
            "capabilities": capabilities,
        });
        if version == newer {
            args["cluster_name"] = self.cluster.as_ref().map(ClusterName::as_str).into();
            args["timestamp"] = now.into();
        }
        Ok((version.to_string(), args))
    }

    fn notice(
        &self,
        capabilities: &Map<String, Value>,
        now: &str,
        cap: &Cap,
    ) -> Result<(String, Value), CapError> {
        let [newer, older] = NOTIFY_SINCE;
        cap.knows(NOTIFY, older)?;
        let version = cap.choose(newer, older)?;
        let name = self.cluster.as_ref().map_or(self.host.as_str(), ClusterName::as_str);
        let mut args = json!({"service_name": "volume", "capabilities": capabilities});
        if version == newer {
            args["backend"] = name.into();
            args["timestamp"] = now.into();
        } else {
            args["host"] = name.into();
        }
        Ok((version.to_string(), args))
    }
}

/// As the original writes a time into a message: ISO 8601 in UTC, without a zone.
pub(crate) fn now() -> String {
    cinder_db::Timestamp::now().to_string().replacen(' ', "T", 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::pins::{Peer, Pins};
    use cinder_db::MinimumVersions;

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
        let cap = Pins::default().towards(Peer::Scheduler).unwrap();
        let update = whose.update(&capabilities, &now(), &cap).unwrap();
        let notice = whose.notice(&capabilities, &now(), &cap).unwrap();
        for (method, (version, ours)) in [(UPDATE, &update), (NOTIFY, &notice)] {
            let theirs = samples.iter().find(|one| one["message"]["method"] == method);
            let theirs = &theirs.unwrap()["message"];
            assert_eq!(keys(ours), keys(&theirs["args"]), "{method}");
            assert_eq!(theirs["version"], version.as_str());
            let length = |value: &Value| value["timestamp"].as_str().unwrap().len();
            assert_eq!(length(ours), length(&theirs["args"]));
        }
        let (update, notice) = (update.1, notice.1);
        assert_eq!((&update["host"], &update["cluster_name"]), (&json!("n@b"), &json!("c@b")));
        assert_eq!(notice["backend"], "c@b");
        let named = |rpc: &str| {
            let (rpc, object) = (rpc.parse().unwrap(), "1.39".parse().unwrap());
            Cap::of(Peer::Scheduler, Some(MinimumVersions { rpc, object }))
        };
        let old = named("3.2");
        let (version, args) = whose.update(&capabilities, &now(), &old).unwrap();
        assert_eq!((version.as_str(), keys(&args).len()), ("3.0", 3));
        let (version, args) = whose.notice(&capabilities, &now(), &old).unwrap();
        assert_eq!((version.as_str(), &args["host"]), ("3.1", &json!("c@b")));
        let refused = whose.notice(&capabilities, &now(), &named("3.0")).unwrap_err().to_string();
        assert!(refused.starts_with("ServiceTooOld: notify_service_capabilities"), "{refused}");
        let alone = Whose { cluster: None, ..whose };
        assert_eq!(alone.notice(&capabilities, &now(), &cap).unwrap().1["backend"], "n@b");
    }
}
