//! Records for the systemd journal, in its native protocol.
//!
//! Must not need systemd's library: the protocol is a datagram of fields, and a sealed file in
//! memory for what is too long for one.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};

use super::datagram::Datagram;
use super::stream::Stream;
use super::syslog::priority;
use super::{Flushed, Line, Notice};
use crate::context::ContextKey;
use crate::layout::{last_segment, write_logger_name};
use crate::level::Level;

/// Context values that become fields of their own, if they have a value.
const CONTEXT_FIELDS: [(&str, &str); 5] = [
    ("PROJECT_NAME", "project_name"),
    ("PROJECT_ID", "project_id"),
    ("USER_NAME", "user_name"),
    ("USER_ID", "user_id"),
    ("REQUEST_ID", "request_id"),
];

/// The journal.
#[derive(Debug)]
pub(crate) struct Journal {
    facility: u8,
    program: String,
    stream: Stream<Datagram>,
}

impl Journal {
    pub(crate) fn new(socket: &Path, facility: u8, program: &str) -> Self {
        let carrier = Datagram::new(PathBuf::from(socket), send_as_file);
        let stream = Stream::new("the journal".into(), carrier);
        Self { facility, program: program.to_owned(), stream }
    }

    pub(crate) fn datagram(&self) -> &Datagram {
        self.stream.carrier()
    }

    pub(crate) fn write(&self, line: &Line<'_>, notice: Notice<'_>) -> u64 {
        self.stream.write(&self.packet(line), &|text| self.notice(notice, text))
    }

    pub(crate) fn flush(&self, deadline: Option<Instant>, notice: Notice<'_>) -> Flushed {
        self.stream.flush(deadline, &|text| self.notice(notice, text))
    }

    fn notice(&self, notice: Notice<'_>, text: std::fmt::Arguments<'_>) -> Vec<u8> {
        let mut fields = Fields::default();
        let line = notice(text);
        fields.add("MESSAGE", line.strip_suffix(b"\n").unwrap_or(&line));
        self.add_common(&mut fields, Level::Warning);
        fields.bytes
    }

    fn add_common(&self, fields: &mut Fields, level: Level) {
        fields.add("PRIORITY", priority(level).to_string().as_bytes());
        fields.add("LOGGER_LEVEL", level.name().as_bytes());
        fields.add("SYSLOG_IDENTIFIER", self.program.as_bytes());
        // As the original: the number as the C library shifts it.
        fields.add("SYSLOG_FACILITY", (u32::from(self.facility) * 8).to_string().as_bytes());
    }

    fn packet(&self, line: &Line<'_>) -> Vec<u8> {
        let record = line.record;
        let mut fields = Fields::default();
        let text = |text: &str| text.strip_suffix('\n').unwrap_or(text).to_owned();
        fields.add("MESSAGE", text(line.text).as_bytes());
        self.add_common(&mut fields, record.level);
        let mut name = String::new();
        write_logger_name(record.target, &mut name);
        fields.add("LOGGER_NAME", name.as_bytes());
        fields.add("CODE_FILE", record.file.as_bytes());
        fields.add("CODE_LINE", record.line.to_string().as_bytes());
        fields.add("CODE_FUNC", last_segment(record.module).as_bytes());
        let thread = std::thread::current();
        fields.add("THREAD_NAME", thread.name().unwrap_or("unnamed").as_bytes());
        fields.add("PROCESS_NAME", b"MainProcess");
        if !line.error.is_empty() {
            let error = text(line.error);
            fields.add("EXCEPTION_INFO", error.as_bytes());
            fields.add("EXCEPTION_TEXT", error.as_bytes());
        }
        for (field, key) in CONTEXT_FIELDS {
            let value = ContextKey::named(key).and_then(|key| record.context(key));
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                fields.add(field, value.as_bytes());
            }
        }
        fields.bytes
    }
}

/// Fields in the journal's encoding.
#[derive(Default)]
struct Fields {
    bytes: Vec<u8>,
}

impl Fields {
    /// A value without line breaks stands behind `=`, any other behind its length.
    fn add(&mut self, name: &str, value: &[u8]) {
        self.bytes.extend_from_slice(name.as_bytes());
        if value.contains(&b'\n') {
            self.bytes.push(b'\n');
            self.bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            self.bytes.push(b'=');
        }
        self.bytes.extend_from_slice(value);
        self.bytes.push(b'\n');
    }
}

/// Sends a descriptor of a file in memory instead; the journal takes it only if it is sealed.
fn send_as_file(socket: &UnixDatagram, bytes: &[u8]) -> io::Result<()> {
    let flags = MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_CLOEXEC;
    let mut file = File::from(memfd_create("oslo-log", flags)?);
    file.write_all(bytes)?;
    let seals = SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    let descriptors = [file.as_raw_fd()];
    let message = [ControlMessage::ScmRights(&descriptors)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    match sendmsg::<UnixAddr>(socket.as_raw_fd(), &[], &message, flags, None) {
        Ok(_) => Ok(()),
        Err(Errno::ENOBUFS) => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_with_line_breaks_stand_behind_their_length() {
        let mut fields = Fields::default();
        fields.add("A", b"one");
        fields.add("B", b"two\nlines");
        assert_eq!(fields.bytes, b"A=one\nB\n\x09\0\0\0\0\0\0\0two\nlines\n");
    }
}
