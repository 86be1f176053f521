//! Panics in the logs of a scenario: whatever else went well, they are a failure.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// How a panic shows: in our log (`oslo-log/src/panic.rs`), on standard error before there is a
/// log, and as what a launcher makes of it.
const SIGNS: [&str; 3] = ["Unhandled error: panic", " panicked at ", "Unhandled exception: "];

/// Looks through all files below this directory.
///
/// # Errors
///
/// The first line that tells of a panic, with its file; or a directory that cannot be read.
pub(crate) fn look(dir: &Path) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        let (path, kind, entry_name) = (entry.path(), entry.file_type()?, entry.file_name());
        if kind.is_dir() {
            // Volumes are data, and larger than anything that a log is.
            if entry_name != "volumes" {
                look(&path)?;
            }
        } else if kind.is_file()
            && is_no_program(&path)
            && let Some(line) = panic_in(&path)?
        {
            bail!("a panic in {}: {line}", path.display());
        }
    }
    Ok(())
}

/// A copy of the daemon has these texts in it.
fn is_no_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o111 == 0)
}

/// The first line of a file that tells of a panic. A file that has gone meanwhile has none.
fn panic_in(path: &Path) -> Result<Option<String>> {
    let Ok(file) = File::open(path) else { return Ok(None) };
    for line in BufReader::new(file).split(b'\n') {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        let line = String::from_utf8_lossy(&line);
        if SIGNS.iter().any(|sign| line.contains(sign)) {
            return Ok(Some(line.into_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_found_wherever_it_is_told() {
        for line in [
            "2026-11-28 05:52:11.482 77 CRITICAL cinder [-] Unhandled error: panic: index out of bounds",
            "2026-11-28 05:52:11.482 77 ERROR cinder thread 'service' panicked at src/worker.rs:7:9",
            "thread 'main' (4711) panicked at crates/cinder-conf/src/ini.rs:40:5:",
            r#"{"message": "Unhandled error", "traceback": ["thread 'beat' panicked at src/x.rs:1:2"]}"#,
            "ERROR oslo_service [-] Unhandled exception: the service of worker a panicked",
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("logs")).unwrap();
            fs::write(dir.path().join("daemon.log"), "INFO cinder.service [-] all is well\n")
                .unwrap();
            assert!(look(dir.path()).is_ok());
            let log = dir.path().join("logs/x.log");
            fs::write(&log, format!("\u{0}first\n{line}\nlast\n")).unwrap();
            let found = look(dir.path()).unwrap_err().to_string();
            assert_eq!(found, format!("a panic in {}: {line}", log.display()));
        }
    }
}
