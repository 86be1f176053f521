//! Time stamps: the date format, and the formatted second that each thread keeps.
//!
//! Formatting a date costs more than all the rest of a line, and most lines of a busy
//! process share their second with the line before.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset, Offset as _, TimeZone};

/// A `strftime` format, parsed once.
///
/// As in the original, whatever is no directive of the C library is printed as it stands.
#[derive(Debug)]
pub(crate) struct DateFormat {
    pieces: Vec<Piece>,
    /// Tells the per-thread cache which format its text was made with.
    identity: u64,
}

/// A piece of a date.
#[derive(Debug)]
enum Piece {
    /// Text, and directives that chrono spells as the C library does.
    Items(Vec<Item<'static>>),
    /// A directive with a width or in capitals.
    Shaped { items: Vec<Item<'static>>, width: usize, fill: char, capitals: bool },
}

/// What Python's formatter uses without a format.
const DEFAULT: &str = "%Y-%m-%d %H:%M:%S";
/// Directives of the C library, strftime(3).
const DIRECTIVES: &str = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ";
/// A width above this is a typing error, and would let one line grow without bound.
const MAX_WIDTH: usize = 100;

impl DateFormat {
    /// Parses `format`, or Python's default if there is none.
    pub(crate) fn or_default(format: Option<&str>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut rest = format.filter(|format| !format.is_empty()).unwrap_or(DEFAULT);
        let (mut pieces, mut plain) = (Vec::new(), String::new());
        while let Some(at) = rest.find('%') {
            plain.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some((directive, tail)) = Directive::read(rest) else {
                plain.push_str("%%");
                // Two signs are one in any case.
                rest = rest.strip_prefix('%').unwrap_or(rest);
                continue;
            };
            rest = tail;
            match directive.shaped() {
                None => plain.push_str(&directive.plain()),
                Some(shaped) => {
                    pieces.push(Piece::Items(items(&std::mem::take(&mut plain))));
                    pieces.push(shaped);
                }
            }
        }
        plain.push_str(rest);
        pieces.push(Piece::Items(items(&plain)));
        Self { pieces, identity: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    fn write(&self, local: &DateTime<impl TimeZone<Offset: std::fmt::Display>>, out: &mut String) {
        for piece in &self.pieces {
            // Writing to a String cannot fail.
            match piece {
                Piece::Items(items) => {
                    let _ = write!(out, "{}", local.format_with_items(items.iter()));
                }
                Piece::Shaped { items, width, fill, capitals } => {
                    let mut text = local.format_with_items(items.iter()).to_string();
                    if *capitals {
                        text = text.to_uppercase();
                    }
                    for _ in text.chars().count()..*width {
                        out.push(*fill);
                    }
                    out.push_str(&text);
                }
            }
        }
    }
}

/// What stands behind a `%`.
struct Directive {
    flag: Option<char>,
    width: usize,
    letter: char,
}

impl Directive {
    fn read(text: &str) -> Option<(Self, &str)> {
        let after_flags = text.trim_start_matches(['_', '-', '0', '^', '#']);
        let flag = text[..text.len() - after_flags.len()].chars().next_back();
        let after_width = after_flags.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &after_flags[..after_flags.len() - after_width.len()];
        let width = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        // Alternative numerals and eras, which no locale that we know has.
        let letters = after_width.strip_prefix(['E', 'O']).unwrap_or(after_width);
        let letter = letters.chars().next().filter(|letter| DIRECTIVES.contains(*letter))?;
        let known = Self { flag, width, letter };
        (width <= MAX_WIDTH).then_some((known, &letters[letter.len_utf8()..]))
    }

    /// As chrono writes it.
    fn plain(&self) -> String {
        match self.flag {
            Some(flag @ ('_' | '-' | '0')) => format!("%{flag}{}", self.letter),
            _ => format!("%{}", self.letter),
        }
    }

    /// The piece that it is if chrono does not know all of it.
    fn shaped(&self) -> Option<Piece> {
        let capitals = matches!(self.flag, Some('^' | '#'));
        if self.width == 0 && !capitals {
            return None;
        }
        let text = "aAbBchpPZ".contains(self.letter);
        let fill = if text || self.flag == Some('_') { ' ' } else { '0' };
        Some(Piece::Shaped { items: items(&self.plain()), width: self.width, fill, capitals })
    }
}

/// Of text in which every directive is known.
fn items(text: &str) -> Vec<Item<'static>> {
    StrftimeItems::new_lenient(text).map(Item::to_owned).collect()
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
            format.write(&local, &mut self.asctime);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cached_second_follows_time_format_and_zone() {
        let mut cache = StampCache::default();
        let long = DateFormat::or_default(None);
        let short = DateFormat::or_default(Some("%H-%M"));
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

    /// Each right side was printed by the original for the same format (see `samples.rs`).
    #[test]
    fn what_is_no_directive_is_printed_as_it_stands() {
        let mut cache = StampCache::default();
        let at = UNIX_EPOCH + Duration::from_secs(1_763_832_145);
        for (format, expected) in
            [("%Y-%Q", "2025-%Q"), ("%S.%f", "25.%f"), ("%3f|%.3f", "%3f|%.3f"), ("%", "%")]
        {
            let format = DateFormat::or_default(Some(format));
            assert_eq!(cache.stamp(&chrono::Utc, at, &format).asctime, expected);
        }
    }
}
