//! Log records that reading a configuration causes, kept until the program has a log to put them in.
//!
//! Must not log: at the time of reading nobody has set up logging yet.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// How loud a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeLevel {
    /// An ordinary event.
    Info,
    /// Something the operator should change.
    Warning,
    /// Something that does not work.
    Error,
}

/// One record of upstream's logger `oslo_config.cfg`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Notice {
    /// How loud.
    pub level: NoticeLevel,
    /// The text, worded as upstream words it.
    pub text: String,
}

/// Name of the logger that upstream uses for all of these.
pub const LOGGER: &str = "oslo_config.cfg";

/// Collects records; a deprecation is said once per text.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    pending: Vec<Notice>,
    said: HashSet<String>,
}

impl Notices {
    pub fn push(&self, level: NoticeLevel, text: String) {
        self.with(|inner| inner.pending.push(Notice { level, text }));
    }

    pub fn once(&self, text: String) {
        self.with(|inner| {
            if inner.said.insert(text.clone()) {
                inner.pending.push(Notice { level: NoticeLevel::Warning, text });
            }
        });
    }

    pub fn take(&self) -> Vec<Notice> {
        self.with(|inner| std::mem::take(&mut inner.pending))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        // A panic while a text was being stored leaves nothing half-done worth refusing to log.
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
