//! The Processes section: this process and everything below it.

use std::fmt::{self, Write};
use std::fs;

/// Bounds on a tree that grows while we walk it.
const MAX_PROCESSES: usize = 1024;
const MAX_DEPTH: usize = 16;

/// Writes this process at the margin and its descendants, depth first, four blanks in.
///
/// Grandchildren stand no deeper than children, as in the original.
pub(super) fn write_tree(out: &mut impl Write) -> fmt::Result {
    let mut left = MAX_PROCESSES;
    write_process(out, std::process::id(), 0, &mut left)
}

fn write_process(out: &mut impl Write, pid: u32, depth: usize, left: &mut usize) -> fmt::Result {
    // A process that ended meanwhile has no line.
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return Ok(()) };
    let Some(remaining) = left.checked_sub(1) else { return Ok(()) };
    *left = remaining;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim).unwrap_or_default()
    };
    let uid = field("Uid").split_whitespace().next().unwrap_or_default();
    writeln!(
        out,
        "{:indent$}Process {pid} (under {}) [ run by: {} ({uid}), state: {} ]",
        "",
        field("PPid"),
        user_name(uid),
        state_name(field("State")),
        indent = if depth == 0 { 0 } else { 4 },
    )?;
    if depth < MAX_DEPTH {
        for child in children(pid) {
            write_process(out, child, depth + 1, left)?;
        }
    }
    Ok(())
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
        write_tree(&mut text).unwrap();
        drop(child.stdin.take());
        child.wait().unwrap();

        let me = std::process::id();
        assert!(text.starts_with(&format!("Process {me} (under ")), "{text}");
        let line = format!("\n    Process {} (under {me}) [ run by: ", child.id());
        assert!(text.contains(&line), "{text}");
    }

    #[test]
    fn an_unknown_user_is_shown_by_number() {
        assert_eq!(user_name("0"), "root");
        assert_eq!(user_name("4294967290"), "4294967290");
    }
}
