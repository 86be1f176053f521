//! The scoreboard's memory where there is no fork: ordinary memory of one process.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Time since this process first asked.
pub(crate) fn monotonic() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    // Never zero: on the scoreboard zero means "not yet".
    START.get_or_init(Instant::now).elapsed() + Duration::from_nanos(1)
}

/// Zeroed 64-bit words.
#[derive(Debug)]
pub(crate) struct SharedWords(Vec<AtomicU64>);

impl SharedWords {
    pub(crate) fn map(len: usize) -> io::Result<Self> {
        Ok(Self((0..len).map(|_| AtomicU64::new(0)).collect()))
    }

    pub(crate) fn get(&self) -> &[AtomicU64] {
        &self.0
    }
}

/// Zeroed words of the one process there is.
#[derive(Debug)]
pub(crate) struct OwnedWords(SharedWords);

impl OwnedWords {
    pub(crate) fn map(len: usize) -> io::Result<Self> {
        SharedWords::map(len).map(Self)
    }

    /// The word, or 0 if there is none.
    pub(crate) fn load(&self, index: usize) -> u64 {
        self.0.get().get(index).map_or(0, |word| word.load(Ordering::Acquire))
    }

    pub(crate) fn store(&self, index: usize, value: u64) {
        if let Some(word) = self.0.get().get(index) {
            word.store(value, Ordering::Release);
        }
    }
}
