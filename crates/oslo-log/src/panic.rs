//! A panic as one CRITICAL record, in the shape of the original's last words.
//!
//! Must not install itself, and must not end the process: both are the binary's choice.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Write as _;
use std::panic::PanicHookInfo;

/// Makes a panic hook that logs `Unhandled error: panic: …` as CRITICAL from logger `project`.
///
/// Location, thread and (if `RUST_BACKTRACE` asks for one) the backtrace follow behind the
/// exception prefix. Give it to [`std::panic::set_hook`].
pub fn panic_hook(
    project: impl Into<String>,
) -> impl Fn(&PanicHookInfo<'_>) + Send + Sync + 'static {
    let project = project.into();
    move |info| {
        let payload = info.payload();
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("(payload is not text)");
        tracing::error!(
            target: "oslo_log.panic",
            logger = project.as_str(),
            critical = true,
            error_class = "panic",
            error = text,
            traceback = whereabouts(info).as_str(),
            "Unhandled error",
        );
    }
}

fn whereabouts(info: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let mut text = format!("thread '{}' panicked", thread.name().unwrap_or("unnamed"));
    // Writing to a String cannot fail.
    if let Some(location) = info.location() {
        let _ = write!(text, " at {location}");
    }
    text.push('\n');
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        let _ = write!(text, "{backtrace}");
    }
    text
}
