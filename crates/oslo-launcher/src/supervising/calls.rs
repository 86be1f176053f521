//! What a signal asks of a process that supervises: the one table of that.
//!
//! What it asks of a worker is in `worker.rs`, and whether one may end the process before it has a
//! launcher in `sys/first_steps.rs`. Must not: look whether this is a daemon.

use crate::state::Event;
use crate::sys::Signal;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// An event of the state machine.
    Event(Event),
    /// Of a daemon, a reload; of a program in the foreground of a terminal, a graceful stop.
    Hangup,
    /// A report on this process.
    Report,
}

/// `spec/launcher.md` §5; USR1 and USR2 are ours. SIGCHLD is no wish of anybody: whoever waits for
/// children looks at them.
const CALLS: [(Signal, Call); 6] = [
    (Signal::SIGINT, Call::Event(Event::Interrupt)),
    (Signal::SIGTERM, Call::Event(Event::Stop("SIGTERM"))),
    (Signal::SIGHUP, Call::Hangup),
    (Signal::SIGUSR2, Call::Report),
    (Signal::SIGALRM, Call::Event(Event::Alarm)),
    (Signal::SIGUSR1, Call::Event(Event::Roll)),
];

impl Call {
    pub(crate) fn of(signal: Signal) -> Option<Self> {
        CALLS.iter().find(|(known, _)| *known == signal).map(|(_, call)| *call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::READ;

    #[test]
    fn every_signal_that_a_supervisor_reads_but_sigchld_asks_for_something_of_its_own() {
        let mut calls: Vec<Call> = READ.into_iter().filter_map(Call::of).collect();
        assert_eq!(calls.len(), READ.len() - 1);
        assert_eq!(Call::of(Signal::SIGCHLD), None);
        while let Some(call) = calls.pop() {
            assert!(!calls.contains(&call), "{call:?}");
        }
    }
}
