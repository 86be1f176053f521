//! Time stamps: the date format, and the formatted second that each thread keeps.
//!
//! Formatting a date costs more than all the rest of a line, and most lines of a busy
//! process share their second with the line before.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::format::{Fixed, Item, Numeric, StrftimeItems};
use chrono::{DateTime, FixedOffset, Offset as _, TimeZone};

use crate::LogError;

/// A `strftime` format, checked and parsed once.
#[derive(Debug)]
pub(crate) struct DateFormat {
    items: Vec<Item<'static>>,
    /// Tells the per-thread cache which format its text was made with.
    identity: u64,
}

impl DateFormat {
    /// Parses `format`.
    ///
    /// # Errors
    ///
    /// [`LogError::BadDateFormat`] for an unknown directive, and for fractions of a second:
    /// `%(msecs)03d` prints those, and the cache could not.
    pub(crate) fn parse(format: &str) -> Result<Self, LogError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let bad = || LogError::BadDateFormat { format: format.to_owned() };
        let items = StrftimeItems::new(format).parse_to_owned().map_err(|_| bad())?;
        if items.iter().any(is_fraction) {
            return Err(bad());
        }
        Ok(Self { items, identity: NEXT.fetch_add(1, Ordering::Relaxed) })
    }
}

fn is_fraction(item: &Item<'_>) -> bool {
    match item {
        Item::Numeric(Numeric::Nanosecond, _) => true,
        // chrono keeps its fixed-width fractions in a private variant (`%3f`), whose
        // debug text alone tells it apart.
        Item::Fixed(
            Fixed::Nanosecond | Fixed::Nanosecond3 | Fixed::Nanosecond6 | Fixed::Nanosecond9,
        ) => true,
        Item::Fixed(other) => format!("{other:?}").contains("Nanosecond"),
        _ => false,
    }
}

/// When a record was made, with its formatted second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp<'a> {
    pub(crate) asctime: &'a str,
    pub(crate) since_epoch: Duration,
    offset: FixedOffset,
}

impl Stamp<'_> {
    /// Appends the ISO 8601 form, always with microseconds and zone.
    pub(crate) fn write_iso(&self, out: &mut String) {
        let utc = DateTime::from_timestamp(
            i64::try_from(self.since_epoch.as_secs()).unwrap_or(i64::MAX),
            self.since_epoch.subsec_nanos(),
        );
        if let Some(utc) = utc {
            let local = utc.with_timezone(&self.offset);
            let _ = write!(out, "{}", local.format("%Y-%m-%dT%H:%M:%S%.6f%:z"));
        }
    }
}

/// One thread's last formatted second.
#[derive(Debug, Default)]
pub(crate) struct StampCache {
    format: u64,
    second: u64,
    asctime: String,
    offset: Option<FixedOffset>,
}

impl StampCache {
    /// The stamp of `now` in `zone`.
    pub(crate) fn stamp<Tz>(&mut self, zone: &Tz, now: SystemTime, format: &DateFormat) -> Stamp<'_>
    where
        Tz: TimeZone,
        Tz::Offset: std::fmt::Display,
    {
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let second = since_epoch.as_secs();
        if self.format != format.identity || self.second != second || self.offset.is_none() {
            self.refresh(zone, second, format);
        }
        let offset = self.offset.unwrap_or_else(|| chrono::Utc.fix());
        Stamp { asctime: &self.asctime, since_epoch, offset }
    }

    fn refresh<Tz>(&mut self, zone: &Tz, second: u64, format: &DateFormat)
    where
        Tz: TimeZone,
        Tz::Offset: std::fmt::Display,
    {
        self.format = format.identity;
        self.second = second;
        self.asctime.clear();
        let instant = i64::try_from(second).ok().and_then(|s| zone.timestamp_opt(s, 0).single());
        self.offset = instant.as_ref().map(|local| local.offset().fix());
        if let Some(local) = instant {
            let _ = write!(self.asctime, "{}", local.format_with_items(format.items.iter()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cached_second_follows_time_format_and_zone() {
        let mut cache = StampCache::default();
        let long = DateFormat::parse("%Y-%m-%d %H:%M:%S").unwrap();
        let short = DateFormat::parse("%H-%M").unwrap();
        let zone = FixedOffset::east_opt(7200).unwrap();
        let at = |millis: u64| UNIX_EPOCH + Duration::from_millis(1_763_832_145_000 + millis);

        let first = cache.stamp(&zone, at(185), &long);
        assert_eq!(
            (first.asctime, first.since_epoch.subsec_millis()),
            ("2025-11-22 19:22:25", 185)
        );
        let mut iso = String::new();
        first.write_iso(&mut iso);
        assert_eq!(iso, "2025-11-22T19:22:25.185000+02:00");
        assert_eq!(cache.stamp(&zone, at(1001), &long).asctime, "2025-11-22 19:22:26");
        assert_eq!(cache.stamp(&zone, at(1001), &short).asctime, "19-22");
        assert_eq!(cache.stamp(&zone, at(1001), &long).asctime, "2025-11-22 19:22:26");
    }

    #[test]
    fn a_date_format_with_unknown_directives_or_fractions_is_refused() {
        for format in ["%Y-%Q", "%S.%f", "%H%.3f", "%3f"] {
            assert_eq!(
                DateFormat::parse(format).unwrap_err().to_string(),
                format!("log_date_format: \"{format}\" is not a valid date format")
            );
        }
    }
}
