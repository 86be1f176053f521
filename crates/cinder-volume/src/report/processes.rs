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
pub(crate) struct Process {
    pub pid: i32,
    /// The user that it runs as.
    pub user: u32,
    parent: i32,
    /// Its number where it runs, by which it calls itself: another one in a container (pid_namespaces(7)).
    pub inner: i32,
}

impl Process {
    /// A worker of it, by the number that it has for the daemon; it has its program and its user.
    pub(crate) fn worker(&self, inner: i32) -> Option<Self> {
        let worker = |pid| Self { pid, user: self.user, parent: self.pid, inner };
        if self.inner == self.pid {
            return Some(worker(inner));
        }
        let is_wanted = |pid: &i32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            parent_of(&status) == Some(self.pid) && inner_of(&status) == Some(inner)
        };
        pids().ok()?.find(is_wanted).map(worker)
    }

    /// Whether an answer of it, which goes over the network namespace, would come here; if nobody can tell, it might.
    pub(crate) fn is_within_reach(&self) -> bool {
        let network = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        network("self").zip(network(&self.pid.to_string())).is_none_or(|(own, its)| own == its)
    }
}

/// The numbers of all processes that can be seen from here.
fn pids() -> io::Result<impl Iterator<Item = i32>> {
    let entries = fs::read_dir("/proc")?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()))
}

/// The parents of all daemons that we may look at.
///
/// # Errors
///
/// When the system does not list its processes.
pub(crate) fn parents(surroundings: &Surroundings) -> io::Result<Vec<Process>> {
    let all: Vec<Process> = pids()?.filter_map(|pid| look_at(pid, surroundings)).collect();
    let is_worker = |one: &Process| all.iter().any(|other| other.pid == one.parent);
    let mut parents: Vec<Process> = all.iter().filter(|one| !is_worker(one)).cloned().collect();
    parents.sort_by_key(|one| one.pid);
    Ok(parents)
}

/// This process, if it is a daemon of ours or a worker of one.
pub(crate) fn look_at(pid: i32, surroundings: &Surroundings) -> Option<Process> {
    let program = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    if name_of(&program) != name_of(&surroundings.program) {
        return None;
    }
    understand(pid, &fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// What `/proc/PID/status` says, if the process reads its SIGUSR2.
fn understand(pid: i32, status: &str) -> Option<Process> {
    const USR2: u32 = nix::sys::signal::Signal::SIGUSR2 as u32;
    let field = |name| field(status, name);
    let blocked = u64::from_str_radix(field("SigBlk:")?, 16).ok()?;
    if blocked & 1 << (USR2 - 1) == 0 {
        return None;
    }
    // Real, effective, saved, file system: whoever connects is the effective one.
    let user = field("Uid:")?.split_whitespace().nth(1)?.parse().ok()?;
    // Kernels without namespaces do not say it.
    let inner = inner_of(status).unwrap_or(pid);
    Some(Process { pid, user, parent: parent_of(status)?, inner })
}

fn field<'s>(status: &'s str, name: &str) -> Option<&'s str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn parent_of(status: &str) -> Option<i32> {
    field(status, "PPid:")?.parse().ok()
}

/// Its number in each namespace from ours to its own.
fn inner_of(status: &str) -> Option<i32> {
    field(status, "NSpid:")?.split_whitespace().next_back()?.parse().ok()
}

/// The name of a program, which may have been replaced since it was started.
fn name_of(program: &Path) -> Option<String> {
    let name = program.file_name()?.to_str()?;
    Some(name.strip_suffix(" (deleted)").unwrap_or(name).to_owned())
}

/// The configuration files that this daemon has read, as its command line and environment say.
pub(crate) fn files_of(process: &Process) -> Option<Vec<PathBuf>> {
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
pub(crate) fn files(
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
        let ours = Process { pid: 7, user: 107, parent: 5, inner: 7 };
        assert_eq!(understand(7, &status("0000000000000a03")), Some(ours));
        assert_eq!(understand(7, &status("0000000000000003")), None);
        assert_eq!(understand(7, ""), None);
        let in_container = status("0000000000000a03") + "NSpid:\t7\t1\n";
        assert_eq!(understand(7, &in_container).map(|one| one.inner), Some(1));
    }

    #[test]
    fn a_program_that_was_replaced_keeps_its_name() {
        let name = |path: &str| name_of(Path::new(path));
        assert_eq!(name("/usr/bin/cinder-volume (deleted)"), name("/opt/cinder-volume"));
        assert_ne!(name("/usr/bin/python3.11"), name("/opt/cinder-volume"));
    }
}
