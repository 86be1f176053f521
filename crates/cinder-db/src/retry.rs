//! Trying again what the database undid to let others go on.
//!
//! Must not: repeat anything else. A lost connection leaves open whether a commit arrived, and a
//! refusal stays one.

use std::{
    hash::{BuildHasher as _, RandomState},
    thread,
    time::Duration,
};

use tracing::debug;

use crate::error::{DbError, Fault};

/// Upstream's `max_retries` for deadlocks.
const RETRIES: u32 = 5;

/// The longest pause before the first repetition; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs `body`, and up to five times again as long as it ends in a deadlock.
///
/// Pauses are random: two that were in each other's way should not meet again.
pub(crate) fn on_deadlock<T>(body: impl FnMut() -> Result<T, DbError>) -> Result<T, DbError> {
    repeat(body, |longest| thread::sleep(longest.mul_f64(fraction())))
}

/// `pause` is given the longest time that it may take.
fn repeat<T>(
    mut body: impl FnMut() -> Result<T, DbError>,
    mut pause: impl FnMut(Duration),
) -> Result<T, DbError> {
    for attempt in 0..RETRIES {
        match body() {
            Err(error) if error.fault() == Some(Fault::Deadlock) => {
                debug!(target: "cinder.db", "a deadlock was resolved against us, repeating (attempt {} of {RETRIES})", attempt + 1);
                pause(PAUSE * 2_u32.pow(attempt));
            }
            done => return done,
        }
    }
    body()
}

/// A random number from 0 up to 1.
fn fraction() -> f64 {
    // The standard library seeds its hashers at random; nothing here needs better randomness.
    let bits = RandomState::new().hash_one(0_u8);
    f64::from(u32::try_from(bits >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(fault: Fault) -> Result<(), DbError> {
        Err(DbError::Query { fault, source: "test".into() })
    }

    /// How often a body ran that fails so for the first `failures` times, the end of it, and the
    /// longest pauses in between.
    fn runs(failures: u32, fault: Fault) -> (u32, bool, Vec<u128>) {
        let (mut runs, mut pauses) = (0, Vec::new());
        let body = || {
            runs += 1;
            if runs <= failures { failed(fault) } else { Ok(()) }
        };
        let done = repeat(body, |longest| pauses.push(longest.as_millis()));
        (runs, done.is_ok(), pauses)
    }

    #[test]
    fn a_deadlock_is_repeated_five_times_and_nothing_else_is() {
        assert_eq!(runs(0, Fault::Deadlock), (1, true, vec![]));
        assert_eq!(runs(3, Fault::Deadlock), (4, true, vec![20, 40, 80]));
        assert_eq!(runs(5, Fault::Deadlock), (6, true, vec![20, 40, 80, 160, 320]));
        assert_eq!(runs(6, Fault::Deadlock), (6, false, vec![20, 40, 80, 160, 320]));
        for fault in [Fault::Lost, Fault::Constraint, Fault::Busy] {
            assert_eq!(runs(1, fault), (1, false, vec![]), "{fault:?}");
        }
    }

    #[test]
    fn pauses_differ() {
        let some: Vec<_> = (0..8).map(|_| fraction()).collect();
        assert!(some.iter().all(|one| (0.0..=1.0).contains(one)), "{some:?}");
        assert!(some.iter().any(|one| *one != some[0]), "{some:?}");
    }
}
