//! Points in time as the database holds them: naive UTC with at most microseconds.
//!
//! Must not: drop trailing zeros of the text form. Upstream's reader takes the digits after the
//! point as a number of microseconds, so `.123` would be read as 123 µs instead of 123 ms.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types};

/// A point in time in UTC with microseconds, the finest that any of our databases keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql_types::Timestamp)]
pub struct Timestamp(NaiveDateTime);

/// A text that is not a timestamp in any form upstream writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a timestamp of the form YYYY-MM-DD HH:MM:SS.ffffff")]
pub struct ParseTimestampError {
    /// The text as found.
    pub text: String,
}

impl Timestamp {
    /// The present moment, cut to microseconds.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Reads the forms found in SQLite files: with or without fraction, with ` ` or `T`.
    ///
    /// The fraction counts microseconds, as upstream's reader has it: `.5` is 5 µs.
    ///
    /// # Errors
    ///
    /// [`ParseTimestampError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, ParseTimestampError> {
        read(text).map(Self).ok_or_else(|| ParseTimestampError { text: text.to_owned() })
    }

    /// How long ago `earlier` was, seen from here; zero if it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).to_std().unwrap_or(Duration::ZERO)
    }

    /// The moment so much later; the last one there is if that lies beyond the calendar.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        let micros = time.as_micros().try_into().unwrap_or(i64::MAX);
        let later = self.0.checked_add_signed(TimeDelta::microseconds(micros));
        Self(later.unwrap_or(NaiveDateTime::MAX))
    }

    /// The moment so much earlier; the first one there is if that lies before the calendar.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        let micros = time.as_micros().try_into().unwrap_or(i64::MAX);
        let earlier = self.0.checked_sub_signed(TimeDelta::microseconds(micros));
        Self(earlier.unwrap_or(NaiveDateTime::MIN))
    }

    /// The value as Diesel's own types have it.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(crate) fn naive(self) -> NaiveDateTime {
        self.0
    }

    /// The same from such a value; cut to microseconds.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(crate) fn from_naive(time: NaiveDateTime) -> Self {
        let micros = time.nanosecond() / 1_000;
        Self(time.with_nanosecond(micros * 1_000).unwrap_or(time))
    }

    /// The same second with another fraction.
    #[cfg(feature = "sqlite")]
    pub(crate) fn with_micros(self, micros: u32) -> Self {
        Self(self.0.with_nanosecond(micros * 1_000).unwrap_or(self.0))
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn unix_micros(self) -> i64 {
        self.0.and_utc().timestamp_micros()
    }
}

fn read(text: &str) -> Option<NaiveDateTime> {
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-')?;
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    let Some(time) = time else { return date.and_hms_opt(0, 0, 0) };
    let (clock, micros) = match time.split_once('.') {
        Some((clock, digits)) if digits.len() <= 6 => (clock, number(digits)?),
        Some(_) => return None,
        None => (time, 0),
    };
    let [hour, minute, second] = numbers(clock, ':')?;
    date.and_hms_micro_opt(hour, minute, second, micros)
}

fn numbers(text: &str, separator: char) -> Option<[u32; 3]> {
    let mut parts = text.split(separator).map(number);
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// Digits only: `str::parse` would take a sign as well.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let time = DateTime::<Utc>::from(time).naive_utc();
        // Cutting keeps a value equal to what the database gives back for it.
        let micros = time.nanosecond() / 1_000;
        Self(time.with_nanosecond(micros * 1_000).unwrap_or(time))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m-%d %H:%M:%S%.6f").fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_always_written() {
        for (text, micros) in [
            ("2026-01-02 03:04:05.000000", 0),
            ("2026-01-02 03:04:05.000123", 123),
            ("2026-01-02 03:04:05.123000", 123_000),
        ] {
            let time = Timestamp::parse(text).unwrap();
            assert_eq!(time.unix_micros() % 1_000_000, micros);
            assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn the_clock_is_cut_to_microseconds() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
        assert_eq!(Timestamp::from(time).to_string(), "2023-11-14 22:13:20.123456");
    }

    #[test]
    fn short_forms_are_read_as_upstream_reads_them() {
        for (text, expected) in [
            ("2026-01-02", "2026-01-02 00:00:00.000000"),
            ("2026-01-02 03:04:05", "2026-01-02 03:04:05.000000"),
            ("2026-01-02T03:04:05", "2026-01-02 03:04:05.000000"),
            ("2026-01-02 03:04:05.123", "2026-01-02 03:04:05.000123"),
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "now",
            "2026-01",
            "2026-13-01",
            "2026-01-02 25:00:00",
            "2026-01-02 03:04",
            "2026-01-02 03:04:05.1234567",
            "2026-01-02 03:04:05+00:00",
            "-2026-01-02",
            "2461042.5",
            "2026-01-02 03:04:+5",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap_err().text, text);
        }
    }

    #[test]
    fn a_time_in_the_future_was_zero_ago() {
        let early = Timestamp::parse("2026-01-02 03:04:05").unwrap();
        let late = Timestamp::parse("2026-01-02 03:05:05").unwrap();
        assert_eq!(late.since(early), Duration::from_secs(60));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.plus(Duration::from_secs(60)), late);
        assert!(late.plus(Duration::MAX) > late);
    }
}
