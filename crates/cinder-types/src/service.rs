//! Who a volume service is: its host, its cluster, its row's id and uuid.
//!
//! Must not: validate characters. `spec/startup.md §2`: the host goes into the row as written.

use std::fmt;

use crate::host::HostParts;

/// The name under which volume services stand in table `services`; the RPC topic as well.
pub const BINARY: &str = "cinder-volume";

/// A service's host, always `host@backend`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceHost(String);

impl ServiceHost {
    /// Builds the host of back end `backend` (`spec/startup.md §2`).
    ///
    /// `backend_host` is the option of the back end's own section; it replaces `host`
    /// unless it is unset or empty.
    #[must_use]
    pub fn from_parts(host: &str, backend_host: Option<&str>, backend: &str) -> Self {
        let host = backend_host.filter(|text| !text.is_empty()).unwrap_or(host);
        Self(format!("{host}@{backend}"))
    }

    /// Takes a complete `host@backend` as it stands in a row.
    #[must_use]
    pub fn from_row(host: impl Into<String>) -> Self {
        Self(host.into())
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name taken apart.
    #[must_use]
    pub fn parts(&self) -> HostParts<'_> {
        HostParts::parse(&self.0)
    }
}

/// A cluster's name, always `cluster@backend`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(String);

impl ClusterName {
    /// Builds the cluster of back end `backend`; `None` when the option is blank.
    ///
    /// Spaces around the option do not count (`spec/startup.md §2`: ` cl1 ` gives `cl1@b1`).
    #[must_use]
    pub fn from_option(cluster: &str, backend: &str) -> Option<Self> {
        let cluster = cluster.trim();
        (!cluster.is_empty()).then(|| Self(format!("{cluster}@{backend}")))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Primary key of a row of table `services`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(i32);

impl ServiceId {
    /// Wraps a key read from the database.
    #[must_use]
    pub fn new(id: i32) -> Self {
        Self(id)
    }

    /// The key as a number.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

/// `services.uuid`, which volumes carry as `service_uuid`.
///
/// Kept as text: the database may hold whatever an older release or a hand wrote, and it
/// is only ever compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceUuid(String);

impl ServiceUuid {
    /// Wraps a uuid read from the database or freshly generated.
    #[must_use]
    pub fn new(uuid: impl Into<String>) -> Self {
        Self(uuid.into())
    }

    /// The uuid as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ServiceUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backend_host_replaces_host_unless_it_is_empty() {
        for (host, backend_host, backend, expected) in [
            ("node", None, "lvm", "node@lvm"),
            ("node", Some(""), "lvm", "node@lvm"),
            ("node", Some("shared"), "lvm", "shared@lvm"),
            ("my host@x", None, "b1", "my host@x@b1"),
        ] {
            assert_eq!(ServiceHost::from_parts(host, backend_host, backend).as_str(), expected);
        }
    }

    #[test]
    fn a_cluster_is_trimmed_and_a_blank_one_is_none() {
        assert_eq!(ClusterName::from_option(" cl1 ", "b1").unwrap().as_str(), "cl1@b1");
        assert_eq!(ClusterName::from_option("", "b1"), None);
        assert_eq!(ClusterName::from_option(" \t", "b1"), None);
    }
}
