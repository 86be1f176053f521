//! Records that a slow reader has not taken yet: whole, in order, bounded.
//!
//! Must not know where they go, and must hold no memory while nothing waits.

/// A backlog holds this much, and at least one record, however long.
///
/// Four times what a pipe holds (pipe(7)): a reader that is restarted misses nothing, and a
/// parent with a thousand workers that all wait costs no more than 256 MiB.
pub(crate) const LIMIT: usize = 256 * 1024;

/// In front of each record stands its length.
const PREFIX: usize = size_of::<u32>();

/// A queue of records in one piece of memory.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    bytes: Vec<u8>,
    /// Where the oldest record's prefix stands.
    start: usize,
    /// Bytes of the oldest record that have been written already.
    written: usize,
}

impl Backlog {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Keeps a record; false, and nothing kept, when there is no room for the whole of it.
    pub(crate) fn push(&mut self, record: &[u8]) -> bool {
        let Ok(length) = u32::try_from(record.len()) else { return false };
        let waiting = self.bytes.len() - self.start;
        if !self.is_empty() && waiting + PREFIX + record.len() > LIMIT {
            return false;
        }
        if self.bytes.capacity() == 0 {
            // Once and for all: growing step by step would copy megabytes for nothing, and pages
            // that are not written to cost none.
            self.bytes.reserve_exact(LIMIT);
        } else if self.bytes.len() + PREFIX + record.len() > self.bytes.capacity() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(record);
        true
    }

    /// What is left to write of the oldest record.
    pub(crate) fn oldest(&self) -> Option<&[u8]> {
        let (prefix, rest) = self.bytes.get(self.start..)?.split_first_chunk::<PREFIX>()?;
        let length = usize::try_from(u32::from_ne_bytes(*prefix)).ok()?;
        rest.get(self.written..length)
    }

    /// Notes that `count` more bytes of the oldest record are written.
    pub(crate) fn advance(&mut self, count: usize) {
        let left = self.oldest().map_or(0, <[u8]>::len);
        if count < left {
            self.written += count;
        } else {
            self.remove_oldest();
        }
    }

    /// Forgets the oldest record, or what is left of it.
    pub(crate) fn remove_oldest(&mut self) {
        let left = self.oldest().map_or(0, <[u8]>::len);
        self.start += PREFIX + self.written + left;
        self.written = 0;
        if self.start >= self.bytes.len() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut backlog: Backlog) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        while let Some(oldest) = backlog.oldest() {
            out.push(oldest.to_vec());
            backlog.remove_oldest();
        }
        out
    }

    #[test]
    fn records_come_out_whole_and_in_order() {
        let mut backlog = Backlog::default();
        for record in ["one\n", "", "three\n"] {
            assert!(backlog.push(record.as_bytes()));
        }
        assert_eq!(all(backlog), [b"one\n".to_vec(), b"".to_vec(), b"three\n".to_vec()]);
    }

    #[test]
    fn the_rest_of_a_partly_written_record_stays_in_front() {
        let mut backlog = Backlog::default();
        assert!(backlog.push(b"abcdef") && backlog.push(b"next"));
        backlog.advance(2);
        backlog.advance(1);
        assert_eq!(backlog.oldest(), Some(&b"def"[..]));
        backlog.advance(3);
        assert_eq!(all(backlog), [b"next".to_vec()]);
    }

    #[test]
    fn a_full_backlog_refuses_whole_records_and_takes_them_again_later() {
        let mut backlog = Backlog::default();
        let record = [b'x'; 1000];
        let mut taken = 0;
        while backlog.push(&record) {
            taken += 1;
        }
        assert_eq!(taken, LIMIT / (1000 + PREFIX));
        for _ in 0..3 * taken {
            backlog.remove_oldest();
            assert!(backlog.push(&record));
            assert!(backlog.bytes.len() <= LIMIT && backlog.bytes.capacity() == LIMIT);
        }
        assert!(!backlog.push(&record));
        assert_eq!(all(backlog), vec![record.to_vec(); taken]);
    }

    #[test]
    fn a_record_longer_than_the_limit_waits_alone() {
        let mut backlog = Backlog::default();
        let record = vec![b'x'; 2 * LIMIT];
        assert!(backlog.push(&record));
        assert!(!backlog.push(b"y"));
        backlog.advance(10);
        assert_eq!(backlog.oldest().map(<[u8]>::len), Some(2 * LIMIT - 10));
        backlog.advance(2 * LIMIT - 10);
        assert!(backlog.is_empty() && backlog.push(b"y"));
    }

    #[test]
    fn nothing_is_allocated_while_nothing_waits() {
        let mut backlog = Backlog::default();
        assert_eq!(backlog.bytes.capacity(), 0);
        assert!(backlog.push(b"x"));
        backlog.advance(1);
        assert_eq!(backlog.bytes.capacity(), 0);
    }
}
