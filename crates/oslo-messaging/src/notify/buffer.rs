//! What waits to be sent, within bounds.
//!
//! Pure. Where there is no room the oldest makes it, as what is told last is what is asked for first; but errors, of which
//! a broken thing has any number, never push out what somebody bills. Must not: lock, wait.

use std::collections::VecDeque;

use super::Priority;

/// Notifications that wait.
pub(super) const MOST: usize = 1_000;
/// And their bytes.
pub(super) const MOST_BYTES: usize = 16 * 1024 * 1024;

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) event_type: String,
    pub(super) priority: Priority,
    /// The message without what differs between its copies.
    pub(super) text: String,
}

/// See the module's head.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

impl Buffer {
    /// Takes one; how many had to go for it, itself included.
    pub(super) fn put(&mut self, one: Waiting) -> u64 {
        self.bytes += one.text.len();
        self.waiting.push_back(one);
        let mut dropped = 0;
        // A single large one is never too much.
        while self.waiting.len() > MOST || (self.bytes > MOST_BYTES && self.waiting.len() > 1) {
            let is_error = |one: &Waiting| one.priority == Priority::Error;
            let at = self.waiting.iter().position(is_error).unwrap_or(0);
            let Some(gone) = self.waiting.remove(at) else { break };
            self.bytes -= gone.text.len();
            dropped += 1;
        }
        dropped
    }

    pub(super) fn next(&mut self) -> Option<Waiting> {
        let next = self.waiting.pop_front()?;
        self.bytes -= next.text.len();
        Some(next)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Forgets all; how many that were.
    pub(super) fn clear(&mut self) -> u64 {
        self.bytes = 0;
        let gone = self.waiting.len();
        self.waiting.clear();
        gone as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: usize, priority: Priority, bytes: usize) -> Waiting {
        Waiting { event_type: name.to_string(), priority, text: "x".repeat(bytes) }
    }

    fn names(buffer: &mut Buffer) -> Vec<usize> {
        std::iter::from_fn(|| buffer.next()).map(|one| one.event_type.parse().unwrap()).collect()
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut buffer = Buffer::default();
        let dropped: u64 = (0..MOST + 5).map(|at| buffer.put(one(at, Priority::Info, 1))).sum();
        assert_eq!((dropped, buffer.len()), (5, MOST));
        assert_eq!(names(&mut buffer), (5..MOST + 5).collect::<Vec<_>>());
    }

    #[test]
    fn errors_push_out_each_other_and_nothing_else() {
        let mut buffer = Buffer::default();
        for at in 0..MOST - 1 {
            buffer.put(one(at, Priority::Info, 1));
        }
        let dropped: u64 = (0..50).map(|at| buffer.put(one(9000 + at, Priority::Error, 1))).sum();
        assert_eq!(dropped, 49);
        // The next one that counts takes the last error's place.
        assert_eq!(buffer.put(one(MOST, Priority::Info, 1)), 1);
        assert_eq!(names(&mut buffer), (0..MOST - 1).chain([MOST]).collect::<Vec<_>>());
    }

    #[test]
    fn bytes_are_bounded_and_one_large_notification_is_none_too_many() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.put(one(0, Priority::Info, 2 * MOST_BYTES)), 0);
        assert_eq!(buffer.put(one(1, Priority::Info, 10)), 1);
        assert_eq!(buffer.put(one(2, Priority::Info, MOST_BYTES - 10)), 0);
        assert_eq!(buffer.put(one(3, Priority::Info, 1)), 1);
        assert_eq!(names(&mut buffer), [2, 3]);
        assert_eq!(buffer.bytes, 0);
    }
}
