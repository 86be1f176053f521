//! Waiting for a state, with a limit. The only place where xtask sleeps.
//!
//! A probe says either that the state is reached or, as an error, what it saw instead;
//! the last of those errors is what a person reads when the limit passes.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// What a probe answers when the state will never be reached: the wait ends at once.
#[derive(Debug)]
pub(crate) struct Hopeless(pub(crate) String);

impl fmt::Display for Hopeless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Hopeless {}

/// Often enough that a limit of a second means something, seldom enough not to load the
/// machine that is being watched.
const PAUSE: Duration = Duration::from_millis(10);

/// Probes until `probe` succeeds.
///
/// # Errors
///
/// The last error of the probe, once `limit` has passed or it was [`Hopeless`].
pub(crate) fn wait_for<T>(
    what: &str,
    limit: Duration,
    probe: impl FnMut() -> Result<T>,
) -> Result<T> {
    wait_with_pause(what, limit, PAUSE, probe)
}

/// Like [`wait_for`], with a chosen pause between two probes (benchmarks want a short one).
///
/// # Errors
///
/// The last error of the probe, once `limit` has passed.
pub(crate) fn wait_with_pause<T>(
    what: &str,
    limit: Duration,
    pause: Duration,
    mut probe: impl FnMut() -> Result<T>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        match probe() {
            Ok(reached) => return Ok(reached),
            Err(seen) if start.elapsed() >= limit || seen.is::<Hopeless>() => {
                let waited = start.elapsed().min(limit);
                return Err(seen).with_context(|| format!("waited {waited:.0?} for {what}"));
            }
            Err(_) => thread::sleep(pause),
        }
    }
}

/// Lets a length of time pass that is itself part of an experiment (a measuring window, a lock
/// held for so long). Never a substitute for [`wait_for`].
pub(crate) fn let_pass(window: Duration) {
    thread::sleep(window);
}

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) const fn micros(n: u64) -> Duration {
    Duration::from_micros(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn a_state_reached_on_the_third_probe_is_returned() {
        let mut probes = 0;
        let seen = wait_for("three probes", secs(5), || {
            probes += 1;
            if probes == 3 { Ok(probes) } else { bail!("only {probes}") }
        });
        assert_eq!(seen.unwrap(), 3);
    }

    #[test]
    fn a_hopeless_wait_ends_at_once() {
        let mut probes = 0;
        let failure = wait_for::<()>("a miracle", secs(3600), || {
            probes += 1;
            Err(Hopeless("all is over".to_owned()).into())
        });
        assert!(format!("{:#}", failure.unwrap_err()).ends_with("all is over"));
        assert_eq!(probes, 1);
    }

    #[test]
    fn the_limit_reports_what_was_seen_last() {
        let failure = wait_for::<()>("a miracle", millis(30), || bail!("nothing yet")).unwrap_err();
        assert_eq!(format!("{failure:#}"), "waited 30ms for a miracle: nothing yet");
    }
}
