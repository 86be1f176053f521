//! The library against what oslo.config 10.7.0 did in 342 cases.

#[path = "../examples/vectors/declare.rs"]
mod declare;
#[path = "../examples/vectors/runner.rs"]
mod runner;

use std::collections::BTreeMap;

/// Cases in which this library deliberately differs, with the reason (`docs/compat.md`).
const DIFFERENT: [(&str, &str); 7] = [
    ("ini-invalid-utf8", "the message names the file and the byte"),
    (
        "env-bad-int-file-present",
        "the message blames the variable, which is where the value stands",
    ),
    ("list-min-length-bad", "the message is formatted"),
    ("mutate-bad-value-not-detected", "a value of the wrong type is refused"),
    ("mutate-required-now-missing", "the old value stays in force"),
    ("mutate-substitution-of-immutable", "an immutable option does not change"),
    ("mutate-immutable-refers-to-mutable", "a mutable option does change"),
];

#[test]
fn every_case_reads_as_upstream_except_the_listed_ones() {
    let outcome = runner::run(include_str!("data/vectors.json")).unwrap();
    let failures: BTreeMap<&str, &str> = outcome
        .failures
        .iter()
        .map(|failure| (failure.split(':').next().unwrap(), failure.as_str()))
        .collect();
    let unexpected: Vec<_> = failures
        .iter()
        .filter(|(name, _)| !DIFFERENT.iter().any(|(listed, _)| listed == *name))
        .map(|(_, failure)| *failure)
        .collect();
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    let names: Vec<&str> = DIFFERENT.iter().map(|(name, _)| *name).collect();
    let passed: Vec<_> = names.iter().filter(|name| !failures.contains_key(*name)).collect();
    assert!(passed.is_empty(), "listed as different, yet equal: {passed:?}");
    assert_eq!(outcome.passed + DIFFERENT.len(), 342);
}

/// Another file of cases, named by `CINDER_CONF_VECTORS`; the variable says how many may fail after
/// a colon. Without it there is nothing to run.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test takes a file from whoever runs it")]
fn a_file_of_cases_named_by_the_environment_passes() {
    let Ok(named) = std::env::var("CINDER_CONF_VECTORS") else { return };
    let (file, allowed) = match named.rsplit_once(':') {
        Some((file, allowed)) => (file.to_owned(), allowed.parse().unwrap()),
        None => (named, 0),
    };
    let outcome = runner::run(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(outcome.failures.len() <= allowed, "{}", outcome.failures.join("\n"));
}
