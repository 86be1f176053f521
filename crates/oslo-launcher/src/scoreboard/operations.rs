//! What each worker is doing right now: a small table per worker on the scoreboard.
//!
//! Threads of a worker take entries and give them back, anybody reads; no lock exists. Must not:
//! be needed for an operation to be right. When the table is full, an operation is not shown.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::nanos;
use crate::sys::monotonic;

/// Longest kind that is shown, in bytes of UTF-8.
pub const KIND_BYTES: usize = 32;
/// Longest id that is shown, in bytes of UTF-8: room for a uuid.
pub const ID_BYTES: usize = 40;
/// Longest id of a request that is shown, in bytes of UTF-8: room for `req-` and a uuid.
pub const REQUEST_BYTES: usize = 40;
/// Longest step that is shown, in bytes of UTF-8.
pub const STEP_BYTES: usize = 40;

pub(super) const VERSION: usize = 0;
const STARTED: usize = 1;
const STEP_STARTED: usize = 2;
pub(super) const KIND: usize = 3;
pub(super) const ID: usize = KIND + KIND_BYTES / 8;
pub(super) const REQUEST: usize = ID + ID_BYTES / 8;
pub(super) const STEP: usize = REQUEST + REQUEST_BYTES / 8;
/// Words of one operation, as many as some cache lines have.
pub(super) const ENTRY: usize = 24;
const _: () = assert!(STEP + STEP_BYTES / 8 <= ENTRY);

/// How often an entry is read that changes under the reader's eyes.
pub(super) const LOOKS: usize = 100;

/// The two lowest bits of an entry's version say what it is; the rest counts its changes, so that
/// a reader notices an entry which was given back and taken again under its eyes.
pub(super) const FREE: u64 = 0;
pub(super) const WRITING: u64 = 1;
pub(super) const SHOWN: u64 = 2;
pub(super) const WHAT: u64 = 3;

/// One operation of a worker, as it was a moment ago.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operation {
    /// What it does, for example `create_volume`.
    pub kind: String,
    /// What it does that to.
    pub id: String,
    /// The request that wanted it.
    pub request: String,
    /// What it is at; empty before its first step.
    pub step: String,
    /// For how long it has been running.
    pub age: Duration,
    /// For how long it has been at this step.
    pub step_age: Duration,
}

/// One worker's table.
pub(crate) struct Operations<'a> {
    /// Entries that have ever been taken since the table was cleared.
    pub(super) used: &'a AtomicU64,
    pub(super) words: &'a [AtomicU64],
}

impl<'a> Operations<'a> {
    /// How many can be shown.
    fn room(&self) -> usize {
        self.words.len() / ENTRY
    }

    fn entry(&self, index: usize) -> &'a [AtomicU64] {
        &self.words[index * ENTRY..][..ENTRY]
    }

    /// Takes a free entry, if there is one.
    pub(super) fn begin(&self, kind: &str, id: &str, request: &str) -> Option<usize> {
        let index = (0..self.room()).find(|index| {
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
        write(&entry[ID..REQUEST], id);
        write(&entry[REQUEST..STEP], request);
        self.write_step(entry, "");
        self.mark(index, SHOWN);
        Some(index)
    }

    /// Notes what the owner of an entry is at.
    pub(super) fn step(&self, index: usize, text: &str) {
        self.mark(index, WRITING);
        self.write_step(self.entry(index), text);
        self.mark(index, SHOWN);
    }

    /// Notes what the owner of an entry does something to.
    pub(super) fn about(&self, index: usize, id: &str) {
        self.mark(index, WRITING);
        write(&self.entry(index)[ID..REQUEST], id);
        self.mark(index, SHOWN);
    }

    fn write_step(&self, entry: &[AtomicU64], text: &str) {
        entry[STEP_STARTED].store(nanos(monotonic()), Ordering::Release);
        write(&entry[STEP..][..STEP_BYTES / 8], text);
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
        (0..self.room()).for_each(|index| self.mark(index, FREE));
        self.used.store(0, Ordering::Release);
    }

    /// What runs now, the oldest first.
    pub(super) fn running(&self, now: Duration) -> Vec<Operation> {
        let used = (self.used.load(Ordering::Acquire) as usize).min(self.room());
        let mut all: Vec<_> = (0..used).filter_map(|index| self.read(index, now)).collect();
        all.sort_by_key(|operation| std::cmp::Reverse(operation.age));
        all
    }

    /// What stands in an entry, as a whole. Its owner may be about to write another step into it, so
    /// it is looked at more than once; one whose owner stays in the middle of that is not shown.
    fn read(&self, index: usize, now: Duration) -> Option<Operation> {
        (0..LOOKS).find_map(|_| self.look(self.entry(index), now)).flatten()
    }

    /// One look: nothing if the entry was just being written, an empty answer if it is free.
    #[expect(clippy::option_option, reason = "a free entry is something else than none to be had")]
    fn look(&self, entry: &[AtomicU64], now: Duration) -> Option<Option<Operation>> {
        let before = entry[VERSION].load(Ordering::Acquire);
        match before & WHAT {
            FREE => return Some(None),
            SHOWN => {}
            _ => {
                std::hint::spin_loop();
                return None;
            }
        }
        let age = |word: usize| {
            now.saturating_sub(Duration::from_nanos(entry[word].load(Ordering::Acquire)))
        };
        let operation = Operation {
            kind: read(&entry[KIND..ID]),
            id: read(&entry[ID..REQUEST]),
            request: read(&entry[REQUEST..STEP]),
            step: read(&entry[STEP..][..STEP_BYTES / 8]),
            age: age(STARTED),
            step_age: age(STEP_STARTED),
        };
        (entry[VERSION].load(Ordering::Acquire) == before).then_some(Some(operation))
    }
}

/// The version of an entry after one more change.
pub(super) fn next(version: u64, what: u64) -> u64 {
    ((version | WHAT).wrapping_add(1)) | what
}

/// Writes as many whole characters as fit; the rest is zero.
pub(super) fn write(words: &[AtomicU64], text: &str) {
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

pub(super) fn read(words: &[AtomicU64]) -> String {
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
    use std::sync::Arc;

    use super::super::{RunningOperation, Scoreboard};
    use super::*;

    const OPERATIONS: usize = 16;

    fn kinds(board: &Scoreboard) -> Vec<String> {
        let all = board.operations(0).running(monotonic());
        all.into_iter().map(|operation| format!("{} {}", operation.kind, operation.id)).collect()
    }

    #[test]
    fn an_operation_is_shown_until_it_is_dropped() {
        let board = Arc::new(Scoreboard::with_words(1, 0, OPERATIONS).unwrap());
        let first = RunningOperation::begin(&board, 0, "create_volume", "6f1c", "req-1");
        let second = RunningOperation::begin(&board, 0, "delete_volume", "77aa", "req-1");
        assert_eq!(kinds(&board), ["create_volume 6f1c", "delete_volume 77aa"]);
        drop(first);
        assert_eq!(kinds(&board), ["delete_volume 77aa"]);
        drop(second);
        assert!(kinds(&board).is_empty());
    }

    #[test]
    fn more_operations_than_fit_are_not_shown_and_harm_nothing() {
        let board = Arc::new(Scoreboard::with_words(2, 0, OPERATIONS).unwrap());
        let begin = |n: usize| RunningOperation::begin(&board, 0, "copy", &n.to_string(), "req-1");
        let mut all: Vec<_> = (0..OPERATIONS + 3).map(begin).collect();
        assert_eq!(kinds(&board).len(), OPERATIONS);
        assert!(board.operations(1).running(monotonic()).is_empty());
        all.truncate(1);
        assert_eq!(kinds(&board), ["copy 0"]);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let board = Arc::new(Scoreboard::with_words(1, 0, OPERATIONS).unwrap());
        let (kind, id) = ("k".repeat(KIND_BYTES - 1) + "é", "i".repeat(ID_BYTES + 1));
        let _running = RunningOperation::begin(&board, 0, &kind, &id, "req-1");
        let cut = format!("{} {}", "k".repeat(KIND_BYTES - 1), "i".repeat(ID_BYTES));
        assert_eq!(kinds(&board), [cut]);
    }

    #[test]
    fn what_a_dead_process_left_is_cleared_even_half_written() {
        let board = Arc::new(Scoreboard::with_words(1, 0, OPERATIONS).unwrap());
        board.operations(0).begin("copy", "1", "").unwrap();
        board.operations(0).begin("copy", "2", "").unwrap();
        board.operations(0).mark(1, WRITING);
        assert_eq!(kinds(&board), ["copy 1"]);
        board.operations(0).clear();
        assert!(kinds(&board).is_empty());
        for index in 0..OPERATIONS {
            assert_eq!(board.operations(0).begin("copy", "3", ""), Some(index));
        }
    }

    #[test]
    fn an_operation_tells_who_wanted_it_and_what_it_is_at() {
        let board = Arc::new(Scoreboard::with_words(1, 0, 1).unwrap());
        let mut one = RunningOperation::begin(&board, 0, "create_volume", "6f1c", "req-1");
        let shown = || board.operations(0).running(monotonic()).remove(0);
        assert_eq!((shown().request.as_str(), shown().step.as_str()), ("req-1", ""));
        one.step("step 1 of 5: reserve");
        one.step(&("step 2 of 5: ".to_owned() + &"x".repeat(STEP_BYTES)));
        let last = shown();
        assert_eq!(last.step, "step 2 of 5: ".to_owned() + &"x".repeat(STEP_BYTES - 13));
        assert!(last.step_age <= last.age && last.kind == "create_volume");
    }

    #[test]
    fn an_operation_that_steps_all_the_time_shows_whole_steps() {
        let board = Arc::new(Scoreboard::with_words(1, 0, 1).unwrap());
        let theirs = Arc::clone(&board);
        let (done, steps) = std::sync::mpsc::channel::<()>();
        let owner = std::thread::spawn(move || {
            let mut one = RunningOperation::begin(&theirs, 0, "copy", "1", "");
            done.send(()).unwrap();
            for round in 0..20_000 {
                one.step(&round.to_string().repeat(3));
            }
            one
        });
        steps.recv().unwrap();
        while !owner.is_finished() {
            // Unless the owner was put to sleep in the middle, which a processor may do.
            for one in board.operations(0).running(monotonic()) {
                let (third, rest) = one.step.split_at(one.step.len() / 3);
                assert_eq!(third.repeat(2), rest, "a mixture of two steps");
            }
        }
        assert_eq!(board.operations(0).running(monotonic()).len(), 1);
        drop(owner.join().unwrap());
    }

    #[test]
    fn threads_that_begin_and_end_all_the_time_never_show_a_mixture() {
        let board = Arc::new(Scoreboard::with_words(1, 0, OPERATIONS).unwrap());
        let writers: Vec<_> = (0..4)
            .map(|thread| {
                let board = Arc::clone(&board);
                std::thread::spawn(move || {
                    for round in 0..2_000 {
                        let text = format!("{thread}-{round}");
                        drop(RunningOperation::begin(&board, 0, &text, &text, "req-1"));
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
