//! What a program that declares its own options relies on, beside the values it reads.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::fs;

use cinder_conf::{
    Alias, Item, Kind, LoadError, Opt, OsloConfig, ReadError, ReferenceFault, Request, Text, Value,
};
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

static REFERRING: [Opt<'static>; 6] = [
    Opt::string("blank"),
    Opt::string("kibibyte"),
    Opt::string("text"),
    Opt::string("now").multi().aliases(&[
        Alias::name("before"),
        Alias::at("api", "earlier"),
        Alias::at("other", "elsewhere"),
    ]),
    Opt::list("lists").multi().default_list(&["a,b", "c"]),
    Opt::list("list").default_list(&["a", "b"]),
];

/// The value of `text` in a file that says this of it.
fn unfolded(text: &str) -> Result<Value, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let kibibyte = "x".repeat(1024);
    let file = format!("[api]\nblank =\nkibibyte = {kibibyte}\ntext = {text}\n");
    fs::write(folder.path().join("c.conf"), file).unwrap();
    let mut config = OsloConfig::new();
    config.declare_all("api", &REFERRING).unwrap();
    let mut request = Request::new("demo", "demo-api", folder.path());
    request.search_defaults = false;
    request.items = vec![Item::File("c.conf".to_owned())];
    config.load(request).unwrap();
    config.get("api", "text")
}

fn fault(text: &str) -> ReferenceFault {
    match unfolded(text) {
        Err(ReadError::Reference(error)) => error.fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn references_unfold_to_a_mebibyte_and_are_ten_thousand_at_most() {
    let mebibyte = "$kibibyte".repeat(1024);
    assert_eq!(unfolded(&mebibyte), Ok(Value::Text("x".repeat(1 << 20))));
    assert!(matches!(fault(&format!("{mebibyte}-")), ReferenceFault::TooMuch(_)));
    assert_eq!(unfolded(&"$blank".repeat(10_000)), Ok(Value::Text(String::new())));
    assert!(matches!(fault(&"$blank".repeat(10_001)), ReferenceFault::TooMuch(_)));
}

#[test]
fn a_reference_to_a_group_is_told_from_one_to_nothing() {
    assert_eq!(fault("$api"), ReferenceFault::IsGroup("api".to_owned()));
    assert_eq!(fault("$DEFAULT"), ReferenceFault::NoSuchOption("DEFAULT".to_owned()));
}

#[test]
fn values_under_a_former_name_come_before_those_under_the_present_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.conf"), "[api]\nnow = 1\nbefore = 2\nnow = 3\n").unwrap();
    let mut config = OsloConfig::new();
    config.declare_all("api", &REFERRING).unwrap();
    let mut request = Request::new("demo", "demo-api", folder.path());
    request.search_defaults = false;
    request.items = vec![Item::File("c.conf".to_owned())];
    config.load(request).unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(config.get("api", "now").unwrap(), Value::List(["2", "1", "3"].map(text).to_vec()));
    for name in ["before", "earlier"] {
        assert_eq!(config.get("api", name), config.get("api", "now"), "a program asks for {name}");
    }
    for name in ["ever", "elsewhere"] {
        assert!(matches!(config.get("api", name), Err(ReadError::NoSuchOption { .. })), "{name}");
    }
    // Each default of an option that may be given several times is a value of its type.
    let first = Value::List(vec![text("a"), text("b")]);
    let second = Value::List(vec![text("c")]);
    assert_eq!(config.get("api", "lists").unwrap(), Value::List(vec![first.clone(), second]));
    assert_eq!(config.get("api", "list").unwrap(), first);
}

#[test]
fn a_program_can_read_which_directory_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = OsloConfig::new();
    let mut request = Request::new("demo", "demo-api", folder.path());
    request.home = Some(folder.path().to_owned());
    fs::create_dir_all(folder.path().join(".demo/demo.conf.d")).unwrap();
    config.load(request.clone()).unwrap();
    let [directory] = &config.config_directories()[..] else { panic!("one directory") };
    let read = Value::List(vec![Value::Text(directory.clone())]);
    assert_eq!(config.get("DEFAULT", "config_dir").unwrap(), read);
    fs::create_dir(folder.path().join("c.d")).unwrap();
    request.items = vec![Item::Directory("c.d".to_owned())];
    config.load(request).unwrap();
    let [directory] = &config.config_directories()[..] else { panic!("one directory") };
    let read = Value::List(vec![Value::Text(directory.clone())]);
    assert_eq!(config.get("DEFAULT", "config_dir").unwrap(), read);
}

#[test]
fn a_reload_reads_new_default_files_and_a_bad_one_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".demo");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("demo.conf"), "[api]\nmax-size = 1\n").unwrap();
    let mut config = OsloConfig::new();
    config.declare_all("api", &OPTIONS).unwrap();
    let mut request = Request::new("demo", "demo-api", home.path());
    request.home = Some(home.path().to_owned());
    config.load(request).unwrap();
    let files = |config: &OsloConfig<'_>| -> Vec<String> {
        let names = config.config_files().iter().filter_map(|path| path.rsplit('/').next());
        names.map(str::to_owned).collect()
    };
    assert_eq!(files(&config), ["demo.conf"]);
    fs::write(folder.join("demo-api.conf"), "no separator\n").unwrap();
    config.reload().unwrap_err();
    assert_eq!(files(&config), ["demo.conf"]);
    fs::write(folder.join("demo-api.conf"), "[api]\nmax-size = 2\n").unwrap();
    config.reload().unwrap();
    assert_eq!(files(&config), ["demo.conf", "demo-api.conf"]);
    assert_eq!(config.get("api", "max-size").unwrap(), Value::Int(2));
}

#[test]
fn a_review_misses_what_is_required_and_names_changes_of_default_first() {
    static MUTABLE: [Opt<'static>; 1] = [Opt::string("level").mutable()];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.conf");
    fs::write(&file, "[api]\nmax-size = 1\n").unwrap();
    let mut config = OsloConfig::new();
    config.declare_all("api", &OPTIONS).unwrap();
    for group in ["AAA", "DEFAULT", "zzz"] {
        config.declare_all(group, &MUTABLE).unwrap();
    }
    let mut request = Request::new("demo", "demo-api", folder.path());
    request.search_defaults = false;
    request.items = vec![Item::File("c.conf".to_owned())];
    config.load(request).unwrap();
    let changed = "[zzz]\nlevel = 1\n[AAA]\nlevel = 2\n[DEFAULT]\nlevel = 3\n";
    fs::write(&file, format!("{changed}[api]\nmax-size = 1\n")).unwrap();
    let (mutation, _) = config.review().unwrap();
    let groups: Vec<_> = mutation.changed.iter().map(|change| change.group.as_str()).collect();
    assert_eq!(groups, ["DEFAULT", "AAA", "zzz"]);
    fs::write(&file, changed).unwrap();
    let errors = config.review().unwrap_err();
    let [LoadError::Required { group, option }] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!((group.as_str(), option.as_str()), ("api", "max-size"));
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

#[test]
fn a_range_is_one_number_or_goes_up_or_down() {
    for (text, range) in [
        ("3", Value::Range(3, 2, -1)),
        ("1-3", Value::Range(1, 4, 1)),
        ("3-1", Value::Range(3, 0, -1)),
        ("-3--1", Value::Range(-3, 0, 1)),
        ("3-3", Value::Range(3, 2, -1)),
        ("0", Value::Range(0, -1, -1)),
    ] {
        assert_eq!(Kind::Range.parse(text), Ok(range), "{text}");
    }
    for text in ["", "x", "3x", "1-", "1-3x", "01-3", "1-03", &"1".repeat(31)] {
        assert!(Kind::Range.parse(text).is_err(), "{text}");
    }
    assert!(Kind::Range.parse(&"1".repeat(30)).is_ok());
}

#[test]
fn a_length_of_zero_is_no_limit() {
    for longest in [Some(0), None, Some(9)] {
        let Kind::String(text) = Kind::STRING else { panic!() };
        let text = Kind::String(Text { max_length: longest, ..text });
        assert!(text.parse("nine char").is_ok(), "{longest:?}");
        assert_eq!(text.parse("ten chars!").is_ok(), longest != Some(9), "{longest:?}");
        let uri = Kind::Uri { schemes: &[], max_length: longest };
        assert!(uri.parse("http://ab").is_ok(), "{longest:?}");
        assert_eq!(uri.parse("http://abc").is_ok(), longest != Some(9), "{longest:?}");
    }
}

#[test]
fn texts_without_regard_to_case_are_those_that_are_listed() {
    let Kind::String(text) = Kind::STRING.with_choices(&["One", "Two", "Three"]) else { panic!() };
    let kind = Kind::String(Text { ignore_case: true, ..text });
    for (text, accepted) in [("one", true), ("TWO", true), ("four", false)] {
        assert_eq!(kind.parse(text).is_ok(), accepted, "{text}");
    }
    let one = Kind::String(Text { ignore_case: true, choices: &["One"], ..text });
    assert!(one.parse("ONE").is_ok() && one.parse("two").is_err());
}

#[test]
fn a_uri_has_a_scheme_and_a_host_in_the_characters_that_they_may_have() {
    let uri = Kind::Uri { schemes: &[], max_length: None };
    for text in [
        "http://host",
        "a+b-c.d1://host",
        "http://user:pass@host",
        "http://us%41er@host:80/p?q#f",
        "http://[::1]:80",
        "http://[fe80::1%25eth0]",
        "http://host:",
    ] {
        assert!(uri.parse(text).is_ok(), "{text}");
    }
    for text in [
        "host",
        "http:host",
        "1http://host",
        "ht tp://host",
        "ht_tp://host",
        "://host",
        "http://us er@host",
        "http://us%4xer@host",
        "http://us%x4er@host",
        "http://us%4",
        "http://[host]",
        "http://[::1]x",
        "http://:80",
        "http://ho st",
        "http://ho st:80",
        "http://host:8x",
        "http://host:port",
    ] {
        assert!(uri.parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_uri_that_lacks_something_is_shown_with_percent_escapes() {
    let uri = Kind::Uri { schemes: &[], max_length: None };
    for (text, path) in [
        ("x:/a%41b", "'/a%41b'"),
        ("x:/\u{e9} b", "'/%C3%A9%20b'"),
        // One bad escape, and none is one.
        ("x:/a%41b%4", "'/a%2541b%254'"),
        ("x:/a%4x", "'/a%254x'"),
    ] {
        let reason = uri.parse(text).unwrap_err().to_string();
        assert!(reason.contains(&format!("path={path},")), "{text}: {reason}");
    }
}
