//! What a program that declares its own options relies on, beside the values it reads.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::fs;

use cinder_conf::{Item, Kind, LoadError, Opt, OsloConfig, Request, Value};
use tempfile::TempDir;

static OPTIONS: [Opt<'static>; 5] = [
    Opt::integer("workers").min(1).default_int(2).cli().required(),
    Opt::string("password").secret(),
    Opt::integer("max-size").required(),
    Opt::integer("plain"),
    Opt::string("name").default_text("anybody"),
];

/// The options above in `[api]`, with this text as the only file.
fn load(text: &str) -> (OsloConfig<'static>, Vec<LoadError>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.conf"), text).unwrap();
    let mut config = OsloConfig::new();
    config.declare_all("api", &OPTIONS).unwrap();
    let mut request = Request::new("demo", "demo-api", folder.path());
    request.search_defaults = false;
    request.items = vec![Item::File("c.conf".to_owned())];
    let errors = config.load(request).err().unwrap_or_default();
    (config, errors, folder)
}

#[test]
fn what_a_debugger_shows_names_files_and_groups_and_no_value() {
    let (config, errors, _folder) = load("[api]\npassword = hunter2\nmax-size = 1\n");
    assert!(errors.is_empty(), "{errors:?}");
    let shown = format!("{config:?}");
    assert!(shown.contains("c.conf") && shown.contains("\"api\""), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_wrong_value_of_a_required_argument_is_reported_once() {
    let (config, errors, _folder) = load("[api]\nworkers = many\nmax-size = 1\n");
    let [LoadError::Argument { spelling, .. }] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!(spelling, "workers");
    let problems = config.describe(&errors);
    assert_eq!(problems.errors(), 1);
    assert!(problems.to_string().contains("\"many\" is not a whole number"), "{problems}");
}

#[test]
fn a_wrong_value_is_told_by_what_its_option_wants() {
    let (config, errors, _folder) = load("[api]\nmax-size = large\n");
    let [LoadError::Read(_)] = &errors[..] else { panic!("{errors:?}") };
    let problems = config.describe(&errors).to_string();
    assert!(problems.contains("[api] max-size: \"large\" is not a whole number"), "{problems}");
}

#[test]
fn a_blank_number_counts_as_its_default_in_a_section_and_only_there() {
    #[derive(serde::Deserialize)]
    struct Api {
        workers: u32,
        plain: Option<i64>,
        name: String,
    }

    let (config, _, _folder) = load("[api]\nworkers =\nplain =\nname =\nmax-size = 1\n");
    assert_eq!(config.get("api", "workers").unwrap(), Value::None);
    let api: Api = config.section("api").unwrap();
    assert_eq!((api.workers, api.plain, api.name.as_str()), (2, None, ""));
}

#[test]
fn types_are_described_as_the_command_line_shows_them() {
    let limited = Kind::Integer { min: Some(5), max: Some(7), choices: &[] };
    for (kind, described) in [
        (Kind::LIST, "List of String"),
        (Kind::DICT, "Dict of String"),
        (Kind::STRING.with_choices(&["a", "b"]), "String(choices=['a', 'b'])"),
        (limited, "Integer(min=5, max=7)"),
        (Kind::Integer { min: Some(5), max: None, choices: &[1, 2] }, "Integer(choices=[1, 2])"),
        (Kind::Float { min: Some(0.5), max: None }, "Float(min=0.5)"),
        (Kind::Boolean, "Boolean"),
    ] {
        assert_eq!(kind.describe(), described);
    }
}

#[test]
fn a_host_name_has_253_characters_at_most() {
    let label = "a".repeat(63);
    for (last, accepted) in [(61, true), (62, false), (63, false)] {
        let name = format!("{label}.{label}.{label}.{}", "a".repeat(last));
        assert_eq!(Kind::Hostname.parse(&name).is_ok(), accepted, "{} characters", name.len());
    }
}

#[test]
fn a_list_has_as_many_items_as_it_may_have() {
    let list = |min_length, max_length| Kind::List {
        item: &Kind::STRING,
        bounds: false,
        min_length,
        max_length,
    };
    for (text, enough, few) in [("a", false, true), ("a,b", true, true), ("a,b,c", true, false)] {
        assert_eq!(list(Some(2), None).parse(text).is_ok(), enough, "{text}");
        assert_eq!(list(None, Some(2)).parse(text).is_ok(), few, "{text}");
    }
}

#[test]
fn an_item_with_commas_is_found_unless_it_is_as_long_as_no_item_is() {
    for (length, accepted) in [(100, true), (4095, true), (4096, false), (5000, false)] {
        let item = format!("{},b", "a".repeat(length));
        let choices = [item.as_str(), "x"];
        let kind = Kind::STRING.with_choices(&choices);
        let list = Kind::List { item: &kind, bounds: false, min_length: None, max_length: None };
        // Such a long one is tried with everything that follows, and with nothing less.
        assert_eq!(list.parse(&format!("{item},x")).is_ok(), accepted, "{length} characters");
        assert!(list.parse(&item).is_ok(), "{length} characters");
    }
}

#[test]
fn a_value_with_commas_is_found_in_a_dictionary() {
    let value = Kind::STRING.with_choices(&["a,b", "x"]);
    let dict = Kind::Dict { value: &value, bounds: false, separator: ":" };
    let text = |text: &str| Value::Text(text.to_owned());
    let pairs = vec![("k".to_owned(), text("a,b")), ("l".to_owned(), text("x"))];
    assert_eq!(dict.parse("k:a,b,l:x").unwrap(), Value::Dict(pairs));
}

#[test]
fn numbers_have_limits_that_belong_to_them() {
    let choice = Kind::Integer { min: None, max: None, choices: &[5] };
    assert_eq!(choice.parse("5").unwrap(), Value::Int(5));
    assert!(choice.parse("6").is_err());
    let float = Kind::Float { min: Some(0.5), max: Some(1.5) };
    for (text, accepted) in
        [("0.4", false), ("0.5", true), ("1", true), ("1.5", true), ("1.6", false), ("9", false)]
    {
        assert_eq!(float.parse(text).is_ok(), accepted, "{text}");
    }
}
