//! Lines as the C library's `syslog` sends them: RFC 3164 in a datagram to `/dev/log`.
//!
//! Must not split a message: several lines go as they are, like the original's.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use chrono::{DateTime, Local};

use super::datagram::Datagram;
use super::stream::Stream;
use super::{Flushed, Line, Notice};
use crate::LogError;
use crate::level::Level;

/// Facilities by name, in the order in which the original lists them. `LOG_KERN` is the kernel's.
const FACILITIES: &[(&str, u8)] = &[
    ("LOG_USER", 1),
    ("LOG_MAIL", 2),
    ("LOG_DAEMON", 3),
    ("LOG_AUTH", 4),
    ("LOG_SYSLOG", 5),
    ("LOG_LPR", 6),
    ("LOG_NEWS", 7),
    ("LOG_UUCP", 8),
    ("LOG_CRON", 9),
    ("LOG_AUTHPRIV", 10),
    ("LOG_LOCAL0", 16),
    ("LOG_LOCAL1", 17),
    ("LOG_LOCAL2", 18),
    ("LOG_LOCAL3", 19),
    ("LOG_LOCAL4", 20),
    ("LOG_LOCAL5", 21),
    ("LOG_LOCAL6", 22),
    ("LOG_LOCAL7", 23),
];

/// Number of a facility, whose name may lack `LOG_` and be in any case.
///
/// # Errors
///
/// [`LogError::UnknownFacility`] with all names there are.
pub(crate) fn facility(name: &str) -> Result<u8, LogError> {
    let upper = name.to_uppercase();
    let bare = upper.strip_prefix("LOG_").unwrap_or(&upper);
    let found = FACILITIES.iter().find(|(known, _)| known.strip_prefix("LOG_") == Some(bare));
    found.map(|(_, number)| *number).ok_or_else(|| {
        let names: Vec<String> = FACILITIES.iter().map(|(name, _)| format!("'{name}'")).collect();
        LogError::UnknownFacility { names: names.join(", ") }
    })
}

/// Priority of a level, for syslog and the journal.
pub(crate) fn priority(level: Level) -> u8 {
    match level {
        Level::Critical => 2,
        Level::Error => 3,
        Level::Warning => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// The system's logger.
#[derive(Debug)]
pub(crate) struct Syslog {
    facility: u8,
    program: String,
    stream: Stream<Datagram>,
}

impl Syslog {
    pub(crate) fn new(socket: &Path, facility: u8, program: &str) -> Self {
        let carrier = Datagram::new(PathBuf::from(socket), too_long);
        let name = format!("syslog at {}", socket.display());
        Self { facility, program: program.to_owned(), stream: Stream::new(name, carrier) }
    }

    pub(crate) fn datagram(&self) -> &Datagram {
        self.stream.carrier()
    }

    pub(crate) fn write(&self, line: &Line<'_>, notice: Notice<'_>) -> u64 {
        let packet = self.packet(line.record.level, line.text);
        self.stream.write(&packet, &|text| self.notice(notice, text))
    }

    pub(crate) fn flush(&self, deadline: Option<Instant>, notice: Notice<'_>) -> Flushed {
        self.stream.flush(deadline, &|text| self.notice(notice, text))
    }

    fn notice(&self, notice: Notice<'_>, text: std::fmt::Arguments<'_>) -> Vec<u8> {
        self.packet(Level::Warning, &String::from_utf8_lossy(&notice(text)))
    }

    fn packet(&self, level: Level, text: &str) -> Vec<u8> {
        let now: DateTime<Local> = SystemTime::now().into();
        let text = text.strip_suffix('\n').unwrap_or(text);
        let priority = self.facility * 8 + priority(level);
        format!("<{priority}>{} {}: {text}", now.format("%b %e %H:%M:%S"), self.program).into()
    }
}

/// A message beyond the socket's buffer (some 200 KiB) is lost, as it is in the original.
fn too_long(_: &UnixDatagram, _: &[u8]) -> io::Result<()> {
    Err(io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facility_may_be_given_in_any_case_and_without_its_prefix() {
        assert_eq!(facility("LOG_USER").unwrap(), 1);
        assert_eq!(facility("local7").unwrap(), 23);
        assert_eq!(facility("log_Daemon").unwrap(), 3);
        assert!(facility("LOG_KERN").is_err());
        let error = facility("LOG_FOO").unwrap_err().to_string();
        assert!(error.starts_with("syslog facility must be one of: 'LOG_USER', 'LOG_MAIL', "));
        assert!(error.ends_with(", 'LOG_LOCAL7'"), "{error}");
    }
}
