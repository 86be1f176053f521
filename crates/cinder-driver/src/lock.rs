//! Locks by name within one process: for tests, and for a program that is the only one.
//!
//! Must not: be used where two processes serve the same back end; those lock files.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::cancel::Limit;
use crate::error::DriverError;
use crate::seams::{Held, Locks};

/// A cancellation is seen after this time at the latest.
const LOOK: Duration = Duration::from_millis(100);

/// The locks of one process; copies of it are the same ones.
#[derive(Debug, Clone, Default)]
pub struct ProcessLocks(Arc<(Mutex<BTreeSet<String>>, Condvar)>);

struct Names {
    locks: ProcessLocks,
    names: Vec<String>,
}

impl Held for Names {}

impl Drop for Names {
    fn drop(&mut self) {
        let (taken, told) = &*self.locks.0;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        for name in &self.names {
            taken.remove(name);
        }
        told.notify_all();
    }
}

impl Locks for ProcessLocks {
    /// All names or none: nobody holds one while it waits for another, so no order is needed.
    fn lock(&self, names: &[&str], limit: &Limit) -> Result<Box<dyn Held>, DriverError> {
        let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (taken, told) = &*self.0;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        while names.iter().any(|name| taken.contains(name)) {
            limit.check()?;
            let result = told.wait_timeout(taken, LOOK);
            taken = result.unwrap_or_else(PoisonError::into_inner).0;
        }
        taken.extend(names.iter().cloned());
        drop(taken);
        Ok(Box::new(Names { locks: self.clone(), names: names.into_iter().collect() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_held_by_one_and_waited_for_by_the_next() {
        let locks = ProcessLocks::default();
        let limit = Limit::default();
        let held = locks.lock(&["b", "a", "b"], &limit).expect("they are free");
        locks.lock(&["c"], &limit).expect("it is free");
        let short = limit.within(Duration::ZERO);
        let error = locks.lock(&["c", "a"], &short).expect_err("a is held");
        assert_eq!(error.class(), "cancelled");
        locks.lock(&["c"], &short).expect("who waited in vain holds nothing");
        let waiting = {
            let (locks, limit) = (locks.clone(), limit.within(Duration::from_secs(60)));
            std::thread::spawn(move || locks.lock(&["a"], &limit).is_ok())
        };
        drop(held);
        assert!(waiting.join().expect("it does not panic"));
    }
}
