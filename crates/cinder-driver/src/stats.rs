//! What a back end says about itself: sizes, states, what its parts are like.
//!
//! Must not: compute what the scheduler computes: the ratio of over-subscription goes as the text
//! that the operator wrote, and a number that is not known is said to be unknown. The manager adds
//! what only it knows (`spec/manager.md §2`).

use crate::value::{Map, Value};

/// An amount of GiB, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many.
    Gib(f64),
    /// As many as one likes.
    Infinite,
    /// Nobody knows.
    Unknown,
}

impl Amount {
    /// From bytes, with two digits as all drivers tell it.
    #[must_use]
    pub fn of_bytes(bytes: u64) -> Self {
        let hundredths = u128::from(bytes) * 100;
        let gib = u128::from(crate::view::GIB);
        Self::Gib(((hundredths + gib / 2) / gib) as f64 / 100.0)
    }

    /// The number, if it is one.
    #[must_use]
    pub fn gib(self) -> Option<f64> {
        match self {
            Self::Gib(gib) => Some(gib),
            _ => None,
        }
    }
}

impl From<Amount> for Value {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Gib(gib) => gib.into(),
            Amount::Infinite => "infinite".into(),
            Amount::Unknown => "unknown".into(),
        }
    }
}

/// What a back end says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// What types ask for by this name.
    pub volume_backend_name: String,
    /// Whose it is.
    pub vendor_name: String,
    /// Of the driver.
    pub driver_version: String,
    /// `iSCSI`, `ceph`, `nfs`, `local` …
    pub storage_protocol: String,
    /// Whether several volumes share one target; none for drivers that do not say.
    pub shared_targets: Option<bool>,
    /// Whether holes survive a copy.
    pub sparse_copy_volume: Option<bool>,
    /// Whether a volume can be cloned into another pool.
    pub clone_across_pools: Option<bool>,
    /// Where it can fail over to, for drivers that replicate.
    pub replication_targets: Option<Vec<String>>,
    /// `error` makes the manager ask what is wrong.
    pub replication_status: Option<String>,
    /// How large it is.
    pub capacity: Capacity,
    /// Whatever else schedulers or operators filter by, in this order.
    pub extra: Map,
    /// How its parts are, for operators.
    pub health: Vec<PartHealth>,
}

/// Where the sizes stand.
#[derive(Debug, Clone, PartialEq)]
pub enum Capacity {
    /// Beside the rest: the back end is one pool without a name.
    TopLevel(Pool),
    /// In pools with names.
    Pools(Vec<(String, Pool)>),
}

/// A pool, or a back end without pools.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// How much it holds.
    pub total: Amount,
    /// How much more it can take.
    pub free: Amount,
    /// The sum of the sizes that were promised; none lets the scheduler count by itself.
    pub provisioned: Option<Amount>,
    /// How much of it is not to be used.
    pub reserved_percentage: u32,
    /// As the operator wrote it: a number or `auto`.
    pub max_over_subscription_ratio: Option<String>,
    /// Whether volumes take space as they are written.
    pub thin_provisioning: bool,
    /// Whether they take it at once.
    pub thick_provisioning: bool,
    /// Whether it can limit volumes.
    pub qos_support: bool,
    /// Whether a volume may be attached more than once.
    pub multiattach: bool,
    /// Whether a volume can grow while it is attached.
    pub online_extend: Option<bool>,
    /// How to find it from another host.
    pub location_info: Option<String>,
    /// How many are in it.
    pub total_volumes: Option<u64>,
    /// Whether it works.
    pub state: State,
    /// Whatever else, in this order.
    pub extra: Map,
}

impl Pool {
    /// One of which nothing is known.
    #[must_use]
    pub fn unknown(state: State) -> Self {
        Self {
            total: Amount::Unknown,
            free: Amount::Unknown,
            provisioned: None,
            reserved_percentage: 0,
            max_over_subscription_ratio: None,
            thin_provisioning: false,
            thick_provisioning: false,
            qos_support: false,
            multiattach: false,
            online_extend: None,
            location_info: None,
            total_volumes: None,
            state,
            extra: Map::new(),
        }
    }

    fn fill(&self, map: &mut Map) {
        map.insert("total_capacity_gb", self.total);
        map.insert("free_capacity_gb", self.free);
        map.insert("reserved_percentage", self.reserved_percentage);
        some(map, "provisioned_capacity_gb", self.provisioned);
        some(map, "max_over_subscription_ratio", self.max_over_subscription_ratio.clone());
        map.insert("thin_provisioning_support", self.thin_provisioning);
        map.insert("thick_provisioning_support", self.thick_provisioning);
        map.insert("QoS_support", self.qos_support);
        map.insert("multiattach", self.multiattach);
        some(map, "online_extend_support", self.online_extend);
        some(map, "location_info", self.location_info.clone());
        some(map, "total_volumes", self.total_volumes);
        map.insert("backend_state", self.state.as_str());
        for (key, value) in self.extra.iter() {
            map.insert(key, value.clone());
        }
    }
}

fn some(map: &mut Map, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(key, value);
    }
}

/// Whether something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Up,
    /// It does not.
    Down,
}

impl State {
    /// As the scheduler reads it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// How a part of a back end is: a share, a pool, a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartHealth {
    /// Its name.
    pub part: String,
    /// How it is.
    pub health: Health,
}

/// How something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Well.
    Good,
    /// It works, and somebody should look at it.
    Warning(String),
    /// It does not work.
    Down(String),
}

impl Stats {
    /// As the scheduler gets it, in the order in which drivers tell it.
    #[must_use]
    pub fn to_map(&self) -> Map {
        let mut map = Map::new()
            .with("volume_backend_name", self.volume_backend_name.as_str())
            .with("vendor_name", self.vendor_name.as_str())
            .with("driver_version", self.driver_version.as_str())
            .with("storage_protocol", self.storage_protocol.as_str());
        some(&mut map, "shared_targets", self.shared_targets);
        some(&mut map, "sparse_copy_volume", self.sparse_copy_volume);
        some(&mut map, "clone_across_pools", self.clone_across_pools);
        map.insert("replication_enabled", self.replication_targets.is_some());
        some(&mut map, "replication_targets", self.replication_targets.clone());
        some(&mut map, "replication_status", self.replication_status.clone());
        match &self.capacity {
            Capacity::TopLevel(pool) => pool.fill(&mut map),
            Capacity::Pools(pools) => {
                let one = |(name, pool): &(String, Pool)| {
                    let mut map = Map::new().with("pool_name", name.as_str());
                    pool.fill(&mut map);
                    map
                };
                map.insert("pools", pools.iter().map(one).collect::<Vec<_>>());
            }
        }
        for (key, value) in self.extra.iter() {
            map.insert(key, value.clone());
        }
        map
    }

    /// Every pool, with its name if it has one.
    pub fn pools(&self) -> impl Iterator<Item = (Option<&str>, &Pool)> {
        let (top, pools) = match &self.capacity {
            Capacity::TopLevel(pool) => (Some((None, pool)), [].as_slice()),
            Capacity::Pools(pools) => (None, pools.as_slice()),
        };
        let named = pools.iter().map(|(name, pool)| (Some(name.as_str()), pool));
        top.into_iter().chain(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Revealed;

    fn stats(capacity: Capacity) -> String {
        let stats = Stats {
            volume_backend_name: "b".to_owned(),
            vendor_name: "v".to_owned(),
            driver_version: "1".to_owned(),
            storage_protocol: "p".to_owned(),
            shared_targets: None,
            sparse_copy_volume: Some(true),
            clone_across_pools: None,
            replication_targets: None,
            replication_status: None,
            capacity,
            extra: Map::new().with("mine", 7_u64),
            health: Vec::new(),
        };
        serde_json::to_string(&Revealed(&stats.to_map())).expect("it can be written")
    }

    #[test]
    fn what_is_not_known_is_said_to_be_unknown_and_the_ratio_stays_text() {
        let mut pool = Pool::unknown(State::Down);
        pool.free = Amount::Infinite;
        pool.total = Amount::of_bytes(3 << 29);
        pool.max_over_subscription_ratio = Some("20.0".to_owned());
        let sizes = r#""total_capacity_gb":1.5,"free_capacity_gb":"infinite","reserved_percentage":0,"max_over_subscription_ratio":"20.0","thin_provisioning_support":false,"thick_provisioning_support":false,"QoS_support":false,"multiattach":false,"backend_state":"down""#;
        let head = r#"{"volume_backend_name":"b","vendor_name":"v","driver_version":"1","storage_protocol":"p","sparse_copy_volume":true,"replication_enabled":false,"#;
        let top = stats(Capacity::TopLevel(pool.clone()));
        assert_eq!(top, format!("{head}{sizes},\"mine\":7}}"));
        let pools = stats(Capacity::Pools(vec![("a".to_owned(), pool)]));
        assert_eq!(
            pools,
            format!("{head}\"pools\":[{{\"pool_name\":\"a\",{sizes}}}],\"mine\":7}}")
        );
    }

    #[test]
    fn bytes_are_told_as_gib_with_two_digits() {
        for (bytes, gib) in [(0, 0.0), (1 << 30, 1.0), (1 << 20, 0.0), (5_368_710, 0.01)] {
            assert_eq!(Amount::of_bytes(bytes).gib(), Some(gib), "{bytes}");
        }
        assert_eq!(Amount::of_bytes(u64::MAX).gib(), Some(17_179_869_184.0));
        assert_eq!(Amount::Unknown.gib(), None);
    }
}
