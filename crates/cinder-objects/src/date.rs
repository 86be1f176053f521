//! Moments as they stand in objects: UTC, in whole seconds, `2026-01-02T03:04:05Z`.
//!
//! Every form that the original's reader takes is read, a moment without a zone as UTC. Must not: look
//! at a clock.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};

use crate::error::DecodeError;
use crate::python::quoted;

/// A moment in UTC. Fractions of seconds are kept, and lost on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(DateTime<Utc>);

impl Date {
    /// Reads a text of ISO 8601.
    ///
    /// # Errors
    ///
    /// A `ValueError` for any other text, and for a moment that is not in the calendar of the years 1
    /// to 9999.
    pub fn parse(text: &str) -> Result<Self, DecodeError> {
        read(text).ok_or_else(|| {
            DecodeError::value(format!("Unable to parse date string '{}'", quoted(text)))
        })
    }

    /// The moment as the `chrono` crate has it.
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }
}

impl From<DateTime<Utc>> for Date {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(moment)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date_naive(), self.0.time());
        let (year, month, day) = (date.year(), date.month(), date.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// What is left of a text.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Takes a byte if it is one of these.
    fn take(&mut self, among: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        among.contains(first).then(|| self.0 = rest)?;
        Some(*first)
    }

    /// Takes a number of this many digits at least and at most.
    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let digits = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if digits < least {
            return None;
        }
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        Some(number.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
    }

    /// Takes all digits that follow, as microseconds; what is finer is cut off.
    fn fraction(&mut self) -> Option<u32> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at_checked(digits).filter(|_| digits > 0)?;
        self.0 = rest;
        let padded = number.iter().copied().chain(std::iter::repeat(b'0')).take(6);
        Some(padded.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
    }
}

fn read(text: &str) -> Option<Date> {
    let mut rest = Rest(text.as_bytes());
    let year = rest.number(4, 4)?;
    let (mut month, mut day) = (1, 1);
    let mut time = (0, 0, 0, 0);
    let mut offset = 0;
    if !rest.0.is_empty() {
        let has_dash = rest.take(b"-").is_some();
        month = rest.number(if has_dash { 1 } else { 2 }, 2)?;
        if rest.0.is_empty() {
            has_dash.then_some(())?; // YYYYMM might be YYMMDD
        } else {
            let has_dash = rest.take(b"-").is_some();
            day = rest.number(if has_dash { 1 } else { 2 }, 2)?;
            if rest.take(b" T").is_some() {
                time = read_time(&mut rest)?;
                offset = read_offset(&mut rest)?;
            }
        }
    }
    if !rest.0.is_empty() {
        return None;
    }
    let (hour, minute, second, micro) = time;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    // A second 60 would be one with 1,000,000 microseconds more; the calendar has none.
    let local = date.and_hms_micro_opt(hour, minute, second, micro)?;
    let moment = local.checked_sub_signed(TimeDelta::minutes(offset))?;
    (1..=9999).contains(&moment.year()).then_some(Date(moment.and_utc()))
}

/// Hours, minutes, seconds, microseconds.
fn read_time(rest: &mut Rest<'_>) -> Option<(u32, u32, u32, u32)> {
    let hour = rest.number(2, 2)?;
    let mut time = (hour, 0, 0, 0);
    if rest.take(b":").is_some() || rest.0.first().is_some_and(u8::is_ascii_digit) {
        time.1 = rest.number(2, 2)?;
        if rest.take(b":").is_some() || rest.0.first().is_some_and(u8::is_ascii_digit) {
            time.2 = rest.number(1, 2)?;
            if rest.take(b".,").is_some() {
                time.3 = rest.fraction()?;
            }
        }
    }
    Some(time)
}

/// Minutes ahead of UTC.
fn read_offset(rest: &mut Rest<'_>) -> Option<i64> {
    if rest.0.is_empty() || rest.take(b"Z").is_some() {
        return Some(0);
    }
    let sign = if rest.take(b"+-")? == b'-' { -1 } else { 1 };
    let hours = rest.number(2, 2)?;
    let has_colon = rest.take(b":").is_some();
    let minutes = if rest.0.is_empty() && !has_colon { 0 } else { rest.number(2, 2)? };
    // Python's zones are less than a day away.
    (hours < 24 && minutes < 60).then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_whole_seconds_of_utc() {
        for (text, written) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
            ("2026-01-02 03:04:05.999999", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05.1234567890123Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05+05:30", "2026-01-01T21:34:05Z"),
            ("2026-01-02T03:04:05-0100", "2026-01-02T04:04:05Z"),
            ("2026-01-02T03:04:05+01", "2026-01-02T02:04:05Z"),
            ("20260102T030405Z", "2026-01-02T03:04:05Z"),
            ("2026-1-2", "2026-01-02T00:00:00Z"),
            ("2026-01", "2026-01-01T00:00:00Z"),
            ("2026", "2026-01-01T00:00:00Z"),
            ("2026-01-02T03", "2026-01-02T03:00:00Z"),
            ("2026-01-02T03:04", "2026-01-02T03:04:00Z"),
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ] {
            let read = Date::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(read.to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_a_value_error() {
        for text in [
            "",
            "soon",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2026-01-02T23:59:60Z",
            "2026-01-02T24:00:00Z",
            "2026-13-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-01-02T03:04:05z",
            "2026-01-02T03:04:05Z ",
            "2026-01-02T03:04:05+25:00",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "202601",
            "-2026-01-02T03:04:05Z",
            "２０２６-01-02T03:04:05Z",
            "2026-01-02T03:04:05.Z",
        ] {
            let error = Date::parse(text).expect_err(text);
            assert_eq!(error.class(), "ValueError", "{text}");
        }
        let long = Date::parse(&"9".repeat(1_000_000)).unwrap_err();
        assert!(long.to_string().len() < 200);
    }
}
