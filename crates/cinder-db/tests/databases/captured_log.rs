//! What the crate logs, as lines a test can compare.

use std::{
    error::Error,
    fmt::{self, Write as _},
    sync::{Arc, Condvar, Mutex, Once},
    time::{Duration, Instant},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, Registry, layer::Context, layer::SubscriberExt as _};

/// Lines `LEVEL target: message`, with ` (error)` after them where an error is attached.
#[derive(Clone, Default)]
pub struct CapturedLog(Arc<Lines>);

#[derive(Default)]
struct Lines {
    lines: Mutex<Vec<String>>,
    added: Condvar,
}

impl CapturedLog {
    /// Runs `work` with this log; threads that it starts may carry it on.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        // With a single subscriber, `tracing` asks the one of whichever thread logs a line
        // first whether anybody wants it, and would take a thread without one for a no.
        static SECOND: Once = Once::new();
        SECOND.call_once(|| tracing::subscriber::set_global_default(Registry::default()).unwrap());
        let subscriber = Registry::default().with(self.clone());
        tracing::subscriber::with_default(subscriber, work)
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lines.lock().unwrap().clone()
    }

    /// Waits until `times` lines hold `text`.
    pub fn wait_for(&self, text: &str, times: usize, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut lines = self.0.lines.lock().unwrap();
        while lines.iter().filter(|line| line.contains(text)).count() < times {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not {times} times within {limit:?}: {text}\nin {lines:#?}");
            lines = self.0.added.wait_timeout(lines, left).unwrap().0;
        }
    }

    pub fn count(&self, text: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(text)).count()
    }
}

impl<S: Subscriber> Layer<S> for CapturedLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let mut line = format!("{} {}: {}", metadata.level(), metadata.target(), text.message);
        if !text.error.is_empty() {
            write!(line, " ({})", text.error).unwrap();
        }
        self.0.lines.lock().unwrap().push(line);
        self.0.added.notify_all();
    }
}

#[derive(Default)]
struct Text {
    message: String,
    error: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_debug(field, &format_args!("{}", cinder_db::chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "error" => self.error = format!("{value:?}"),
            _ => {}
        }
    }
}
