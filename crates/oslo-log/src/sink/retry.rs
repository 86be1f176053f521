//! When to offer waiting lines again, if nothing else happens before.
//!
//! Must not look at the clock itself.

use std::time::{Duration, Instant};

/// A reader that takes lines, if slowly, is offered more after this time.
const FIRST: Duration = Duration::from_millis(100);
/// One that takes none is asked ever less often, down to this: if it has stopped for good, that
/// should cost nothing worth mentioning.
const LAST: Duration = Duration::from_secs(5);

/// The pauses between two offers to one reader.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    /// The last pause and its end; none while the reader takes lines.
    pause: Option<(Duration, Instant)>,
}

impl Retry {
    /// The reader has taken something.
    pub(crate) fn forget(&mut self) {
        self.pause = None;
    }

    /// The time until the next offer, after one that left something waiting.
    pub(crate) fn left(&mut self, now: Instant) -> Duration {
        let (pause, due) = match self.pause {
            // An offer out of turn says nothing new.
            Some((pause, due)) if now < due => (pause, due),
            Some((pause, _)) => {
                let pause = (pause * 2).min(LAST);
                (pause, now + pause)
            }
            None => (FIRST, now + FIRST),
        };
        self.pause = Some((pause, due));
        due.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_takes_nothing_is_asked_ever_less_often_and_at_once_when_it_does() {
        let mut now = Instant::now();
        let mut retry = Retry::default();
        let pauses: Vec<_> = (0..8)
            .map(|_| {
                let left = retry.left(now);
                now += left;
                left.as_millis()
            })
            .collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(retry.left(now), LAST);
        assert_eq!(retry.left(now + LAST / 2), LAST / 2, "nothing new in between");
        retry.forget();
        assert_eq!(retry.left(now), FIRST);
    }
}
