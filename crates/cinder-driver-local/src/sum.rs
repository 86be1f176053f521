//! How much all files of the directory have been promised together, and for how long that is good enough.

use std::time::{Duration, Instant};

use cinder_driver::DriverError;

use crate::directory::{Directory, foreign};
use crate::name::ASIDE;

/// A look at all files that takes less is done each time.
const NOTICEABLE: Duration = Duration::from_millis(10);

/// One that takes longer takes no more than this part of the time, as a divisor: 5 %.
const SHARE: u32 = 20;

/// What all files have together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) promised: u64,
    pub(crate) volumes: u64,
    begun: Instant,
    took: Duration,
}

impl Sum {
    /// The last one, if it is good enough still; else a new one in its place.
    pub(crate) fn kept(
        last: &mut Option<Self>,
        directory: &Directory,
    ) -> Result<Self, DriverError> {
        match *last {
            Some(sum) if sum.begun.elapsed() < sum.lasts() => Ok(sum),
            _ => Ok(*last.insert(Self::of(directory)?)),
        }
    }

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
        let mut last = Some(Sum { volumes: 7, ..sum(Duration::from_secs(60)) });
        assert_eq!(Sum::kept(&mut last, &directory).unwrap().volumes, 7);
        let begun = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        last = Some(Sum { volumes: 7, begun, ..sum(NOTICEABLE) });
        assert_eq!(Sum::kept(&mut last, &directory).unwrap().volumes, 0);
    }
}
