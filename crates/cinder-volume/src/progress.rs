//! Progress for somebody who waits: one line on a terminal, rewritten in place, gone at the end.
//!
//! Nothing where standard error is no terminal, nothing for what is over in a moment, and never a
//! wait: a terminal that takes nothing (Ctrl-S) is not written to.

use std::fmt::Write as _;
use std::io::Write;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::surroundings::Surroundings;

/// What is over sooner is not worth a line.
const DELAY: Duration = Duration::from_millis(300);
/// Between two looks of the line; the eye follows no more.
const PAUSE: Duration = Duration::from_millis(100);
/// Characters of the bar.
const WIDTH: usize = 24;

/// One line of progress; see the module's head.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    shows: bool,
    next: Instant,
    /// Whether there is a line to take away.
    shown: bool,
}

impl Progress {
    /// For a terminal on standard error, if there is one.
    pub fn new(what: &'static str, surroundings: &Surroundings) -> Self {
        let shows = surroundings.stderr_is_terminal && !surroundings.is_dumb();
        Self { what, shows, next: Instant::now() + DELAY, shown: false }
    }

    /// As [`new`](Self::new) if `wanted`, else for nobody.
    pub fn if_wanted(wanted: bool, what: &'static str, surroundings: &Surroundings) -> Self {
        let progress = Self::new(what, surroundings);
        Self { shows: progress.shows && wanted, ..progress }
    }

    /// Says at once what is going on, where nobody can count how far it is.
    pub fn say(&mut self) {
        self.next = Instant::now();
        self.write(|what| format!("{what} …"));
    }

    /// Notes that `done` of `total` is done.
    pub fn step(&mut self, done: usize, total: usize) {
        self.write(|what| line(what, done, total));
    }

    fn write(&mut self, text: impl FnOnce(&str) -> String) {
        let now = Instant::now();
        if !self.shows || now < self.next || !takes_more() {
            return;
        }
        self.next = now + PAUSE;
        self.shown = true;
        // Nobody is worse off without it.
        let _ = write!(std::io::stderr(), "\r{}\x1b[K", text(self.what));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown && takes_more() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(what: &str, done: usize, total: usize) -> String {
    let filled = (done.min(total) * WIDTH).checked_div(total).unwrap_or(WIDTH);
    let mut text = format!("{what} [");
    for at in 0..WIDTH {
        text.push(if at < filled { '#' } else { '.' });
    }
    // Writing to a String cannot fail.
    let _ = write!(text, "] {done}/{total}");
    text
}

/// Whether standard error takes a line without a wait.
fn takes_more() -> bool {
    let stderr = std::io::stderr();
    let mut watched = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    poll(&mut watched, PollTimeout::ZERO) == Ok(1)
        && watched[0].revents().is_some_and(|events| events == PollFlags::POLLOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_much_is_done() {
        assert_eq!(line("x", 0, 4), "x [........................] 0/4");
        assert_eq!(line("x", 1, 4), "x [######..................] 1/4");
        assert_eq!(line("x", 4, 4), "x [########################] 4/4");
        assert_eq!(line("x", 0, 0), "x [########################] 0/0");
    }
}
