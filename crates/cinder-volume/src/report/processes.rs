//! Daemons of this program that run on this machine, found in `/proc`.
//!
//! There is no file with a process id: it would have to be believed. A process is ours if it runs
//! a program of our name and keeps SIGUSR2 blocked, as only a daemon that reads it does; no other
//! process is ever sent that signal, which would end it. Must not: signal anybody.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cli;
use crate::configure;
use crate::exit::Failure;
use crate::surroundings::Surroundings;

/// A running daemon, or one of its workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    /// The user that it runs as.
    pub user: u32,
    parent: i32,
}

impl Process {
    /// A worker of it, which has its program and its user.
    pub fn worker(&self, pid: i32) -> Self {
        Self { pid, user: self.user, parent: self.pid }
    }
}

/// The parents of all daemons that we may look at.
///
/// # Errors
///
/// When the system does not list its processes.
pub fn parents(surroundings: &Surroundings) -> io::Result<Vec<Process>> {
    let entries = fs::read_dir("/proc")?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let all: Vec<Process> = pids.filter_map(|pid| look_at(pid, surroundings)).collect();
    let is_worker = |one: &Process| all.iter().any(|other| other.pid == one.parent);
    let mut parents: Vec<Process> = all.iter().filter(|one| !is_worker(one)).cloned().collect();
    parents.sort_by_key(|one| one.pid);
    Ok(parents)
}

/// This process, if it is a daemon of ours or a worker of one.
pub fn look_at(pid: i32, surroundings: &Surroundings) -> Option<Process> {
    let program = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    if name_of(&program) != name_of(&surroundings.program) {
        return None;
    }
    understand(pid, &fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// What `/proc/PID/status` says, if the process reads its SIGUSR2.
fn understand(pid: i32, status: &str) -> Option<Process> {
    const USR2: u32 = nix::sys::signal::Signal::SIGUSR2 as u32;
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let blocked = u64::from_str_radix(field("SigBlk:")?, 16).ok()?;
    if blocked & 1 << (USR2 - 1) == 0 {
        return None;
    }
    // Real, effective, saved, file system: whoever connects is the effective one.
    let user = field("Uid:")?.split_whitespace().nth(1)?.parse().ok()?;
    Some(Process { pid, user, parent: field("PPid:")?.parse().ok()? })
}

/// The name of a program, which may have been replaced since it was started.
fn name_of(program: &Path) -> Option<String> {
    let name = program.file_name()?.to_str()?;
    Some(name.strip_suffix(" (deleted)").unwrap_or(name).to_owned())
}

/// The configuration files that this daemon has read, as its command line and environment say.
pub fn files_of(process: &Process) -> Option<Vec<PathBuf>> {
    let folder = PathBuf::from(format!("/proc/{}", process.pid));
    let words = |file: &str| -> Option<Vec<String>> {
        let bytes = fs::read(folder.join(file)).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        Some(text.split_terminator('\0').map(str::to_owned).collect())
    };
    let mut words_of_line = words("cmdline")?.into_iter();
    let name = words_of_line.next()?;
    let pair = |word: String| word.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
    let theirs = Surroundings {
        name: name.rsplit('/').next().unwrap_or_default().to_owned(),
        arguments: words_of_line.collect(),
        environment: words("environ")?.into_iter().filter_map(pair).collect(),
        directory: fs::read_link(folder.join("cwd")).ok()?,
        ..Surroundings::default()
    };
    files(&theirs, &cli::parse(&theirs).ok()?).ok()
}

/// The configuration files that these surroundings lead to, links resolved.
///
/// # Errors
///
/// What is wrong with them.
pub fn files(
    surroundings: &Surroundings,
    line: &cli::CommandLine,
) -> Result<Vec<PathBuf>, Failure> {
    let conf = configure::load(surroundings, line)?;
    let real = |file: &String| {
        let path = surroundings.directory.join(file);
        path.canonicalize().unwrap_or(path)
    };
    Ok(conf.config_files().iter().map(real).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_does_not_read_the_signal_is_not_ours() {
        let status = |blocked: &str| {
            format!("Name:\tcinder-volume\nPPid:\t5\nUid:\t0\t107\t107\t107\nSigBlk:\t{blocked}\n")
        };
        let ours = Process { pid: 7, user: 107, parent: 5 };
        assert_eq!(understand(7, &status("0000000000000a03")), Some(ours));
        assert_eq!(understand(7, &status("0000000000000003")), None);
        assert_eq!(understand(7, ""), None);
    }

    #[test]
    fn a_program_that_was_replaced_keeps_its_name() {
        let name = |path: &str| name_of(Path::new(path));
        assert_eq!(name("/usr/bin/cinder-volume (deleted)"), name("/opt/cinder-volume"));
        assert_ne!(name("/usr/bin/python3.11"), name("/opt/cinder-volume"));
    }
}
