//! Metrics as they are to be shown: plain samples below their family.
//!
//! Must not: know what any of them is about.

use std::sync::Arc;

/// What kind of number a family has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words instead of a number: they are the labels, the value is 1.
    Info,
    /// Something that goes up and down.
    Gauge,
    /// Something that only grows.
    Counter,
    /// How many were how large.
    Histogram,
}

/// All samples of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Its name, without what the format appends for the kind.
    pub name: &'static str,
    /// What it tells, as a sentence.
    pub help: &'static str,
    /// What kind of number it has.
    pub kind: Kind,
    /// Its samples, no two with the same labels. What is unknown has none: a zero would be a lie.
    pub samples: Vec<Sample>,
}

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Label names with their values.
    pub labels: Vec<(&'static str, Arc<str>)>,
    /// The number.
    pub value: Value,
}

/// A number of one of the kinds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole one.
    Whole(u64),
    /// Seconds, say. A counter has whole ones only.
    Real(f64),
    /// Many, by size.
    Histogram(Histogram),
}

/// How many of something there were, and how large they were.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// All of them together.
    pub sum: f64,
    /// An upper bound with how many were no larger, but larger than the bound before. The last one
    /// is infinite.
    pub buckets: Vec<(f64, u64)>,
}
