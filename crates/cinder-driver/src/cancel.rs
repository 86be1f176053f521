//! How a running operation is told to stop, and until when it may run.
//!
//! Must not: stop anything. A driver looks, at least once a second while it is in its own code.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::GivenUp;

/// A flag that can be raised once, and waited for.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<(Mutex<bool>, Condvar)>);

impl CancelFlag {
    /// Raises it, for all copies.
    pub fn cancel(&self) {
        let (raised, told) = &*self.0;
        *raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        told.notify_all();
    }

    /// Whether it is raised.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is raised, or for so long; whether it is raised.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> bool {
        let (raised, told) = &*self.0;
        let held = raised.lock().unwrap_or_else(PoisonError::into_inner);
        let result = told.wait_timeout_while(held, limit, |raised| !*raised);
        *result.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Until when something may run: a deadline, and a flag.
#[derive(Debug, Clone, Default)]
pub struct Limit {
    deadline: Option<Instant>,
    flag: CancelFlag,
}

impl Limit {
    /// A limit of both.
    #[must_use]
    pub fn new(deadline: Option<Instant>, flag: CancelFlag) -> Self {
        Self { deadline, flag }
    }

    /// When its time is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The flag.
    #[must_use]
    pub fn flag(&self) -> &CancelFlag {
        &self.flag
    }

    /// The same flag with an earlier deadline.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        let sooner = Instant::now().checked_add(time);
        let deadline = match (self.deadline, sooner) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        };
        Self { deadline, flag: self.flag.clone() }
    }

    /// Whether to go on.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check(&self) -> Result<(), GivenUp> {
        if self.flag.is_cancelled() {
            return Err(GivenUp::Asked);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(GivenUp::Deadline),
            _ => Ok(()),
        }
    }

    /// Rests for so long.
    ///
    /// # Errors
    ///
    /// Why the rest was cut short.
    pub fn rest(&self, time: Duration) -> Result<(), GivenUp> {
        self.check()?;
        let left = self.deadline.map(|it| it.saturating_duration_since(Instant::now()));
        let _raised = self.flag.wait(left.map_or(time, |left| left.min(time)));
        self.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_ends_when_the_flag_is_raised_or_the_time_is_over() {
        let flag = CancelFlag::default();
        let limit = Limit::new(None, flag.clone());
        assert_eq!(limit.check(), Ok(()));
        let other = std::thread::spawn(move || limit.rest(Duration::from_secs(600)));
        flag.cancel();
        assert_eq!(other.join().expect("it does not panic"), Err(GivenUp::Asked));

        let limit = Limit::default().within(Duration::ZERO);
        assert_eq!(limit.rest(Duration::from_secs(600)), Err(GivenUp::Deadline));
    }

    #[test]
    fn of_two_deadlines_the_earlier_counts() {
        let far = Limit::default().within(Duration::from_secs(600));
        let near = far.within(Duration::from_secs(6));
        assert!(near.deadline() < far.deadline());
        assert_eq!(near.within(Duration::from_secs(600)).deadline(), near.deadline());
    }
}
