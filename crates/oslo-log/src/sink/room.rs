//! A regular file that has no room: a full disk, a limit on its size.
//!
//! What it did not take is lost and counted. The next record that finds room begins a line, behind
//! one that says how many were lost. Each process knows of its own lines only: another one's that
//! comes first stands behind what is left of ours.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Notice, write_record};

/// What this process has not told a file yet.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Lines that it did not take.
    lost: AtomicU64,
    /// Whether the last thing that we wrote is the beginning of one of them.
    torn: AtomicBool,
}

impl Room {
    /// Writes one record to the file at `path` by `write`; false if it is lost.
    pub(crate) fn write(
        &self,
        path: &Path,
        bytes: &[u8],
        notice: Notice<'_>,
        write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> bool {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost == 0 {
            return self.put(bytes, write);
        }
        // In one piece, so that no line of another process comes in between.
        let mut text = Vec::new();
        if self.torn.load(Ordering::Relaxed) {
            text.push(b'\n');
        }
        let path = path.display();
        text.extend(notice(format_args!(
            "{lost} log lines were dropped: {path} had no room for them"
        )));
        text.extend_from_slice(bytes);
        let written = self.put(&text, write);
        if !written {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
        written
    }

    fn put(&self, bytes: &[u8], mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> bool {
        let mut taken = 0;
        let written = write_record(bytes, |rest| {
            let count = write(rest)?;
            taken += count;
            Ok(count)
        });
        if !written {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        // If nothing was taken, the file ends as it did.
        if let Some(last) = bytes.get(..taken).and_then(<[u8]>::last) {
            self.torn.store(*last != b'\n', Ordering::Relaxed);
        }
        written
    }
}
