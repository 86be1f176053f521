//! Room for large messages: how many bytes are in hand, and which messages wait outside. Pure.
//!
//! A broker sends in advance as many messages as it may, whatever their size, and what is on its way
//! cannot be stopped. So a large one that finds no room is let go of at once and unread; it keeps its
//! place with the broker until there is room, and is given back then, so that it comes again. Must
//! not: keep out small ones, whose number is bounded, or the only one that there is.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::envelope::LARGEST_BODY;

/// What is no larger always finds room.
pub(super) const LARGE: usize = 64 << 10;
/// As on the bus of one machine.
const MOST: usize = LARGEST_BODY;
/// One that was given back may have gone to somebody else: the next is not long in coming.
const PAUSE: Duration = Duration::from_secs(1);

/// What is in hand, by number, and what is to be given back.
pub(super) struct Room<T> {
    held: HashMap<u64, usize>,
    bytes: usize,
    outside: VecDeque<(usize, T)>,
    next: Option<Instant>,
}

impl<T> Room<T> {
    pub(super) fn new() -> Self {
        Self { held: HashMap::new(), bytes: 0, outside: VecDeque::new(), next: None }
    }

    fn fits(&self, bytes: usize) -> bool {
        bytes <= LARGE || self.bytes == 0 || self.bytes + bytes <= MOST
    }

    /// Takes one in, if there is room for it.
    pub(super) fn enter(&mut self, number: u64, bytes: usize) -> bool {
        let fits = self.fits(bytes);
        if fits {
            self.held.insert(number, bytes);
            self.bytes += bytes;
        }
        fits
    }

    /// One has been settled.
    pub(super) fn leave(&mut self, number: u64, now: Instant) {
        self.bytes -= self.held.remove(&number).unwrap_or(0);
        self.next = self.next.map(|next| next.min(now));
    }

    /// This has to wait; from here it can be given back.
    pub(super) fn keep_out(&mut self, bytes: usize, what: T, now: Instant) {
        self.outside.push_back((bytes, what));
        self.next.get_or_insert(now + PAUSE);
    }

    /// When the next may come in.
    pub(super) fn due(&self) -> Option<Instant> {
        let (bytes, _) = self.outside.front()?;
        self.next.filter(|_| self.fits(*bytes))
    }

    /// The next one, if it may.
    pub(super) fn let_in(&mut self, now: Instant) -> Option<T> {
        self.due().filter(|due| *due <= now)?;
        let (_, what) = self.outside.pop_front()?;
        self.next = (!self.outside.is_empty()).then(|| now + PAUSE);
        Some(what)
    }

    /// The connection is gone: what waits outside comes again by itself.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn a_large_message_waits_until_another_is_settled() {
        let (mut room, now) = (Room::new(), Instant::now());
        assert!(room.enter(1, 16 * MIB));
        assert!(!room.enter(2, 16 * MIB));
        room.keep_out(16 * MIB, 2, now);
        assert!(room.enter(3, LARGE), "small ones are always taken");
        let later = now + Duration::from_secs(3600);
        assert_eq!((room.due(), room.let_in(later)), (None, None), "there is no room");
        room.leave(3, now);
        assert_eq!(room.let_in(later), None);
        room.leave(1, now);
        assert_eq!(room.due(), Some(now));
        assert_eq!((room.let_in(now), room.let_in(later), room.due()), (Some(2), None, None));
    }

    #[test]
    fn the_only_one_is_never_too_large() {
        let mut room = Room::<()>::new();
        assert!(room.enter(1, 1 << 30));
        assert!(!room.enter(2, LARGE + 1));
    }

    /// One that was given back need not come here.
    #[test]
    fn those_outside_follow_each_other_though_nothing_comes_back() {
        let (mut room, mut now) = (Room::new(), Instant::now());
        assert!(room.enter(0, MOST));
        for number in 1..=3 {
            assert!(!room.enter(number, MOST));
            room.keep_out(MOST, number, now);
        }
        room.leave(0, now);
        for number in 1..=3 {
            assert_eq!(room.due(), Some(now));
            assert_eq!((room.let_in(now), room.let_in(now)), (Some(number), None));
            now += PAUSE;
        }
        assert_eq!(room.due(), None);
    }

    #[test]
    fn a_lost_connection_leaves_nothing() {
        let (mut room, now) = (Room::new(), Instant::now());
        assert!(room.enter(1, MOST));
        room.keep_out(MOST, 2, now);
        room.clear();
        // The end of what was in hand comes later, and is of no account.
        room.leave(1, now);
        assert_eq!(room.due(), None);
        assert!(room.enter(3, MOST));
    }
}
