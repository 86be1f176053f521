//! The `tracing` layer: decides which events pass, gathers, renders, writes.
//!
//! Must not take a lock on the way of a line that another thread's line could hold for long: only a
//! reload, a file being replaced, and a pipe, socket or terminal have one. Must not allocate for a
//! line of text once a thread's buffers have grown.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};
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
use crate::form::Form;
use crate::layout::Record;
use crate::level::{Known, Level};
use crate::limit::{RateLimit, Verdict};
use crate::plan::Plan;
use crate::sink::Line;
use crate::{LogError, LogHandle, LogOptions};

/// What the layer and its handles share.
///
/// The plan's lock is taken for writing only by a reload, which takes no time. The process forks
/// with a single thread, which then is not in here.
#[derive(Debug)]
pub(crate) struct Core {
    plan: RwLock<Plan>,
    /// Whether events are to keep fields that no text format knows; a copy of the plan's answer.
    extras: AtomicBool,
    limit: Option<RateLimit>,
    /// What the plan was made from.
    pub(crate) options: Mutex<LogOptions>,
    pub(crate) known: Known,
    pub(crate) dropped: AtomicU64,
    publisher: OnceLock<Publisher>,
}

/// Hears of errors: the logger, and what it said.
struct Publisher(Publish);

/// See [`LogHandle::publish_errors`].
pub(crate) type Publish = Box<dyn Fn(&str, &str) + Send + Sync>;

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Publisher")
    }
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
    /// bad `default_log_levels`, the other variants for what is wrong with other options.
    pub fn new(options: &LogOptions) -> Result<(Self, LogHandle), LogError> {
        let core = Arc::new(Core::new(options)?);
        let handle = LogHandle::new(Arc::clone(&core));
        Ok((Self { core }, handle))
    }

    fn passes(&self, metadata: &Metadata<'_>) -> bool {
        context::is_context(metadata) || self.core.plan().levels.may_pass(metadata)
    }
}

impl<S> Layer<S> for OsloLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.core.known.add(metadata);
        // Never "sometimes": a disabled event must cost one load. A change of level
        // rebuilds the cache.
        if self.passes(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _ctx: Context<'_, S>) -> bool {
        self.passes(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.core.plan().levels.most_verbose())
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, ctx: Context<'_, S>) {
        context::remember(attributes, id, &ctx);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, ctx: Context<'_, S>) {
        context::amend(id, values, &ctx);
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        with_scratch(|scratch| {
            scratch.fields.clear(self.core.extras.load(Ordering::Relaxed));
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
    fn new(options: &LogOptions) -> Result<Self, LogError> {
        let plan = Plan::new(options)?;
        // The original installs no limit beside a file of handlers.
        let limited = options.log_config_append.is_none();
        let limit = if limited { RateLimit::new(options, Instant::now())? } else { None };
        Ok(Self {
            extras: AtomicBool::new(plan.wants_extras()),
            plan: RwLock::new(plan),
            limit,
            options: Mutex::new(options.clone()),
            known: Known::default(),
            dropped: AtomicU64::new(0),
            publisher: OnceLock::new(),
        })
    }

    pub(crate) fn plan(&self) -> RwLockReadGuard<'_, Plan> {
        self.plan.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with another plan. What waits for slow readers of the old one gets a last chance.
    pub(crate) fn replace(&self, plan: Plan) {
        self.flush(None);
        self.extras.store(plan.wants_extras(), Ordering::Relaxed);
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = plan;
    }

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
        let plan = self.plan();
        // The callsite passed as a possible CRITICAL; now we know what it is.
        if fields.critical() == Some(false) && !plan.levels.passes(metadata.target(), level) {
            return;
        }
        let (file, line_number, module) = if from_log {
            (fields.get(Slot::LogFile), fields.log_line(), fields.get(Slot::LogModule))
        } else {
            let module = metadata.module_path().unwrap_or_default();
            (metadata.file().unwrap_or_default(), metadata.line(), module)
        };
        let line_number = line_number.unwrap_or(0);
        let facts = Facts { level, target, file, line: line_number, module, fields, span };
        match self.limit.as_ref().map(|limit| (limit, limit.judge(level, Instant::now()))) {
            None | Some((_, Verdict::Pass)) => {
                self.hand_out(&plan, &facts, line, cache);
                // Not under the lock: what hears of it may log in turn.
                drop(plan);
                self.publish(&facts);
            }
            Some((limit, Verdict::DropAndTell)) => {
                let told = Captured::of_message(format_args!("{}", limit.sentence()));
                let facts = Facts { span, ..Facts::own(Level::Error, "root", &told) };
                self.hand_out(&plan, &facts, line, cache);
            }
            Some((_, Verdict::Drop)) => {}
        }
    }

    /// Has errors told to others; the first one that wants it does.
    pub(crate) fn publish_errors(&self, told: Publish) {
        let _ = self.publisher.set(Publisher(told));
    }

    fn publish(&self, facts: &Facts<'_>) {
        if facts.level.number() >= Level::Error.number()
            && let Some(Publisher(told)) = self.publisher.get()
        {
            told(facts.target, facts.fields.get(Slot::Message));
        }
    }

    /// Gives a record to every destination that it is for.
    fn hand_out(&self, plan: &Plan, facts: &Facts<'_>, line: &mut String, cache: &mut StampCache) {
        let now = SystemTime::now();
        let mut rendered = None;
        let mut error = 0;
        for handler in plan.handlers_of(facts.target) {
            if facts.level.number() < handler.level {
                continue;
            }
            let Some(form) = plan.forms.get(handler.form) else { continue };
            let record = facts.record(form, now, cache);
            // Most often all destinations share one form.
            if rendered.replace(handler.form) != Some(handler.form) {
                line.clear();
                error = form.render(&record, line);
            }
            let error = line.get(error..).unwrap_or_default();
            let line = Line { text: line, error, record: &record };
            self.count_lost(handler.sink.write(&line, &|text| warning(form, text)));
        }
    }

    /// Writes what waits in front of slow readers; if something still does: when to come back.
    pub(crate) fn flush(&self, deadline: Option<Instant>) -> Option<Duration> {
        let plan = self.plan();
        let mut again = None;
        for handler in &plan.handlers {
            let Some(form) = plan.forms.get(handler.form) else { continue };
            let flushed = handler.sink.flush(deadline, &|text| warning(form, text));
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
}

/// A line of our own about a destination, in its form.
fn warning(form: &Form, text: fmt::Arguments<'_>) -> Vec<u8> {
    let fields = Captured::of_message(text);
    let facts = Facts::own(Level::Warning, "oslo_log", &fields);
    let mut cache = StampCache::default();
    let mut line = String::new();
    form.render(&facts.record(form, SystemTime::now(), &mut cache), &mut line);
    line.into_bytes()
}

/// What is known of a record before anybody asks what it looks like.
struct Facts<'a> {
    level: Level,
    target: &'a str,
    file: &'a str,
    line: u32,
    module: &'a str,
    fields: &'a Captured,
    span: Option<&'a SpanContext>,
}

impl<'a> Facts<'a> {
    /// A record that nobody's event has made.
    fn own(level: Level, target: &'a str, fields: &'a Captured) -> Self {
        let (file, line, module) = (file!(), line!(), module_path!());
        Self { level, target, file, line, module, fields, span: None }
    }

    fn record<'r>(&'r self, form: &Form, now: SystemTime, cache: &'r mut StampCache) -> Record<'r> {
        Record {
            level: self.level,
            target: self.target,
            file: self.file,
            line: self.line,
            module: self.module,
            pid: std::process::id(),
            stamp: cache.stamp(&chrono::Local, now, form.date()),
            fields: self.fields,
            color: "",
            span: self.span,
        }
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
