//! Copying the data of one volume to another: as little of it as possible, as fast as allowed.
//!
//! What the source knows to be empty is not read; what reads as zeroes is not written but punched.
//! Where both sides are files the kernel copies, by sharing blocks if the file system can. Order
//! of the tries: share the whole file, copy in the kernel, copy through one buffer of ours.
//!
//! Must not: keep more than that buffer in memory, or run for more than about a second without a
//! look at its limits. That is why pieces have a size that follows the speed of the copy, and why
//! what was written is flushed as it goes: a flush of everything at the end cannot be cancelled.

use std::ops::Range;
use std::time::{Duration, Instant};

use rustix::fs::{copy_file_range, ioctl_ficlone};
use rustix::io::Errno;

use crate::cancel::Limit;
use crate::error::DriverError;
use crate::io::VolumeIo;
use crate::seams::{ImageSink, ImageSource};
use crate::throttle::Throttle;

/// The buffer of a copy, and the largest piece that goes through it.
const BUFFER: usize = 1 << 20;
/// Zeroes are looked for in pieces of this size: that of a large page of a file system.
const GRAIN: usize = 64 * 1024;
/// How much of the source is asked for its extents at once.
const WINDOW: u64 = 1 << 30;
/// Pieces for the kernel begin with this size …
const FIRST_PIECE: u64 = 1 << 20;
/// … and are never larger.
const LARGEST_PIECE: u64 = 64 << 20;
/// A piece should take about this long: ten of them are the second in which a cancellation is seen.
const PIECE_TIME: Duration = Duration::from_millis(100);
/// Unflushed data never exceed this, which a slow disk writes in about a second.
const UNFLUSHED: u64 = 64 << 20;

/// What is known of the place that is copied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// It is new and reads as zeroes: nothing has to be written for a hole.
    Zeroed,
    /// Anything may stand there.
    Used,
}

/// How the data went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The file system shares the blocks.
    Shared,
    /// The kernel copied them.
    Kernel,
    /// They went through a buffer.
    Buffer,
}

/// What a copy has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Bytes that were written.
    pub written: u64,
    /// Bytes that were empty, and skipped or punched.
    pub skipped: u64,
    /// How.
    pub method: Method,
}

/// How fast, until when, and who is told.
pub struct Pace<'a> {
    throttle: &'a Throttle,
    limit: &'a Limit,
    tell: &'a dyn Fn(u64, u64),
}

impl<'a> Pace<'a> {
    /// Puts the three together.
    #[must_use]
    pub fn new(throttle: &'a Throttle, limit: &'a Limit, tell: &'a dyn Fn(u64, u64)) -> Self {
        Self { throttle, limit, tell }
    }
}

/// Copies a range of one volume to the same place of another.
///
/// What is written is flushed when it returns.
///
/// # Errors
///
/// Those of both sides; [`Cancelled`](DriverError::Cancelled) within about a second after it was
/// asked for; [`Bug`](DriverError::Bug) if the range is not within both.
pub fn copy(
    from: &dyn VolumeIo,
    to: &dyn VolumeIo,
    range: Range<u64>,
    destination: Destination,
    pace: &Pace<'_>,
) -> Result<Copied, DriverError> {
    if range.start > range.end || range.end > from.length().min(to.length()) {
        let text = format!("{range:?} is not within {} and {}", from.length(), to.length());
        return Err(DriverError::bug(text));
    }
    pace.limit.check()?;
    if range == (0..from.length()) && shares(from, to)? {
        to.flush()?;
        (pace.tell)(range.end, range.end);
        return Ok(Copied { written: 0, skipped: 0, method: Method::Shared });
    }
    let mut copier = Copier::new(from, to, &range, destination, pace);
    let mut at = range.start;
    while at < range.end {
        let window = at..range.end.min(at.saturating_add(WINDOW));
        for extent in from.data_extents(window.clone())? {
            copier.hole(at..extent.start)?;
            at = extent.end;
            copier.data(extent)?;
        }
        copier.hole(at..window.end)?;
        at = window.end;
    }
    to.flush()?;
    Ok(copier.copied)
}

/// Whether the destination shares all blocks of the source now.
fn shares(from: &dyn VolumeIo, to: &dyn VolumeIo) -> Result<bool, DriverError> {
    let (Some(source), Some(target)) = (from.descriptor(), to.descriptor()) else {
        return Ok(false);
    };
    match ioctl_ficlone(target, source) {
        Ok(()) => Ok(true),
        Err(errno) if is_not_possible(errno) => Ok(false),
        Err(errno) => Err(DriverError::from_io("a copy that shares blocks", errno.into())),
    }
}

/// Whether the kernel cannot do it for these files, but somebody else may.
fn is_not_possible(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::OPNOTSUPP
            | Errno::XDEV
            | Errno::INVAL
            | Errno::NOTTY
            | Errno::NOSYS
            | Errno::ISDIR
            | Errno::PERM
            | Errno::TXTBSY
            | Errno::BADF
    )
}

struct Copier<'a> {
    from: &'a dyn VolumeIo,
    to: &'a dyn VolumeIo,
    destination: Destination,
    pace: &'a Pace<'a>,
    copied: Copied,
    done: u64,
    total: u64,
    unflushed: u64,
    piece: u64,
    buffer: Vec<u8>,
}

impl<'a> Copier<'a> {
    fn new(
        from: &'a dyn VolumeIo,
        to: &'a dyn VolumeIo,
        range: &Range<u64>,
        destination: Destination,
        pace: &'a Pace<'a>,
    ) -> Self {
        let both = from.descriptor().is_some() && to.descriptor().is_some();
        let method = if both { Method::Kernel } else { Method::Buffer };
        Self {
            from,
            to,
            destination,
            pace,
            copied: Copied { written: 0, skipped: 0, method },
            done: 0,
            total: range.end - range.start,
            unflushed: 0,
            piece: FIRST_PIECE,
            buffer: Vec::new(),
        }
    }

    /// Makes a range as empty as it is at the source.
    fn hole(&mut self, range: Range<u64>) -> Result<(), DriverError> {
        if range.is_empty() {
            return Ok(());
        }
        self.pace.limit.check()?;
        if self.destination == Destination::Used {
            self.to.write_zeroes(range.clone())?;
        }
        self.copied.skipped += range.end - range.start;
        self.tell(range.end - range.start);
        Ok(())
    }

    /// Copies a range in pieces.
    fn data(&mut self, mut range: Range<u64>) -> Result<(), DriverError> {
        while !range.is_empty() {
            let most = match self.copied.method {
                Method::Buffer => self.piece.min(BUFFER as u64),
                _ => self.piece,
            };
            let length = self.pace.throttle.piece(most).min(range.end - range.start);
            self.pace.throttle.take(length, self.pace.limit)?;
            let begun = Instant::now();
            let done = self.piece(range.start, length)?;
            self.unflushed += done;
            if self.unflushed >= UNFLUSHED {
                self.to.flush()?;
                self.unflushed = 0;
            }
            self.piece = next_piece(self.piece, begun.elapsed());
            range.start += done;
            self.tell(done);
        }
        Ok(())
    }

    /// Copies one piece; how much of it.
    fn piece(&mut self, at: u64, length: u64) -> Result<u64, DriverError> {
        if self.copied.method == Method::Kernel {
            if let Some(done) = self.by_kernel(at, length)? {
                self.copied.written += done;
                return Ok(done);
            }
            self.copied.method = Method::Buffer;
        }
        let length = usize::try_from(length).unwrap_or(BUFFER).min(BUFFER);
        self.buffer.resize(BUFFER, 0);
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.by_buffer(at, buffer.get_mut(..length).unwrap_or_default());
        self.buffer = buffer;
        result.map(|()| length as u64)
    }

    /// `None` if the kernel cannot.
    fn by_kernel(&self, at: u64, length: u64) -> Result<Option<u64>, DriverError> {
        let (Some(source), Some(target)) = (self.from.descriptor(), self.to.descriptor()) else {
            return Ok(None);
        };
        let (mut read, mut written) = (at, at);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match copy_file_range(source, Some(&mut read), target, Some(&mut written), length) {
            // Some file systems say so instead of an error.
            Ok(0) => Ok(None),
            Ok(done) => Ok(Some(done as u64)),
            Err(errno) if is_not_possible(errno) => Ok(None),
            Err(Errno::INTR | Errno::AGAIN) => Ok(Some(0)),
            Err(errno) => Err(DriverError::from_io("a copy", errno.into())),
        }
    }

    fn by_buffer(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), DriverError> {
        self.from.read_at(at, buffer)?;
        put(self.to, self.destination, at, buffer, &mut self.copied)
    }

    fn tell(&mut self, more: u64) {
        self.done += more;
        (self.pace.tell)(self.done, self.total);
    }
}

/// Writes a buffer without its zeroes.
fn put(
    to: &dyn VolumeIo,
    destination: Destination,
    at: u64,
    buffer: &[u8],
    copied: &mut Copied,
) -> Result<(), DriverError> {
    for run in runs(buffer) {
        let place = at + run.range.start as u64;
        let length = (run.range.end - run.range.start) as u64;
        if !run.is_zero {
            to.write_at(place, buffer.get(run.range).unwrap_or_default())?;
            copied.written += length;
            continue;
        }
        if destination == Destination::Used {
            to.write_zeroes(place..place + length)?;
        }
        copied.skipped += length;
    }
    Ok(())
}

/// The size of the next piece, from the time that the last one took.
fn next_piece(last: u64, took: Duration) -> u64 {
    if took < PIECE_TIME / 2 {
        (last * 2).min(LARGEST_PIECE)
    } else if took > PIECE_TIME * 2 {
        (last / 2).max(GRAIN as u64)
    } else {
        last
    }
}

struct Run {
    range: Range<usize>,
    is_zero: bool,
}

/// A buffer as runs of pieces with and without data.
fn runs(buffer: &[u8]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut at = 0;
    for piece in buffer.chunks(GRAIN) {
        let (start, end, is_zero) = (at, at + piece.len(), is_zero(piece));
        match runs.last_mut() {
            Some(run) if run.is_zero == is_zero => run.range.end = end,
            _ => runs.push(Run { range: start..end, is_zero }),
        }
        at = end;
    }
    runs
}

/// Whether nothing but zeroes is in it; sixteen bytes at a time, which the compiler makes wider.
fn is_zero(piece: &[u8]) -> bool {
    let (words, rest) = piece.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}

/// Writes an image into a volume, from its beginning; zeroes in it are punched.
///
/// # Errors
///
/// Those of both sides; [`NoSpace`](DriverError::NoSpace) if the image is larger than the volume.
pub fn from_image(
    image: &mut dyn ImageSource,
    to: &dyn VolumeIo,
    destination: Destination,
    pace: &Pace<'_>,
) -> Result<Copied, DriverError> {
    let mut copied = Copied { written: 0, skipped: 0, method: Method::Buffer };
    let mut buffer = vec![0; BUFFER];
    let (mut at, mut flushed) = (0, 0);
    loop {
        let most = usize::try_from(pace.throttle.piece(BUFFER as u64)).unwrap_or(BUFFER);
        let piece = buffer.get_mut(..most).unwrap_or_default();
        let filled = fill(image, piece)?;
        if filled == 0 {
            break;
        }
        pace.throttle.take(filled as u64, pace.limit)?;
        let end = at + filled as u64;
        if end > to.length() {
            return Err(DriverError::NoSpace {
                what: "the image".to_owned(),
                needed: image.length(),
                free: Some(to.length()),
                source: None,
            });
        }
        put(to, destination, at, buffer.get(..filled).unwrap_or_default(), &mut copied)?;
        at = end;
        if copied.written - flushed >= UNFLUSHED {
            to.flush()?;
            flushed = copied.written;
        }
        (pace.tell)(at, image.length().unwrap_or(0).max(at));
    }
    to.flush()?;
    Ok(copied)
}

/// Reads until the buffer is full or the image ends.
fn fill(image: &mut dyn ImageSource, buffer: &mut [u8]) -> Result<usize, DriverError> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match image.read(rest)? {
            0 => break,
            some => filled += some,
        }
    }
    Ok(filled)
}

/// Sends the data of a volume to a new image, from its beginning to its end.
///
/// # Errors
///
/// Those of both sides.
pub fn to_image(
    from: &dyn VolumeIo,
    image: &mut dyn ImageSink,
    pace: &Pace<'_>,
) -> Result<u64, DriverError> {
    let total = from.length();
    let mut buffer = vec![0; BUFFER];
    let mut at = 0;
    while at < total {
        let length = pace.throttle.piece(BUFFER as u64).min(total - at);
        pace.throttle.take(length, pace.limit)?;
        let piece = buffer.get_mut(..usize::try_from(length).unwrap_or(BUFFER)).unwrap_or_default();
        match from.data_extents(at..at + length)?.is_empty() {
            true => piece.fill(0),
            false => from.read_at(at, piece)?,
        }
        image.write(piece)?;
        at += length;
        (pace.tell)(at, total);
    }
    image.finish()?;
    Ok(at)
}
