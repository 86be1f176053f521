//! How large the file system is, what was promised of it, and whether somebody should look at it.

use std::time::{Duration, Instant};

use cinder_driver::{
    Amount, Capacity, Driver, DriverError, Health, Map, PartHealth, Pool, State, Stats,
};

use crate::directory::{Directory, foreign};
use crate::driver::{LocalDriver, lock};
use crate::name::ASIDE;

/// From how much of it on a file system is worth a warning.
const NEARLY_FULL: u64 = 95;

/// A look at all files that takes less is done each time.
const NOTICEABLE: Duration = Duration::from_millis(10);

/// One that takes longer takes no more than this part of the time, as a divisor: 5 %.
const SHARE: u32 = 20;

/// What all files have together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum {
    promised: u64,
    volumes: u64,
    begun: Instant,
    took: Duration,
}

impl Sum {
    fn of(directory: &Directory) -> Result<Self, DriverError> {
        let begun = Instant::now();
        let (mut promised, mut volumes) = (0_u64, 0);
        for (name, stat) in directory.list()? {
            if foreign(&stat).is_none() && !name.starts_with(ASIDE) {
                promised = promised.saturating_add(stat.st_size.unsigned_abs());
                volumes += 1;
            }
        }
        Ok(Self { promised, volumes, begun, took: begun.elapsed() })
    }

    /// For how long it is good enough. Statistics are asked for after every deletion; looking at 100,000
    /// files each time would be most of what a busy back end does.
    fn lasts(self) -> Duration {
        match self.took >= NOTICEABLE {
            true => self.took.saturating_mul(SHARE),
            false => Duration::ZERO,
        }
    }
}

impl LocalDriver {
    fn sum(&self, directory: &Directory) -> Result<Sum, DriverError> {
        let mut last = lock(&self.sum);
        match *last {
            Some(sum) if sum.begun.elapsed() < sum.lasts() => Ok(sum),
            _ => Ok(*last.insert(Sum::of(directory)?)),
        }
    }

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
        let Sum { promised, volumes, .. } = self.sum(directory)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(took: Duration) -> Sum {
        Sum { promised: 0, volumes: 0, begun: Instant::now(), took }
    }

    #[test]
    fn what_is_quickly_counted_is_counted_each_time_and_what_is_not_takes_a_twentieth_of_the_time()
    {
        assert_eq!(sum(Duration::from_millis(9)).lasts(), Duration::ZERO);
        assert_eq!(sum(Duration::from_millis(300)).lasts(), Duration::from_secs(6));
    }

    #[test]
    fn a_sum_that_took_long_is_told_again_until_it_is_old() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::open(place.path()).unwrap();
        let driver = LocalDriver::new(crate::LocalOptions::new("disk", place.path()));
        *lock(&driver.sum) = Some(Sum { volumes: 7, ..sum(Duration::from_secs(60)) });
        assert_eq!(driver.sum(&directory).unwrap().volumes, 7);
        let begun = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        *lock(&driver.sum) = Some(Sum { volumes: 7, begun, ..sum(NOTICEABLE) });
        assert_eq!(driver.sum(&directory).unwrap().volumes, 0);
    }
}
