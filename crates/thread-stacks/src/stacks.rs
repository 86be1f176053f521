//! From a question to the stacks of all threads.
//!
//! Three steps, each bounded: the threads hand over registers and stacks (`sys/thread_states.rs`),
//! the copies are walked by the unwind tables that are in memory (`modules.rs`), and the addresses
//! are looked up in the program's files (`symbols.rs`). Only the first concerns the threads, for
//! some microseconds each. Must not: fail because of one thread.

mod modules;
mod symbols;

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use framehop::{CacheNative, MayAllocateDuringUnwind, UnwindRegsNative, Unwinder, UnwinderNative};

use self::modules::Module;
use crate::sys::{self, Registers};

/// More threads are not asked.
const MAX_THREADS: usize = 512;
/// A deeper stack is cut off at its outer end.
const MAX_FRAMES: usize = 128;

/// One function that a thread is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackFrame {
    /// Its name, or the file of the code and the place in it.
    pub function: String,
    /// Source file, where the program's file tells.
    pub file: Option<String>,
    /// Line in that file.
    pub line: Option<u32>,
}

/// The stack of one thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadStack {
    /// The kernel's id of the thread.
    pub id: u32,
    /// From the innermost function outwards.
    pub frames: Vec<StackFrame>,
    /// What keeps the list from being complete.
    pub problem: Option<&'static str>,
}

type Native = UnwinderNative<Vec<u8>, MayAllocateDuringUnwind>;

/// The stacks of all threads of this process, in order of their ids.
///
/// A thread has until `limit` to answer. One that the kernel does not let run (state D, or stopped)
/// has no answer, and the others are not affected.
///
/// ```
/// use std::time::Duration;
/// let stacks = thread_stacks::all(Duration::from_secs(1))?;
/// for frame in &stacks[0].frames {
///     println!("{}", frame.function);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// When the kernel refuses what is needed to ask.
pub fn all(limit: Duration) -> io::Result<Vec<ThreadStack>> {
    let ids = threads()?;
    let answers = sys::ask(&ids, limit)?;
    let modules = modules::loaded();
    let mut unwinder = Native::new();
    modules.iter().filter_map(Module::unwind_data).for_each(|data| unwinder.add_module(data));
    let walked: Vec<_> = ids
        .iter()
        .map(|id| match answers.of(*id) {
            Some((registers, stack)) => walk(&unwinder, registers, stack),
            None => (Vec::new(), Some("no answer")),
        })
        .collect();
    drop((answers, unwinder));
    let addresses: BTreeSet<u64> = walked.iter().flat_map(|(frames, _)| frames).copied().collect();
    let names = symbols::look_up(&modules, &addresses);
    let stacks = ids.iter().zip(walked).map(|(id, (addresses, problem))| ThreadStack {
        id: id.unsigned_abs(),
        frames: addresses.iter().filter_map(|at| names.get(at)).flatten().cloned().collect(),
        problem,
    });
    let stacks = stacks.collect();
    drop(names);
    sys::trim_memory();
    Ok(stacks)
}

/// The ids of this process's threads, sorted.
fn threads() -> io::Result<Vec<i32>> {
    let entries = std::fs::read_dir("/proc/self/task")?;
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut ids: Vec<i32> = ids.collect();
    ids.sort_unstable();
    ids.truncate(MAX_THREADS);
    Ok(ids)
}

/// The addresses of a stack's calls, innermost first, and what keeps the list from being complete.
fn walk(unwinder: &Native, registers: Registers, stack: &[u8]) -> (Vec<u64>, Option<&'static str>) {
    let mut read = |address: u64| {
        let at = address.checked_sub(registers.sp).and_then(|at| usize::try_from(at).ok());
        let word = at.and_then(|at| stack.get(at..at.checked_add(8)?)?.try_into().ok());
        word.map(u64::from_le_bytes).ok_or(())
    };
    let mut cache = CacheNative::<MayAllocateDuringUnwind>::new();
    let mut frames = unwinder.iter_frames(registers.pc, native(registers), &mut cache, &mut read);
    let mut addresses = Vec::new();
    loop {
        match frames.next() {
            // Of a caller: within the call, not behind it.
            Ok(Some(frame)) if addresses.len() < MAX_FRAMES => {
                addresses.push(frame.address_for_lookup());
            }
            Ok(Some(_)) => return (addresses, Some("the stack is deeper")),
            Ok(None) => return (addresses, None),
            // A thread's first function often has no end that can be told from a gap.
            Err(framehop::Error::ReturnAddressIsNull) => return (addresses, None),
            Err(_) => return (addresses, Some("the stack cannot be followed further")),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn native(registers: Registers) -> UnwindRegsNative {
    UnwindRegsNative::new(registers.pc, registers.sp, registers.fp)
}

#[cfg(target_arch = "aarch64")]
fn native(registers: Registers) -> UnwindRegsNative {
    use framehop::aarch64::PtrAuthMask;
    // User space has 48 bits of address at most without asking for more; the rest may be a signature.
    let mask = PtrAuthMask::from_max_known_address(u64::MAX >> 16);
    UnwindRegsNative::new_with_ptr_auth_mask(mask, registers.lr, registers.sp, registers.fp)
}
