//! What a signal asks of a process that supervises: the one table of that.
//!
//! What it asks of a worker is in `worker.rs`, and whether one may end the process before it has a
//! launcher in `sys/first_steps.rs`. Must not: look by itself whether this is a daemon.

use crate::state::Event;
use crate::sys::Signal;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// An event of the state machine.
    Event(Event),
    /// That the configuration is read again.
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
    /// A HUP asks a daemon for a reload, and a program in the foreground of a terminal to stop.
    pub(crate) fn of(signal: Signal, is_daemon: impl FnOnce() -> bool) -> Option<Self> {
        let (_, call) = CALLS.iter().find(|(known, _)| *known == signal)?;
        match call {
            Self::Hangup if !is_daemon() => Some(Self::Event(Event::Stop("SIGHUP"))),
            call => Some(*call),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::READ;

    #[test]
    fn every_signal_that_a_supervisor_reads_but_sigchld_asks_for_something_of_its_own() {
        let of = |signal| Call::of(signal, || true);
        let mut calls: Vec<Call> = READ.into_iter().filter_map(of).collect();
        assert_eq!(calls.len(), READ.len() - 1);
        assert_eq!(of(Signal::SIGCHLD), None);
        while let Some(call) = calls.pop() {
            assert!(!calls.contains(&call), "{call:?}");
        }
    }
    #[test]
    fn a_hup_reloads_a_daemon_and_stops_a_program_in_the_foreground() {
        let terminal = || false;
        assert_eq!(Call::of(Signal::SIGHUP, || true), Some(Call::Hangup));
        let stop = |signal| Some(Call::Event(Event::Stop(signal)));
        assert_eq!(Call::of(Signal::SIGHUP, terminal), stop("SIGHUP"));
        assert_eq!(Call::of(Signal::SIGTERM, terminal), stop("SIGTERM"));
        assert_eq!(Call::of(Signal::SIGUSR2, terminal), Some(Call::Report));
    }
}
