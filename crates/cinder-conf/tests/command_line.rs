//! The arguments of a volume service: spellings, order relative to files, refusals.

#![cfg(feature = "cinder")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::ffi::OsString;

use cinder_conf::{Item, cinder, cli::Refusal};
use expect_test::{Expect, expect};

fn parse(words: &[&str]) -> Result<Vec<Item>, Refusal> {
    let arguments = cinder::arguments();
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let command = arguments.command("cinder-volume", "29.0.0");
    let command = command.subcommand(clap::Command::new("status"));
    arguments.parse(command, &words).map(|matches| arguments.items(&matches))
}

fn refused(words: &[&str], expected: Expect) {
    let refusal = parse(words).unwrap_err();
    assert_eq!(refusal.code, 2);
    let said = refusal.stderr.lines().find(|line| line.starts_with("cinder-volume: error: "));
    expected.assert_eq(said.unwrap());
}

fn value(dest: &str, text: &str) -> Item {
    Item::Value { group: "DEFAULT".to_owned(), dest: dest.to_owned(), text: text.to_owned() }
}

#[test]
fn items_keep_the_order_of_the_command_line() {
    let items = parse(&[
        "--debug",
        "--config-file",
        "a",
        "--nodebug",
        "--state_path=/x",
        "--config-dir=d",
        "--config-file=b",
        "-d",
    ]);
    let file = |path: &str| Item::File(path.to_owned());
    assert_eq!(
        items.unwrap(),
        [
            value("debug", "true"),
            file("a"),
            value("debug", "false"),
            value("state_path", "/x"),
            Item::Directory("d".to_owned()),
            file("b"),
            value("debug", "true"),
        ]
    );
}

#[test]
fn former_spellings_and_unambiguous_abbreviations_are_accepted() {
    assert_eq!(parse(&["--logfile", "x"]).unwrap(), [value("log_file", "x")]);
    assert_eq!(parse(&["--log_config", "x"]).unwrap(), [value("log_config_append", "x")]);
    assert_eq!(parse(&["--state", "x"]).unwrap(), [value("state_path", "x")]);
    assert_eq!(parse(&["--backend_name", "lvm"]).unwrap(), [value("backend_name", "lvm")]);
}

#[test]
fn refusals_are_worded_as_upstream_words_them() {
    let e = |words: &[&str], expected| refused(words, expected);
    e(&["--nope"], expect!["cinder-volume: error: unrecognized arguments: --nope"]);
    e(&["--nope", "x", "y"], expect!["cinder-volume: error: unrecognized arguments: --nope x y"]);
    e(&["--"], expect!["cinder-volume: error: unrecognized arguments: --"]);
    e(
        &["--state-path", "x"],
        expect!["cinder-volume: error: unrecognized arguments: --state-path x"],
    );
    e(
        &["--config-file"],
        expect!["cinder-volume: error: argument --config-file: expected one argument"],
    );
    e(
        &["--log-dir"],
        expect!["cinder-volume: error: argument --log-dir/--logdir: expected one argument"],
    );
    e(
        &["--debug=1"],
        expect!["cinder-volume: error: argument --debug/-d: ignored explicit argument '1'"],
    );
    e(
        &["--lo", "x"],
        expect![
            "cinder-volume: error: ambiguous option: --lo could match --log-config-append, --log-config, --log_config, --log-date-format, --log-dir, --logdir, --log-file, --logfile"
        ],
    );
}

#[test]
fn a_slip_is_answered_with_what_was_meant() {
    for (words, meant) in [
        (&["--state-path", "x"][..], "--state_path"),
        (&["--confg-file=x"], "--config-file"),
        (&["statsu"], "status"),
    ] {
        let stderr = parse(words).unwrap_err().stderr;
        assert!(stderr.ends_with(&format!("\n  did you mean {meant}?\n")), "{stderr}");
    }
    assert!(!parse(&["--nope"]).unwrap_err().stderr.contains("did you mean"));
}

#[test]
fn the_usage_block_is_upstreams() {
    expect![[r#"
        usage: cinder-volume [-h] [--backend_host BACKEND_HOST]
                             [--backend_name BACKEND_NAME] [--config-dir DIR]
                             [--config-file PATH] [--debug] [--log-config-append PATH]
                             [--log-date-format DATE_FORMAT] [--log-dir LOG_DIR]
                             [--log-file PATH] [--nodebug] [--nouse-journal]
                             [--nouse-json] [--nouse-syslog]
                             [--shell_completion SHELL_COMPLETION]
                             [--state_path STATE_PATH]
                             [--syslog-log-facility SYSLOG_LOG_FACILITY]
                             [--use-journal] [--use-json] [--use-syslog] [--version]
    "#]]
    .assert_eq(&cinder::arguments().usage("cinder-volume"));
}

#[test]
fn version_and_help_win_over_strangers_and_go_to_standard_output() {
    let version = parse(&["--nope", "--version"]).unwrap_err();
    assert_eq!((version.code, version.stdout.as_str()), (0, "29.0.0\n"));
    let help = parse(&["--help"]).unwrap_err();
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("--log-config-append <PATH>"), "{}", help.stdout);
}

#[test]
fn a_subcommand_of_the_program_is_no_stranger() {
    assert_eq!(parse(&["--debug", "status"]).unwrap(), [value("debug", "true")]);
    refused(&["--nope", "status"], expect!["cinder-volume: error: unrecognized arguments: --nope"]);
}
