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
