//! The data of a volume, read and written where this process runs, whatever it is made of.
//!
//! Must not: hand out a path. A volume may be a file, a device, or an image in a cluster that only
//! a library can reach; only the first two have a descriptor.

use std::fmt;
use std::ops::Range;
use std::os::fd::BorrowedFd;

use crate::error::DriverError;

/// What a volume is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Nothing of it is changed.
    Read,
    /// Read and written.
    Write,
}

/// An open volume or snapshot. It is closed when it is dropped.
///
/// Calls from several threads at once are allowed. What is written is safe after a flush, and a
/// read sees it at once.
pub trait VolumeIo: Send + Sync + fmt::Debug {
    /// Its length in bytes.
    fn length(&self) -> u64;

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    ///
    /// Also when the end comes first: the caller knows the length.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), DriverError>;

    /// Writes all of `data` from `offset` on.
    ///
    /// # Errors
    ///
    /// Also beyond the end: a volume does not grow by being written.
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), DriverError>;

    /// Makes a range read as zeroes, with as little space as the back end can.
    ///
    /// # Errors
    ///
    /// As for a write.
    fn write_zeroes(&self, range: Range<u64>) -> Result<(), DriverError>;

    /// Says that nobody needs the content of a range any more. What it reads as is not defined.
    ///
    /// # Errors
    ///
    /// As for a write.
    fn discard(&self, range: Range<u64>) -> Result<(), DriverError>;

    /// The parts of a range that may hold something else than zeroes, in order, not touching.
    ///
    /// A back end that does not know says "all of it", as this does.
    ///
    /// # Errors
    ///
    /// As for a read.
    fn data_extents(&self, range: Range<u64>) -> Result<Vec<Range<u64>>, DriverError> {
        Ok(if range.is_empty() { Vec::new() } else { vec![range] })
    }

    /// Makes everything that was written safe against a power cut.
    ///
    /// # Errors
    ///
    /// After an error nothing is known about what was written since the flush before.
    fn flush(&self) -> Result<(), DriverError>;

    /// The descriptor of a file or a device, if it is one: the kernel can then copy by itself.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
