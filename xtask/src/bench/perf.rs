//! `perf stat`, where it is installed and allowed: a second opinion on what `/proc` says.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::wait::let_pass;

/// Context switches of one process within `window`; always takes that long.
///
/// `None` when there is no `perf` or the kernel does not let us ask.
pub(crate) fn context_switches(pid: i32, window: Duration) -> Option<f64> {
    let seconds = window.as_secs_f64().to_string();
    let child = Command::new("perf")
        .args(["stat", "--field-separator", ";", "--event", "context-switches"])
        .args(["--pid", &pid.to_string(), "--", "sleep", &seconds])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(child) = child else {
        let_pass(window);
        return None;
    };
    let output = child.wait_with_output().ok().filter(|output| output.status.success());
    if output.is_none() {
        let_pass(window);
    }
    counted(&String::from_utf8_lossy(&output?.stderr))
}

/// A process that did not run at all while it was looked at is `<not counted>`: no switches.
fn counted(report: &str) -> Option<f64> {
    let line = report.lines().find(|line| line.contains("context-switches"))?;
    match line.split(';').next()? {
        "<not counted>" => Some(0.0),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_perf_is_read() {
        assert_eq!(counted("# x\n12;;context-switches;1000;100.00;;\n"), Some(12.0));
        assert_eq!(counted("<not counted>;;context-switches;0;100.00;;\n"), Some(0.0));
        assert_eq!(counted("<not supported>;;context-switches;0;100.00;;\n"), None);
        assert_eq!(counted("Error: no permission\n"), None);
    }
}
