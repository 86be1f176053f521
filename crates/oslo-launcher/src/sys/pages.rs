//! Memory that a parent and its forked workers share, and a clock they agree on.

use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Duration;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
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
/// A child has no mapping that it could write through, so that a stray write of one ends it and
/// nobody else learns a wrong value.
#[derive(Debug)]
pub(crate) struct OwnedWords {
    /// Not in children.
    ours: SharedWords,
    /// The same pages, in children as well.
    view: View,
    owner: Pid,
}

impl OwnedWords {
    pub(crate) fn map(len: usize) -> io::Result<Self> {
        let ours = SharedWords::map(len)?;
        let view = View::of(&ours)?;
        Ok(Self { ours, view, owner: getpid() })
    }

    /// The word, or 0 if there is none.
    pub(crate) fn load(&self, index: usize) -> u64 {
        let value = self.view.get().get(index).map_or(0, |word| word.load(Ordering::Relaxed));
        // Of memory that cannot be written only relaxed loads are promised to work.
        fence(Ordering::Acquire);
        value
    }

    /// Writes a word; does nothing in a child.
    pub(crate) fn store(&self, index: usize, value: u64) {
        if self.owner == getpid()
            && let Some(word) = self.ours.get().get(index)
        {
            word.store(value, Ordering::Release);
        }
    }
}

/// A second mapping of the same pages, through which nothing can be written.
#[derive(Debug)]
struct View {
    start: NonNull<AtomicU64>,
    len: usize,
}

// SAFETY: as for `SharedWords`.
unsafe impl Send for View {}
// SAFETY: as for `SharedWords`.
unsafe impl Sync for View {}

impl View {
    /// Takes the pages away from children that will be forked, and leaves them this view.
    fn of(words: &SharedWords) -> io::Result<Self> {
        use nix::sys::mman::{MRemapFlags, MmapAdvise, madvise, mprotect, mremap};

        let bytes = words.len * size_of::<AtomicU64>();
        let pages = words.start.cast();
        // SAFETY: with an old size of 0 the kernel maps the pages of a shared mapping once more,
        // at an address of its choice, and leaves the old mapping alone (mremap(2)).
        let start = unsafe { mremap(pages, 0, bytes, MRemapFlags::MREMAP_MAYMOVE, None)? };
        let view = Self { start: start.cast(), len: words.len };
        // SAFETY: nobody has written through the new mapping, and nobody will.
        unsafe { mprotect(start, bytes, ProtFlags::PROT_READ)? };
        // SAFETY: concerns children only, which do not touch `words`: its one user looks whether
        // it is the process that made the mapping.
        unsafe { madvise(pages, bytes, MmapAdvise::MADV_DONTFORK)? };
        Ok(view)
    }

    fn get(&self) -> &[AtomicU64] {
        // SAFETY: page-aligned, `len` words long, mapped for as long as `self` is borrowed, here
        // and in children; only loads are done on it.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, made with this length, and no reference outlives `self`.
        let _ = unsafe { munmap(self.start.cast(), self.len * size_of::<AtomicU64>()) };
    }
}
