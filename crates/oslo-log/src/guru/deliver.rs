//! Where a report goes, and what happens when it cannot get there.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::sink;

/// Where reports are written: `[oslo_reports] log_dir`, or standard error without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard error of this process.
    Stderr,
    /// A new file in this directory per report.
    Directory(PathBuf),
}

/// Why a report did not reach its destination. The service goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file could not be written. The text is the original's, which operators search for.
    #[error("Unable to dump Guru Meditation Report to file {}", path.display())]
    File {
        /// The file that was to be written.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// Standard error is closed, or nobody has read it for a while.
    #[error("cannot write the Guru Meditation Report to standard error")]
    Stderr,
}

impl Destination {
    /// Writes a rendered report on a process; returns the file it went to, if any.
    ///
    /// The file is `<program>_gurumeditation_<UTC time>_<pid>`, readable by owner and group:
    /// secrets are masked, but host names and paths are nobody else's business. A link or a FIFO
    /// of that name is refused: who can write to the directory cannot send the report elsewhere.
    ///
    /// # Errors
    ///
    /// [`ReportError::File`] (its text then stands on standard error already, as the contract
    /// wants) or [`ReportError::Stderr`].
    pub fn deliver(
        &self,
        program: &str,
        process: u32,
        report: &str,
    ) -> Result<Option<PathBuf>, ReportError> {
        let Self::Directory(directory) = self else {
            let written = sink::write_stderr_within(report.as_bytes(), sink::PATIENCE);
            return if written { Ok(None) } else { Err(ReportError::Stderr) };
        };
        let path = directory.join(file_name(program, Utc::now(), process));
        match append(&path, report) {
            Ok(()) => Ok(Some(path)),
            Err(source) => {
                let error = ReportError::File { path, source };
                sink::write_stderr_within(format!("{error}\n").as_bytes(), sink::PATIENCE);
                Err(error)
            }
        }
    }
}

fn file_name(program: &str, now: DateTime<Utc>, pid: u32) -> String {
    format!("{program}_gurumeditation_{}_{pid}", now.format("%Y%m%d%H%M%S"))
}

/// Appends, so that a second report within the same second does not replace the first.
fn append(path: &Path, report: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    {
        use std::os::unix::fs::OpenOptionsExt;

        use nix::fcntl::OFlag;
        // Without O_NONBLOCK a FIFO would wait for somebody who reads it.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        options.mode(0o640).custom_flags(flags.bits());
    }
    let mut file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    file.write_all(report.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_named_after_program_time_and_pid() {
        let time = DateTime::from_timestamp(1_763_832_145, 0).unwrap();
        assert_eq!(
            file_name("cinder-volume", time, 42),
            "cinder-volume_gurumeditation_20251122172225_42"
        );
    }

    #[test]
    fn a_report_lands_in_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        let destination = Destination::Directory(dir.path().into());
        let path = destination.deliver("prog", 42, "text\n").unwrap().unwrap();
        assert!(path.starts_with(dir.path()));
        assert!(path.to_string_lossy().ends_with("_42"));
        assert_eq!(std::fs::read_to_string(path).unwrap(), "text\n");
    }

    #[test]
    fn a_link_in_the_place_of_the_file_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (link, victim) = (dir.path().join("report"), dir.path().join("victim"));
        std::fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, &link).unwrap();
        append(&link, "text\n").unwrap_err();
        assert_eq!(std::fs::read_to_string(victim).unwrap(), "mine");
    }
}
