//! `log_config_append`: a file in the format of Python's `logging.config.fileConfig`.
//!
//! Handlers, levels, formatters and loggers are taken over as far as they have a counterpart here.
//! What has none is left out with a remark, never silently; what cannot be understood is an error
//! that names the section. Must not evaluate anything: the arguments are literals to us.

mod ini;
mod literal;

use std::path::Path;

use ini::Ini;
use literal::{Arguments, Value};

use crate::form::{Form, Style};
use crate::layout::Layout;
use crate::level::{self, LevelTable};
use crate::plan::{self, Handler, Plan, Route};
use crate::sink::{Opening, Schedule, Sink};
use crate::{HandlersFile, LogError, LogOptions};

/// Why a part of the file cannot be used.
enum Trouble {
    /// There is no counterpart; the others go on without it.
    Missing(String),
    Fatal(String),
}

impl From<LogError> for Trouble {
    fn from(error: LogError) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Self::Fatal(format!("{error}{}", cause.unwrap_or_default()))
    }
}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self::Fatal(text)
    }
}

/// Understands the file and opens what it names.
///
/// # Errors
///
/// [`LogError::Config`] with the place in the file.
pub(crate) fn load(
    file: &HandlersFile,
    options: &LogOptions,
    opening: Opening,
) -> Result<Plan, LogError> {
    let failed = |reason| LogError::Config { path: file.path.clone(), reason };
    if file.text.is_empty() {
        return Err(failed("it is an empty file".into()));
    }
    let ini = Ini::parse(&file.text).map_err(failed)?;
    let mut reader = Reader { ini, options, opening, forms: Vec::new(), remarks: Vec::new() };
    reader.read().map_err(failed)
}

struct Reader<'o> {
    ini: Ini,
    options: &'o LogOptions,
    opening: Opening,
    /// Each form with the formatter that it is made of.
    forms: Vec<(String, Form)>,
    remarks: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<Plan, String> {
        for name in self.ini.keys("formatters")? {
            self.style(&name)?; // a bad one is an error even if nobody uses it
        }
        let mut handlers = Vec::new();
        // By name, where it stands; or nothing, if it was left out.
        let mut named: Vec<(String, Option<usize>)> = Vec::new();
        for name in self.ini.keys("handlers")? {
            let section = format!("handler_{name}");
            let at = match self.handler(&section) {
                Ok(handler) => {
                    handlers.push(handler);
                    Some(handlers.len() - 1)
                }
                Err(Trouble::Missing(what)) => {
                    self.remarks.push(format!("[{section}] is left out: {what}"));
                    None
                }
                Err(Trouble::Fatal(what)) => return Err(format!("[{section}] {what}")),
            };
            named.push((name, at));
        }
        let (levels, routes) = self.loggers(&named)?;
        let forms = std::mem::take(&mut self.forms).into_iter().map(|(_, form)| form).collect();
        let remarks = std::mem::take(&mut self.remarks);
        let mut plan = Plan { levels, routes, handlers, forms, remarks };
        let root_lost = plan.routes.last().is_some_and(|root| root.handlers.is_empty())
            && named.iter().any(|(_, at)| at.is_none());
        if root_lost {
            self.fall_back(&mut plan)?;
        }
        Ok(plan)
    }

    /// Standard output, where the root has lost its last handler: silence would help nobody.
    fn fall_back(&mut self, plan: &mut Plan) -> Result<(), String> {
        let style = Style::Text(Box::new(Layout::new(self.options, &mut plan.remarks)));
        plan.forms.push(Form { style, color: false });
        let form = plan.forms.len() - 1;
        plan.handlers.push(Handler { level: 0, form, sink: Sink::stdout() });
        if let Some(root) = plan.routes.last_mut() {
            root.handlers.push(plan.handlers.len() - 1);
        }
        plan.remarks.push("No handler of the root logger is left: it gets standard output".into());
        Ok(())
    }

    /// Levels and routes of all loggers, the root last.
    fn loggers(
        &self,
        named: &[(String, Option<usize>)],
    ) -> Result<(LevelTable, Vec<Route>), String> {
        let keys = self.ini.keys("loggers")?;
        if !keys.iter().any(|name| name == "root") {
            return Err("[loggers] keys: root is missing".into());
        }
        // Nothing is set: the original resets all levels before it reads the file.
        let mut root_level = 0;
        let (mut rules, mut routes) = (Vec::new(), Vec::new());
        for name in keys {
            let section = format!("logger_{name}");
            let at = |what: String| format!("[{section}] {what}");
            let level = self.level(&section).map_err(at)?;
            let handlers = self.ini.need(&section, "handlers")?;
            let handlers = find_all(&handlers, named).map_err(at)?;
            if name == "root" {
                root_level = level.unwrap_or(0);
                routes.push(Route { logger: String::new(), handlers, propagate: false });
                continue;
            }
            let logger = self.ini.need(&section, "qualname")?;
            let propagate = match self.ini.get(&section, "propagate")?.as_deref() {
                None => true,
                Some(number) => {
                    let number = number.trim().parse::<i64>();
                    number.map_err(|_| at("propagate: not a whole number".into()))? != 0
                }
            };
            if let Some(level) = level.filter(|level| *level != 0) {
                rules.push((logger.clone(), level));
            }
            routes.push(Route { logger, handlers, propagate });
        }
        routes.sort_by_key(|route| std::cmp::Reverse(route.logger.len()));
        Ok((LevelTable::of_numbers(root_level, rules), routes))
    }

    fn level(&self, section: &str) -> Result<Option<i32>, String> {
        let text = self.ini.get(section, "level")?;
        text.map(|text| level::parse(&text).map_err(|error| error.to_string())).transpose()
    }

    fn handler(&mut self, section: &str) -> Result<Handler, Trouble> {
        let class = self.ini.need(section, "class")?;
        let read = |key| -> Result<Option<Value>, String> {
            let text = self.ini.get(section, key)?;
            text.map(|text| literal::parse(&text).map_err(|what| format!("{key}: {what}")))
                .transpose()
        };
        let arguments = Arguments::new(read("args")?, read("kwargs")?)?;
        let level = self.level(section)?.unwrap_or(0);
        let formatter = self.ini.get(section, "formatter")?.unwrap_or_default();
        let (sink, color) = self.sink(&class, &arguments)?;
        let form = self.form(&formatter, color)?;
        Ok(Handler { level, form, sink })
    }

    /// What a class writes to, and whether it colours.
    fn sink(&mut self, class: &str, arguments: &Arguments) -> Result<(Sink, bool), Trouble> {
        let class = class.trim_start_matches("logging.").trim_start_matches("handlers.");
        let sink = match class {
            "StreamHandler" | "oslo_log.handlers.ColorHandler" => stream(arguments)?,
            "FileHandler" => self.file(arguments, false)?,
            "WatchedFileHandler" => self.file(arguments, true)?,
            "RotatingFileHandler" => {
                let keep = usize::try_from(arguments.integer(3, "backupCount", 0)?).unwrap_or(0);
                let rotation = plan::by_size(arguments.integer(2, "maxBytes", 0)?, keep);
                let path = arguments.need(0, "filename")?;
                Sink::file(Path::new(&path), false, rotation, self.opening)?
            }
            "TimedRotatingFileHandler" => timed(arguments, self.opening)?,
            "SysLogHandler" => {
                let address = arguments.find(0, "address").cloned();
                let Some(Value::Text(socket)) = address else {
                    let what = "only a local socket such as '/dev/log' can be its address";
                    return Err(Trouble::Missing(what.into()));
                };
                self.syslog(Path::new(&socket), &facility(arguments.find(1, "facility"))?)?
            }
            "oslo_log.handlers.OSSysLogHandler" => {
                let facility = facility(arguments.find(0, "facility"))?;
                self.syslog(&self.options.syslog_socket.clone(), &facility)?
            }
            "oslo_log.handlers.OSJournalHandler" => {
                let facility = facility(arguments.find(0, "facility"))?;
                let socket = &self.options.journal_socket;
                Sink::journal(socket, &facility, &self.options.program)?
            }
            "NullHandler" => Sink::Nowhere,
            other => {
                return Err(Trouble::Missing(format!("there is no counterpart of class {other}")));
            }
        };
        Ok((sink, class.ends_with("ColorHandler")))
    }

    fn file(&mut self, arguments: &Arguments, watch: bool) -> Result<Sink, Trouble> {
        let path = arguments.need(0, "filename")?;
        if !matches!(arguments.find(1, "mode"), None | Some(Value::Text(_))) {
            return Err(Trouble::Fatal("args: the mode is not a text".into()));
        }
        if let Some(Value::Text(mode)) = arguments.find(1, "mode")
            && !mode.starts_with('a')
        {
            self.remarks.push(format!("{path} is appended to, although its mode is '{mode}'"));
        }
        Ok(Sink::file(Path::new(&path), watch, None, self.opening)?)
    }

    fn syslog(&mut self, socket: &Path, facility: &str) -> Result<Sink, Trouble> {
        let (sink, trouble) = Sink::syslog(socket, facility, &self.options.program)?;
        self.remarks.extend(trouble.map(|cause| plan::no_syslog(socket, &cause)));
        Ok(sink)
    }

    /// Where the form of this formatter stands.
    fn form(&mut self, formatter: &str, color: bool) -> Result<usize, String> {
        let known = self.forms.iter().position(|(n, form)| n == formatter && form.color == color);
        match known {
            Some(at) => Ok(at),
            None => {
                let style = self.style(formatter)?;
                self.forms.push((formatter.to_owned(), Form { style, color }));
                Ok(self.forms.len() - 1)
            }
        }
    }

    fn style(&mut self, formatter: &str) -> Result<Style, String> {
        if formatter.is_empty() {
            let plain = Layout::plain("%(message)s", None, &mut Vec::new())?;
            return Ok(Style::Text(Box::new(plain)));
        }
        let section = format!("formatter_{formatter}");
        let at = |what: String| format!("[{section}] {what}");
        let date = self.ini.raw(&section, "datefmt").map(str::to_owned);
        let class = self.ini.get(&section, "class")?.unwrap_or_default();
        let mut remarks = Vec::new();
        let made = match class.as_str() {
            "" | "logging.Formatter" => {
                let style = self.ini.raw(&section, "style").unwrap_or("%");
                if style != "%" {
                    return Err(at(format!("style: only % is known here, not {style}")));
                }
                let format = self.ini.raw(&section, "format").unwrap_or("%(message)s");
                let plain = Layout::plain(format, date.as_deref(), &mut remarks).map_err(at)?;
                Style::Text(Box::new(plain))
            }
            "oslo_log.formatters.ContextFormatter" => {
                let options = LogOptions {
                    log_date_format: date.unwrap_or_else(|| "%Y-%m-%d %H:%M:%S".into()),
                    // Nobody tells the class what program it is for.
                    project: "unknown".into(),
                    version: "unknown".into(),
                    ..self.options.clone()
                };
                Style::Text(Box::new(Layout::new(&options, &mut remarks)))
            }
            "oslo_log.formatters.JSONFormatter" => {
                let date = date.unwrap_or_else(|| "%Y-%m-%d %H:%M:%S".into());
                Style::Json(plan::json(Some(&date), self.options))
            }
            other => return Err(at(format!("there is no counterpart of class {other}"))),
        };
        for remark in remarks.into_iter().map(at) {
            // One formatter may serve several handlers.
            if !self.remarks.contains(&remark) {
                self.remarks.push(remark);
            }
        }
        Ok(made)
    }
}

fn find_all(names: &str, named: &[(String, Option<usize>)]) -> Result<Vec<usize>, String> {
    let mut found = Vec::new();
    for name in ini::split(names) {
        let (_, at) = named
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| format!("handlers: there is no handler {name}"))?;
        found.extend(at);
    }
    Ok(found)
}

fn stream(arguments: &Arguments) -> Result<Sink, Trouble> {
    match arguments.find(0, "stream") {
        None | Some(Value::None) => Ok(Sink::stderr()),
        Some(Value::Name(name)) if name == "sys.stderr" => Ok(Sink::stderr()),
        Some(Value::Name(name)) if name == "sys.stdout" => Ok(Sink::stdout()),
        Some(other) => Err(Trouble::Fatal(format!("args: {other:?} is not a stream"))),
    }
}

fn timed(arguments: &Arguments, opening: Opening) -> Result<Sink, Trouble> {
    let when = match arguments.find(1, "when") {
        None => "H".to_owned(),
        Some(Value::Text(when)) => when.to_uppercase(),
        Some(other) => return Err(Trouble::Fatal(format!("args: when is {other:?}"))),
    };
    let interval = arguments.integer(2, "interval", 1)?;
    let keep = usize::try_from(arguments.integer(3, "backupCount", 0)?).unwrap_or(0);
    let schedule = match when.as_str() {
        "S" => Schedule::new("seconds", interval),
        "M" => Schedule::new("minutes", interval),
        "H" => Schedule::new("hours", interval),
        "D" => Schedule::new("days", interval),
        "MIDNIGHT" => Schedule::new("midnight", interval),
        _ => {
            let day = when.strip_prefix('W').and_then(|day| day.parse().ok());
            let day = day.ok_or_else(|| format!("args: Invalid rollover interval: {when}"))?;
            Schedule::new("weekday", day)
        }
    }?;
    for (at, name) in [(6, "utc"), (7, "atTime")] {
        if !matches!(arguments.find(at, name), None | Some(Value::None | Value::Bool(false))) {
            return Err(Trouble::Missing(format!("there is no counterpart of {name}")));
        }
    }
    let path = arguments.need(0, "filename")?;
    Ok(Sink::file(
        Path::new(&path),
        false,
        Some(crate::sink::Rotation::Interval { schedule, keep }),
        opening,
    )?)
}

/// The name at the end of `handlers.SysLogHandler.LOG_LOCAL0`, `syslog.LOG_USER` or `'local0'`.
fn facility(given: Option<&Value>) -> Result<String, Trouble> {
    match given {
        None | Some(Value::None) => Ok("LOG_USER".into()),
        Some(Value::Text(name) | Value::Name(name)) => {
            Ok(name.rsplit('.').next().unwrap_or(name).to_owned())
        }
        Some(other) => Err(Trouble::Missing(format!("facility {other:?} is not given by name"))),
    }
}

#[cfg(test)]
mod tests;
