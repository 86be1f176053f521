//! What workers and their parent say of a worker, in single words of the scoreboard.
//!
//! Must not: believe a word that makes no sense.

/// How often a worker had to be replaced, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restarts {
    /// It had ended by itself, whatever the status.
    pub exit: u64,
    /// A signal had ended it.
    pub signal: u64,
    /// It had given no sign of life for too long.
    pub watchdog: u64,
    /// Somebody asked for it (SIGUSR1).
    pub asked: u64,
}

/// What a worker says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u64)]
pub enum WorkerState {
    /// No process runs in this slot.
    #[default]
    Gone = 0,
    /// The process runs, its service has told nothing yet.
    Starting = 1,
    /// The service serves.
    Up = 2,
    /// The process runs, its service says that it cannot serve.
    Down = 3,
    /// The worker finishes what it has begun and takes nothing new.
    Draining = 4,
}

impl WorkerState {
    /// What a worker can say of itself; the rest is nonsense, and that there is no process is for
    /// the parent to say.
    pub(crate) fn from_word(word: u64) -> Option<Self> {
        match word {
            1 => Some(Self::Starting),
            2 => Some(Self::Up),
            3 => Some(Self::Down),
            4 => Some(Self::Draining),
            _ => None,
        }
    }

    /// The lower-case word shown to operators.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Down => "down",
            Self::Draining => "draining",
        }
    }
}
