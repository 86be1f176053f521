//! How many GiB have been promised, by pool (`spec/manager.md` §0): counted in this process, told to schedulers.
//! Must not: be asked whether there is room.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// GiB by pool.
#[derive(Debug, Default)]
pub(crate) struct Allocated(Mutex<BTreeMap<String, i64>>);

impl Allocated {
    /// Counts so many more, or fewer.
    pub(crate) fn add(&self, pool: &str, gib: i64) {
        let mut pools = self.pools();
        let sum = pools.entry(pool.to_owned()).or_default();
        *sum = sum.saturating_add(gib).max(0);
    }

    /// Takes what was counted elsewhere.
    pub(crate) fn set(&self, sums: impl IntoIterator<Item = (String, i64)>) {
        let mut pools = BTreeMap::new();
        sums.into_iter().for_each(|(pool, gib)| *pools.entry(pool).or_default() += gib);
        *self.pools() = pools;
    }

    /// What is promised in a pool.
    pub(crate) fn of(&self, pool: &str) -> i64 {
        self.pools().get(pool).copied().unwrap_or(0)
    }

    fn pools(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
