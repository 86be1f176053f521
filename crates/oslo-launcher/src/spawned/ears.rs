//! Signals and wake-ups of a process that starts programs: noted on its only thread at first, on a
//! thread of their own once there are others.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::reporting::Wanted;
use crate::sys::{Arrived, Signals, Waker, poll};

/// Enough for a loop around a read; most of it is never touched.
pub(super) const STACK: usize = 128 * 1024;

/// Who listens; see the module's head.
#[derive(Debug)]
pub(super) struct Ears {
    signals: Signals,
    waker: Waker,
    interruptions: Interruptions,
}

impl Ears {
    /// Blocks the supervisor's signals in this thread and all later ones.
    pub(super) fn new() -> io::Result<Self> {
        let (signals, waker) = (Signals::for_supervisor()?, Waker::new()?);
        Ok(Self { signals, waker, interruptions: Interruptions::default() })
    }

    pub(super) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub(super) fn interruptions(&self) -> Interruptions {
        self.interruptions.clone()
    }

    /// Notes what has arrived; whether there is something that nobody knew of.
    pub(super) fn look(&self) -> bool {
        let arrived = self.signals.take().bits();
        self.interruptions.wanted().add(self.signals.take_along().into());
        let unseen = self.interruptions.signals.fetch_or(arrived, Ordering::AcqRel);
        // One wake-up is enough until it has been seen: a storm must not fill the memory.
        arrived != 0 && unseen == 0
    }

    /// Sleeps until something arrives, `job` stirs, or `limit`; whether somebody woke us.
    pub(super) fn wait(&self, job: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> bool {
        // A descriptor that is not there is replaced by one that is watched anyway.
        let job = job.unwrap_or(self.signals.as_fd());
        let [_, asked, _] = poll([self.signals.as_fd(), self.waker.as_fd(), job], limit);
        if asked {
            self.waker.clear();
        }
        asked
    }

    /// Listens on a new thread from now on, for as long as `wake` says that somebody cares.
    pub(super) fn onto_thread(self, wake: impl Fn() -> bool + Send + 'static) -> io::Result<()> {
        let listen = move || {
            loop {
                let asked = self.wait(None, None);
                // Noted before anybody is woken: whoever wakes up finds it.
                if (self.look() || asked) && !wake() {
                    return;
                }
            }
        };
        thread::Builder::new().name("signals".into()).stack_size(STACK).spawn(listen).map(drop)
    }
}

/// Signals that have arrived and not been seen.
#[derive(Debug, Default, Clone)]
pub(super) struct Interruptions {
    signals: Arc<AtomicU8>,
    /// What the SIGUSR2 among them want.
    wanted: Arc<Mutex<Wanted>>,
}

impl Interruptions {
    /// Takes what the SIGUSR2 among them want.
    pub(super) fn take_wanted(&self) -> Wanted {
        std::mem::take(&mut *self.wanted())
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes them, the most urgent first.
    pub(super) fn take(&self) -> Arrived {
        Arrived::from_bits(self.signals.swap(0, Ordering::AcqRel))
    }
}
