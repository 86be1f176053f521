//! How the process ends: exit statuses, and what is printed before logging exists.

use std::io::Write;
use std::process::ExitCode;

/// Everything went well, or a graceful stop was complete.
pub(crate) const OK: i32 = 0;
/// Bad configuration, nothing to run, or a stop that was not graceful (`spec/startup.md` §9).
/// A command line that is not understood gives 2, by `cinder_conf::cli` (`spec/config.md` §7).
pub(crate) const FAILURE: i32 = 1;
/// What was to be checked is known, and not good: `status --check`, `status --alive`.
pub(crate) const NOT_UP: i32 = 3;

/// `call`: the method failed, or there is none that could be called so.
pub(crate) const METHOD_FAILED: i32 = 3;
/// `call`: nobody answered.
pub(crate) const NO_ANSWER: i32 = 4;
/// `status`: not all back ends are up.
pub(crate) const SOME_DOWN: i32 = 1;
/// `status`: neither the database nor a health server can tell.
pub(crate) const UNKNOWN: i32 = 2;

/// Why the process ends before it has done its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Already told to the operator; only the status is left.
    Told(i32),
    /// Lines for standard error, complete with prefix.
    Lines(Vec<String>, i32),
    /// The command line's answer instead of work: help, version, or what is wrong with it.
    Refused {
        /// For standard output.
        stdout: String,
        /// For standard error.
        stderr: String,
        /// Exit status.
        status: i32,
    },
    /// An error with its causes.
    Error(anyhow::Error),
    /// An error with its causes, and a status of its own.
    Final(anyhow::Error, i32),
}

impl Failure {
    /// The same failure with another status, if it has not been told yet.
    #[must_use]
    pub(crate) fn with_status(self, status: i32) -> Self {
        match self {
            Self::Lines(lines, _) => Self::Lines(lines, status),
            Self::Error(error) => Self::Final(error, status),
            other => other,
        }
    }

    /// The same failure with one more line, if it has lines.
    #[must_use]
    pub(crate) fn and_say(self, line: String) -> Self {
        match self {
            Self::Lines(mut lines, status) => {
                lines.push(line);
                Self::Lines(lines, status)
            }
            other => other,
        }
    }

    /// Prints what is still to be told, each cause once, and gives the exit status.
    pub(crate) fn print(self, name: &str) -> i32 {
        let (lines, status) = match self {
            Self::Told(status) => (Vec::new(), status),
            Self::Lines(lines, status) => (lines, status),
            Self::Refused { stdout, stderr, status } => {
                // As below: with the stream closed there is nobody left to tell.
                let _ = std::io::stdout().write_all(stdout.as_bytes());
                let _ = std::io::stderr().write_all(stderr.as_bytes());
                (Vec::new(), status)
            }
            Self::Error(error) => (vec![format!("{name}: {error:#}")], FAILURE),
            Self::Final(error, status) => (vec![format!("{name}: {error:#}")], status),
        };
        let mut stderr = std::io::stderr().lock();
        for line in lines {
            // With standard error closed there is nobody left to tell.
            let _ = writeln!(stderr, "{line}");
        }
        status
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// An exit status as the standard library wants it.
pub(crate) fn code(status: i32) -> ExitCode {
    ExitCode::from(u8::try_from(status).unwrap_or(1))
}
