//! This process's memory as such: read where it may not be, given back, the size of its pages.

use std::io;

use nix::libc;
use nix::unistd::{SysconfVar, getpid, sysconf};

/// The size of a page: 4 KiB on x86-64, up to 64 KiB on aarch64.
pub(crate) fn page_size() -> u64 {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| u64::try_from(size).ok()).expect("Linux always tells")
}

/// Reads this process's memory at an address that may lead nowhere.
pub(crate) fn read_own(start: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    let base = usize::try_from(start).ok()?;
    let from = [nix::sys::uio::RemoteIoVec { base, len: length }];
    let mut into = [io::IoSliceMut::new(&mut bytes)];
    let copied = nix::sys::uio::process_vm_readv(getpid(), &mut into, &from).ok()?;
    (copied == length).then_some(bytes)
}

/// Gives the memory of a report back to the system, as far as the allocator can.
pub(crate) fn trim_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes and returns plain numbers; other threads go on allocating meanwhile.
    unsafe {
        libc::malloc_trim(0)
    };
}
