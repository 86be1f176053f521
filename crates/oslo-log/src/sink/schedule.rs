//! When a log file is rotated by time, and what the rotated file is called.
//!
//! Must not look at the clock or at files. Seconds since the epoch come in and go out.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};

use crate::LogError;

const DAY: i64 = 24 * 60 * 60;

/// What `log_rotate_interval_type` and `log_rotate_interval` ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// So many seconds after the file began; the suffix is cut to the unit.
    Every { seconds: i64, suffix: &'static str },
    /// At the end of each day.
    Midnight,
    /// At the end of this day of each week, 0 being Monday.
    Weekday(u32),
}

const TO_DAY: &str = "%Y-%m-%d";

impl Schedule {
    /// Reads the two options, the unit in any case.
    ///
    /// # Errors
    ///
    /// [`LogError::BadValue`] for an unknown unit, and for an interval that the unit does not have.
    pub(crate) fn new(unit: &str, interval: i64) -> Result<Self, LogError> {
        let bad = |reason| LogError::BadValue { option: "log_rotate_interval", reason };
        let every = |unit: i64, suffix| match interval.checked_mul(unit) {
            Some(seconds) if interval > 0 => Ok(Self::Every { seconds, suffix }),
            _ => Err(bad(format!("{interval} is not a number of units above 0"))),
        };
        match unit.to_lowercase().as_str() {
            "seconds" => every(1, "%Y-%m-%d_%H-%M-%S"),
            "minutes" => every(60, "%Y-%m-%d_%H-%M"),
            "hours" => every(60 * 60, "%Y-%m-%d_%H"),
            "days" => every(DAY, TO_DAY),
            "midnight" => Ok(Self::Midnight),
            "weekday" => match u32::try_from(interval) {
                Ok(day @ 0..=6) => Ok(Self::Weekday(day)),
                _ => Err(bad(format!("{interval} is not a weekday from 0 (Monday) to 6"))),
            },
            _ => Err(LogError::BadValue {
                option: "log_rotate_interval_type",
                reason: format!("\"{unit}\" is not a unit of time"),
            }),
        }
    }

    /// When a file that began at `start` is to be rotated.
    pub(crate) fn due<Tz: TimeZone>(self, zone: &Tz, start: i64) -> i64 {
        let days = match self {
            Self::Every { seconds, .. } => return start.saturating_add(seconds),
            Self::Midnight => 0,
            Self::Weekday(wanted) => {
                let today = local(zone, start).map_or(0, |t| t.weekday().num_days_from_monday());
                u64::from((7 + wanted - today) % 7)
            }
        };
        local(zone, start)
            .and_then(|now| now.date().checked_add_days(Days::new(days + 1)))
            .and_then(|date| midnight(zone, date))
            .unwrap_or(start.saturating_add(DAY))
    }

    /// The suffix, without its dot, of a file that was due at `due`: when its time began.
    pub(crate) fn suffix<Tz: TimeZone>(self, zone: &Tz, due: i64) -> String {
        let (began, format) = match self {
            Self::Every { seconds, suffix } => (local(zone, due.saturating_sub(seconds)), suffix),
            Self::Midnight => (days_before(zone, due, 1), TO_DAY),
            Self::Weekday(_) => (days_before(zone, due, 7), TO_DAY),
        };
        began.unwrap_or_default().format(format).to_string()
    }

    /// Whether `text` begins with a suffix of this schedule, followed by nothing or by a dot.
    pub(crate) fn is_suffix(self, text: &str) -> bool {
        let format = match self {
            Self::Every { suffix, .. } => suffix,
            _ => TO_DAY,
        };
        let stamp = text.split('.').next().unwrap_or_default();
        NaiveDateTime::parse_from_str(&format!("{stamp}{}", filler(format)), "%Y-%m-%d_%H-%M-%S")
            .is_ok_and(|parsed| parsed.format(format).to_string() == stamp)
    }
}

/// What a suffix lacks of a complete time.
fn filler(format: &str) -> &'static str {
    match format.matches('%').count() {
        3 => "_00-00-00",
        4 => "-00-00",
        5 => "-00",
        _ => "",
    }
}

fn local<Tz: TimeZone>(zone: &Tz, second: i64) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp(second, 0)?.with_timezone(zone).naive_local())
}

fn days_before<Tz: TimeZone>(zone: &Tz, second: i64, days: u64) -> Option<NaiveDateTime> {
    local(zone, second)?.checked_sub_days(Days::new(days))
}

/// The first second of a day. Where clocks go forward at midnight, the day begins an hour later.
fn midnight<Tz: TimeZone>(zone: &Tz, date: NaiveDate) -> Option<i64> {
    let hours = (0..3).filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
    let mut starts = hours.filter_map(|time| {
        zone.from_local_datetime(&date.and_time(time)).earliest().map(|start| start.timestamp())
    });
    starts.next()
}

#[cfg(test)]
mod tests {
    use chrono::{FixedOffset, Utc};

    use super::*;

    const SAMPLES: &str = include_str!("../../tests/data/rotation_samples.jsonl");

    #[test]
    fn files_are_due_and_named_as_pythons_handler_has_them() {
        let mut count = 0;
        for line in SAMPLES.lines() {
            let sample: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| sample[name].as_str().unwrap();
            let number = |name: &str| sample[name].as_i64().unwrap();
            let schedule = Schedule::new(text("type"), number("interval")).unwrap();
            let zone = FixedOffset::east_opt(i32::try_from(number("offset")).unwrap()).unwrap();
            let due = schedule.due(&zone, number("start"));
            assert_eq!(due, number("due"), "{line}");
            assert_eq!(schedule.suffix(&zone, due), text("suffix"), "{line}");
            assert!(schedule.is_suffix(text("suffix")), "{line}");
            count += 1;
        }
        assert!(count > 50, "only {count} samples");
    }

    #[test]
    fn an_interval_that_its_unit_does_not_have_is_refused() {
        for (unit, interval, text) in [
            ("days", 0, "log_rotate_interval: 0 is not a number of units above 0"),
            ("Hours", -1, "log_rotate_interval: -1 is not a number of units above 0"),
            ("weekday", 7, "log_rotate_interval: 7 is not a weekday from 0 (Monday) to 6"),
            ("eons", 1, "log_rotate_interval_type: \"eons\" is not a unit of time"),
        ] {
            assert_eq!(Schedule::new(unit, interval).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn only_names_that_a_schedule_makes_are_taken_for_its_files() {
        let hourly = Schedule::new("hours", 6).unwrap();
        assert!(hourly.is_suffix("2026-11-25_18") && hourly.is_suffix("2026-11-25_18.1"));
        for other in ["2026-11-25", "2026-11-25_18-00", "1", "", "gz", "2026-13-25_18", "old"] {
            assert!(!hourly.is_suffix(other), "{other}");
        }
        assert!(Schedule::Midnight.is_suffix("2026-11-25"));
        // The week ends with its day: on a Tuesday the one that ends on Mondays has six days left.
        let tuesday = Utc.with_ymd_and_hms(2026, 11, 24, 0, 0, 0).unwrap().timestamp();
        assert_eq!(Schedule::Weekday(0).due(&Utc, tuesday), tuesday + 7 * DAY);
        assert_eq!(Schedule::Weekday(1).due(&Utc, tuesday), tuesday + DAY);
        assert_eq!(Schedule::Weekday(0).suffix(&Utc, tuesday), "2026-11-17");
    }
}
