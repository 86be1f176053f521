//! What operators have to know of a worker besides its state: a few lines per worker on the
//! scoreboard, each at a place of its own.
//!
//! No lock exists. Must not: be needed by anything.

use std::sync::atomic::{AtomicU64, Ordering};

use super::operations::{ENTRY, LOOKS, SHOWN, VERSION, WHAT, WRITING, next, read, write};
use super::{Scoreboard, ended};

/// How many places there are.
pub const NOTES: usize = 8;
/// Longest note, in bytes of UTF-8.
pub const NOTE_BYTES: usize = 248;

const TEXT: usize = 1;
const NOTE: usize = TEXT + NOTE_BYTES / 8;
/// Words of a worker's notes.
pub(super) const WORDS: usize = NOTES * NOTE;

impl Scoreboard {
    pub(super) fn notes_table(&self, worker: usize) -> Notes<'_> {
        let words = self.tables(worker).get(self.operations * ENTRY + ended::WORDS..);
        Notes(words.unwrap_or_default())
    }

    /// What a worker has noted for operators, see [`WorkerHandle::note`](crate::WorkerHandle::note).
    pub fn notes(&self, worker: usize) -> Vec<String> {
        if worker >= self.capacity.max(1) {
            return Vec::new();
        }
        self.notes_table(worker).read()
    }

    /// Notes it at this place, or takes back what is there.
    pub(crate) fn note(&self, worker: usize, place: usize, text: &str) {
        self.notes_table(worker).write(place, text);
    }
}

/// One worker's notes; without words nothing is kept.
pub(super) struct Notes<'a>(pub(super) &'a [AtomicU64]);

impl<'a> Notes<'a> {
    fn place(&self, place: usize) -> Option<&'a [AtomicU64]> {
        self.0.get(place * NOTE..(place + 1) * NOTE).filter(|_| place < NOTES)
    }

    /// Writes one; of two that write at once into one place, one may be lost.
    pub(super) fn write(&self, place: usize, text: &str) {
        let Some(words) = self.place(place) else { return };
        let found = words[VERSION].load(Ordering::Acquire);
        if text.is_empty() && found == 0 {
            return; // and so no page is taken
        }
        let writing = next(found, WRITING);
        words[VERSION].store(writing, Ordering::Release);
        write(&words[TEXT..], text);
        words[VERSION].store(next(writing, SHOWN), Ordering::Release);
    }

    /// Takes all back.
    pub(super) fn clear(&self) {
        (0..NOTES).for_each(|place| self.write(place, ""));
    }

    /// All that there are, by place.
    pub(super) fn read(&self) -> Vec<String> {
        let one = |place: usize| {
            let words = self.place(place)?;
            let text = (0..LOOKS).find_map(|_| {
                let before = words[VERSION].load(Ordering::Acquire);
                let text = (before & WHAT == SHOWN).then(|| read(&words[TEXT..]))?;
                (words[VERSION].load(Ordering::Acquire) == before).then_some(text)
            });
            text.filter(|text| !text.is_empty())
        };
        (0..NOTES).filter_map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_stand_at_their_places_until_they_are_taken_back_or_the_process_is_gone() {
        let board = Scoreboard::with_words(2, 0, 1).unwrap();
        assert!(board.notes(0).is_empty());
        board.note(0, 3, "later");
        board.note(0, 0, &("é".repeat(NOTE_BYTES / 2) + "x"));
        assert_eq!(board.notes(0), ["é".repeat(NOTE_BYTES / 2), "later".to_owned()]);
        board.note(0, NOTES, "nowhere");
        board.note(0, 0, "");
        assert_eq!(board.notes(0), ["later"]);
        assert!(board.notes(1).is_empty() && board.notes(99).is_empty());
        board.new_life(0, 2);
        assert!(board.notes(0).is_empty());
        board.notes_table(0).0.iter().for_each(|one| one.store(u64::MAX, Ordering::Relaxed));
        assert!(board.notes(0).len() <= NOTES);
    }
}
