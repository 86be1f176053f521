//! What each worker is doing right now: a small table per worker on the scoreboard.
//!
//! Threads of a worker take entries and give them back, anybody reads; no lock exists. Must not:
//! be needed for an operation to be right. When the table is full, an operation is not shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Scoreboard, nanos};
use crate::sys::monotonic;

/// Operations of one worker that can be shown at a time.
pub const OPERATIONS: usize = 16;
/// Longest kind that is shown, in bytes of UTF-8.
pub const KIND_BYTES: usize = 24;
/// Longest id that is shown, in bytes of UTF-8: room for a uuid.
pub const ID_BYTES: usize = 40;

const VERSION: usize = 0;
const STARTED: usize = 1;
const KIND: usize = 2;
const ID: usize = KIND + KIND_BYTES / 8;
const ENTRY: usize = 12;
const _: () = assert!(ID + ID_BYTES / 8 <= ENTRY);

/// Words of one worker's table.
pub(super) const WORDS: usize = OPERATIONS * ENTRY;

/// The two lowest bits of an entry's version say what it is; the rest counts its changes, so that
/// a reader notices an entry which was given back and taken again under its eyes.
const FREE: u64 = 0;
const WRITING: u64 = 1;
const SHOWN: u64 = 2;
const WHAT: u64 = 3;

/// One operation of a worker, as it was a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What it does, for example `create_volume`.
    pub kind: String,
    /// What it does that to.
    pub id: String,
    /// For how long.
    pub age: Duration,
}

/// Shows an operation for as long as it lives; see
/// [`WorkerHandle::begin_operation`](crate::WorkerHandle::begin_operation).
#[derive(Debug)]
pub struct RunningOperation {
    scoreboard: Arc<Scoreboard>,
    worker: usize,
    /// `None` when the table was full.
    entry: Option<usize>,
}

impl RunningOperation {
    pub(crate) fn begin(scoreboard: &Arc<Scoreboard>, worker: usize, kind: &str, id: &str) -> Self {
        let entry = scoreboard.operations(worker).begin(kind, id);
        Self { scoreboard: Arc::clone(scoreboard), worker, entry }
    }
}

impl Drop for RunningOperation {
    fn drop(&mut self) {
        if let Some(entry) = self.entry {
            self.scoreboard.operations(self.worker).end(entry);
        }
    }
}

/// One worker's table.
pub(crate) struct Operations<'a> {
    /// Entries that have ever been taken since the table was cleared.
    pub(super) used: &'a AtomicU64,
    pub(super) words: &'a [AtomicU64],
}

impl<'a> Operations<'a> {
    fn entry(&self, index: usize) -> &'a [AtomicU64] {
        &self.words[index * ENTRY..][..ENTRY]
    }

    /// Takes a free entry, if there is one.
    pub(super) fn begin(&self, kind: &str, id: &str) -> Option<usize> {
        let index = (0..OPERATIONS).find(|index| {
            let version = &self.entry(*index)[VERSION];
            let found = version.load(Ordering::Acquire);
            let taken = next(found, WRITING);
            found & WHAT == FREE
                && version
                    .compare_exchange(found, taken, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
        })?;
        self.used.fetch_max(index as u64 + 1, Ordering::AcqRel);
        let entry = self.entry(index);
        entry[STARTED].store(nanos(monotonic()), Ordering::Release);
        write(&entry[KIND..ID], kind);
        write(&entry[ID..][..ID_BYTES / 8], id);
        self.mark(index, SHOWN);
        Some(index)
    }

    /// Gives an entry back.
    pub(super) fn end(&self, index: usize) {
        self.mark(index, FREE);
    }

    /// Only its owner changes an entry that is taken.
    fn mark(&self, index: usize, what: u64) {
        let version = &self.entry(index)[VERSION];
        version.store(next(version.load(Ordering::Acquire), what), Ordering::Release);
    }

    /// Forgets the operations of a process that is gone.
    pub(super) fn clear(&self) {
        if self.used.load(Ordering::Acquire) == 0 {
            return; // and so no page is taken
        }
        (0..OPERATIONS).for_each(|index| self.mark(index, FREE));
        self.used.store(0, Ordering::Release);
    }

    /// What runs now, the oldest first.
    pub(super) fn running(&self, now: Duration) -> Vec<Operation> {
        let used = (self.used.load(Ordering::Acquire) as usize).min(OPERATIONS);
        let mut all: Vec<_> = (0..used).filter_map(|index| self.read(index, now)).collect();
        all.sort_by_key(|operation| std::cmp::Reverse(operation.age));
        all
    }

    fn read(&self, index: usize, now: Duration) -> Option<Operation> {
        let entry = self.entry(index);
        let before = entry[VERSION].load(Ordering::Acquire);
        if before & WHAT != SHOWN {
            return None;
        }
        let started = Duration::from_nanos(entry[STARTED].load(Ordering::Acquire));
        let (kind, id) = (read(&entry[KIND..ID]), read(&entry[ID..][..ID_BYTES / 8]));
        // One that changes while it is read has just ended, and begun if at all.
        let whole = entry[VERSION].load(Ordering::Acquire) == before;
        whole.then(|| Operation { kind, id, age: now.saturating_sub(started) })
    }
}

/// The version of an entry after one more change.
fn next(version: u64, what: u64) -> u64 {
    ((version | WHAT).wrapping_add(1)) | what
}

/// Writes as many whole characters as fit; the rest is zero.
fn write(words: &[AtomicU64], text: &str) {
    let mut bytes = text.as_bytes();
    let room = words.len() * 8;
    if bytes.len() > room {
        let cut = (0..=room).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        bytes = &bytes[..cut];
    }
    for (index, word) in words.iter().enumerate() {
        let mut value = [0; 8];
        for (to, from) in value.iter_mut().zip(bytes.iter().skip(index * 8)) {
            *to = *from;
        }
        word.store(u64::from_le_bytes(value), Ordering::Release);
    }
}

fn read(words: &[AtomicU64]) -> String {
    let mut bytes = Vec::with_capacity(words.len() * 8);
    for word in words {
        bytes.extend_from_slice(&word.load(Ordering::Acquire).to_le_bytes());
    }
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(board: &Scoreboard) -> Vec<String> {
        let all = board.operations(0).running(monotonic());
        all.into_iter().map(|operation| format!("{} {}", operation.kind, operation.id)).collect()
    }

    #[test]
    fn an_operation_is_shown_until_it_is_dropped() {
        let board = Arc::new(Scoreboard::new(1).unwrap());
        let first = RunningOperation::begin(&board, 0, "create_volume", "6f1c");
        let second = RunningOperation::begin(&board, 0, "delete_volume", "77aa");
        assert_eq!(kinds(&board), ["create_volume 6f1c", "delete_volume 77aa"]);
        drop(first);
        assert_eq!(kinds(&board), ["delete_volume 77aa"]);
        drop(second);
        assert!(kinds(&board).is_empty());
    }

    #[test]
    fn more_operations_than_fit_are_not_shown_and_harm_nothing() {
        let board = Arc::new(Scoreboard::new(2).unwrap());
        let begin = |n: usize| RunningOperation::begin(&board, 0, "copy", &n.to_string());
        let mut all: Vec<_> = (0..OPERATIONS + 3).map(begin).collect();
        assert_eq!(kinds(&board).len(), OPERATIONS);
        assert!(board.operations(1).running(monotonic()).is_empty());
        all.truncate(1);
        assert_eq!(kinds(&board), ["copy 0"]);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let board = Arc::new(Scoreboard::new(1).unwrap());
        let (kind, id) = ("k".repeat(KIND_BYTES - 1) + "é", "i".repeat(ID_BYTES + 1));
        let _running = RunningOperation::begin(&board, 0, &kind, &id);
        let cut = format!("{} {}", "k".repeat(KIND_BYTES - 1), "i".repeat(ID_BYTES));
        assert_eq!(kinds(&board), [cut]);
    }

    #[test]
    fn what_a_dead_process_left_is_cleared_even_half_written() {
        let board = Arc::new(Scoreboard::new(1).unwrap());
        board.operations(0).begin("copy", "1").unwrap();
        board.operations(0).begin("copy", "2").unwrap();
        board.operations(0).mark(1, WRITING);
        assert_eq!(kinds(&board), ["copy 1"]);
        board.operations(0).clear();
        assert!(kinds(&board).is_empty());
        for index in 0..OPERATIONS {
            assert_eq!(board.operations(0).begin("copy", "3"), Some(index));
        }
    }

    #[test]
    fn threads_that_begin_and_end_all_the_time_never_show_a_mixture() {
        let board = Arc::new(Scoreboard::new(1).unwrap());
        let writers: Vec<_> = (0..4)
            .map(|thread| {
                let board = Arc::clone(&board);
                std::thread::spawn(move || {
                    for round in 0..2_000 {
                        let text = format!("{thread}-{round}");
                        drop(RunningOperation::begin(&board, 0, &text, &text));
                    }
                })
            })
            .collect();
        while !writers.iter().all(|writer| writer.is_finished()) {
            for one in board.operations(0).running(monotonic()) {
                assert_eq!(one.kind, one.id);
            }
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        assert!(kinds(&board).is_empty());
    }
}
