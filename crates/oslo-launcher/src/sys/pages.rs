//! Memory that a parent and its forked workers share, and a clock they agree on.

use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Duration;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, getpid};

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

/// Zeroed words that the process which mapped them writes, and that its forked children only read.
///
/// A child takes the right to write away from itself before it runs anybody's code, so that a stray
/// write of one ends it and nobody else learns a wrong value. A second mapping of the same pages for
/// children would need no step of theirs, but is not to be had everywhere: not under valgrind, and
/// a file in memory counts against `RLIMIT_FSIZE`.
#[derive(Debug)]
pub(crate) struct OwnedWords {
    words: SharedWords,
    owner: Pid,
}

impl OwnedWords {
    pub(crate) fn map(len: usize) -> io::Result<Self> {
        Ok(Self { words: SharedWords::map(len)?, owner: getpid() })
    }

    /// Makes the words of this process unwritable; does nothing in their owner.
    pub(crate) fn protect(&self) {
        if self.owner == getpid() {
            return;
        }
        let bytes = self.words.len * size_of::<AtomicU64>();
        // SAFETY: all of a mapping of ours, which nobody writes to in this process from now on:
        // `store` looks whether it is the owner's. Refused only for memory that is not mapped and
        // where a mapping would have to be cut in two, mprotect(2); this is a whole one.
        let _ = unsafe { mprotect(self.words.start.cast(), bytes, ProtFlags::PROT_READ) };
    }

    /// The word, or 0 if there is none.
    pub(crate) fn load(&self, index: usize) -> u64 {
        let value = self.words.get().get(index).map_or(0, |word| word.load(Ordering::Relaxed));
        // Of memory that cannot be written only relaxed loads are promised to work.
        fence(Ordering::Acquire);
        value
    }

    /// Writes a word; does nothing in a child.
    pub(crate) fn store(&self, index: usize, value: u64) {
        if self.owner == getpid()
            && let Some(word) = self.words.get().get(index)
        {
            word.store(value, Ordering::Release);
        }
    }
}
