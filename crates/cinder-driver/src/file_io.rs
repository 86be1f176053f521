//! A file or a block device as a volume: what drivers with a path below them open.
//!
//! Must not: open anything. Who opens knows the directory, and whether a link may be followed.

use std::fs::File;
use std::io::{Error, ErrorKind};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, SeekFrom, fallocate, fdatasync, seek};
use rustix::io::Errno;

use crate::error::DriverError;
use crate::io::{OpenMode, VolumeIo};

/// What a file system without holes gets instead of one, piece by piece.
static ZEROES: [u8; 64 * 1024] = [0; 64 * 1024];

/// An open file or block device.
#[derive(Debug)]
pub struct FileIo {
    file: File,
    name: String,
    length: u64,
    mode: OpenMode,
}

impl FileIo {
    /// Takes an open file with the name that errors are to have.
    ///
    /// # Errors
    ///
    /// [`BackendDown`](DriverError::BackendDown) if its length cannot be had.
    pub fn new(file: File, name: impl Into<String>, mode: OpenMode) -> Result<Self, DriverError> {
        let name = name.into();
        // A block device has no length but the place of its end.
        let length = seek(&file, SeekFrom::End(0)).map_err(|errno| told(&name, errno.into()))?;
        Ok(Self { file, name, length, mode })
    }

    /// The file, for whoever does more with it than a volume can do.
    #[must_use]
    pub fn into_file(self) -> File {
        self.file
    }

    fn told(&self, error: Error) -> DriverError {
        told(&self.name, error)
    }

    fn check(&self, range: &Range<u64>) -> Result<(), DriverError> {
        if self.mode == OpenMode::Read {
            return Err(DriverError::bug(format!("{} is open for reading only", self.name)));
        }
        if range.start > range.end || range.end > self.length {
            let text =
                format!("{range:?} is not within the {} bytes of {}", self.length, self.name);
            return Err(DriverError::bug(text));
        }
        Ok(())
    }

    /// Where the next data, or the next hole, begins at or after `from`; the end if there is none.
    fn next(&self, of: fn(u64) -> SeekFrom, from: u64) -> Result<u64, DriverError> {
        match seek(&self.file, of(from)) {
            Ok(at) => Ok(at.min(self.length)),
            Err(Errno::NXIO) => Ok(self.length),
            Err(errno) => Err(self.told(errno.into())),
        }
    }
}

/// The error of a call on an open file. What the kernel says of a descriptor that is open is never
/// that the file is missing.
fn told(name: &str, error: Error) -> DriverError {
    match error.kind() {
        ErrorKind::UnexpectedEof => {
            DriverError::Bug { reason: format!("{name} is shorter than it was"), source: None }
        }
        _ => DriverError::from_io(name, error),
    }
}

impl VolumeIo for FileIo {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DriverError> {
        self.file.read_exact_at(buffer, offset).map_err(|error| self.told(error))
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DriverError> {
        self.check(&(offset..offset.saturating_add(data.len() as u64)))?;
        self.file.write_all_at(data, offset).map_err(|error| self.told(error))
    }

    fn write_zeroes(&self, range: Range<u64>) -> Result<(), DriverError> {
        self.check(&range)?;
        if range.is_empty() {
            return Ok(());
        }
        let length = range.end - range.start;
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        for flags in [hole, FallocateFlags::ZERO_RANGE] {
            match fallocate(&self.file, flags, range.start, length) {
                Ok(()) => return Ok(()),
                Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NODEV | Errno::NOSYS) => {}
                Err(errno) => return Err(self.told(errno.into())),
            }
        }
        let mut at = range.start;
        while at < range.end {
            let some = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(ZEROES.len());
            self.write_at(at, ZEROES.get(..some).unwrap_or_default())?;
            at += some as u64;
        }
        Ok(())
    }

    fn discard(&self, range: Range<u64>) -> Result<(), DriverError> {
        self.check(&range)?;
        if range.is_empty() {
            return Ok(());
        }
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match fallocate(&self.file, hole, range.start, range.end - range.start) {
            // To keep what nobody needs is allowed.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NODEV | Errno::NOSYS) => Ok(()),
            Err(errno) => Err(self.told(errno.into())),
        }
    }

    fn data_extents(&self, range: Range<u64>) -> Result<Vec<Range<u64>>, DriverError> {
        let end = range.end.min(self.length);
        let mut found = Vec::new();
        let mut at = range.start;
        while at < end {
            let data = match seek(&self.file, SeekFrom::Data(at)) {
                Ok(data) => data,
                Err(Errno::NXIO) => break,
                // A device, or a file system that does not know: all of it may be data.
                Err(Errno::INVAL | Errno::OPNOTSUPP) => {
                    found.push(at..end);
                    break;
                }
                Err(errno) => return Err(self.told(errno.into())),
            };
            if data >= end {
                break;
            }
            let hole = self.next(SeekFrom::Hole, data)?.min(end);
            if hole <= data {
                break; // It shrinks beneath us.
            }
            found.push(data..hole);
            at = hole;
        }
        Ok(found)
    }

    fn flush(&self) -> Result<(), DriverError> {
        fdatasync(&self.file).map_err(|errno| self.told(errno.into()))
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(length: u64) -> FileIo {
        let file = tempfile::tempfile().expect("there is a temporary directory");
        file.set_len(length).expect("it can be sparse");
        FileIo::new(file, "volume-1", OpenMode::Write).expect("it has a length")
    }

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_is_written_is_the_data_and_zeroes_are_no_longer() {
        let io = open(64 * MIB);
        assert_eq!(io.data_extents(0..64 * MIB).expect("extents"), []);
        io.write_at(MIB, &vec![7; MIB as usize]).expect("write");
        io.write_at(63 * MIB, &vec![7; MIB as usize]).expect("write");
        let both = [MIB..2 * MIB, 63 * MIB..64 * MIB];
        assert_eq!(io.data_extents(0..64 * MIB).expect("extents"), both);
        assert_eq!(io.data_extents(0..63 * MIB).expect("extents"), both[..1]);
        io.write_zeroes(MIB..2 * MIB).expect("zeroes");
        io.flush().expect("flush");
        assert_eq!(io.data_extents(0..64 * MIB).expect("extents"), both[1..]);
        let mut byte = [1];
        io.read_at(MIB, &mut byte).expect("read");
        assert_eq!(byte, [0]);
    }

    #[test]
    fn a_volume_does_not_grow_by_being_written() {
        let io = open(MIB);
        for result in [
            io.write_at(MIB - 1, &[1, 2]),
            io.write_at(u64::MAX, &[1]),
            io.write_zeroes(0..MIB + 1),
            io.discard(MIB..MIB + 1),
            io.read_at(MIB, &mut [0]),
        ] {
            assert_eq!(result.expect_err("it is beyond the end").class(), "bug");
        }
        assert_eq!(io.length(), MIB);
    }
}
