//! Our tables against the inventory of a cinder 29.0.0 volume process.

#![cfg(feature = "cinder")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::BTreeMap;

use cinder_conf::{Fallback, Kind, Opt, OsloConfig, Section as _, cinder, options::SHADOWS};

/// Group and name → everything the inventory knows, in one line.
type Lines = BTreeMap<(String, String), String>;

fn inventory() -> Lines {
    let text = include_str!("data/options-29.0.0.tsv");
    let line = |line: &str| {
        let mut parts = line.splitn(3, '\t');
        let mut next = || parts.next().unwrap().to_owned();
        ((next(), next()), next())
    };
    text.lines().map(line).collect()
}

fn ours() -> Lines {
    let mut lines = Lines::new();
    let mut add = |group: &str, option: &Opt<'_>, shadow: bool| {
        let key = (group.to_owned(), option.name.to_owned());
        assert!(lines.insert(key, line(group, option, shadow)).is_none(), "twice: {}", option.name);
    };
    for option in OsloConfig::built_in_options() {
        add("DEFAULT", option, false);
    }
    for (group, options) in cinder::tables()
        .filter(|(group, _)| !["database_client", "health", "supervisor"].contains(group))
    {
        for option in options {
            add(group, option, false);
            if group == "backend_defaults" && SHADOWS.contains(&option.dest) {
                add("DEFAULT", option, true);
            }
        }
    }
    lines
}

fn line(group: &str, option: &Opt<'_>, shadow: bool) -> String {
    let kind = match option.multi {
        true => format!("multi {}", option.kind.type_name()),
        false => option.kind.type_name().to_owned(),
    };
    let (min, max, choices, folded) = match option.kind {
        Kind::Integer { min, max, choices } | Kind::Port { min, max, choices } => {
            let choices = choices.iter().map(ToString::to_string).collect::<Vec<_>>();
            (min.map(|n| n.to_string()), max.map(|n| n.to_string()), choices, false)
        }
        Kind::Float { min, max } => {
            (min.map(|n| n.to_string()), max.map(|n| n.to_string()), Vec::new(), false)
        }
        Kind::String(text) => {
            let choices = text.choices.iter().map(ToString::to_string).collect();
            (None, None, choices, text.ignore_case)
        }
        _ => (None, None, Vec::new(), false),
    };
    let flags = [
        ('s', option.secret),
        ('m', option.mutable),
        ('r', option.required),
        ('a', option.advanced),
        ('c', option.cli.is_some()),
        ('d', option.removal.is_some()),
        ('h', shadow),
        ('i', folded),
    ];
    let flags: String = flags.into_iter().filter_map(|(flag, set)| set.then_some(flag)).collect();
    let alias = |alias: &cinder_conf::Alias<'_>| {
        format!("{}/{}", alias.group.unwrap_or(group), alias.name.unwrap_or(option.name))
    };
    let aliases: Vec<String> = option.aliases.iter().map(alias).collect();
    [
        kind,
        default(option.default),
        min.unwrap_or_default(),
        max.unwrap_or_default(),
        choices.join("|"),
        flags,
        aliases.join(","),
    ]
    .join("\t")
}

fn default(default: Fallback<'_>) -> String {
    match default {
        Fallback::Unset => "(unset)".to_owned(),
        Fallback::Text(text) => text.to_owned(),
        Fallback::Bool(value) => value.to_string(),
        Fallback::Int(number) => number.to_string(),
        Fallback::Float(number) => number.to_string(),
        Fallback::List(items) => items.join(","),
        Fallback::Dict(pairs) => {
            pairs.iter().map(|(k, v)| format!("{k}:{v}")).collect::<Vec<_>>().join(",")
        }
    }
}

/// Spellings of one number, and defaults that depend on the machine, are no difference.
fn same(theirs: &str, ours: &str) -> bool {
    let alike = |(theirs, ours): (&str, &str)| {
        theirs == ours
            || theirs == "(computed)"
            || theirs.parse::<f64>().is_ok_and(|n| ours.parse() == Ok(n))
    };
    let (theirs, ours): (Vec<&str>, Vec<&str>) =
        (theirs.split('\t').collect(), ours.split('\t').collect());
    theirs.len() == ours.len() && theirs.into_iter().zip(ours).all(alike)
}

#[test]
fn every_option_of_a_volume_process_is_declared_exactly_as_upstream_declares_it() {
    let (theirs, mut ours) = (inventory(), ours());
    let mut differences = Vec::new();
    // oslo.log registers this one when the first deprecation is reported, too late for the inventory.
    // oslo.messaging registers the others when the first server or client is made.
    for late in [
        "fatal_deprecations",
        "rpc_response_timeout",
        "executor_thread_pool_size",
        "rpc_ping_enabled",
    ] {
        ours.remove(&("DEFAULT".to_owned(), late.to_owned()));
    }
    // The local driver is ours.
    for option in cinder_conf::options::local::Local::OPTIONS {
        ours.remove(&("backend_defaults".to_owned(), option.name.to_owned()));
    }
    // Drivers of ours take these over at a HUP; the original's do at a restart.
    for name in ["reserved_percentage", "max_over_subscription_ratio"] {
        for group in ["backend_defaults", "DEFAULT"] {
            let line = ours.get_mut(&(group.to_owned(), name.to_owned())).unwrap();
            assert!(line.contains("\tm"), "{name} is mutable: {line}");
            *line = line.replacen("\tm", "\t", 1);
        }
    }
    // `<backend>` holds what is registered in each back end's section and in no group of its own.
    for ((group, name), theirs) in theirs.iter().filter(|((group, _), _)| group != "<backend>") {
        match ours.remove(&(group.clone(), name.clone())) {
            Some(ours) if same(theirs, &ours) => {}
            ours => differences.push(format!("[{group}] {name}: {theirs:?} / {ours:?}")),
        }
    }
    differences.extend(ours.into_keys().map(|key| format!("not upstream's: {key:?}")));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_declaration_is_accepted_and_explains_itself() {
    let tables: Vec<_> = cinder::tables().collect();
    let mut config = OsloConfig::new();
    for (group, options) in &tables {
        config.declare_all(group, options).unwrap();
        for option in *options {
            let help = option.help_text();
            assert!(help.ends_with('.'), "[{group}] {}: {help:?}", option.dest);
        }
    }
}
