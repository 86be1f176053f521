//! Whether a file that a URL names can be used.
//!
//! Must not: wait. What is no regular file is not opened: a FIFO would have us wait for a writer.

use std::{fs, path::Path};

use super::UrlError;

/// A file that is not there is found out at start, not by a connection.
pub(super) fn readable(
    name: &str,
    path: Option<&str>,
    check: fn(&Path) -> Result<(), String>,
) -> Result<(), UrlError> {
    let Some(path) = path else { return Ok(()) };
    let checked = check(Path::new(path));
    checked.map_err(|problem| {
        UrlError::parameter(name, format!("names {path:?}, which cannot be used: {problem}"))
    })
}

pub(super) fn regular_file(path: &Path) -> Result<(), String> {
    let about = fs::metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("it is no regular file".to_owned());
    }
    fs::File::open(path).map(drop).map_err(|error| error.to_string())
}

pub(super) fn directory(path: &Path) -> Result<(), String> {
    fs::read_dir(path).map(drop).map_err(|error| error.to_string())
}
