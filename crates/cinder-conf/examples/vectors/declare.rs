//! Turns the option descriptions of a case into declarations.
//!
//! Declarations borrow their texts. A case lives as long as the process here, so texts are leaked;
//! a program would keep them in a structure of its own.

use cinder_conf::{Alias, Fallback, Kind, Opt, Removal, Text};
use serde_json::Value as Json;

/// One option of a case.
pub struct Declared {
    pub group: &'static str,
    pub option: &'static Opt<'static>,
    /// Declared after loading.
    pub late: bool,
}

/// The options of a case.
pub fn options(case: &Json) -> Vec<Declared> {
    case["options"].as_array().into_iter().flatten().map(declared).collect()
}

fn declared(json: &Json) -> Declared {
    let group = text(&json["group"]).unwrap_or("DEFAULT");
    let name = text(&json["name"]).unwrap_or_default();
    let dest = text(&json["dest"]).unwrap_or_else(|| leak(name.replace('-', "_")));
    let mut option = Opt::new(dest, kind(&json["type"])).spelled(name).default(default(json));
    option.multi = json["multi"] == true;
    option.secret = json["secret"] == true;
    option.mutable = json["mutable"] == true;
    option.required = json["required"] == true;
    option.advanced = json["advanced"] == true;
    option.aliases = aliases(json);
    if json["deprecated_for_removal"] == true {
        let (reason, since) = (text(&json["deprecated_reason"]), text(&json["deprecated_since"]));
        option.removal = Some(Removal { reason, since });
    }
    if json["cli"] == true {
        let short = text(&json["short"]).and_then(|short| short.chars().next());
        option = match json["positional"] == true {
            true => option.cli_positional(),
            false => option.cli_as(short, text(&json["metavar"])),
        };
    }
    Declared { group, option: Box::leak(Box::new(option)), late: json["register"] == "after" }
}

fn aliases(json: &Json) -> &'static [Alias<'static>] {
    let one = |name: &Json, group: &Json| Alias { name: text(name), group: text(group) };
    let mut all = Vec::new();
    if json.get("deprecated_name").is_some() || json.get("deprecated_group").is_some() {
        all.push(one(&json["deprecated_name"], &json["deprecated_group"]));
    }
    let more = json["deprecated_opts"].as_array().into_iter().flatten();
    all.extend(more.map(|other| one(&other["name"], &other["group"])));
    Vec::leak(all)
}

fn kind(json: &Json) -> Kind<'static> {
    let (min, max) = (json["min"].as_i64(), json["max"].as_i64());
    let version = json["version"].as_u64().and_then(|version| u8::try_from(version).ok());
    match json["kind"].as_str().unwrap_or("String") {
        "Boolean" => Kind::Boolean,
        "Integer" => Kind::Integer { min, max, choices: numbers(&json["choices"]) },
        "Float" => Kind::Float { min: json["min"].as_f64(), max: json["max"].as_f64() },
        "Port" => Kind::Port {
            min: min.or(Some(0)),
            max: max.or(Some(65535)),
            choices: numbers(&json["choices"]),
        },
        "List" => Kind::List {
            item: inner(&json["item_type"]),
            bounds: json["bounds"] == true,
            min_length: length(&json["min_length"]),
            max_length: length(&json["max_length"]),
        },
        "Dict" => Kind::Dict {
            value: inner(&json["value_type"]),
            bounds: json["bounds"] == true,
            separator: text(&json["key_value_separator"]).unwrap_or(":"),
        },
        "Range" => Kind::Range,
        "IPAddress" => Kind::IpAddress { version },
        "Hostname" => Kind::Hostname,
        "HostAddress" => Kind::HostAddress { version },
        "HostDomain" => Kind::HostDomain { version },
        "URI" => {
            Kind::Uri { schemes: texts(&json["schemes"]), max_length: length(&json["max_length"]) }
        }
        _ => Kind::String(Text {
            choices: texts(&json["choices"]),
            ignore_case: json["ignore_case"] == true,
            regex: text(&json["regex"]),
            max_length: length(&json["max_length"]),
            quotes: json["quotes"] == true,
        }),
    }
}

fn inner(json: &Json) -> &'static Kind<'static> {
    Box::leak(Box::new(kind(json)))
}

fn default(json: &Json) -> Fallback<'static> {
    match &json["default"] {
        Json::Bool(value) => Fallback::Bool(*value),
        Json::String(_) => Fallback::Text(text(&json["default"]).unwrap_or_default()),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Fallback::Int(number),
            None => Fallback::Float(number.as_f64().unwrap_or_default()),
        },
        Json::Array(items) => Fallback::List(Vec::leak(items.iter().map(plain).collect())),
        Json::Object(pairs) => Fallback::Dict(Vec::leak(
            pairs.iter().map(|(key, value)| (leak(key.clone()), plain(value))).collect(),
        )),
        Json::Null => Fallback::Unset,
    }
}

fn plain(json: &Json) -> &'static str {
    text(json).unwrap_or_else(|| leak(json.to_string()))
}

fn text(json: &Json) -> Option<&'static str> {
    json.as_str().map(|text| leak(text.to_owned()))
}

fn texts(json: &Json) -> &'static [&'static str] {
    Vec::leak(json.as_array().into_iter().flatten().map(plain).collect())
}

fn numbers(json: &Json) -> &'static [i64] {
    Vec::leak(json.as_array().into_iter().flatten().filter_map(Json::as_i64).collect())
}

fn length(json: &Json) -> Option<usize> {
    json.as_u64().and_then(|length| usize::try_from(length).ok())
}

fn leak(text: String) -> &'static str {
    String::leak(text)
}
