//! Memory that a parent and its forked workers share, and a clock they agree on.

use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use nix::time::{ClockId, clock_gettime};

/// Time since boot, the same in every process.
pub(crate) fn monotonic() -> Duration {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux always has this clock");
    Duration::from(now)
}

/// Zeroed 64-bit words in an anonymous shared mapping, inherited over fork.
#[derive(Debug)]
pub(crate) struct SharedWords {
    start: NonNull<AtomicU64>,
    len: usize,
}

// SAFETY: the pages are only ever seen as atomics, which any thread may use; the mapping lives
// exactly as long as the value.
unsafe impl Send for SharedWords {}
// SAFETY: as above.
unsafe impl Sync for SharedWords {}

impl SharedWords {
    pub(crate) fn map(len: usize) -> io::Result<Self> {
        let bytes =
            NonZeroUsize::new(len * size_of::<AtomicU64>()).ok_or(io::ErrorKind::InvalidInput)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory
        // that anybody else owns.
        let start = unsafe { mmap_anonymous(None, bytes, access, MapFlags::MAP_SHARED)? };
        Ok(Self { start: start.cast(), len })
    }

    pub(crate) fn get(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is page-aligned, `len` words long, zeroed (a valid AtomicU64), and
        // stays mapped for as long as `self` is borrowed. Other processes write atomically only.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for SharedWords {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, made with this length, and no reference outlives `self`.
        // A failure would leave it mapped, which harms nobody.
        let _ = unsafe { munmap(self.start.cast(), self.len * size_of::<AtomicU64>()) };
    }
}
