//! Runs cases: makes the files, loads, reads, and compares with what oslo.config did.
//!
//! Must not know any case: everything comes from the file. A case passes when every part of its
//! `expected` agrees: error class, message, value, log records.

use std::{ffi::OsString, fs, path::Path};

use cinder_conf::{
    Change, DeclareError, FileError, LoadError, Notice, NoticeLevel, Origin, OsloConfig, ReadError,
    ReferenceFault, Request, Value, cli::Arguments,
};
use serde_json::{Value as Json, json};

use crate::declare::{self, Declared};

/// What came of a file of cases.
pub struct Outcome {
    pub passed: usize,
    pub failures: Vec<String>,
}

/// Runs every case of `text`.
pub fn run(text: &str) -> Result<Outcome, String> {
    let file: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let cases = file["vectors"].as_array().ok_or("no \"vectors\" list")?;
    let mut outcome = Outcome { passed: 0, failures: Vec::new() };
    for case in cases {
        let got = attempt(case).map_err(|error| error.to_string())?;
        let wanted = &case["expected"];
        match differing(wanted, &got) {
            None => outcome.passed += 1,
            Some(part) => outcome.failures.push(format!(
                "{}: {part}: expected {}, got {}",
                case["name"].as_str().unwrap_or("?"),
                wanted[&part],
                got[&part]
            )),
        }
    }
    Ok(outcome)
}

/// First part that differs. Parts that a case does not mention must be empty.
fn differing(wanted: &Json, got: &Json) -> Option<String> {
    let empty = |json: &Json| json.is_null() || json.as_array().is_some_and(Vec::is_empty);
    let parts = got.as_object()?.keys().chain(wanted.as_object()?.keys());
    let differs = |part: &&String| {
        let (wanted, got) = (&wanted[part.as_str()], &got[part.as_str()]);
        let optional = matches!(part.as_str(), "config_files" | "config_dirs");
        !(wanted == got || (empty(wanted) && (optional || empty(got))))
    };
    parts.into_iter().find(differs).cloned()
}

/// Loads and reads one case in a directory of its own; the result has the shape of `expected`.
fn attempt(case: &Json) -> std::io::Result<Json> {
    let scratch = tempfile::tempdir()?;
    let dir = scratch.path().canonicalize()?;
    for directory in case["dirs"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        fs::create_dir_all(dir.join(directory))?;
    }
    fs::create_dir_all(dir.join("home"))?;
    write(&dir, &case["files"])?;
    let got = play(case, &dir);
    let root = dir.display().to_string();
    let text = got.to_string().replace(&root, "{DIR}");
    Ok(serde_json::from_str(&text)?)
}

fn write(dir: &Path, files: &Json) -> std::io::Result<()> {
    for file in files.as_array().into_iter().flatten() {
        let path = dir.join(file["path"].as_str().unwrap_or_default());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match (file["text"].as_str(), file["bytes_hex"].as_str()) {
            (Some(text), _) => fs::write(&path, text)?,
            (None, Some(hex)) => fs::write(&path, bytes(hex))?,
            (None, None) => fs::remove_file(&path)?,
        }
    }
    Ok(())
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect()
}

fn play(case: &Json, dir: &Path) -> Json {
    let options = declare::options(case);
    let mut config = OsloConfig::new();
    for Declared { group, option, .. } in options.iter().filter(|o| !o.late) {
        if let Err(error) = config.declare(group, option) {
            return json!({ "register": refused(&error) });
        }
    }
    for (list, is_override) in [("set_override", true), ("set_default", false)] {
        for setting in case[list].as_array().into_iter().flatten() {
            let group = setting["group"].as_str().unwrap_or("DEFAULT");
            let name = setting["name"].as_str().unwrap_or_default();
            match is_override {
                true => config.set_override(group, name, given(&setting["value"])),
                false => config.set_default(group, name, given(&setting["value"])),
            }
        }
    }
    let request = match request(case, dir, &options) {
        Ok(request) => request,
        Err(load) => return json!({ "load": load }),
    };
    if let Err(errors) = config.load(request) {
        let logs = records(&config.take_notices());
        return json!({ "load": errors.first().map(failed), "logs": logs });
    }
    for Declared { group, option, .. } in options.iter().filter(|o| o.late) {
        if let Err(error) = config.declare(group, option) {
            return json!({ "register": refused(&error) });
        }
    }
    read_back(case, dir, &options, &mut config)
}

fn read_back(case: &Json, dir: &Path, options: &[Declared], config: &mut OsloConfig<'_>) -> Json {
    let mut got = json!({ "load": "ok", "values": values(config, options) });
    let lookups = case["lookups"].as_array().into_iter().flatten();
    for lookup in lookups {
        let group = lookup["group"].as_str().unwrap_or("DEFAULT");
        let name = lookup["name"].as_str().unwrap_or_default();
        got["lookups"][format!("{group}.{name}")] = value(config, group, name);
    }
    if case["want_locations"] == true {
        for Declared { group, option, .. } in options {
            got["locations"][format!("{group}.{}", option.dest)] =
                place(config, group, option.dest);
        }
    }
    if case["want_config_files"] == true {
        got["config_files"] = json!(config.config_files());
        got["config_dirs"] = json!(config.config_directories());
    }
    if case["want_log_opt_values"] == true {
        got["log_opt_values"] = json!(config.log_lines());
    }
    let mut logs = config.take_notices();
    if let Some(action) = case["action"].as_str() {
        if let Err(error) = write(dir, &case["files_after"]) {
            return json!({ "load": error.to_string() });
        }
        let mut said = Vec::new();
        got["action_result"] = match action {
            "mutate" => match config.mutate() {
                Ok(mutation) => {
                    said.extend(mutation.notices);
                    Json::Array(mutation.changed.iter().map(change).collect())
                }
                Err(errors) => json!(errors.first().map(failed)),
            },
            _ => Json::Bool(config.reload().is_ok()),
        };
        said.extend(config.take_notices());
        got["action_logs"] = records(&said);
        got["values_after"] = values(config, options);
        logs.extend(config.take_notices());
    }
    got["logs"] = records(&logs);
    got
}

fn request(case: &Json, dir: &Path, options: &[Declared]) -> Result<Request, Json> {
    let root = dir.display().to_string();
    let here = |text: &str| text.replace("{DIR}", &root);
    let words: Vec<String> = case["args"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|word| word.as_str().map(here))
        .collect();
    let own = options.iter().filter(|o| !o.late).map(|o| (o.group, o.option));
    let built_in = OsloConfig::built_in_options().iter().map(|option| ("DEFAULT", option));
    let arguments = Arguments::new(built_in.chain(own));
    let command = arguments.command("cinder-volume", "29.0.0");
    let raw: Vec<OsString> = words.iter().map(OsString::from).collect();
    let matches = arguments.parse(command, &raw).map_err(|refusal| {
        json!({ "exit": refusal.code, "stderr": refusal.stderr, "stdout": refusal.stdout })
    })?;
    let project = case["project"].as_str().unwrap_or("cinder");
    let mut request = Request::new(project, "cinder-volume", dir);
    request.home = Some(dir.join("home"));
    request.search_defaults = case["search_defaults"] == true;
    request.items = arguments.items(&matches);
    request.arguments = words;
    let variables = case["env"].as_object().into_iter().flatten();
    request.environment =
        variables.filter_map(|(name, value)| Some((name.clone(), here(value.as_str()?)))).collect();
    Ok(request)
}

fn given(json: &Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number.into()),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::Array(items) => Value::List(items.iter().map(given).collect()),
        Json::Object(pairs) => {
            Value::Dict(pairs.iter().map(|(key, value)| (key.clone(), given(value))).collect())
        }
    }
}

fn values(config: &OsloConfig<'_>, options: &[Declared]) -> Json {
    let mut all = json!({});
    for Declared { group, option, .. } in options {
        all[format!("{group}.{}", option.dest)] = value(config, group, option.dest);
    }
    all
}

fn value(config: &OsloConfig<'_>, group: &str, name: &str) -> Json {
    match config.get(group, name) {
        Ok(value) => json!({ "value": shown(&value) }),
        Err(error) => unreadable(&error, Some(name).filter(|_| group == "DEFAULT")),
    }
}

fn shown(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(number) => whole(*number),
        Value::Float(number) if number.is_finite() => json!(number),
        Value::Float(_) => json!({ "float": value.to_text() }),
        Value::Text(text) => json!(text),
        Value::List(items) => Json::Array(items.iter().map(shown).collect()),
        Value::Dict(pairs) => {
            Json::Object(pairs.iter().map(|(key, value)| (key.clone(), shown(value))).collect())
        }
        Value::Range(start, stop, step) => {
            let numbers = [start, stop, step].map(|number| whole(*number));
            json!({ "range": numbers })
        }
    }
}

/// JSON has no whole numbers beyond 64 bits; neither have the files.
fn whole(number: i128) -> Json {
    i64::try_from(number).map_or_else(|_| json!(number as f64), |number| json!(number))
}

fn place(config: &OsloConfig<'_>, group: &str, name: &str) -> Json {
    match config.read(group, name).map(|found| found.origin) {
        Ok(Origin::File { path, .. }) => json!(["user", path]),
        Ok(Origin::CommandLine) => json!(["command_line", ""]),
        Ok(Origin::Environment(name)) => json!(["environment", name]),
        Ok(Origin::Override) => json!(["set_override", ""]),
        Ok(Origin::ProgramDefault) => json!(["set_default", ""]),
        Ok(Origin::Default) => json!(["opt_default", ""]),
        Err(error) => json!(error.to_string()),
    }
}

fn change(change: &Change) -> Json {
    let texts = |texts: &Vec<String>| match (change.multi, texts.as_slice()) {
        (_, []) => Json::Null,
        (true, all) => json!(all),
        (false, all) => json!(all.last()),
    };
    let group = Some(&change.group).filter(|group| *group != "DEFAULT");
    json!({
        "group": group,
        "name": change.name,
        "old": texts(&change.old),
        "new": texts(&change.new),
    })
}

fn records(notices: &[Notice]) -> Json {
    let level = |level| match level {
        NoticeLevel::Info => "INFO",
        NoticeLevel::Warning => "WARNING",
        NoticeLevel::Error => "ERROR",
    };
    let record = |notice: &Notice| {
        let text = located(&notice.text);
        json!({ "logger": cinder_conf::LOGGER, "level": level(notice.level), "message": text })
    };
    notices.iter().map(record).collect()
}

/// An error as oslo.config shows it: class, base classes, text.
fn named(class: &str, text: String) -> Json {
    let bases: &[&str] = match class {
        "ConfigFileValueError" => &["ConfigSourceValueError", "Error", "ValueError"],
        "ConfigSourceValueError" | "DefaultValueError" => &["Error", "ValueError"],
        "NoSuchOptError" => &["Error", "AttributeError"],
        "UnicodeDecodeError" => &["ValueError"],
        "IsADirectoryError" => &["OSError"],
        "ValueError" => &[],
        _ => &["Error"],
    };
    json!({ "error": class, "bases": bases, "message": text })
}

fn refused(error: &DeclareError) -> Json {
    let class = match error {
        DeclareError::Duplicate(_) => "DuplicateOptError",
        DeclareError::BadDefault { .. } => "DefaultValueError",
        _ => "ValueError",
    };
    named(class, error.to_string())
}

fn failed(error: &LoadError) -> Json {
    match error {
        LoadError::Argument { .. } => {
            json!({ "exit": 1, "stderr": format!("{error}\n"), "stdout": "" })
        }
        LoadError::Read(error) => unreadable(error, None),
        LoadError::Required { .. } => named("RequiredOptError", error.to_string()),
        LoadError::File(file) => {
            let class = match file {
                FileError::NotFound { .. } => "ConfigFilesNotFoundError",
                FileError::Denied { .. } => "ConfigFilesPermissionDeniedError",
                FileError::NoDirectory { .. } | FileError::UnreadableDirectory { .. } => {
                    "ConfigDirNotFoundError"
                }
                FileError::Malformed { .. } => "ConfigFileParseError",
                FileError::IsDirectory { .. } => "IsADirectoryError",
                FileError::NotUtf8 { .. } => "UnicodeDecodeError",
                _ => "OSError",
            };
            named(class, error.to_string())
        }
        other => named("Error", other.to_string()),
    }
}

/// Reading an attribute of the whole configuration, upstream says "no such option" for whatever a
/// reference in it runs into, and names the option read.
fn unreadable(error: &ReadError, attribute: Option<&str>) -> Json {
    match error {
        ReadError::Value(value) if value.origin == Origin::Default => {
            named("ValueError", value.reason.to_string())
        }
        ReadError::Value(value) => {
            let class = match value.origin {
                Origin::File { .. } => "ConfigFileValueError",
                _ => "ConfigSourceValueError",
            };
            named(class, located(&error.to_string()))
        }
        ReadError::Reference(reference) => {
            if let Some(name) = attribute {
                let text = format!("no such option {name} in group [DEFAULT]");
                return named("NoSuchOptError", text);
            }
            let class = match reference.fault {
                ReferenceFault::NoSuchOption(_) => "NoSuchOptError",
                ReferenceFault::NoSuchGroup(_) => "NoSuchGroupError",
                ReferenceFault::IsGroup(_) => "TemplateSubstitutionError",
                _ => "RecursionError",
            };
            named(class, error.to_string())
        }
        ReadError::NoSuchGroup { .. } => named("NoSuchGroupError", error.to_string()),
        _ => named("NoSuchOptError", error.to_string()),
    }
}

/// Our `FILE:LINE` in upstream's notation, which has no line.
fn located(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" is not valid") {
        let (head, place) = before.rsplit_once(" from ").unwrap_or((before, ""));
        let file = place.rsplit_once(':').filter(|(_, line)| line.parse::<u32>().is_ok());
        let (kind, detail) = match (file, place.strip_prefix("environment ")) {
            (_, Some(name)) => ("environment: (6, True)", name),
            (Some((file, _)), None) => ("user: (4, True)", file),
            (None, None) => ("command_line: (5, True)", ""),
        };
        let located = format!("LocationInfo(location=<Locations.{kind}>, detail='{detail}')");
        out.push_str(&format!("{head} from {located} is not valid"));
        rest = after;
    }
    out + rest
}
