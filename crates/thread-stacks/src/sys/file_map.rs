//! A file of this process's own code, mapped to be read.
//!
//! Mapped, not read: the pages belong to the page cache, so what they cost goes back for certain.
//! Must not be used for a file that this process does not execute: one that is cut short under a
//! mapping ends the process (SIGBUS), and with its own code that has happened anyway.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::ptr::NonNull;

use nix::libc::c_void;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// The bytes of a file.
pub(crate) struct FileMap {
    start: NonNull<c_void>,
    length: NonZeroUsize,
}

impl FileMap {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let length = usize::try_from(file.metadata()?.len()).ok().and_then(NonZeroUsize::new);
        let length = length.ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: a new private mapping at an address of the kernel's choice touches no memory
        // that anybody else owns. The file is one that this process executes: it is not written to.
        let start =
            unsafe { mmap(None, length, ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE, file, 0)? };
        Ok(Self { start, length })
    }
}

impl Deref for FileMap {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the mapping is this long, readable, and stays for as long as `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), self.length.get()) }
    }
}

impl Drop for FileMap {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, made with this length, and no reference outlives `self`.
        // A failure would leave it mapped, which harms nobody.
        let _ = unsafe { munmap(self.start, self.length.get()) };
    }
}
