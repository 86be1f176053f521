//! Nothing written into a file can make reading panic, and what is read obeys a few plain rules.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::fs;

use cinder_conf::{Item, Kind, Opt, OsloConfig, Request, Text, Value};
use proptest::prelude::*;

static OPTIONS: [Opt<'static>; 3] = [Opt::string("foo"), Opt::list("bar"), Opt::dict("baz")];

fn load(text: &str) -> OsloConfig<'static> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("c.conf"), text).unwrap();
    let mut config = OsloConfig::new();
    for group in ["DEFAULT", "grp"] {
        config.declare_all(group, &OPTIONS).unwrap();
    }
    let mut request = Request::new("demo", "demo", dir.path());
    request.search_defaults = false;
    request.items = vec![Item::File("c.conf".to_owned())];
    drop(config.load(request));
    config
}

/// Lines that look like configuration often enough to reach every branch.
fn lines() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("[DEFAULT]"),
        Just("[grp]"),
        Just("["),
        Just("]"),
        Just("foo"),
        Just("bar"),
        Just("baz"),
        Just("="),
        Just(":"),
        Just(" "),
        Just("\t"),
        Just("\n"),
        Just("\r"),
        Just("#"),
        Just("\""),
        Just("'"),
        Just(","),
        Just("$"),
        Just("${"),
        Just("}"),
        Just("\\"),
        Just("$foo"),
        Just("$grp.bar"),
        Just("é"),
        Just("\u{feff}"),
        Just("\0"),
        Just("\u{a0}"),
    ];
    prop::collection::vec(
        prop_oneof![4 => word.prop_map(str::to_owned), 1 => any::<String>()],
        0..40,
    )
    .prop_map(|words| words.concat())
}

/// Every type, with and without limits.
fn kinds() -> Vec<Kind<'static>> {
    let text = |choices, ignore_case, quotes| {
        Kind::String(Text { choices, ignore_case, regex: None, max_length: Some(9), quotes })
    };
    let list = |item, bounds| Kind::List { item, bounds, min_length: None, max_length: None };
    vec![
        Kind::STRING,
        text(&["a", "b,c"], true, false),
        text(&[], false, true),
        Kind::Boolean,
        Kind::Integer { min: Some(-3), max: Some(70_000), choices: &[] },
        Kind::Float { min: Some(-1.5), max: None },
        Kind::Range,
        Kind::IpAddress { version: None },
        Kind::HostAddress { version: None },
        Kind::HostDomain { version: None },
        Kind::Hostname,
        Kind::Uri { schemes: &["http"], max_length: Some(30) },
        list(&Kind::STRING, true),
        list(&Kind::INTEGER, false),
        list(&Kind::Range, false),
        Kind::Dict { value: &Kind::INTEGER, bounds: true, separator: ":" },
        Kind::Dict { value: &Kind::LIST, bounds: false, separator: "=" },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_file_is_read_or_refused_without_a_panic(text in lines()) {
        let config = load(&text);
        for group in ["DEFAULT", "grp"] {
            for option in &OPTIONS {
                drop(config.get(group, option.dest));
            }
        }
        prop_assert!(!config.log_lines().is_empty());
    }

    #[test]
    fn any_text_converts_or_is_refused_by_every_type(text in "\\PC{0,40}|[-0-9a-f.:,_\\[\\]{}= ]{0,40}") {
        for kind in kinds() {
            if let Ok(value) = kind.parse(&text) {
                drop((value.to_text(), value.to_ini()));
            }
        }
    }

    #[test]
    fn a_plain_value_reads_back_as_written(text in "[a-zA-Z0-9_/.@%+-]([a-zA-Z0-9 _/.@%+,:=#;-]{0,30}[a-zA-Z0-9])?") {
        let config = load(&format!("[DEFAULT]\nfoo = {text}\n"));
        prop_assert_eq!(config.get("DEFAULT", "foo").unwrap(), Value::Text(text));
    }

    #[test]
    fn doubling_dollars_keeps_any_one_line_value(text in "[$a-z{}./]{1,30}") {
        let config = load(&format!("[DEFAULT]\nfoo = {}\n", text.replace('$', "$$")));
        prop_assert_eq!(config.get("DEFAULT", "foo").unwrap(), Value::Text(text));
    }

    #[test]
    fn a_list_reads_back_as_written(items in prop::collection::vec("[a-z0-9.]{1,8}", 1..10)) {
        let config = load(&format!("[DEFAULT]\nbar = {}\n", items.join(" , ")));
        let wanted = items.into_iter().map(Value::Text).collect();
        prop_assert_eq!(config.get("DEFAULT", "bar").unwrap(), Value::List(wanted));
    }

    #[test]
    fn numbers_read_back_as_written(number: i64) {
        prop_assert_eq!(Kind::INTEGER.parse(&number.to_string()).unwrap(), Value::Int(number.into()));
        let float = number as f64 / 8.0;
        let kind = Kind::Float { min: None, max: None };
        prop_assert_eq!(kind.parse(&format!("{float:e}")).unwrap(), Value::Float(float));
    }
}
