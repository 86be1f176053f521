//! The Threads section: this process's threads as the kernel sees them.

use std::fmt::{self, Write};
use std::fs;

/// More threads than this are counted, not shown.
const MAX_THREADS: usize = 512;

/// Writes one block per thread, in the order of their ids.
pub(super) fn write_all(out: &mut impl Write) -> fmt::Result {
    let mut ids: Vec<u32> = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    ids.sort_unstable();
    for id in ids.iter().take(MAX_THREADS) {
        write_one(out, *id)?;
    }
    if ids.len() > MAX_THREADS {
        writeln!(out, "({} more threads)\n", ids.len() - MAX_THREADS)?;
    }
    Ok(())
}

fn write_one(out: &mut impl Write, id: u32) -> fmt::Result {
    let head = format!(" Thread #{id} ");
    writeln!(out, "------{head:^60}------\n")?;
    let status = read(id, "status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map_or("unknown", str::trim)
    };
    write!(out, "name: {}, state: {}", field("Name"), field("State"))?;
    // Both files may be unreadable or empty of meaning; then they are left out.
    let wait_channel = read(id, "wchan");
    if !matches!(wait_channel.trim(), "" | "0") {
        write!(out, ", waits in: {}", wait_channel.trim())?;
    }
    let call = read(id, "syscall");
    if let Some(call) = call.split_whitespace().next().filter(|call| *call != "running") {
        write!(out, ", system call: {call}")?;
    }
    writeln!(out, "\nNo Traceback!\n")
}

fn read(id: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/self/task/{id}/{file}")).unwrap_or_default()
}
