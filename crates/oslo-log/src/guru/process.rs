//! The Processes section: the process and everything below it.

use std::fmt::{self, Write};
use std::fs;

/// Bounds on a tree that grows while we walk it.
const MAX_PROCESSES: usize = 1024;
const MAX_DEPTH: usize = 16;

/// A process that was there.
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: String,
    pub(super) user: String,
    pub(super) uid: String,
    pub(super) state: &'static str,
    depth: usize,
}

/// Writes the process at the margin and its descendants, depth first, four blanks in.
///
/// Grandchildren stand no deeper than children, as in the original.
pub(super) fn write_tree(out: &mut impl Write, pid: u32) -> fmt::Result {
    for Process { pid, parent, user, uid, state, depth } in tree(pid) {
        let indent = if depth == 0 { 0 } else { 4 };
        writeln!(
            out,
            "{:indent$}Process {pid} (under {parent}) [ run by: {user} ({uid}), state: {state} ]",
            "",
        )?;
    }
    Ok(())
}

/// The process and its descendants, depth first. If that is not us, we are left out.
pub(super) fn tree(pid: u32) -> Vec<Process> {
    let mut all = Vec::new();
    collect(pid, pid, 0, &mut all);
    all
}

fn collect(root: u32, pid: u32, depth: usize, all: &mut Vec<Process>) {
    let reports = pid != root && pid == std::process::id();
    if reports || all.len() >= MAX_PROCESSES {
        return;
    }
    // A process that ended meanwhile has no line.
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return };
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim).unwrap_or_default()
    };
    let uid = field("Uid").split_whitespace().next().unwrap_or_default();
    all.push(Process {
        pid,
        parent: field("PPid").to_owned(),
        user: user_name(uid),
        uid: uid.to_owned(),
        state: state_name(field("State")),
        depth,
    });
    if depth < MAX_DEPTH {
        children(pid).into_iter().for_each(|child| collect(root, child, depth + 1, all));
    }
}

/// The children that any thread of `pid` has started.
fn children(pid: u32) -> Vec<u32> {
    let mut children: Vec<u32> = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().map(str::parse).collect::<Vec<_>>())
        .filter_map(Result::ok)
        .collect();
    children.sort_unstable();
    children
}

/// Looks in `/etc/passwd` only: a directory service might not answer, and a report must.
fn user_name(uid: &str) -> String {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = accounts.lines().find(|line| line.split(':').nth(2) == Some(uid));
    account.and_then(|line| line.split(':').next()).unwrap_or(uid).to_owned()
}

/// The state in the words of psutil, which the original prints.
fn state_name(state: &str) -> &'static str {
    match state.chars().next() {
        Some('R') => "running",
        Some('S') => "sleeping",
        Some('D') => "disk-sleep",
        Some('T') => "stopped",
        Some('t') => "tracing-stop",
        Some('Z') => "zombie",
        Some('X' | 'x') => "dead",
        Some('K') => "wake-kill",
        Some('W') => "waking",
        Some('I') => "idle",
        Some('P') => "parked",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_child_process_stands_under_its_parent() {
        // `cat` lives for as long as we hold its input open.
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        write_tree(&mut text, std::process::id()).unwrap();
        let under_us = tree(std::os::unix::process::parent_id());
        drop(child.stdin.take());
        child.wait().unwrap();

        let me = std::process::id();
        assert!(text.starts_with(&format!("Process {me} (under ")), "{text}");
        let line = format!("\n    Process {} (under {me}) [ run by: ", child.id());
        assert!(text.contains(&line), "{text}");
        // In the report of another process, whoever makes it is no part of it.
        assert!(!under_us.iter().any(|process| process.pid == me || process.pid == child.id()));
    }

    #[test]
    fn an_unknown_user_is_shown_by_number() {
        assert_eq!(user_name("0"), "root");
        assert_eq!(user_name("4294967290"), "4294967290");
    }
}
