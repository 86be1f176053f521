//! The Threads section: the process's threads as the kernel sees them, and where they are.

use std::fmt::{self, Write};
use std::fs;

use super::{Frame, Stack};

/// More threads than this are counted, not shown.
const MAX_THREADS: usize = 512;

/// A thread that was there.
pub(super) struct Thread {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) state: String,
    /// The function of the kernel that it sleeps in, where the kernel tells.
    pub(super) wait_channel: Option<String>,
    /// Number of the system call that it is in, where the kernel tells.
    pub(super) call: Option<String>,
}

/// Writes one block per thread, in the order of their ids.
pub(super) fn write_all(out: &mut impl Write, process: u32, stacks: &[Stack]) -> fmt::Result {
    let (threads, more) = all(process);
    for thread in &threads {
        write_one(out, thread, stacks.iter().find(|stack| stack.thread == thread.id))?;
    }
    if more > 0 {
        writeln!(out, "({more} more threads)\n")?;
    }
    Ok(())
}

/// The threads in the order of their ids, and how many there are besides.
pub(super) fn all(process: u32) -> (Vec<Thread>, usize) {
    let mut ids: Vec<u32> = fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    ids.sort_unstable();
    let more = ids.len().saturating_sub(MAX_THREADS);
    ids.truncate(MAX_THREADS);
    (ids.into_iter().map(|id| look_at(process, id)).collect(), more)
}

fn look_at(process: u32, id: u32) -> Thread {
    let read = |file| fs::read_to_string(format!("/proc/{process}/task/{id}/{file}"));
    let read = |file| read(file).unwrap_or_default().trim().to_owned();
    let status = read("status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map_or("unknown", str::trim).to_owned()
    };
    // Both files may be unreadable or empty of meaning.
    let wait_channel = Some(read("wchan")).filter(|name| !matches!(name.as_str(), "" | "0"));
    let call = read("syscall");
    let call = call.split_whitespace().next().filter(|call| *call != "running");
    let call = call.map(str::to_owned);
    Thread { id, name: field("Name"), state: field("State"), wait_channel, call }
}

fn write_one(out: &mut impl Write, thread: &Thread, stack: Option<&Stack>) -> fmt::Result {
    let head = format!(" Thread #{} ", thread.id);
    writeln!(out, "------{head:^60}------\n")?;
    write!(out, "name: {}, state: {}", thread.name, thread.state)?;
    if let Some(name) = &thread.wait_channel {
        write!(out, ", waits in: {name}")?;
    }
    if let Some(call) = &thread.call {
        write!(out, ", system call: {call}")?;
    }
    writeln!(out)?;
    let problem = stack.and_then(|stack| stack.problem.as_deref());
    let problem = problem.map(|problem| format!("({problem})"));
    let frames = stack.map(|stack| stack.frames.as_slice()).unwrap_or_default();
    if frames.is_empty() {
        let why = problem.map(|problem| format!(" {problem}")).unwrap_or_default();
        return writeln!(out, "No Traceback!{why}\n");
    }
    // The original prints the innermost function last, and so the gap comes first.
    problem.into_iter().try_for_each(|problem| writeln!(out, "{problem}"))?;
    frames.iter().rev().try_for_each(|frame| write_frame(out, frame))?;
    writeln!(out)
}

/// `FILE:LINE in FUNCTION`. The original's second line is missing: a compiled program has no source.
fn write_frame(out: &mut impl Write, frame: &Frame) -> fmt::Result {
    match (&frame.file, frame.line) {
        (Some(file), Some(line)) => writeln!(out, "{file}:{line} in {}", frame.function),
        (Some(file), None) => writeln!(out, "{file} in {}", frame.function),
        _ => writeln!(out, "?? in {}", frame.function),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn frame(function: &str, line: Option<u32>) -> Frame {
        let file = line.map(|_| "src/a.rs".to_owned());
        Frame { function: function.into(), file, line }
    }

    fn block(stack: Option<Stack>) -> String {
        let thread = Thread {
            id: 7,
            name: "service".into(),
            state: "S (sleeping)".into(),
            wait_channel: Some("futex_wait_queue".into()),
            call: Some("202".into()),
        };
        let mut text = String::new();
        write_one(&mut text, &thread, stack.as_ref()).unwrap();
        text
    }

    #[test]
    fn the_innermost_function_stands_last() {
        let frames = vec![frame("syscall", None), frame("wait", Some(3)), frame("main", Some(9))];
        let problem = Some("the stack is deeper".to_owned());
        expect![[r#"
            ------                         Thread #7                          ------

            name: service, state: S (sleeping), waits in: futex_wait_queue, system call: 202
            (the stack is deeper)
            src/a.rs:9 in main
            src/a.rs:3 in wait
            ?? in syscall

        "#]]
        .assert_eq(&block(Some(Stack { thread: 7, frames, problem })));
    }

    #[test]
    fn a_thread_without_a_stack_says_why_if_that_is_known() {
        assert!(block(None).ends_with("system call: 202\nNo Traceback!\n\n"));
        let silent = Stack { problem: Some("no answer".into()), ..Stack::default() };
        assert!(block(Some(silent)).ends_with("system call: 202\nNo Traceback! (no answer)\n\n"));
    }
}
