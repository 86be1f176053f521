//! When a service manager has to be asked for more time: `EXTEND_TIMEOUT_USEC` of `sd_notify(3)`.
//!
//! The manager gives a start and a stop a fixed time; ours may rightly take longer, while a
//! database is away or an operation runs. So we ask again and again, each time for as long as it
//! takes until we ask next, and a margin. If this process hangs, the manager's own time runs out
//! soon afterwards. Pure: time comes in as an argument.

use std::time::{Duration, Instant};

/// A start or stop that is over by then asks for nothing.
const FIRST: Duration = Duration::from_secs(1);

/// Pause between two requests.
const EVERY: Duration = Duration::from_secs(15);

/// What may keep the parent from asking in time: a machine without processor time.
const MARGIN: Duration = Duration::from_secs(30);

/// Asks for more time, or does not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extensions {
    next: Option<Instant>,
}

impl Extensions {
    /// Something begins that may take long.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.next = Some(now + FIRST);
    }

    /// It is over.
    pub(crate) fn end(&mut self) {
        self.next = None;
    }

    /// When to ask next; `None` while nothing takes long.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// How much time to ask for, if it is time to ask; `deadline` is when it is over at the latest.
    pub(crate) fn ask(&mut self, now: Instant, deadline: Option<Instant>) -> Option<Duration> {
        self.next.filter(|next| *next <= now)?;
        self.next = Some(now + EVERY);
        let left = deadline.map_or(EVERY, |at| at.saturating_duration_since(now).min(EVERY));
        Some(left + MARGIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_in_time_as_long_as_it_lasts_and_for_no_longer_than_needed() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let asked = |time: Option<Duration>| time.map(|time| time.as_secs());
        let mut extensions = Extensions::default();
        assert_eq!(extensions.ask(at(100), None), None);
        extensions.begin(start);
        assert_eq!((extensions.next(), extensions.ask(start, None)), (Some(at(1)), None));
        assert_eq!(asked(extensions.ask(at(1), None)), Some(45));
        assert_eq!((extensions.next(), extensions.ask(at(15), None)), (Some(at(16)), None));
        assert_eq!(asked(extensions.ask(at(16), Some(at(20)))), Some(34));
        extensions.end();
        assert_eq!((extensions.next(), extensions.ask(at(100), None)), (None, None));
    }
}
