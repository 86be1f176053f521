//! Secrets in the values of any option, and characters that would forge a line: nothing shows them.

#![cfg(feature = "cinder")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use cinder_conf::{Item, Request, cinder};

const MARKER: &str = "hunter2";

fn request(dir: &Path, text: &str) -> Request {
    std::fs::write(dir.join("cinder.conf"), text).unwrap();
    let mut request = Request::new("cinder", "cinder-volume", dir);
    request.search_defaults = false;
    request.host_name = "node1".to_owned();
    request.items = vec![Item::File("cinder.conf".to_owned())];
    request
}

/// Every option that the sample shows, with its group.
fn options() -> Vec<(String, String)> {
    let sample = cinder::sample();
    let (mut group, mut all) = (String::new(), BTreeSet::new());
    for line in sample.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            group = name.to_owned();
        } else if let Some((name, _)) =
            line.strip_prefix('#').and_then(|line| line.split_once(" = "))
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            all.insert((group.clone(), name.to_owned()));
        }
    }
    all.into_iter().collect()
}

/// In the shapes in which passwords stand in values: a URL, one that nobody has encoded, mount
/// options, a dictionary.
#[test]
fn a_password_in_the_value_of_any_option_is_shown_by_nothing() {
    let shapes = [
        format!("http://user:{MARKER}@host/x"),
        format!("rabbit://user:a@b/{MARKER}@host:1,user:{MARKER}@other:2/v"),
        format!("vers=4,username=u,password={MARKER},ro"),
        format!("auth_token: '{MARKER}'"),
        format!("http://a:{MARKER}@one http://b:{MARKER}@two"),
    ];
    let mut options = options();
    // Names of sections: each of them is shown as one, apart from the others.
    options.retain(|(_, name)| name != "enabled_backends");
    assert!(options.len() > 450, "only {} options", options.len());
    let dir = tempfile::tempdir().unwrap();
    for shape in &shapes {
        let (mut text, mut group) = (String::new(), "");
        for (own, name) in &options {
            if own != group {
                text += &format!("[{own}]\n");
                group = own;
            }
            text += &format!("{name} = {shape}\n");
        }
        let report = cinder::check(request(dir.path(), &text));
        let outputs = [report.to_string(), serde_json::to_string_pretty(&report).unwrap()];
        for output in outputs {
            let shown: Vec<_> = output.lines().filter(|line| line.contains(MARKER)).collect();
            assert!(shown.is_empty(), "{} lines, first {}", shown.len(), shown[0]);
        }
        // Those whose type takes the text can be loaded, and so be dumped, logged and explained.
        for (own, name) in &options {
            let one = format!("[{own}]\n{name} = {shape}\n");
            let Ok(conf) = cinder::load(request(dir.path(), &one)) else { continue };
            let dump: String = conf.dump().iter().map(|entry| format!("{entry}\n")).collect();
            let log = conf.log_lines().join("\n");
            let explained = cinder::explain(&format!("{own}.{name}"), Some(&conf)).unwrap();
            for output in [dump, log, explained] {
                assert!(!output.contains(MARKER), "[{own}] {name} = {shape}");
            }
        }
    }
}

#[test]
fn a_line_that_cannot_be_parsed_may_be_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    for line in [
        format!("rabbit_password {MARKER}"),
        MARKER.to_owned(),
        format!("rabbit://u:{MARKER}@h"),
        format!("  {MARKER}"),
    ] {
        let report = cinder::check(request(dir.path(), &format!("[DEFAULT]\n\n{line}\n")));
        assert!(!report.to_string().contains(MARKER), "{report}");
    }
}

#[test]
fn no_value_forges_a_line_or_drives_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let evil = "x\u{1b}[2J\u{202e}\r";
    let text = format!(
        "[DEFAULT]\nenabled_backends = a\nreport_interval = {evil}\n{evil} = 1\nmy_ip = 1\n[a]\n[{evil}]\nk = v\n"
    );
    let report = cinder::check(request(dir.path(), &text)).to_string();
    let acts = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!report.contains(acts), "{report:?}");
    assert!(report.contains("\\x1b") || report.contains("\\u{1b}"), "{report}");
    let conf = cinder::load(request(
        dir.path(),
        "[DEFAULT]\nstorage_availability_zone = x\u{1b}y\n one\n[a]\n",
    ));
    for entry in conf.unwrap().dump() {
        assert!(!entry.to_string().contains(acts), "{entry:?}");
        assert_eq!(entry.to_string().lines().count(), 1, "{entry:?}");
    }
}

/// With file and line; a back end's own name leaves out that back end only.
#[test]
fn names_of_services_with_control_characters_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (text, place, fatal) in [
        ("[DEFAULT]\nhost = n\u{1b}x\nenabled_backends = a\n[a]\n", "cinder.conf:2", true),
        ("[DEFAULT]\ncluster = c\u{7f}\nenabled_backends = a\n[a]\n", "cinder.conf:2", true),
        ("[DEFAULT]\nenabled_backends = a\n[a]\nbackend_host = x\u{1}y\n", "cinder.conf:4", false),
        ("[DEFAULT]\nenabled_backends = a\u{1b}b,c\n[a\u{1b}b]\n[c]\n", "cinder.conf:2", false),
    ] {
        let report = cinder::check(request(dir.path(), text));
        assert_eq!(report.problems.is_fatal(), fatal, "{report}");
        let text = report.to_string();
        assert!(text.contains(place) && text.contains("control character"), "{text}");
    }
}
