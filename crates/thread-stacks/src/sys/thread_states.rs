//! Registers and stack of every thread of this process, handed over by the threads themselves.
//!
//! A thread that hangs still runs a signal handler, even within a system call, unless the kernel
//! itself does not come back. So each thread gets a SIGURG, and the handler copies its registers
//! and the upper part of its stack. That is all it does: stacks are walked, and addresses are
//! given names, later and by whoever asked. Must not: allocate, lock or unwind in the handler.
//!
//! SIGURG, because its default action is to do nothing and a second one while one is pending is
//! lost: it harms neither a program that the process executes nor a thread that is late by hours.
//! Nobody else sends it (only a socket with an owner, `F_SETOWN`, would). A system call that it
//! interrupts is restarted; those that never are (`poll`, `nanosleep`, signal(7)) see an EINTR,
//! as from any other signal.
//!
//! The order that makes it safe to give the memory back: a handler counts itself in, then looks
//! for a round; a round is taken away first, then its owner waits until nobody is in. A handler
//! that does not leave (its page fault waits for a disk) costs that round's memory, never more.

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::num::NonZeroUsize;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, mem};

use nix::errno::Errno;
use nix::libc::{self, c_void, iovec, siginfo_t, ucontext_t};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{getpid, gettid};

/// Asks a thread for its state; see the head of this module for the choice.
const SIGNAL: Signal = Signal::SIGURG;

/// How much of a stack is copied, from its top. Deep calls take some ten KiB.
const STACK_BYTES: usize = 256 * 1024;

/// The kernel copies a piece whole or not at all, so none may cross the end of a mapping, which is
/// that of a page. No page is smaller than this, and larger ones are multiples of it.
const PIECE: usize = 4096;

/// How long the end of a round waits for handlers that have begun.
const LEAVE: Duration = Duration::from_millis(200);

const ASKED: u32 = 0;
const ANSWERING: u32 = 1;
const ANSWERED: u32 = 2;
const CLOSED: u32 = 3;

/// The registers from which a stack is walked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Registers {
    /// The next instruction.
    pub(crate) pc: u64,
    pub(crate) sp: u64,
    /// The frame pointer, if the code keeps one.
    pub(crate) fp: u64,
    /// The return address of a function that calls no other; not on x86_64.
    #[cfg(target_arch = "aarch64")]
    pub(crate) lr: u64,
}

/// One thread of a round.
struct Slot {
    thread: i32,
    state: AtomicU32,
    taken: UnsafeCell<(Registers, usize)>,
}

/// One question to all threads.
struct Round {
    /// In order of the threads' ids.
    slots: Vec<Slot>,
    /// [`STACK_BYTES`] for each slot; only what is written to takes memory.
    stacks: NonNull<u8>,
    /// Threads that have not answered; a futex.
    left: AtomicU32,
}

/// The round that a handler answers.
static ROUND: AtomicPtr<Round> = AtomicPtr::new(ptr::null_mut());
/// Handlers that are running.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The process whose handler is installed; a forked child inherits it.
static INSTALLED: AtomicI32 = AtomicI32::new(0);
/// One round at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The answers of a round.
pub(crate) struct Answers {
    round: Box<Round>,
    /// Whether a handler may still be writing: then the memory is never given back.
    busy: bool,
}

/// Asks these threads of this process, sorted by id, and waits up to `limit` for all.
///
/// # Errors
///
/// When the kernel refuses the memory or the handler.
pub(crate) fn ask(threads: &[i32], limit: Duration) -> io::Result<Answers> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    install()?;
    let round = Box::into_raw(Box::new(Round::new(threads)?));
    ROUND.store(round, Ordering::SeqCst);
    // SAFETY: made above, and taken back below. Until then it is only shared: handlers use atomics
    // and what their slot's state has given to them.
    let shared = unsafe { &*round };
    shared.ask();
    shared.wait(Instant::now() + limit);
    shared.slots.iter().for_each(Slot::close);
    ROUND.store(ptr::null_mut(), Ordering::SeqCst);
    let end = Instant::now() + LEAVE;
    while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
    let busy = INSIDE.load(Ordering::SeqCst) > 0;
    // SAFETY: it came from a box, and no new handler can find it.
    Ok(Answers { round: unsafe { Box::from_raw(round) }, busy })
}

impl Answers {
    /// Registers and copy of the stack, which begins at the stack pointer; none without an answer.
    pub(crate) fn of(&self, thread: i32) -> Option<(Registers, &[u8])> {
        let at = self.round.find(thread)?;
        let slot = self.round.slots.get(at)?;
        if slot.state.load(Ordering::Acquire) != ANSWERED {
            return None;
        }
        // SAFETY: the state says that the handler has written both and will not touch them again;
        // the mapping lives as long as `self`, and so many of its bytes were copied to.
        unsafe {
            let (registers, length) = *slot.taken.get();
            Some((registers, std::slice::from_raw_parts(self.round.area(at), length)))
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        if self.busy {
            // A handler may be writing for as long as the process lives.
            mem::forget(mem::replace(&mut self.round, Box::new(Round::empty())));
        }
    }
}

impl Slot {
    /// No answer is taken from now on.
    fn close(&self) {
        let _ = self.state.compare_exchange(ASKED, CLOSED, Ordering::SeqCst, Ordering::SeqCst);
    }
}

impl Round {
    fn new(threads: &[i32]) -> io::Result<Self> {
        let slot = |thread: &i32| Slot {
            thread: *thread,
            state: AtomicU32::new(ASKED),
            taken: UnsafeCell::new((Registers::default(), 0)),
        };
        let slots: Vec<Slot> = threads.iter().map(slot).collect();
        let bytes = NonZeroUsize::new(slots.len() * STACK_BYTES);
        let bytes = bytes.ok_or(io::ErrorKind::InvalidInput)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory
        // that anybody else owns.
        let stacks = unsafe { mmap_anonymous(None, bytes, access, flags)? }.cast();
        let left = AtomicU32::new(u32::try_from(slots.len()).unwrap_or(u32::MAX));
        Ok(Self { slots, stacks, left })
    }

    fn empty() -> Self {
        Self { slots: Vec::new(), stacks: NonNull::dangling(), left: AtomicU32::new(0) }
    }

    fn find(&self, thread: i32) -> Option<usize> {
        self.slots.binary_search_by_key(&thread, |slot| slot.thread).ok()
    }

    fn area(&self, at: usize) -> *mut u8 {
        // SAFETY: the mapping has this many bytes for each slot, and `at` is the place of one.
        unsafe { self.stacks.as_ptr().add(at * STACK_BYTES) }
    }

    fn ask(&self) {
        let process = getpid().as_raw();
        for slot in &self.slots {
            // SAFETY: a signal to a thread of this process, for which a handler is installed.
            let sent =
                unsafe { libc::syscall(libc::SYS_tgkill, process, slot.thread, SIGNAL as c_int) };
            if sent != 0 {
                slot.close(); // it has ended meanwhile
                self.one_less();
            }
        }
    }

    fn one_less(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let left = self.left.as_ptr();
            // SAFETY: wakes whoever waits for this word; touches no memory. Async-signal-safe.
            unsafe { libc::syscall(libc::SYS_futex, left, libc::FUTEX_WAKE, c_int::MAX) };
        }
    }

    /// Waits until all have answered, or until `end`.
    fn wait(&self, end: Instant) {
        loop {
            let left = self.left.load(Ordering::SeqCst);
            let time = end.saturating_duration_since(Instant::now());
            if left == 0 || time.is_zero() {
                return;
            }
            let time = nix::sys::time::TimeSpec::from(time);
            let word = self.left.as_ptr();
            // SAFETY: word and time are borrowed for the call. Any outcome is looked at above.
            unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAIT, left, time.as_ref()) };
        }
    }

    /// Hands over the state of the calling thread, which was interrupted in `context`.
    fn answer(&self, context: &ucontext_t) {
        let Some(at) = self.find(gettid().as_raw()) else { return };
        let Some(slot) = self.slots.get(at) else { return };
        let begun =
            slot.state.compare_exchange(ASKED, ANSWERING, Ordering::SeqCst, Ordering::SeqCst);
        if begun.is_err() {
            return; // answered, or too late
        }
        let registers = registers(context);
        let length = copy_own(registers.sp as usize, self.area(at));
        // SAFETY: the state gave this slot to this handler, and gives it to the reader below.
        unsafe { *slot.taken.get() = (registers, length) };
        slot.state.store(ANSWERED, Ordering::Release);
        self.one_less();
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        if !self.slots.is_empty() {
            // SAFETY: the mapping is ours, made with this length; no handler is in (`Answers`).
            let _ = unsafe { munmap(self.stacks.cast(), self.slots.len() * STACK_BYTES) };
        }
    }
}

/// Installs the handler, once for each process: it stays, because an answer may come late.
fn install() -> io::Result<()> {
    let process = getpid().as_raw();
    if INSTALLED.swap(process, Ordering::SeqCst) != process {
        // A child that was forked in the middle of a round counts handlers that it does not have.
        INSIDE.store(0, Ordering::SeqCst);
    }
    // On a thread's signal stack if it has one, and with everything else blocked: nothing may
    // come between.
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_RESTART | SaFlags::SA_ONSTACK;
    let action = SigAction::new(SigHandler::SigAction(handler), flags, SigSet::all());
    // SAFETY: the handler keeps to what is async-signal-safe, see there.
    unsafe { sigaction(SIGNAL, &action)? };
    // A process that was forked with everything blocked asks itself only.
    SigSet::from(SIGNAL).thread_unblock()?;
    Ok(())
}

/// Runs in every thread that is asked, wherever it is.
///
/// Async-signal-safe: system calls, atomics, and memory that was there before. It allocates
/// nothing, takes no lock, cannot panic, and leaves `errno` as it was.
extern "C" fn handler(_: c_int, _: *mut siginfo_t, context: *mut c_void) {
    let errno = Errno::last_raw();
    INSIDE.fetch_add(1, Ordering::SeqCst);
    let round = ROUND.load(Ordering::SeqCst);
    // SAFETY: a round that is found after this handler was counted is not freed before it is
    // counted out; the kernel passes the context of the interrupted code.
    unsafe {
        if let (Some(round), Some(context)) =
            (round.as_ref(), context.cast::<ucontext_t>().as_ref())
        {
            round.answer(context);
        }
    }
    INSIDE.fetch_sub(1, Ordering::SeqCst);
    Errno::set_raw(errno);
}

#[cfg(target_arch = "x86_64")]
fn registers(context: &ucontext_t) -> Registers {
    let [pc, sp, fp] = [libc::REG_RIP, libc::REG_RSP, libc::REG_RBP]
        .map(|name| context.uc_mcontext.gregs[name as usize] as u64);
    Registers { pc, sp, fp }
}

#[cfg(target_arch = "aarch64")]
fn registers(context: &ucontext_t) -> Registers {
    let machine = &context.uc_mcontext;
    let [fp, lr] = [29, 30].map(|number: usize| machine.regs[number]);
    Registers { pc: machine.pc, sp: machine.sp, fp, lr }
}

/// Copies this process's memory from `start` on into `area`, up to [`STACK_BYTES`] or to the end of
/// the mapping; how many bytes there were. The kernel copies, because it may touch the end of a
/// mapping without harm.
fn copy_own(start: usize, area: *mut u8) -> usize {
    const VECTORS: usize = STACK_BYTES / PIECE;
    let mut pieces = [iovec { iov_base: ptr::null_mut(), iov_len: 0 }; VECTORS];
    let mut at = start;
    for piece in &mut pieces {
        let length = PIECE - at % PIECE;
        *piece = iovec { iov_base: at as *mut c_void, iov_len: length };
        at = at.wrapping_add(length);
    }
    let whole = iovec { iov_base: area.cast(), iov_len: STACK_BYTES };
    // SAFETY: writes into `area` only, which has this many bytes and is given to this handler;
    // what cannot be read ends the copy.
    let copied = unsafe {
        libc::process_vm_readv(getpid().as_raw(), &whole, 1, pieces.as_ptr(), VECTORS as _, 0)
    };
    usize::try_from(copied).unwrap_or(0)
}
