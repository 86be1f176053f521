//! The `tracing` layer: decides which events pass, gathers, renders, writes.
//!
//! Must not take a lock on the way of a line (except `watch_log_file`'s and that of a pipe, socket
//! or terminal) or allocate once a thread's buffers have grown.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, span};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::layer::{Context, Layer, Layered, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::clock::StampCache;
use crate::context::{self, SpanContext};
use crate::event::{Captured, Slot};
use crate::layout::{Layout, Record};
use crate::level::{Level, LevelTable};
use crate::sink::{self, Sink};
use crate::{LogError, LogHandle, LogOptions};

/// What the layer and its handles share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) levels: LevelTable,
    layout: Layout,
    pub(crate) sinks: Vec<Sink>,
    pub(crate) dropped: AtomicU64,
    pub(crate) unsupported: Vec<String>,
}

/// A layer that writes every event as oslo.log would.
///
/// Its levels hold for the whole subscriber: what no logger lets through is disabled for
/// other layers on the same registry too.
#[derive(Debug)]
pub struct OsloLayer {
    core: Arc<Core>,
}

/// The layer on a registry of its own, ready to become the global default.
pub type OsloSubscriber = Layered<OsloLayer, Registry>;

/// Builds a complete subscriber and the handle to steer it.
///
/// The log file is opened here, once: forked workers share the descriptor.
///
/// # Errors
///
/// Those of [`OsloLayer::new`].
pub fn subscriber(options: &LogOptions) -> Result<(OsloSubscriber, LogHandle), LogError> {
    let (layer, handle) = OsloLayer::new(options)?;
    Ok((Registry::default().with(layer), handle))
}

impl OsloLayer {
    /// Builds the layer alone, to be put on a registry together with others.
    ///
    /// # Errors
    ///
    /// [`LogError::Open`] if the log file cannot be opened, [`LogError::UnknownLevel`] for a
    /// bad `default_log_levels`, the other variants for a bad format string.
    pub fn new(options: &LogOptions) -> Result<(Self, LogHandle), LogError> {
        let core = Arc::new(Core {
            levels: LevelTable::new(options.debug, &options.default_log_levels)?,
            layout: Layout::new(options)?,
            sinks: sink::open_sinks(options)?,
            dropped: AtomicU64::new(0),
            unsupported: options.unsupported.clone(),
        });
        let handle = LogHandle::new(Arc::clone(&core));
        Ok((Self { core }, handle))
    }

    fn passes(&self, metadata: &Metadata<'_>) -> bool {
        context::is_context(metadata) || self.core.levels.may_pass(metadata)
    }
}

impl<S> Layer<S> for OsloLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Never "sometimes": a disabled event must cost one load. A change of level
        // rebuilds the cache.
        if self.passes(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _ctx: Context<'_, S>) -> bool {
        self.passes(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.core.levels.most_verbose())
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, ctx: Context<'_, S>) {
        context::remember(attributes, id, &ctx);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, ctx: Context<'_, S>) {
        context::amend(id, values, &ctx);
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        with_scratch(|scratch| {
            scratch.fields.clear();
            event.record(&mut scratch.fields);
            for span in ctx.event_scope(event).into_iter().flatten() {
                if let Some(context) = span.extensions().get::<SpanContext>() {
                    return self.core.write(event, scratch, Some(context));
                }
            }
            self.core.write(event, scratch, None);
        });
    }
}

impl Core {
    fn write(&self, event: &Event<'_>, scratch: &mut Scratch, span: Option<&SpanContext>) {
        let metadata = event.metadata();
        let Scratch { fields, line, cache } = scratch;
        let level = Level::of(*metadata.level(), fields.critical() == Some(true));
        let from_log = event.is_log();
        let target = match (fields.get(Slot::Logger), from_log) {
            ("", true) => fields.get(Slot::LogTarget),
            ("", false) => metadata.target(),
            (logger, _) => logger,
        };
        // The callsite passed as a possible CRITICAL; now we know what it is.
        if fields.critical() == Some(false) && !self.levels.passes(metadata.target(), level) {
            return;
        }
        let (file, line_number, module) = if from_log {
            (fields.get(Slot::LogFile), fields.log_line(), fields.get(Slot::LogModule))
        } else {
            let module = metadata.module_path().unwrap_or_default();
            (metadata.file().unwrap_or_default(), metadata.line(), module)
        };
        let record = Record {
            level,
            target,
            file,
            line: line_number.unwrap_or(0),
            module,
            pid: std::process::id(),
            stamp: cache.stamp(&chrono::Local, SystemTime::now(), &self.layout.date),
            fields,
            span,
        };
        line.clear();
        self.layout.render(&record, line);
        for sink in &self.sinks {
            self.count_lost(sink.write(line.as_bytes(), &|lost, name| self.notice(lost, name)));
        }
    }

    /// Writes what waits in front of slow readers; if something still does: when to come back.
    pub(crate) fn flush(&self, deadline: Option<Instant>) -> Option<Duration> {
        let mut again = None;
        for sink in &self.sinks {
            let flushed = sink.flush(deadline, &|lost, name| self.notice(lost, name));
            self.count_lost(flushed.lost);
            again = [again, flushed.again].into_iter().flatten().min();
        }
        again
    }

    fn count_lost(&self, lines: u64) {
        if lines > 0 {
            self.dropped.fetch_add(lines, Ordering::Relaxed);
        }
    }

    /// The line that tells a reader what it has missed.
    fn notice(&self, lost: u64, name: &str) -> String {
        let mut fields = Captured::default();
        let text = format_args!(
            "{lost} log lines were dropped: {name} was not read fast enough, or not at all"
        );
        fields.store("message", text);
        let mut cache = StampCache::default();
        let record = Record {
            level: Level::Warning,
            target: "oslo_log",
            file: file!(),
            line: line!(),
            module: module_path!(),
            pid: std::process::id(),
            stamp: cache.stamp(&chrono::Local, SystemTime::now(), &self.layout.date),
            fields: &fields,
            span: None,
        };
        let mut line = String::new();
        self.layout.render(&record, &mut line);
        line
    }
}

/// One thread's buffers.
#[derive(Debug, Default)]
struct Scratch {
    fields: Captured,
    line: String,
    cache: StampCache,
}

/// Buffers that one huge record has blown up beyond this are given back.
const RETAINED_BYTES: usize = 64 * 1024;

/// Runs `body` with this thread's buffers.
///
/// They are taken out of their place meanwhile: a `Display` that logs while it is being
/// printed gets fresh ones instead of a panic.
fn with_scratch(body: impl FnOnce(&mut Scratch)) {
    thread_local! {
        static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
    }
    // A destructor that logs while its thread ends finds the place gone already.
    let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
    body(&mut scratch);
    if scratch.fields.capacity() <= RETAINED_BYTES && scratch.line.capacity() <= RETAINED_BYTES {
        let _ = SCRATCH.try_with(|place| place.set(Some(scratch)));
    }
}
