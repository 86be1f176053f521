//! How many records may pass within a time (`rate_limit_*`).
//!
//! Must not look at the clock itself, and must not log: the caller tells that it drops records.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::level::{self, Level};
use crate::{LogError, LogOptions};

/// One counter for all records of this process. A forked worker goes on from a copy.
#[derive(Debug)]
pub(crate) struct RateLimit {
    burst: u64,
    interval: Duration,
    except: i32,
    count: Mutex<Count>,
}

#[derive(Debug)]
struct Count {
    records: u64,
    end: Instant,
}

/// What happens to one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    /// The first one that does not pass in this interval: this is told.
    DropAndTell,
    Drop,
}

impl RateLimit {
    /// The limit that the options ask for, if they do; its first interval begins `now`.
    ///
    /// # Errors
    ///
    /// [`LogError::BadValue`] for a level that has no name here, the empty one included.
    pub(crate) fn new(options: &LogOptions, now: Instant) -> Result<Option<Self>, LogError> {
        let (burst, seconds) = (options.rate_limit_burst, options.rate_limit_interval);
        let (Ok(burst @ 1..), Ok(seconds @ 1..)) = (u64::try_from(burst), u64::try_from(seconds))
        else {
            return Ok(None);
        };
        let name = options.rate_limit_except_level.as_str();
        let known = matches!(name, "CRITICAL" | "ERROR" | "WARNING" | "INFO" | "DEBUG");
        let except = level::parse(name).ok().filter(|_| known);
        let except = except.ok_or_else(|| LogError::BadValue {
            option: "rate_limit_except_level",
            reason: format!("invalid log level name: '{name}'"),
        })?;
        // Beyond a hundred years there is no second interval.
        let interval = Duration::from_secs(seconds.min(100 * 366 * 24 * 60 * 60));
        let count = Mutex::new(Count { records: 0, end: now + interval });
        Ok(Some(Self { burst, interval, except, count }))
    }

    /// Counts a record.
    pub(crate) fn judge(&self, level: Level, now: Instant) -> Verdict {
        if level.number() >= self.except {
            return Verdict::Pass;
        }
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= count.end {
            *count = Count { records: 1, end: now + self.interval };
            return Verdict::Pass;
        }
        count.records = count.records.saturating_add(1);
        match count.records {
            records if records <= self.burst => Verdict::Pass,
            records if records == self.burst + 1 => Verdict::DropAndTell,
            _ => Verdict::Drop,
        }
    }

    /// The words that tell it.
    pub(crate) fn sentence(&self) -> String {
        let seconds = self.interval.as_secs();
        format!("Logging rate limit: drop after {} records/{seconds} sec", self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: &str = include_str!("../tests/data/rate_samples.jsonl");

    fn limit(burst: i64, interval: i64, except: &str, now: Instant) -> RateLimit {
        let options = LogOptions {
            rate_limit_burst: burst,
            rate_limit_interval: interval,
            rate_limit_except_level: except.into(),
            ..LogOptions::default()
        };
        RateLimit::new(&options, now).unwrap().unwrap()
    }

    #[test]
    fn the_same_records_pass_as_in_the_original() {
        let mut count = 0;
        for line in SAMPLES.lines() {
            let sample: serde_json::Value = serde_json::from_str(line).unwrap();
            let number = |value: &serde_json::Value| value.as_i64().unwrap();
            let (burst, interval) = (number(&sample["burst"]), number(&sample["interval"]));
            let start = Instant::now();
            let limit = limit(burst, interval, sample["except"].as_str().unwrap(), start);
            let mut found = Vec::new();
            for record in sample["records"].as_array().unwrap() {
                let [millis, level] = [&record[0], &record[1]].map(number);
                let now = start + Duration::from_millis(u64::try_from(millis).unwrap());
                let level = Level::from_number(i32::try_from(level).unwrap()).unwrap();
                found.push(match limit.judge(level, now) {
                    Verdict::Pass => String::from("pass"),
                    Verdict::DropAndTell => limit.sentence(),
                    Verdict::Drop => String::from("drop"),
                });
            }
            assert_eq!(&found, sample["expected"].as_array().unwrap(), "{line}");
            count += found.len();
        }
        assert!(count > 100, "only {count} records");
    }

    #[test]
    fn without_interval_or_burst_there_is_no_limit_and_a_nameless_level_is_refused() {
        let new = |burst, interval, except: &str| {
            let options = LogOptions {
                rate_limit_burst: burst,
                rate_limit_interval: interval,
                rate_limit_except_level: except.into(),
                ..LogOptions::default()
            };
            RateLimit::new(&options, Instant::now())
        };
        for (burst, interval) in [(0, 1), (1, 0), (-1, 5), (5, -1)] {
            assert!(new(burst, interval, "").unwrap().is_none());
        }
        assert!(new(1, i64::MAX, "DEBUG").unwrap().is_some());
        assert_eq!(
            new(1, 1, "").unwrap_err().to_string(),
            "rate_limit_except_level: invalid log level name: ''"
        );
    }
}
