//! What each worker did last: a ring of operations that have ended, per worker on the scoreboard.
//!
//! It outlives the worker's processes; what one of them was doing when it died stands here as
//! interrupted. No lock exists. Must not: be needed for an operation to be right.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::operations::{
    ENTRY, FREE, ID, KIND, LOOKS, Operation, REQUEST, SHOWN, STEP, STEP_BYTES, VERSION, WHAT,
    WRITING, next, read, write,
};
use super::{Scoreboard, nanos};
use crate::sys::monotonic;

/// How many of them are kept for each worker.
pub const ENDED: usize = 50;
/// Words of a worker's ring.
pub(super) const WORDS: usize = ENDED * ENTRY;

/// The words of an entry that mean something else than those of one that runs.
const AT: usize = 1;
const TOOK: usize = 2;
const ENDING: usize = STEP + STEP_BYTES / 8;
const NUMBER: usize = ENDING + 1;
const _: () = assert!(NUMBER < ENTRY);

/// How an operation ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u64)]
pub enum Ending {
    /// It was done.
    #[default]
    Done = 1,
    /// It was not.
    Failed = 2,
    /// Its process died.
    Interrupted = 3,
}

impl Ending {
    fn from_word(word: u64) -> Option<Self> {
        match word {
            1 => Some(Self::Done),
            2 => Some(Self::Failed),
            3 => Some(Self::Interrupted),
            _ => None,
        }
    }

    /// The lower-case word shown to operators.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// An operation of a worker that has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedOperation {
    /// What it did, for example `create_volume`.
    pub kind: String,
    /// What it did that to.
    pub id: String,
    /// The request that wanted it.
    pub request: String,
    /// How it ended.
    pub ending: Ending,
    /// Why it failed, in a word; what it was at when it was interrupted.
    pub why: String,
    /// How long it took.
    pub took: Duration,
    /// How long ago it ended.
    pub age: Duration,
}

/// What is to be kept.
pub(super) struct Ended<'a> {
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
    pub(super) request: &'a str,
    pub(super) ending: Ending,
    pub(super) why: &'a str,
    pub(super) took: Duration,
}

impl Scoreboard {
    /// What a worker did last.
    pub(super) fn ended_table(&self, worker: usize) -> EndedTable<'_> {
        let words = self.tables(worker).get(self.operations * ENTRY..);
        let words = words.and_then(|words| words.get(..WORDS)).unwrap_or_default();
        EndedTable { count: &self.slot(worker).words[super::OPERATIONS_ENDED], words }
    }

    /// The last operations of a worker, by its place in launch order, that have
    /// [ended](super::RunningOperation::end), the newest first and [`ENDED`] at most: over all its processes.
    pub fn ended(&self, worker: usize, most: usize) -> Vec<EndedOperation> {
        if worker >= self.capacity.max(1) {
            return Vec::new();
        }
        self.ended_table(worker).newest(most, monotonic())
    }
}

/// One worker's ring; without words nothing is kept.
pub(super) struct EndedTable<'a> {
    /// How many have ever been added.
    pub(super) count: &'a AtomicU64,
    pub(super) words: &'a [AtomicU64],
}

impl<'a> EndedTable<'a> {
    fn entry(&self, index: usize) -> &'a [AtomicU64] {
        &self.words[index * ENTRY..][..ENTRY]
    }

    /// Adds one in the place of the oldest.
    pub(super) fn add(&self, ended: &Ended<'_>) {
        if self.words.is_empty() {
            return;
        }
        let number = self.count.fetch_add(1, Ordering::AcqRel);
        let entry = self.entry((number % ENDED as u64) as usize);
        let found = entry[VERSION].load(Ordering::Acquire);
        let taken = next(found, WRITING);
        let swapped =
            entry[VERSION].compare_exchange(found, taken, Ordering::AcqRel, Ordering::Relaxed);
        if found & WHAT == WRITING || swapped.is_err() {
            return; // fifty others have ended while one was written: this one is not shown
        }
        for (word, value) in [
            (AT, nanos(monotonic())),
            (TOOK, nanos(ended.took)),
            (ENDING, ended.ending as u64),
            (NUMBER, number),
        ] {
            entry[word].store(value, Ordering::Release);
        }
        write(&entry[KIND..ID], ended.kind);
        write(&entry[ID..REQUEST], ended.id);
        write(&entry[REQUEST..STEP], ended.request);
        write(&entry[STEP..][..STEP_BYTES / 8], ended.why);
        entry[VERSION].store(next(taken, SHOWN), Ordering::Release);
    }

    /// Keeps what a process that is gone was doing, and gives back what it was writing.
    pub(super) fn succeed(&self, left: &[Operation]) {
        if self.count.load(Ordering::Acquire) == 0 && left.is_empty() {
            return; // and so no page is taken
        }
        for index in 0..self.words.len() / ENTRY {
            let version = &self.entry(index)[VERSION];
            let found = version.load(Ordering::Acquire);
            if found & WHAT != SHOWN {
                version.store(next(found, FREE), Ordering::Release);
            }
        }
        for one in left {
            self.add(&Ended {
                kind: &one.kind,
                id: &one.id,
                request: &one.request,
                ending: Ending::Interrupted,
                why: &one.step,
                took: one.age,
            });
        }
    }

    /// So many, the newest first.
    pub(super) fn newest(&self, most: usize, now: Duration) -> Vec<EndedOperation> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let room = self.words.len() / ENTRY;
        let mut all: Vec<_> = (0..room).filter_map(|index| self.read(index, now)).collect();
        all.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        all.into_iter().take(most).map(|(_, one)| one).collect()
    }

    fn read(&self, index: usize, now: Duration) -> Option<(u64, EndedOperation)> {
        let entry = self.entry(index);
        (0..LOOKS).find_map(|_| {
            let before = entry[VERSION].load(Ordering::Acquire);
            if before & WHAT != SHOWN {
                return None;
            }
            let word = |word: usize| entry[word].load(Ordering::Acquire);
            let one = EndedOperation {
                kind: read(&entry[KIND..ID]),
                id: read(&entry[ID..REQUEST]),
                request: read(&entry[REQUEST..STEP]),
                ending: Ending::from_word(word(ENDING))?,
                why: read(&entry[STEP..][..STEP_BYTES / 8]),
                // No more than there has been: a stray write is no duration.
                took: Duration::from_nanos(word(TOOK)).min(now),
                age: now.saturating_sub(Duration::from_nanos(word(AT))),
            };
            (word(VERSION) == before).then(|| (word(NUMBER), one))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scoreboard::{RunningOperation, Scoreboard};

    fn board() -> Arc<Scoreboard> {
        Arc::new(Scoreboard::with_words(2, 0, 4).unwrap())
    }

    fn begin(board: &Arc<Scoreboard>, id: &str) -> RunningOperation {
        RunningOperation::begin(board, 0, "create_volume", id, "req-1")
    }

    fn shown(board: &Scoreboard) -> Vec<String> {
        let text = |one: EndedOperation| format!("{} {} {}", one.id, one.ending.as_str(), one.why);
        board.ended(0, ENDED).into_iter().map(text).collect()
    }

    #[test]
    fn the_last_fifty_are_kept_the_newest_first_and_what_is_only_dropped_is_not() {
        let board = board();
        for number in 0..ENDED + 7 {
            begin(&board, &number.to_string()).end(Ending::Done, "");
        }
        drop(begin(&board, "dropped"));
        let mut last = begin(&board, "-");
        last.about("last");
        last.end(Ending::Failed, "VolumeNotFound");
        let shown = shown(&board);
        assert_eq!(shown.len(), ENDED);
        assert_eq!(shown[0], "last failed VolumeNotFound");
        assert_eq!(shown[1], "56 done ");
        assert_eq!(shown[ENDED - 1], "8 done ");
        assert_eq!(board.ended(0, 3).len(), 3);
        assert!(board.ended(1, ENDED).is_empty() && board.ended(99, ENDED).is_empty());
    }

    #[test]
    fn what_a_process_was_doing_when_it_died_is_interrupted_and_what_ended_before_stays() {
        let board = board();
        begin(&board, "before").end(Ending::Done, "");
        let mut left = begin(&board, "left");
        left.step("driver");
        // A writer that died in the middle leaves room for those to come.
        let word = &board.ended_table(0).entry(1)[VERSION];
        word.store(WRITING, Ordering::Release);
        board.new_life(0, 2);
        assert_eq!(shown(&board), ["left interrupted driver", "before done "]);
    }

    #[test]
    fn nonsense_is_no_operation_and_no_harm() {
        let board = board();
        begin(&board, "one").end(Ending::Done, "");
        for value in [u64::MAX, 3, 2, 0xfe] {
            board.ended_table(0).words.iter().for_each(|one| one.store(value, Ordering::Relaxed));
            for one in board.ended(0, ENDED) {
                assert!(one.age <= monotonic() && one.took <= monotonic());
            }
            board.new_life(0, 3);
        }
    }
}
