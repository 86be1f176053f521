//! What `/proc` tells about processes, and signals to the ones we started.
//!
//! Must not signal anything but a pid that its caller started or found below one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// One line of the process table.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) pid: i32,
    pub(crate) name: String,
    pub(crate) state: char,
    pub(crate) parent: i32,
}

impl Entry {
    pub(crate) fn is_zombie(&self) -> bool {
        self.state == 'Z'
    }
}

/// Reads one entry; `None` once the process is gone.
pub(crate) fn entry(pid: i32) -> Option<Entry> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name stands in parentheses and may itself hold blanks and parentheses.
fn parse_stat(stat: &str) -> Option<Entry> {
    let (head, tail) = stat.rsplit_once(')')?;
    let (pid, name) = head.split_once(" (")?;
    let mut fields = tail.split_whitespace();
    Some(Entry {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

/// Every process of the machine that we may see.
pub(crate) fn all() -> Vec<Entry> {
    let Ok(table) = fs::read_dir("/proc") else { return Vec::new() };
    table
        .flatten()
        .filter_map(|found| found.file_name().to_str()?.parse().ok())
        .filter_map(entry)
        .collect()
}

/// Children of `pid`, zombies included, in order of their pid.
pub(crate) fn children(pid: i32) -> Vec<Entry> {
    let mut found: Vec<_> = all().into_iter().filter(|one| one.parent == pid).collect();
    found.sort_by_key(|one| one.pid);
    found
}

/// Children that run, without the dead ones that wait to be reaped.
pub(crate) fn living_children(pid: i32) -> Vec<i32> {
    children(pid).into_iter().filter(|one| !one.is_zombie()).map(|one| one.pid).collect()
}

/// Living processes whose environment holds `mark`, which is how a process that has lost its
/// parent is still known as one of ours. The environment is inherited over fork and exec.
pub(crate) fn marked(mark: &str) -> Vec<i32> {
    let needle = mark.as_bytes();
    let Ok(table) = fs::read_dir("/proc") else { return Vec::new() };
    table
        .flatten()
        .filter_map(|found| found.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|variable| variable == needle)
        })
        .filter(|&pid| entry(pid).is_some_and(|one| !one.is_zombie()))
        .collect()
}

/// Whether the process exists and is more than a zombie.
pub(crate) fn lives(pid: i32) -> bool {
    entry(pid).is_some_and(|one| !one.is_zombie())
}

pub(crate) fn threads(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, |tasks| tasks.flatten().count())
}

/// The name that a process gives itself, as `ps` shows it.
pub(crate) fn name(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

pub(crate) fn command_line(pid: i32) -> Vec<String> {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&raw).split_terminator('\0').map(str::to_owned).collect()
}

/// Whether a signal was sent but not taken yet (`SigPnd` and `ShdPnd`, proc(5)).
pub(crate) fn is_pending(pid: i32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let bit = 1_u64 << (signal as u64 - 1);
    ["SigPnd:", "ShdPnd:"].iter().any(|set| {
        let mask = field(&status, set).and_then(|text| u64::from_str_radix(text, 16).ok());
        mask.is_some_and(|mask| mask & bit != 0)
    })
}

/// Open descriptors and what they lead to.
///
/// # Errors
///
/// When the process is gone or belongs to somebody else.
pub(crate) fn descriptors(pid: i32) -> Result<BTreeMap<i32, String>> {
    let mut open = BTreeMap::new();
    let folder = format!("/proc/{pid}/fd");
    for found in fs::read_dir(&folder).with_context(|| format!("cannot list {folder}"))?.flatten() {
        let number = found.file_name().to_str().and_then(|name| name.parse().ok());
        if let (Some(number), Ok(target)) = (number, fs::read_link(found.path())) {
            open.insert(number, target.to_string_lossy().into_owned());
        }
    }
    Ok(open)
}

/// Whether the descriptor can be written to (`flags` in `fdinfo`, octal; proc(5)).
pub(crate) fn is_writable(pid: i32, descriptor: i32) -> bool {
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}")).unwrap_or_default();
    field(&info, "flags:")
        .and_then(|text| u64::from_str_radix(text, 8).ok())
        .is_some_and(|flags| flags & 0o3 != 0)
}

/// Soft and hard value of one line of `/proc/PID/limits`, as text: either may be `unlimited`.
pub(crate) fn limits(pid: i32, name: &str) -> Option<(String, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let values = text.lines().find_map(|line| line.strip_prefix(name))?;
    let mut words = values.split_whitespace().map(str::to_owned);
    Some((words.next()?, words.next()?))
}

/// Sends a signal to one process.
///
/// # Errors
///
/// When the process does not exist any more.
pub(crate) fn signal(pid: i32, signal: Signal) -> Result<()> {
    kill(Pid::from_raw(pid), signal).with_context(|| format!("cannot send {signal} to {pid}"))
}

/// Sends a signal to a whole process group.
///
/// # Errors
///
/// When the group does not exist any more.
pub(crate) fn signal_group(group: i32, signal: Signal) -> Result<()> {
    killpg(Pid::from_raw(group), signal)
        .with_context(|| format!("cannot send {signal} to group {group}"))
}

/// Memory of one process in KiB (`smaps_rollup`, proc(5)).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// All pages that it has in memory, shared ones in full.
    pub(crate) rss_kib: u64,
    /// Shared pages divided by their users.
    pub(crate) pss_kib: u64,
    /// Pages that it has alone.
    pub(crate) private_kib: u64,
    /// Of these, what it has written and no file holds.
    pub(crate) dirty_kib: u64,
    /// What it has written itself, no matter who shares the pages: unlike the others it does
    /// not move when a child is forked or ends, so growth is growth.
    pub(crate) anonymous_kib: u64,
}

pub(crate) fn memory(pid: i32) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kib = |name| field(&text, name).and_then(|number| number.parse::<u64>().ok());
    let dirty_kib = kib("Private_Dirty:")?;
    Some(Memory {
        rss_kib: kib("Rss:")?,
        pss_kib: kib("Pss:")?,
        private_kib: kib("Private_Clean:")? + dirty_kib,
        dirty_kib,
        anonymous_kib: kib("Anonymous:")? + kib("Swap:")?,
    })
}

/// What the threads of one process have used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu_ns: u64,
    /// Voluntary context switches: each is one time that a thread went to sleep, and so was woken.
    pub(crate) sleeps: u64,
}

pub(crate) fn usage(pid: i32) -> Usage {
    let mut sum = Usage::default();
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return sum };
    for task in tasks.flatten() {
        let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        sum.cpu_ns += first_number(&read("schedstat"));
        sum.sleeps += field(&read("status"), "voluntary_ctxt_switches:").map_or(0, first_number);
    }
    sum
}

fn first_number(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// The first word after `name` at the start of a line.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next())
}

/// Reads a whole file as text, empty when it does not exist yet.
pub(crate) fn text_of(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_may_hold_blanks_and_parentheses() {
        let one = parse_stat("42 (a) b (c)) S 7 42 42 0 -1").unwrap();
        assert_eq!((one.pid, one.name.as_str(), one.state, one.parent), (42, "a) b (c)", 'S', 7));
    }

    #[test]
    fn our_own_process_is_seen_with_memory_threads_and_descriptors() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(lives(me));
        assert!(threads(me) >= 1);
        assert!(memory(me).unwrap().pss_kib > 0);
        assert!(!descriptors(me).unwrap().is_empty());
        assert!(!command_line(me).is_empty());
        let (soft, hard) = limits(me, "Max open files").unwrap();
        assert!(soft.parse::<u64>().unwrap() > 3 && !hard.is_empty());
    }

    #[test]
    fn a_field_is_found_by_its_exact_name() {
        let text = "nonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t4\n";
        assert_eq!(field(text, "voluntary_ctxt_switches:"), Some("4"));
        assert_eq!(field(text, "absent:"), None);
    }
}
