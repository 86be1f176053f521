//! Levels and the per-logger level table, with Python's numbers and hierarchy.
//!
//! Must not know how a line looks.

use std::sync::atomic::{AtomicI32, Ordering};

use tracing::Metadata;
use tracing::level_filters::LevelFilter;

use crate::LogError;

/// A record's level; the numbers are Python's, TRACE is oslo.log's addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub(crate) enum Level {
    Trace = 5,
    Debug = 10,
    Info = 20,
    Warning = 30,
    Error = 40,
    Critical = 50,
}

impl Level {
    pub(crate) fn of(level: tracing::Level, critical: bool) -> Self {
        match level {
            tracing::Level::ERROR if critical => Self::Critical,
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }

    /// The level with exactly this number.
    #[cfg(test)]
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        let all =
            [Self::Trace, Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical];
        all.into_iter().find(|level| level.number() == number)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }

    pub(crate) fn number(self) -> i32 {
        self as i32
    }
}

/// Which records each logger lets through.
#[derive(Debug)]
pub(crate) struct LevelTable {
    root: AtomicI32,
    rules: Vec<(String, i32)>,
}

impl LevelTable {
    /// Reads `name=LEVEL` pairs.
    ///
    /// # Errors
    ///
    /// [`LogError::UnknownLevel`] for a level that is neither a name nor a number.
    pub(crate) fn new(debug: bool, pairs: &[String]) -> Result<Self, LogError> {
        let mut rules: Vec<(String, i32)> = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let (name, level) = pair.split_once('=').unwrap_or((pair, ""));
            let number = parse(level)?;
            rules.retain(|(known, _)| known != name);
            // NOTSET means "ask the parent logger", which is what having no rule does.
            if number != 0 {
                rules.push((name.to_owned(), number));
            }
        }
        Ok(Self { root: AtomicI32::new(root_level(debug)), rules })
    }

    /// A table of levels by number, the root's apart; the longest name counts.
    pub(crate) fn of_numbers(root: i32, rules: Vec<(String, i32)>) -> Self {
        Self { root: AtomicI32::new(root), rules }
    }

    pub(crate) fn set_debug(&self, debug: bool) {
        self.root.store(root_level(debug), Ordering::Relaxed);
    }

    /// Whether a callsite can produce a line at all; a possible CRITICAL counts as one.
    pub(crate) fn may_pass(&self, metadata: &Metadata<'_>) -> bool {
        let critical = metadata.fields().field("critical").is_some();
        self.passes(metadata.target(), Level::of(*metadata.level(), critical))
    }

    pub(crate) fn passes(&self, target: &str, level: Level) -> bool {
        level.number() >= self.threshold(target)
    }

    fn threshold(&self, target: &str) -> i32 {
        self.rules
            .iter()
            .filter(|(name, _)| covers(name, target))
            .max_by_key(|(name, _)| name.len())
            .map_or_else(|| self.root.load(Ordering::Relaxed), |(_, level)| *level)
    }

    /// The most verbose `tracing` level that any logger lets through.
    pub(crate) fn most_verbose(&self) -> LevelFilter {
        let root = self.root.load(Ordering::Relaxed);
        let lowest = self.rules.iter().map(|(_, level)| *level).fold(root, i32::min);
        match lowest {
            ..=5 => LevelFilter::TRACE,
            6..=10 => LevelFilter::DEBUG,
            11..=20 => LevelFilter::INFO,
            21..=30 => LevelFilter::WARN,
            // Context spans and CRITICAL both live at ERROR.
            _ => LevelFilter::ERROR,
        }
    }
}

fn root_level(debug: bool) -> i32 {
    if debug { Level::Debug.number() } else { Level::Info.number() }
}

/// The number of a level that is given as a number or by one of Python's names.
///
/// # Errors
///
/// [`LogError::UnknownLevel`].
pub(crate) fn parse(text: &str) -> Result<i32, LogError> {
    if let Ok(number) = text.trim().parse() {
        return Ok(number);
    }
    Ok(match text {
        "CRITICAL" | "FATAL" => 50,
        "ERROR" => 40,
        "WARN" | "WARNING" => 30,
        "INFO" => 20,
        "DEBUG" => 10,
        "TRACE" => 5,
        "NOTSET" => 0,
        _ => return Err(LogError::UnknownLevel { level: text.to_owned() }),
    })
}

/// Whether the logger `name` is `target` or one of its ancestors.
///
/// The target may be a Rust module path: `::` counts as the dot it is printed as. The
/// empty name is the root logger, as in Python.
pub(crate) fn covers(name: &str, target: &str) -> bool {
    if name.is_empty() {
        return true;
    }
    let mut rest = target.as_bytes();
    for &byte in name.as_bytes() {
        match (byte, rest) {
            (b'.', [b':', b':', tail @ ..]) => rest = tail,
            (_, [first, tail @ ..]) if *first == byte => rest = tail,
            _ => return false,
        }
    }
    matches!(rest, [] | [b'.', ..] | [b':', b':', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(debug: bool, pairs: &[&str]) -> Result<LevelTable, LogError> {
        LevelTable::new(debug, &pairs.iter().map(|pair| (*pair).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_rule_covers_its_logger_and_the_loggers_below_it_only() {
        assert!(covers("oslo.messaging", "oslo.messaging"));
        assert!(covers("oslo.messaging", "oslo.messaging._drivers.amqp"));
        assert!(covers("cinder_db.registry", "cinder_db::registry::row"));
        assert!(!covers("sqlalchemy", "sqlalchemyx"));
        assert!(!covers("sqlalchemy.engine", "sqlalchemy"));
        assert!(covers("", "cinder"));
    }

    #[test]
    fn the_longest_matching_rule_wins_and_debug_moves_the_root_only() {
        let table = table(false, &["a=WARN", "a.b=DEBUG", "c=45", "d=ERROR", "d=NOTSET"]).unwrap();
        assert!(!table.passes("z", Level::Debug));
        for _ in 0..2 {
            assert!(!table.passes("a.x", Level::Info));
            assert!(table.passes("a.b.c", Level::Debug));
            assert!(!table.passes("c", Level::Error));
            assert!(table.passes("c", Level::Critical));
            assert!(table.passes("d", Level::Info));
            table.set_debug(true);
        }
        assert!(table.passes("z", Level::Debug));
        assert_eq!(table.most_verbose(), LevelFilter::DEBUG);
    }

    #[test]
    fn an_unknown_level_is_refused_with_the_contracts_text() {
        for (pair, text) in [
            ("a=FOO", "Unknown level: 'FOO'"),
            ("a=info", "Unknown level: 'info'"),
            ("a", "Unknown level: ''"),
        ] {
            assert_eq!(table(false, &[pair]).unwrap_err().to_string(), text);
        }
    }
}
