//! Levels and the per-logger level table, with Python's numbers and hierarchy.
//!
//! Must not know how a line looks.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

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

/// No name of a logger is longer; what is to begin one cannot be, either.
const LONGEST_NAME: usize = 255;
/// How many levels that were set at run time are kept, without those that a later one replaces.
const MOST_SET: usize = 256;

/// Which records each logger lets through.
#[derive(Debug)]
pub(crate) struct LevelTable {
    root: AtomicI32,
    rules: Vec<(String, i32)>,
    /// What was set at run time, by the beginnings of names; of those that fit the last one counts, and before all rules.
    set: RwLock<Vec<(String, i32)>>,
}

/// The names of the loggers: those that the program has told, and what has been let through to be judged here.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<BTreeSet<String>>);

impl Known {
    pub(crate) fn add(&self, metadata: &Metadata<'_>) {
        // All records of the `log` crate come through places that are called so.
        if metadata.is_event() && metadata.target() != "log" {
            self.add_names(&[metadata.target()]);
        }
    }

    pub(crate) fn add_names(&self, targets: &[&str]) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.extend(targets.iter().map(|target| name_of(target)));
    }

    /// Those whose names begin so.
    pub(crate) fn below(&self, prefix: &str) -> Vec<String> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().filter(|name| name.starts_with(prefix)).cloned().collect()
    }
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
        Ok(Self::of_numbers(root_level(debug), rules))
    }

    /// A table of levels by number, the root's apart; the longest name counts.
    pub(crate) fn of_numbers(root: i32, rules: Vec<(String, i32)>) -> Self {
        Self { root: AtomicI32::new(root), rules, set: RwLock::default() }
    }

    pub(crate) fn set_debug(&self, debug: bool) {
        self.root.store(root_level(debug), Ordering::Relaxed);
    }

    /// Gives every logger whose name begins so this level, now and whenever it comes.
    pub(crate) fn set(&self, prefix: &str, level: i32) {
        if prefix.len() > LONGEST_NAME {
            return;
        }
        let mut set = self.set.write().unwrap_or_else(PoisonError::into_inner);
        set.retain(|(earlier, _)| !earlier.starts_with(prefix));
        if set.len() == MOST_SET {
            set.remove(0);
        }
        set.push((prefix.to_owned(), level));
    }

    /// Whether a callsite can produce a line at all; a possible CRITICAL counts as one.
    pub(crate) fn may_pass(&self, metadata: &Metadata<'_>) -> bool {
        let critical = metadata.fields().field("critical").is_some();
        self.passes(metadata.target(), Level::of(*metadata.level(), critical))
    }

    pub(crate) fn passes(&self, target: &str, level: Level) -> bool {
        level.number() >= self.threshold(target)
    }

    /// The level from which a logger lets records through.
    pub(crate) fn threshold(&self, target: &str) -> i32 {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, level)) = set.iter().rev().find(|(prefix, _)| begins(prefix, target)) {
            return *level;
        }
        self.rules
            .iter()
            .filter(|(name, _)| covers(name, target))
            .max_by_key(|(name, _)| name.len())
            .map_or_else(|| self.root.load(Ordering::Relaxed), |(_, level)| *level)
    }

    /// The most verbose `tracing` level that any logger lets through.
    pub(crate) fn most_verbose(&self) -> LevelFilter {
        let root = self.root.load(Ordering::Relaxed);
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        let lowest = self.rules.iter().chain(&*set).map(|(_, level)| *level).fold(root, i32::min);
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
    name.is_empty() || matches!(after(name, target), Some([] | [b'.', ..] | [b':', b':', ..]))
}

/// Whether the name of `target` begins so, be it in the middle of a word.
fn begins(prefix: &str, target: &str) -> bool {
    after(prefix, target).is_some()
}

/// What comes behind a beginning, if it is one.
fn after<'a>(beginning: &str, target: &'a str) -> Option<&'a [u8]> {
    let mut rest = target.as_bytes();
    for &byte in beginning.as_bytes() {
        match (byte, rest) {
            (b'.', [b':', b':', tail @ ..]) => rest = tail,
            (_, [first, tail @ ..]) if *first == byte => rest = tail,
            _ => return None,
        }
    }
    Some(rest)
}

/// A target as it is printed and asked for.
fn name_of(target: &str) -> String {
    target.replace("::", ".")
}

/// What Python calls a level.
pub(crate) fn name_of_level(number: i32) -> String {
    Level::from_number(number)
        .map_or_else(|| format!("Level {number}"), |one| one.name().to_owned())
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

    /// As `startswith` of the original.
    #[test]
    fn what_was_set_last_for_a_beginning_of_a_name_goes_before_all_rules() {
        let table = table(false, &["cinder.volume=WARN", "amqp=ERROR"]).unwrap();
        table.set("cinder.vol", 10);
        assert_eq!(table.threshold("cinder::volume::manager"), 10);
        assert_eq!(table.threshold("cinder.service"), 20);
        assert_eq!(table.most_verbose(), LevelFilter::DEBUG);
        table.set("cinder", 40);
        table.set("cinder.service", 30);
        assert_eq!(
            ["cinder.volume", "cinder.service", "cinders", "amqp.x", "x"]
                .map(|one| table.threshold(one)),
            [40, 30, 40, 40, 20]
        );
        // All of them, also those that nobody has named.
        table.set("", 20);
        assert_eq!(["cinder.service", "amqp", "x"].map(|one| table.threshold(one)), [20; 3]);
        assert_eq!(table.set.read().unwrap().len(), 1, "the others count no more");
        table.set(&"x".repeat(LONGEST_NAME + 1), 10);
        for number in 0..2 * MOST_SET {
            table.set(&format!("{number:03}"), 10);
        }
        assert_eq!(table.set.read().unwrap().len(), MOST_SET, "without a bound");
        assert_eq!(table.threshold("511"), 10);
    }

    #[test]
    fn levels_have_pythons_names() {
        assert_eq!([5, 30, 45].map(name_of_level), ["TRACE", "WARNING", "Level 45"]);
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
