//! Files that say what an operation needs to be done again after a crash: `$state_path/operations/BACKEND/`.
//!
//! One file per operation, named after method and resource. It is whole or not there: written aside, synced,
//! renamed, and the directory synced, before the first thing that a crash could leave half done; removed at the
//! end. The schema is upstream's, so none of this goes into the database. Must not: know what stands in a record
//! beyond what every operation has.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Larger than any record of ours; what is larger was not written by us.
const LARGEST: u64 = 1024 * 1024;
/// Of a file that is being written.
const ASIDE: &str = ".new";

/// What an operation needs for its repetition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The method, as callers name it.
    pub method: String,
    /// The id of the volume or snapshot.
    pub resource: String,
    /// The status that the resource has while the operation runs; with another one this is no longer
    /// its operation.
    pub status: String,
    /// Who asked.
    pub request_id: Option<String>,
    /// How often a worker has died over it and it was taken up again.
    pub resumed: u32,
    /// What else the method has to know: a target size, reservations, what a driver is asked.
    pub details: Map<String, Value>,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {what}", path.display())]
pub struct RecordError {
    path: PathBuf,
    what: &'static str,
    source: io::Error,
}

/// The records of one back end.
#[derive(Debug, Clone)]
pub struct Records {
    directory: PathBuf,
}

impl Records {
    /// Those in this directory, which is made when the first is written.
    #[must_use]
    pub fn below(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Writes a record, in the place of one of the same method and resource; when this returns it survives a
    /// power cut.
    ///
    /// # Errors
    ///
    /// When it cannot be written; the one before is still there then.
    pub fn write(&self, record: &Record) -> Result<(), RecordError> {
        let path = self.path(&record.method, &record.resource);
        let aside = path.with_extension(&ASIDE[1..]);
        let text = serde_json::to_vec(record).map_err(io::Error::from);
        text.and_then(|text| write_aside(&aside, &text))
            .and_then(|()| fs::rename(&aside, &path))
            .and_then(|()| File::open(&self.directory)?.sync_all())
            .map_err(|source| RecordError { path, what: "write it", source })
    }

    /// Removes a record; one that is gone already is no error.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub fn remove(&self, method: &str, resource: &str) -> Result<(), RecordError> {
        let path = self.path(method, resource);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RecordError { path, what: "remove it", source: error })
            }
            _ => Ok(()),
        }
    }

    /// The record of a method on a resource, if there is one.
    ///
    /// # Errors
    ///
    /// When there is something that cannot be read as one.
    pub fn find(&self, method: &str, resource: &str) -> Result<Option<Record>, RecordError> {
        match read(&self.path(method, resource)) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// All that were left behind, by name; what cannot be read is told beside them and stays where it is.
    ///
    /// Files of records that were never finished are removed: their operation had not begun.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read; one that is not there is empty.
    pub fn list(&self) -> Result<(Vec<Record>, Vec<RecordError>), RecordError> {
        let whole = |source| RecordError { path: self.directory.clone(), what: "list it", source };
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Vec::new(), Vec::new()));
            }
            entries => entries.map_err(whole)?,
        };
        let paths: io::Result<Vec<PathBuf>> =
            entries.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut paths = paths.map_err(whole)?;
        paths.sort();
        let (mut records, mut odd) = (Vec::new(), Vec::new());
        for path in paths {
            if path.extension().is_some_and(|end| end == &ASIDE[1..]) {
                let _ = fs::remove_file(&path); // it is looked at again at the next start
                continue;
            }
            match read(&path) {
                Ok(record) if path == self.path(&record.method, &record.resource) => {
                    records.push(record);
                }
                Ok(_) => odd.push(RecordError {
                    path,
                    what: "use it",
                    source: io::Error::other("it is about something else than its name"),
                }),
                Err(error) => odd.push(error),
            }
        }
        Ok((records, odd))
    }

    fn path(&self, method: &str, resource: &str) -> PathBuf {
        self.directory.join(format!("{method}-{}.json", plain(resource)))
    }
}

/// An id as part of a file's name: ids are not always UUIDs, and may hold anything.
fn plain(resource: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if resource.len() <= 64 && resource.chars().all(is_plain) {
        return resource.to_owned();
    }
    resource.bytes().take(64).map(|byte| format!("{byte:02x}")).collect()
}

fn write_aside(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(path).or_else(|error| {
        let directory = path.parent().filter(|_| error.kind() == io::ErrorKind::NotFound);
        let Some(directory) = directory else { return Err(error) };
        DirBuilder::new().recursive(true).mode(0o750).create(directory)?;
        options.open(path)
    });
    let mut file = file?;
    file.write_all(text)?;
    file.sync_all()
}

fn read(path: &Path) -> Result<Record, RecordError> {
    let text = File::open(path).and_then(|file| {
        if file.metadata()?.len() > LARGEST {
            return Err(io::Error::other("larger than any record"));
        }
        io::read_to_string(file)
    });
    text.and_then(|text| Ok(serde_json::from_str(&text)?)).map_err(|source| RecordError {
        path: path.to_owned(),
        what: "read it",
        source,
    })
}

#[cfg(test)]
mod tests;
