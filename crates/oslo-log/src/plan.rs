//! Which records go where, and what they look like there: all that a reload may replace.
//!
//! Must not write a record.

use crate::clock::DateFormat;
use crate::form::{Form, Style};
use crate::json::Json;
use crate::layout::{Layout, started};
use crate::level::{self, LevelTable};
use crate::sink::{Opening, Rotation, Schedule, Sink};
use crate::{LogError, LogOptions, append};

/// Levels, handlers, and the way from one to the other.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) levels: LevelTable,
    /// Longer names first; the last one is the root's, whose name is empty.
    pub(crate) routes: Vec<Route>,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) forms: Vec<Form>,
    /// What an operator should know about it, for the log itself.
    pub(crate) remarks: Vec<String>,
}

/// The handlers of a logger.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) logger: String,
    /// Indices of [`Plan::handlers`].
    pub(crate) handlers: Vec<usize>,
    /// Whether the loggers above get the record, too.
    pub(crate) propagate: bool,
}

/// A destination.
#[derive(Debug)]
pub(crate) struct Handler {
    /// Records below this level are not for it.
    pub(crate) level: i32,
    /// Index of [`Plan::forms`].
    pub(crate) form: usize,
    pub(crate) sink: Sink,
}

impl Plan {
    /// What the options ask for (spec/logging.md §2).
    ///
    /// # Errors
    ///
    /// Whatever is wrong with an option, a file or a format.
    pub(crate) fn new(options: &LogOptions) -> Result<Self, LogError> {
        Self::with(options, Opening::Open)
    }

    fn with(options: &LogOptions, opening: Opening) -> Result<Self, LogError> {
        match &options.log_config_append {
            Some(file) => append::load(file, options, opening),
            None => Self::of_options(options, opening),
        }
    }

    fn of_options(options: &LogOptions, opening: Opening) -> Result<Self, LogError> {
        let levels = LevelTable::new(options.debug, &options.default_log_levels)?;
        let mut remarks = Vec::new();
        let mut forms = vec![Form { style: style(options, &mut remarks), color: false }];
        // Where a terminal may be behind it.
        let screen = usize::from(options.log_color);
        if options.log_color {
            // The same formats, which have been remarked upon.
            forms.push(Form { style: style(options, &mut Vec::new()), color: true });
        }
        let handlers = sinks(options, opening, &mut remarks)?
            .into_iter()
            .map(|(sink, on_screen)| Handler {
                level: 0,
                form: if on_screen { screen } else { 0 },
                sink,
            })
            .collect::<Vec<_>>();
        let all = (0..handlers.len()).collect();
        let root = Route { logger: String::new(), handlers: all, propagate: false };
        Ok(Self { levels, routes: vec![root], handlers, forms, remarks })
    }

    /// The handlers that get a record of `logger`, each as often as it is named on the way up.
    pub(crate) fn handlers_of(&self, logger: &str) -> impl Iterator<Item = &Handler> {
        let mut ended = false;
        self.routes
            .iter()
            .filter(move |route| level::covers(&route.logger, logger))
            .take_while(move |route| {
                let taken = !ended;
                ended |= !route.propagate;
                taken
            })
            .flat_map(|route| &route.handlers)
            .filter_map(|index| self.handlers.get(*index))
    }

    /// Whether some destination prints the fields that no text format knows.
    pub(crate) fn wants_extras(&self) -> bool {
        self.forms.iter().any(|form| matches!(form.style, Style::Json(_)))
    }
}

fn style(options: &LogOptions, remarks: &mut Vec<String>) -> Style {
    if options.use_json {
        Style::Json(json(Some(&options.log_date_format), options))
    } else {
        Style::Text(Box::new(Layout::new(options, remarks)))
    }
}

/// The JSON form with this date format.
pub(crate) fn json(date: Option<&str>, options: &LogOptions) -> Json {
    let date = DateFormat::or_default(date);
    Json::new(date, options.host_name.clone(), started().as_secs_f64())
}

/// What a start with these options would find wrong with them, and what it would remark upon; opens and makes no file.
#[must_use]
pub fn check(options: &LogOptions) -> (Vec<LogError>, Vec<String>) {
    let mut options = options.clone();
    let mut errors = Vec::new();
    loop {
        let error = match Plan::with(&options, Opening::Look) {
            Ok(plan) => return (errors, plan.remarks),
            Err(error) => error,
        };
        // Without what is wrong there may be more.
        let fallback = LogOptions::default();
        match &error {
            LogError::Config { .. } => options.log_config_append = None,
            LogError::Open { .. } => (options.log_file, options.log_dir) = (None, None),
            LogError::UnknownLevel { .. } => options.default_log_levels = Vec::new(),
            LogError::UnknownFacility { .. } => {
                options.syslog_log_facility = fallback.syslog_log_facility;
            }
            LogError::Journal { .. } => options.use_journal = false,
            LogError::BadValue { .. }
                if options.log_rotation_type != fallback.log_rotation_type =>
            {
                options.log_rotation_type = fallback.log_rotation_type;
            }
            LogError::BadValue { .. } | LogError::Platform { .. } => {
                errors.push(error);
                return (errors, Vec::new());
            }
        }
        // With such a file the other options do not count.
        let is_all = matches!(error, LogError::Config { .. });
        errors.push(error);
        if is_all {
            return (errors, Vec::new());
        }
    }
}

/// The destinations in the original's order, and whether each may be a terminal.
fn sinks(
    options: &LogOptions,
    opening: Opening,
    remarks: &mut Vec<String>,
) -> Result<Vec<(Sink, bool)>, LogError> {
    let mut sinks = Vec::with_capacity(2);
    if let Some(path) = options.log_path() {
        let file = Sink::file(&path, options.watch_log_file, rotation(options)?, opening)?;
        sinks.push((file, false));
    }
    if options.use_stderr {
        sinks.push((Sink::stderr(), true));
    }
    let facility = options.syslog_log_facility.as_str();
    if options.use_journal {
        let journal = Sink::journal(&options.journal_socket, facility, &options.program)?;
        sinks.push((journal, false));
    }
    if sinks.is_empty() {
        sinks.push((Sink::stdout(), true));
    }
    if options.use_syslog {
        let socket = &options.syslog_socket;
        let (syslog, trouble) = Sink::syslog(socket, facility, &options.program)?;
        if let Some(cause) = trouble {
            remarks.push(no_syslog(socket, &cause));
        }
        sinks.push((syslog, false));
    }
    Ok(sinks)
}

/// What to tell when nobody listens at the system's logger.
pub(crate) fn no_syslog(socket: &std::path::Path, cause: &std::io::Error) -> String {
    format!("Nobody takes lines for syslog at {}: {cause}; they wait", socket.display())
}

fn rotation(options: &LogOptions) -> Result<Option<Rotation>, LogError> {
    let keep = usize::try_from(options.max_logfile_count).unwrap_or(0);
    match options.log_rotation_type.to_lowercase().as_str() {
        "interval" => {
            let unit = &options.log_rotate_interval_type;
            let schedule = Schedule::new(unit, options.log_rotate_interval)?;
            Ok(Some(Rotation::Interval { schedule, keep }))
        }
        "size" => Ok(by_size(options.max_logfile_size_mb.saturating_mul(1024 * 1024), keep)),
        _ => Ok(None),
    }
}

/// Rotation by size; none without a size or without anything to keep, as in the original.
pub(crate) fn by_size(bytes: i64, keep: usize) -> Option<Rotation> {
    let bytes = u64::try_from(bytes).ok().filter(|bytes| *bytes > 0)?;
    (keep > 0).then_some(Rotation::Size { bytes, keep })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::HandlersFile;

    #[test]
    fn a_file_that_cannot_be_opened_is_an_error_with_path_and_cause() {
        let options =
            LogOptions { log_file: Some("/no/such/dir/x.log".into()), ..LogOptions::default() };
        let error = Plan::new(&options).unwrap_err();
        assert_eq!(error.to_string(), "cannot open log file /no/such/dir/x.log");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("No such file"), "{cause}");
    }

    #[test]
    fn a_check_finds_every_fault_and_leaves_no_file_behind() {
        let dir = tempfile::tempdir().unwrap();
        let options = LogOptions {
            log_dir: Some(dir.path().join("missing")),
            default_log_levels: vec!["a=LOUD".into()],
            syslog_log_facility: "LOG_NOWHERE".into(),
            use_syslog: true,
            log_rotation_type: "interval".into(),
            log_rotate_interval: 0,
            logging_default_format_string: "%(nothing".into(),
            ..LogOptions::default()
        };
        let (errors, remarks) = check(&options);
        let kinds: Vec<_> = errors.iter().map(|error| format!("{error:?}")).collect();
        let starts = ["UnknownLevel", "BadValue", "Open", "UnknownFacility"];
        assert!(kinds.iter().zip(starts).all(|(kind, start)| kind.starts_with(start)), "{kinds:?}");
        // Whether this machine has a syslog is told, too.
        let of_format =
            remarks.iter().filter(|one| one.starts_with("logging_default_format_string: "));
        assert_eq!((errors.len(), of_format.count()), (4, 1), "{remarks:?}");
        let good = LogOptions { log_dir: Some(dir.path().into()), ..LogOptions::default() };
        assert!(check(&good).0.is_empty());
        let text = format!(
            "[loggers]\nkeys=root\n[handlers]\nkeys=f\n[formatters]\nkeys=\n[logger_root]\nhandlers=f\n\
             [handler_f]\nclass=FileHandler\nargs=('{}',)\n",
            dir.path().join("f.log").display()
        );
        let file =
            |text: &str| HandlersFile { path: "f".into(), text: text.into(), modified: None };
        let with = |text: &str| LogOptions {
            log_config_append: Some(file(text)),
            ..LogOptions::default()
        };
        assert!(check(&with(&text)).0.is_empty());
        assert_eq!(check(&with(&text.replace("f.log", "no/f.log"))).0.len(), 1);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn destinations_add_up_and_stdout_is_the_last_resort() {
        let dir = tempfile::tempdir().unwrap();
        let kinds = |log_dir: Option<PathBuf>, use_stderr, use_syslog| {
            let syslog_socket = dir.path().join("log");
            let options = LogOptions {
                log_dir,
                use_stderr,
                use_syslog,
                syslog_socket,
                ..LogOptions::default()
            };
            let sinks = Plan::new(&options).unwrap().handlers.into_iter().map(|one| one.sink);
            format!("{:?}", sinks.collect::<Vec<_>>())
        };
        // What standard output and error are, and so their variant, depends on who runs the test.
        let is = |text: &str, plain: &str, stream: &str| {
            text.contains(plain) || text.contains(&format!("name: \"{stream}\""))
        };
        let error = |text: &str| is(text, "Stderr", "standard error");
        let output = |text: &str| is(text, "Stdout", "standard output");
        let both = kinds(Some(dir.path().into()), true, false);
        assert!(both.starts_with("[File") && error(&both) && !output(&both), "{both}");
        assert!(error(&kinds(None, true, false)) && !output(&kinds(None, true, false)));
        assert!(output(&kinds(None, false, false)) && !error(&kinds(None, false, false)));
        // Syslog alone leaves standard output on (spec/logging.md §2.1).
        let syslog = kinds(None, false, true);
        assert!(output(&syslog) && syslog.contains("Syslog"), "{syslog}");
    }

    #[test]
    fn colour_is_for_standard_output_and_error_only() {
        let dir = tempfile::tempdir().unwrap();
        let colors = |log_dir: Option<PathBuf>, use_stderr| {
            let options =
                LogOptions { log_color: true, log_dir, use_stderr, ..LogOptions::default() };
            let plan = Plan::new(&options).unwrap();
            plan.handlers.iter().map(|one| plan.forms[one.form].color).collect::<Vec<_>>()
        };
        assert_eq!(colors(Some(dir.path().into()), true), [false, true]);
        assert_eq!(colors(Some(dir.path().into()), false), [false]);
        assert_eq!(colors(None, false), [true]);
    }

    #[test]
    fn only_a_regular_file_is_ever_rotated() {
        let options = LogOptions {
            log_file: Some("/dev/null".into()),
            watch_log_file: true,
            log_rotation_type: "interval".into(),
            ..LogOptions::default()
        };
        let text = format!("{:?}", Plan::new(&options).unwrap().handlers);
        assert!(!text.contains("Followed"), "{text}");
    }

    #[test]
    fn a_log_file_may_be_a_fifo_that_nobody_has_opened_yet() {
        use std::io::Read as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let options = LogOptions {
            log_file: Some(path.clone()),
            watch_log_file: true,
            logging_default_format_string: "%(message)s".into(),
            ..LogOptions::default()
        };
        let (subscriber, log) = crate::subscriber(&options).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            for word in ["early", "later"] {
                tracing::info!("{word}");
                // The reader comes after the line, and goes before the next one.
                let mut text = [0; 6];
                std::fs::File::open(&path).unwrap().read_exact(&mut text).unwrap();
                assert_eq!(text, format!("{word}\n").as_bytes());
            }
        });
        assert_eq!(log.dropped_lines(), 0);
    }
}
