//! How large the file system is, what was promised of it, and whether somebody should look at it.

use cinder_driver::{
    Amount, Capacity, Driver, DriverError, Health, Map, PartHealth, Pool, State, Stats,
};

use crate::directory::Directory;
use crate::driver::{LocalDriver, lock};
use crate::sum::Sum;

/// From how much of it on a file system is worth a warning.
const NEARLY_FULL: u64 = 95;

impl LocalDriver {
    /// What can be seen now. A directory that is not there is a pool that is down, of which nothing
    /// is known.
    pub(crate) fn look(&self) -> Stats {
        let (options, about) = (self.options(), self.about());
        let part = options.directory.display().to_string();
        let (pool, health) = match self.directory().and_then(|it| self.pool(&it)) {
            Ok((pool, health)) => (pool, health),
            Err(error) => (Pool::unknown(State::Down), Health::Down(error.to_string())),
        };
        let pool = Pool {
            reserved_percentage: options.reserved_percentage,
            max_over_subscription_ratio: Some(options.max_over_subscription_ratio),
            thin_provisioning: !options.preallocate,
            thick_provisioning: options.preallocate,
            multiattach: true,
            online_extend: Some(true),
            ..pool
        };
        Stats {
            volume_backend_name: options.backend_name,
            vendor_name: about.vendor.to_owned(),
            driver_version: about.version.to_owned(),
            storage_protocol: about.storage_protocol.to_owned(),
            shared_targets: Some(false),
            sparse_copy_volume: Some(!options.preallocate),
            clone_across_pools: None,
            replication_targets: None,
            replication_status: None,
            capacity: Capacity::TopLevel(pool),
            extra: Map::new(),
            health: vec![PartHealth { part, health }],
        }
    }

    fn pool(&self, directory: &Directory) -> Result<(Pool, Health), DriverError> {
        let space = directory.space()?;
        let Sum { promised, volumes, .. } = Sum::kept(&mut lock(&self.sum), directory)?;
        let used = space.total.saturating_sub(space.free);
        let percent = (u128::from(used) * 100).checked_div(u128::from(space.total)).unwrap_or(0);
        let health = match percent >= u128::from(NEARLY_FULL) {
            true => Health::Warning(format!("{percent} % of the file system are used")),
            false => Health::Good,
        };
        let pool = Pool {
            total: Amount::of_bytes(space.total),
            free: Amount::of_bytes(space.free),
            provisioned: Some(Amount::of_bytes(promised)),
            total_volumes: Some(volumes),
            ..Pool::unknown(State::Up)
        };
        Ok((pool, health))
    }
}
