//! Which resources this process works on: a message that comes again, and a clean-up, find out here that somebody is at
//! it already.
//!
//! An entry in table `workers` keeps services apart, not the threads of one. Must not: wait; who comes second has
//! nothing to do.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The resources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Busy(Arc<Mutex<BTreeSet<String>>>);

/// A resource that is worked on until this is dropped.
#[derive(Debug)]
pub(crate) struct AtWork {
    busy: Busy,
    id: String,
}

impl Busy {
    /// Whether somebody works on it.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// Begins to work on something; nothing if somebody does already.
    pub(crate) fn begin(&self, id: &str) -> Option<AtWork> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id.to_owned()).then(|| AtWork { busy: self.clone(), id: id.to_owned() })
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.busy.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_works_on_a_resource_at_a_time() {
        let busy = Busy::default();
        let first = busy.begin("1");
        assert!(busy.has("1") && !busy.has("2"));
        assert!(first.is_some() && busy.begin("1").is_none() && busy.begin("2").is_some());
        drop(first);
        assert!(busy.begin("1").is_some());
    }
}
