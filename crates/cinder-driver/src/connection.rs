//! Who wants to connect, and how: connectors, connection information, what a goodbye leaves.
//!
//! Must not: show a secret. `mount_point_base` stands beside the data, because that is where
//! whoever connects looks for it (`spec/driver-api.md §3`).

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::value::{Map, Revealed, Value};

/// What a host says about itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Connector(Map);

impl Connector {
    /// What was received, as it was received.
    #[must_use]
    pub fn new(fields: Map) -> Self {
        Self(fields)
    }

    /// The name of the host.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.0.text("host")
    }

    /// Its name as an iSCSI initiator.
    #[must_use]
    pub fn initiator(&self) -> Option<&str> {
        self.0.text("initiator")
    }

    /// Its name for NVMe over fabrics.
    #[must_use]
    pub fn nqn(&self) -> Option<&str> {
        self.0.text("nqn")
    }

    /// Its address.
    #[must_use]
    pub fn ip(&self) -> Option<&str> {
        self.0.text("ip")
    }

    /// Whether it takes several paths.
    #[must_use]
    pub fn multipath(&self) -> bool {
        self.0.get("multipath") == Some(&Value::Bool(true))
    }

    /// Everything that it said.
    #[must_use]
    pub fn fields(&self) -> &Map {
        &self.0
    }
}

/// How to reach a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionInfo {
    /// The protocol: `iscsi`, `rbd`, `nfs`, `local` …
    pub driver_volume_type: String,
    /// What that protocol needs, in the driver's order.
    pub data: Map,
    /// Where shares are mounted, for protocols that have such a place.
    pub mount_point_base: Option<String>,
}

impl ConnectionInfo {
    /// A way to connect with these data.
    #[must_use]
    pub fn new(driver_volume_type: impl Into<String>, data: Map) -> Self {
        Self { driver_volume_type: driver_volume_type.into(), data, mount_point_base: None }
    }
}

impl Serialize for Revealed<'_, ConnectionInfo> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("driver_volume_type", &self.0.driver_volume_type)?;
        map.serialize_entry("data", &Revealed(&self.0.data))?;
        if let Some(base) = &self.0.mount_point_base {
            map.serialize_entry("mount_point_base", base)?;
        }
        map.end()
    }
}

/// What is left of a connection after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminated {
    /// Nobody uses the export any more; it may be removed.
    Closed,
    /// Another attachment uses the same export, which has to stay.
    StillShared,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_of_mount_points_stands_beside_the_data() {
        let mut info =
            ConnectionInfo::new("nfs", Map::new().with("export", "a:/b").with("name", "v"));
        let text = |info: &ConnectionInfo| {
            serde_json::to_string(&Revealed(info)).expect("it can be written")
        };
        let without = r#"{"driver_volume_type":"nfs","data":{"export":"a:/b","name":"v"}"#;
        assert_eq!(text(&info), format!("{without}}}"));
        info.mount_point_base = Some("/mnt".to_owned());
        assert_eq!(text(&info), format!("{without},\"mount_point_base\":\"/mnt\"}}"));
    }

    #[test]
    fn several_paths_are_taken_only_if_the_host_says_so_with_a_true() {
        for (value, expected) in
            [(Value::Bool(true), true), (Value::Bool(false), false), ("true".into(), false)]
        {
            assert_eq!(Connector::new(Map::new().with("multipath", value)).multipath(), expected);
        }
    }
}
