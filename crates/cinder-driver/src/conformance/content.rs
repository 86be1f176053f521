//! What stands in a volume: patches over zeroes, written, and compared byte by byte.

use crate::conformance::case::Case;
use crate::io::{OpenMode, VolumeIo};
use crate::view::{GIB, SnapshotView, VolumeView};

const PIECE: usize = 1 << 20;
/// Of the pieces that are said to be empty every so-manieth is read: to read a hole costs as much
/// as to read data.
const SAMPLE: usize = 64;
static ZEROES: [u8; PIECE] = [0; PIECE];

/// The content of a volume.
#[derive(Debug, Clone, Default)]
pub(super) struct Content(Vec<(u64, Vec<u8>)>);

impl Content {
    /// The same with something written over it.
    pub(super) fn with(mut self, offset: u64, length: usize, seed: u8) -> Self {
        self.0.push((offset, pattern(length, seed)));
        self
    }

    /// At places where copies go wrong: at both ends, across pieces, less than a sector, and zeroes
    /// over data.
    pub(super) fn tricky(seed: u8) -> Self {
        Self::default()
            .with(0, 4096, seed)
            .with((1 << 20) - 100, 200, seed.wrapping_add(1))
            .with((300 << 20) + 7, 3 << 20, seed.wrapping_add(2))
            .with((301 << 20) + 1, 70_000, 0)
            .with(GIB - 1, 1, seed.wrapping_add(3))
    }

    /// A few bytes at both ends and between, where many volumes are made one after the other.
    pub(super) fn little(seed: u8) -> Self {
        Self::default().with(1, 100, seed).with(300 << 20, 70_000, seed).with(GIB - 1, 1, seed)
    }

    /// Writes the patches that came after the first `from`.
    pub(super) fn write(&self, io: &dyn VolumeIo, from: usize) {
        for (offset, data) in self.0.iter().skip(from) {
            io.write_at(*offset, data).expect("data are written");
        }
        io.flush().expect("data are flushed");
    }

    /// What should stand in a range.
    fn expected(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut piece = vec![0; length];
        for (at, data) in &self.0 {
            let (start, end) = (*at, at + data.len() as u64);
            let (from, to) = (start.max(offset), end.min(offset + length as u64));
            if from < to {
                let place = (from - offset) as usize..(to - offset) as usize;
                piece[place].copy_from_slice(&data[(from - start) as usize..(to - start) as usize]);
            }
        }
        piece
    }

    fn touches(&self, offset: u64, length: usize) -> bool {
        let end = offset + length as u64;
        self.0.iter().any(|(at, data)| *at < end && at + data.len() as u64 > offset)
    }

    /// Compares the length, and what stands where something was written.
    fn peek(&self, io: &dyn VolumeIo, size_gib: u64, what: &str) {
        assert_eq!(io.length(), size_gib * GIB, "the length after {what}");
        for (offset, data) in &self.0 {
            let mut found = vec![1; data.len()];
            io.read_at(*offset, &mut found).expect("data are read");
            assert!(found == self.expected(*offset, found.len()), "the data after {what}");
        }
    }

    /// Compares every byte that is said to be data, all that was written, and samples of the rest;
    /// with `whole` every byte there is. The volume may have zeroes behind.
    pub(super) fn check(&self, io: &dyn VolumeIo, size_gib: u64, whole: bool, what: &str) {
        assert_eq!(io.length(), size_gib * GIB, "the length of {what}");
        let extents = io.data_extents(0..io.length()).expect("extents are known");
        let mut found = vec![1; PIECE];
        for (at, offset) in (0..io.length()).step_by(PIECE).enumerate() {
            let end = offset + PIECE as u64;
            let is_data = extents.iter().any(|one| one.start < end && one.end > offset);
            let is_written = self.touches(offset, PIECE);
            if !(whole || is_data || is_written || at % SAMPLE == 0) {
                continue;
            }
            io.read_at(offset, &mut found).expect("data are read");
            let is_right = match is_written {
                true => found == self.expected(offset, PIECE),
                false => found == ZEROES,
            };
            assert!(is_right, "the data of {what} differ within the MiB at {offset}");
        }
        // What is said to be empty must be, or a copy would lose it.
        let covers = |at: u64| extents.iter().any(|extent| extent.contains(&at));
        for (offset, data) in &self.0 {
            let at = *offset + data.len() as u64 / 2;
            let is_zero = self.expected(at, 1) == [0];
            assert!(is_zero || covers(at), "{what} has data at {at}, and says that it has none");
        }
    }
}

/// Bytes that differ from their neighbours and from zero, unless the seed is 0.
fn pattern(length: usize, seed: u8) -> Vec<u8> {
    if seed == 0 {
        return vec![0; length];
    }
    let tile: Vec<u8> = (0..=255_u8).map(|at| at.wrapping_mul(31).wrapping_add(seed) | 1).collect();
    let mut pattern = tile.repeat(length.div_ceil(tile.len()));
    pattern.truncate(length);
    pattern
}

impl Case<'_> {
    /// Opens a volume for writing.
    pub(super) fn open(&self, volume: &VolumeView) -> Box<dyn VolumeIo> {
        let io = self.driver.open_local(volume, OpenMode::Write, &self.context());
        io.expect("a volume can be opened")
    }

    /// Writes into a volume.
    pub(super) fn fill(&self, volume: &VolumeView, content: &Content) {
        content.write(self.open(volume).as_ref(), 0);
    }

    /// Compares a volume.
    pub(super) fn check(&self, volume: &VolumeView, content: &Content, what: &str) {
        let io = self.driver.open_local(volume, OpenMode::Read, &self.context());
        let io = io.expect("a volume can be opened");
        content.check(io.as_ref(), volume.size_gib, false, what);
    }

    /// The same, with every byte there is.
    pub(super) fn check_whole(&self, volume: &VolumeView, content: &Content, what: &str) {
        let io = self.driver.open_local(volume, OpenMode::Read, &self.context());
        let io = io.expect("a volume can be opened");
        content.check(io.as_ref(), volume.size_gib, true, what);
    }

    /// Compares a volume where something was written to it.
    pub(super) fn peek(&self, volume: &VolumeView, content: &Content, what: &str) {
        let io = self.driver.open_local(volume, OpenMode::Read, &self.context());
        content.peek(io.expect("a volume can be opened").as_ref(), volume.size_gib, what);
    }

    /// The same with a snapshot, if it can be read.
    pub(super) fn peek_snapshot(&self, snapshot: &SnapshotView, content: &Content, what: &str) {
        if let Some(able) = self.driver.as_snapshot_io() {
            let io = able.open_snapshot(snapshot, &self.context()).expect("it can be opened");
            content.peek(io.as_ref(), snapshot.volume_size_gib, what);
        }
    }

    /// Compares a snapshot, if it can be read.
    pub(super) fn check_snapshot(&self, snapshot: &SnapshotView, content: &Content) {
        if let Some(able) = self.driver.as_snapshot_io() {
            let io = able.open_snapshot(snapshot, &self.context()).expect("it can be opened");
            content.check(io.as_ref(), snapshot.volume_size_gib, false, "a snapshot");
        }
    }
}
